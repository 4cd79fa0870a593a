package plan

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// countsKeyed is why a write with ROWNUM() can't be run by keys; "" where it can. MariaDB counts the rows that meet the condition as it comes to them, in no order that a statement without
// ORDER BY says; with one it counts them as they are sorted in SET, and not at all in the condition. So `ROWNUM() <= n` is a LIMIT, for partition after partition, and else a query counts.
func (p *planner) countsKeyed(k *ByKey, where sqltext.Expr, target *sqltext.TableRef) string {
	if !p.rownum {
		return ""
	}
	if !k.single || k.others || !k.order.Empty() || !k.limit.Empty() {
		return "ROWNUM() in a write of several tables, or with ORDER BY or LIMIT"
	}
	if k.set != nil && p.numbers(sqltext.Span{From: k.set[0].Span.From, To: k.head.To}) {
		return ""
	}
	n := 0
	for i := k.where.From; i < k.where.To; i++ {
		if p.scan.Tokens[i].Kind == sqltext.Word && strings.EqualFold(p.text(i), "ROWNUM") {
			n++
		}
	}
	if n == 1 && !p.isReference(target) {
		k.Limit, k.Below, k.Counted = p.rowsUpTo(where)
		k.InTurn = k.Counted
	}
	return ""
}

// rowsUpTo is the number that ROWNUM() is to be below, or may reach, by one of a condition's factors.
func (p *planner) rowsUpTo(e sqltext.Expr) (n Operand, below, ok bool) {
	b, is := unparen(e).(*sqltext.Binary)
	if !is {
		return n, false, false
	}
	if b.Op == "AND" || b.Op == "&&" {
		if n, below, ok = p.rowsUpTo(b.L); ok {
			return n, below, ok
		}
		return p.rowsUpTo(b.R)
	}
	f, is := unparen(b.L).(*sqltext.Func)
	if !is || !strings.EqualFold(f.Name, "ROWNUM") || b.Op != "<" && b.Op != "<=" {
		return n, false, false
	}
	switch x := unparen(b.R).(type) {
	case *sqltext.ParamRef:
		if x.Neg {
			return n, false, false
		}
	case *sqltext.Literal:
		if x.Kind != sqltext.LitNumber || x.Neg || strings.Trim(p.text(x.Tok), "0123456789") != "" {
			return n, false, false
		}
	default:
		return n, false, false
	}
	n, ok = limitOperand(b.R)
	return n, b.Op == "<", ok
}
