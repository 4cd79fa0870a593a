package exec

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// metRow numbers the rows that are looked for others that they meet: a connection remembers the number of the last one that did.
var metRow atomic.Uint64

// insertDrawing inserts rows one after another, where ON DUPLICATE KEY UPDATE gives those that are met values of sequences.
func (r *Runner) insertDrawing(ctx context.Context, st *Statement, to *insertPlaces, rows []rowPlace, first uint64) error {
	places := map[int]bool{}
	for i := range rows {
		places[rows[i].ordinal] = true
	}
	if err := st.across(len(places), false); err != nil {
		return err
	}
	own := !st.Tx.InTransaction() && st.Tx.Autocommit()
	g := st.Tx.Group()
	m := &mover{r: r, st: st, g: g, to: to, table: st.Plan.Insert.Table}
	return m.inTurn(ctx, rows, first, own, func(clock []byte, i int, place txn.Place) error {
		j := job{place: place, rows: []int{i}}
		err := m.drawing(ctx, clock, &j, rows)
		m.jobs = append(m.jobs, j)
		return err
	})
}

// drawing inserts the row of a job, or changes the one that it meets.
func (m *mover) drawing(ctx context.Context, clock []byte, j *job, rows []rowPlace) error {
	met, n := m.st.Plan.Insert.Met, metRow.Add(1)
	look := job{place: j.place, rows: j.rows, part: m.st.insertRows(clock, j.place, j.rows, rows)}
	look.sql = append(append(look.sql, ' '), met.Probe(n)...)
	err := m.run(ctx, &look)
	j.res = look.res
	if err != nil {
		return err
	}
	told, err := m.ask(ctx, j.place, "SELECT "+plan.MetRow+"<=>"+strconv.FormatUint(n, 10))
	if err != nil || string(told[0][0]) != "1" {
		return err
	}
	values, err := m.metValues(ctx, j.place)
	if err != nil {
		return err
	}
	if j.part, err = m.st.metPart(ctx, clock, j.place, j.rows, rows, values); err != nil {
		return err
	}
	j.res = reply{}
	return m.run(ctx, j)
}

// metPart is the INSERT of a row that meets another: the values that it is given are asked for now.
func (st *Statement) metPart(ctx context.Context, clock []byte, place txn.Place, which []int, rows []rowPlace, found []plan.Splice) (part, error) {
	in := st.Plan.Insert
	splices := in.Names
	for _, s := range found {
		splices = withSplice(splices, s)
	}
	for _, d := range in.Met.Draws {
		values, err := st.Draw(ctx, d.DB, d.Sequence, 1)
		if err != nil {
			return part{}, err
		}
		text := strconv.FormatInt(values[0], 10)
		if values[0] < 0 {
			text = "(" + text + ")"
		}
		splices = withSplice(splices, plan.Splice{From: d.At, To: d.At + 1, Pieces: []plan.Piece{{Text: text}}})
	}
	p := st.insertRows(clock, place, which, rows)
	p.sql = plan.RenderSpan(append(p.sql, ' '), st.Scan, in.Tail, splices, in.Names, st.target(place))
	at := in.Tail.From
	for _, s := range found {
		p.params = st.spanArgs(p.params, sqltext.Span{From: at, To: s.From})
		at = s.To
	}
	p.params = st.spanArgs(p.params, sqltext.Span{From: at, To: in.Tail.To})
	return p, nil
}

// metValues finds out what subqueries say of the row that was met last at a place.
func (m *mover) metValues(ctx context.Context, at txn.Place) (all []plan.Splice, err error) {
	met := m.st.Plan.Insert.Met
	var asked []plan.First
	for i, f := range met.Reads {
		if !met.Fixed[i] || len(m.fixed) == 0 {
			asked = append(asked, f)
		}
	}
	all = slices.Clone(m.fixed)
	if len(asked) > 0 {
		where, err := m.metKey(ctx, at)
		if err != nil {
			return nil, err
		}
		text, params := met.Query(m.st.Scan, asked, where)
		k := &plan.ByKey{Targets: []plan.KeyTarget{{Table: m.table}}}
		out, sub, err := m.r.askFor(ctx, m.st, k, true, text, params)
		if err != nil {
			return nil, err
		}
		if len(out.rows) != 1 || len(out.columns) != len(asked) || sub.out.Warnings > 0 { // of which the INSERT may make an error
			return nil, plan.NeedsStage("values in ON DUPLICATE KEY UPDATE that are found out for each row, and warn")
		}
		found, err := literalsFor(asked, out)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b plan.Splice) int { return int(a.From - b.From) })
	if len(m.fixed) == 0 {
		for i, s := range all {
			if met.Fixed[i] {
				m.fixed = append(m.fixed, s)
			}
		}
	}
	return all, nil
}

// metKey is the condition that finds the row that was met last at a place.
func (m *mover) metKey(ctx context.Context, at txn.Place) (string, error) {
	met := m.st.Plan.Insert.Met
	var asked []string
	kinds := make([]movedKind, len(met.Key))
	for i, c := range met.Key {
		col := &m.table.Columns[c]
		kind, ok := movedAs(col)
		if col.Type == "enum" || col.Type == "set" { // variables have their words
			kind = movedKind{read: "HEX(%s)", write: "_" + col.Charset + " x'%s'"}
		}
		if !ok {
			return "", plan.NeedsStage("a subquery in ON DUPLICATE KEY UPDATE of a table with a key of type " + col.Type)
		}
		kinds[i] = kind
		asked = append(asked, fmt.Sprintf(kind.read, plan.MovedKey(i)))
	}
	told, err := m.ask(ctx, at, string(m.setting(asItIs))+"SELECT "+strings.Join(asked, ","))
	if err != nil {
		return "", err
	}
	var where []string
	for i, c := range met.Key {
		where = append(where, string(plan.AppendQuoted(nil, m.table.Columns[c].Name))+"="+fmt.Sprintf(kinds[i].write, told[0][i]))
	}
	return strings.Join(where, " AND "), nil
}
