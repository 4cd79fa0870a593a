package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/archive"
	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/xid"
)

const (
	// backupTries is how often a backup is begun that something comes in the way of: DDL, or the loss of a leaf.
	backupTries = 5
	// quietTries is how often a moment without commits is sought; what is being committed is waited for longer each time, up to quietPatience.
	quietTries    = 10
	firstPatience = 200 * time.Millisecond
	quietPatience = 3 * time.Second
)

// backup is BACKUP DATABASE. It gives the number of rows.
func (l *leader) backup(ctx context.Context, cmd *catalog.Command, a order.Archive) (uint64, error) {
	d, err := l.cat.Snapshot().Database(a.Database)
	if err != nil {
		return 0, err
	}
	for name, t := range d.Tables {
		if t.Kind == topo.Linked {
			return 0, topo.IsLinked("BACKUP DATABASE", d.Name, name)
		}
	}
	owner := archive.Owner{Cluster: l.cat.ClusterID(), Command: cmd.ID}
	dir, done, err := archive.Create(a.Path, owner)
	if err != nil {
		return 0, err
	}
	if done != nil { // by an earlier controller on this machine, which did not come to say so
		return done.Rows(), nil
	}
	p := l.progressOf(cmd, a.Database)
	m, held, err := l.save(ctx, dir, a.Database, p)
	if err == nil {
		m.Node, m.Owner = l.node.Name(), owner
		err = dir.Finish(m)
	}
	if ctx.Err() != nil && err != nil {
		err = ctx.Err() // whatever came of it
	}
	p.end(err)
	if err != nil {
		dir.Abort()
		return 0, err
	}
	l.event("notice", "backup done", "", a.Database, fmt.Sprintf("%d rows of %s are in %s on node %s; commits were held back for at most %s", m.Rows(), m.Taken.Format(time.RFC3339),
		a.Path, l.node.Name(), held.Round(time.Millisecond)))
	return m.Rows(), nil
}

// save tries until nothing has come in the way. held is for how long commits have waited at the most.
func (l *leader) save(ctx context.Context, dir *archive.Dir, db string, p *progress) (m *archive.Manifest, held time.Duration, err error) {
	for try := 1; ; try++ {
		m, err := archive.Save(ctx, l.cfg.Pools, backedUp{l, db, &held}, dir, p.tell)
		if err == nil || try == backupTries || ctx.Err() != nil || !inTheWay(err) {
			return m, held, err
		}
		l.log.Info("control: a backup begins anew", "database", db, "error", err)
		if err := dir.Clear(); err != nil {
			return nil, held, err
		}
		select {
		case <-time.After(time.Duration(try) * time.Second):
		case <-ctx.Done():
			return nil, held, ctx.Err()
		}
	}
}

// inTheWay says whether what a backup failed by may be over when it begins anew.
func inTheWay(err error) bool {
	var lost *backend.LostError
	var down *backend.LeafDownError
	return errors.Is(err, archive.ErrChanged) || errors.Is(err, archive.ErrGaveWay) || errors.Is(err, errMoved) || errors.As(err, &lost) || errors.As(err, &down)
}

// backedUp is what a backup asks of the cluster.
type backedUp struct {
	l    *leader
	db   string
	held *time.Duration // for how long commits were held back at the most
}

// Still runs f under the database's DDL lock.
func (b backedUp) Still(ctx context.Context, f func(d *topo.Database, shape string) error) error {
	l := b.l
	lock, err := l.node.Lock(ctx, b.db)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := l.ddl.Settle(ctx, lock, b.db); err != nil {
		return err
	}
	if err := l.cat.Sync(ctx); err != nil {
		return err
	}
	s := l.cat.Snapshot()
	d, err := s.Database(b.db)
	if err != nil {
		return err
	}
	for _, p := range d.Partitions {
		master, err := s.MasterLeaf(p.ID)
		if err != nil {
			return err
		}
		if master.State != topo.LeafOnline {
			return fmt.Errorf("leaf %s, which has the master of partition %s, is not online: %w", master.Name, p.ID, errMoved)
		}
	}
	online := s.OnlineLeaves()
	if len(online) == 0 {
		return topo.NoOnlineLeaf()
	}
	return f(d, online[0].Name)
}

// Next is above the values that nodes have handed out.
func (b backedUp) Next(ctx context.Context, t *topo.Table) (uint64, error) {
	return b.l.cat.Sequence(t.ID).Above(ctx)
}

