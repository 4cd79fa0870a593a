package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// MariaDB divides with 9 or 18 digits behind the point, and stores them: INSERT … SELECT a/7 into a DOUBLE, SET @v = (SELECT AVG(a) …). Of an answer it prints
// div_precision_increment digits more than the operands have, 4. What the node takes from answers to write it elsewhere is asked for with all digits: nothing is added to it, with
// as many digits as a DECIMAL may have.
const nothing = "0.00000000000000000000000000000000000000"

// moreDigits says whether a value is a number for certain that may have more digits than are printed of it. b resolves its columns. inGroup: it is computed of groups, or
// of a join that is sorted, for which MariaDB rounds all but averages and what is divided of aggregates, as rows go through a table of its own.
func moreDigits(e sqltext.Expr, b *block, inGroup bool) bool {
	any := func(args []sqltext.Expr) bool {
		return slices.ContainsFunc(args, func(a sqltext.Expr) bool { return moreDigits(a, b, inGroup) })
	}
	switch x := unparen(e).(type) {
	case *sqltext.Binary:
		switch x.Op {
		case "/":
			return !inGroup || hasAggregate(x) || sameForAll(x)
		case "+", "-", "*", "%":
			return isNumber(x) && (moreDigits(x.L, b, inGroup) || moreDigits(x.R, b, inGroup))
		}
	case *sqltext.Func:
		if x.Stored || !x.Over.Empty() || x.Odd {
			return false
		}
		switch x.Name {
		case "AVG":
			return true
		case "SUM", "MIN", "MAX":
			return !inGroup && any(x.Args)
		case "ABS", "-", "+":
			return any(x.Args)
		case "MOD", "COALESCE", "IFNULL", "NVL", "GREATEST", "LEAST":
			return any(x.Args) && allNumbers(x.Args, b)
		case "IF", "NVL2":
			return len(x.Args) == 3 && any(x.Args[1:]) && allNumbers(x.Args[1:], b)
		case "NULLIF":
			return len(x.Args) == 2 && moreDigits(x.Args[0], b, inGroup)
		}
	case *sqltext.Subquery:
		return moreDigitsOf(x.Query, nil, 0)
	case *sqltext.Column:
		n, ok := b.resolve(x)
		return ok && n.src.unit != nil && moreDigitsOf(n.src.unit.q, n.src.unit.main, n.col) && !isGrouped(n.src.unit.q.Select) && n.src.unit.q.Select.Limit == nil
	}
	return false
}

// placesVary says whether an expression is a number that is rounded to so many digits that differ by row: it prints as many as it had before.
func placesVary(e sqltext.Expr) bool {
	f, ok := e.(*sqltext.Func)
	return ok && (f.Name == "ROUND" || f.Name == "TRUNCATE") && len(f.Args) == 2 && !isConstant(f.Args[1])
}

const shortFloats = "an expression over groups with a FLOAT of so many decimals, of which no CAST makes another one"

// shortFloat says whether an expression is a FLOAT(m,d) column, by which MariaDB rounds what is computed of it.
func (r *grouper) shortFloat(e sqltext.Expr) bool {
	n, ok := r.b.resolveExpr(e)
	return ok && n.column() != nil && n.column().Type == "float" && strings.Contains(n.column().FullType, ",")
}

// moreDigitsOf says that of a column of a query, which goes through no table of MariaDB's own.
func moreDigitsOf(q *sqltext.Query, b *block, item int) bool {
	if q == nil || q.Select == nil || hasWindow(q.Select) || item >= len(q.Select.Items) ||
		slices.ContainsFunc(q.Select.Items, func(it sqltext.SelectItem) bool { return it.Star }) {
		return false
	}
	if s := q.Select; s.Distinct && len(s.From) > 0 && (len(s.Group) > 0 || !isGrouped(s)) && !sameForAll(s.Items[item].Expr) {
		return false
	}
	sorted := b != nil && len(b.sources) > 1 && len(q.Select.Order) > 0
	return moreDigits(q.Select.Items[item].Expr, b, len(q.Select.Group) > 0 || sorted)
}

