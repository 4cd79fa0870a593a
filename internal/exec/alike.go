package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Changes of rows that are told apart by all their columns (package plan, alike.go). The rows of one text are in one partition where there is a shard key; else any number of them is in each.

// alikeRows are the rows of one text.
type alikeRows struct {
	plan.GivenRow
	ordinal int
	near    string // their shard key as a literal, where an index that the table may have finds them by it
	found   int    // how often the query told of them
}

// alikes are the rows of a target that were found, by their texts.
func (r *Runner) alikes(ctx context.Context, st *Statement, g *txn.Group, found *foundRows, target int, to *insertPlaces, leaves []txn.Place) ([]*alikeRows, error) {
	k := st.Plan.ByKey
	t := &k.Targets[target]
	at, values := found.cellsOf(k, target)
	var all []*alikeRows
	by := map[string]*alikeRows{}
	for _, row := range found.rows {
		if row[at] == nil { // of an outer join there is none
			continue
		}
		text, err := alikeText(row[at])
		if err != nil {
			return nil, err
		}
		if one := by[text]; one != nil { // a join may tell of a row more than once
			one.found++
			continue
		}
		one := &alikeRows{GivenRow: plan.GivenRow{Text: text, Values: make([]string, len(k.Values))}, found: 1}
		if t.Table.Kind == topo.Sharded {
			from := at + t.First()
			if one.ordinal, err = r.foundOrdinal(ctx, st, t, to.f, found.cols[from:], row[from:from+len(t.Key)]); err != nil {
				return nil, err
			}
			if one.near, err = nearby(t, found.cols[from:], row[from:]); err != nil {
				return nil, err
			}
		}
		for i := range k.Values {
			if v := &k.Values[i]; v.Target == target {
				if one.Values[i], err = st.givenLiteral(v, &found.cols[values+i], row[values+i], &t.Table.Columns[v.Column]); err != nil {
					return nil, err
				}
			}
		}
		by[text] = one
		all = append(all, one)
	}
	nulls := by[t.NullText()]
	if !t.Padded || nulls == nil {
		return all, nil
	}
	has, err := r.countAlike(ctx, st, g, t, to, leaves, []*alikeRows{nulls})
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(has, func(n map[string]int) bool { return n[nulls.Text] > 0 }) {
		return nil, plan.NeedsStage(st.Plan.Stage + fmt.Sprintf(", and '%s.%s' has rows of which all columns are NULL, as in an outer join without a row", t.Table.DB, t.Table.Name))
	}
	return slices.DeleteFunc(all, func(one *alikeRows) bool { return one == nulls }), nil
}

// nearby is a shard key of one column as a literal; "" for others, and where the literal may not be all that is needed.
func nearby(t *plan.KeyTarget, cols []value.Column, cells [][]byte) (string, error) {
	if len(t.Key) != 1 || cells[0] == nil {
		return "", nil
	}
	switch col := &t.Table.Columns[t.Key[0]]; col.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "char", "varchar":
		lit, err := keyLiteral(nil, col, &cols[0], cells[0])
		return string(lit), err
	}
	return "", nil
}

// near is a condition beside those on texts, by which the rows are looked for; "" for none.
func near(t *plan.KeyTarget, rows []*alikeRows) string {
	if len(rows) > byKeyRows || slices.ContainsFunc(rows, func(one *alikeRows) bool { return one.near == "" }) {
		return ""
	}
	var all []string
	for _, one := range rows {
		all = append(all, one.near)
	}
	slices.Sort(all)
	return string(plan.AppendQuoted(nil, t.Table.Columns[t.Key[0]].Name)) + " IN (" + strings.Join(slices.Compact(all), ",") + ")"
}

// alikeText is a text that the query told. It goes into statements.
func alikeText(cell []byte) (string, error) {
	for _, c := range cell {
		if c < '!' && c != ' ' || c > '~' || c == '\'' || c == '\\' {
			return "", errorf(wire.ErUnknown, "what tells a row apart is not plain text")
		}
	}
	return string(cell), nil
}

// givenLiteral is a literal in a table of them: bits are a number there where a column has one.
func (st *Statement) givenLiteral(v *plan.KeyValue, c *value.Column, cell []byte, col *topo.Column) (string, error) {
	if col.Type == "enum" && string(cell) == plan.NoMember {
		return "", errNoMember()
	}
	lit, err := st.assigned(v, c, cell)
	if err == nil && c.Class == value.Bit && cell != nil && col.Charset == "" && !keepsBytes(col) || c.Class == value.Bit && cell != nil && col.Type == "bit" {
		lit = "CAST(" + lit + " AS UNSIGNED)"
	}
	return lit, err
}

