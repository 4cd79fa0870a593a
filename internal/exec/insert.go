package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// rowPlace is where a row of an INSERT goes, and the AUTO_INCREMENT value it was given.
type rowPlace struct {
	ordinal int    // noPlace for a row that IGNORE leaves out
	auto    uint64 // the value to be written in place of the client's
	given   bool   // auto is to be written
	// splices replace expressions by the values that a leaf gave them.
	splices []plan.Splice
}

// noPlace is the ordinal of a row that no partition takes.
const noPlace = -1

// changed says that the row is not written as the client wrote it.
func (p rowPlace) changed() bool { return p.given || len(p.splices) > 0 || p.ordinal == noPlace }

// insert splits the rows of INSERT and REPLACE by partition.
func (r *Runner) insert(ctx context.Context, st *Statement) error {
	in := st.Plan.Insert
	rows := make([]rowPlace, len(in.Rows))
	first, err := r.autos(ctx, st, rows)
	if err != nil {
		return err
	}
	assigns := st.Plan.Facts&sqltext.HasUserVarAssign != 0 // behind the rows, as values that do have been found out
	if assigns && (in.Table.Kind == topo.Reference || in.Moves != nil || in.Met != nil) {
		return errAssignsBehind
	}
	if in.Table.Kind == topo.Reference {
		return r.insertEverywhere(ctx, st, rows, first)
	}
	to, err := r.rowPlaces(st, in.Table)
	if err != nil {
		return err
	}
	if done, err := r.rowOrdinals(ctx, st, to, rows); err != nil {
		return r.firstError(ctx, st, to, rows[:done], rows, err)
	}
	switch {
	case in.Moves != nil:
		return r.insertMoving(ctx, st, to, rows, first)
	case in.Met != nil:
		return r.insertDrawing(ctx, st, to, rows, first)
	}
	jobs, err := st.insertJobs(to, rows)
	if err != nil {
		return err
	}
	if err := st.across(len(jobs), false); err != nil {
		return err
	}
	if err := st.roomForJobs(jobs); err != nil {
		return err
	}
	if len(jobs) == 0 {
		return st.allLeftOut(rows)
	}
	if len(jobs) == 1 && !st.copied() && !slices.ContainsFunc(rows, func(p rowPlace) bool { return p.ordinal == noPlace }) {
		return r.insertOne(ctx, st, &jobs[0], rows, first)
	}
	if assigns {
		return errAssignsBehind
	}
	if err := r.group(ctx, st, jobs, false); err != nil {
		return r.firstError(ctx, st, to, rows, rows, err)
	}
	return st.inserted(jobs, rows, first)
}

// errAssignsBehind refuses what partitions would count each for itself.
var errAssignsBehind = plan.NeedsStage("ON DUPLICATE KEY UPDATE or RETURNING that assigns to user variables, and rows of several partitions: write a row at a time")

// errReplayed undoes what was run to see what goes wrong.
var errReplayed = errors.New("run to be undone")

// mostReplayed is how many rows are run one by one.
const mostReplayed = 1000

// firstError is the error that a server would give that has all rows of a linked table: that of the first row with one, and of its first column, where err is of a row at
// some place, or of the row behind those whose places are known. The rows are written one by one, and undone.
func (r *Runner) firstError(ctx context.Context, st *Statement, to *insertPlaces, known, rows []rowPlace, err error) error {
	var told *wire.ServerError
	if st.Plan.Insert.Table.Kind != topo.Linked || len(rows) > mostReplayed || !errors.As(err, &told) {
		return err
	}
	var notes []Note
	g := st.Tx.Group()
	failed := func() error {
		for i := range min(len(known)+1, len(rows)) {
			o := 0 // what is wrong with a row is so at any place
			if i < len(known) {
				o = known[i].ordinal
			}
			if o == noPlace {
				continue
			}
			p, err := to.at(o)
			if err != nil {
				return err
			}
			which := []int{i}
			j := job{place: p, rows: which, part: st.insertPart(st.clock(), p, which, rows)}
			err = r.run1(ctx, st, g, &j)
			notes = append(notes, j.res.notes...)
			if err != nil {
				return err
			}
		}
		return errReplayed
	}()
	failed = g.End(ctx, failed)
	if failed != nil && errors.As(failed, &told) {
		st.out.Notes = notes
		return failed
	}
	return err
}

