package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Where nodes say what commits they want held back, and which holds they obey: nothing that those concern is under way there. Both end with their lease, so that
// a node that dies keeps nobody waiting for longer.
const (
	topicHold = "hold"
	topicHeld = "held"
)

// betweenHolds is for how long commits go on between two holds that concern them, so that who asks for one after the other does not stop them for good.
const betweenHolds = 20 * time.Millisecond

// holding are a node's own holds. Each has a key of its own: what a request that was given up does late is done to its own hold alone.
type holding struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (g *holding) set(id string, on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ids == nil {
		g.ids = map[string]bool{}
	}
	if on {
		g.ids[id] = true
	} else {
		delete(g.ids, id)
	}
}

func (g *holding) has(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ids[id]
}

// Held is a hold in force: no commit that it concerns is under way at any node that may send one.
type Held struct {
	n     *Node
	lease *lease
	hold  topo.Hold
	since time.Time
}

// Hold has commits over several places wait at all nodes, and returns once those that were under way have ended. End must be called, soon. Several may hold at
// the same time.
func (n *Node) Hold(ctx context.Context, scope topo.Hold) (*Held, error) {
	l, err := n.current(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.c.awaitTurn(ctx, scope); err != nil {
		return nil, err
	}
	scope.ID = n.holdPrefix() + strconv.FormatInt(n.asked(), 36)
	h := &Held{n, l, scope, time.Now()}
	doc, err := json.Marshal(scope)
	if err != nil {
		return nil, err
	}
	n.holding.set(scope.ID, true)
	if _, err := n.c.client.Put(ctx, n.c.key(holdKey(scope.ID)), string(doc), clientv3.WithLease(l.id)); err != nil {
		h.End()
		return nil, writeError(err)
	}
	for {
		changed := n.c.BoardChanged()
		missing := ""
		heard := n.c.Heard(topicHeld)
		for _, o := range n.c.Nodes() {
			var ids []string
			if doc := heard[o.ID]; doc != nil {
				if err := json.Unmarshal(doc, &ids); err != nil {
					h.End()
					return nil, fmt.Errorf("catalog: node %s's report: %w", o.Name, err)
				}
			}
			if !slices.Contains(ids, scope.ID) {
				missing = o.Name
			}
		}
		if missing == "" && h.Lasts() {
			return h, nil
		}
		select {
		case <-changed:
		case <-l.ctx.Done():
			h.End()
			return nil, fmt.Errorf("%w: the node's lease is lost", ErrUnavailable)
		case <-ctx.Done():
			h.End()
			return nil, fmt.Errorf("catalog: waiting for node %s to hold commits back: %w", missing, ctx.Err())
		case <-n.c.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// Lasts says whether the hold is in force still: what was done under it before was done at a moment without such commits.
func (h *Held) Lasts() bool { return h.lease.ctx.Err() == nil && h.n.Valid() }

// End lets commits go on, and says for how long they have waited at most. Where the catalog can't be told at once, TidyHolds does it, or the lease ends.
func (h *Held) End() time.Duration {
	h.n.holding.set(h.hold.ID, false)
	h.n.unpublish(h.hold.ID)
	return time.Since(h.since)
}

// unpublish takes a hold off the board, if the catalog can be told at once.
func (n *Node) unpublish(id string) {
	ctx, cancel := context.WithTimeout(n.ctx, attempt)
	defer cancel()
	_, _ = n.c.client.Delete(ctx, n.c.key(holdKey(id)))
}

// Holds says whether a hold is this node's.
func (n *Node) Holds(id string) bool { return strings.HasPrefix(id, n.holdPrefix()) }

func (n *Node) holdPrefix() string { return strconv.FormatUint(uint64(n.info.ID), 36) + "-" }

// Holding says that this node obeys holds, and that nothing is under way here that they concern.
func (n *Node) Holding(ctx context.Context, ids []string) error {
	doc, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	return n.Report(ctx, topicHeld, doc)
}

// TidyHolds takes back what others believe to be this node's holds and is not any more: what could not be taken back before, or was written by a request that had been
// given up.
func (n *Node) TidyHolds() {
	for id := range n.c.board.Load().below(dirReport + topicHold + "/") {
		if n.Holds(id) && !n.holding.has(id) {
			n.unpublish(id)
		}
	}
}

// Holds are the holds of all nodes, as last seen.
func (c *Catalog) Holds() []topo.Hold { return c.board.Load().holds() }

func (b *board) holds() []topo.Hold {
	var out []topo.Hold
	for _, doc := range b.below(dirReport + topicHold + "/") {
		var h topo.Hold
		if json.Unmarshal(doc, &h) == nil {
			out = append(out, h)
		}
	}
	return out
}

// isHold says whether a key is a hold's.
func isHold(key string) bool { return strings.HasPrefix(key, dirReport+topicHold+"/") }

func holdKey(id string) string { return dirReport + topicHold + "/" + id }

// awaitTurn waits until the holds that a new one overlaps with are over, and commits have gone on for a while.
func (c *Catalog) awaitTurn(ctx context.Context, scope topo.Hold) error {
	for {
		changed := c.BoardChanged()
		b := c.board.Load()
		var rest <-chan time.Time
		if !slices.ContainsFunc(b.holds(), func(h topo.Hold) bool { return scope.Overlaps(&h) }) {
			left := betweenHolds - time.Since(b.held)
			if left <= 0 {
				return nil
			}
			rest = time.After(left)
		}
		select {
		case <-changed:
		case <-rest:
		case <-ctx.Done():
			return fmt.Errorf("catalog: waiting for another moment without commits to end: %w", ctx.Err())
		case <-c.ctx.Done():
			return ErrClosed
		}
	}
}
