package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// DDLRecord is a DDL statement under way, kept until its outcome is in the topology. Catalog knows nothing of what Steps and Undo say.
type DDLRecord struct {
	ID        uint64          `json:"id"`
	Node      string          `json:"node"`
	Lease     int64           `json:"lease"`
	Databases []string        `json:"databases"` // whose locks it runs under
	Table     string          `json:"table,omitempty"`
	Kind      string          `json:"kind"`
	Statement string          `json:"statement"`
	Steps     []string        `json:"steps,omitempty"` // done, or begun
	Undo      json.RawMessage `json:"undo,omitempty"`
	Started   time.Time       `json:"started"`
	// Orphan: its node's lease is gone. Set by DDLRecords.
	Orphan bool `json:"-"`

	rev int64
}

// BeginDDL makes a record durable, giving it its id and owner.
func (l *Lock) BeginDDL(ctx context.Context, r *DDLRecord) error {
	id, err := l.n.c.sequence("ddl").Next(ctx, 1)
	if err != nil {
		return err
	}
	r.ID, r.Node, r.Lease, r.rev = id, l.n.info.Name, int64(l.lease.id), 0
	return l.SaveDDL(ctx, r)
}

// SaveDDL makes a record's present content durable. ErrLockLost: somebody else may be finishing it.
func (l *Lock) SaveDDL(ctx context.Context, r *DDLRecord) error {
	r.Node, r.Lease = l.n.info.Name, int64(l.lease.id)
	doc, err := json.Marshal(r)
	if err != nil {
		return err
	}
	c := l.n.c
	key := c.key(ddlKey(r.ID))
	cmps, looks := l.fence()
	cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(key), "=", r.rev))
	var resp *clientv3.TxnResponse
	if err := repeat(ctx, func(ctx context.Context) (err error) {
		resp, err = c.client.Txn(ctx).If(cmps...).Then(clientv3.OpPut(key, string(doc))).Else(append(looks, clientv3.OpGet(key))...).Commit()
		return err
	}); err != nil {
		return writeError(err)
	}
	if resp.Succeeded {
		r.rev = resp.Header.Revision
		return nil
	}
	if !l.heldBy(resp.Responses) {
		return ErrLockLost
	}
	// Ours all the same: an earlier save whose answer was lost. Nobody else writes a record without the lock.
	if kvs := resp.Responses[len(resp.Responses)-1].GetResponseRange().Kvs; len(kvs) == 1 {
		r.rev = kvs[0].ModRevision
		return l.SaveDDL(ctx, r)
	}
	return ErrConflict
}

// EndDDL ends a record with the changes of the transaction, if the lock is held still.
func (t *Txn) EndDDL(l *Lock, r *DDLRecord) {
	t.locks = append(t.locks, l)
	t.recs = append(t.recs, r)
	t.set(ddlKey(r.ID), clientv3.OpDelete(t.c.key(ddlKey(r.ID))))
}

// SaveDDL makes a record's present content durable with the changes of the transaction, if the lock is held still.
func (t *Txn) SaveDDL(l *Lock, r *DDLRecord) {
	r.Node, r.Lease = l.n.info.Name, int64(l.lease.id)
	doc, err := json.Marshal(r)
	if err != nil {
		t.fail(err)
		return
	}
	t.locks, t.recs, t.saved = append(t.locks, l), append(t.recs, r), append(t.saved, r)
	t.set(ddlKey(r.ID), clientv3.OpPut(t.c.key(ddlKey(r.ID)), string(doc)))
}

// Free gives the lock back with the changes of the transaction, which fails with ErrLockLost unless it is held still. Afterwards Unlock has nothing to do.
func (t *Txn) Free(l *Lock) {
	t.locks, t.freed = append(t.locks, l), append(t.freed, l)
	for _, h := range l.held {
		t.ops = append(t.ops, clientv3.OpDelete(h.key))
	}
}

// Hold makes the transaction fail with ErrLockLost unless the lock is held still.
func (t *Txn) Hold(l *Lock) { t.locks = append(t.locks, l) }

// UnderWay lists the statements under way that the watch knows of, in no order. Whether their nodes live it does not say.
func (c *Catalog) UnderWay() ([]*DDLRecord, error) {
	var out []*DDLRecord
	for id, doc := range c.board.Load().below(dirDDL) {
		r := new(DDLRecord)
		if err := json.Unmarshal(doc, r); err != nil {
			return nil, fmt.Errorf("catalog: key %s%s: %w", dirDDL, id, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// DDLRecords lists the statements under way, oldest first, with those whose node has died. With databases, only those that touch one of them.
// An orphan is taken over by locking its databases, listing again, and saving or ending it. The snapshot shows afterwards every change of the topology that was made before, as after Sync.
func (c *Catalog) DDLRecords(ctx context.Context, databases ...string) ([]*DDLRecord, error) {
	var resp *clientv3.TxnResponse
	if err := repeat(ctx, func(ctx context.Context) (err error) {
		resp, err = c.client.Txn(ctx).Then(
			clientv3.OpGet(c.key(dirDDL), clientv3.WithPrefix()),
			clientv3.OpGet(c.key(dirLive), clientv3.WithPrefix(), clientv3.WithKeysOnly()),
			clientv3.OpGet(c.key(keyRev))).Commit()
		return err
	}); err != nil {
		return nil, readError(err)
	}
	if kvs := resp.Responses[2].GetResponseRange().Kvs; len(kvs) > 0 {
		if err := c.WaitRevision(ctx, kvs[0].ModRevision); err != nil {
			return nil, err
		}
	}
	live := map[string]bool{}
	for _, kv := range resp.Responses[1].GetResponseRange().Kvs {
		live[string(kv.Key)] = true
	}
	var out []*DDLRecord
	for _, kv := range resp.Responses[0].GetResponseRange().Kvs {
		r := &DDLRecord{rev: kv.ModRevision}
		if err := json.Unmarshal(kv.Value, r); err != nil {
			return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
		}
		r.Orphan = !live[c.key(liveKey(r.Lease))]
		if len(databases) == 0 || slices.ContainsFunc(r.Databases, func(d string) bool { return slices.Contains(databases, d) }) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *DDLRecord) int { return int(int64(a.ID) - int64(b.ID)) })
	return out, nil
}
