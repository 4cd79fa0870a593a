package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/gate"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// drainTime is how long statements and transactions that are inside of a locked partition are waited for before the controller is told that they still
// are: while it waits, nobody else gets in.
const drainTime = 80 * time.Millisecond

// guard is what the sessions' transactions ask about partitions that may move.
type guard struct {
	alike   *alike
	moments *moments
	gates   *gate.Gates
	cat     *catalog.Catalog
	node    *catalog.Node // nil: alone, with a lease that never ends
	servers *mariadb.Servers
	pools   *backend.Pools
	// patience is for how long commits wait for a lease that was lost, or while a database is quiet.
	patience time.Duration
}

// UnconfirmedError: something was committed, and then it turned out that it may not last: the partition has another master, or this node can't know.
type UnconfirmedError struct {
	Place txn.Place
	Why   string
}

func (e *UnconfirmedError) Error() string {
	return fmt.Sprintf("it is unknown whether the statement was committed at %s: %s", e.Place, e.Why)
}

// OutcomeUnknown is true.
func (e *UnconfirmedError) OutcomeUnknown() bool { return true }

// MySQL is 1180 ER_ERROR_DURING_COMMIT.
func (e *UnconfirmedError) MySQL() (uint16, string, string) { return 1180, "HY000", e.Error() }

// Enter lets a session in to a partition.
func (g *guard) Enter(p txn.Place) error { return g.gates.Enter(p.Partition, p.Term) }

// Leave lets it out.
func (g *guard) Leave(p txn.Place) { g.gates.Leave(p.Partition) }

// EnterCommit lets a session commit at a place. Without a lease it does not: whoever keeps a database quiet does not wait for this node then.
func (g *guard) EnterCommit(p txn.Place) bool {
	return g.valid() && g.gates.EnterCommit(p.Partition.DB)
}

// LeaveCommit says that it has.
func (g *guard) LeaveCommit(p txn.Place) { g.gates.LeaveCommit(p.Partition.DB) }

// AwaitCommit waits while commits there are held back, which is short.
func (g *guard) AwaitCommit(ctx context.Context, p txn.Place) error {
	ctx, cancel := context.WithTimeout(ctx, g.patience)
	defer cancel()
	for !g.valid() {
		select {
		case <-time.After(leaseLook):
		case <-ctx.Done():
			return errNoLease
		}
	}
	return g.gates.AwaitCommit(ctx, p.Partition.DB)
}

// Uneven is told of a commit at some leaves only, or perhaps, of what all leaves have alike.
func (g *guard) Uneven() { g.alike.doubt() }

// valid says whether this node may acknowledge writes.
func (g *guard) valid() bool { return g.node == nil || g.node.Valid() }

// lease ends when the present lease does: it has ended when there is none.
func (g *guard) lease() context.Context {
	if g.node == nil {
		return context.Background()
	}
	return g.node.Alive()
}

// Confirm is asked after every commit and before its client hears of it. In a SYNC database it waits for the replicas.
//
// What is seen without a lease may be old: a controller that takes this node for dead does not wait for it. With the next lease the node has seen all that
// was changed before, so that term and replicas tell then whether the commit lasts, and no client need be told that nobody knows.
func (g *guard) Confirm(ctx context.Context, p txn.Place, c *backend.Conn) error {
	var written *mariadb.GTID // what replicas are waited for
	if d := g.cat.Snapshot().Databases[p.Partition.DB]; d != nil && d.Replication == topo.Sync {
		res, err := c.Query(ctx, "SELECT @@last_gtid")
		if err != nil {
			return &UnconfirmedError{p, err.Error()}
		}
		at, err := mariadb.ParseGTID(string(res.Rows[0][0]))
		if err != nil {
			return &UnconfirmedError{p, err.Error()}
		}
		if at.Domain == p.Domain { // else the connection's last write was another partition's: this statement wrote nothing
			written = &at
		}
	}
	began := time.Now()
	for {
		lease := g.lease()
		if written != nil {
			if err := g.applied(ctx, p, *written); err != nil {
				return err
			}
		}
		switch {
		case !g.gates.Holds(p.Partition, p.Term), !g.current(p):
			return &UnconfirmedError{p, "another leaf has become the partition's master"}
		case lease.Err() == nil && g.valid():
			return nil
		case time.Since(began) > g.patience:
			return &UnconfirmedError{p, "this node has lost its lease, and can't tell whether another leaf has become the partition's master"}
		}
		select {
		case <-time.After(leaseLook):
		case <-ctx.Done():
			return &UnconfirmedError{p, "this node has lost its lease, and was not to wait for another one"}
		}
	}
}

