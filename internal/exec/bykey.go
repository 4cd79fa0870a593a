package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// byKey runs a write whose rows are found first: a query tells their keys and locks them, then they are changed where they are.
func (r *Runner) byKey(ctx context.Context, st *Statement, places []txn.Place) error {
	if st.OneShard {
		return ErrAcross
	}
	if err := st.byKeyUnderLocks(); err != nil {
		return err
	}
	if st.Plan.ByKey.Unsafe() && st.safeUpdates() { // only MariaDB knows whether it would use a key
		return plan.NeedsStage(st.Plan.Stage + ", under sql_safe_updates")
	}
	if st.Permit != nil { // MariaDB's own errors for the client's own text
		if err := st.Permit(ctx); err != nil {
			return err
		}
	}
	own := !st.Tx.InTransaction() && st.Tx.Autocommit()
	run := func() ([]job, error) {
		g := st.Tx.Group()
		jobs, err := r.changeByKey(ctx, st, g, places)
		if err = g.End(ctx, err); err != nil && own {
			err = st.undoneByKey(err)
		}
		return jobs, err
	}
	jobs, err := run()
	if told := (*RemoteError)(nil); own && !st.Tx.Pinned(txn.PinLocks) && errors.As(err, &told) && told.again { // as in group
		st.out = Outcome{}
		before := err
		if jobs, err = run(); err != nil {
			err = secondError(before, err)
		}
	}
	if st.noteFailure(jobs, err); err != nil {
		return err
	}
	if k := st.Plan.ByKey; k.Updates() && !k.Single() { // of several tables MariaDB does not count the versions that it keeps
		for i := range jobs {
			if n := numbers(jobs[i].res.info); len(n) == 4 {
				jobs[i].res.info = fmt.Appendf(nil, "Rows matched: %d  Changed: %d  Warnings: %d", n[0], n[1], n[3])
			}
		}
	}
	if res := &jobs[0].res; len(jobs) == 1 && !st.Plan.ByKey.InTurn && !st.Plan.ByKey.Whole() && res.info == nil && st.Plan.ByKey.Updates() { // of a condition that is never true MariaDB says nothing
		res.info = []byte("Rows matched: 0  Changed: 0  Warnings: 0")
	}
	if k := st.Plan.ByKey; (k.Everywhere || len(k.Draws) > 0) && k.Limit.Kind != plan.OperandNone {
		if n, err := st.number(&k.Limit); err == nil && n == 0 { // of LIMIT 0 it says nothing, either
			jobs[0].res.info = nil
		}
	}
	return st.answer(jobs)
}

// safeUpdates says whether the session has sql_safe_updates.
func (st *Statement) safeUpdates() bool {
	text, set := st.Tx.State().Get("sql_safe_updates")
	return set && !strings.HasSuffix(text, "=0")
}

func (r *Runner) changeByKey(ctx context.Context, st *Statement, g *txn.Group, places []txn.Place) ([]job, error) {
	k := st.Plan.ByKey
	if !st.hasOwnTime() && (k.References || k.Copied() || len(k.Draws)+len(k.Moves) > 0 || st.Plan.Clocked) { // columns that tell when a row was changed are to be alike at all leaves
		st.Moment = Clock()
		defer func() { st.Moment = "" }()
	}
	if k.InTurn {
		return r.inTurn(ctx, st, g, places)
	}
	turns, err := r.turns(ctx, st)
	if err != nil {
		return nil, err
	}
	found, err := r.findRows(ctx, st)
	if err != nil {
		return nil, err
	}
	if len(k.Moves) > 0 && len(found.rows) > 0 {
		return r.moveRows(ctx, st, g, found)
	}
	var jobs []job
	for n, i := range turns {
		t := &k.Targets[i]
		at := st.on(t)
		rounds, err := r.changes(ctx, at, g, found, i)
		if err != nil {
			return jobs, err
		}
		for _, round := range rounds {
			if err := at.roomForJobs(round); err != nil {
				return jobs, err
			}
			err := r.jobs(ctx, at, g, round, t.Everywhere)
			if err == nil {
				err = at.foundAgain(t, round, n == 0)
			}
			if err == nil {
				err = st.keptRows(t, round)
			}
			if t.Everywhere { // what the others answer is the same
				round = round[:1]
			}
			if jobs = append(jobs, round...); err != nil {
				return jobs, err
			}
		}
		if n == 0 && t.All { // of what is changed later some may be gone by then
			if err := st.changedAlike(found, i, rounds); err != nil {
				return jobs, err
			}
		}
	}
	return jobs, nil
}

