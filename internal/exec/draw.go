package exec

import (
	"context"
	"encoding/binary"

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
