package merge

import "io"

// A batch is bounded in rows and bytes: it becomes one statement for a leaf.
const (
	batchRows  = 200
	batchBytes = 1 << 20
)

// Batch is a run of merged rows whose Finals and Having are to be evaluated.
type Batch struct {
	rows    []savedRow
	n       int
	dropped []bool
	layout  *layout
}

// Len is the number of rows.
func (b *Batch) Len() int { return b.n }

// Cell is the value in column col (from the end when negative) of row i; nil is NULL.
func (b *Batch) Cell(i, col int) []byte { return b.rows[i].cells[b.at(col)] }

// Set replaces a value; the batch keeps v.
func (b *Batch) Set(i, col int, v []byte) {
	b.rows[i].cells[b.at(col)] = v
	b.rows[i].dirty = true
}

// Drop leaves row i out: its Having is not true.
func (b *Batch) Drop(i int) { b.dropped[i] = true }

func (b *Batch) at(col int) int {
	if col < 0 {
		col += len(b.layout.cols)
	}
	return col
}

// batched has rows evaluated in batches.
type batched struct {
	in     operator
	layout *layout
	eval   func(*Batch) error
	b      Batch
	at     int
	ended  bool
	seen   bool // a row has come
}

func (o *batched) next() (*row, error) {
	for {
		for o.at < o.b.n {
			i := o.at
			o.at++
			if !o.b.dropped[i] {
				return &o.b.rows[i].row, nil
			}
		}
		if o.ended {
			return nil, io.EOF
		}
		final, err := o.fill()
		if final != nil || err != nil {
			o.seen = true
			return final, err
		}
		// Where no row comes at all, the expressions may be wrong all the same.
		if first := !o.seen; o.b.n > 0 || first {
			o.seen = true
			if err := o.eval(&o.b); err != nil {
				return nil, err
			}
		}
	}
}

// fill reads the next batch. A row that is final already is given as it is.
func (o *batched) fill() (final *row, err error) {
	o.b.layout, o.b.n, o.at = o.layout, 0, 0
	for size := 0; o.b.n < batchRows && size < batchBytes; {
		r, err := o.in.next()
		if err == io.EOF {
			o.ended = true
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if r.final {
			return r, nil
		}
		if o.b.n == len(o.b.rows) {
			o.b.rows = append(o.b.rows, savedRow{})
			o.b.dropped = append(o.b.dropped, false)
		}
		if err := o.b.rows[o.b.n].save(o.layout, r); err != nil {
			return nil, err
		}
		o.b.dropped[o.b.n] = false
		size += len(o.b.rows[o.b.n].buf)
		o.b.n++
	}
	return nil, nil
}
