package plan

import (
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ExplainRow is one line of EXPLAIN: the shape, one place, and the text that the place gets.
type ExplainRow struct {
	Shape     string // Forward, Merge, Spread or Stage
	Partition string // "db:3", "any leaf", "every leaf", "by row"
	Text      string
}

// Explain describes the plan of scan's statement. ordinals are the partitions (of Route.DB) that the route has yielded; they are not
// looked at for routes without partitions and for rows that are split when the statement runs.
func Explain(p *Plan, scan *sqltext.Scan, ordinals []int) []ExplainRow {
	text := func(splices, names []Splice, schema string) string {
		return string(Render(nil, scan, splices, names, schema, limitOf(p, scan)))
	}
	switch {
	case p.InsertSelect != nil:
		return explainInsertSelect(p, scan, ordinals)
	case p.Insert != nil && p.Insert.Table.Kind != topo.Reference, p.Load != nil && p.Load.Table.Kind != topo.Reference:
		return []ExplainRow{{"Spread", "by row", text(p.Forward, p.Forward, p.Route.DB)}}
	case p.Route.Kind == RouteAny:
		return []ExplainRow{{"Forward", "any leaf", text(nil, nil, "")}}
	case p.Route.Kind == RouteEveryLeaf:
		return []ExplainRow{{"Spread", "every leaf", text(nil, nil, "")}}
	}
	if p.Route.Kind == RouteOne && len(ordinals) == 0 {
		ordinals = []int{0}
	}
	shape, splices, names := "Forward", p.Forward, p.Forward
	switch {
	case len(ordinals) <= 1:
	case p.Stage != "":
		return []ExplainRow{{"Stage", p.Route.DB + ": " + strconv.Itoa(len(ordinals)) + " partitions", p.Stage}}
	case p.Writes:
		shape = "Spread"
	case p.Merge != nil:
		shape, splices, names = "Merge", p.Merge.Splices, p.Merge.Names
	}
	rows := make([]ExplainRow, 0, len(ordinals))
	for _, o := range ordinals {
		id := topo.PartitionID{DB: p.Route.DB, Ordinal: o}
		rows = append(rows, ExplainRow{shape, id.String(), text(splices, names, id.Schema())})
	}
	return rows
}

// explainInsertSelect shows the query's parts and where the rows go.
func explainInsertSelect(p *Plan, scan *sqltext.Scan, ordinals []int) []ExplainRow {
	s := p.InsertSelect
	rows := Explain(s.Plan, scan, ordinals)
	for i := range rows {
		if rows[i].Shape == "Stage" {
			continue
		}
		splices := s.Plan.Forward
		schema := s.Plan.Route.DB
		if rows[i].Shape == "Merge" {
			splices = s.Plan.Merge.Splices
		}
		if o := strings.LastIndexByte(rows[i].Partition, ':'); o >= 0 {
			schema = rows[i].Partition[:o] + "_" + rows[i].Partition[o+1:]
		}
		rows[i].Text = string(RenderSpan(nil, scan, s.Query, splices, s.Plan.Forward, schema, limitOf(s.Plan, scan)))
	}
	where := "by row"
	if s.Table.Kind == topo.Reference {
		where = "every leaf"
	}
	head := RenderSpan(nil, scan, s.Head, nil, nil, "", 0)
	return append(rows, ExplainRow{"Spread", where, string(head) + " VALUES …"})
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
