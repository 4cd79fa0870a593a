package exec

import (
	"context"
	"strconv"
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/plan"
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
	if j.part, err = m.st.metPart(ctx, clock, j.place, j.rows, rows); err != nil {
		return err
	}
	j.res = reply{}
	return m.run(ctx, j)
}

// metPart is the INSERT of a row that meets another: the values that it is given are asked for now.
func (st *Statement) metPart(ctx context.Context, clock []byte, place txn.Place, which []int, rows []rowPlace) (part, error) {
	in := st.Plan.Insert
	splices := in.Names
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
	p.params = st.spanArgs(p.params, in.Tail)
	return p, nil
}
