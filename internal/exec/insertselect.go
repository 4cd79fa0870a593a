package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// insertSelect runs the query, then inserts its rows where they belong, as one statement.
func (r *Runner) insertSelect(ctx context.Context, st *Statement) error {
	is := st.Plan.InsertSelect
	if !st.hasOwnTime() && st.Moment == "" && st.Plan.Clocked {
		st.Moment = Clock() // of all batches of rows, and of the query
		defer func() { st.Moment = "" }()
	}
	out := &collected{caps: st.Out.Caps(), status: st.Out.Status(), defs: -1, limit: r.cfg.SortMemory, what: "INSERT … SELECT"}
	sub := &Statement{
		Plan: is.Plan, Scan: st.Scan, Query: is.Query, Snap: st.Snap, Sess: st.Sess, Charset: st.Charset, Tx: st.Tx, Home: st.Home, OneShard: st.OneShard,
		Permit: st.Permit, Readers: st.Readers, StageLimit: st.StageLimit, Bring: st.Bring, Locked: st.Locked, Links: st.Links, Args: st.Args, Out: out,
		// The binary protocol tells a FLOAT as it is, the text protocol rounds it.
		Prepared: true, Moment: st.Moment, After: st.Asked, Before: st.Before,
	}
	var sets []string
	bytes := slices.ContainsFunc(is.Columns, func(c int) bool { return keepsBytes(&is.Table.Columns[c]) })
	if r := st.Sess.Results; r != "" && (bytes || r != wideCharset) {
		sets = append(sets, "character_set_results="+arriving(bytes))
	}
	if st.Moment != "" {
		sets = append(sets, st.Moment)
	}
	if len(sets) > 0 {
		sub.prefix = "SET STATEMENT " + strings.Join(sets, ",") + clockEnd
	}
	err := r.run(ctx, sub)
	if st.out.Staged = sub.out.Staged; err != nil {
		return err
	}
	if !sub.out.HasRows {
		return errorf(wire.ErUnknown, "the query of INSERT … SELECT gave no result")
	}
	if at := slices.IndexFunc(sub.out.Notes, func(n Note) bool { return n.Level == "Warning" && !st.warnsOnly(n) }); at >= 0 && st.Sess.Strict && !is.Gathered && !st.headHas("IGNORE", is.Head) {
		n := &sub.out.Notes[at] // which the server that writes the rows itself would have made an error of
		code, err := strconv.ParseUint(n.Code, 10, 16)
		if err != nil {
			return err
		}
		return wire.Errorf(uint16(code), "%s", n.Message)
	}
	if is.Columns != nil && len(out.columns) != len(is.Columns)+is.Hidden {
		return &Error{Code: 1136, State: "21S01", Message: "Column count doesn't match value count at row 1"}
	}
	w := &rowWriter{r: r, st: st, rows: out.rows, auto: -1, clock: st.clock()}
	if err := w.prepare(out.columns); err != nil {
		return err
	}
	places, err := r.targets(st, is.Table)
	if err != nil {
		return err
	}
	own := !st.Tx.InTransaction() && st.Tx.Autocommit()
	g := st.Tx.Group()
	err = w.run(ctx, g, places)
	if err = g.End(ctx, err); err != nil && own {
		err = st.undone(err)
	}
	if err != nil {
		return err
	}
	st.out.InsertID = w.last
	st.generated(w.first)
	notes := append(sub.out.Notes, w.notes...)
	w.warnings += sub.out.Warnings
	st.out.Affected, st.out.Warnings, st.out.Notes = w.affected, w.warnings, notes[:min(len(notes), maxNotes)]
	st.out.Info = fmt.Appendf(nil, "Records: %d  Duplicates: %d  Warnings: %d", w.records, w.dups, w.warnings)
	if len(w.returned.head) > 0 {
		return st.writeRows([]job{{res: w.returned}})
	}
	return st.writeOK()
}

// temporaryPlace is where the session's temporary tables are, for a statement that has some in its topology.
func (st *Statement) temporaryPlace() txn.Place {
	return txn.Place{Leaf: st.Home, Schema: st.Sess.DB}
}

