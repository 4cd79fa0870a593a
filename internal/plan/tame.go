package plan

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// tame finds out whether an expression can be evaluated in a fill as in the statement itself: it is no more than its operands, raises no error of rows that the
// statement might never have looked at, and warns of no row that would be missed. The columns are those of one source.
type tame struct {
	b    *block
	src  *source
	cols []usedCol
	// clock: it names the time at which the statement runs.
	clock bool
}

func (t *tame) all(list []sqltext.Expr) bool {
	for _, e := range list {
		if !t.expr(e) {
			return false
		}
	}
	return true
}

func (t *tame) expr(e sqltext.Expr) bool {
	switch x := e.(type) {
	case *sqltext.Column:
		n, ok := t.b.resolve(x)
		if !ok || n.src != t.src {
			return false
		}
		t.cols = append(t.cols, usedCol{x.Span, n})
		return true
	case *sqltext.Literal:
		return x.Kind != sqltext.LitDefault
	case *sqltext.ParamRef:
		return true
	case *sqltext.Paren:
		return t.expr(x.X)
	case *sqltext.Not:
		return t.expr(x.X)
	case *sqltext.IsNull:
		// Of a NOT NULL column it may mean the last AUTO_INCREMENT value, or the zero date.
		c, ok := unparen(x.X).(*sqltext.Column)
		if ok && !x.Not {
			n, known := t.b.resolve(c)
			ok = known && (n.column() == nil || !n.column().Nullable)
			return !ok && t.expr(x.X)
		}
		return t.expr(x.X)
	case *sqltext.Row:
		return t.all(x.Elems)
	case *sqltext.Between:
		return t.compares(x.X, x.Lo, x.Hi)
	case *sqltext.In:
		return x.Sub == nil && t.compares(append([]sqltext.Expr{x.X}, x.List...)...)
	case *sqltext.Binary:
		return t.binary(x)
	case *sqltext.Func:
		return t.call(x)
	case *sqltext.Opaque:
		return t.opaque(x)
	}
	return false
}

// binary refuses arithmetic on columns: it may overflow, which is an error.
func (t *tame) binary(x *sqltext.Binary) bool {
	switch x.Op {
	case "AND", "OR", "XOR", "LIKE", "NOT LIKE", "SOUNDS LIKE", "||", "&", "|", "^", "<<", ">>":
	case "=", "<=>", "<", "<=", ">", ">=", "<>":
		return t.compares(x.L, x.R)
	case "REGEXP", "NOT REGEXP", "%": // a pattern may be none, a divisor 0
		if anyExpr(x.R, isColumn) {
			return false
		}
	case "+", "-", "*", "/", "DIV":
		if anyExpr(x, isColumn) && !t.moment(x) {
			return false
		}
	default:
		return false
	}
	return t.expr(x.L) && t.expr(x.R)
}

// moment says whether an expression is a column's time and an interval that does not depend on columns.
func (t *tame) moment(x *sqltext.Binary) bool {
	interval := func(e sqltext.Expr) bool {
		o, ok := e.(*sqltext.Opaque)
		return ok && t.b.unit.p.scan.Tokens[o.Span.From].KW == sqltext.KwInterval && !anyExpr(o, isColumn)
	}
	switch {
	case interval(x.R):
		return t.temporal(x.L)
	case interval(x.L) && x.Op == "+":
		return t.temporal(x.R)
	}
	return false
}

// temporal says that an expression is a column of times, or has none.
func (t *tame) temporal(e sqltext.Expr) bool {
	if c, ok := unparen(e).(*sqltext.Column); ok {
		n, ok := t.b.resolve(c)
		return ok && n.column() != nil && isTemporal(n.column())
	}
	if b, ok := unparen(e).(*sqltext.Binary); ok && t.moment(b) {
		return true
	}
	if f, ok := unparen(e).(*sqltext.Func); ok && (f.Name == "DATE" || f.Name == "LAST_DAY") && len(f.Args) == 1 {
		return t.temporal(f.Args[0])
	}
	return !anyExpr(e, isColumn)
}