// turnLimit is how many rows are changed.
func (st *Statement) turnLimit() (int64, error) {
	k := st.Plan.ByKey
	if !k.Counted {
		return st.number(&k.Limit)
	}
	v, err := st.value(&k.Limit)
	if err != nil {
		return 0, err
	}
	digits := v.Kind == shard.String && len(v.B) > 0 && len(bytes.Trim(v.B, "0123456789")) == 0
	if v.Kind != shard.Int && v.Kind != shard.Uint && v.Kind != shard.Number && !digits {
		return 0, plan.NeedsStage("ROWNUM() that is compared with something else than an integer")
	}
	n := max(v.I, 0)
	if v.Kind != shard.Int {
		if n, err = st.number(&k.Limit); err != nil {
			return 0, err
		}
	}
	if k.Below {
		n = max(n-1, 0)
	}
	return n, nil
}

// inTurn changes rows of one partition after another until there are enough.
func (r *Runner) inTurn(ctx context.Context, st *Statement, g *txn.Group, places []txn.Place) ([]job, error) {
	k := st.Plan.ByKey
	limit, err := st.turnLimit()
	if err != nil {
		return nil, err
	}
	var jobs []job
	var found int64
	for i := 0; i < len(places) && (i == 0 || found < limit); i++ {
		sql, params := k.TurnText(st.forMoment(), st.Scan, st.Plan.Forward, st.target(places[i]), strconv.FormatInt(limit-found, 10))
		j := job{place: places[i], part: part{sql: sql}}
		if st.Prepared {
			j.params = st.pick(params)
		}
		if err := st.room(j.place); err != nil {
			return jobs, err
		}
		err := r.run1(ctx, st, g, &j)
		if j.res.err != nil {
			j.res.err.Message = laterRow(j.res.err.Message, found)
		}
		for n := range j.res.notes {
			j.res.notes[n].Message = laterRow(j.res.notes[n].Message, found)
		}
		if jobs = append(jobs, j); err != nil {
			return jobs, err
		}
		switch n := numbers(j.res.info); {
		case len(j.res.head) > 0: // of RETURNING
			found += int64(len(j.res.rows))
		case len(n) > 0: // rows matched
			found += n[0]
		default:
			found += int64(j.res.ok.AffectedRows)
		}
	}
	return jobs, nil
}

// foundRows are what the query of a ByKey told.
type foundRows struct {
	cols []value.Column
	rows [][][]byte // cells; nil is NULL
}

// findRows runs the query.
func (r *Runner) findRows(ctx context.Context, st *Statement) (*foundRows, error) {
	k := st.Plan.ByKey
	text, params := k.QueryText(st.Scan)
	out, sub, err := r.askKeys(ctx, st, text, params)
	if sub != nil {
		st.out.Staged = sub.out.Staged
	}
	if err != nil {
		return nil, err
	}
	if err := r.strictly(ctx, st, &sub.out); err != nil {
		return nil, err
	}
	st.out.Warnings, st.out.Notes = sub.out.Warnings, sub.out.Notes
	f := &foundRows{}
	for i := range out.columns {
		f.cols = append(f.cols, value.Of(&out.columns[i], value.Binary))
	}
	for _, row := range out.rows {
		cells := make([][]byte, len(f.cols))
		if err := splitRow(row, f.cols, cells); err != nil {
			return nil, err
		}
		for _, i := range k.Divided() {
			cells[i] = value.Divided(cells[i])
		}
		f.rows = append(f.rows, cells)
	}
	values := len(f.cols) - len(k.Values) - len(k.Moves)
	for i := range k.Draws {
		f.cols[values+k.Draws[i].Cell] = drawnColumn()
	}
	given, err := st.drawFor(ctx, k.Draws, len(f.rows))
	if err != nil {
		return nil, err
	}
	for _, cells := range f.rows {
		given.deal(cells[values:])
	}
	return f, nil
}