// targets are the places that rows of a table may go to: its partitions by ordinal, or every leaf, or where the session's temporary tables are.
func (r *Runner) targets(st *Statement, t *topo.Table) ([]txn.Place, error) {
	switch {
	case t.Temporary:
		return []txn.Place{st.temporaryPlace()}, nil
	case t.Kind == topo.Reference:
		return st.everyLeaf()
	}
	to, err := r.rowPlaces(st, t)
	if err != nil {
		return nil, err
	}
	out := make([]txn.Place, to.n)
	for i := range out {
		p, err := to.at(i)
		if err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}

// rowWriter inserts rows that a query gave, in statements of a bounded size.
type rowWriter struct {
	r    *Runner
	st   *Statement
	rows [][]byte
	cols []value.Column // of a row that is inserted
	// queried are those of the query, and named the values of the row at hand that ON DUPLICATE KEY UPDATE names.
	queried []value.Column
	named   []string
	to      *insertPlaces // nil for reference tables
	keys    []int         // which column of the query is each shard key column
	auto    int           // which is the AUTO_INCREMENT column, -1 when none is
	more    bool          // a generated value goes before each row
	// leaves: it is left to the remote server, which generates its values.
	leaves bool
	drawn  *drawn // values of sequences, for the rows to come
	asks   bool   // the remote server is to generate a value for a row that waits
	// bufs are the rows' texts that wait for their place, which those rows are, and row the one at hand.
	bufs  [][]byte
	which [][]int
	row   int
	clock []byte // the statement's time: rows of a reference table have the same at all leaves
	odd   []bool // which cells of the row at hand are an ENUM's value that is no member
	odds  []int  // how many of those rows that wait have
	moves *mover // of rows that are met

	first, affected uint64
	last            uint64 // the last row's own AUTO_INCREMENT value, and which row told it
	lastRow         int
	warnings        uint16
	records, dups   int64
	notes           []Note
	returned        reply // RETURNING: the rows of all its statements
}

// insertBatch bounds the text of one INSERT.
const insertBatch = 1 << 20

func (w *rowWriter) prepare(defs []wire.Column) error {
	is := w.st.Plan.InsertSelect
	for i := range defs {
		c := value.Of(&defs[i], value.Binary)
		if defs[i].Type == wire.TypeBit && slices.Contains(is.Windowed, i) {
			c.Class = value.Bit
		}
		w.cols = append(w.cols, c)
	}
	w.queried, w.cols = w.cols, slices.Clone(w.cols[:len(w.cols)-is.Hidden])
	if err := w.carries(); err != nil {
		return err
	}
	columns := slices.Clone(is.Columns) // with those that sequences give behind the query's
	for i := range is.Draws {
		if is.Draws[i].Cell >= len(is.Columns) {
			columns = append(columns, is.Draws[i].Column)
		}
	}
	w.more = is.ColumnText != ""
	if is.Table.AutoIncrement >= 0 {
		w.auto = slices.Index(is.Columns, is.Table.AutoIncrement)
		w.leaves = w.auto < 0 && !is.Table.Numbered()
	}
	for _, k := range is.Table.ShardKey {
		n := slices.Index(columns, k)
		if n < 0 && !(w.more && k == is.Table.AutoIncrement) {
			return plan.NeedsStage("INSERT … SELECT that leaves a shard key column to its default")
		}
		w.keys = append(w.keys, n)
	}
	return nil
}

func (w *rowWriter) run(ctx context.Context, g *txn.Group, places []txn.Place) error {
	t := w.st.Plan.InsertSelect.Table
	if t.Kind != topo.Reference {
		var err error
		if w.to, err = w.r.rowPlaces(w.st, t); err != nil {
			return err
		}
	}
	if w.st.Plan.InsertSelect.Moves != nil {
		w.moves = w.r.insertMover(w.st, g, w.to)
	}
	w.bufs, w.which, w.odds = make([][]byte, len(places)), make([][]int, len(places)), make([]int, len(places))
	turn, only := int(w.r.turn.Add(1)), noPlace
	for range len(places) - 1 {
		if t.Kind != topo.Keyless || w.st.room(places[turn%len(places)]) == nil {
			break
		}
		turn++
	}
	for _, d := range w.st.Plan.InsertSelect.Draws {
		if d.Cell < len(w.cols) {
			w.cols[d.Cell] = drawnColumn()
		} else {
			w.cols = append(w.cols, drawnColumn())
		}
	}
	var err error
	if w.drawn, err = w.st.drawFor(ctx, w.st.Plan.InsertSelect.Draws, len(w.rows)); err != nil {
		return err
	}
	all := make([][]byte, max(len(w.cols), len(w.queried)))
	for n, row := range w.rows {
		w.row = n
		if err := splitRow(row, w.queried, all); err != nil {
			return err
		}
		if err := w.name(all); err != nil {
			return err
		}
		if err := w.carry(all); err != nil {
			return err
		}
		cells := all[:len(w.cols)]
		w.drawn.deal(cells)
		for _, i := range w.st.Plan.InsertSelect.Exact {
			cells[i] = value.Divided(cells[i])
		}
		text, auto, err := w.text(ctx, cells)
		if err != nil {
			return err
		}
		from, to := 0, len(places)
		switch t.Kind {
		case topo.Keyless:
			from = turn % len(places)
			to = from + 1
		case topo.Single: // the only place
		case topo.Sharded, topo.Linked:
			if from, err = w.ordinal(ctx, cells, auto); err == nil {
				err = w.to.in(from)
			}
			if homeless(err) {
				from, err = noPlace, w.leftOut(ctx, err, cells, auto)
			}
			if err != nil {
				return err
			}
			if to = from + 1; from == noPlace {
				continue
			}
		}
		if w.st.OneShard && t.Kind != topo.Reference {
			if only != noPlace && only != from {
				return ErrAcross
			}
			only = from
		}
		for i := from; i < to; i++ {
			if err := w.add(ctx, g, places, i, text); err != nil {
				return err
			}
		}
	}
	for i := range places {
		if err := w.flush(ctx, g, places, i); err != nil {
			return err
		}
	}
	if w.st.Plan.Rows && len(w.returned.head) == 0 || w.st.Plan.InsertSelect.Omits && len(w.rows) == 0 {
		return w.none(ctx, g, places)
	}
	return nil
}

// none writes no row where none is written, for the columns of RETURNING, and for what MariaDB says of columns that have no value.
func (w *rowWriter) none(ctx context.Context, g *txn.Group, places []txn.Place) error {
	w.bufs[0], w.which[0] = []byte("SELECT "), []int{0}
	for range len(w.cols) {
		w.bufs[0] = append(w.bufs[0], "NULL,"...)
	}
	if w.more {
		w.bufs[0] = append(w.bufs[0], "NULL,"...)
	}
	if err := w.name(nil); err != nil {
		return err
	}
	w.bufs[0] = append(w.bufs[0][:len(w.bufs[0])-1], " FROM DUAL WHERE FALSE"...)
	return w.flush(ctx, g, places, 0)
}

func (w *rowWriter) add(ctx context.Context, g *txn.Group, places []txn.Place, i int, text []byte) error {
	if len(w.bufs[i]) > 0 {
		w.bufs[i] = append(w.bufs[i], ',')
	}
	w.bufs[i] = append(w.bufs[i], text...)
	w.which[i] = append(w.which[i], w.row)
	for _, odd := range w.odd {
		if odd {
			w.odds[i]++
		}
	}
	if len(w.bufs[i]) > insertBatch || w.moves != nil || len(w.named) > 0 { // rows that may move, or whose values are named, are written one by one
		return w.flush(ctx, g, places, i)
	}
	return nil
}

// text is a row of VALUES.
func (w *rowWriter) text(ctx context.Context, cells [][]byte) (text []byte, auto uint64, err error) {
	t := w.st.Plan.InsertSelect.Table
	ask := w.more || w.leaves
	if w.auto >= 0 {
		v, given, err := w.given(cells[w.auto])
		if err != nil {
			return nil, 0, err
		}
		if ask = !given; v > 0 && t.Numbered() {
			if err := w.r.cfg.Sequences.Observe(ctx, t, v); err != nil {
				return nil, 0, err
			}
		}
	}
	if ask && !t.Numbered() {
		w.asks = true
	} else if ask {
		if auto, err = w.number(ctx, t); err != nil {
			return nil, 0, err
		}
		if w.first == 0 {
			w.first = auto
		}
	}
	text = append(text, '(')
	if w.more {
		text = strconv.AppendUint(text, auto, 10)
	}
	for i := range cells {
		if i > 0 || w.more {
			text = append(text, ',')
		}
		if i == w.auto && auto != 0 {
			text = strconv.AppendUint(text, auto, 10)
			continue
		}
		if w.odd[i] {
			text = append(text, '0')
			continue
		}
		if text, err = w.literal(text, i, cells[i]); err != nil {
			return nil, 0, err
		}
	}
	return append(text, ')'), auto, nil
}

// given reads the value that the query has for the AUTO_INCREMENT column; not given: it asks for a generated one. A negative value is 0.
func (w *rowWriter) given(cell []byte) (v uint64, given bool, err error) {
	if cell == nil {
		return 0, false, nil
	}
	val, err := cellValue(&w.cols[w.auto], cell)
	if err != nil {
		return 0, false, err
	}
	signed, v, ok := plainInt(val)
	if !ok {
		n, perr := strconv.ParseInt(string(val.B), 10, 64)
		if perr != nil {
			t := w.st.Plan.InsertSelect.Table
			return 0, false, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support INSERT … SELECT of a value that is no integer into the AUTO_INCREMENT column '%s'",
				t.Columns[t.AutoIncrement].Name)
		}
		signed, v = n, uint64(max(n, 0))
	}
	if signed == 0 && v == 0 && !w.st.Sess.NoAutoValueOnZero {
		return 0, false, nil
	}
	if signed < 0 {
		v = 0
	}
	return v, true, nil
}