// insertOne runs the only part of an INSERT. It is the client's own statement when no value had to be generated.
func (r *Runner) insertOne(ctx context.Context, st *Statement, j *job, rows []rowPlace, first uint64) error {
	if !slices.ContainsFunc(rows, rowPlace.changed) {
		j.part = st.forwardPart(j.place)
		return r.forwardText(ctx, st, j.place, j.part, false)
	}
	if err := r.forwardText(ctx, st, j.place, j.part, true); err != nil {
		return err
	}
	if !st.Called || len(rows) > 1 { // else no value was used: the only row was met
		st.generated(first)
	}
	if st.out.HasRows {
		return nil
	}
	return st.writeOK()
}

// insertEverywhere inserts the same rows at every leaf.
func (r *Runner) insertEverywhere(ctx context.Context, st *Statement, rows []rowPlace, first uint64) error {
	places, err := st.everyLeaf()
	if err != nil {
		return err
	}
	if err := st.room(places...); err != nil {
		return err
	}
	all := make([]int, len(rows))
	for i := range all {
		all[i] = i
	}
	jobs := make([]job, len(places))
	clock := st.clock()
	for i, p := range places {
		jobs[i] = job{place: p, part: st.insertPart(clock, p, all, rows)}
	}
	if err := r.group(ctx, st, jobs, true); err != nil {
		return err
	}
	return st.inserted(jobs[:1], rows, first)
}

// inserted answers for jobs that all succeeded.
func (st *Statement) inserted(jobs []job, rows []rowPlace, first uint64) error {
	st.generated(first)
	if len(rows) > 1 {
		var records, dups int64
		ignores := st.insertIgnores()
		for i := range jobs {
			records += jobs[i].records()
			dups += jobs[i].duplicates(st.Plan.Insert.Replace, ignores)
		}
		for i := range jobs {
			jobs[i].res.info = nil
		}
		for i := range rows {
			if rows[i].ordinal == noPlace {
				records++
				dups++
			}
		}
		jobs[0].res.info = fmt.Appendf(nil, "Records: %d  Duplicates: %d  Warnings: 0", records, dups)
	}
	return st.answer(jobs)
}

func (st *Statement) generated(first uint64) {
	if first != 0 {
		st.out.InsertID, st.out.Generated = first, true
	}
}

// leftOut is for a row that has no place, for the reason err: an error, or where errors are ignored a warning.
func (r *Runner) leftOut(ctx context.Context, st *Statement, s *split, err error, i int, row *rowPlace, auto int) error {
	exprs, keyErr := st.keyExpressions(i, row, auto)
	if keyErr != nil {
		return keyErr
	}
	err = r.noPartition(ctx, st, s, err, exprs, ignoring(st.insertIgnores()))
	note, ok := ignored(err)
	if !ok || !st.insertIgnores() {
		return err
	}
	st.out.Warnings++
	if len(st.out.Notes) < maxNotes {
		st.out.Notes = append(st.out.Notes, note)
	}
	return nil
}

// allLeftOut answers for an INSERT IGNORE none of whose rows has a partition.
func (st *Statement) allLeftOut(rows []rowPlace) error {
	if len(rows) > 1 {
		st.out.Info = fmt.Appendf(nil, "Records: %d  Duplicates: %d  Warnings: %d", len(rows), len(rows), st.out.Warnings)
	}
	return st.writeOK()
}

