package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// NodeInfo describes an Orbweaver process to the others.
type NodeInfo struct {
	Name  string `json:"name"` // unique in the cluster; a process that takes the name of a living one pushes that one out
	ID    uint32 `json:"id"`   // given by the catalog, the same for a name for ever, from 1
	MySQL string `json:"mysql"`
	HTTP  string `json:"http"`
	Lease int64  `json:"lease"`
}

// nodeSet is what the watch knows of nodes. Immutable.
type nodeSet struct {
	byName     map[string]NodeInfo
	controller string
	at         int64 // revision of the last change of controller
}

// apply returns the set itself when the key is not about nodes.
func (s *nodeSet) apply(key string, value []byte, rev int64) *nodeSet {
	if key == keyController {
		return &nodeSet{byName: s.byName, controller: string(value), at: rev}
	}
	name, ok := nameOf(key, dirNode)
	if !ok {
		return s
	}
	n := &nodeSet{byName: maps.Clone(s.byName), controller: s.controller, at: s.at}
	if n.byName == nil {
		n.byName = map[string]NodeInfo{}
	}
	var info NodeInfo
	if value == nil || json.Unmarshal(value, &info) != nil {
		delete(n.byName, name)
	} else {
		n.byName[name] = info
	}
	return n
}

// Nodes lists the living nodes by name, as last seen.
func (c *Catalog) Nodes() []NodeInfo {
	set := c.nodes.Load()
	return slices.SortedFunc(maps.Values(set.byName), func(a, b NodeInfo) int { return strings.Compare(a.Name, b.Name) })
}

// Controller is the name of the node that is the controller, as last seen; "" when there is none.
func (c *Catalog) Controller() string { return c.nodes.Load().controller }

// Node is this process in the catalog, under a lease that is renewed as long as etcd answers. When it is lost, what hangs on it (locks,
// leadership) ends, and the node registers again by itself.
type Node struct {
	c    *Catalog
	info NodeInfo
	ttl  int64

	mu      sync.Mutex
	lease   *lease        // nil while there is none
	renewed chan struct{} // closed and replaced when lease changes
	leading *lease        // the lease under which this node is controller
	lead    context.Context
	endLead context.CancelFunc

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// lease is one life of a node's registration.
type lease struct {
	id   clientv3.LeaseID
	ctx  context.Context // ends when the lease is lost
	stop context.CancelFunc
}

// Register makes the process known under a lease of ttl (whole seconds, at least 1). What a dead process of the same name held is freed at once.
func (c *Catalog) Register(ctx context.Context, info NodeInfo, ttl time.Duration) (*Node, error) {
	id, err := c.nodeID(ctx, info.Name)
	if err != nil {
		return nil, err
	}
	info.ID = id
	n := &Node{c: c, info: info, ttl: max(1, int64(ttl/time.Second)), renewed: make(chan struct{})}
	n.ctx, n.stop = context.WithCancel(c.ctx)
	l, alive, err := n.register(ctx, 0)
	if err != nil {
		n.stop()
		return nil, err
	}
	n.setLease(l)
	n.wg.Go(func() { n.keep(l, alive) })
	return n, nil
}

// nodeID finds or makes the id of a name.
func (c *Catalog) nodeID(ctx context.Context, name string) (uint32, error) {
	first, err := c.sequence("node").Next(ctx, 1)
	if err != nil {
		return 0, err
	}
	text, err := c.once(ctx, nodeIDKey(name), func() string { return fmt.Sprint(first) })
	if err != nil {
		return 0, err
	}
	id, err := parseUint([]byte(text))
	if err != nil {
		return 0, err
	}
	return uint32(id), nil
}

// ID is a small number, this node's for ever.
func (n *Node) ID() uint32 { return n.info.ID }

// Name is the node's name.
func (n *Node) Name() string { return n.info.Name }

// Alive ends when the present lease is lost; it is over already when there is none. Work that only one node may do is done under it.
func (n *Node) Alive() context.Context {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lease != nil {
		return n.lease.ctx
	}
	over, cancel := context.WithCancel(n.ctx)
	cancel()
	return over
}

// Close gives up the lease: locks and leadership end at once for all to see. When etcd is away it does not wait long: the lease ends by itself.
func (n *Node) Close(ctx context.Context) error {
	n.stop()
	n.wg.Wait()
	n.mu.Lock()
	l := n.lease
	n.lease = nil
	n.mu.Unlock()
	if l == nil {
		return nil
	}
	l.stop()
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	if _, err := n.c.client.Revoke(ctx, l.id); err != nil {
		return readError(err)
	}
	return nil
}

// register gets a lease and puts the node's keys under it. own is the lease that the node had before, 0 at first.
func (n *Node) register(ctx context.Context, own clientv3.LeaseID) (*lease, <-chan *clientv3.LeaseKeepAliveResponse, error) {
	grant, err := n.c.client.Grant(ctx, n.ttl)
	if err != nil {
		return nil, nil, readError(err)
	}
	info := n.info
	info.Lease = int64(grant.ID)
	doc, err := json.Marshal(info)
	if err != nil {
		return nil, nil, err
	}
	key := n.c.key(nodeKey(n.info.Name))
	for {
		resp, err := n.c.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, string(doc), clientv3.WithLease(grant.ID)),
				clientv3.OpPut(n.c.key(liveKey(info.Lease)), n.info.Name, clientv3.WithLease(grant.ID))).
			Else(clientv3.OpGet(key)).Commit()
		if err != nil {
			return nil, nil, readError(err) // a lease that nobody renews ends by itself, with the keys
		}
		if resp.Succeeded {
			break
		}
		before := clientv3.LeaseID(resp.Responses[0].GetResponseRange().Kvs[0].Lease)
		if own != 0 && before != own && before != grant.ID {
			return nil, nil, fmt.Errorf("another process runs as node %q", n.info.Name)
		}
		if before == grant.ID {
			break
		}
		if own == 0 {
			n.c.log.Info("catalog: taking over from the process that had this node's name", "node", n.info.Name)
		}
		if _, err := n.c.client.Revoke(ctx, before); err != nil && !certainlyNot(err) {
			return nil, nil, readError(err)
		}
	}
	run, stop := context.WithCancel(n.ctx)
	alive, err := n.c.client.KeepAlive(run, grant.ID)
	if err != nil {
		stop()
		return nil, nil, readError(err)
	}
	return &lease{id: grant.ID, ctx: run, stop: stop}, alive, nil
}

