package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// updateTries bounds how often an Update meets another change before it gives up.
const updateTries = 100

// Txn is a change of the topology under way. What was read by its methods must still be so when the change is made; what is read straight from
// Snapshot is not compared. Objects that it returns are the snapshot's: copy them before changing them.
type Txn struct {
	c     *Catalog
	s     *state
	reads map[string]bool
	ops   []clientv3.Op
	at    map[string]int // key → position in ops
	locks []*Lock        // that must be held still
	freed []*Lock        // that are given back
	saved []*DDLRecord   // that are written anew
	recs  []*DDLRecord   // that must be as they were last saved
	lead  *Node          // that must be the controller still; nil when it does not matter
	err   error
}

// Snapshot is the topology that the change starts from.
func (t *Txn) Snapshot() *topo.Snapshot { return t.s.snap }

// Leaf reads a leaf, nil when there is none.
func (t *Txn) Leaf(name string) *topo.Leaf {
	t.reads[leafKey(name)] = true
	return t.s.snap.Leaves[name]
}

// Leaves reads all leaves: none may come, go or change meanwhile.
func (t *Txn) Leaves() map[string]*topo.Leaf {
	t.reads[keyLeaves] = true
	return t.s.snap.Leaves
}

// Database reads a database without its tables, nil when there is none.
func (t *Txn) Database(name string) *topo.Database {
	t.reads[dbKey(name)] = true
	return t.s.snap.Databases[name]
}

// Databases reads all databases with their partitions, not their tables: none may come, go or change meanwhile.
func (t *Txn) Databases() map[string]*topo.Database {
	t.reads[keyDatabases] = true
	return t.s.snap.Databases
}

// Table reads a table, nil when there is none.
func (t *Txn) Table(db, name string) *topo.Table {
	t.reads[tableKey(db, name)] = true
	return t.s.snap.Table(db, name)
}

// Server reads a server, nil when there is none.
func (t *Txn) Server(name string) *topo.Server {
	t.reads[serverKey(name)] = true
	return t.s.snap.Server(name)
}

// PutServer adds or replaces a server.
func (t *Txn) PutServer(s *topo.Server) { t.put(serverKey(s.Name), s) }

// DropServer removes a server.
func (t *Txn) DropServer(name string) { t.drop(serverKey(name)) }

// Settings reads the cluster's settings.
func (t *Txn) Settings() topo.Settings {
	t.reads[keySettings] = true
	return t.s.snap.Settings
}

// PutSettings replaces the cluster's settings.
func (t *Txn) PutSettings(s topo.Settings) { t.put(keySettings, s) }

// Variables reads what was set by SET GLOBAL. The map is not to be changed.
func (t *Txn) Variables() map[string]string {
	t.reads[keyVariables] = true
	return t.s.snap.Variables
}

// PutVariables replaces what was set by SET GLOBAL.
func (t *Txn) PutVariables(v map[string]string) { t.put(keyVariables, v) }

// PutLeaf adds or replaces a leaf.
func (t *Txn) PutLeaf(l *topo.Leaf) {
	t.put(leafKey(l.Name), l)
	t.touch(keyLeaves)
}

// DropLeaf removes a leaf.
func (t *Txn) DropLeaf(name string) {
	t.drop(leafKey(name))
	t.touch(keyLeaves)
}

// PutDatabase adds or replaces a database and its partitions; its tables stay as they are.
func (t *Txn) PutDatabase(d *topo.Database) {
	t.put(dbKey(d.Name), docOf(d))
	t.touch(keyDatabases)
}

// DropDatabase removes a database with its tables, views, events and routines.
func (t *Txn) DropDatabase(name string) {
	for _, dir := range []string{tableDir(name), viewDir(name), timedDir(name), routineDir(name)} {
		t.set(dir, clientv3.OpDelete(t.c.key(dir), clientv3.WithPrefix()))
	}
	if d := t.s.snap.Databases[name]; d != nil {
		for _, e := range d.Events {
			t.forgetRuns(e.ID)
		}
	}
	t.drop(dbKey(name))
	t.touch(keyDatabases)
}