// askKeys runs a query for the rows of a write. The statement that it is run as tells what came of it.
func (r *Runner) askKeys(ctx context.Context, st *Statement, text []byte, params []int) (*collected, *Statement, error) {
	k := st.Plan.ByKey
	bytes := slices.ContainsFunc(slices.Concat(k.Values, k.Moves), func(v plan.KeyValue) bool { return keepsBytes(&k.Targets[v.Target].Table.Columns[v.Column]) })
	return r.askFor(ctx, st, k, bytes, text, params)
}

// askFor is askKeys for rows of k's targets; bytes: strings are to arrive in their own character sets.
func (r *Runner) askFor(ctx context.Context, st *Statement, k *plan.ByKey, bytes bool, text []byte, params []int) (*collected, *Statement, error) {
	scan := new(sqltext.Scan)
	if err := scan.Scan(text, st.Sess.Mode); err != nil {
		return nil, nil, fmt.Errorf("finding the rows of a write: %w", err)
	}
	stmt, err := sqltext.Parse(scan, st.Sess.Mode)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the rows of a write: %w", err)
	}
	p, err := plan.BuildKeys(stmt, scan, st.Snap, st.Sess, k)
	if err != nil {
		return nil, nil, err
	}
	st.lockAs(p, k)
	out := &collected{caps: st.Out.Caps(), status: st.Out.Status(), defs: -1, limit: r.cfg.SortMemory, what: "a write whose rows are found first"}
	sub := &Statement{
		Plan: p, Scan: scan, Query: sqltext.Span{To: int32(len(scan.Tokens))}, Snap: st.Snap, Sess: st.Sess, Charset: st.Charset, Tx: st.Tx, Home: st.Home,
		Readers: st.Readers, StageLimit: st.StageLimit, Locked: st.Locked, Links: st.Links, Out: out, Prepared: true, Moment: st.Moment, After: st.Asked, Before: st.Before,
		prefix: "SET STATEMENT character_set_results=" + arriving(bytes),
	}
	if st.Plan.Facts&sqltext.HasUserVarAssign != 0 {
		sub.After, sub.Before = st.After, st.Before
	}
	if st.Moment != "" {
		sub.prefix += "," + st.Moment
	}
	sub.prefix += clockEnd
	if st.Prepared {
		sub.Args = st.pick(params)
	}
	sub.adjust()
	return out, sub, r.run(ctx, sub)
}

// byKeyRows bounds the rows that one statement names, with which MariaDB's optimizer has to do.
const byKeyRows = 500