func (n *Node) setLease(l *lease) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lease = l
	close(n.renewed)
	n.renewed = make(chan struct{})
}

// keep follows the lease and replaces it when it is lost, until the node is closed.
func (n *Node) keep(l *lease, alive <-chan *clientv3.LeaseKeepAliveResponse) {
	for {
		for range alive { // closed when etcd says that the lease is gone, and when it could not be renewed in time
		}
		if n.ctx.Err() != nil {
			return
		}
		n.c.log.Warn("catalog: this node's lease is lost; registering again", "node", n.info.Name)
		l.stop()
		n.setLease(nil)
		for {
			ctx, cancel := context.WithTimeout(n.ctx, 5*time.Second)
			next, ch, err := n.register(ctx, l.id)
			cancel()
			if err == nil {
				l, alive = next, ch
				n.setLease(l)
				n.c.log.Info("catalog: registered again", "node", n.info.Name)
				break
			}
			select {
			case <-n.ctx.Done():
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
}

// current waits for a lease.
func (n *Node) current(ctx context.Context) (*lease, error) {
	for {
		n.mu.Lock()
		l, renewed := n.lease, n.renewed
		n.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-renewed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case <-n.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// Campaign waits until this node is the controller. The context it returns ends when it is no more: its lease was lost or Resign was called.
func (n *Node) Campaign(ctx context.Context) (context.Context, error) {
	key := n.c.key(keyController)
	for {
		l, err := n.current(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := n.c.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, n.info.Name, clientv3.WithLease(l.id))).Else(clientv3.OpGet(key)).Commit()
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case n.ctx.Err() != nil:
			return nil, ErrClosed
		case err != nil: // etcd is away, or the lease has just gone: again, also when the answer alone was lost
			select {
			case <-time.After(200 * time.Millisecond):
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
