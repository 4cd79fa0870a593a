package settle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// Look is what servers list as prepared.
type Look struct {
	Seen []Seen
	// Lost are the branches that masters had prepared and lost in a crash, see mariadb.Lost.
	Lost map[xid.Branch]bool
	// Missing are the servers that have not answered or were not asked as they are away, and why.
	Missing map[string]error
}

// Whole says whether all servers have answered: what is not in Seen is nowhere.
func (l *Look) Whole() bool { return len(l.Missing) == 0 }

// Look asks all leaves, and the servers of linked tables, at the same time.
func (s *Settler) Look(ctx context.Context) *Look {
	l := &Look{Lost: map[xid.Branch]bool{}, Missing: map[string]error{}}
	var mu sync.Mutex
	var asked sync.WaitGroup
	ask := func(name string, at Place) {
		asked.Go(func() {
			seen, lost, err := s.prepared(ctx, at)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				l.Missing[name] = err
				return
			}
			l.Seen = append(l.Seen, seen...)
			maps.Copy(l.Lost, lost)
		})
	}
	leaves := s.cfg.Catalog.Snapshot().Leaves
	for _, name := range slices.Sorted(maps.Keys(leaves)) {
		if leaf := leaves[name]; leaf.State != topo.LeafOnline && leaf.State != topo.LeafAttaching {
			mu.Lock()
			l.Missing["leaf "+name] = fmt.Errorf("the leaf is %s", leaf.State)
			mu.Unlock()
			continue
		}
		ask("leaf "+name, Place{Leaf: name})
	}
	if s.cfg.Remotes != nil {
		remotes, err := s.cfg.Remotes()
		if err != nil {
			mu.Lock()
			l.Missing["servers of linked tables"] = err
			mu.Unlock()
		}
		for _, r := range remotes {
			ask("server "+r.Name, Place{Leaf: r.ID, Remote: r})
		}
	}
	asked.Wait()
	return l
}

// divide parts what is to be ended at masters from what only replicas have, as their master has lost it.
func (l *Look) divide() (seen, orphans []Seen) {
	for _, s := range l.Seen {
		if s.Remote == nil && l.Lost[s.XID.Branch()] {
			orphans = append(orphans, s)
		} else {
			seen = append(seen, s)
		}
	}
	return seen, orphans
}

// prepared asks one server. A connection that was found dead, as the server was restarted, is no answer.
func (s *Settler) prepared(ctx context.Context, at Place) (seen []Seen, lost map[xid.Branch]bool, err error) {
	for try := 1; ; try++ {
		c, err := s.at(ctx, Place{Leaf: at.Leaf, Remote: at.Remote})
		if err != nil {
			return nil, nil, err
		}
		if seen, err = s.list(ctx, c, at); err == nil && at.Remote == nil {
			lost, err = mariadb.Lost(ctx, c)
		}
		again := err != nil && c.Broken() && try == 1 && ctx.Err() == nil
		c.Release()
		if !again {
			return seen, lost, err
		}
		s.pools.Drop(at.Leaf)
	}
}

// list is prepared on a connection.
func (s *Settler) list(ctx context.Context, c *backend.Conn, at Place) ([]Seen, error) {
	res, err := s.run(ctx, c, "XA RECOVER")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	var out []Seen
	for _, row := range res.Rows {
		if x, ours := xid.Listed(row); ours {
			out = append(out, Seen{XID: x, Leaf: at.Leaf, Remote: at.Remote})
		}
	}
	return out, nil
}

// decidedWithin is how long AwaitDecided waits.
const decidedWithin = 10 * time.Second

// UndecidedError: partitions are to be dropped one of which decides about a transaction in doubt. Nothing was done.
type UndecidedError struct {
	ID      txn.ID
	Decider topo.PartitionID
	Leaf    string // where it waits
}

func (e *UndecidedError) Error() string {
	return fmt.Sprintf("partition %s decides about transaction %s, which is prepared on leaf %s and was not ended in %s; it can be dropped after that", e.Decider, e.ID, e.Leaf, decidedWithin)
}

// MySQL is 1105 ER_UNKNOWN_ERROR.
func (e *UndecidedError) MySQL() (uint16, string, string) { return 1105, "HY000", e.Error() }

// AwaitDecided waits until the transactions have ended that are prepared now and that one of the partitions decides about: with the partitions what they have decided
// would be lost. What comes to be prepared later waits for the partitions' locks itself. Leaves that are away are not waited for.
func (s *Settler) AwaitDecided(ctx context.Context, parts []topo.PartitionID) error {
	deciders := map[uint64]topo.PartitionID{}
	for _, p := range parts {
		deciders[txn.PlaceHash(p)] = p
	}
	var first map[txn.XID]bool
	for began := time.Now(); ; {
		look, unasked := s.Look(ctx), error(nil)
		for name, err := range look.Missing {
			if leaf := s.cfg.Catalog.Snapshot().Leaves[strings.TrimPrefix(name, "leaf ")]; leaf != nil && leaf.State == topo.LeafOnline {
				unasked = fmt.Errorf("%s can't be asked whether transactions are in doubt there: %w", name, err)
			}
		}
		left := map[txn.XID]bool{}
		var one Seen
		for _, b := range look.Seen {
			if _, named := deciders[b.XID.Decider]; named && (first == nil || first[b.XID]) {
				left[b.XID], one = true, b
			}
		}
		switch {
		case len(left) == 0 && unasked == nil:
			return ctx.Err()
		case time.Since(began) > decidedWithin && len(left) > 0:
			return &UndecidedError{one.XID.ID, deciders[one.XID.Decider], one.Leaf}
		case time.Since(began) > decidedWithin:
			return unasked
		case unasked == nil:
			first = left
		}
		select {
		case <-time.After(tryEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
