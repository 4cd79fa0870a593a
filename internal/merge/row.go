package merge

import (
	"fmt"

	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// row is one row on its way through the stages.
type row struct {
	payload []byte   // as it came, unless dirty
	cells   [][]byte // nil is NULL
	dirty   bool     // cells were replaced: payload is stale
	final   bool     // payload is what the client gets, there are no cells
	part    int      // whose it is, where it is one part's
}

// layout knows how rows are written.
type layout struct {
	cols   []value.Column
	format value.Format
	stands []standIn
}

// standIn is a value that takes the place of its weights, which have not been asked for where its collation is the one that the node knows it by.
type standIn struct {
	name                     string
	value, weight, collation int // cells
	node                     string
	own, other               bool // rows of that collation, and of another one, have been seen
}

// stand puts the value in the place of its weights. Rows of several collations can't be compared.
func (s *standIn) stand(cells [][]byte) error {
	if string(cells[s.collation]) == s.node {
		s.own = true
		cells[s.weight] = cells[s.value]
	} else {
		s.other = true
	}
	if s.own && s.other {
		return &NotMergeableError{Column: s.name, Err: fmt.Errorf("%w: it has another collation than %s at some of its servers", value.ErrNoOrder, s.node)}
	}
	return nil
}

func newLayout(defs []wire.Column, f value.Format) layout {
	l := layout{format: f, cols: make([]value.Column, len(defs))}
	for i := range defs {
		l.cols[i] = value.Of(&defs[i], f)
	}
	return l
}

// split cuts a payload into its cells.
func (l *layout) split(payload []byte, cells [][]byte) error {
	if err := l.cells(payload, cells); err != nil {
		return err
	}
	for i := range l.stands {
		if err := l.stands[i].stand(cells); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) cells(payload []byte, cells [][]byte) error {
	if l.format == value.Text {
		return wire.SplitTextRow(payload, cells)
	}
	var r wire.BinaryRow
	if err := r.Reset(payload, len(cells)); err != nil {
		return err
	}
	for i := range cells {
		v, null, ok := r.Next(l.cols[i].Type)
		switch {
		case !ok:
			return wire.ErrMalformed
		case null:
			cells[i] = nil
		default:
			cells[i] = v
		}
	}
	if !r.Done() {
		return wire.ErrMalformed
	}
	return nil
}

// cut appends the row's first n columns as a payload.
func (l *layout) cut(dst []byte, r *row, n int) []byte {
	if l.format == value.Text {
		if !r.dirty {
			return append(dst, r.payload[:l.size(r.cells[:n])]...)
		}
		for i, c := range r.cells[:n] {
			if c == nil {
				dst = append(dst, textNull)
				continue
			}
			dst = l.cols[i].AppendCell(dst, c)
		}
		return dst
	}
	// The bitmap of NULLs has another length, so a binary row is always written anew.
	dst = append(dst, 0)
	nulls := len(dst)
	for range (n + 9) / 8 {
		dst = append(dst, 0)
	}
	if !r.dirty {
		for i, c := range r.cells[:n] {
			if c == nil {
				dst[nulls+(i+2)/8] |= 1 << ((i + 2) % 8)
			}
		}
		from := 1 + (len(r.cells)+9)/8
		return append(dst, r.payload[from:from+l.size(r.cells[:n])]...)
	}
	for i, c := range r.cells[:n] {
		if c == nil {
			dst[nulls+(i+2)/8] |= 1 << ((i + 2) % 8)
			continue
		}
		dst = l.cols[i].AppendCell(dst, c)
	}
	return dst
}

const textNull = 0xfb

// size is the number of bytes that cells take in a row.
func (l *layout) size(cells [][]byte) int {
	n := 0
	for i, c := range cells {
		switch {
		case c == nil:
			if l.format == value.Text {
				n++
			}
		case l.format == value.Binary && l.cols[i].Fixed():
			n += len(c)
		case len(c) < 251:
			n += 1 + len(c)
		case len(c) < 1<<16:
			n += 3 + len(c)
		case len(c) < 1<<24:
			n += 4 + len(c)
		default:
			n += 9 + len(c)
		}
	}
	return n
}

// reader reads one part.
type reader struct {
	src    Source
	layout *layout
	row    row
}

func newReader(s Source, l *layout, part int) *reader {
	return &reader{src: s, layout: l, row: row{cells: make([][]byte, len(l.cols)), part: part}}
}

// advance reads the next row.
func (r *reader) advance() error {
	p, err := r.src.Next()
	if err != nil {
		return err
	}
	r.row.payload = p
	return r.layout.split(p, r.row.cells)
}

// saved is a row kept beyond the next call, in storage that is used again.
type savedRow struct {
	row
	buf []byte
}

// save copies r.
func (s *savedRow) save(l *layout, r *row) error {
	if r.dirty {
		s.buf = l.cut(s.buf[:0], r, len(r.cells))
	} else {
		s.buf = append(s.buf[:0], r.payload...)
	}
	if s.cells == nil {
		s.cells = make([][]byte, len(r.cells))
	}
	s.payload, s.dirty, s.final, s.part = s.buf, false, r.final, r.part
	if r.final {
		return nil
	}
	return l.split(s.payload, s.cells)
}
