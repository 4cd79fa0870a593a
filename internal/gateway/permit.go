package gateway

import (
	"context"
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// permitFor is how long an account that was found to be allowed a statement on linked tables is believed to be. What nodes change is known to all of them before
// the changing statement's client hears of it; this bounds what somebody changes at the leaves by hand.
const permitFor = time.Second

// maxPermits bounds what is remembered.
const maxPermits = 8192

// permits are the statements that accounts were allowed of late. Refusals are asked for anew each time.
type permits struct {
	mu  sync.RWMutex
	all map[string]permit
}

// permit is a leaf's answer: under a version of the accounts and a revision of the topology, for a while.
type permit struct {
	rights, revision int64
	until            time.Time
}

func (p *permit) holds(rights, revision int64, now time.Time) bool {
	return p.rights == rights && p.revision == revision && now.Before(p.until)
}

func (p *permits) hold(key []byte, rights, revision int64, now time.Time) bool {
	p.mu.RLock()
	m, ok := p.all[string(key)]
	p.mu.RUnlock()
	return ok && m.holds(rights, revision, now)
}

// put remembers a permit. When there are too many, those that are over go, and some others: whichever the map yields first.
func (p *permits) put(key []byte, m permit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string]permit{}
	}
	if len(p.all) >= maxPermits {
		now := time.Now()
		for k, old := range p.all {
			if len(p.all) > maxPermits/2 || !old.holds(m.rights, m.revision, now) {
				delete(p.all, k)
			}
		}
	}
	p.all[string(key)] = m
}

// permitKey appends what decides whether a statement may run: who asks, in which role and under which settings (by which words are read), and what is asked, but for
// the values.
func (s *session) permitKey(dst []byte, w *worker) []byte {
	return s.permitKeyOf(dst, w, s.tx.Want(txn.Place{Leaf: s.home}))
}

// permitKeyOf is permitKey for an account that need not be the session's.
func (s *session) permitKeyOf(dst []byte, w *worker, want backend.Want) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, want.State.Env())
	dst = append(append(dst, want.Account.User...), 0)
	dst = append(append(dst, want.Account.Host...), 0)
	ip := want.Account.ClientIP.As16()
	dst = append(dst, ip[:]...)
	return planKey(dst, &w.scan, &s.sess)
}

// mayRun asks a leaf whether the client's account may run a statement on linked tables, unless that was asked just now. The remote server can't tell: there it runs
// under the link's account. The leaf finds the tables' shapes, so that what is wrong with the statement is MariaDB's to say, too.
func (s *session) mayRun(ctx context.Context, w *worker, src source, revision int64) error {
	if src.permitted {
		return nil
	}
	text := src.text
	switch {
	case w.st.Plan.Load != nil:
		text = loadAsInsert(&w.scan, w.st.Plan.Load)
	case text == "":
		text = string(w.scan.Src[:w.scan.End])
	}
	return s.mayRunText(ctx, w, text, revision)
}

// mayRunText is mayRun for the statement of a worker, which a leaf knows by text.
func (s *session) mayRunText(ctx context.Context, w *worker, text string, revision int64) error {
	// Both are looked at before the leaf is asked: what changes meanwhile makes the answer one for the past.
	rights, now := s.g.rights.Load(), time.Now()
	known := !w.scan.Huge
	if known {
		w.may = s.permitKey(w.may[:0], w)
		if s.g.permits.hold(w.may, rights, revision, now) {
			return nil
		}
	}
	// The connection that a session's temporary tables are on has logged in before, with the rights of then.
	if _, err := s.prepareAnywhere(ctx, text, false); err != nil {
		return err
	}
	if known {
		s.g.permits.put(w.may, permit{rights, revision, now.Add(permitFor)})
	}
	return nil
}

// loadAsInsert is an INSERT or REPLACE that needs the rights that a LOAD DATA LOCAL does, which nobody can prepare.
func loadAsInsert(scan *sqltext.Scan, l *plan.Load) string {
	var columns, values []string
	add := func(column, value string) {
		columns, values = append(columns, quoteName(column)), append(values, value)
	}
	if len(l.Stmt.Columns) == 0 {
		for i := range l.Table.Columns {
			if !l.Table.Columns[i].Invisible {
				add(l.Table.Columns[i].Name, "NULL")
			}
		}
	}
	for _, n := range l.Stmt.Columns {
		if !strings.HasPrefix(n.Text, "@") {
			add(n.Text, "NULL")
		}
	}
	for i := range l.Stmt.Set {
		add(l.Stmt.Set[i].Column.Name.Text, string(scan.AppendSpan(nil, l.Stmt.Set[i].Value.ExprSpan())))
	}
	verb := "INSERT INTO "
	if l.Stmt.Replace {
		verb = "REPLACE INTO "
	}
	return verb + string(scan.AppendSpan(nil, l.Stmt.Table.Span)) + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
}

// remotes are the servers that plans' links lead to: to make one costs more than to ask it for a row.
type remotes struct {
	mu  sync.RWMutex
	all map[*spider.Link]*backend.Remote // by the first link: a plan's links never change
	// same are those by ID and name, so that a session that goes from table to table of one server knows it for the same.
	same map[[2]string]*backend.Remote
}

// maxRemotes bounds them.
const maxRemotes = 4096

// remote is what is dialled for links, which lead to one account of one server.
func (g *Gateway) remote(links []spider.Link) (*backend.Remote, error) {
	r := &g.remotes
	r.mu.RLock()
	known := r.all[&links[0]]
	r.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	made, err := g.makeRemote(links)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil || len(r.all) >= maxRemotes {
		r.all, r.same = map[*spider.Link]*backend.Remote{}, map[[2]string]*backend.Remote{}
	}
	key := [2]string{made.ID, made.Name}
	if same := r.same[key]; same != nil {
		made = same
	}
	r.all[&links[0]], r.same[key] = made, made
	return made, nil
}

// forget lets go of those of plans that another topology has made useless.
func (r *remotes) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all, r.same = nil, nil
}
