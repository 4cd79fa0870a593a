package plan

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// makesJSON says whether an expression calls a function of JSON: there true is not 1.
func makesJSON(e sqltext.Expr) (found bool) {
	walk(e, func(x sqltext.Expr) bool {
		f, ok := x.(*sqltext.Func)
		found = found || ok && len(f.Name) > 5 && strings.EqualFold(f.Name[:5], "JSON_")
		return !found
	})
	return found
}

// mayBeTruth says whether an aggregate is MIN or MAX of anything but a table's column that is no JSON: of a comparison it is a truth value, of which parts only tell 0 or 1, and JSON a part of the JSON that is made of it,
// not a string.
func (r *grouper) mayBeTruth(f *sqltext.Func) bool {
	if name := strings.ToUpper(f.Name); name != "MIN" && name != "MAX" || len(f.Args) != 1 {
		return false
	}
	return r.mayBeJSON(f.Args[0])
}

// mayBeJSON says so of what is no aggregate. A JSON column is a LONGTEXT.
func (r *grouper) mayBeJSON(e sqltext.Expr) bool {
	n, ok := r.b.resolveExpr(e)
	return !ok || n.column() == nil || n.column().Type == "longtext"
}
