package exec

import (
	"context"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// drawn are the values of sequences that go into rows.
type drawn struct {
	draws []plan.Draw
	from  []*drawnValues // of each draw
}

// drawnValues are those of one sequence for all rows, as many for each as there are places for them.
type drawnValues struct {
	db, sequence string
	each         int // of a row
	values       []int64
}

// drawnColumn is what a value of a sequence is read as.
func drawnColumn() value.Column {
	return value.Of(&wire.Column{Type: wire.TypeLongLong, Flags: wire.FlagNotNull, Length: 20}, value.Binary)
}

// drawFor asks sequences for the values of all rows at once, before the first is written.
func (st *Statement) drawFor(ctx context.Context, draws []plan.Draw, rows int) (*drawn, error) {
	d := &drawn{draws: draws}
	var all []*drawnValues
	for i := range draws {
		var of *drawnValues
		for _, v := range all {
			if v.db == draws[i].DB && v.sequence == draws[i].Sequence {
				of = v
			}
		}
		if of == nil {
			of = &drawnValues{db: draws[i].DB, sequence: draws[i].Sequence}
			all = append(all, of)
		}
		of.each++
		d.from = append(d.from, of)
	}
	if rows == 0 {
		return d, nil
	}
	for _, of := range all {
		if st.Draw == nil {
			return nil, plan.NeedsStage("values of a sequence here")
		}
		var err error
		if of.values, err = st.Draw(ctx, of.db, of.sequence, of.each*rows); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// deal puts the next values into a row, whose first value that a draw may name is cells[0].
func (d *drawn) deal(cells [][]byte) {
	for i := range d.draws {
		from := d.from[i]
		cells[d.draws[i].Cell] = binary.LittleEndian.AppendUint64(nil, uint64(from.values[0]))
		from.values = from.values[1:]
	}
}

// draw asks sequences for values for the lines of LOAD DATA that follow, which are read ahead for that: no more are asked for than there are lines.
func (ld *loader) draw(ctx context.Context) error {
	draws := ld.st.Plan.Load.Draws
	if len(draws) == 0 || len(ld.recs.ahead) > 0 {
		return nil
	}
	n, err := ld.recs.look()
	if err != nil {
		return err
	}
	ld.drawn, err = ld.st.drawFor(ctx, draws, n)
	return err
}

// deals puts values of sequences before the line at hand. The value of AUTO_INCREMENT, where it comes first, is there already.
func (ld *loader) deals() {
	l := ld.st.Plan.Load
	if len(l.Draws) == 0 {
		return
	}
	at := 0
	if l.AutoFirst {
		at = len(ld.line) - len(ld.recs.raw)
	}
	text := slices.Clone(ld.line[:at])
	ld.given = ld.given[:0]
	for i := range l.Draws {
		from := ld.drawn.from[i]
		v := strconv.AppendInt(nil, from.values[0], 10)
		from.values = from.values[1:]
		ld.given = append(ld.given, v)
		text = append(append(text, v...), ld.recs.fieldTerm...)
	}
	ld.line = append(text, ld.line[at:]...)
}
