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
	Accounts  int64              `json:"accounts,omitempty"`
	Undrained []topo.PartitionID `json:"undrained,omitempty"`
}

// Saw says that this node acts on a revision of the topology: nothing that the revision forbids goes on at it, but for the statements and
// transactions that still hold the partitions named, which the revision has locked. accounts is the version of accounts and rights by which it judges.
func (n *Node) Saw(ctx context.Context, rev, accounts int64, undrained []topo.PartitionID) error {
	doc, err := json.Marshal(seen{rev, accounts, undrained})
	if err != nil {
		return err
	}
	return n.Report(ctx, topicSeen, doc)
}

// AwaitSeen waits until every living node has said Saw of a revision or of a later one; nodes whose lease has ended don't count: by their own clocks
// they have stopped before. undrained are the partitions that some node's transactions still hold. The caller's own snapshot shows the revision.
func (c *Catalog) AwaitSeen(ctx context.Context, rev int64) (undrained map[topo.PartitionID]bool, err error) {
	err = c.awaitReports(ctx, fmt.Sprintf("see revision %d", rev), func() { undrained = map[topo.PartitionID]bool{} }, func(s *seen) bool {
		for _, p := range s.Undrained {
			undrained[p] = true
		}
		return s.Revision >= rev
	})
	if err != nil {
		return nil, err
	}
	return undrained, nil
}

// AwaitAccounts waits until every living node has said Saw of a version of the accounts, as AccountsChanged gives it, or of a later one.
func (c *Catalog) AwaitAccounts(ctx context.Context, version int64) error {
	return c.awaitReports(ctx, "judge by the new rights", func() {}, func(s *seen) bool { return s.Accounts >= version })
}

// awaitReports waits until every living node's report is as it should be. begin is called ahead of each look at all of them.
func (c *Catalog) awaitReports(ctx context.Context, what string, begin func(), good func(*seen) bool) error {
	for {
		changed := c.BoardChanged()
		missing := ""
		b := c.board.Load()
		begin()
		for _, n := range c.Nodes() {
			var s seen
			if doc, ok := b.notes[reportKey(topicSeen, n.ID)]; ok {
				if err := json.Unmarshal(doc, &s); err != nil {
					return fmt.Errorf("catalog: node %s's report: %w", n.Name, err)
				}
			}
			if !good(&s) {
				missing = n.Name
				break
			}
		}
		if missing == "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("catalog: waiting for node %s to %s: %w", missing, what, ctx.Err())
		case <-c.ctx.Done():
			return ErrClosed
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