// cellsOf are where a target's cells begin in what the query told, and where those of Values do.
func (f *foundRows) cellsOf(k *plan.ByKey, target int) (cells, values int) {
	for i := range target {
		cells += k.Targets[i].Cells()
	}
	return cells, len(f.cols) - len(k.Values) - len(k.Moves)
}

// changesAlike is changes for a target whose rows are told apart by all their columns.
func (r *Runner) changesAlike(ctx context.Context, st *Statement, g *txn.Group, found *foundRows, target int) ([][]job, error) {
	k := st.Plan.ByKey
	t := &k.Targets[target]
	to, leaves, err := r.placesOf(st, t)
	if err != nil {
		return nil, err
	}
	rows, err := r.alikes(ctx, st, g, found, target, to, leaves)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return r.changesNone(st, target, to, leaves)
	}
	own := slices.ContainsFunc(rows, func(one *alikeRows) bool { return !slices.Equal(one.Values, rows[0].Values) })
	if t.Everywhere {
		var rounds [][]job
		for _, p := range st.changeAlike(target, leaves[0], rows, own) { // their texts are those of all leaves: the database is named as clients name it
			round := make([]job, len(leaves))
			for i, place := range leaves {
				round[i] = job{place: place, part: p}
			}
			rounds = append(rounds, round)
		}
		return rounds, nil
	}
	all, err := r.alikeAt(ctx, st, g, t, to, rows)
	if err != nil {
		return nil, err
	}
	var rounds [][]job
	for o, rows := range all {
		if len(rows) == 0 {
			continue
		}
		place, err := to.at(o)
		if err != nil {
			return nil, err
		}
		for n, p := range st.changeAlike(target, place, rows, own) {
			if n == len(rounds) {
				rounds = append(rounds, nil)
			}
			rounds[n] = append(rounds[n], job{place: place, part: p})
		}
	}
	return rounds, nil
}

// alikeAt are the rows by partition. Where LIMIT leaves some of those that are alike, and they may be in any partition, each of them is asked how many it has.
func (r *Runner) alikeAt(ctx context.Context, st *Statement, g *txn.Group, t *plan.KeyTarget, to *insertPlaces, rows []*alikeRows) ([][]*alikeRows, error) {
	k := st.Plan.ByKey
	all := make([][]*alikeRows, to.n)
	switch {
	case t.Table.Kind == topo.Sharded:
		for _, one := range rows {
			all[one.ordinal] = append(all[one.ordinal], one)
		}
		return all, nil
	case k.Limit.Kind == plan.OperandNone:
		for o := range all {
			all[o] = rows
		}
		return all, nil
	}
	has, err := r.countAlike(ctx, st, g, t, to, nil, rows)
	if err != nil {
		return nil, err
	}
	for _, one := range rows {
		left := one.found
		for o := range all {
			if n := min(left, has[o][one.Text]); n > 0 {
				all[o] = append(all[o], &alikeRows{GivenRow: one.GivenRow, found: n})
				left -= n
			}
		}
	}
	return all, nil
}

// countAlike counts the rows at each partition, or at the first of leaves, by their texts, and locks them.
func (r *Runner) countAlike(ctx context.Context, st *Statement, g *txn.Group, t *plan.KeyTarget, to *insertPlaces, leaves []txn.Place, rows []*alikeRows) ([]map[string]int, error) {
	texts := make([]string, len(rows))
	for i, one := range rows {
		texts[i] = one.Text
	}
	where := t.WhereTexts(texts, near(t, rows))
	if t.Everywhere {
		n, err := r.countAlikeAt(ctx, st, g, t, leaves[0], where)
		return []map[string]int{n}, err
	}
	has, errs := make([]map[string]int, to.n), make([]error, to.n)
	var asked sync.WaitGroup
	for o := range to.n {
		asked.Go(func() {
			place, err := to.at(o)
			if err == nil {
				has[o], err = r.countAlikeAt(ctx, st, g, t, place, where)
			}
			errs[o] = err
		})
	}
	asked.Wait()
	return has, first(errs)
}