// PutTable adds or replaces a table. Its database must be there still when the change is made, or be put by the same transaction before.
func (t *Txn) PutTable(tab *topo.Table) {
	if _, new := t.at[dbKey(tab.DB)]; t.Database(tab.DB) == nil && !new {
		t.fail(topo.NoDatabase(tab.DB))
		return
	}
	t.put(tableKey(tab.DB, tab.Name), tab)
}

// DropTable removes a table.
func (t *Txn) DropTable(db, name string) { t.drop(tableKey(db, name)) }

// View reads a view, nil when there is none.
func (t *Txn) View(db, name string) *topo.View {
	t.reads[viewKey(db, name)] = true
	return t.s.snap.View(db, name)
}

// PutView adds or replaces a view. Its database must be there still when the change is made, or be put by the same transaction before.
func (t *Txn) PutView(v *topo.View) {
	if _, new := t.at[dbKey(v.DB)]; t.Database(v.DB) == nil && !new {
		t.fail(topo.NoDatabase(v.DB))
		return
	}
	t.put(viewKey(v.DB, v.Name), v)
}

// DropView removes a view.
func (t *Txn) DropView(db, name string) { t.drop(viewKey(db, name)) }

// PutRoutine adds or replaces a routine. Its database must be there still when the change is made, or be put by the same transaction before.
func (t *Txn) PutRoutine(r *topo.Routine) {
	if _, new := t.at[dbKey(r.DB)]; t.Database(r.DB) == nil && !new {
		t.fail(topo.NoDatabase(r.DB))
		return
	}
	t.put(routineKey(r.DB, r.Key()), r)
}

// DropRoutine removes a routine, which is given by its key in topo.Database.Routines.
func (t *Txn) DropRoutine(db, key string) { t.drop(routineKey(db, key)) }

// Lead makes the transaction fail with ErrNotController unless the node is the controller still.
func (t *Txn) Lead(n *Node) { t.lead = n }

func (t *Txn) put(key string, doc any) {
	b, err := json.Marshal(doc)
	if err != nil {
		t.fail(err)
		return
	}
	t.reads[key] = true
	t.set(key, clientv3.OpPut(t.c.key(key), string(b)))
}

func (t *Txn) drop(key string) {
	t.reads[key] = true
	t.set(key, clientv3.OpDelete(t.c.key(key)))
}

// touch changes an epoch key without comparing it: two that add different leaves do not meet.
func (t *Txn) touch(key string) { t.set(key, clientv3.OpPut(t.c.key(key), "")) }

// set keeps the last operation on a key: etcd takes one a key.
func (t *Txn) set(key string, op clientv3.Op) {
	if i, ok := t.at[key]; ok {
		t.ops[i] = op
		return
	}
	t.at[key] = len(t.ops)
	t.ops = append(t.ops, op)
}

func (t *Txn) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// Update changes the topology. f is run on a snapshot that shows all that was changed before the call, and is run again on a newer one when
// another change came in between, so it must do nothing but call Txn's methods. Its error ends the Update and nothing is changed. Update
// returns the topology's new revision once this node's own snapshot shows it, or when ctx ends first. An f that changes nothing is fine.
func (c *Catalog) Update(ctx context.Context, f func(*Txn) error) (rev int64, err error) {
	return c.update(ctx, f, false)
}

// UpdateKnown is Update for an f that reads by the Txn's methods alone, or what nobody else may change meanwhile: it is tried on the snapshot that is there, and on a newer one only when it
// can't be made of that.
func (c *Catalog) UpdateKnown(ctx context.Context, f func(*Txn) error) (rev int64, err error) {
	return c.update(ctx, f, true)
}

