package gateway

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// tally is what all partitions of a table have, as their masters' information_schema.TABLES or PARTITIONS tells of each.
type tally struct {
	table *topo.Table
	// part and sub are the names of a partition of MariaDB's and of a subpartition of it, "" for none.
	part, sub string
	parts     []partTally
	// unknown: a leaf can't tell of one of them.
	unknown bool
}

// partTally is one partition's share. Times are seconds since 1970, 0 for none.
type partTally struct {
	id                        topo.PartitionID
	rows, data, index, free   uint64
	auto                      uint64 // the next AUTO_INCREMENT value there, where the table counts them itself
	created, updated, checked int64
}

// indexTally is what the partitions tell of the first columns of an index: one value each, in no order.
type indexTally struct {
	table  *topo.Table
	index  string
	seq    int
	unique bool // no two rows of a partition have the same values in all of the index's columns
	column string
	parts  []partValues
}

// partValues is how many values one partition has; none for an index that MariaDB does not count.
type partValues struct {
	id     topo.PartitionID
	values float64
	none   bool
	// doubled: the number is one that MariaDB has made of its count.
	doubled bool
}

// counted says whether a table's rows are in the partitions, of which its shape tells nothing.
func counted(t *topo.Table) bool {
	return t.Kind == topo.Sharded || t.Kind == topo.Keyless || t.Kind == topo.Single
}

// partsOf is how many partitions have rows of a table.
func partsOf(snap *topo.Snapshot, t *topo.Table) int {
	if t.Kind == topo.Single {
		return 1
	}
	return len(snap.Databases[t.DB].Partitions)
}

// within says which of the tables that count a statement can tell of, and the partitions that have them.
func (r *reach) within(snap *topo.Snapshot) (tables map[string]map[string]*topo.Table, partitions []*topo.Partition, names []string) {
	tables = map[string]map[string]*topo.Table{}
	all := map[string]bool{}
	for _, db := range slices.Sorted(maps.Keys(snap.Databases)) {
		if !r.dbs.has(db) {
			continue
		}
		d := snap.Databases[db]
		in := map[string]*topo.Table{}
		for name, t := range d.Tables {
			if counted(t) && r.tables.has(name) {
				in[name] = t
				all[name] = true
			}
		}
		if len(in) > 0 {
			tables[db] = in
			partitions = append(partitions, d.Partitions...)
		}
	}
	if r.tables != nil {
		names = slices.Sorted(maps.Keys(all))
	}
	return tables, partitions, names
}

