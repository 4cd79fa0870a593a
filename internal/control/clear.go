package control

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

const (
	// manyEnded is how many domains of ended terms a leaf may know before they are cleared away: each time costs it a new binary log, or a short pause of its
	// replication.
	manyEnded = 32
	// lookAtOnce bounds how many binary logs of one leaf are looked into in one round.
	lookAtOnce = 64
	// clearWithin bounds what is done at one leaf in one round.
	clearWithin = 10 * time.Second
	// ownDomains is where servers' own domains begin, which never end.
	ownDomains uint32 = 1 << 31
)

// errFailover: something more important is to be done.
var errFailover = errors.New("a failover is under way")

// past is what a leaf's binary logs hold.
type past struct {
	logs        []mariadb.Log
	first, last mariadb.Position // where the first and the last of them began
	now         mariadb.Position
	served      map[string]uint32
}

// follower is how a leaf stands to what it replicates.
type follower struct {
	leaf  string
	links map[string]*mariadb.Link
	at    mariadb.Position // what it says itself, which may be more than
	has   mariadb.Position // what it has of what it follows: its links are started from there
}

// clear removes what ended terms have left at the leaves: binary logs that nobody needs, then domains that no log has any more, then those domains in the
// replicas' positions, in this order over several rounds, as a source lets no replica in that lacks what one of its logs begins with. Whatever is done is safe
// by itself: the next controller goes on from what it finds.
func (l *leader) clear(ctx context.Context) {
	if err := l.clearAll(ctx); err != nil && ctx.Err() == nil {
		l.log.Info("control: what ended terms have left is cleared away later", "error", err)
	}
}

func (l *leader) clearAll(ctx context.Context) error {
	s := l.cat.Snapshot()
	keep, err := l.awaited(ctx, s)
	if err != nil {
		return err
	}
	pasts := map[string]*past{}
	var followers []*follower
	var errs []error
	// What is live is asked for last: a domain that has begun by now is either served by the leaf that wrote in it, or in the topology, or this controller's.
	for _, leaf := range s.OnlineLeaves() {
		if err := l.within(ctx, func(ctx context.Context) (err error) {
			f := &follower{leaf: leaf.Name}
			if f.links, err = l.servers.Links(ctx, leaf.Name); err != nil {
				return err
			}
			if f.at, err = l.servers.AppliedPosition(ctx, leaf.Name); err != nil {
				return err
			}
			f.has, err = l.servers.Stands(ctx, leaf.Name)
			followers = append(followers, f)
			return err
		}); err != nil {
			return err // it may need whatever there is
		}
		if err := l.within(ctx, func(ctx context.Context) (err error) {
			pasts[leaf.Name], err = l.past(ctx, leaf.Name)
			return err
		}); err != nil {
			errs = append(errs, err)
		}
	}
	whole := len(errs) == 0
	ended, err := l.ended(ctx)
	if err != nil {
		return err
	}
	at := func(f func(ctx context.Context) error) {
		if err := l.within(ctx, f); err != nil {
			errs = append(errs, err)
		}
	}
	for _, f := range followers {
		at(func(ctx context.Context) error { return l.unfollow(ctx, f, pasts, ended) })
	}
	for _, leaf := range slices.Sorted(maps.Keys(pasts)) {
		if p := pasts[leaf]; p != nil {
			if !keep { // logs that are kept for leaves that are away name the domains still
				at(func(ctx context.Context) error { return l.forgetLogged(ctx, leaf, p, ended) })
			}
			at(func(ctx context.Context) error {
				most := s.Settings.BinlogKeepBytes
				if x := s.Leaves[leaf]; x != nil && x.Disk.Short() { // leaves that are away are copied anew rather than that this one takes no writes
					most = 0
				}
				return l.purge(ctx, leaf, p, followers, keep, most)
			})
		}
	}
	for _, f := range followers {
		if whole {
			at(func(ctx context.Context) error { return l.forgetApplied(ctx, f, pasts, ended) })
		}
	}
	return errors.Join(errs...)
}

