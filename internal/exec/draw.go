package exec

import (
	"context"
	"encoding/binary"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// drawn are the values of one sequence for all rows, as many for each as there are places for them.
type drawn struct {
	of     [2]string
	values []int64
}

// draw asks the sequences for the values of all rows at once, before the first is written.
func (w *rowWriter) draw(ctx context.Context) error {
	is := w.st.Plan.InsertSelect
	for i := range is.Draws {
		d := &is.Draws[i]
		c := value.Of(&wire.Column{Type: wire.TypeLongLong, Flags: wire.FlagNotNull, Length: 20}, value.Binary)
		if d.Cell < len(w.cols) {
			w.cols[d.Cell] = c
		} else {
			w.cols = append(w.cols, c)
		}
		of := [2]string{d.DB, d.Sequence}
		if w.drawnOf(of) == nil {
			w.drawn = append(w.drawn, &drawn{of: of})
		}
	}
	if len(w.rows) == 0 {
		return nil
	}
	for _, from := range w.drawn {
		n := 0
		for i := range is.Draws {
			if from.of == [2]string{is.Draws[i].DB, is.Draws[i].Sequence} {
				n++
			}
		}
		if w.st.Draw == nil {
			return plan.NeedsStage("values of a sequence here")
		}
		var err error
		if from.values, err = w.st.Draw(ctx, from.of[0], from.of[1], n*len(w.rows)); err != nil {
			return err
		}
	}
	return nil
}

func (w *rowWriter) drawnOf(of [2]string) *drawn {
	for _, d := range w.drawn {
		if d.of == of {
			return d
		}
	}
	return nil
}

// deal puts the next values into a row.
func (w *rowWriter) deal(cells [][]byte) {
	for i := range w.st.Plan.InsertSelect.Draws {
		d := &w.st.Plan.InsertSelect.Draws[i]
		from := w.drawnOf([2]string{d.DB, d.Sequence})
		cells[d.Cell] = binary.LittleEndian.AppendUint64(nil, uint64(from.values[0]))
		from.values = from.values[1:]
	}
}
