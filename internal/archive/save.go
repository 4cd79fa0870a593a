package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/rowtext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Cluster is what a backup asks of whoever runs it.
type Cluster interface {
	// Still runs f while no DDL runs on the database, and none is half done. Every partition of d has a master that is online; shape is a leaf that has the
	// reference tables.
	Still(ctx context.Context, f func(d *topo.Database, shape string) error) error
	// Quiet runs f at a moment at which nothing is being committed to the database, whose masters are those of d.
	Quiet(ctx context.Context, d *topo.Database, f func(ctx context.Context) error) error
	// Next is above all values of a table's AUTO_INCREMENT column that were handed out.
	Next(ctx context.Context, t *topo.Table) (uint64, error)
	// Rate is the most that is read of a leaf, in bytes a second; 0 is no bound. It may change.
	Rate() int64
}

// saving is one try of a backup.
type saving struct {
	pools   *backend.Pools
	dir     *Dir
	d       *topo.Database
	m       *Manifest
	sources map[string]*source
	shape   string
	done    atomic.Uint64 // rows
	tell    func(rows, total uint64)
	total   uint64 // estimated
}

// Save writes a database's rows to a directory. What it returns makes a backup of them, by Dir.Finish. After ErrChanged, ErrGaveWay and the loss of a leaf it may
// be tried again, when the directory was cleared.
func Save(ctx context.Context, pools *backend.Pools, cluster Cluster, dir *Dir, tell func(rows, total uint64)) (*Manifest, error) {
	s := &saving{pools: pools, dir: dir, sources: map[string]*source{}, tell: tell}
	defer func() {
		for _, src := range s.sources {
			src.conn.Release() // closed, as it is in a transaction
		}
	}()
	if err := cluster.Still(ctx, func(d *topo.Database, shape string) error { return s.open(ctx, cluster, d, shape) }); err != nil {
		return nil, err
	}
	return s.m, s.copy(ctx)
}

// open makes snapshots of all partitions and says what is in them.
func (s *saving) open(ctx context.Context, cluster Cluster, d *topo.Database, shape string) error {
	for _, t := range d.Tables { // without it, it would be a backup of less than the database
		if t.Kind == topo.Linked {
			return topo.IsLinked("BACKUP DATABASE", d.Name, t.Name)
		}
	}
	s.d, s.shape = d, shape
	s.m = &Manifest{Database: d.Name, Partitions: len(d.Partitions), Replication: cmp.Or(d.Replication, topo.Async), Charset: d.Charset, Collation: d.Collation, Single: d.Single, Tables: []Table{}}
	for _, name := range slices.Sorted(maps.Keys(d.Views)) {
		s.m.Views = append(s.m.Views, *d.Views[name])
	}
	for _, name := range slices.Sorted(maps.Keys(d.Events)) {
		s.m.Events = append(s.m.Events, *d.Events[name])
	}
	for _, key := range slices.Sorted(maps.Keys(d.Routines)) {
		s.m.Routines = append(s.m.Routines, *d.Routines[key])
	}
	leaves := map[string]bool{shape: true}
	for _, p := range d.Partitions {
		master, _ := p.Master()
		leaves[master] = true
	}
	for leaf := range leaves {
		src, err := attend(ctx, s.pools, leaf, cluster.Rate)
		if err != nil {
			return err
		}
		s.sources[leaf] = src
	}
	if err := s.describe(ctx, cluster); err != nil {
		return err
	}
	if err := cluster.Quiet(ctx, d, func(ctx context.Context) error {
		s.m.Taken = time.Now().UTC().Truncate(time.Millisecond)
		return s.everywhere(func(src *source) error { return src.begin(ctx) })
	}); err != nil {
		return err
	}
	for i := range s.m.Tables {
		t := d.Tables[s.m.Tables[i].Name]
		if t.Kind == topo.Sequence {
			if err := s.sequence(ctx, &s.m.Tables[i]); err != nil {
				return err
			}
		}
		if t.AutoIncrement >= 0 && t.Kind == topo.Single {
			if err := s.counter(ctx, &s.m.Tables[i]); err != nil {
				return err
			}
			continue
		}
		if t.AutoIncrement >= 0 {
			next, err := cluster.Next(ctx, t) // after the snapshot: what its rows have is below
			if err != nil {
				return err
			}
			s.m.Tables[i].Next = next
		}
	}
	var spread, reference []string
	for _, t := range s.m.Tables {
		switch t.Kind {
		case topo.Reference:
			reference = append(reference, t.Name)
		case topo.Sequence: // nobody reads it any more
		default:
			spread = append(spread, t.Name)
		}
	}
	return s.everywhere(func(src *source) error {
		for _, schema := range s.schemasAt(src.conn.Leaf()) {
			tables := spread
			if schema.ordinal < 0 {
				tables = reference
			}
			if err := src.note(ctx, schema.name, tables); err != nil {
				return err
			}
		}
		return nil
	})
}

