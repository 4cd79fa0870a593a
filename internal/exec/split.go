package exec

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// split is how the rows of a linked table are spread over its places.
type split struct {
	table  *topo.Table
	scheme *partition.Scheme
	f      *partition.Func
	zoned  bool // a TIMESTAMP decides

	counts  chan struct{} // has room for the one who counts
	counted bool          // the catalog's sequence knows the rows that are there
}

// splitOf is a linked table's split, made once a table.
func (r *Runner) splitOf(t *topo.Table) (*split, error) {
	if s, ok := r.splits.Load(t); ok {
		return s.(*split), nil
	}
	s := &split{table: t, counts: make(chan struct{}, 1)}
	if t.Scheme != "" {
		var err error
		if s.scheme, err = partition.Read([]byte(t.Scheme), sqltext.Mode{}, t.Columns); err != nil {
			return nil, errorf(wire.ErUnknown, "How '%s.%s' is partitioned can't be read: %s", t.DB, t.Name, err)
		}
		if s.f, err = partition.New(s.scheme); err != nil {
			return nil, errorf(wire.ErUnknown, "How '%s.%s' is partitioned can't be used: %s", t.DB, t.Name, err)
		}
		if n := s.f.Places(); n != len(t.Places) {
			return nil, errorf(wire.ErUnknown, "'%s.%s' has %d partitions and links for %d", t.DB, t.Name, n, len(t.Places))
		}
		s.f = s.f.WithWeights(r.weights)
		s.zoned = slices.ContainsFunc(s.scheme.Columns, func(c topo.Column) bool { return c.Type == "timestamp" })
	}
	known, _ := r.splits.LoadOrStore(t, s)
	return known.(*split), nil
}

// in is the split's function for a statement.
func (s *split) in(st *Statement, zone string) *partition.Func {
	if !s.zoned {
		return s.f
	}
	if own := st.Tx.State().TimeZone(); own != "" {
		zone = own
	}
	return s.f.WithZone(zone)
}

// partitions is the function of the statement's partitioned linked table, in the session's time zone.
func (r *Runner) partitions(st *Statement, t *topo.Table) (*split, *partition.Func, error) {
	s, err := r.splitOf(t)
	if err != nil {
		return nil, nil, err
	}
	zone := ""
	if s.zoned { // without one of its own the session has that of all links
		remote, err := r.cfg.Remote(st.Plan.Linked.Places[0].Links)
		if err != nil {
			return nil, nil, err
		}
		zone = remote.Base.TimeZone()
	}
	return s, s.in(st, zone), nil
}

// linkedOrdinals are which of Plan.Linked.Places the statement goes to; never none.
func (r *Runner) linkedOrdinals(ctx context.Context, st *Statement) ([]int, error) {
	l := st.Plan.Linked
	st.ords = st.ords[:0]
	if l.Table == nil {
		return append(st.ords, 0), nil
	}
	_, f, err := r.partitions(st, l.Table)
	if err != nil {
		return nil, err
	}
	ords, err := r.prune(ctx, st, f)
	if err != nil {
		return nil, err
	}
	if l.Only != nil {
		ords = slices.DeleteFunc(ords, func(o int) bool { return !slices.Contains(l.Only, o) })
	}
	if len(ords) == 0 { // no row is meant: any place says what MariaDB says then
		o := 0
		if len(l.Only) > 0 {
			o = l.Only[0]
		}
		ords = append(ords, o)
	}
	return ords, nil
}

// prune lists the places that can have rows for which the statement's terms are true.
func (r *Runner) prune(ctx context.Context, st *Statement, f *partition.Func) ([]int, error) {
	if st.Sess.PadChar && f.SpacesCount() {
		return f.Prune(nil), nil
	}
	all := st.Plan.Linked.Terms
	terms := make([]partition.Term, 0, len(all))
	st.vals, st.unquoted = st.vals[:0], st.unquoted[:0]
	exact := len(all) == f.Columns() // one place: each column equals one value
	for i := range all {
		t := &all[i]
		from := len(st.vals)
		known := true
		for n := range t.Values {
			v, err := st.value(&t.Values[n])
			if known = err == nil; !known {
				break
			}
			st.vals = append(st.vals, v)
		}
		if !known {
			st.vals, exact = st.vals[:from], false
			continue
		}
		exact = exact && t.Op == partition.In && t.Column == i && len(t.Values) == 1 && st.vals[from].Kind != shard.Null
		terms = append(terms, partition.Term{Column: t.Column, Op: t.Op, Values: slices.Clone(st.vals[from:])})
	}
	if exact {
		o, err := f.Compare(st.vals)
		if errors.Is(err, shard.ErrAskLeaf) {
			if q := f.Ask(st.vals, false); len(q) > 0 {
				if err := r.learn(ctx, st, q); err != nil {
					return nil, err
				}
				o, err = f.Compare(st.vals)
			}
		}
		if err == nil {
			return append(st.ords[:0], o), nil
		}
	}
	return f.Prune(terms), nil
}