// ordinal is the partition of a row.
func (w *rowWriter) ordinal(ctx context.Context, cells [][]byte, auto uint64) (int, error) {
	st, t := w.st, w.st.Plan.InsertSelect.Table
	if len(w.keys) == 0 {
		return 0, nil
	}
	st.vals = st.vals[:0]
	for k, n := range w.keys {
		if auto != 0 && t.ShardKey[k] == t.AutoIncrement {
			st.vals = append(st.vals, shard.UintValue(auto))
			continue
		}
		v, err := cellValue(&w.cols[n], cells[n])
		if err != nil {
			return 0, err
		}
		if w.odd[n] {
			v = shard.IntValue(0)
		}
		st.vals = append(st.vals, v)
	}
	o, err := w.to.f.Store(st.vals)
	if err == nil {
		return o, nil
	}
	if errors.Is(err, partition.ErrNoPartition) {
		return 0, err
	}
	// The conversion is not plain: a leaf does it.
	exprs, err := w.keyExpressions(cells, auto)
	if err != nil {
		return 0, err
	}
	o, _, err = w.r.storedPlace(ctx, st, t, w.to.f, exprs, ignoring(w.ignores()), w.row)
	return o, err
}

// keyExpressions are a row's key as SQL.
func (w *rowWriter) keyExpressions(cells [][]byte, auto uint64) ([]string, error) {
	t := w.st.Plan.InsertSelect.Table
	exprs := make([]string, len(w.keys))
	for k, n := range w.keys {
		if auto != 0 && t.ShardKey[k] == t.AutoIncrement {
			exprs[k] = strconv.FormatUint(auto, 10)
			continue
		}
		if w.odd[n] {
			exprs[k] = "0"
			continue
		}
		lit, err := w.literal(nil, n, cells[n])
		if err != nil {
			return nil, err
		}
		exprs[k] = string(lit)
	}
	return exprs, nil
}