// sequence reads where a sequence is: nothing beyond its row has been given to anybody, and so nothing that is in the snapshots.
func (s *saving) sequence(ctx context.Context, t *Table) error {
	p := s.d.Partitions[topo.SequenceOrdinal]
	master, _ := p.Master()
	res, err := s.sources[master].run(ctx, "SELECT CONCAT_WS(', ', next_not_cached_value, minimum_value, maximum_value, start_value, increment, cache_size, cycle_option, cycle_count) FROM "+id(p.ID.Schema())+"."+id(t.Name))
	if err != nil {
		return err
	}
	t.Row = string(res.Rows[0][0])
	return nil
}

// counter reads the next AUTO_INCREMENT value of a single table, where its rows are.
func (s *saving) counter(ctx context.Context, t *Table) error {
	p := s.d.Partitions[topo.SingleOrdinal]
	master, _ := p.Master()
	res, err := s.sources[master].run(ctx, "SELECT COALESCE(AUTO_INCREMENT, 1) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(p.ID.Schema())+" AND TABLE_NAME = "+lit(t.Name))
	if err != nil {
		return err
	}
	if len(res.Rows) != 1 {
		return fmt.Errorf("leaf %s has no table %s.%s", master, p.ID.Schema(), t.Name)
	}
	t.Next, err = strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
	return err
}

// everywhere runs f at all leaves at once.
func (s *saving) everywhere(f func(*source) error) error {
	var wg sync.WaitGroup
	errs := make(chan error, len(s.sources))
	for _, src := range s.sources {
		wg.Go(func() { errs <- f(src) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type schemaAt struct {
	name    string
	ordinal int // -1: the shape
}

// schemasAt are what is read at a leaf.
func (s *saving) schemasAt(leaf string) (out []schemaAt) {
	if leaf == s.shape {
		out = append(out, schemaAt{s.d.Name, -1})
	}
	for _, p := range s.d.Partitions {
		if master, _ := p.Master(); master == leaf {
			out = append(out, schemaAt{p.ID.Schema(), p.ID.Ordinal})
		}
	}
	return out
}

// hasTrigger says whether a trigger is one that the topology knows.
func (s *saving) hasTrigger(name string) bool {
	for _, t := range s.d.Tables {
		if slices.ContainsFunc(t.Triggers, func(tr topo.Trigger) bool { return tr.Name == name }) {
			return true
		}
	}
	return false
}

// unsaved refuses a database with something in it that a backup does not have.
func unsaved(what, why string) error {
	return &Error{ErrKind, erUnsupported, fmt.Sprintf("%s can't be saved by BACKUP DATABASE: %s", what, why), nil}
}

// describe lists the tables, as the shape has them. A database with something else in it is refused.
func (s *saving) describe(ctx context.Context, cluster Cluster) error {
	src, db := s.sources[s.shape], s.d.Name
	for _, other := range s.sources {
		if !slices.Contains(s.m.MariaDB, other.version) {
			s.m.MariaDB = append(s.m.MariaDB, other.version)
		}
	}
	slices.Sort(s.m.MariaDB)
	res, err := src.run(ctx, "SELECT 'trigger', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = "+lit(db)+
		" UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = "+lit(db)+
		" UNION ALL SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = "+lit(db))
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		if string(row[0]) == "trigger" && s.hasTrigger(string(row[1])) || string(row[0]) == "event" && s.d.Events[string(row[1])] != nil ||
			s.d.Routines[topo.RoutineKey(topo.RoutineKind(row[0]), string(row[1]))] != nil {
			continue
		}
		return unsaved(fmt.Sprintf("The %s %s.%s", strings.ToLower(string(row[0])), db, row[1]), "it is not the cluster's")
	}
	res, err = src.run(ctx, "SELECT TABLE_NAME, COALESCE(ENGINE, ''), TABLE_TYPE, COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(db))
	if err != nil {
		return err
	}
	there, versioned := map[string]bool{}, map[string]bool{}
	for _, row := range res.Rows {
		name := string(row[0])
		what := fmt.Sprintf("Table %s.%s", db, name)
		switch {
		case string(row[2]) == "VIEW" && s.d.Views[name] != nil:
			continue // the topology has its text
		case string(row[2]) == "SEQUENCE" && s.d.Tables[name] != nil && s.d.Tables[name].Kind == topo.Sequence:
		case string(row[2]) != "BASE TABLE" && string(row[2]) != move.Versioned:
			return unsaved(what, "it is a "+string(row[2]))
		case !strings.EqualFold(string(row[1]), "InnoDB"):
			return unsaved(what, "its engine is "+string(row[1]))
		case s.d.Tables[name] == nil:
			return unsaved(what, "it is on leaf "+s.shape+", and is not the cluster's")
		}
		there[name], versioned[name] = true, string(row[2]) == move.Versioned
	}
	columns, err := s.columns(ctx, src)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.d.Tables)) {
		t := s.d.Tables[name]
		if !there[name] {
			return fmt.Errorf("leaf %s has no table %s.%s", s.shape, db, name)
		}
		out := Table{Name: name, Kind: t.Kind, Explicit: t.Explicit, Columns: columns[name], Triggers: t.Triggers, Parts: make([]Part, s.m.parts(t.Kind))}
		if t.Kind == topo.Sequence {
			out.Columns = nil
		}
		if versioned[name] {
			if err := addVersions(ctx, src, db, &out); err != nil {
				return err
			}
		}
		for _, c := range t.ShardKey {
			out.ShardKey = append(out.ShardKey, t.Columns[c].Name)
		}
		if out.Create, err = src.definition(ctx, db, name); err != nil {
			return err
		}
		s.m.Tables = append(s.m.Tables, out)
	}
	// How much there is to do is known about.
	var rows uint64
	for _, other := range s.sources {
		var names []string
		for _, schema := range s.schemasAt(other.conn.Leaf()) {
			names = append(names, lit(schema.name))
		}
		res, err := other.run(ctx, "SELECT CAST(COALESCE(SUM(TABLE_ROWS), 0) AS UNSIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ("+strings.Join(names, ", ")+")")
		if err != nil {
			return err
		}
		if _, err := fmt.Sscan(string(res.Rows[0][0]), &rows); err != nil {
			return err
		}
		s.total += rows
	}
	return nil
}

// addVersions has all versions of a table's rows saved.
func addVersions(ctx context.Context, src *source, db string, t *Table) error {
	h, err := move.HistoryOf(ctx, src.conn, db, t.Name)
	switch {
	case errors.Is(err, move.ErrVersions):
		return unsaved("Table "+db+"."+t.Name, "its versions are counted by transactions")
	case err != nil:
		return err
	case h.Parts != nil:
		return unsaved("Table "+db+"."+t.Name, "in its partitions BY SYSTEM_TIME LIMIT versions have places that a backup does not know")
	}
	t.Versions, t.Columns = true, append(t.Columns, Column{Name: h.Start}, Column{Name: h.End})
	return nil
}

// columns are the stored columns of all tables in the shape.
func (s *saving) columns(ctx context.Context, src *source) (map[string][]Column, error) {
	res, err := src.run(ctx, "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, EXTRA LIKE '%auto_increment%' FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+lit(s.d.Name)+
		" AND IS_GENERATED = 'NEVER' ORDER BY TABLE_NAME, ORDINAL_POSITION")
	if err != nil {
		return nil, err
	}
	out := map[string][]Column{}
	for _, row := range res.Rows {
		name := string(row[0])
		out[name] = append(out[name], Column{Name: string(row[1]), As: rowtext.Travel(string(row[2])), Auto: string(row[3]) == "1"})
	}
	return out, nil
}

// copy reads all snapshots, those of different leaves side by side.
func (s *saving) copy(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watchers, readers sync.WaitGroup
	defer func() {
		cancel(nil)
		watchers.Wait()
	}()
	for _, src := range s.sources {
		watchers.Go(func() { src.giveWay(ctx, func(err error) { cancel(err) }) })
		readers.Go(func() {
			if err := s.leaf(ctx, src); err != nil {
				cancel(err)
			}
		})
	}
	readers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.tell(s.done.Load(), s.done.Load())
	return nil
}

// leaf saves what one leaf has.
func (s *saving) leaf(ctx context.Context, src *source) error {
	for _, schema := range s.schemasAt(src.conn.Leaf()) {
		for i := range s.m.Tables {
			t := &s.m.Tables[i]
			if t.Kind == topo.Sequence || (t.Kind == topo.Reference) != (schema.ordinal < 0) {
				continue
			}
			name, at := fmt.Sprintf("t%d-p%d-%s.tsv.zst", i+1, schema.ordinal, s.dir.try), schema.ordinal
			if schema.ordinal < 0 {
				name, at = fmt.Sprintf("t%d-%s.tsv.zst", i+1, s.dir.try), 0
			}
			before := uint64(0)
			part, err := src.save(ctx, s.dir, name, schema.name, t, func(rows uint64) {
				now := s.done.Add(rows - before)
				before = rows
				s.tell(now, max(now, s.total))
			})
			if err != nil {
				if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
					return cause // what came of giving way
				}
				return err
			}
			t.Parts[at] = part
		}
	}
	return src.release(ctx, true)
}
