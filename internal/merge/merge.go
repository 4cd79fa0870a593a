package merge

import (
	"errors"
	"fmt"
	"io"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Source gives the rows of one part.
type Source interface {
	// Next is the payload of the next row, good until the next call; io.EOF after the last.
	Next() ([]byte, error)
}

// Config says what to merge, and how.
type Config struct {
	Plan *plan.Merge
	// Columns are the parts' column definitions, the hidden ones included. They must stay unchanged.
	Columns []wire.Column
	Format  value.Format
	Sources []Source
	// Offset and Count are the plan's LIMIT as numbers; a negative Count is no limit.
	Offset, Count int64
	// SortMemory bounds what a final ORDER BY, or an aggregate that gathers its values, may hold, in bytes; 0 is DefaultSortMemory.
	SortMemory int64
	// SortLength is the session's max_sort_length: how much of a long string their ORDER BY looks at; 0 is MariaDB's default, 1024.
	SortLength int
	// Eval evaluates the plan's Finals and Having for a batch of rows; it must be there when the plan has any. The batch is empty where there are no rows.
	Eval func(*Batch) error
	// Empty gives the payload of the one row, without hidden columns, of aggregates without GROUP BY over no rows at all, when the parts answered
	// with no row. When it is nil, the row is made of what aggregates are over nothing. What any one partition answers to the client's
	// own statement is right, as all are empty.
	Empty func() ([]byte, error)
}

// DefaultSortMemory is the bound of a final ORDER BY when none is given.
const DefaultSortMemory = 64 << 20

const defaultSortLength = 1024

// ErrConfig says that plan and columns do not fit together.
var ErrConfig = errors.New("merge: the plan does not fit the parts' columns")

// NotMergeableError says that the answers of several partitions can't be put together because of a column.
type NotMergeableError struct {
	Column string
	Err    error
}

// Error names the column.
func (e *NotMergeableError) Error() string {
	return fmt.Sprintf("merging partitions by column '%s': %v", e.Column, e.Err)
}

// Unwrap is the reason.
func (e *NotMergeableError) Unwrap() error { return e.Err }

// SortMemoryError says that a final ORDER BY would hold more than its bound: MariaDB's error 1038.
type SortMemoryError struct{ Limit int64 }

// Error speaks as MariaDB does.
func (e *SortMemoryError) Error() string {
	return fmt.Sprintf("Out of sort memory, consider increasing server sort buffer size (%d bytes)", e.Limit)
}

// OrderError says that a part's rows did not come in order: a defect, or a column whose order is not known.
type OrderError struct{ Column string }

// Error names the column.
func (e *OrderError) Error() string {
	return fmt.Sprintf("merging partitions: their rows are not in the order of column '%s'", e.Column)
}

// Rows are the merged rows.
type Rows struct {
	layout *layout
	in     operator
	hidden int
	out    []byte
	part   int
}

// operator is a stage. A row is good until the next call.
type operator interface {
	next() (*row, error)
}

// New builds the stages.
func New(c Config) (*Rows, error) {
	b := builder{c: c, layout: newLayout(c.Columns, c.Format)}
	p := c.Plan
	if p.Hidden < 0 || p.Hidden > len(c.Columns) {
		return nil, ErrConfig
	}
	r := &Rows{layout: &b.layout, hidden: p.Hidden}
	in, err := b.parts()
	if err != nil {
		return nil, err
	}
	if p.Grouped {
		g, err := b.group(in)
		if err != nil {
			return nil, err
		}
		in = g
	}
	if p.Distinct {
		if in, err = b.distinct(in); err != nil {
			return nil, err
		}
	}
	if len(p.Finals) > 0 || p.Having != nil {
		if c.Eval == nil {
			return nil, fmt.Errorf("%w: nobody evaluates its expressions", ErrConfig)
		}
		in = &batched{in: in, layout: r.layout, eval: c.Eval}
	}
	if len(p.Order) > 0 {
		if in, err = b.sorted(in); err != nil {
			return nil, err
		}
	}
	if c.Offset > 0 || c.Count >= 0 {
		l := &limited{in: in, skip: c.Offset, left: c.Count, unlimited: c.Count < 0}
		if p.Ties > 0 {
			if l.ties, err = b.tied(); err != nil {
				return nil, err
			}
		}
		in = l
	}
	r.in = in
	return r, nil
}

// Next is the payload of the next row as the client gets it, good until the next call; io.EOF after the last.
func (r *Rows) Next() ([]byte, error) {
	w, err := r.in.next()
	if err != nil {
		return nil, err
	}
	r.part = w.part
	if w.final || r.hidden == 0 && !w.dirty {
		return w.payload, nil
	}
	r.out = r.layout.cut(r.out[:0], w, len(w.cells)-r.hidden)
	return r.out, nil
}

// Part is which source gave the last row, of a plan that only puts rows in order.
func (r *Rows) Part() int { return r.part }

// builder resolves the plan against the columns.
type builder struct {
	c      Config
	layout layout
}

// col is a plan's column as a position.
func (b *builder) col(c plan.Col) (int, error) {
	i := int(c)
	if i < 0 {
		i += len(b.c.Columns)
	}
	if i < 0 || i >= len(b.c.Columns) {
		return 0, ErrConfig
	}
	return i, nil
}

// refuse makes a NotMergeableError.
func (b *builder) refuse(col int, err error) error {
	return &NotMergeableError{Column: string(b.c.Columns[col].Name), Err: err}
}

// parts brings the parts' rows together, in order when there is one.
func (b *builder) parts() (operator, error) {
	p := b.c.Plan
	if len(p.Sort) == 0 || len(b.c.Sources) == 1 {
		c := &concat{readers: make([]*reader, len(b.c.Sources))}
		for i, s := range b.c.Sources {
			c.readers[i] = newReader(s, &b.layout, i)
		}
		return c, nil
	}
	keys, err := b.keys(p.Sort)
	if err != nil {
		return nil, err
	}
	m := &ordered{keys: keys, last: newSaved(keys)}
	for i, s := range b.c.Sources {
		m.readers = append(m.readers, newReader(s, &b.layout, i))
	}
	return b.parted(m, p.Grouped || p.Distinct), nil
}

// concat gives one part after the other.
type concat struct {
	readers []*reader
}

func (c *concat) next() (*row, error) {
	for len(c.readers) > 0 {
		err := c.readers[0].advance()
		if err == nil {
			return &c.readers[0].row, nil
		}
		if err != io.EOF {
			return nil, err
		}
		c.readers = c.readers[1:]
	}
	return nil, io.EOF
}