func isTemporal(c *topo.Column) bool {
	return c.Type == "date" || c.Type == "datetime" || c.Type == "timestamp"
}

// compares refuses comparisons that read a string column as a number or a time, which warns of those that are none; and those of a BIT with a string, which are of strings here, and
// of numbers where MariaDB puts an equal column of another table in the BIT's place.
func (t *tame) compares(list ...sqltext.Expr) bool {
	str, other, bit, text := false, false, false, false
	for _, e := range list {
		if !t.expr(e) {
			return false
		}
		switch x := unparen(e).(type) {
		case *sqltext.Column:
			if n, ok := t.b.resolve(x); ok && n.column() != nil {
				s := n.column().Charset != ""
				str, other, bit = str || s, other || !s, bit || n.column().Type == "bit"
			}
		case *sqltext.Literal:
			text = text || x.Kind == sqltext.LitString
			other = other || x.Kind == sqltext.LitNumber || x.Kind == sqltext.LitTemporal || x.Kind == sqltext.LitTrue || x.Kind == sqltext.LitFalse
		}
	}
	return (!str || !other) && (!bit || !text && !str)
}

// tameFunctions depend on their operands and on the session's settings, and raise no errors. True: they read times, and warn of operands that are none.
var tameFunctions = makeTameFunctions()

func makeTameFunctions() map[string]bool {
	m := map[string]bool{}
	for n := range strings.FieldsSeq(`ASCII BIT_LENGTH CHAR_LENGTH CHARACTER_LENGTH COALESCE CONCAT CONCAT_WS CRC32 ELT FIELD FIND_IN_SET GREATEST HEX IF IFNULL
		INSTR ISNULL JSON_CONTAINS JSON_EXISTS JSON_EXTRACT JSON_LENGTH JSON_UNQUOTE JSON_VALID JSON_VALUE LCASE LEAST LEFT LENGTH LENGTHB LOCATE LOWER LPAD
		LTRIM MD5 MID NULLIF NVL NVL2 OCTET_LENGTH ORD QUOTE REPLACE REVERSE RIGHT RPAD RTRIM SHA SHA1 SHA2 SOUNDEX STRCMP SUBSTR SUBSTRING
		SUBSTRING_INDEX TO_BASE64 TRIM UCASE UPPER FLOOR CEIL CEILING ~ +`) {
		m[n] = false
	}
	for n := range strings.FieldsSeq(`ADDDATE DATE DATE_ADD DATE_FORMAT DATE_SUB DATEDIFF DAY DAYNAME DAYOFMONTH DAYOFWEEK DAYOFYEAR EXTRACT HOUR LAST_DAY MICROSECOND MINUTE MONTH MONTHNAME
		QUARTER SECOND SUBDATE TIME TIMESTAMPDIFF TO_DAYS TO_SECONDS WEEK WEEKDAY WEEKOFYEAR YEAR YEARWEEK`) {
		m[n] = true
	}
	return m
}

// oddWords are what such functions may hold besides their operands.
var oddWords = map[sqltext.Keyword]bool{sqltext.KwFrom: true, sqltext.KwFor: true, sqltext.KwBoth: true, sqltext.KwLeading: true, sqltext.KwTrailing: true}

// clockFunctions tell the time of the statement, which is that of its fills.
var clockFunctions = map[string]bool{"NOW": true, "CURDATE": true, "CURTIME": true, "CURRENT_DATE": true, "CURRENT_TIME": true, "CURRENT_TIMESTAMP": true,
	"LOCALTIME": true, "LOCALTIMESTAMP": true, "UTC_DATE": true, "UTC_TIME": true, "UTC_TIMESTAMP": true, "UNIX_TIMESTAMP": true}