// Rate is that of copies.
func (b backedUp) Rate() int64 { return b.l.copyRate() }

// Quiet has commits wait, and runs f once those that were under way have ended at every node: a transaction over several partitions has been committed at all of them
// or at none. One whose node was lost in between is waited for until it is settled.
func (b backedUp) Quiet(ctx context.Context, d *topo.Database, f func(ctx context.Context) error) error {
	patience := firstPatience
	for try := 1; ; try++ {
		quiet, err := b.quiet(ctx, d, patience, f)
		if err != nil || quiet {
			return err
		}
		if try == quietTries {
			return refuse(1205, "No moment was found at which nothing is committed to database '%s': statements that write to it run for longer than %s, or transactions are in doubt (XA RECOVER on its leaves). Try again when they have ended.",
				b.db, quietPatience)
		}
		select {
		case <-time.After(patience):
		case <-ctx.Done():
			return ctx.Err()
		}
		patience = min(2*patience, quietPatience)
	}
}

func (b backedUp) quiet(ctx context.Context, d *topo.Database, patience time.Duration, f func(ctx context.Context) error) (quiet bool, err error) {
	l := b.l
	ctx, cancel := context.WithTimeout(ctx, switchWithin)
	defer cancel()
	end, err := l.take(ctx, quieting+b.db)
	if err != nil {
		return false, err
	}
	defer end()
	began := time.Now()
	defer func() { *b.held = max(*b.held, time.Since(began)) }()
	defer l.tidy(func(ctx context.Context) error { _, err := l.setQuiet(ctx, b.db, false); return err })
	rev, err := l.setQuiet(ctx, b.db, true)
	if err != nil {
		return false, err
	}
	for late := time.Now().Add(patience); ; {
		changed := l.cat.BoardChanged()
		undrained, err := l.barrier(ctx, rev)
		if err != nil {
			return false, err
		}
		// The database's own commits, and those of reference tables, which are in no partition.
		if !undrained[topo.PartitionID{DB: b.db, Ordinal: committing}] && !undrained[topo.PartitionID{Ordinal: committing}] {
			break
		}
		select {
		case <-changed:
		case <-time.After(time.Until(late)):
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	if !sameMasters(d, l.cat.Snapshot().Databases[b.db]) {
		return false, errMoved
	}
	waiting, finished, err := b.finished(ctx, d)
	if err != nil || !finished {
		return false, err
	}
	if err := f(ctx); err != nil {
		return false, err
	}
	for _, x := range waiting { // or some of it may be in the backup
		if finished, err := b.unended(ctx, x); err != nil || !finished {
			return false, err
		}
	}
	return true, nil
}

// finished looks for what is prepared at the masters while nothing is committed: its owner has died, and other branches of the transaction may have committed. A client's XA
// transaction that has not ended has committed nowhere: those are given, and are not in the backup.
func (b backedUp) finished(ctx context.Context, d *topo.Database) (waiting []xid.XID, finished bool, err error) {
	places := map[string]map[uint64]bool{}
	for _, p := range d.Partitions {
		master, _ := p.Master()
		if places[master] == nil {
			places[master] = map[uint64]bool{xid.PlaceShape: true}
		}
		places[master][xid.PlaceHash(p.ID)] = true
	}
	for leaf, of := range places {
		branches, err := b.l.servers.Branches(ctx, leaf)
		if err != nil {
			return nil, false, err
		}
		for _, x := range branches {
			if !of[x.Place] {
				continue
			}
			if unended, err := b.unended(ctx, x); err != nil || !unended {
				return nil, false, err
			}
			waiting = append(waiting, x)
		}
	}
	return waiting, true, nil
}

// unended says whether a branch is of a transaction of which certainly nothing has been committed.
func (b backedUp) unended(ctx context.Context, x xid.XID) (bool, error) {
	if x.Decider != 0 {
		return false, nil
	}
	d, err := b.l.cat.Decision(ctx, x.ID.String())
	return err == nil && d != nil && d.Outcome != catalog.Committed, err
}

// quieting begins the name of what works on a database that is quiet.
const quieting = "quiet "

// setQuiet has commits to a database wait, or lets them go on.
func (l *leader) setQuiet(ctx context.Context, db string, on bool) (int64, error) {
	return l.update(ctx, func(x *catalog.Txn) error {
		old := x.Database(db)
		switch {
		case old == nil && on:
			return topo.NoDatabase(db)
		case old == nil || old.Quiet == on:
			return nil
		}
		n := changed(old)
		n.Quiet = on
		x.PutDatabase(n)
		return nil
	})
}

// unquiet lets commits go on where that has failed when it was due.
func (l *leader) unquiet(ctx context.Context) error {
	s := l.cat.Snapshot()
	for _, db := range sortedDatabases(s) {
		if !s.Databases[db].Quiet {
			continue
		}
		if end, ok := l.tryTake(quieting + db); ok {
			_, err := l.setQuiet(ctx, db, false)
			end()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// committing is the ordinal by which nodes tell of commits that are under way, see gate.Commits.
const committing = -2

// sameMasters says whether all partitions are in the terms that they were in.
func sameMasters(a, b *topo.Database) bool {
	return b != nil && slices.EqualFunc(a.Partitions, b.Partitions, func(p, q *topo.Partition) bool { return p.Term == q.Term && len(q.Instances) > 0 })
}

// restoredRecord begins the keys of restoredDocs; the command's number follows.
const restoredRecord = "restored/"

// restoredDoc says which database a RESTORE makes: the next controller knows by it that it was made.
type restoredDoc struct {
	DB     string `json:"db"`
	Domain uint32 `json:"domain"` // of its first partition, in its first term
}

// restore is RESTORE DATABASE. It gives the number of rows.
func (l *leader) restore(ctx context.Context, cmd *catalog.Command, a order.Archive) (uint64, error) {
	db := cmp.Or(a.As, a.Database)
	m, err := archive.Open(a.Path)
	if err != nil {
		return 0, err
	}
	if m.Database != a.Database {
		return 0, refuse(1049, "The backup in '%s' is of database '%s', not of '%s'", a.Path, m.Database, a.Database)
	}
	key := fmt.Sprintf("%s%d", restoredRecord, cmd.ID)
	defer l.tidy(func(ctx context.Context) error {
		if l.ctx.Err() != nil {
			return nil // for the next controller
		}
		return l.node.SaveProcedure(ctx, key, nil)
	})
	if !l.restoredBefore(key, db) {
		p := l.progressOf(cmd, db, hides(db, m.Partitions)...)
		err := l.ddl.Restore(ctx, savedAs(m, db), func(ctx context.Context, places []ddl.SavedPlace) error {
			if places[0].Ordinal == 0 {
				doc, err := json.Marshal(restoredDoc{db, places[0].Domain})
				if err != nil {
					return err
				}
				if err := l.node.SaveProcedure(ctx, key, doc); err != nil {
					return err
				}
			}
			return l.load(ctx, a.Path, m, places, p)
		})
		if ctx.Err() != nil && err != nil {
			err = ctx.Err()
		}
		p.end(err)
		if err != nil {
			return 0, err
		}
		l.event("notice", "database restored", "", db, fmt.Sprintf("%d rows of %s from %s on node %s", m.Rows(), m.Taken.Format(time.RFC3339), a.Path, l.node.Name()))
	}
	if l.cat.Snapshot().Settings.Redundancy > 1 {
		// The database is there and in use. What it lacks is made by the next RESTORE REDUNDANCY or REBALANCE.
		if err := l.replicas(ctx, cmd, db); err != nil && ctx.Err() == nil {
			l.event("warning", "replicas missing", "", db, "the restored database has not got all its replicas: "+err.Error())
		}
	}
	return m.Rows(), nil
}

// restoredBefore says whether the database is there because an earlier controller has restored it by this command.
func (l *leader) restoredBefore(key, db string) bool {
	var was restoredDoc
	doc, ok := l.cat.Procedures()[key]
	if !ok || json.Unmarshal(doc, &was) != nil || was.DB != db {
		return false
	}
	d := l.cat.Snapshot().Databases[db]
	return d != nil && slices.ContainsFunc(d.Partitions, func(p *topo.Partition) bool {
		first := was.Domain + uint32(p.ID.Ordinal)
		return p.Domain == first || p.Before == first
	})
}

func (l *leader) replicas(ctx context.Context, cmd *catalog.Command, db string) error {
	return l.carryOut(ctx, cmd.Kind, cmd.ID, []string{db}, placement.RestoreRedundancy)
}

func savedAs(m *archive.Manifest, db string) ddl.Saved {
	s := ddl.Saved{Name: db, Of: m.Database, Partitions: m.Partitions, Replication: m.Replication, Charset: m.Charset, Collation: m.Collation, Single: m.Single}
	for _, t := range m.Tables {
		out := ddl.SavedTable{Name: t.Name, Kind: t.Kind, ShardKey: t.ShardKey, Explicit: t.Explicit, Create: t.Create, Next: t.Next, Row: t.Row}
		for i := range t.Triggers {
			tr := t.Triggers[i]
			if m.Database != db {
				tr = tr.Moved(db)
			}
			out.Triggers = append(out.Triggers, tr)
		}
		s.Tables = append(s.Tables, out)
	}
	for i := range m.Views {
		s.Views = append(s.Views, &m.Views[i])
	}
	for i := range m.Events {
		s.Events = append(s.Events, &m.Events[i])
	}
	for i := range m.Routines {
		r := m.Routines[i]
		r.DB = db
		s.Routines = append(s.Routines, &r)
	}
	return s
}

// load fills places from a backup, those of different leaves side by side.
func (l *leader) load(ctx context.Context, path string, m *archive.Manifest, places []ddl.SavedPlace, p *progress) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	byLeaf := map[string][]ddl.SavedPlace{}
	for _, at := range places {
		byLeaf[at.Leaf] = append(byLeaf[at.Leaf], at)
	}
	total := m.Rows()
	for _, t := range m.Tables {
		if t.Kind == topo.Reference {
			total += t.Parts[0].Rows * uint64(len(byLeaf)-1)
		}
	}
	var done atomic.Uint64
	var wg sync.WaitGroup
	loader := &archive.Loader{Pools: l.cfg.Pools, Dir: path, Manifest: m, Rate: l.copyRate, Tell: func(rows uint64) { p.tell(min(done.Add(rows), total), total) }, May: func() error {
		if !l.node.Valid() { // the next controller may be making the same tables anew
			return catalog.ErrLockLost
		}
		return nil
	}}
	for _, list := range byLeaf {
		wg.Go(func() {
			for _, at := range list {
				if err := loader.Load(ctx, archive.Target{Leaf: at.Leaf, Schema: at.Schema, Ordinal: at.Ordinal}); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// progress is the record of a backup or a restore, as SHOW REBALANCE STATUS and MV_REBALANCE_STATUS show it.
type progress struct {
	l     *leader
	mu    sync.Mutex
	saved time.Time
	doc   archiveDoc
}

type archiveDoc struct {
	operationDoc
	// Hides are the leaves' databases that clients do not see as long as it runs: they are not whole yet.
	Hides []string `json:"hides,omitempty"`
}

// hides are the leaves' databases of a database that is being restored.
func hides(db string, partitions int) []string {
	out := []string{db}
	for i := range partitions {
		out = append(out, topo.PartitionID{DB: db, Ordinal: i}.Schema())
	}
	return out
}

// progressOf begins a record. What can't be written down now is with the next change.
func (l *leader) progressOf(cmd *catalog.Command, db string, hides ...string) *progress {
	now := time.Now()
	p := &progress{l: l, doc: archiveDoc{Hides: hides, operationDoc: operationDoc{Kind: cmd.Kind, Command: cmd.ID, Started: now,
		Steps: []step{{Action: cmd.Kind + " DATABASE", DB: db, Phase: 1, Status: "running", Started: now}}}}}
	l.tidy(func(ctx context.Context) (err error) {
		if p.doc.ID, err = l.node.NewOperation(ctx); err != nil {
			return err
		}
		return p.save(ctx)
	})
	return p
}

func (p *progress) tell(rows, total uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.doc.Steps[0]
	s.Rows, s.RowsTotal = int64(rows), int64(total)
	if time.Since(p.saved) < saveEvery {
		return
	}
	if err := p.save(p.l.ctx); err != nil {
		p.l.log.Info("control: the progress of an operation could not be written down", "error", err)
	}
}

func (p *progress) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.doc.Steps[0]
	s.Status, s.Ended = "success", time.Now()
	p.doc.Hides = nil
	switch {
	case errors.Is(err, context.Canceled):
		s.Status = "canceled"
	case err != nil:
		s.Status, s.Error = "failed", err.Error()
	}
	p.l.tidy(p.save)
}

func (p *progress) save(ctx context.Context) error {
	p.saved = time.Now()
	doc, err := json.Marshal(&p.doc)
	if err != nil {
		return err
	}
	return p.l.node.SaveProcedure(ctx, archiveRecord+p.doc.Steps[0].DB, doc)
}

// archiveRecord begins the keys of these records, one a database.
const archiveRecord = "archive/"
