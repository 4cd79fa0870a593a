package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Lock is the right to run DDL on some databases, under the node's lease.
type Lock struct {
	n     *Node
	lease *lease
	held  []heldKey
}

type heldKey struct {
	key string // with the prefix
	id  string
	rev int64 // of its creation: another holder's is another one
}

// Lock waits for the locks of databases and takes them, in the order of their names so that two never wait for each other.
func (n *Node) Lock(ctx context.Context, databases ...string) (*Lock, error) {
	names := slices.Clone(databases)
	slices.Sort(names)
	names = slices.Compact(names)
	for i, name := range names {
		names[i] = lockKey(name)
	}
	return n.lock(ctx, names...)
}

// lock waits for keys and takes them, in this order.
func (n *Node) lock(ctx context.Context, keys ...string) (*Lock, error) {
	for {
		le, err := n.current(ctx)
		if err != nil {
			return nil, err
		}
		l := &Lock{n: n, lease: le}
		for _, key := range keys {
			if err = l.take(ctx, n.c.key(key)); err != nil {
				break
			}
		}
		if err == nil {
			return l, nil
		}
		l.Unlock()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("waiting for other DDL on the database: %w", err)
		}
		if n.ctx.Err() != nil {
			return nil, ErrClosed
		}
		if errors.Is(err, rpctypes.ErrLeaseNotFound) { // the node is about to hear of it
			select {
			case <-le.ctx.Done():
			case <-ctx.Done():
			}
		}
		if le.ctx.Err() == nil {
			return nil, err
		}
		// The lease was lost while waiting: begin again under the next one.
	}
}

func (l *Lock) take(ctx context.Context, key string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.lease.ctx, cancel)()
	c := l.n.c
	h := heldKey{key: key, id: randomID()}
	for {
		var resp *clientv3.TxnResponse
		if err := repeat(ctx, func(ctx context.Context) (err error) {
			resp, err = c.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
				Then(clientv3.OpPut(key, h.id, clientv3.WithLease(l.lease.id))).Else(clientv3.OpGet(key)).Commit()
			return err
		}); err != nil {
			l.held = append(l.held, h) // perhaps: Unlock looks
			return writeError(err)
		}
		if resp.Succeeded {
			h.rev = resp.Header.Revision
			l.held = append(l.held, h)
			return nil
		}
		if kvs := resp.Responses[0].GetResponseRange().Kvs; len(kvs) == 1 && string(kvs[0].Value) == h.id { // an answer was lost
			h.rev = kvs[0].CreateRevision
			l.held = append(l.held, h)
			return nil
		}
		if err := c.waitGone(ctx, key, resp.Header.Revision+1); err != nil {
			return err
		}
	}
}

// waitGone waits for a key's deletion at a revision or after.
func (c *Catalog) waitGone(ctx context.Context, key string, rev int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for resp := range c.client.Watch(clientv3.WithRequireLeader(ctx), key, clientv3.WithRev(rev), clientv3.WithFilterPut()) {
		if resp.Err() != nil {
			if ctx.Err() == nil {
				time.Sleep(50 * time.Millisecond) // no leader, or compacted: the caller looks again
			}
			return nil
		}
		if len(resp.Events) > 0 {
			return nil
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	return nil
}

// Context ends when the lock is lost with the node's lease.
func (l *Lock) Context() context.Context { return l.lease.ctx }

// Valid says whether the lock is certainly held still, by this node's own clock.
func (l *Lock) Valid() bool { return l.lease.ctx.Err() == nil && l.n.Valid() }

// Unlock frees the locks. It does not wait for an etcd that is away: then they are freed when it is back, or with the lease.
func (l *Lock) Unlock() {
	for _, h := range l.held {
		if l.lease.ctx.Err() != nil {
			return
		}
		ctx, cancel := context.WithTimeout(l.lease.ctx, time.Second)
		err := l.n.c.free(ctx, h)
		cancel()
		if err != nil {
			l.n.wg.Go(func() { l.freeLater(h) })
		}
	}
	l.held = nil
}

func (c *Catalog) free(ctx context.Context, h heldKey) error {
	_, err := c.client.Txn(ctx).If(clientv3.Compare(clientv3.Value(h.key), "=", h.id)).Then(clientv3.OpDelete(h.key)).Commit()
	return err
}

func (l *Lock) freeLater(h heldKey) {
	for l.lease.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(l.lease.ctx, 2*time.Second)
		err := l.n.c.free(ctx, h)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-l.lease.ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// fence gives the comparisons that hold while the lock is held, and the reads that tell heldBy who holds it when a transaction was refused.
func (l *Lock) fence() (cmps []clientv3.Cmp, looks []clientv3.Op) {
	for _, h := range l.held {
		cmps = append(cmps, clientv3.Compare(clientv3.CreateRevision(h.key), "=", h.rev))
		looks = append(looks, clientv3.OpGet(h.key))
	}
	return cmps, looks
}

func (l *Lock) heldBy(responses []*etcdserverpb.ResponseOp) bool {
	for _, h := range l.held {
		ok := false
		for _, r := range responses {
			for _, kv := range r.GetResponseRange().GetKvs() {
				ok = ok || string(kv.Key) == h.key && kv.CreateRevision == h.rev
			}
		}
		if !ok {
			return false
		}
	}
	return true
}