func (t *tame) call(f *sqltext.Func) bool {
	if clockFunctions[f.Name] && !f.Stored && !f.Odd && len(f.Args) <= 1 && (len(f.Args) == 0 || f.Name != "UNIX_TIMESTAMP" && isConstant(f.Args[0])) {
		t.clock = true
		return true
	}
	if t.decimal(f) {
		return true
	}
	times, known := tameFunctions[f.Name]
	if !known || f.Stored || f.Distinct || f.Star || !f.Over.Empty() || len(f.Windows) > 0 || f.Name == "ISNULL" && t.touchy(f) {
		return false
	}
	if times {
		for _, a := range f.Args {
			if !t.temporal(a) {
				return false
			}
		}
	}
	if f.Odd && !t.understood(f.Span, f.Args, func(i int32, tok *sqltext.Token) bool {
		return tok.Kind == sqltext.Op || i == f.Span.From || oddWords[tok.KW] || f.Name == "EXTRACT" || f.Name == "TIMESTAMPDIFF"
	}) {
		return false
	}
	return t.all(f.Args)
}

// decimal is for CAST(1.5 AS DECIMAL(…)), as which values of subqueries stand in their places.
func (t *tame) decimal(f *sqltext.Func) bool {
	if f.Name != "CAST" || f.Stored || len(f.Args) != 1 {
		return false
	}
	l, ok := f.Args[0].(*sqltext.Literal)
	if !ok || l.Kind != sqltext.LitNumber || l.Span.To+1 >= f.Span.To {
		return false
	}
	return strings.EqualFold(t.b.unit.p.text(l.Span.To), "AS") && strings.EqualFold(t.b.unit.p.text(l.Span.To+1), "DECIMAL")
}

// touchy is for ISNULL(x) as IS NULL. Which columns there are is noted with the other functions.
func (t *tame) touchy(f *sqltext.Func) bool {
	noted := len(t.cols)
	defer func() { t.cols = t.cols[:noted] }()
	return len(f.Args) != 1 || !t.expr(&sqltext.IsNull{Span: f.Span, X: f.Args[0]})
}

// opaqueWords are those of CASE, IS TRUE, COLLATE and the like.
var opaqueWords = map[sqltext.Keyword]bool{sqltext.KwCase: true, sqltext.KwWhen: true, sqltext.KwThen: true, sqltext.KwElse: true, sqltext.KwEnd: true,
	sqltext.KwIs: true, sqltext.KwNot: true, sqltext.KwTrue: true, sqltext.KwFalse: true, sqltext.KwUnknown: true, sqltext.KwCollate: true,
	sqltext.KwBinary: true, sqltext.KwInterval: true, sqltext.KwLike: true, sqltext.KwEscape: true}

func (t *tame) opaque(o *sqltext.Opaque) bool {
	toks := t.b.unit.p.scan.Tokens
	return t.understood(o.Span, o.Subs, func(i int32, tok *sqltext.Token) bool {
		switch tok.Kind {
		case sqltext.String, sqltext.Introducer, sqltext.Hex, sqltext.Bit:
			return true
		case sqltext.Word:
			if opaqueWords[tok.KW] {
				return true
			}
			if i > o.Span.From && toks[i-1].KW == sqltext.KwInterval {
				return false
			}
			return i == o.Span.To-1 && toks[o.Span.From].KW == sqltext.KwInterval // a unit
		case sqltext.QuotedID:
			return false
		}
		return false
	}) && t.all(o.Subs)
}

// understood says whether f holds for all tokens of a span that are in none of the operands.
func (t *tame) understood(span sqltext.Span, subs []sqltext.Expr, f func(int32, *sqltext.Token) bool) bool {
	toks := t.b.unit.p.scan.Tokens
next:
	for i := span.From; i < span.To; i++ {
		for _, s := range subs {
			if sp := s.ExprSpan(); sp.From <= i && i < sp.To {
				i = sp.To - 1
				continue next
			}
		}
		if i > span.From && toks[i-1].KW == sqltext.KwCollate {
			continue
		}
		if !f(i, &toks[i]) {
			return false
		}
	}
	return true
}