// within does something at one leaf, unless there is a failover to be made way for.
func (l *leader) within(ctx context.Context, f func(ctx context.Context) error) error {
	l.mu.Lock()
	for name := range l.busy {
		if strings.HasPrefix(name, "leaf ") {
			l.mu.Unlock()
			return errFailover
		}
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, clearWithin)
	defer cancel()
	return f(ctx)
}

// absence is since when a leaf has not been online. It is kept in the catalog, for the next controller.
type absence struct {
	Since time.Time `json:"since"`
}

const absences = "away/"

// awaited says whether binary logs are to be kept for a leaf that is not online.
func (l *leader) awaited(ctx context.Context, s *topo.Snapshot) (keep bool, err error) {
	known := map[string]absence{}
	for key, doc := range l.cat.Procedures() {
		leaf, ok := strings.CutPrefix(key, absences)
		if !ok {
			continue
		}
		var a absence
		if x := s.Leaves[leaf]; x == nil || x.State == topo.LeafOnline || json.Unmarshal(doc, &a) != nil {
			if err := l.node.SaveProcedure(ctx, key, nil); err != nil {
				return false, err
			}
			continue
		}
		known[leaf] = a
	}
	for name, leaf := range s.Leaves {
		if leaf.State == topo.LeafOnline {
			continue
		}
		a, ok := known[name]
		if !ok {
			a = absence{time.Now()}
			doc, err := json.Marshal(a)
			if err != nil {
				return false, err
			}
			if err := l.node.SaveProcedure(ctx, absences+name, doc); err != nil {
				return false, err
			}
		}
		keep = keep || leaf.State == topo.LeafAttaching || time.Since(a.Since) < time.Duration(s.Settings.BinlogKeepSeconds)*time.Second
	}
	return keep, nil
}

func (l *leader) past(ctx context.Context, leaf string) (*past, error) {
	p := &past{}
	var err error
	if p.logs, err = l.servers.Logs(ctx, leaf); err != nil {
		return nil, err
	}
	if p.first, err = l.servers.LogStart(ctx, leaf, p.logs[0].Name); err != nil {
		return nil, err
	}
	if p.last, err = l.servers.LogStart(ctx, leaf, p.logs[len(p.logs)-1].Name); err != nil {
		return nil, err
	}
	if p.now, err = l.servers.BinlogPosition(ctx, leaf); err != nil {
		return nil, err
	}
	p.served, err = l.servers.Served(ctx, leaf)
	return p, err
}

// newDomains are domains for new terms. Until free they are not taken for ended ones, though the topology does not have them.
func (l *leader) newDomains(ctx context.Context, n int) (first uint32, free func(), err error) {
	if first, err = l.cat.NewDomains(ctx, n); err != nil {
		return 0, nil, err
	}
	each := func(f func(d uint32)) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range n {
			f(first + uint32(i))
		}
	}
	each(func(d uint32) { l.beginning[d] = true })
	return first, func() { each(func(d uint32) { delete(l.beginning, d) }) }, nil
}

// ended says of domains seen before whether nobody will ever write to them, or follow them, again. What an earlier controller was about to begin never will be.
func (l *leader) ended(ctx context.Context) (func(d uint32) bool, error) {
	l.mu.Lock()
	live := maps.Clone(l.beginning)
	l.mu.Unlock()
	live[0] = true // every server's own, before it had one
	if err := l.cat.Sync(ctx); err != nil {
		return nil, err
	}
	s := l.cat.Snapshot()
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			live[p.Domain], live[p.Before] = true, true
		}
	}
	recs, err := l.cat.DDLRecords(ctx) // after the topology, which forgets a database before its DROP is in the logs
	if err != nil {
		return nil, err
	}
	for _, rec := range recs {
		for _, d := range ddl.Writes(rec) {
			live[d] = true
		}
	}
	return func(d uint32) bool { return d < ownDomains && !live[d] }, nil
}