// linkedPlace is one of Plan.Linked.Places.
func (r *Runner) linkedPlace(st *Statement, o int) (txn.Place, error) {
	p := &st.Plan.Linked.Places[o]
	remote, err := r.cfg.Remote(p.Links)
	if err != nil {
		return txn.Place{}, err
	}
	return txn.Place{Leaf: remote.ID, Remote: remote, Slot: p.Slot, Link: o}, nil
}

// linkedPlaces finds where a statement on linked tables runs.
func (r *Runner) linkedPlaces(ctx context.Context, st *Statement) ([]txn.Place, error) {
	ords, err := r.linkedOrdinals(ctx, st)
	if err != nil {
		return nil, err
	}
	out := st.placeBuf[:0]
	for _, o := range ords {
		p, err := r.linkedPlace(st, o)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	st.placeBuf = out
	return out, nil
}

// insertPlaces are how the rows of an INSERT find their places.
type insertPlaces struct {
	n     int // how many there are
	at    func(int) (txn.Place, error)
	f     chooser // nil for keyless tables
	split *split  // of a linked table
	only  []int   // those that the statement names by PARTITION (…), nil for all
}

// erNotMatching is MariaDB's for a row that none of the named partitions takes.
const erNotMatching = 1748

var errNotMatching = wire.Errorf(erNotMatching, "Found a row not matching the given partition set")

// in says whether a row may go to the place that was found for it.
func (to *insertPlaces) in(o int) error {
	if to.only != nil && !slices.Contains(to.only, o) {
		return errNotMatching
	}
	return nil
}

// homeless says whether an error is that a row has no place.
func homeless(err error) bool {
	return errors.Is(err, partition.ErrNoPartition) || errors.Is(err, errNotMatching)
}

// chooser finds the place of a row: a *shard.Func for sharded tables, a *partition.Func for linked ones.
type chooser interface {
	Store(vals []shard.Value) (int, error)
	Ask(vals []shard.Value, store bool) []shard.Question
}

var (
	_ chooser = (*shard.Func)(nil)
	_ chooser = (*partition.Func)(nil)
)

// rowPlaces says where the rows of a table that is inserted into may go.
func (r *Runner) rowPlaces(st *Statement, t *topo.Table) (*insertPlaces, error) {
	if t.Kind == topo.Linked {
		s, f, err := r.partitions(st, t)
		if err != nil {
			return nil, err
		}
		return &insertPlaces{n: len(t.Places), at: func(o int) (txn.Place, error) { return r.linkedPlace(st, o) }, f: f, split: s,
			only: st.Plan.Linked.Only}, nil
	}
	if t.Temporary {
		return &insertPlaces{n: 1, at: func(int) (txn.Place, error) { return st.temporaryPlace(), nil }}, nil
	}
	db := st.Snap.Databases[t.DB]
	if db == nil {
		return nil, topo.NoDatabase(t.DB)
	}
	if t.Kind == topo.Single {
		return &insertPlaces{n: 1, at: func(int) (txn.Place, error) { return st.partition(db, topo.SingleOrdinal) }}, nil
	}
	to := &insertPlaces{n: len(db.Partitions), at: func(o int) (txn.Place, error) { return st.partition(db, o) }}
	if t.Kind == topo.Sharded {
		f, err := r.shard(t, to.n)
		if err != nil {
			return nil, err
		}
		to.f = f
	}
	return to, nil
}

// storedRow is storedPlace for linked tables. The leaf is asked for the values that the row will have, and where those don't tell it here, for the place of a row
// of its shape: by the cluster's account then, as the client's need not be allowed to read.
func (r *Runner) storedRow(ctx context.Context, st *Statement, t *topo.Table, f *partition.Func, exprs []string, how asking, row int) (int, storedKey, error) {
	w := st.Tx.Want(txn.Place{Leaf: st.Home, Schema: t.DB})
	w.Variant = backend.Internal
	w.State = w.State.With("character_set_results", "character_set_results="+wideCharset)
	res, err := r.askWanted(ctx, w, []byte(f.StoredSQL(st.block(t), [][]string{exprs})), how)
	if err != nil {
		return 0, storedKey{}, storeError(err, t, t.ShardKey, row)
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != len(exprs) {
		return 0, storedKey{}, errorf(wire.ErUnknown, "leaf %s did not evaluate the partition columns of a row", st.Home)
	}
	texts, missing := res.Rows[0], false
	key := storedKey{texts, make([]bool, len(texts))}
	for k, c := range t.ShardKey {
		// NULL for a NOT NULL column: MariaDB refuses the row or stores the type's default, depending on the mode.
		if col := &t.Columns[c]; texts[k] == nil && !col.Nullable {
			key.null[k] = true
			switch {
			case col.Type == "enum":
				exprs[k], missing = "1", true
			case col.Type == "timestamp": // the time at which the row is written
				return 0, storedKey{}, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support NULL for column '%s' that '%s.%s' is partitioned by: write NOW()", col.Name, t.DB, t.Name)
			case isText(col):
				texts[k] = []byte{}
			default:
				texts[k] = implicitDefault(col)
			}
		}
	}
	if missing {
		o, again, err := r.storedRow(ctx, st, t, f, exprs, how, row)
		again.null = key.null
		return o, again, err
	}
	o, err := f.Row(texts, wideCharset)
	if errors.Is(err, partition.ErrAskLeaf) {
		vals := make([]shard.Value, len(texts))
		for k, text := range texts {
			if text != nil {
				vals[k] = shard.StringValue(text, wideCharset)
			}
		}
		if q := f.Ask(vals, true); len(q) > 0 {
			if err := r.learn(ctx, st, q); err != nil {
				return 0, storedKey{}, err
			}
			o, err = f.Row(texts, wideCharset)
		}
	}
	if errors.Is(err, partition.ErrAskLeaf) || errors.Is(err, partition.ErrInexact) {
		o, err = r.shownPlace(ctx, st, t, f, texts)
	}
	if errors.Is(err, partition.ErrInexact) {
		return 0, storedKey{}, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support this value in a column that '%s.%s' is partitioned by", t.DB, t.Name)
	}
	return o, key, err
}

// shownPlace has the leaf say in which partition of a linked table's shape a row with these values would be.
func (r *Runner) shownPlace(ctx context.Context, st *Statement, t *topo.Table, f *partition.Func, texts [][]byte) (int, error) {
	exprs := make([]string, len(texts))
	for k, c := range t.ShardKey {
		if t.Columns[c].Type == "float" { // which is more than its text
			return 0, partition.ErrInexact
		}
		exprs[k] = storedLiteral(texts[k], &t.Columns[c])
		if col := &t.Columns[c]; col.Type == "bigint" && col.Unsigned && texts[k] != nil {
			exprs[k] = string(texts[k])
		}
	}
	sql, ok := f.AskSQL(t.DB, t.Name, [][]string{exprs})
	if !ok {
		return 0, partition.ErrInexact
	}
	w := backend.Want{Leaf: st.Home, Variant: backend.Internal, State: (*backend.State)(nil).With("sql_mode", "sql_mode=''")}
	if zone, ok := st.Tx.State().Get("time_zone"); ok {
		w.State = w.State.With("time_zone", zone)
	}
	res, err := r.askWanted(ctx, w, []byte(sql), asSession)
	if err != nil {
		return 0, err
	}
	at := slices.Index(res.Columns, "partitions")
	if at < 0 || len(res.Rows) != 1 {
		return 0, partition.ErrInexact
	}
	return f.Answer(res.Rows[0][at])
}

// noPartition is MariaDB's error for a row that has no place, for the reason err.
func (r *Runner) noPartition(ctx context.Context, st *Statement, s *split, err error, exprs []string, how asking) error {
	if errors.Is(err, errNotMatching) {
		return err
	}
	value := "from column_list"
	if by := &s.scheme.By; by.Method != partition.RangeColumns && by.Method != partition.ListColumns {
		block := st.block(s.table)
		var vars []shard.Variable
		for k := range s.scheme.Columns {
			c := &s.scheme.Columns[k]
			vars = append(vars, shard.Variable{Name: string(plan.AppendQuoted(nil, c.Name)), Type: block.Type(c.Name, c.FullType, c.Charset, c.Collation), Value: exprs[k]})
		}
		sql := append(block.Begin(nil, vars), "SELECT TRUNCATE((0+"...)
		if by.Expr != "" {
			sql = append(sql, by.Expr...)
		} else {
			sql = plan.AppendQuoted(sql, s.scheme.Columns[by.Columns[0]].Name)
		}
		res, err := r.askStored(ctx, st, "", append(sql, "),0);\nEND"...), how)
		if err != nil {
			return err
		}
		if value = "NULL"; len(res.Rows) == 1 && res.Rows[0][0] != nil {
			value = string(res.Rows[0][0])
		}
	}
	return wire.Errorf(partition.ErrNoPartitionNumber, "Table has no partition for value %s", value)
}

// ignored is the warning that IGNORE makes of the error; false for other errors.
func ignored(err error) (Note, bool) {
	var own *wire.ServerError
	if !errors.As(err, &own) || own.Code != partition.ErrNoPartitionNumber && own.Code != erNotMatching {
		return Note{}, false
	}
	return Note{Level: "Warning", Code: strconv.Itoa(int(own.Code)), Message: own.Message}, true
}
