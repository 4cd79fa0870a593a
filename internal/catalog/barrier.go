package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// topicSeen is where nodes say which revision they act on.
const topicSeen = "seen"

// seen is a node's report.
type seen struct {
	Revision  int64              `json:"revision"`
	Undrained []topo.PartitionID `json:"undrained,omitempty"`
}

// Saw says that this node acts on a revision of the topology: nothing that the revision forbids goes on at it, but for the statements and
// transactions that still hold the partitions named, which the revision has locked.
func (n *Node) Saw(ctx context.Context, rev int64, undrained []topo.PartitionID) error {
	doc, err := json.Marshal(seen{rev, undrained})
	if err != nil {
		return err
	}
	return n.Report(ctx, topicSeen, doc)
}

// AwaitSeen waits until every living node has said Saw of a revision or of a later one; nodes whose lease has ended don't count: by their own clocks
// they have stopped before. undrained are the partitions that some node's transactions still hold. The caller's own snapshot shows the revision.
func (c *Catalog) AwaitSeen(ctx context.Context, rev int64) (undrained map[topo.PartitionID]bool, err error) {
	for {
		changed := c.BoardChanged()
		undrained = map[topo.PartitionID]bool{}
		missing := ""
		b := c.board.Load()
		for _, n := range c.Nodes() {
			var s seen
			if doc, ok := b.notes[reportKey(topicSeen, n.ID)]; ok {
				if err := json.Unmarshal(doc, &s); err != nil {
					return nil, fmt.Errorf("catalog: node %s's report: %w", n.Name, err)
				}
			}
			if s.Revision < rev {
				missing = n.Name
				break
			}
			for _, p := range s.Undrained {
				undrained[p] = true
			}
		}
		if missing == "" {
			return undrained, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("catalog: waiting for node %s to see revision %d: %w", missing, rev, ctx.Err())
		case <-c.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// Heard are the values on a topic by the nodes' ids, as last seen by the watch: what Reports reads from etcd, without asking it.
func (c *Catalog) Heard(topic string) map[uint32][]byte {
	out := map[uint32][]byte{}
	for rest, value := range c.board.Load().below(dirReport + topic + "/") {
		if id, err := strconv.ParseUint(rest, 10, 32); err == nil {
			out[uint32(id)] = slices.Clone(value)
		}
	}
	return out
}