// unfollow takes domains off a leaf's links that have ended and of which it has all: a DROP DATABASE is the last thing in some.
func (l *leader) unfollow(ctx context.Context, f *follower, pasts map[string]*past, ended func(uint32) bool) error {
	var err error
	s := l.cat.Snapshot()
	for source, link := range f.links {
		if x := s.Leaves[source]; x == nil || x.State == topo.LeafOffline && !follows(s, f.leaf, source) {
			if err := l.servers.Unlink(ctx, f.leaf, source); err != nil {
				return err
			}
			continue
		}
		from := pasts[source]
		if from == nil || !link.Receiving || !link.Applying {
			continue
		}
		var over []uint32
		for _, d := range link.Domains {
			if ended(d) && f.at[d].Sequence >= from.now[d].Sequence {
				over = append(over, d)
			}
		}
		if len(over) == 0 {
			continue
		}
		if over, err = l.followed(ctx, f.leaf, source, over); err != nil {
			return err
		}
		if len(over) > 0 {
			if err := l.servers.Unfollow(ctx, f.leaf, source, over...); err != nil {
				return err
			}
		}
	}
	return nil
}

// followed are those of some domains that have ended of which a leaf has all that its source has by now: the last statement in one may have come since it was looked at.
func (l *leader) followed(ctx context.Context, leaf, source string, domains []uint32) ([]uint32, error) {
	all, err := l.servers.BinlogPosition(ctx, source)
	if err != nil {
		return nil, err
	}
	has, err := l.servers.AppliedPosition(ctx, leaf)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(domains, func(d uint32) bool { return has[d].Sequence < all[d].Sequence }), nil
}

// follows says whether a leaf has a replica of something that another is the master of.
func follows(s *topo.Snapshot, leaf, source string) bool {
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			if m, ok := p.Master(); ok && m == source && slices.Contains(p.Replicas(), leaf) {
				return true
			}
		}
	}
	return false
}