// changes are the statements that change the rows of a target, in rounds that are run one after another.
func (r *Runner) changes(ctx context.Context, st *Statement, g *txn.Group, found *foundRows, target int) ([][]job, error) {
	k := st.Plan.ByKey
	t := &k.Targets[target]
	if t.All {
		return r.changesAlike(ctx, st, g, found, target)
	}
	at, values := found.cellsOf(k, target)
	to, leaves, err := r.placesOf(st, t)
	if err != nil {
		return nil, err
	}
	// A statement changes rows of one place, to which it gives the same values.
	type group struct {
		ordinal int
		values  []string
		rows    []int
		keys    [][]byte
	}
	var groups []*group
	by := map[string]*group{}
	seen := map[string]bool{}
	for n, row := range found.rows {
		cells := row[at : at+len(t.Key)]
		key, ok, err := keyCondition(t, found.cols[at:], cells)
		if err != nil {
			return nil, err
		}
		if !ok || seen[string(key)] { // of an outer join there is none; a join may tell of a row more than once
			continue
		}
		seen[string(key)] = true
		o := 0
		if !t.Everywhere {
			if o, err = r.foundOrdinal(ctx, st, t, to.f, found.cols[at:], cells); err != nil {
				return nil, err
			}
		}
		name := strconv.AppendInt(nil, int64(o), 10)
		literals := make([]string, len(k.Values))
		for i := range k.Values {
			if k.Values[i].Target != target {
				continue
			}
			v, err := st.assigned(&k.Values[i], &found.cols[values+i], row[values+i])
			if err != nil {
				return nil, err
			}
			literals[i] = v
			name = append(append(name, ','), v...)
		}
		g := by[string(name)]
		if g == nil || len(g.rows) == byKeyRows && !k.Renames {
			g = &group{ordinal: o, values: literals}
			by[string(name)] = g
			groups = append(groups, g)
		}
		g.rows = append(g.rows, n)
		g.keys = append(g.keys, key)
	}
	if len(groups) == 0 && k.Whole() && !t.Everywhere {
		place, err := to.at(0)
		if err != nil {
			return nil, err
		}
		whole := func(clock []byte, place txn.Place) part {
			return part{sql: plan.Render(slices.Clone(clock), st.Scan, st.Plan.Forward, st.Plan.Forward, st.target(place)), params: st.Args}
		}
		return [][]job{{{place: place, part: whole(st.forMoment(), place), again: whole}}}, nil
	}
	if len(groups) == 0 { // MariaDB says what it has to say of a statement that finds nothing
		g := &group{}
		for range k.Values {
			g.values = append(g.values, "NULL")
		}
		groups = append(groups, g)
	}
	if k.Renames && len(k.Values) > 0 && len(groups) > 1 {
		return nil, plan.NeedsStage("an UPDATE that gives rows values of other tables and changes the key by which they are found")
	}
	var rounds [][]job
	used := map[int]int{}
	for _, g := range groups {
		where := noRow(t)
		if len(g.keys) > 0 {
			where = whereKeys(t, g.keys)
		}
		if t.Everywhere {
			round := make([]job, len(leaves))
			for i, place := range leaves {
				round[i] = job{place: place, rows: g.rows, part: st.change(st.forMoment(), target, place, where, g.values, "")}
			}
			rounds = append(rounds, round)
			continue
		}
		place, err := to.at(g.ordinal)
		if err != nil {
			return nil, err
		}
		j := job{place: place, rows: g.rows, part: st.change(st.forMoment(), target, place, where, g.values, ""), again: func(clock []byte, place txn.Place) part {
			return st.change(clock, target, place, where, g.values, "")
		}}
		n := used[g.ordinal]
		used[g.ordinal]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], j)
	}
	return rounds, nil
}

// change is the statement that changes rows of a target at a place, limit at most; "" for all. clock goes ahead.
func (st *Statement) change(clock []byte, target int, place txn.Place, where []byte, values []string, limit string) part {
	to := st.target(place)
	to.As = st.lockedBy(&st.Plan.ByKey.Targets[target])
	sql, params := st.Plan.ByKey.ChangeText(slices.Clone(clock), st.Scan, target, st.Plan.Forward, to, where, values, limit)
	p := part{sql: sql}
	if st.Prepared {
		p.params = st.pick(params)
	}
	return p
}

// forMoment goes ahead of a text that has the statement's time.
func (st *Statement) forMoment() []byte {
	if st.Moment == "" {
		return nil
	}
	return append(append([]byte("SET STATEMENT "), st.Moment...), clockEnd...)
}

// keyCondition is what finds a row: a literal, or conditions on several columns. Not ok: there is no row.
func keyCondition(t *plan.KeyTarget, cols []value.Column, cells [][]byte) (cond []byte, ok bool, err error) {
	for i, c := range t.Key {
		if cells[i] == nil {
			return nil, false, nil
		}
		col := &t.Table.Columns[c]
		if len(t.Key) > 1 {
			if i > 0 {
				cond = append(cond, " AND "...)
			}
			cond = append(plan.AppendQuoted(cond, col.Name), '=')
		}
		if cond, err = keyLiteral(cond, col, &cols[i], cells[i]); err != nil {
			return nil, false, err
		}
	}
	return cond, true, nil
}

