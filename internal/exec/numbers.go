package exec

import (
	"context"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// erNoNumber is told of a row for which the column has no more AUTO_INCREMENT values.
const erNoNumber = 167

// outOfNumbers is MariaDB's error, in any sql_mode: cut off, the values would be the last one again and again.
func outOfNumbers(t *topo.Table, row int) error {
	return &wire.ServerError{Code: erNoNumber, State: "22003", Message: "Out of range value for column '" + t.Columns[t.AutoIncrement].Name + "'" + rowWord + strconv.Itoa(row+1)}
}

// number reserves the AUTO_INCREMENT value of the row at hand.
func (w *rowWriter) number(ctx context.Context, t *topo.Table) (uint64, error) {
	v, err := w.r.nextAuto(ctx, w.st.Snap, t, 1)
	if err == nil && !t.Columns[t.AutoIncrement].Numbers(v) && !w.ignores() {
		err = outOfNumbers(t, w.row)
	}
	return v, err
}
