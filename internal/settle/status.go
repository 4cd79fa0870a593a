package settle

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// Status is what has become of a transaction.
type Status struct {
	ID    txn.ID
	State State
	// Node is the living node that it is of, "" when that is gone.
	Node string
	// Decider is the partition that has decided about it; the zero ID when the catalog has, or nothing is decided.
	Decider topo.PartitionID
	// Left are the places where a branch waits: who reads there does not see what it wrote.
	Left []string
	// Missing are the servers that could not be asked: Left may lack theirs, and Unknown is not for ever.
	Missing []string
}

// Status asks the transaction's node, all leaves and the catalog. What is decided is told for as long as decisions are kept; after that, and of what was
// rolled back before anything was decided, and of what wrote in one place only, nobody knows anything.
func (o *Own) Status(ctx context.Context, id txn.ID) (*Status, error) {
	st := &Status{ID: id, State: o.state(id)}
	var err error
	owner := slices.IndexFunc(o.s.cfg.Catalog.Nodes(), func(n catalog.NodeInfo) bool { return uint64(n.Lease) == id.Owner })
	if owner >= 0 {
		st.Node = o.s.cfg.Catalog.Nodes()[owner].Name
	}
	if st.State == "" && owner >= 0 && o.s.cfg.Node != nil && uint64(o.s.cfg.Node.Lease()) != id.Owner {
		states, err := o.s.askOwner(ctx, id.Owner, []txn.ID{id})
		if err != nil {
			st.Missing = append(st.Missing, err.Error())
		}
		st.State = states[id]
	}
	look := o.s.Look(ctx)
	for name, err := range look.Missing {
		st.Missing = append(st.Missing, fmt.Sprintf("%s: %v", name, err))
	}
	slices.Sort(st.Missing)
	snap := o.s.cfg.Catalog.Snapshot()
	x, decider := IndexOf(snap), uint64(0)
	for _, s := range look.Seen {
		if s.XID.ID != id {
			continue
		}
		decider = s.XID.Decider
		if at, mine, _ := placeOf(s, x); mine {
			st.Left = append(st.Left, at.String())
		}
	}
	slices.Sort(st.Left)
	out, by, err := o.s.decision(ctx, snap, id)
	if err != nil {
		st.Missing = append(st.Missing, err.Error())
	}
	switch {
	case out != "":
		st.State, st.Decider = State(out), by
	case st.State != "":
	case len(st.Left) > 0:
		st.State = Preparing
		if p := x[decider]; p != nil {
			st.Decider = p.ID
		}
	default:
		st.State = Unknown
	}
	return st, ctx.Err()
}

// decision looks for what is decided about a transaction: nobody knows where. The error is about places that could not be asked.
func (s *Settler) decision(ctx context.Context, snap *topo.Snapshot, id txn.ID) (out catalog.Outcome, by topo.PartitionID, err error) {
	d, err := s.cfg.Catalog.Decision(ctx, id.String())
	if err == nil && d != nil && d.Outcome != catalog.Prepared {
		return d.Outcome, by, nil
	}
	leaves := map[string]bool{}
	for _, d := range snap.Databases {
		for _, p := range d.Partitions {
			if leaf, ok := p.Master(); ok {
				leaves[leaf] = true
			}
		}
	}
	var mu sync.Mutex
	var asked sync.WaitGroup
	for leaf := range leaves {
		asked.Go(func() {
			rows, e := s.rowsOf(ctx, leaf, []txn.ID{id})
			mu.Lock()
			defer mu.Unlock()
			if e != nil {
				err = e
			}
			for _, r := range rows {
				p := snap.Partition(snap.Schemas[r.schema])
				if p == nil {
					continue
				}
				if m, ok := p.Master(); ok && m == leaf { // a replica may have what its next master never had
					out, by = r.outcome, p.ID
				}
			}
		})
	}
	asked.Wait()
	if out != "" {
		err = nil
	}
	return out, by, err
}

type row struct {
	schema  string
	id      txn.ID
	outcome catalog.Outcome
}

// rowsOf reads all decisions of a leaf about transactions, whatever partition has made them.
func (s *Settler) rowsOf(ctx context.Context, leaf string, ids []txn.ID) ([]row, error) {
	c, err := s.at(ctx, Place{Leaf: leaf})
	if err != nil {
		return nil, err
	}
	defer c.Release()
	res, err := s.run(ctx, c, "SELECT owner, seq, outcome, `partition` FROM "+mariadb.Schema+".decisions WHERE "+named(ids))
	if err != nil {
		return nil, fmt.Errorf("leaf %s: %w", leaf, err)
	}
	var out []row
	for _, r := range res.Rows {
		id, o, err := outcomeOf(r)
		if err != nil {
			return nil, err
		}
		out = append(out, row{string(r[3]), id, o})
	}
	return out, nil
}

// found is what is decided about transactions whose deciding partition was dropped: the decisions outlive it where it was.
func (s *Settler) found(ctx context.Context, seen []Seen, snap *topo.Snapshot) Outcomes {
	x := IndexOf(snap)
	var ids []txn.ID
	for _, b := range seen {
		if b.XID.Decider != 0 && x[b.XID.Decider] == nil && !slices.Contains(ids, b.XID.ID) {
			ids = append(ids, b.XID.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	out := Outcomes{}
	for _, leaf := range snap.OnlineLeaves() {
		for some := range slices.Chunk(ids, rowsAtOnce) {
			rows, err := s.rowsOf(ctx, leaf.Name, some)
			if err != nil {
				s.log.Info("settle: what a dropped partition has decided can't be looked for at a leaf", "leaf", leaf.Name, "error", err)
				break
			}
			for _, r := range rows {
				out[r.id] = r.outcome
			}
		}
	}
	return out
}