// insertJobs makes a job a partition, in the order in which partitions appear.
func (st *Statement) insertJobs(to *insertPlaces, rows []rowPlace) ([]job, error) {
	byOrdinal := map[int][]int{}
	var order []int
	for i, row := range rows {
		if row.ordinal == noPlace {
			continue
		}
		if _, ok := byOrdinal[row.ordinal]; !ok {
			order = append(order, row.ordinal)
		}
		byOrdinal[row.ordinal] = append(byOrdinal[row.ordinal], i)
	}
	again := func(of []int) func([]byte, txn.Place) part {
		return func(clock []byte, p txn.Place) part { return st.insertPart(clock, p, of, rows) }
	}
	if len(order) == 1 && !st.copied() {
		p, err := to.at(order[0])
		if err != nil {
			return nil, err
		}
		j := job{place: p, rows: byOrdinal[order[0]]}
		if slices.ContainsFunc(rows, rowPlace.changed) {
			j.part = st.insertPart(nil, p, byOrdinal[order[0]], rows)
		}
		return []job{j}, nil
	}
	clock := st.clock()
	jobs := make([]job, len(order))
	for i, o := range order {
		p, err := to.at(o)
		if err != nil {
			return nil, err
		}
		jobs[i] = job{place: p, rows: byOrdinal[o], part: st.insertPart(clock, p, byOrdinal[o], rows), again: again(byOrdinal[o])}
	}
	return jobs, nil
}

// insertPart is the INSERT of some of the rows.
func (st *Statement) insertPart(clock []byte, place txn.Place, which []int, rows []rowPlace) part {
	in := st.Plan.Insert
	p := st.insertRows(clock, place, which, rows)
	if !in.Tail.Empty() {
		p.sql = append(p.sql, ' ')
		p.sql = plan.RenderSpan(p.sql, st.Scan, in.Tail, tail(in.Names, in.Moves), in.Names, st.target(place))
		p.params = st.spanArgs(p.params, in.Tail)
	}
	return p
}

// insertRows is the INSERT of some of the rows, without what follows them.
func (st *Statement) insertRows(clock []byte, place txn.Place, which []int, rows []rowPlace) part {
	in := st.Plan.Insert
	to := st.target(place)
	names := in.Names
	p := part{sql: append([]byte(nil), clock...)}
	head := names
	if in.Auto == plan.AutoAbsent {
		head = withSplice(names, plan.Splice{From: in.ColumnPoint, To: in.ColumnPoint, Pieces: []plan.Piece{{Text: in.ColumnText}}})
	}
	span := in.Head
	out, alone := leftOut{}, false
	if len(rows) > 1 && len(which) == 1 && !in.Fills {
		out, alone = st.values1(which[0], rows[which[0]])
	}
	if alone {
		span.To-- // VALUES
		for _, s := range out.head {
			head = withCut(head, s)
		}
	}
	p.sql = plan.RenderSpan(p.sql, st.Scan, span, head, names, to)
	p.sql = append(p.sql, out.columns...)
	p.params = st.spanArgs(p.params, in.Head)
	for n, i := range which {
		if n > 0 {
			p.sql = append(p.sql, ',')
		} else {
			p.sql = append(p.sql, ' ')
		}
		at := len(p.sql)
		p.sql = st.insertRow(p.sql, i, rows[i], to, out.row...)
		p.params = st.insertArgs(p.params, i, rows[i])
		if alone {
			row := string(p.sql[at+1 : len(p.sql)-1])
			p.sql = append(append(p.sql[:at], "SELECT "...), row...)
		}
	}
	return p
}

// tail are the splices behind the rows.
func tail(names []plan.Splice, moves *plan.KeyMoves) []plan.Splice {
	if moves == nil {
		return names
	}
	return withSplice(names, moves.Splice())
}

func (st *Statement) insertRow(dst []byte, i int, row rowPlace, to plan.Target, cuts ...plan.Splice) []byte {
	in := st.Plan.Insert
	splices := in.Names
	for _, s := range cuts {
		splices = withSplice(splices, s)
	}
	for _, s := range row.splices {
		splices = withSplice(splices, s)
	}
	if row.given {
		s := st.autoSplice(i)
		value := "?"
		if !st.Prepared {
			value = strconv.FormatUint(row.auto, 10)
		}
		if in.Auto == plan.AutoAbsent {
			value += st.comma(in.RowPoints[i])
		}
		s.Pieces = []plan.Piece{{Text: value}}
		splices = withSplice(splices, s)
	}
	return plan.RenderSpan(dst, st.Scan, in.Rows[i], splices, in.Names, to)
}

