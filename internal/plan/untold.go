package plan

import (
	"regexp"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// passers are the functions whose value may be one of their arguments as it is, or whose type the text says.
var passers = map[string]bool{"IF": true, "IFNULL": true, "NVL": true, "NVL2": true, "COALESCE": true, "NULLIF": true, "MIN": true, "MAX": true, "GREATEST": true, "LEAST": true,
	"FIRST_VALUE": true, "LAST_VALUE": true, "NTH_VALUE": true, "LAG": true, "LEAD": true, "PERCENTILE_DISC": true, "VALUE": true, "VALUES": true, "DEFAULT": true, "CAST": true,
	"CONVERT": true, "DECODE": true}

// untoldTypes are the types whose values print in another order than they have (classNever), in the text of a CAST or a function.
var untoldTypes = regexp.MustCompile(`(?i)\b(UUID|INET4|INET6|GEOMETRY|POINT|LINESTRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|GEOMETRYCOLLECTION)\b`)

// shapes are the functions that make geometries.
var shapes = regexp.MustCompile(`^(ST_)?((GEOM|GEOMETRY|POINT|LINE|LINESTRING|POLY|POLYGON|MPOINT|MULTIPOINT|MLINE|MULTILINESTRING|MPOLY|MULTIPOLYGON|GEOMCOLL|GEOMETRYCOLLECTION)(FROMTEXT|FROMWKB|FROMGEOJSON)?` +
	`|BUFFER|CENTROID|CONVEXHULL|ENVELOPE|BOUNDARY|EXTERIORRING|INTERIORRINGN|GEOMETRYN|POINTN|STARTPOINT|ENDPOINT|POINTONSURFACE|UNION|INTERSECTION|DIFFERENCE|SYMDIFFERENCE|SIMPLIFY|COLLECT)$`)

var returnsUntold = regexp.MustCompile(`(?i)\bRETURNS\s+` + untoldTypes.String()[4:])

// untold says whether an expression's value may be of a type whose values do not show what MariaDB compares. Most clients are not told the type of an expression that is a UUID or INET6: leaves
// give it as a string, with a collation and weights that it is not compared by. A FLOAT prints fewer digits than it has.
func (b *block) untold(e sqltext.Expr) bool {
	switch x := unparen(e).(type) {
	case *sqltext.Column:
		if n, ok := b.resolve(x); ok {
			return n.untold()
		}
		return b.unit.p.readsUntold()
	case *sqltext.Func:
		switch {
		case x.Stored:
			return b.unit.p.callsUntold()
		case shapes.MatchString(x.Name):
			return true
		case !passers[x.Name]:
			return false
		case x.Odd && untoldTypes.MatchString(b.unit.p.spanText(x.Span)):
			return true
		}
		return b.anyUntold(x.Args)
	case *sqltext.Opaque: // CASE
		return b.anyUntold(x.Subs)
	case *sqltext.Subquery:
		return b.unit.p.readsUntold()
	}
	return false
}

func (b *block) anyUntold(list []sqltext.Expr) bool {
	for _, e := range list {
		if b.untold(e) {
			return true
		}
	}
	return false
}

// untold says so of a column, which may be one of a derived table that is computed.
func (n node) untold() bool {
	if c := n.column(); c != nil {
		return untoldColumn(c)
	}
	if n.src.unit == nil {
		return false // of a table of the server: none has such columns
	}
	for _, arm := range n.src.unit.arms() {
		if arm.main == nil {
			return arm.p.readsUntold()
		}
		items, ok := arm.main.columns()
		switch {
		case !ok || n.col >= len(items):
			return arm.p.readsUntold()
		case items[n.col].expr == nil && items[n.col].node.untold(), items[n.col].expr != nil && arm.main.untold(items[n.col].expr):
			return true
		}
	}
	return false
}

func untoldColumn(c *topo.Column) bool {
	switch columnClass(c) {
	case classNever, classFloat:
		return true
	}
	return false
}

// readsUntold says whether anything that the statement reads has a column of such a type.
func (p *planner) readsUntold() bool {
	for _, t := range p.stmt.Tables {
		db := p.sess.DB
		if t.DB.Tok >= 0 {
			db = t.DB.Text
		}
		table := p.snap.Table(db, t.Name.Text)
		if table == nil {
			continue
		}
		for i := range table.Columns {
			if untoldColumn(&table.Columns[i]) {
				return true
			}
		}
	}
	return false
}

// callsUntold says whether a stored function that the statement calls returns such a type.
func (p *planner) callsUntold() bool {
	for _, n := range p.stmt.Calls {
		db := p.sess.DB
		if n.DB.Tok >= 0 {
			db = n.DB.Text
		}
		if f := p.snap.Routine(topo.Function, db, n.Name.Text); f != nil && returnsUntold.MatchString(f.Text) {
			return true
		}
	}
	return false
}

// spanText is the statement's text between two tokens.
func (p *planner) spanText(s sqltext.Span) string {
	var words strings.Builder
	for i := s.From; i < s.To; i++ {
		words.WriteString(p.text(i))
		words.WriteByte(' ')
	}
	return words.String()
}
