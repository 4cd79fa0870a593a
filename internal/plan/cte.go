package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// conceal notes that a query which is not understood may name any common table expression that it sees, any number of times.
func (p *planner) conceal(e *env) {
	p.concealed = append(p.concealed, e)
	for ; e != nil; e = e.up {
		e.refs += 2
	}
}

// with analyses the queries of a WITH clause and makes their names visible.
func (p *planner) with(w *sqltext.With, e *env) (*env, error) {
	if w == nil {
		return e, nil
	}
	first := e
	for i := range w.CTEs {
		c := &w.CTEs[i]
		e = &env{up: e, name: c.Name.Text, q: c.Query, in: e}
		e.cols, e.odd = p.columnList(c.Name.Tok)
	}
	if w.Recursive { // each sees all of them
		for x := e; x != first; x = x.up {
			x.in = e
		}
	}
	var all []*env
	for x := e; x != first; x = x.up {
		all = append(all, x)
	}
	for i := len(all) - 1; i >= 0; i-- {
		if err := p.cte(all[i]); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// cte analyses a common table expression once.
func (p *planner) cte(e *env) error {
	if e.unit != nil || e.busy {
		return nil
	}
	e.busy = true
	p.begun = append(p.begun, e)
	defer func() {
		e.busy = false
		p.begun = p.begun[:len(p.begun)-1]
	}()
	u, err := p.query(e.q, e.in)
	if err != nil {
		return err
	}
	if e.recursive && u.spread && !u.inOne() {
		u.bad, u.key = "a recursive common table expression", nil
	}
	e.unit = u
	if u.spread {
		for _, o := range e.rings {
			o.unit.spread, o.unit.bad, o.unit.key, o.unit.keyTable, o.unit.comps = true, u.bad, nil, u.keyTable, u.comps
		}
	}
	return nil
}

// recurs notes a reference to a common table expression that is being analysed. Those in whose midst it stands refer to each other: where the rows of one of them come from, there come those
// of all.
func (p *planner) recurs(to *env) {
	to.recursive = true
	for i := len(p.begun) - 1; i >= 0 && p.begun[i] != to; i-- {
		e := p.begun[i]
		e.recursive = true
		if e.ring == nil || slices.Index(p.begun, to) < slices.Index(p.begun, e.ring) {
			e.ring = to
		}
		to.rings = append(to.rings, e)
	}
}