// comma follows an inserted value unless the row is empty.
func (st *Statement) comma(before int32) string {
	if t := st.Scan.Tokens[before]; t.Kind == sqltext.Op && t.Op == ')' {
		return ""
	}
	return ","
}

// autoSplice is where a row's generated value goes.
func (st *Statement) autoSplice(i int) plan.Splice {
	in := st.Plan.Insert
	if in.Auto == plan.AutoGiven {
		return plan.Splice{From: in.AutoSpans[i].From, To: in.AutoSpans[i].To}
	}
	return plan.Splice{From: in.RowPoints[i], To: in.RowPoints[i]}
}

// insertArgs are a row's parameters: those of replaced expressions are left out, a generated value is put in its place.
func (st *Statement) insertArgs(dst []wire.Param, i int, row rowPlace) []wire.Param {
	if !st.Prepared {
		return dst
	}
	span := st.Plan.Insert.Rows[i]
	cuts := row.splices
	auto := plan.Splice{From: -1}
	if row.given {
		auto = st.autoSplice(i)
		cuts = withSplice(cuts, auto)
	}
	at := span.From
	for _, c := range cuts {
		dst = st.spanArgs(dst, sqltext.Span{From: at, To: c.From})
		if c.From == auto.From && c.To == auto.To {
			dst = append(dst, wire.Param{ParamType: wire.ParamType{Type: wire.TypeLongLong, Unsigned: true}, Int: row.auto})
		}
		at = c.To
	}
	return st.spanArgs(dst, sqltext.Span{From: at, To: span.To})
}

// withSplice adds one splice to a list, in order. A splice of the list that lies inside the new one gives way.
func withSplice(list []plan.Splice, s plan.Splice) []plan.Splice {
	out := make([]plan.Splice, 0, len(list)+1)
	added := false
	for _, o := range list {
		if o.From >= s.From && o.To <= s.To && s.From < s.To {
			continue
		}
		if !added && o.From >= s.From {
			out, added = append(out, s), true
		}
		out = append(out, o)
	}
	if !added {
		out = append(out, s)
	}
	return out
}

// autos reserves the AUTO_INCREMENT values that the rows ask for. first is the first of them, 0 when there is none.
func (r *Runner) autos(ctx context.Context, st *Statement, rows []rowPlace) (first uint64, err error) {
	in := st.Plan.Insert
	if in.Auto == plan.AutoNone {
		return 0, nil
	}
	// As MariaDB counts, row by row: a given value moves the sequence for the rows behind it.
	var wanted []int
	var highest uint64
	generate := func() error {
		if len(wanted) == 0 {
			return nil
		}
		v, err := r.nextAuto(ctx, st.Snap, in.Table, len(wanted))
		if err != nil {
			return err
		}
		if first == 0 {
			first = v
		}
		for n, i := range wanted {
			if rows[i].auto, rows[i].given = v+uint64(n), true; !in.Table.Columns[in.Table.AutoIncrement].Numbers(rows[i].auto) && !st.insertIgnores() {
				return outOfNumbers(in.Table, i)
			}
		}
		wanted = wanted[:0]
		return nil
	}
	observe := func() error {
		if highest == 0 {
			return nil
		}
		err := r.cfg.Sequences.Observe(ctx, in.Table, highest)
		highest = 0
		return err
	}
	for i := range rows {
		v, ask := uint64(0), true
		if in.Auto == plan.AutoGiven {
			if v, ask, err = r.autoValue(ctx, st, i); err != nil {
				return 0, err
			}
		}
		if ask {
			err = observe()
			wanted = append(wanted, i)
		} else {
			err = generate()
			highest = max(highest, v)
		}
		if err != nil {
			return 0, err
		}
	}
	if err := generate(); err != nil {
		return 0, err
	}
	return first, observe()
}

