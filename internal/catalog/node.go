package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
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
	c     *Catalog
	info  NodeInfo
	ttl   time.Duration
	until atomic.Int64 // since epoch: the lease lasts at least so long

	lastAsked atomic.Int64 // of the questions' numbers
	holding   holding

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

// epoch is where monotonic times are counted from: they go on while a process is stopped, so that no answer is taken for newer than its question.
var epoch = time.Now()

// Register makes the process known under a lease of ttl (whole seconds, at least 1). What a dead process of the same name held is freed at once. When
// it returns, the snapshot shows every change that was made before the others could know of this node.
func (c *Catalog) Register(ctx context.Context, info NodeInfo, ttl time.Duration) (*Node, error) {
	id, err := c.nodeID(ctx, info.Name)
	if err != nil {
		return nil, err
	}
	info.ID = id
	n := &Node{c: c, info: info, ttl: max(time.Second, ttl.Truncate(time.Second)), renewed: make(chan struct{})}
	n.ctx, n.stop = context.WithCancel(c.ctx)
	l, until, err := n.register(ctx, 0)
	if err != nil {
		n.stop()
		return nil, err
	}
	n.until.Store(int64(until))
	n.setLease(l)
	n.wg.Go(func() { n.keep(l) })
	return n, nil
}

// nodeID finds or makes the id of a name.
func (c *Catalog) nodeID(ctx context.Context, name string) (uint32, error) {
	known, err := c.get(ctx, c.key(nodeIDKey(name)))
	if err != nil {
		return 0, readError(err)
	}
	var text string
	if len(known.Kvs) > 0 {
		text = string(known.Kvs[0].Value)
	} else {
		numbers := c.sequence("node")
		first, err := numbers.Next(ctx, 1)
		if err != nil {
			return 0, err
		}
		// There are few numbers: what is left of the block is for the others.
		if err := numbers.Close(ctx); err != nil {
			return 0, err
		}
		if text, err = c.once(ctx, nodeIDKey(name), func() string { return fmt.Sprint(first) }); err != nil {
			return 0, err
		}
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
	n.until.Store(0)
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
	if _, err := n.c.client.Revoke(ctx, l.id); err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) { // which has ended by itself
		return readError(err)
	}
	return nil
}

// register gets a lease and puts the node's keys under it. own is the lease that the node had before, 0 at first. The lease lasts until a time since
// epoch at least.
func (n *Node) register(ctx context.Context, own clientv3.LeaseID) (l *lease, until time.Duration, err error) {
	sent := time.Since(epoch)
	grant, err := n.c.client.Grant(ctx, int64(n.ttl/time.Second))
	if err != nil {
		return nil, 0, readError(err)
	}
	info := n.info
	info.Lease = int64(grant.ID)
	doc, err := json.Marshal(info)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil { // the next try must not take it for another process's
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_, _ = n.c.client.Revoke(ctx, grant.ID)
		}
	}()
	key := n.c.key(nodeKey(n.info.Name))
	for {
		resp, err := n.c.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, string(doc), clientv3.WithLease(grant.ID)),
				clientv3.OpPut(n.c.key(liveKey(info.Lease)), n.info.Name, clientv3.WithLease(grant.ID)),
				clientv3.OpPut(n.c.key(ownerKey(info.Lease)), time.Now().UTC().Format(time.RFC3339))).
			Else(clientv3.OpGet(key)).Commit()
		if err != nil {
			return nil, 0, readError(err) // a lease that nobody renews ends by itself, with the keys
		}
		if resp.Succeeded {
			break
		}
		before := clientv3.LeaseID(resp.Responses[0].GetResponseRange().Kvs[0].Lease)
		if own != 0 && before != own && before != grant.ID {
			return nil, 0, fmt.Errorf("another process runs as node %q", n.info.Name)
		}
		if before == grant.ID {
			break
		}
		if own == 0 {
			n.c.log.Info("catalog: taking over from the process that had this node's name", "node", n.info.Name)
		}
		if _, err := n.c.client.Revoke(ctx, before); err != nil && !certainlyNot(err) {
			return nil, 0, readError(err)
		}
	}
	// From here on the others wait for this node to see what they change; what was changed before it must see now.
	if err := n.c.Sync(ctx); err != nil {
		return nil, 0, err
	}
	run, stop := context.WithCancel(n.ctx)
	return &lease{id: grant.ID, ctx: run, stop: stop}, sent + n.ttl, nil
}

// Valid says whether this node's lease certainly lasts still, by this node's own clock: nobody has taken it for dead.
func (n *Node) Valid() bool { return n.left() > 0 }

// left is for how long the lease certainly lasts still.
func (n *Node) left() time.Duration { return time.Duration(n.until.Load()) - time.Since(epoch) }

// renew prolongs a lease until it is lost or the node is closed. A lease lasts from when its prolonging was asked for, not from the answer: the
// process may have been stopped in between.
func (n *Node) renew(l *lease) {
	wait := min(n.ttl/4, n.left()/2) // registering may have taken long
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-time.After(wait):
		}
		sent := time.Since(epoch)
		// No longer than the lease lasts: what hangs on it ends when it is no longer valid, not when an etcd that is cut off has not answered.
		ctx, cancel := context.WithTimeout(n.ctx, min(n.ttl/2, n.left()))
		_, err := n.c.client.KeepAliveOnce(ctx, l.id)
		cancel()
		switch {
		case err == nil:
			n.until.Store(int64(sent + n.ttl))
			wait = n.ttl / 4
		case errors.Is(err, rpctypes.ErrLeaseNotFound), !n.Valid():
			n.until.Store(0)
			return
		default:
			wait = min(n.ttl/20, 50*time.Millisecond)
		}
	}
}

func (n *Node) setLease(l *lease) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lease = l
	close(n.renewed)
	n.renewed = make(chan struct{})
}

// keep holds the lease and replaces it when it is lost, until the node is closed.
func (n *Node) keep(l *lease) {
	for {
		n.renew(l)
		if n.ctx.Err() != nil {
			return
		}
		n.c.log.Warn("catalog: this node's lease is lost; registering again", "node", n.info.Name)
		l.stop()
		n.setLease(nil)
		for {
			ctx, cancel := context.WithTimeout(n.ctx, 2*attempt)
			next, until, err := n.register(ctx, l.id)
			cancel()
			if err == nil {
				l = next
				n.until.Store(int64(until))
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
