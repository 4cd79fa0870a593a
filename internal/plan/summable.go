package plan

import "github.com/orbweaver/orbweaver/internal/sqltext"

// noNumbers are functions whose values are strings or times.
var noNumbers = map[string]bool{"LEFT": true, "RIGHT": true, "SUBSTRING": true, "SUBSTR": true, "MID": true, "SUBSTRING_INDEX": true, "CONCAT": true, "CONCAT_WS": true, "UPPER": true, "UCASE": true, "LOWER": true,
	"LCASE": true, "TRIM": true, "LTRIM": true, "RTRIM": true, "REPLACE": true, "REPEAT": true, "REVERSE": true, "LPAD": true, "RPAD": true, "INSERT": true, "HEX": true, "UNHEX": true, "ELT": true,
	"FORMAT": true, "REGEXP_REPLACE": true, "REGEXP_SUBSTR": true, "DATE_FORMAT": true, "TIME_FORMAT": true, "JSON_VALUE": true, "JSON_EXTRACT": true, "JSON_UNQUOTE": true, "DATE": true, "TIME": true, "TIMESTAMP": true,
	"DATE_ADD": true, "DATE_SUB": true, "ADDDATE": true, "SUBDATE": true, "ADDTIME": true, "SUBTIME": true, "TIMEDIFF": true, "STR_TO_DATE": true, "LAST_DAY": true, "MAKEDATE": true,
	"MAKETIME": true, "SEC_TO_TIME": true}

// noNumber says whether an expression is known to be a string or a time, which SUM and AVG read as a number: the node adds numbers only.
func (b *block) noNumber(e sqltext.Expr) bool {
	any := func(list []sqltext.Expr) bool {
		for _, a := range list {
			if b.noNumber(a) {
				return true
			}
		}
		return false
	}
	switch x := unparen(e).(type) {
	case *sqltext.Literal:
		return x.Kind == sqltext.LitString
	case *sqltext.Column:
		n, ok := b.resolve(x)
		if !ok || n.column() == nil {
			return false
		}
		switch n.column().Type {
		case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double", "year":
			return false
		}
		return columnClass(n.column()) == classPlain || columnClass(n.column()) == classString
	case *sqltext.Func:
		return noNumbers[x.Name] || passers[x.Name] && any(x.Args)
	case *sqltext.Opaque: // CASE
		return any(x.Subs)
	}
	return false
}
