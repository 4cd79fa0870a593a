package plan

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// stamp is the column with the number of seconds of a group's TIMESTAMP, where an expression over groups asks for that: what a TIMESTAMP prints is there twice in the night in which clocks go back.
func (r *grouper) stamp(e sqltext.Expr) (Col, bool) {
	f, ok := e.(*sqltext.Func)
	if !ok || f.Name != "UNIX_TIMESTAMP" || f.Stored || f.Odd || len(f.Args) != 1 || r.sel.Rollup {
		return 0, false
	}
	isStamp := func(e sqltext.Expr) bool {
		n, ok := r.b.resolveExpr(e)
		return ok && columnClass(n.column()) == classStamp
	}
	if a := aggregate(unparen(f.Args[0])); a != nil {
		name := strings.ToUpper(a.Name)
		if name != "MIN" && name != "MAX" || len(a.Args) != 1 || !isStamp(a.Args[0]) {
			return 0, false
		}
		col, reason := r.combine(a, 0, false)
		for _, agg := range r.m.Aggs {
			if reason == "" && agg.Col == col && len(agg.Keys) == 1 {
				return agg.Keys[0].Col, true // which goes with the value that is kept
			}
		}
		return 0, false
	}
	if !isStamp(f.Args[0]) || !r.isKey(f.Args[0], -1) {
		return 0, false
	}
	return r.hide([]Piece{copyPiece(f.Span)}), true
}
