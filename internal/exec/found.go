package exec

import "github.com/orbweaver/orbweaver/internal/plan"

// counting is what FOUND_ROWS() will need of a statement's LIMIT.
type counting struct {
	offset, count uint64
	all, unknown  bool
}

// counting reads it before the statement runs.
func (st *Statement) counting() (c counting) {
	f := &st.Plan.Found
	c.all, c.unknown = f.All, f.Unknown
	if f.Count.Kind == plan.OperandNone {
		return c
	}
	n, err := st.number(&f.Count)
	c.count, c.unknown = uint64(n), err != nil // which is the statement's error, too
	if f.Offset.Kind != plan.OperandNone {
		n, err = st.number(&f.Offset)
		c.offset, c.unknown = uint64(n), c.unknown || err != nil
	}
	return c
}

// found is how many rows MariaDB counts when the client got some; not known where that says nothing of those that were left out.
func (c counting) found(rows uint64) (n uint64, known bool) {
	switch {
	case c.unknown, c.all && rows >= c.count:
		return 0, false
	case rows == 0 && c.offset > 0 && c.count > 0: // there are as many as that or fewer
		return 0, false
	case rows == 0:
		return 0, true
	}
	return c.offset + rows, true
}