// autoValue reads the value that a row has for its AUTO_INCREMENT column: ask means that it asks for one. A negative value is 0: it
// doesn't move the sequence.
func (r *Runner) autoValue(ctx context.Context, st *Statement, i int) (v uint64, ask bool, err error) {
	o := &st.Plan.Insert.Autos[i]
	switch o.Kind {
	case plan.OperandNull, plan.OperandDefault, plan.OperandNone:
		return 0, true, nil
	}
	signed, v, ok, err := int64(0), uint64(0), false, error(nil)
	if val, verr := st.value(o); verr == nil {
		if val.Kind == shard.Null {
			return 0, true, nil
		}
		signed, v, ok = plainInt(val)
	}
	if !ok {
		if signed, v, ok, err = r.askInt(ctx, st, o, i); err != nil {
			return 0, false, err
		}
		if !ok {
			return 0, true, nil
		}
	}
	if signed == 0 && v == 0 && !st.Sess.NoAutoValueOnZero {
		return 0, true, nil
	}
	if signed < 0 {
		return 0, false, nil
	}
	return v, false, nil
}

// plainInt reads a value that is an integer as it stands.
func plainInt(v shard.Value) (signed int64, u uint64, ok bool) {
	switch v.Kind {
	case shard.Int:
		return v.I, uint64(max(v.I, 0)), true
	case shard.Uint:
		return 1, v.U, true
	case shard.Number:
		u, err := strconv.ParseUint(string(v.B), 10, 64)
		if err != nil {
			return 0, 0, false
		}
		if v.Neg && u > 0 {
			return -1, 0, true
		}
		return min(int64(u>>1|u&1), 1), u, true
	}
	return 0, 0, false
}

// rowOrdinals finds each row's partition, and says of how many rows it has.
func (r *Runner) rowOrdinals(ctx context.Context, st *Statement, to *insertPlaces, rows []rowPlace) (int, error) {
	in := st.Plan.Insert
	if in.Keys == nil {
		db := st.Snap.Databases[in.Table.DB]
		// One partition a statement: the next one the next time. Rows of one statement stay together, and with them its transaction.
		n := uint64(to.n)
		o := int(r.turn.Add(1) % n)
		for range n - 1 {
			if st.Snap.RoomFor(db.Partitions[o], false) == nil {
				break
			}
			o = int(r.turn.Add(1) % n)
		}
		for i := range rows {
			rows[i].ordinal = o
		}
		return len(rows), nil
	}
	auto := slices.Index(in.Table.ShardKey, in.Table.AutoIncrement)
	for i := range rows {
		o, err := r.rowOrdinal(ctx, st, to, i, &rows[i], auto)
		if err == nil {
			err = to.in(o)
		}
		if homeless(err) {
			o, err = noPlace, r.leftOut(ctx, st, to.split, err, i, &rows[i], auto)
		}
		if err != nil {
			return i, err
		}
		rows[i].ordinal = o
	}
	return len(rows), nil
}

func (r *Runner) rowOrdinal(ctx context.Context, st *Statement, to *insertPlaces, i int, row *rowPlace, auto int) (int, error) {
	key := st.Plan.Insert.Keys[i]
	st.vals, st.unquoted = st.vals[:0], st.unquoted[:0]
	for k := range key {
		if k == auto && row.given {
			st.vals = append(st.vals, shard.UintValue(row.auto))
			continue
		}
		v, err := st.value(&key[k])
		if errors.Is(err, errNotPlain) {
			return r.askOrdinal(ctx, st, to, i, row, auto)
		}
		if err != nil {
			return 0, err
		}
		st.vals = append(st.vals, v)
	}
	o, err := to.f.Store(st.vals)
	if errors.Is(err, shard.ErrInexact) || errors.Is(err, shard.ErrAskLeaf) {
		return r.askOrdinal(ctx, st, to, i, row, auto)
	}
	return o, err
}