// askMasters asks each leaf once, all at the same time, by the cluster's account, of the partitions that it is the master of: with makes the statement for a condition on
// the databases and tables of s. Answers come as columns after those of the database and the table, which each calls row for. Nobody is asked when no table counts.
func (g *Gateway) askMasters(ctx context.Context, snap *topo.Snapshot, r *reach, with func(cond string) string, row func(p *topo.Partition, t *topo.Table, v [][]byte) error) error {
	tables, partitions, names := r.within(snap)
	schemas := map[string][]string{}
	for _, p := range partitions {
		leaf, ok := p.Master()
		if !ok {
			return topo.NoMaster(p.ID)
		}
		schemas[leaf] = append(schemas[leaf], stringLiteral(p.ID.Schema()))
	}
	cond := ""
	if names != nil {
		for i := range names {
			names[i] = stringLiteral(names[i])
		}
		cond = " AND s.TABLE_NAME IN (" + strings.Join(names, ",") + ")"
	}
	leaves := slices.Sorted(maps.Keys(schemas))
	answers, errs := make([]*backend.Result, len(leaves)), make([]error, len(leaves))
	var wg sync.WaitGroup
	for i, leaf := range leaves {
		wg.Go(func() {
			errs[i] = g.atLeaf(ctx, leaf, func(c *backend.Conn) (err error) {
				stop := c.Watch(ctx)
				defer stop()
				answers[i], err = c.Query(ctx, "SET STATEMENT time_zone='+00:00' FOR "+with("s.TABLE_SCHEMA IN ("+strings.Join(schemas[leaf], ",")+")"+cond))
				return err
			})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return err
		}
		for _, v := range answers[i].Rows {
			id := snap.Schemas[string(v[0])]
			p, t := snap.Partition(id), tables[id.DB][string(v[1])]
			if p == nil || t == nil || !t.In(id.Ordinal) {
				continue
			}
			if err := row(p, t, v[2:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// tallies adds up what a table of information_schema, TABLES or PARTITIONS, tells of rows, with the partitions' names where it has them.
func (g *Gateway) tallies(ctx context.Context, snap *topo.Snapshot, r *reach, from string) ([]*tally, error) {
	keys, auto := "'',''", "AUTO_INCREMENT"
	if from == "PARTITIONS" {
		keys, auto = "PARTITION_NAME,SUBPARTITION_NAME", "0"
	}
	type key struct {
		table     *topo.Table
		part, sub string
	}
	found := map[key]*tally{}
	var out []*tally
	err := g.askMasters(ctx, snap, r, func(cond string) string {
		return "SELECT TABLE_SCHEMA,TABLE_NAME," + keys + ",TABLE_ROWS,DATA_LENGTH,INDEX_LENGTH,DATA_FREE,UNIX_TIMESTAMP(CREATE_TIME),UNIX_TIMESTAMP(UPDATE_TIME)," +
			"UNIX_TIMESTAMP(CHECK_TIME)," + auto + " FROM information_schema." + from + " AS s WHERE " + cond
	}, func(p *topo.Partition, t *topo.Table, v [][]byte) error {
		k := key{t, string(v[0]), string(v[1])}
		y := found[k]
		if y == nil {
			y = &tally{table: t, part: k.part, sub: k.sub}
			found[k] = y
			out = append(out, y)
		}
		n, err := numbers(v[2:])
		y.unknown = y.unknown || v[2] == nil
		y.parts = append(y.parts, partTally{
			id: p.ID, rows: n[0], data: n[1], index: n[2], free: n[3], created: int64(n[4]), updated: int64(n[5]), checked: int64(n[6]), auto: n[7],
		})
		return err
	})
	return out, err
}

// numbers reads whole numbers, NULL as 0.
func numbers(v [][]byte) ([]uint64, error) {
	out := make([]uint64, len(v))
	for i, b := range v {
		if b == nil {
			continue
		}
		n, err := strconv.ParseUint(string(b), 10, 64)
		if err != nil {
			return out, fmt.Errorf("a leaf told of a number that is none: %w", err)
		}
		out[i] = n
	}
	return out, nil
}

// indexTallies gathers what the partitions tell of their indexes. InnoDB's own count is asked for where it is kept: CARDINALITY is made of it in a way that
// hides how many values a small part of a table has.
func (g *Gateway) indexTallies(ctx context.Context, snap *topo.Snapshot, r *reach) ([]*indexTally, error) {
	type key struct {
		table *topo.Table
		index string
		seq   int
	}
	found := map[key]*indexTally{}
	var out []*indexTally
	err := g.askMasters(ctx, snap, r, func(cond string) string {
		return "SELECT s.TABLE_SCHEMA,s.TABLE_NAME,s.INDEX_NAME,SEQ_IN_INDEX,NON_UNIQUE,COLUMN_NAME,CARDINALITY,stat_value FROM information_schema.STATISTICS AS s LEFT JOIN " +
			"mysql.innodb_index_stats AS i ON i.database_name=s.TABLE_SCHEMA AND i.table_name=s.TABLE_NAME AND i.index_name=s.INDEX_NAME AND " +
			"stat_name=CONCAT('n_diff_pfx',LPAD(SEQ_IN_INDEX,2,'0')) WHERE " + cond
	}, func(p *topo.Partition, t *topo.Table, v [][]byte) error {
		n, err := numbers([][]byte{v[1], v[2], v[4], v[5]})
		if err != nil {
			return err
		}
		k := key{t, string(v[0]), int(n[0])}
		y := found[k]
		if y == nil {
			y = &indexTally{table: t, index: k.index, seq: k.seq, unique: n[1] == 0, column: string(v[3])}
			found[k] = y
			out = append(out, y)
		}
		part := partValues{id: p.ID, values: float64(n[2]), none: v[4] == nil, doubled: true}
		if v[5] != nil && n[3] > 0 {
			part.values, part.doubled = float64(n[3]), false
		}
		y.parts = append(y.parts, part)
		return nil
	})
	return out, err
}

// toldWhole runs ask, which asks the partitions' masters, as a query of theirs is run: again while one of them is changing, until a leaf that can be reached is the master. It
// is also run again where the topology has changed meanwhile, as when ask has found a table at some of its partitions only.
func (s *session) toldWhole(ctx context.Context, ask func(snap *topo.Snapshot) (whole bool, err error)) error {
	began := time.Now()
	for {
		changed := s.g.cfg.Catalog.Changed()
		snap := s.topology()
		whole, err := ask(snap)
		late := time.Since(began) > s.g.cfg.FailoverWait
		switch {
		case err == nil && (whole || late || s.topology() == snap):
			return nil
		case err == nil:
			continue
		case !s.g.worthWaiting(err, false, true) || late || s.g.lost(err) || ctx.Err() != nil:
			return err
		}
		s.awaitChange(ctx, changed)
	}
}