func (w *rowWriter) ignores() bool { return w.st.headHas("IGNORE", w.st.Plan.InsertSelect.Head) }

// leftOut is for a row that has no place, for the reason err: an error, or where errors are ignored a warning.
func (w *rowWriter) leftOut(ctx context.Context, err error, cells [][]byte, auto uint64) error {
	exprs, keyErr := w.keyExpressions(cells, auto)
	if keyErr != nil {
		return keyErr
	}
	err = w.r.noPartition(ctx, w.st, w.to.split, err, exprs, ignoring(w.ignores()))
	note, ok := ignored(err)
	if !ok || !w.ignores() {
		return err
	}
	w.warnings++
	w.records++
	w.dups++
	w.notes = append(w.notes, note)
	return nil
}

// cellValue is a cell as a value to be stored.
func cellValue(c *value.Column, cell []byte) (shard.Value, error) {
	if cell == nil {
		return shard.Value{Kind: shard.Null}, nil
	}
	switch c.Class {
	case value.Int:
		u, err := c.Uint64(cell)
		if err != nil {
			return shard.Value{}, err
		}
		if c.Unsigned {
			return shard.UintValue(u), nil
		}
		return shard.IntValue(int64(u)), nil
	case value.Decimal:
		if len(cell) > 0 && cell[0] == '-' {
			return shard.NumberValue(cell[1:], true), nil
		}
		return shard.NumberValue(cell, false), nil
	case value.Bytes:
		return shard.Value{Kind: shard.Bytes, B: cell}, nil
	case value.String:
		charset := ""
		if c.Collation != nil {
			charset = c.Collation.Charset
		}
		return shard.StringValue(cell, charset), nil
	}
	// Whatever else there is goes by its text, which the leaf converts where shard does not.
	return shard.Value{Kind: shard.String, B: cell, Charset: "\x00"}, nil
}

