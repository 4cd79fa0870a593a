package plan

import "github.com/orbweaver/orbweaver/internal/sqltext"

// commonColumns are the names that NATURAL joins on; nil when that can't be known.
func commonColumns(ls, rs []*source) []string {
	out := []string{}
	for _, s := range append(append([]*source(nil), ls...), rs...) {
		if !s.known {
			return nil
		}
	}
	for _, l := range ls {
		for _, c := range l.cols {
			if c.invisible || l.joined[lower(c.name)] {
				continue
			}
			for _, r := range rs {
				if i := r.column(c.name); i >= 0 && !r.cols[i].invisible && !r.joined[lower(c.name)] {
					out = append(out, c.name)
				}
			}
		}
	}
	return out
}

// using notes the equality that USING(name) means. The name alone means the column of the side that keeps its rows.
func (u *unit) using(b *block, name string, ls, rs []*source, kind sqltext.JoinKind) {
	pick := func(list []*source) (node, bool) {
		var n node
		hits := 0
		for _, s := range list {
			if i := s.column(name); i >= 0 && !s.joined[lower(name)] {
				n = node{s, i}
				hits++
			}
		}
		return n, hits == 1
	}
	l, ok := pick(ls)
	r, ok2 := pick(rs)
	left := kind == sqltext.LeftJoin || kind == sqltext.NaturalLeftJoin
	right := kind == sqltext.RightJoin || kind == sqltext.NaturalRightJoin
	if !ok || !ok2 {
		// The name would be taken for the other side's column, which may be NULL.
		b.murky = b.murky || !ok && left || !ok2 && right
		return
	}
	hide := r.src
	switch {
	case right:
		hide = l.src
		u.edge(r, l)
		u.equal(r, l, false)
	case left:
		u.edge(l, r)
		u.equal(l, r, false)
	default:
		u.edge(l, r)
		u.edge(r, l)
		u.equal(l, r, false)
		u.equal(r, l, false)
	}
	if hide.joined == nil {
		hide.joined = make(map[string]bool)
	}
	hide.joined[lower(name)] = true
}
