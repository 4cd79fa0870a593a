package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Run is the last time that an event was run, or was about to be: it is written before.
type Run struct {
	Due     int64  `json:"due"`     // when it was to be run, in seconds since 1970. It never goes back.
	At      int64  `json:"at"`      // when it was, by the clock of the node that did
	Version uint64 `json:"version"` // of the event
	Lease   int64  `json:"lease"`   // of that node
	// Last: the event will not be run again, as it was then.
	Last bool `json:"last,omitempty"`

	rev  int64
	Mark string `json:"mark"` // by which a node knows its own
}

// ErrRunTaken: the event was altered or dropped, or it has been run meanwhile. Nothing was written.
var ErrRunTaken = errors.New("the event is another one by now, or was run by another node")

// LockScheduler waits until this node is the one that runs events. Its loss ends that.
func (n *Node) LockScheduler(ctx context.Context) (*Lock, error) { return n.lock(ctx, keyScheduler) }

// Runs reads when events were last run, by their IDs.
func (c *Catalog) Runs(ctx context.Context) (map[uint64]*Run, error) {
	resp, err := c.get(ctx, c.key(dirRun), clientv3.WithPrefix())
	if err != nil {
		return nil, readError(err)
	}
	out := map[uint64]*Run{}
	for _, kv := range resp.Kvs {
		var id uint64
		r := &Run{rev: kv.ModRevision}
		if _, err := fmt.Sscanf(string(kv.Key), c.key(dirRun)+"%d", &id); err != nil {
			return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
		}
		if err := json.Unmarshal(kv.Value, r); err != nil {
			return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
		}
		out[id] = r
	}
	return out, nil
}

// ClaimRun writes that an event, as it is in this node's snapshot, is about to be run, after the run before (nil for none). Whoever it succeeds for runs it, nobody else ever does at
// that due time. With Last the event is disabled at once. The lock is LockScheduler's. ErrUnknown: perhaps it was written; Runs tells by Mark.
func (c *Catalog) ClaimRun(ctx context.Context, lock *Lock, e *topo.Event, before *Run, r Run) (*Run, error) {
	r.Mark, r.Version, r.Lease = randomID(), e.Version, int64(lock.lease.id)
	doc, err := json.Marshal(&r)
	if err != nil {
		return nil, err
	}
	if before != nil {
		r.rev = before.rev
	}
	key := runKey(e.ID)
	if r.Last {
		rev, err := c.Update(ctx, func(x *Txn) error {
			x.Hold(lock)
			now := x.Event(e.DB, e.Name)
			if now == nil || now.ID != e.ID || now.Version != e.Version || now.Status != topo.EventEnabled {
				return ErrRunTaken
			}
			off := *now
			off.Status = topo.EventDisabled
			x.PutEvent(&off)
			x.set(key, clientv3.OpPut(c.key(key), string(doc)))
			return nil
		})
		r.rev = rev
		return &r, err
	}
	cmps, looks := lock.fence()
	cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(c.key(key)), "=", r.rev),
		clientv3.Compare(clientv3.ModRevision(c.key(timedKey(e.DB, e.Name))), "=", c.state.Load().revs[timedKey(e.DB, e.Name)]))
	if now := c.Snapshot().Event(e.DB, e.Name); now == nil || now.ID != e.ID || now.Version != e.Version {
		return nil, ErrRunTaken
	}
	resp, err := c.client.Txn(ctx).If(cmps...).Then(clientv3.OpPut(c.key(key), string(doc))).Else(looks...).Commit()
	switch {
	case err != nil:
		return &r, writeError(err)
	case resp.Succeeded:
		r.rev = resp.Header.Revision
		return &r, nil
	case !lock.heldBy(resp.Responses):
		return nil, ErrLockLost
	}
	return nil, ErrRunTaken
}

// Event reads an event, nil when there is none.
func (t *Txn) Event(db, name string) *topo.Event {
	t.reads[timedKey(db, name)] = true
	return t.s.snap.Event(db, name)
}

// PutEvent adds or replaces an event. Its database must be there still when the change is made, or be put by the same transaction before.
func (t *Txn) PutEvent(e *topo.Event) {
	if _, new := t.at[dbKey(e.DB)]; t.Database(e.DB) == nil && !new {
		t.fail(topo.NoDatabase(e.DB))
		return
	}
	if old := t.s.snap.Event(e.DB, e.Name); old != nil && old.ID != e.ID {
		t.forgetRuns(old.ID)
	}
	t.put(timedKey(e.DB, e.Name), e)
}

// DropEvent removes an event, and what is known of its runs.
func (t *Txn) DropEvent(db, name string) {
	if old := t.Event(db, name); old != nil {
		t.forgetRuns(old.ID)
	}
	t.drop(timedKey(db, name))
}

// RenameEvent gives an event another name, with what is known of its runs.
func (t *Txn) RenameEvent(db, name string, e *topo.Event) {
	t.drop(timedKey(db, name))
	t.PutEvent(e)
}

func (t *Txn) forgetRuns(id uint64) {
	t.set(runKey(id), clientv3.OpDelete(t.c.key(runKey(id))))
}