// sameForAll says whether an expression is the same for all rows, and computed of literals: it goes through no table.
func sameForAll(e sqltext.Expr) bool {
	return !anyExpr(e, func(x sqltext.Expr) bool {
		switch x := x.(type) {
		case *sqltext.Literal, *sqltext.ParamRef, *sqltext.Paren, *sqltext.Binary:
			return false
		case *sqltext.Func:
			return x.Stored || x.Odd || !x.Over.Empty() || isAggregate(x)
		}
		return true
	})
}

// allNumbers says whether all expressions are numbers, or NULL, for certain.
func allNumbers(args []sqltext.Expr, b *block) bool {
	return !slices.ContainsFunc(args, func(e sqltext.Expr) bool {
		switch x := unparen(e).(type) {
		case *sqltext.Literal:
			return x.Kind != sqltext.LitNumber && x.Kind != sqltext.LitNull
		case *sqltext.Column:
			n, ok := b.resolve(x)
			if !ok || n.column() == nil {
				return !moreDigits(x, b, false)
			}
			switch n.column().Type {
			case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double", "float":
				return false
			}
			return true
		case *sqltext.Func:
			return !isNumber(x) && !moreDigits(x, b, false)
		}
		return !isNumber(e) && !moreDigits(e, b, false)
	})
}

// withAllDigits are the splices that ask for all digits of a query's items, and which of them do so already.
func withAllDigits(q *sqltext.Query, b *block, scan *sqltext.Scan) (splices []Splice, exact []int) {
	if q.Select == nil || b == nil {
		return nil, nil
	}
	for i := range q.Select.Items {
		it := &q.Select.Items[i]
		switch {
		case it.Star:
			return nil, nil // which items are whose can't be told by their number
		case addsNothing(it.Expr, scan):
			exact = append(exact, i)
		case moreDigitsOf(q, b, i):
			splices = append(splices, allDigits(it.Expr.ExprSpan())...)
		case chosenBits(it.Expr, b):
			splices = append(splices, added(it.Expr.ExprSpan(), "0")...)
		}
	}
	return splices, exact
}

// allDigits are the splices that ask for all digits of an expression.
func allDigits(e sqltext.Span) []Splice { return added(e, nothing) }

func added(e sqltext.Span, number string) []Splice {
	return []Splice{insertion(e.From, "("), insertion(e.To, ")+"+number)}
}

// chosenBits says whether an expression is one of a BIT column's values, of a group or a window: MariaDB tells some of them as digits and some as bytes, and not which.
func chosenBits(e sqltext.Expr, b *block) bool {
	f, ok := unparen(e).(*sqltext.Func)
	if !ok || len(f.Args) == 0 || f.Over.Empty() && f.Name != "MIN" && f.Name != "MAX" {
		return false
	}
	n, ok := b.resolveExpr(f.Args[0])
	return ok && n.column() != nil && n.column().Type == "bit"
}

// AllDigits are the splices that ask for all digits of a query's one item, where it may have more than are printed.
func AllDigits(q *sqltext.Query) []Splice {
	if !moreDigitsOf(q, nil, 0) {
		return nil
	}
	return allDigits(q.Select.Items[0].Expr.ExprSpan())
}

// AllDigitsOf are those of an expression.
func AllDigitsOf(e sqltext.Expr) []Splice {
	if !moreDigits(e, nil, false) {
		return nil
	}
	return allDigits(e.ExprSpan())
}

// addsNothing says whether an expression is what allDigits made.
func addsNothing(e sqltext.Expr, scan *sqltext.Scan) bool {
	x, ok := e.(*sqltext.Binary)
	if !ok || x.Op != "+" {
		return false
	}
	l, ok := x.R.(*sqltext.Literal)
	return ok && strings.EqualFold(string(scan.Bytes(l.Tok)), nothing)
}

// Divided are the cells of the query's rows that have all digits of quotients.
func (k *ByKey) Divided() (cells []int) {
	at := 0
	for i := range k.Targets {
		at += k.Targets[i].Cells()
	}
	for i, v := range slices.Concat(k.Values, k.Moves) {
		if v.digits {
			cells = append(cells, at+i)
		}
	}
	return cells
}