func (w *rowWriter) flush(ctx context.Context, g *txn.Group, places []txn.Place, i int) error {
	if len(w.bufs[i]) == 0 {
		return nil
	}
	if err := w.st.room(places[i]); err != nil {
		return err
	}
	is := w.st.Plan.InsertSelect
	names := is.Names
	head := names
	if w.more {
		head = withSplice(names, plan.Splice{From: is.ColumnPoint, To: is.ColumnPoint, Pieces: []plan.Piece{{Text: is.ColumnText}}})
	}
	if is.DrawText != "" {
		head = withSplice(head, plan.Splice{From: is.DrawPoint, To: is.DrawPoint, Pieces: []plan.Piece{{Text: is.DrawText}}})
	}
	text := func(clock []byte, place txn.Place) (p part) {
		to := w.st.target(place)
		sql := plan.RenderSpan(append([]byte(nil), clock...), w.st.Scan, is.Head, head, names, to)
		if w.bufs[i][0] != '(' { // there is no row
			sql = append(append(sql, ' '), w.bufs[i]...)
		} else if len(w.which[i]) == 1 {
			// A single row of VALUES is judged more strictly than one of a query.
			sql = append(append(sql, " SELECT "...), w.bufs[i][1:len(w.bufs[i])-1]...)
		} else {
			sql = append(append(sql, " VALUES "...), w.bufs[i]...)
		}
		if !is.Tail.Empty() {
			sql = plan.RenderSpan(append(sql, ' '), w.st.Scan, is.Tail, w.tail(names), names, to)
			p.params = w.st.spanArgs(nil, is.Tail)
		}
		p.sql = sql
		return p
	}
	j := job{place: places[i], rows: w.which[i], part: text(w.clock, places[i]), again: text}
	if w.moves != nil {
		if err := w.moves.before(ctx, j.place); err != nil {
			return err
		}
	}
	if err := w.r.runJob(ctx, w.st, g, &j); err != nil {
		if w.moves != nil {
			err = w.moves.elsewhere(ctx, err)
		}
		return err
	}
	w.known(&j.res, i)
	if w.moves != nil && w.bufs[i][0] == '(' {
		if err := w.moves.met(ctx, &j, i); err != nil {
			return err
		}
	}
	if w.asks && w.first == 0 {
		w.first = j.res.ok.InsertID
	}
	w.asks = false
	if last := w.which[i][len(w.which[i])-1]; last >= w.lastRow {
		w.last, w.lastRow = j.res.ok.InsertID, last
	}
	w.bufs[i], w.which[i] = w.bufs[i][:0], w.which[i][:0]
	if is.Table.Kind != topo.Reference || i == 0 {
		w.affected += j.res.ok.AffectedRows
		if n := numbers(j.res.info); len(n) > 0 {
			w.records += n[0]
		}
		w.dups += j.duplicates(false, false)
		w.warnings += j.res.ok.Warnings
		w.notes = append(w.notes, j.res.notes...)
		w.returned.head = j.res.head
		w.returned.rows = append(w.returned.rows, j.res.rows...)
	}
	return nil
}

// splitRow cuts a row of the binary protocol into cells; nil is NULL.
func splitRow(row []byte, cols []value.Column, cells [][]byte) error {
	var b wire.BinaryRow
	if err := b.Reset(row, len(cols)); err != nil {
		return err
	}
	for i := range cols {
		v, null, ok := b.Next(cols[i].Type)
		if !ok {
			return wire.ErrMalformed
		}
		cells[i] = v
		if null {
			cells[i] = nil
		} else if v == nil {
			cells[i] = []byte{}
		}
	}
	return nil
}
