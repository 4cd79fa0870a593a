package exec

import (
	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// part is the text that one place gets, with the parameters of its ? in order.
type part struct {
	sql    []byte
	params []wire.Param
	// text is sql as a string where the same string is used again and again; "" otherwise.
	text string
}

// target is what a place's text is made for.
func (st *Statement) target(p txn.Place) plan.Target {
	to := plan.Target{Schema: p.Schema}
	if p.Remote != nil {
		to.Remote = st.Plan.Linked.Places[p.Link].Names
	}
	return to
}

// forwardPart is the statement for one place: the client's own bytes where nothing has to be renamed.
func (st *Statement) forwardPart(place txn.Place) part {
	if !st.Query.Empty() {
		p := part{sql: plan.RenderSpan([]byte(st.prefix), st.Scan, st.Query, st.Plan.Forward, st.Plan.Forward, st.target(place))}
		p.params = st.spanArgs(nil, st.Query)
		return p
	}
	if len(st.Plan.Forward) == 0 && place.Remote == nil {
		return part{sql: st.Scan.Src[:st.Scan.End], text: st.Text, params: st.Args}
	}
	st.text = plan.Render(st.text[:0], st.Scan, st.Plan.Forward, st.Plan.Forward, st.target(place))
	return part{sql: st.text, params: st.Args}
}

// mergePart is a part of a Merge.
func (st *Statement) mergePart(place txn.Place, limit uint64) part {
	m := st.Plan.Merge
	to := st.target(place)
	to.Limit = limit
	if st.Query.Empty() {
		p := part{sql: plan.Render(st.forMoment(), st.Scan, m.Splices, m.Names, to)}
		if st.Prepared {
			p.params = st.pick(plan.ParamOrder(st.Scan, m.Splices, m.Names))
		}
		return p
	}
	return part{sql: plan.RenderSpan([]byte(st.prefix), st.Scan, st.Query, m.Splices, m.Names, to), params: st.editedArgs(m.Splices, m.Names)}
}

// editedArgs are the parameters of Query's text with splices applied, in order.
func (st *Statement) editedArgs(splices, names []plan.Splice) []wire.Param {
	if !st.Prepared {
		return nil
	}
	// The order is that of the whole statement: the query's own lie between those before and behind it.
	order := plan.ParamOrder(st.Scan, splices, names)
	before := st.paramsBefore(st.Query.From)
	behind := st.Scan.Params - st.paramsBefore(st.Query.To)
	return st.pick(order[before : len(order)-behind])
}

func (st *Statement) pick(order []int) []wire.Param {
	out := make([]wire.Param, len(order))
	for i, n := range order {
		out[i] = st.Args[n]
	}
	return out
}

// spanArgs are the parameters that stand in a span, in order.
func (st *Statement) spanArgs(dst []wire.Param, s sqltext.Span) []wire.Param {
	if !st.Prepared {
		return dst
	}
	n := -1
	for i := s.From; i < s.To; i++ {
		if st.Scan.Tokens[i].Kind != sqltext.Param {
			continue
		}
		if n < 0 {
			n = st.paramsBefore(i)
		}
		dst = append(dst, st.Args[n])
		n++
	}
	return dst
}

func (st *Statement) paramsBefore(tok int32) int {
	n := 0
	for _, t := range st.Scan.Tokens[:tok] {
		if t.Kind == sqltext.Param {
			n++
		}
	}
	return n
}

// send sends a part: COM_QUERY, or the binary protocol for prepared statements.
func (st *Statement) send(c *backend.Conn, p part) error {
	if !st.Prepared {
		return c.Send(wire.ComQuery, p.sql)
	}
	st.body = appendExecuteBody(st.body[:0], p.params)
	if p.text == "" {
		p.text = string(p.sql)
	}
	return c.SendExecute(p.text, st.body)
}

// send sends the part among others that are sent at the same time.
func (p part) send(c *backend.Conn, prepared bool) error {
	if !prepared {
		return c.Send(wire.ComQuery, p.sql)
	}
	return c.SendExecute(string(p.sql), appendExecuteBody(nil, append([]wire.Param(nil), p.params...)))
}

// executeHead is what wire.AppendExecute writes before what backend wants: the command byte and the statement's id.
const executeHead = 5

func appendExecuteBody(dst []byte, params []wire.Param) []byte {
	for i := range params {
		params[i].Long = false // what came in pieces leaves in one
	}
	at := len(dst)
	dst = wire.AppendExecute(dst, 0, 0, params, true)
	return append(dst[:at], dst[at+executeHead:]...)
}