// leaseLook is how often a commit that waits for a lease looks whether there is one.
const leaseLook = 10 * time.Millisecond

// current says whether the topology, as last seen, has a place's term still: the gates follow it a moment later.
func (g *guard) current(p txn.Place) bool {
	part := g.cat.Snapshot().Partition(p.Partition)
	return part == nil || part.Term == p.Term
}

// waited are the replicas that a commit waits for: all that the topology names, also those that are not in sync yet, since they become so once every node
// waits for them.
// ok is false when the term has ended: nobody can tell any more what it has left to the next one.
func (g *guard) waited(p txn.Place) (leaves []string, ok bool) {
	part := g.cat.Snapshot().Partition(p.Partition)
	if part == nil || part.Term != p.Term {
		return nil, false
	}
	return part.Replicas(), true
}

// applied waits until every replica has applied a transaction, or is none any more.
func (g *guard) applied(ctx context.Context, p txn.Place, at mariadb.GTID) error {
	for {
		changed := g.cat.Changed()
		leaves, ok := g.waited(p)
		if !ok {
			return &UnconfirmedError{p, "another leaf has become the partition's master"}
		}
		if len(leaves) == 0 {
			return nil
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		done := make(chan struct{})
		go func() { // a change of the topology may take the replica out
			defer close(done)
			select {
			case <-changed:
				cancel()
			case <-short.Done():
			}
		}()
		err := error(nil)
		for _, l := range leaves {
			if err = g.servers.WaitApplied(short, l, at); err != nil {
				break
			}
		}
		cancel()
		<-done
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return &UnconfirmedError{p, fmt.Sprintf("leaf %s has not applied it in time", leaves[0])}
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// followTopology brings the gates in line with each snapshot, cuts connections to leaves that are taken for dead, has accounts that have changed log in anew,
// and tells the other nodes when that is done.
func (g *Gateway) followTopology() {
	var last *topo.Snapshot
	told, toldRights := int64(0), int64(0)
	var undrained []topo.PartitionID // as told
	for {
		changed := g.cfg.Catalog.Changed()
		snap := g.cfg.Catalog.Snapshot()
		if snap != last {
			g.apply(last, snap)
			last = snap
		}
		g.newRights(g.cfg.Catalog.AccountsVersion())
		rights := g.rights.Load()
		held := g.guard.gates.Held()
		if len(held) > 0 && told != snap.Revision {
			ctx, cancel := context.WithTimeout(context.Background(), drainTime)
			held = g.guard.gates.Drain(ctx)
			cancel()
		}
		retry := time.Duration(0)
		if g.cfg.Node != nil && (told != snap.Revision || toldRights != rights || len(held) < len(undrained)) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			if err := g.cfg.Node.Saw(ctx, snap.Revision, rights, held); err != nil {
				retry = 50 * time.Millisecond
			} else {
				told, toldRights, undrained = snap.Revision, rights, held
			}
			cancel()
		}
		var left <-chan struct{} // who was told of as undrained may leave yet
		if len(undrained) > 0 {
			left = g.guard.gates.Left()
		}
		var again <-chan time.Time
		if retry > 0 {
			again = time.After(retry)
		}
		var lease <-chan struct{}
		if g.cfg.Node != nil && told != 0 {
			lease = g.cfg.Node.Alive().Done()
		}
		select {
		case <-changed:
		case <-left:
		case <-again:
		case <-lease: // the report went with it
			told = 0
			select {
			case <-time.After(50 * time.Millisecond):
			case <-g.done:
				return
			}
		case <-g.done:
			return
		}
	}
}

// apply acts on a new snapshot.
func (g *Gateway) apply(old, now *topo.Snapshot) {
	g.exec.Forget(now)
	g.remotes.forget()
	g.guard.gates.Apply(now)
	g.cfg.Pools.Vacate(locked(now))
	if renewed := chosenAnew(old, now); len(renewed) > 0 {
		g.cfg.Pools.Renew(renewed)
	}
	for name, l := range now.Leaves {
		var before *topo.Leaf
		if old != nil {
			before = old.Leaves[name]
		}
		if l.State == topo.LeafOffline && (before == nil || before.State != topo.LeafOffline) {
			g.cfg.Pools.Break(name)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	unmapped := map[topo.PartitionID]time.Time{}
	for _, d := range now.Databases {
		for _, p := range d.Partitions {
			if len(p.Instances) > 0 {
				continue
			}
			since, ok := g.unmapped[p.ID]
			if !ok {
				since = time.Now()
			}
			unmapped[p.ID] = since
		}
	}
	g.unmapped = unmapped
}

// chosenAnew are the databases at leaves that are gone, or have another character set, since a topology.
func chosenAnew(old, now *topo.Snapshot) map[string]bool {
	schemas := map[string]bool{}
	if old == nil {
		return schemas
	}
	for name, was := range old.Databases {
		if is := now.Databases[name]; is != nil && is.Charset == was.Charset && is.Collation == was.Collation {
			continue
		}
		schemas[name] = true
		for _, p := range was.Partitions {
			schemas[p.ID.Schema()] = true
		}
	}
	return schemas
}

// locked are the databases at leaves of the partitions that are getting other masters.
func locked(s *topo.Snapshot) map[string]bool {
	schemas := map[string]bool{}
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			if p.Locked {
				schemas[p.ID.Schema()] = true
			}
		}
	}
	return schemas
}

// lost says whether err is that a partition has no master, and waiting for one has no point: it has had none for longer than statements wait, or what is left of
// it is on a leaf that somebody has set aside.
func (g *Gateway) lost(err error) bool {
	id, ok := topo.Masterless(err)
	if !ok {
		return false
	}
	snap := g.cfg.Catalog.Snapshot()
	p := snap.Partition(id)
	if p == nil || len(p.Instances) > 0 {
		return false
	}
	if home := snap.Leaves[p.Home]; home == nil || home.State == topo.LeafDetached {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	since, ok := g.unmapped[id]
	return ok && time.Since(since) > g.cfg.FailoverWait
}

// errNoLease keeps writes waiting while this node can't know who the masters are.
var errNoLease = errors.New("this node has lost its lease: the cluster's etcd does not answer")

// admit lets a statement in to what is no partition: writes need the node's lease, those of reference tables enter their databases' shapes. leave
// must be called unless it is nil. A transaction stays inside until its end: a leaf that joins copies what has been committed.
func (s *session) admit(ctx context.Context, p *plan.Plan, snap *topo.Snapshot) (leave func(), err error) {
	if (p.Writes || p.Locks) && p.Linked == nil && !s.g.guard.valid() { // whose are linked tables is not the cluster's to decide
		return nil, errNoLease
	}
	calls, err := s.enterFunctions(p, snap)
	if err != nil {
		return nil, err
	}
	leave, err = s.enterShapes(ctx, p, snap)
	switch {
	case err != nil && calls != nil:
		calls()
	case err == nil && calls != nil && leave != nil:
		shapes := leave
		return func() { calls(); shapes() }, nil
	case err == nil && calls != nil:
		return calls, nil
	}
	return leave, err
}

// enterShapes lets a statement in that writes reference tables.
func (s *session) enterShapes(ctx context.Context, p *plan.Plan, snap *topo.Snapshot) (leave func(), err error) {
	if p.Route.Kind != plan.RouteEveryLeaf {
		return nil, nil
	}
	before := len(s.shapes)
	if before == 0 {
		if err := s.g.guard.alike.enter(ctx); err != nil {
			return nil, err
		}
		defer func() {
			if len(s.shapes) == 0 {
				s.g.guard.alike.leave()
			}
		}()
	}
	leave = func() {
		if !s.tx.InTransaction() {
			s.leaveShapes()
		}
	}
	keptOut := func(err error) (func(), error) {
		for _, id := range s.shapes[before:] {
			s.g.guard.gates.Leave(id)
		}
		s.shapes = s.shapes[:before]
		return nil, err
	}
	for name := range snap.Databases { // which of them the statement writes is not worth finding out: locks are rare and short
		id := gate.Shape(name)
		if slices.Contains(s.shapes, id) {
			continue
		}
		if err := s.g.guard.gates.Enter(id, 0); err != nil {
			return keptOut(err)
		}
		s.shapes = append(s.shapes, id)
	}
	// Whoever took a leaf in before that, or made a trigger, did not wait for this statement, which may not know of it.
	if now, _ := s.g.guard.gates.Applied(); len(s.shapes) > 0 && now != snap && (!now.SameMembers(snap) || !now.SameTriggers(snap)) {
		return keptOut(&gate.MovingError{Partition: s.shapes[0]})
	}
	return leave, nil
}

func (s *session) leaveShapes() {
	if len(s.shapes) > 0 {
		defer s.g.guard.alike.leave()
	}
	for _, id := range s.shapes {
		s.g.guard.gates.Leave(id)
	}
	s.shapes = nil
}

// worthWaiting says whether a statement that failed with err, of which nothing has been done, may succeed when a partition gets another master or a
// leaf comes back. inside: a transaction was open before the statement, which a loss ends.
func (g *Gateway) worthWaiting(err error, inside, reads bool) bool {
	var rule *topo.Error
	var down *backend.LeafDownError
	var refused *backend.PrepareError
	var lost *backend.LostError
	var over *txn.LostError
	var partial *txn.PartialCommitError
	var unknown *txn.UnknownCommitError
	switch {
	case errors.As(err, &partial), errors.As(err, &unknown):
		return false
	case errors.As(err, &over):
		return !inside
	case errors.Is(err, gate.ErrMoving), errors.Is(err, errNoLease), errors.As(err, &down):
		return true
	case errors.As(err, &refused):
		return refused.Err.Code == erNoMasterInstance || refused.Err.Code == wire.ErServerShutdown
	case errors.As(err, &lost):
		return !inside && (lost.SafeToRetry() || reads)
	case errors.As(err, &rule):
		return errors.Is(rule.Kind, topo.ErrNoMaster) || errors.Is(rule.Kind, topo.ErrNoOnlineLeaf)
	}
	return false
}

// retryEvery is how often a leaf that refuses connections is tried while the topology stays as it is.
const retryEvery = 50 * time.Millisecond

// awaitGates waits until the gates follow the topology, which they do a moment later than it changes, when that is all why a statement was kept out of a
// partition that is not locked. false: there is another reason.
func (s *session) awaitGates(ctx context.Context, err error, snap *topo.Snapshot) bool {
	var moving *gate.MovingError
	var table *gate.ClosedError
	switch {
	case errors.As(err, &table):
		if t := snap.Table(table.DB, table.Table); t == nil || t.Closed != "" {
			return false
		}
	case errors.As(err, &moving):
		d := snap.Databases[moving.Partition.DB]
		if p := snap.Partition(moving.Partition); d == nil || (d.Locked || d.Held || d.Recast) && p == nil || p != nil && p.Locked {
			return false
		}
	default:
		return false
	}
	late := time.After(retryEvery)
	for {
		applied, changed := s.g.guard.gates.Applied()
		if applied == s.g.cfg.Catalog.Snapshot() {
			return true
		}
		select {
		case <-changed:
		case <-late:
			return true
		case <-ctx.Done():
			return true
		}
	}
}

// awaitChange waits for another topology, for a while.
func (s *session) awaitChange(ctx context.Context, changed <-chan struct{}) {
	select {
	case <-changed:
	case <-time.After(retryEvery):
	case <-ctx.Done():
	}
}
