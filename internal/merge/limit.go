package merge

import (
	"fmt"
	"io"
)

// limited is LIMIT.
type limited struct {
	in         operator
	skip, left int64
	unlimited  bool
	ties       *tied // nil without WITH TIES
}

func (l *limited) next() (*row, error) {
	if !l.unlimited && l.left <= 0 {
		return l.tie()
	}
	for ; l.skip > 0; l.skip-- {
		if _, err := l.in.next(); err != nil {
			return nil, err
		}
	}
	l.left--
	r, err := l.in.next()
	if err == nil && l.left == 0 && l.ties != nil {
		err = l.ties.keep(r)
	}
	return r, err
}

// tie is a further row that equals the last one.
func (l *limited) tie() (*row, error) {
	if l.ties == nil || !l.ties.any {
		return nil, io.EOF
	}
	r, err := l.in.next()
	if err == nil && compareCut(l.ties.keys, l.ties.length, &l.ties.last.row, r) != 0 {
		l.ties.any = false
		return nil, io.EOF
	}
	return r, err
}

// tied is what WITH TIES compares.
type tied struct {
	layout *layout
	keys   []key
	length int // see compareCut
	last   savedRow
	any    bool
}

func (b *builder) tied() (*tied, error) {
	p := b.c.Plan
	by := p.Sort
	if len(p.Order) > 0 {
		by = p.Order
	}
	if p.Ties > len(by) {
		return nil, fmt.Errorf("%w: ties of %d keys of %d", ErrConfig, p.Ties, len(by))
	}
	keys, err := b.keys(by[:p.Ties])
	return &tied{layout: &b.layout, keys: keys, length: b.sortLength()}, err
}

// keep takes the last row of LIMIT.
func (t *tied) keep(r *row) error {
	if t.any = !r.final; !t.any {
		return nil
	}
	if err := resolveAll(t.keys, r); err != nil {
		return err
	}
	return t.last.save(t.layout, r)
}
