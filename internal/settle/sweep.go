package settle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

const (
	// keep is for how long decisions are kept: SHOW TRANSACTION STATUS tells of them.
	keep = 10 * time.Minute
	// keepOwners is for how long nodes' leases are on record at least: a server of linked tables may be out of reach for long.
	keepOwners = 7 * 24 * time.Hour
	// sweptAtOnce bounds what one look at a leaf takes away.
	sweptAtOnce = 10000
)

// sweeps forgets old decisions now and then, until Close.
func (o *Own) sweeps() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			o.Sweep(o.ctx)
		case <-o.ctx.Done():
			return
		}
	}
}

// Sweep forgets what this node has decided long ago, but for what is not finished. Owner and time are ends of ranges in the primary key: a look reads what it takes
// away, and little else.
func (o *Own) Sweep(ctx context.Context) {
	if o.s.cfg.Node == nil || o.s.cfg.Node.Lease() == 0 {
		return
	}
	own := uint64(o.s.cfg.Node.Lease())
	o.s.sweepRows(ctx, o.s.cfg.Catalog.Snapshot(), func([]uint64) []uint64 { return []uint64{own} }, func(id txn.ID) bool { return o.state(id) != "" })
	// In the catalog those of clients' own transactions are others' to finish.
	old := slices.DeleteFunc(slices.Clone(o.s.cfg.Catalog.KnownDecisions()), func(d *catalog.Decision) bool {
		id, err := txn.ParseID(d.ID)
		return err != nil || id.Owner != own || time.Since(d.At) < o.s.keep() || o.state(id) != "" || d.XA != nil && !d.Finished
	})
	if err := o.s.cfg.Catalog.Forget(ctx, old...); err != nil && ctx.Err() == nil {
		o.s.log.Info("settle: old decisions are left in the catalog", "error", err)
	}
}

// sweep forgets what dead nodes have decided long ago. A branch that nobody has seen may be on a server that has not answered: its decision stays.
func (r *Rounds) sweep(ctx context.Context, look *Look, f Facts, done *Result) {
	if !look.Whole() || len(done.Waits) > 0 {
		return
	}
	seen := map[txn.ID]bool{}
	for _, s := range look.Seen {
		seen[s.XID.ID] = true
	}
	r.s.sweepRows(ctx, f.Snapshot, func(owners []uint64) []uint64 {
		return slices.DeleteFunc(owners, func(o uint64) bool { return f.Living[o] })
	}, func(id txn.ID) bool { return seen[id] })
	r.s.sweepDropped(ctx, f.Snapshot)
	all, err := r.s.cfg.Catalog.Decisions(ctx)
	if err == nil {
		old := slices.DeleteFunc(all, func(d *catalog.Decision) bool {
			id, err := txn.ParseID(d.ID)
			return err != nil || time.Since(d.At) < r.s.keep() || seen[id] || f.Living[id.Owner] && !d.Finished
		})
		err = r.s.cfg.Catalog.Forget(ctx, old...)
	}
	if err != nil {
		r.s.log.Info("settle: old decisions are left in the catalog", "error", err)
	}
	r.forgetOwners(ctx, look.Seen)
}

// forgetOwners strikes nodes' leases off the record that are long gone and have left nothing.
func (r *Rounds) forgetOwners(ctx context.Context, seen []Seen) {
	leases, err := r.s.cfg.Catalog.Leases(ctx)
	if err != nil {
		return
	}
	for lease, since := range leases.Known {
		if leases.Living[lease] || time.Since(since) < keepOwners || slices.ContainsFunc(seen, func(s Seen) bool { return s.XID.Owner == uint64(lease) }) {
			continue
		}
		if err := r.s.cfg.Catalog.ForgetLease(ctx, lease); err != nil {
			return // the next time
		}
	}
}

func (s *Settler) keep() time.Duration {
	if s.cfg.Keep > 0 {
		return s.cfg.Keep
	}
	return keep
}

// sweepRows takes old decisions of some of the owners away, where partitions have their masters.
func (s *Settler) sweepRows(ctx context.Context, snap *topo.Snapshot, of func(owners []uint64) []uint64, needed func(txn.ID) bool) {
	by := map[string]map[string]Place{}
	for _, d := range snap.Databases {
		for _, p := range d.Partitions {
			if at, why := masterOf(p, ""); why == "" {
				if by[at.Leaf] == nil {
					by[at.Leaf] = map[string]Place{}
				}
				by[at.Leaf][p.ID.Schema()] = at
			}
		}
	}
	for leaf, parts := range by {
		if err := s.sweepLeaf(ctx, leaf, parts, of, needed); err != nil && ctx.Err() == nil {
			s.log.Info("settle: old decisions are left at a leaf", "leaf", leaf, "error", err)
		}
	}
}