func (c *Catalog) update(ctx context.Context, f func(*Txn) error, known bool) (rev int64, err error) {
	select {
	case c.updating <- struct{}{}:
		defer func() { <-c.updating }()
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	case <-c.ctx.Done():
		return 0, ErrClosed
	}
	if known {
		if err := ctx.Err(); err != nil { // it is certain that nothing is changed
			return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if rev, err = c.tryUpdate(ctx, f); err == nil || errors.Is(err, ErrUnknown) || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrLockLost) || errors.Is(err, ErrNotController) {
			return rev, err
		}
	}
	if err := c.Sync(ctx); err != nil {
		return 0, err
	}
	for try := range updateTries {
		rev, err = c.tryUpdate(ctx, f)
		if !errors.Is(err, ErrConflict) {
			return rev, err
		}
		// What it met is in the topology by now. The pause keeps many nodes from meeting again and again.
		if err := c.Sync(ctx); err != nil {
			return 0, err
		}
		pause := time.Duration(rand.Int64N(int64(min(try+1, 20)) * int64(2*time.Millisecond)))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: %w", ErrConflict, ctx.Err())
		}
	}
	return 0, err
}

func (c *Catalog) tryUpdate(ctx context.Context, f func(*Txn) error) (int64, error) {
	t := &Txn{c: c, s: c.state.Load(), reads: map[string]bool{}, at: map[string]int{}}
	if err := f(t); err != nil {
		return 0, err
	}
	if t.err != nil {
		return 0, t.err
	}
	if len(t.ops) == 0 {
		return t.s.snap.Revision, nil
	}
	var cmps []clientv3.Cmp
	for key := range t.reads {
		cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(c.key(key)), "=", t.s.revs[key]))
	}
	for _, r := range t.recs {
		cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(c.key(ddlKey(r.ID))), "=", r.rev))
	}
	var looks []clientv3.Op
	for _, l := range t.locks {
		lc, lo := l.fence()
		cmps, looks = append(cmps, lc...), append(looks, lo...)
	}
	var deposed func()
	if t.lead != nil {
		leads, end, err := t.lead.leads()
		if err != nil {
			return 0, err
		}
		deposed = end
		cmps, looks = append(cmps, leads), append(looks, clientv3.OpGet(c.key(keyController)))
	}
	mark := randomID()
	t.ops = append(t.ops, clientv3.OpPut(c.key(keyRev), mark))
	var resp *clientv3.TxnResponse
	asked := 0
	err := repeat(ctx, func(ctx context.Context) (err error) {
		asked++
		resp, err = c.client.Txn(ctx).If(cmps...).Then(t.ops...).Else(looks...).Commit()
		return err
	})
	if asked > 1 && (err != nil || !resp.Succeeded) || err != nil && !certainlyNot(err) {
		// Its answer may have been lost, and it be refused when repeated because of what it has changed itself.
		rev, made, serr := c.settle(ctx, mark, t.s.snap.Revision)
		switch {
		case made:
			t.made(rev)
			return rev, nil
		case serr != nil:
			return 0, fmt.Errorf("%w: %w", ErrUnknown, serr)
		}
	}
	if err != nil {
		return 0, writeError(err)
	}
	if !resp.Succeeded {
		for _, l := range t.locks {
			if !l.heldBy(resp.Responses) {
				return 0, ErrLockLost
			}
		}
		if t.lead != nil && !t.lead.leadsIn(resp.Responses) {
			deposed()
			return 0, ErrNotController
		}
		return 0, ErrConflict
	}
	t.made(resp.Header.Revision)
	_ = c.WaitRevision(ctx, resp.Header.Revision) // it is made, whether we see it in time or not
	return resp.Header.Revision, nil
}

// made notes what the change has done to locks and records.
func (t *Txn) made(rev int64) {
	for _, l := range t.freed {
		l.held = nil
	}
	for _, r := range t.saved {
		r.rev = rev
	}
}

// settle finds out whether a change that etcd did not answer to was made: its mark is one of those after a revision.
func (c *Catalog) settle(ctx context.Context, mark string, after int64) (rev int64, made bool, err error) {
	var at []clientv3.OpOption
	for {
		resp, err := c.get(ctx, c.key(keyRev), at...)
		if err != nil {
			return 0, false, err
		}
		if len(resp.Kvs) == 0 || resp.Kvs[0].ModRevision <= after {
			return 0, false, nil
		}
		rev := resp.Kvs[0].ModRevision
		if string(resp.Kvs[0].Value) == mark {
			_ = c.WaitRevision(ctx, rev) // it is made, whether we see it in time or not
			return rev, true, nil
		}
		at = []clientv3.OpOption{clientv3.WithRev(rev - 1)}
	}
}
