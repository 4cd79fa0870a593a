package plan

import (
	"fmt"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

var routeNames = [...]string{"any leaf", "keys", "all", "every leaf", "one"}

var aggNames = [...]string{"sum", "min", "max", "avg", "bit_and", "bit_or", "bit_xor", "count distinct", "sum distinct", "avg distinct", "first"}

// Trace writes a plan out for people who look for what became of a statement, and for golden tests. Partition text is that of partition 0.
func Trace(p *Plan, scan *sqltext.Scan) string {
	t := tracer{scan: scan}
	t.plan(p, sqltext.Span{From: 0, To: int32(len(scan.Tokens))})
	return t.out.String()
}

type tracer struct {
	scan *sqltext.Scan
	out  strings.Builder
}

func (t *tracer) line(format string, args ...any) { fmt.Fprintf(&t.out, format+"\n", args...) }

func (t *tracer) text(s sqltext.Span) string {
	return string(RenderSpan(nil, t.scan, s, nil, nil, "", 0))
}

func (t *tracer) plan(p *Plan, span sqltext.Span) {
	r := p.Route
	route := "route: " + routeNames[r.Kind]
	if r.DB != "" {
		route += " of " + r.DB
	}
	if r.Kind == RouteKeys {
		route += " by " + r.Table.Name + "(" + strings.Join(keyNames(r.Table), ", ") + ") =" + t.tuples(r.Keys)
	}
	t.line("%s", route)
	var flags []string
	for _, f := range []struct {
		on   bool
		name string
	}{{p.Writes, "writes"}, {p.Locks, "locks"}, {p.Rows, "rows"}, {p.Short, "short"}, {!p.Cacheable, "uncacheable"}} {
		if f.on {
			flags = append(flags, f.name)
		}
	}
	if flags != nil {
		t.line("flags: %s", strings.Join(flags, " "))
	}
	schema := r.DB + "_0"
	if p.Forward != nil && p.Insert == nil {
		t.line("forward: %s", RenderSpan(nil, t.scan, span, p.Forward, p.Forward, schema, 0))
	}
	if p.Stage != "" {
		t.line("stage: %s", p.Stage)
	}
	if p.Merge != nil {
		t.merge(p.Merge, span, schema, limitOf(p, t.scan))
	}
	if p.Insert != nil {
		t.insert(p.Insert, schema)
	}
	if s := p.InsertSelect; s != nil {
		t.line("insert select: columns %v", s.Columns)
		if s.ColumnText != "" {
			t.line("  auto column: %q at %d", s.ColumnText, s.ColumnPoint)
		}
		t.line("  head: %s", RenderSpan(nil, t.scan, s.Head, s.Names, nil, schema, 0))
		t.line("  tail: %s", RenderSpan(nil, t.scan, s.Tail, s.Names, nil, schema, 0))
		t.line("query:")
		t.plan(s.Plan, s.Query)
	}
	if p.Load != nil {
		t.line("load: key fields %v, auto %d", p.Load.Key, p.Load.Auto)
		if p.Load.ColumnText != "" {
			t.line("  auto column: %q at %d", p.Load.ColumnText, p.Load.ColumnPoint)
		}
	}
}

func (t *tracer) merge(m *Merge, span sqltext.Span, schema string, limit uint64) {
	t.line("part: %s", RenderSpan(nil, t.scan, span, m.Splices, m.Names, schema, limit))
	if m.Hidden > 0 {
		t.line("hidden: %d", m.Hidden)
	}
	if len(m.Sort) > 0 {
		t.line("sort:%s", sortText(m.Sort))
	}
	if m.Grouped {
		t.line("group: %d keys", m.GroupKeys)
	}
	for _, a := range m.Aggs {
		s := fmt.Sprintf("agg: %d %s", a.Col, aggNames[a.Op])
		if a.Op == AggAvg {
			s += fmt.Sprintf(" %d/%d", a.Sum, a.Count)
		}
		if a.HasWeight {
			s += fmt.Sprintf(" weight %d/%d", a.Weight, a.Collation)
		}
		if len(a.Keys) > 0 {
			s += " of" + sortText(a.Keys)
		}
		if a.Gather {
			s += ", gathered"
		}
		t.line("%s", s)
	}
	if m.Distinct {
		t.line("distinct: %d keys", m.DistinctKeys)
	}
	for i := range m.Finals {
		t.line("final: %d = %s", m.Finals[i].Into, t.final(&m.Finals[i]))
	}
	if m.Having != nil {
		t.line("having: %s", t.final(m.Having))
	}
	if len(m.Order) > 0 {
		t.line("order:%s", sortText(m.Order))
	}
	if m.Limit.Count.Kind != OperandNone {
		s := t.operand(m.Limit.Count)
		if m.Limit.Offset.Kind != OperandNone {
			s += " offset " + t.operand(m.Limit.Offset)
		}
		t.line("limit: %s", s)
	}
}

func (t *tracer) final(f *Final) string {
	var splices []Splice
	for _, u := range f.Uses {
		splices = append(splices, Splice{u.Span.From, u.Span.To, []Piece{textPiece(fmt.Sprintf("{%d}", u.Col))}})
	}
	return string(RenderSpan(nil, t.scan, f.Span, splices, nil, "", 0))
}

func sortText(keys []SortKey) string {
	var sb strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&sb, " %d", k.Col)
		if k.HasWeight {
			fmt.Fprintf(&sb, "/%d/%d", k.Weight, k.Collation)
		}
		if k.Node != "" {
			sb.WriteString("/" + k.Node)
		}
		if k.Desc {
			sb.WriteString("-")
		}
	}
	return sb.String()
}

func (t *tracer) insert(ins *Insert, schema string) {
	part := func(s sqltext.Span) string {
		return string(RenderSpan(nil, t.scan, s, ins.Names, nil, schema, 0))
	}
	t.line("head: %s", part(ins.Head))
	for i, r := range ins.Rows {
		s := "row: " + part(r)
		if i < len(ins.Keys) {
			s += "  key" + t.tuples(ins.Keys[i:i+1])
		}
		if ins.Auto == AutoGiven {
			s += "  auto " + t.operand(ins.Autos[i])
		}
		if ins.Auto == AutoAbsent {
			s += fmt.Sprintf("  auto at %d", ins.RowPoints[i])
		}
		t.line("%s", s)
	}
	if ins.Auto == AutoAbsent {
		t.line("auto column: %q at %d", ins.ColumnText, ins.ColumnPoint)
	}
	if !ins.Tail.Empty() {
		t.line("tail: %s", part(ins.Tail))
	}
}

func (t *tracer) tuples(list []KeyTuple) string {
	var sb strings.Builder
	for _, k := range list {
		sb.WriteString(" (")
		for i, o := range k {
			if i > 0 {
				sb.WriteString(", ")
			}
			sb.WriteString(t.operand(o))
		}
		sb.WriteString(")")
	}
	return sb.String()
}

func (t *tracer) operand(o Operand) string {
	sign := ""
	if o.Neg {
		sign = "-"
	}
	switch o.Kind {
	case OperandLiteral:
		return sign + t.text(sqltext.Span{From: o.Tok, To: o.Tok + 1})
	case OperandParam:
		return fmt.Sprintf("%s?%d", sign, o.Param)
	case OperandNull:
		return "NULL"
	case OperandDefault:
		return "DEFAULT"
	case OperandExpr:
		return "{" + t.text(o.Expr) + "}"
	}
	return ""
}

func keyNames(t *topo.Table) []string {
	var out []string
	for _, k := range t.ShardKey {
		out = append(out, t.Columns[k].Name)
	}
	return out
}
