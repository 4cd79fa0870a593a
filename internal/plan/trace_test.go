package plan

import (
	"fmt"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

var routeNames = [...]string{"any leaf", "keys", "all", "every leaf", "one", "linked", "stage"}

var aggNames = [...]string{"sum", "min", "max", "avg", "bit_and", "bit_or", "bit_xor", "count distinct", "sum distinct", "avg distinct", "first"}

// Trace writes a plan out for golden transcripts, and for what fails of random statements. Partition text is that of partition 0.
func Trace(p *Plan, scan *sqltext.Scan) string {
	t := tracer{scan: scan}
	t.plan(p, sqltext.Span{From: 0, To: int32(len(scan.Tokens))})
	return t.out.String()
}

type tracer struct {
	scan *sqltext.Scan
	out  strings.Builder
	to   Target
}

func (t *tracer) line(format string, args ...any) { fmt.Fprintf(&t.out, format+"\n", args...) }

func (t *tracer) text(s sqltext.Span) string {
	return string(RenderSpan(nil, t.scan, s, nil, nil, Target{}))
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
	t.to = Target{Schema: r.DB + "_0"}
	if p.Linked != nil {
		t.linked(p.Linked)
		t.to = Target{Remote: p.Linked.Places[0].Names}
	}
	if p.Forward != nil && p.Insert == nil {
		t.line("forward: %s", RenderSpan(nil, t.scan, span, p.Forward, p.Forward, t.to))
	}
	if p.Stage != "" {
		t.line("stage: %s", p.Stage)
	}
	if p.ByKey != nil {
		for _, r := range p.ByKey.explain(t.scan) {
			t.line("%s: %s", r.Partition, r.Text)
		}
	}
	for i := range p.Fills {
		t.fill("fill", &p.Fills[i])
		for _, k := range p.Fills[i].Keys {
			if k.From > i { // of those that are read the other way round
				continue
			}
			from := p.Fills[k.From].Table
			t.line("  %v among %s %v", columnsOf(p.Fills[i].Table, k.Columns), from.Name, columnsOf(from, k.FromColumns))
		}
	}
	for i := range p.References {
		t.fill("reference", &p.References[i])
	}
	if p.Copies != nil {
		t.line("on copies: %s", RenderSpan(nil, t.scan, span, p.Copies, nil, Target{}))
	}
	for i := range p.Once {
		t.line("once: %s", p.Once[i].Append(nil, t.scan))
	}
	for i := range p.Bringings {
		t.bringing(&p.Bringings[i], span)
	}
	for i := range p.Scalars {
		t.line("first %s:", t.text(p.Scalars[i].Span))
		t.plan(p.Scalars[i].Plan, p.Scalars[i].Query)
	}
	if p.Merge != nil {
		t.merge(p.Merge, span, limitOf(p, t.scan))
	}
	if p.Insert != nil {
		t.insert(p.Insert)
	}
	if s := p.InsertSelect; s != nil {
		t.line("insert select: columns %v", s.Columns)
		for _, n := range s.Named {
			t.line("  named: %s is %d %s", t.text(n.Span), n.Cell, n.Collation)
		}
		if s.ColumnText != "" {
			t.line("  auto column: %q at %d", s.ColumnText, s.ColumnPoint)
		}
		t.line("  head: %s", RenderSpan(nil, t.scan, s.Head, s.Names, nil, t.to))
		t.line("  tail: %s", RenderSpan(nil, t.scan, s.Tail, s.Names, nil, t.to))
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

func (t *tracer) merge(m *Merge, span sqltext.Span, limit uint64) {
	to := t.to
	to.Limit = limit
	t.line("part: %s", RenderSpan(nil, t.scan, span, m.Splices, m.Names, to))
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
		t.line("limit: %s%s", s, [...]string{CountedNot: "", CountedByParts: ", counted by the parts", CountedMerged: ", counted when merged"}[m.Counted])
	}
}

// bringing tells what is brought where, and the text of a part.
func (t *tracer) bringing(b *Bringing, span sqltext.Span) {
	r := b.Plan.Route
	line := "bring to " + r.DB
	if r.Kind == RouteKeys {
		line += " by " + r.Table.Name + "(" + strings.Join(keyNames(r.Table), ", ") + ") =" + t.tuples(r.Keys)
	}
	for i := range b.Fills {
		f := &b.Fills[i]
		line += ", " + f.Table.Name
		if f.Probe {
			line += " probed"
		}
		if f.Deal != nil {
			line += " dealt by " + strings.Join(keyNames(f.Deal), ", ")
		}
		for _, k := range f.Keys {
			if k.From > i {
				continue
			}
			from := b.Fills[k.From].Table
			line += fmt.Sprintf(" %v among %s %v", columnsOf(f.Table, k.Columns), from.Name, columnsOf(from, k.FromColumns))
		}
	}
	t.line("%s", line)
	to := t.to
	to.Limit = limitOf(b.Plan, t.scan)
	t.line("  part: %s", RenderSpan(nil, t.scan, span, b.Plan.Merge.Splices, b.Plan.Merge.Names, to))
}

func (t *tracer) fill(what string, f *Fill) {
	text, params := RenderFill(nil, t.scan, f, "")
	line := what + ": " + string(text)
	if params != nil {
		line += fmt.Sprintf("  params %v", params)
	}
	t.line("%s", line)
}

func (t *tracer) final(f *Final) string {
	var splices []Splice
	for _, u := range f.Uses {
		text := fmt.Sprintf("{%d}", u.Col)
		if u.Divided {
			text = fmt.Sprintf("{%d}/{%d}", u.Col, u.Over)
		}
		splices = append(splices, Splice{u.Span.From, u.Span.To, []Piece{textPiece(text)}})
	}
	return string(RenderSpan(nil, t.scan, f.Span, splices, nil, Target{}))
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

// linked tells where the statement may go, and what chooses.
func (t *tracer) linked(k *Linked) {
	if k.Table == nil {
		return
	}
	for _, term := range k.Terms {
		s := "term: " + k.Table.Columns[k.Table.ShardKey[term.Column]].Name + " " + opNames[term.Op]
		for _, o := range term.Values {
			s += " " + t.operand(o)
		}
		t.line("%s", s)
	}
	if k.Only != nil {
		t.line("only: %v", k.Only)
	}
}

var opNames = [...]string{"in", "<", "<=", ">", ">=", "between", "is null", "is not null"}

func (t *tracer) insert(ins *Insert) {
	part := func(s sqltext.Span) string {
		return string(RenderSpan(nil, t.scan, s, ins.Names, nil, t.to))
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