func (s *Settler) sweepLeaf(ctx context.Context, leaf string, parts map[string]Place, of func([]uint64) []uint64, needed func(txn.ID) bool) error {
	var names []string
	for schema := range parts {
		names = append(names, lit(schema))
	}
	slices.Sort(names)
	within := "`partition` IN (" + strings.Join(names, ", ") + ")"
	old, err := s.oldRows(ctx, leaf, within, of)
	if err != nil {
		return err
	}
	for schema, ids := range old {
		ids = slices.DeleteFunc(ids, needed)
		for some := range slices.Chunk(ids, rowsAtOnce) {
			if err := s.forget(ctx, parts[schema], some); err != nil {
				return err
			}
		}
	}
	return nil
}

// oldRows lists old decisions of some owners. It locks nothing.
func (s *Settler) oldRows(ctx context.Context, leaf, within string, of func([]uint64) []uint64) (map[string][]txn.ID, error) {
	c, err := s.at(ctx, Place{Leaf: leaf})
	if err != nil {
		return nil, err
	}
	defer c.Release()
	res, err := s.run(ctx, c, "SELECT DISTINCT owner FROM "+mariadb.Schema+".decisions WHERE "+within)
	if err != nil {
		return nil, err
	}
	var owners []uint64
	for _, row := range res.Rows {
		o, err := strconv.ParseUint(string(row[0]), 10, 64)
		if err != nil {
			return nil, err
		}
		owners = append(owners, o)
	}
	if owners = of(owners); len(owners) == 0 {
		return nil, nil
	}
	var list []string
	for _, o := range owners {
		list = append(list, strconv.FormatUint(o, 10))
	}
	// An id is older than its decision.
	if res, err = s.run(ctx, c, "SET time_zone = '+00:00'"); err == nil {
		res, err = s.run(ctx, c, fmt.Sprintf("SELECT `partition`, owner, seq FROM %s.decisions WHERE %s AND owner IN (%s) AND seq < %d AND at < SYSDATE(6) - INTERVAL %d SECOND LIMIT %d",
			mariadb.Schema, within, strings.Join(list, ", "), time.Now().Add(-s.keep()).UnixMicro(), int(s.keep()/time.Second), sweptAtOnce))
	}
	if err != nil {
		return nil, err
	}
	out := map[string][]txn.ID{}
	for _, row := range res.Rows {
		owner, err1 := strconv.ParseUint(string(row[1]), 10, 64)
		seq, err2 := strconv.ParseUint(string(row[2]), 10, 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("leaf %s: %q-%q is no transaction", leaf, row[1], row[2])
		}
		out[string(row[0])] = append(out[string(row[0])], txn.ID{Owner: owner, Seq: seq})
	}
	return out, nil
}

// forget takes decisions away: rows that are committed, by their keys, so that nothing else is locked.
func (s *Settler) forget(ctx context.Context, at Place, ids []txn.ID) error {
	c, err := s.at(ctx, at)
	if err != nil {
		return err
	}
	defer c.Release()
	if _, err = s.run(ctx, c, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"); err == nil {
		_, err = s.run(ctx, c, "DELETE FROM "+mariadb.Schema+".decisions WHERE `partition` = "+lit(at.Partition.Schema())+" AND "+named(ids))
	}
	return err
}

// sweepDropped takes away what partitions of databases that are gone have decided: at each leaf by itself, as no replica follows them. They are kept for
// longer, since the leaf's clock alone says how old they are.
func (s *Settler) sweepDropped(ctx context.Context, snap *topo.Snapshot) {
	names := []string{"''"}
	for schema := range snap.Schemas {
		names = append(names, lit(schema))
	}
	slices.Sort(names)
	for _, leaf := range slices.Sorted(maps.Keys(snap.Leaves)) {
		err := func() error {
			c, err := s.at(ctx, Place{Leaf: leaf})
			if err != nil {
				return err
			}
			defer c.Release()
			for _, q := range []string{"SET SESSION sql_log_bin=0, time_zone='+00:00'", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
				fmt.Sprintf("DELETE FROM %s.decisions WHERE `partition` NOT IN (%s) AND at < SYSDATE(6) - INTERVAL %d SECOND LIMIT %d",
					mariadb.Schema, strings.Join(names, ", "), 6*int(s.keep()/time.Second), sweptAtOnce)} {
				if _, err := s.run(ctx, c, q); err != nil {
					return err
				}
			}
			return nil
		}()
		if err != nil && ctx.Err() == nil {
			s.log.Info("settle: decisions of dropped databases are left at a leaf", "leaf", leaf, "error", err)
		}
	}
}
