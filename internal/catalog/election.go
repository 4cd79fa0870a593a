package catalog

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Campaign waits until this node is the controller. The context it returns ends when it is no more: its lease was lost or Resign was called.
func (n *Node) Campaign(ctx context.Context) (context.Context, error) {
	key := n.c.key(keyController)
	for {
		l, err := n.current(ctx)
		if err != nil {
			return nil, err
		}
		short, cancel := context.WithTimeout(ctx, attempt)
		resp, err := n.c.client.Txn(short).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, n.info.Name, clientv3.WithLease(l.id))).Else(clientv3.OpGet(key)).Commit()
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case n.ctx.Err() != nil:
			return nil, ErrClosed
		case err != nil: // etcd is away, or the lease has just gone: again, also when the answer alone was lost
			select {
			case <-time.After(again):
			case <-ctx.Done():
			}
			continue
		}
		if resp.Succeeded || clientv3.LeaseID(resp.Responses[0].GetResponseRange().Kvs[0].Lease) == l.id {
			return n.elected(l), nil
		}
		if err := n.waitController(ctx, resp.Responses[0].GetResponseRange().Kvs[0].ModRevision); err != nil {
			return nil, err
		}
	}
}

func (n *Node) elected(l *lease) context.Context {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.leading != l || n.lead.Err() != nil {
		n.leading = l
		n.lead, n.endLead = context.WithCancel(l.ctx)
	}
	return n.lead
}

// waitController waits until the controller is another one than at a revision.
func (n *Node) waitController(ctx context.Context, rev int64) error {
	for {
		changed := n.c.Changed()
		if n.c.nodes.Load().at > rev {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(time.Second): // a reload of the topology after compaction may have missed the deletion
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case <-n.ctx.Done():
			return ErrClosed
		}
	}
}

// IsController says whether this node is the controller now.
func (n *Node) IsController() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leading != nil && n.lead.Err() == nil
}

// Resign ends this node's leadership, so that another one is elected.
func (n *Node) Resign(ctx context.Context) error {
	n.mu.Lock()
	l := n.leading
	if l == nil || n.lead.Err() != nil {
		n.mu.Unlock()
		return nil
	}
	n.endLead()
	n.mu.Unlock()
	key := n.c.key(keyController)
	_, err := n.c.client.Txn(ctx).If(clientv3.Compare(clientv3.LeaseValue(key), "=", l.id)).Then(clientv3.OpDelete(key)).Commit()
	return readError(err)
}

// leads is the comparison that holds while this node is the controller. deposed is for whom etcd has told that it holds no more.
func (n *Node) leads() (cmp clientv3.Cmp, deposed func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.leading == nil || n.lead.Err() != nil {
		return clientv3.Cmp{}, nil, ErrNotController
	}
	return clientv3.Compare(clientv3.LeaseValue(n.c.key(keyController)), "=", n.leading.id), n.endLead, nil
}

// asController writes a key, or deletes it when value is nil, as long as this node is the controller. ErrNotController: nothing was written.
// ErrConflict: one of the other conditions does not hold, perhaps because it was written and the answer lost.
func (n *Node) asController(ctx context.Context, key string, value []byte, also ...clientv3.Cmp) error {
	leads, deposed, err := n.leads()
	if err != nil {
		return err
	}
	op := clientv3.OpDelete(n.c.key(key))
	if value != nil {
		op = clientv3.OpPut(n.c.key(key), string(value))
	}
	var resp *clientv3.TxnResponse
	err = repeat(ctx, func(ctx context.Context) (err error) {
		resp, err = n.c.client.Txn(ctx).If(append(also, leads)...).Then(op).Else(clientv3.OpGet(n.c.key(keyController))).Commit()
		return err
	})
	switch {
	case err != nil:
		return writeError(err)
	case !resp.Succeeded && n.leadsIn(resp.Responses):
		return ErrConflict
	case !resp.Succeeded:
		deposed()
		return ErrNotController
	case value == nil && resp.Responses[0].GetResponseDeleteRange().Deleted == 0:
		return nil // no change that the board could show
	}
	return n.c.awaitBoard(ctx, resp.Header.Revision)
}

// leadsIn says whether the answers of a refused transaction show this node as the controller.
func (n *Node) leadsIn(responses []*etcdserverpb.ResponseOp) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range responses {
		for _, kv := range r.GetResponseRange().GetKvs() {
			if string(kv.Key) == n.c.key(keyController) {
				return n.leading != nil && clientv3.LeaseID(kv.Lease) == n.leading.id
			}
		}
	}
	return false
}

// HandOver makes another living node the controller in place of this one. ErrUnknown: perhaps; this node leads no more, and finds out by Campaign.
func (n *Node) HandOver(ctx context.Context, to NodeInfo) error {
	leads, deposed, err := n.leads()
	if err != nil {
		return err
	}
	key := n.c.key(keyController)
	resp, err := n.c.client.Txn(ctx).If(leads).Then(clientv3.OpPut(key, to.Name, clientv3.WithLease(clientv3.LeaseID(to.Lease)))).Commit()
	if err != nil && certainlyNot(err) {
		return writeError(err)
	}
	deposed()
	if err != nil {
		return writeError(err)
	}
	if !resp.Succeeded {
		return ErrNotController
	}
	return nil
}