// keyLiteral appends a value that is compared with the column it came from. A string is a bare literal, so that it is the column's collation that counts.
func keyLiteral(dst []byte, col *topo.Column, c *value.Column, cell []byte) ([]byte, error) {
	if col.Charset != "" && c.Collation != nil && c.Collation.Charset != "binary" {
		return fmt.Appendf(dst, "_%s x'%x'", c.Collation.Charset, cell), nil
	}
	return value.Compared(dst, c, cell)
}

// noRow is a condition that no row meets. A constant one MariaDB notices before it looks at anything: what it answers then lacks the columns of RETURNING.
func noRow(t *plan.KeyTarget) []byte {
	var dst []byte
	for _, c := range t.Key {
		col := &t.Table.Columns[c]
		dst = append(plan.AppendQuoted(dst, col.Name), '=')
		dst = append(append(dst, someValue(col.Type)...), " AND "...)
	}
	return append(dst, "RAND()<0"...)
}

// someValue is a value that a type has.
func someValue(typ string) string {
	switch typ {
	case "char", "varchar", "binary", "varbinary", "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob":
		return "''"
	case "date", "datetime", "timestamp":
		return "'2000-01-01'"
	case "time":
		return "'00:00:00'"
	case "uuid":
		return "'00000000-0000-0000-0000-000000000000'"
	case "inet4":
		return "'0.0.0.0'"
	case "inet6":
		return "'::'"
	}
	return "0"
}

// whereKeys is the condition for some rows.
func whereKeys(t *plan.KeyTarget, keys [][]byte) []byte {
	var dst []byte
	if len(t.Key) == 1 {
		dst = append(plan.AppendQuoted(dst, t.Table.Columns[t.Key[0]].Name), " IN ("...)
	}
	for i, k := range keys {
		switch {
		case i == 0:
		case len(t.Key) == 1:
			dst = append(dst, ',')
		default:
			dst = append(dst, " OR "...)
		}
		dst = append(dst, k...)
	}
	if len(t.Key) == 1 {
		dst = append(dst, ')')
	}
	return dst
}

// foundOrdinal is the partition of a row that has these key cells.
func (r *Runner) foundOrdinal(ctx context.Context, st *Statement, t *plan.KeyTarget, f chooser, cols []value.Column, cells [][]byte) (int, error) {
	if len(t.Table.ShardKey) == 0 { // a linked table of one place, or a single table
		return 0, nil
	}
	exprs := make([]string, len(t.Table.ShardKey))
	st.vals = st.vals[:0]
	for k, c := range t.Table.ShardKey {
		i := slices.Index(t.Key, c)
		if i < 0 {
			return 0, errorf(wire.ErUnknown, "a unique key of '%s.%s' has not all of its shard key", t.Table.DB, t.Table.Name)
		}
		v, err := cellValue(&cols[i], cells[i])
		if err != nil {
			return 0, err
		}
		st.vals = append(st.vals, v)
		lit, err := value.Compared(nil, &cols[i], cells[i])
		if err != nil {
			return 0, err
		}
		exprs[k] = string(lit)
	}
	return r.chosen(ctx, st, t.Table, f, exprs)
}

// chosen is the partition of st.vals, which are exprs as SQL, and a row's: in strict mode, too, it may have some that could not be stored any more.
func (r *Runner) chosen(ctx context.Context, st *Statement, t *topo.Table, f chooser, exprs []string) (int, error) {
	o, err := f.Store(st.vals)
	if err == nil || errors.Is(err, partition.ErrNoPartition) {
		return o, err
	}
	o, _, err = r.storedPlace(ctx, st, t, f, exprs, asKept, 0)
	return o, err
}

// placesOf are the places of a target's rows: to tells that of each, or all leaves have them.
func (r *Runner) placesOf(st *Statement, t *plan.KeyTarget) (to *insertPlaces, leaves []txn.Place, err error) {
	if t.Everywhere {
		leaves, err = st.everyLeaf()
	} else {
		to, err = r.rowPlaces(st, t.Table)
	}
	return to, leaves, err
}