func (r *Runner) countAlikeAt(ctx context.Context, st *Statement, g *txn.Group, t *plan.KeyTarget, place txn.Place, where []byte) (map[string]int, error) {
	c, err := g.Conn(ctx, place)
	if err != nil {
		return nil, st.unconnected(place, err)
	}
	stop := c.Watch(ctx)
	res, err := c.Query(ctx, string(t.WhereText(st.target(place), where)))
	if stop() && err == nil {
		err = ctx.Err()
	}
	var refused *wire.ServerError
	if errors.As(err, &refused) {
		if err := g.Done(c, nil); err != nil {
			return nil, st.at(place, err)
		}
		return nil, st.answered(place, refused)
	}
	if err := g.Done(c, err); err != nil {
		return nil, st.at(place, err)
	}
	n := map[string]int{}
	for _, row := range res.Rows {
		n[string(row[0])]++
	}
	return n, nil
}

// changeAlike are the statements that change rows at a place, one after another: one, but for a DELETE of many. own: some get other values than others, there or elsewhere.
func (st *Statement) changeAlike(target int, place txn.Place, rows []*alikeRows, own bool) (parts []part) {
	k := st.Plan.ByKey
	t := &k.Targets[target]
	limit := ""
	if k.Limit.Kind != plan.OperandNone {
		n := 0
		for _, one := range rows {
			n += one.found
		}
		limit = strconv.Itoa(n)
	}
	if own {
		given := make([]plan.GivenRow, len(rows))
		for i, one := range rows {
			given[i] = one.GivenRow
		}
		sql, params := k.JoinText(st.forMoment(), st.Scan, target, st.Plan.Forward, st.target(place), given, near(t, rows), limit)
		p := part{sql: sql}
		if st.Prepared {
			p.params = st.pick(params)
		}
		return []part{p}
	}
	most := len(rows)
	if !k.Updates() && limit == "" {
		most = byKeyRows
	}
	for some := range slices.Chunk(rows, most) {
		texts := make([]string, len(some))
		for i, one := range some {
			texts[i] = one.Text
		}
		parts = append(parts, st.change(st.forMoment(), target, place, t.WhereTexts(texts, near(t, some)), rows[0].Values, limit))
	}
	return parts
}

// changesNone has MariaDB say what it has to say of a statement that finds nothing.
func (r *Runner) changesNone(st *Statement, target int, to *insertPlaces, leaves []txn.Place) ([][]job, error) {
	k := st.Plan.ByKey
	t := &k.Targets[target]
	values := make([]string, len(k.Values))
	for i := range values {
		values[i] = "NULL"
	}
	if t.Everywhere {
		round := make([]job, len(leaves))
		for i, place := range leaves {
			round[i] = job{place: place, part: st.change(st.forMoment(), target, place, noRow(t), values, "")}
		}
		return [][]job{round}, nil
	}
	place, err := to.at(0)
	if err != nil {
		return nil, err
	}
	if k.Whole() {
		p := part{sql: plan.Render(st.forMoment(), st.Scan, st.Plan.Forward, st.Plan.Forward, st.target(place)), params: st.Args}
		return [][]job{{{place: place, part: p}}}, nil
	}
	return [][]job{{{place: place, part: st.change(st.forMoment(), target, place, noRow(t), values, "")}}}, nil
}

// changedAlike says whether all rows that were found were changed. They are locked, so that nobody else has changed them; a text that is another one where a row is changed than where
// it was found would be a mistake of ours, which is not to go unnoticed.
func (st *Statement) changedAlike(found *foundRows, target int, rounds [][]job) error {
	k := st.Plan.ByKey
	t := &k.Targets[target]
	at, _ := found.cellsOf(k, target)
	want, seen := 0, map[string]bool{}
	for _, row := range found.rows {
		if text := string(row[at]); row[at] != nil && (k.Single() || !seen[text]) && !(t.Padded && text == t.NullText()) {
			seen[text] = true
			want++
		}
	}
	changed := 0
	for _, round := range rounds {
		if t.Everywhere {
			round = round[:1]
		}
		for i := range round {
			switch res := &round[i].res; {
			case len(res.head) > 0: // of RETURNING
				changed += len(res.rows)
			case k.Updates():
				if n := numbers(res.info); len(n) > 0 { // rows matched
					changed += int(n[0])
				}
			default:
				changed += int(res.ok.AffectedRows)
			}
		}
	}
	switch {
	case changed < want && st.deletesSome() && k.Ignores():
		return keptRows()
	case changed < want && !k.Ignores():
		return errorf(wire.ErUnknown, "%d of %d rows of '%s.%s' were not found again", want-changed, want, t.Table.DB, t.Table.Name)
	}
	return nil
}