// purge removes the binary logs of a leaf that its followers have all of, and nothing under way needs, one round after that was seen. For leaves that are
// awaited the newest logs are kept, up to some bytes.
func (l *leader) purge(ctx context.Context, leaf string, p *past, followers []*follower, keep bool, keepBytes int64) error {
	l.mu.Lock()
	held := slices.Collect(maps.Values(l.held))
	before := l.unneeded[leaf]
	l.mu.Unlock()
	first := len(p.logs) - 1 // that is needed, at most
	for _, h := range held {
		if h.leaf == leaf {
			first = min(first, p.index(h.log))
		}
	}
	n := 0
	for i := 1; i <= first && i <= lookAtOnce; i++ {
		start, err := l.servers.LogStart(ctx, leaf, p.logs[i].Name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(followers, func(f *follower) bool { return f.needs(leaf, start) }) {
			break
		}
		n = i
	}
	l.mu.Lock()
	l.unneeded[leaf] = p.logs[n].Name
	l.mu.Unlock()
	if keep {
		size, fits := int64(0), len(p.logs)
		for fits > 0 && size+p.logs[fits-1].Size <= keepBytes {
			fits--
			size += p.logs[fits].Size
		}
		n = min(n, fits)
	}
	if n = min(n, p.index(before)); n == 0 {
		return nil
	}
	return l.servers.Purge(ctx, leaf, p.logs[n].Name)
}

// index is the place of a log, 0 when there is none of that name.
func (p *past) index(log string) int {
	return max(0, slices.IndexFunc(p.logs, func(x mariadb.Log) bool { return x.Name == log }))
}

// needs says whether a leaf would not be let in by a source whose oldest log began at a place. Also what a link leaves out counts there, as far as it was received:
// the leaf's own position does not tell of what it has written itself. A link that was refused will be made anew.
func (f *follower) needs(source string, start mariadb.Position) bool {
	link := f.links[source]
	if link == nil || link.Refused && link.Error != "" {
		return false
	}
	for d, at := range start {
		has := f.has[d].Sequence
		if !slices.Contains(link.Domains, d) {
			has = max(f.at[d].Sequence, link.Received[d].Sequence)
		}
		if has < at.Sequence {
			return true
		}
	}
	return false
}

// forgetLogged takes domains out of a leaf's binary log's past that have ended and that no log has, or has the present log end, so that it will be purged. Whatever is
// about to follow the leaf from where its log was before would be refused: it comes first.
func (l *leader) forgetLogged(ctx context.Context, leaf string, p *past, ended func(uint32) bool) error {
	serves := map[uint32]bool{}
	for _, d := range p.served {
		serves[d] = true
	}
	var over []uint32
	busy := 0
	for d, at := range p.now {
		switch {
		case !ended(d) || serves[d]:
		case p.first[d] == at:
			over = append(over, d)
		case p.last[d] != at:
			busy++
		}
	}
	if len(over) >= manyEnded {
		end, ok := l.tryForget(leaf)
		if !ok {
			return nil
		}
		defer end()
		slices.Sort(over)
		var others []string // one that does not follow it yet may do so in a moment
		for name, x := range l.cat.Snapshot().Leaves {
			if name != leaf && (x.State == topo.LeafOnline || x.State == topo.LeafAttaching) {
				others = append(others, name)
			}
		}
		return l.servers.ForgetLogged(ctx, leaf, over, others...)
	}
	if busy >= manyEnded {
		return l.servers.Rotate(ctx, leaf)
	}
	return nil
}

// forgetApplied takes domains out of a leaf's position that have ended and that no log of any leaf has or names. A leaf that is away, should it have them, is
// followed by new links only.
func (l *leader) forgetApplied(ctx context.Context, f *follower, pasts map[string]*past, ended func(uint32) bool) error {
	for source, link := range f.links {
		if pasts[source] == nil || !link.Receiving || !link.Applying || link.Lag > time.Second {
			return nil // its pause could be longer than a moment
		}
	}
	var over []uint32
	for d := range f.at {
		if !ended(d) {
			continue
		}
		known := false
		for _, p := range pasts {
			_, logged := p.now[d]
			_, named := p.first[d]
			known = known || logged || named
		}
		if !known {
			over = append(over, d)
		}
	}
	if len(over) < manyEnded {
		return nil
	}
	return l.servers.ForgetApplied(ctx, f.leaf, over)
}

// held is a binary log that something under way still needs, and all newer ones. A purge under way that does not know of it yet removes none: it only removes
// what was not the newest one a round before.
type held struct{ leaf, log string }

// hold keeps the binary logs of a leaf from now on, and what it knows of their past: for a copy that is about to be made there, or a link that is about to be.
func (l *leader) hold(ctx context.Context, leaf string) (free func(), err error) {
	id, free, err := l.holdAll(ctx, leaf)
	if err != nil {
		return nil, err
	}
	logs, err := l.servers.Logs(ctx, leaf)
	if err != nil {
		free()
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[id] = held{leaf, logs[len(logs)-1].Name}
	return free, nil
}

// holdAll keeps all of a leaf's binary logs, until it is known which, once no domains are being forgotten there.
func (l *leader) holdAll(ctx context.Context, leaf string) (id int, free func(), err error) {
	try := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.busy[forgetting+leaf] {
			return false
		}
		l.holds++
		id = l.holds
		l.held[id] = held{leaf: leaf}
		return true
	}
	for !try() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return 0, nil, ctx.Err()
		}
	}
	return id, func() {
		l.mu.Lock()
		delete(l.held, id)
		l.mu.Unlock()
	}, nil
}

// forgetting is what work on a leaf is called that no logs of it may be held for.
const forgetting = "forgetting of domains at "

// tryForget has whoever is to hold a leaf's logs wait until end, unless some are held already.
func (l *leader) tryForget(leaf string) (end func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.held {
		if h.leaf == leaf {
			return nil, false
		}
	}
	if l.busy[forgetting+leaf] {
		return nil, false
	}
	l.busy[forgetting+leaf] = true
	return func() {
		l.mu.Lock()
		delete(l.busy, forgetting+leaf)
		l.mu.Unlock()
	}, true
}
