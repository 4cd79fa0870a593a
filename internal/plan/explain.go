package plan

import (
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ExplainRow is one line of EXPLAIN: the shape, one place, and the text that the place gets.
type ExplainRow struct {
	// Shape is Forward, Merge, Spread or Stage. Bring is a table that is copied to the partitions of others, before the parts of a Merge; Probe one of these others whose
	// rows are looked at for what need not be brought. Value is a subquery whose value is put in its place first: the statement is planned anew then. Keys is the query for the keys of
	// the rows that a write is about to change.
	Shape     string
	Partition string // "db:3", "any leaf", "every leaf", "by row", "server s"
	Text      string
}

// Explain describes the plan of scan's statement. ordinals are the partitions (of Route.DB, or of Linked) that the route has yielded, for INSERT … SELECT
// that of its query; they are not looked at for routes without partitions and for rows that are split when the statement runs.
func Explain(p *Plan, scan *sqltext.Scan, ordinals []int) []ExplainRow {
	return explain(p, scan, sqltext.Span{To: int32(len(scan.Tokens))}, ordinals)
}

// explain is Explain for a part of the statement.
func explain(p *Plan, scan *sqltext.Scan, span sqltext.Span, ordinals []int) []ExplainRow {
	text := func(splices, names []Splice, to Target) string {
		to.Limit = limitOf(p, scan)
		if int(span.To-span.From) == len(scan.Tokens) {
			return string(Render(nil, scan, splices, names, to))
		}
		return string(RenderSpan(nil, scan, span, splices, names, to))
	}
	place := func(ordinal int) (string, Target) {
		id := topo.PartitionID{DB: p.Route.DB, Ordinal: ordinal}
		return id.String(), Target{Schema: id.Schema()}
	}
	of := p.Route.DB
	switch k := p.Linked; {
	case p.InsertSelect != nil:
		s := p.InsertSelect
		return append(explain(s.Plan, scan, s.Query, ordinals), s.explain(scan))
	case k != nil:
		place = func(n int) (string, Target) {
			return "server " + k.Places[n].Links[0].Name(), Target{Remote: k.Places[n].Names}
		}
		if k.Table == nil || len(ordinals) == 0 {
			ordinals = k.candidates()
		}
		if k.Table != nil {
			of = k.Table.DB + "." + k.Table.Name
		}
	}
	staged := func() []ExplainRow {
		var rows []ExplainRow
		for i := range p.Fills {
			f := &p.Fills[i]
			fill, _ := RenderFill(nil, scan, f, "")
			rows = append(rows, ExplainRow{"Stage", f.Table.DB + "." + f.From().Name, string(fill)})
		}
		rows = append(rows, ExplainRow{"Stage", "any leaf", text(p.Copies, nil, Target{})})
		for i := range p.Scalars {
			rows = append(rows, ExplainRow{"Value", "found first", string(RenderSpan(nil, scan, p.Scalars[i].Query, nil, nil, Target{}))})
		}
		for i := range p.Condensed {
			rows = append(rows, ExplainRow{"Groups", "found first, of many rows", string(RenderSpan(nil, scan, p.Condensed[i].Reads(), nil, nil, Target{}))})
		}
		return rows
	}
	switch {
	case p.ByKey != nil && (p.Route.Kind == RouteStage || p.Route.Kind == RouteEveryLeaf || len(ordinals) > 1):
		return p.ByKey.explain(scan)
	case p.Route.Kind == RouteStage:
		return staged()
	case p.Insert != nil && p.Insert.Table.Kind != topo.Reference, p.Load != nil && p.Load.Table.Kind != topo.Reference:
		to := Target{Schema: p.Route.DB}
		if p.Linked != nil {
			_, to = place(ordinals[0])
		}
		return []ExplainRow{{"Spread", "by row", text(p.Forward, p.Forward, to)}}
	case p.Route.Kind == RouteAny:
		return []ExplainRow{{"Forward", "any leaf", text(nil, nil, Target{})}}
	case p.Route.Kind == RouteEveryLeaf:
		return []ExplainRow{{"Spread", "every leaf", text(nil, nil, Target{})}}
	case p.Route.Kind == RouteOne && len(ordinals) == 0:
		ordinals = []int{0}
	}
	shape, splices, names := "Forward", p.Forward, p.Forward
	switch {
	case len(ordinals) <= 1 && !p.copied:
	case len(p.Fills) > 0:
		return staged()
	case p.Stage != "":
		return []ExplainRow{{"Stage", of + ": " + strconv.Itoa(len(ordinals)) + " partitions", p.Stage}}
	case p.Writes:
		shape = "Spread"
	case p.Merge != nil:
		shape, splices, names = "Merge", p.Merge.Splices, p.Merge.Names
	}
	rows := make([]ExplainRow, 0, len(ordinals))
	for _, o := range ordinals {
		name, to := place(o)
		rows = append(rows, ExplainRow{shape, name, text(splices, names, to)})
	}
	return rows
}

// explain is the row about what becomes of the query's rows.
func (s *InsertSelect) explain(scan *sqltext.Scan) ExplainRow {
	where := "by row"
	if s.Table.Kind == topo.Reference {
		where = "every leaf"
	}
	return ExplainRow{"Spread", where, string(RenderSpan(nil, scan, s.Head, nil, nil, Target{})) + " VALUES …"}
}

// ExplainBrought is Explain of a plan that is run by one of its Bringings, or of those of its query. The first rows are its Fills. ordinals are of the way's own route.
func ExplainBrought(p *Plan, scan *sqltext.Scan, way *Bringing, ordinals []int) []ExplainRow {
	var rows []ExplainRow
	for i := range way.Fills {
		f := &way.Fills[i]
		text, _ := RenderFill(nil, scan, f, "")
		name := f.Table.DB + "." + f.Table.Name
		if f.Deal != nil {
			name += " by " + strings.Join(keyNames(f.Deal), ", ")
		}
		shape := "Bring"
		if f.Probe {
			shape = "Probe"
		}
		rows = append(rows, ExplainRow{shape, name, string(text)})
	}
	span := sqltext.Span{To: int32(len(scan.Tokens))}
	if p.InsertSelect != nil {
		span = p.InsertSelect.Query
	}
	rows = append(rows, explain(way.Plan, scan, span, ordinals)...)
	if p.InsertSelect != nil {
		rows = append(rows, p.InsertSelect.explain(scan))
	}
	return rows
}

// limitOf is OFFSET + COUNT as far as the statement's text says them.
func limitOf(p *Plan, scan *sqltext.Scan) uint64 {
	if p.Merge == nil {
		return 0
	}
	var n uint64
	for _, o := range []Operand{p.Merge.Limit.Offset, p.Merge.Limit.Count} {
		if o.Kind == OperandLiteral {
			t := scan.Tokens[o.Tok]
			v, err := strconv.ParseUint(string(scan.Src[t.Start:t.End]), 10, 64)
			if err != nil || n+v < n {
				return 1<<64 - 1
			}
			n += v
		}
	}
	return n
}

// explain says how the statement is run.
func (k *ByKey) explain(scan *sqltext.Scan) []ExplainRow {
	if k.InTurn {
		text, _ := k.TurnText(nil, scan, nil, Target{}, "…")
		return []ExplainRow{{"Spread", "one after another", string(text)}}
	}
	text, _ := k.QueryText(scan)
	rows := []ExplainRow{{"Keys", "found first", string(text)}}
	values := make([]string, len(k.Values))
	for i := range values {
		values[i] = "…"
	}
	for i := range k.Targets {
		t := k.Targets[i].Table
		to, names := Target{Schema: t.DB}, []Splice(nil)
		if l := k.Targets[i].Linked; l != nil {
			to.Remote, names = l.Places[0].Names, k.Targets[i].Names
		}
		text, _ := k.ChangeText(nil, scan, i, names, to, []byte("…"), values, "")
		rows = append(rows, ExplainRow{"Spread", "by key", string(text)})
	}
	if len(k.Moves) > 0 {
		t := k.Targets[0].Table
		rows = append(rows, ExplainRow{"Spread", "by row", "DELETE FROM " + quoted(t.DB) + "." + quoted(t.Name) + " …; INSERT INTO " + quoted(t.DB) + "." + quoted(t.Name) + " …"})
	}
	return rows
}

func keyNames(t *topo.Table) []string { return columnsOf(t, t.ShardKey) }

func columnsOf(t *topo.Table, columns []int) []string {
	var out []string
	for _, c := range columns {
		out = append(out, t.Columns[c].Name)
	}
	return out
}
