package gateway

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	rowvalue "github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// edit replaces tokens of a statement's text: [from, to) by with.
type edit struct {
	from, to int32
	with     string
}

// apply is the statement's text with edits made, which are in order and do not overlap. What follows the statement is left out.
func apply(scan *sqltext.Scan, edits []edit) []byte {
	out := make([]byte, 0, scan.End+64)
	at := uint32(0)
	for _, e := range edits {
		start := uint32(scan.End)
		if int(e.from) < len(scan.Tokens) {
			start = scan.Tokens[e.from].Start
		}
		if e.from == e.to && e.from > 0 {
			// Right behind the token before: a line comment in between must not swallow it.
			start = scan.Tokens[e.from-1].End
		}
		out = append(out, scan.Src[at:start]...)
		out = append(out, e.with...)
		at = start
		if e.to > e.from {
			at = scan.Tokens[e.to-1].End
		}
	}
	return append(out, scan.Src[at:scan.End]...)
}

// substitute replaces what only the session knows (LAST_INSERT_ID(), DATABASE(), @@identity …) by its value: the statement may run on any
// connection, and its parts on several. nil when there is nothing to replace. A select item that is changed keeps its name.
func (s *session) substitute(scan *sqltext.Scan, stmt *sqltext.Stmt) []byte {
	if stmt.Facts&(sqltext.HasLastInsertID|sqltext.HasFoundRows|sqltext.HasRowCount|sqltext.HasDatabaseFunc|sqltext.HasPlaceFunction|sqltext.HasSysVar) == 0 {
		return nil
	}
	of, know := sqltext.Span{To: int32(len(scan.Tokens))}, s.sessionValue
	items, parts := selectItems(stmt), laterItems(nil, stmt.Query)
	switch {
	case makesOfQuery(stmt): // its columns are of the types that a leaf finds
		of, know, items, parts = stmt.DDL.AsSelect.Span, s.placeValue, itemsOf(stmt.DDL.AsSelect), laterItems(nil, stmt.DDL.AsSelect)
	case stmt.Kind == sqltext.KindDDL || stmt.Kind == sqltext.KindAccount:
		return nil // a default or a body is to be evaluated when it is used
	}
	var edits []edit
	for i := of.From; i < of.To; i++ {
		value, typ, n := know(scan, i)
		if n == 0 || i > 0 && isOp(scan, i-1, ".") || stmt.Set != nil && !inValue(stmt.Set, i) {
			continue
		}
		named := itemAt(items, i)
		item := named
		if named == nil {
			item = itemAt(parts, i)
		}
		switch bare := item != nil && item.Span.From == i && (item.Span.To == i+n || item.Alias.Tok == i+n || item.Alias.Tok == i+n+1 && isWord(scan, i+n, "AS")); {
		case item == nil && (typ == typeID || typ == typeOrNull) && isPosition(stmt.Query, sqltext.Span{From: i, To: i + n}):
			value = "(" + value + " | 0)"
		case item == nil || typ == "":
		case typ == typeName && bare: // elsewhere a CAST would bring its collation along
			value = "LEFT(CAST(" + value + " AS CHAR(64)), 64)"
		case typ == typeString && bare:
			value = asVariable(value)
		case typ == typeName || typ == typeString:
		case typ == typeOrNull:
			value = "IF(1, (" + value + " | 0), NULL)"
		case typ == typeSwitch: // of one digit, as only variables are
			value = map[string]string{"0": off, "1": on}[value]
		case typ == typeID:
			value = "(" + value + " | 0)"
		default:
			value = "CAST('" + wide(value) + "' AS " + typ + ")"
		}
		edits = append(edits, edit{i, i + n, value})
		if named != nil && item.Alias.Tok < 0 && (len(edits) == 1 || itemAt(items, edits[len(edits)-2].from) != item || edits[len(edits)-2].from == edits[len(edits)-2].to) {
			edits = append(edits, edit{item.Span.To, item.Span.To, " AS " + quoteName(string(scan.Text(item.Span)))})
		}
		i += n - 1
	}
	if len(edits) == 0 {
		return nil
	}
	return apply(scan, inOrder(edits))
}

// What sessionValue says of types for whose columns no CAST will do: an unsigned number of full length, one that may be NULL as far as its definition goes, a
// variable that is on or off, a name that may be NULL, and a variable that is a string.
const (
	typeID     = "number"
	typeOrNull = "number or NULL"
	typeSwitch = "switch"
	typeName   = "name or NULL"
	typeString = "string"
)

// Variables that have the same value at every leaf: one that is off, since nodes get there, and one that is on.
const (
	off = "@@skip_networking"
	on  = "@@large_files_support"
)

// isPosition says whether a number in the place of some tokens would be taken for the position of a column, by ORDER BY or GROUP BY.
func isPosition(q *sqltext.Query, at sqltext.Span) bool {
	if q == nil {
		return false
	}
	lists := [][]sqltext.OrderItem{q.Order}
	if q.Select != nil {
		lists = append(lists, q.Select.Order, q.Select.Group)
	}
	for _, list := range lists {
		for _, o := range list {
			if o.Span.From == at.From && (o.Span.To == at.To || o.Span.To == at.To+1) { // DESC
				return true
			}
		}
	}
	return isPosition(q.Left, at) || isPosition(q.Right, at)
}

// inValue says whether a token belongs to a value, not to what is set.
func inValue(set *sqltext.Set, tok int32) bool {
	for i := range set.Vars {
		if v := set.Vars[i].ValueSpan; v.From <= tok && tok < v.To {
			return true
		}
	}
	return false
}

// inOrder sorts edits: aliases were added right after the first edit of their item.
func inOrder(edits []edit) []edit {
	for i := 1; i < len(edits); i++ {
		for j := i; j > 0 && edits[j].from < edits[j-1].from; j-- {
			edits[j], edits[j-1] = edits[j-1], edits[j]
		}
	}
	out := edits[:0]
	for _, e := range edits {
		if n := len(out); n > 0 && e.from == e.to && out[n-1].from == e.from && out[n-1].to == e.to {
			continue // the alias of an item with two functions
		}
		out = append(out, e)
	}
	return out
}

// sessionValue is the value of a function or variable that begins at token i, its type as CAST names it ("" for none), and how many tokens
// it takes; 0 when there is none.
func (s *session) sessionValue(scan *sqltext.Scan, i int32) (value, typ string, n int32) {
	t := scan.Tokens[i]
	switch t.Kind {
	case sqltext.SysVar:
		name := strings.Trim(strings.ToLower(strings.TrimPrefix(string(scan.Bytes(i)), "@@")), "`")
		n = 1
		if (name == "global" || name == "session" || name == "local") && int(i)+2 < len(scan.Tokens) && isOp(scan, i+1, ".") &&
			isSetting(strings.ToLower(string(scan.Bytes(i+2)))) {
			value, typ = s.setting(strings.ToLower(string(scan.Bytes(i + 2))))
			return value, typ, 3
		}
		if name == "global" && int(i)+2 < len(scan.Tokens) && isOp(scan, i+1, ".") {
			if v := findVariable(strings.ToLower(string(scan.Bytes(i + 2)))); v != nil {
				value, typ = s.spiderLiteral(v, true)
				return value, typ, 3
			}
		}
		if (name == "session" || name == "local") && int(i)+2 < len(scan.Tokens) && isOp(scan, i+1, ".") {
			name, n = strings.ToLower(string(scan.Bytes(i+2))), 3
		} else if rest, ok := strings.CutPrefix(name, "session."); ok {
			name = rest
		} else if rest, ok := strings.CutPrefix(name, "local."); ok {
			name = rest
		}
		switch name {
		case "last_insert_id", "identity":
			return strconv.FormatUint(s.last.insertID, 10), typeOrNull, n
		case "warning_count":
			return strconv.Itoa(int(s.warningCount())), typeOrNull, n
		case "error_count":
			return strconv.Itoa(s.errorCount()), typeOrNull, n
		case "pseudo_thread_id":
			return strconv.FormatUint(uint64(s.id), 10), typeOrNull, n
		case "in_transaction":
			return bit(s.inTransactionNow()), typeOrNull, n
		case "autocommit":
			return bit(s.tx.Autocommit()), typeSwitch, n
		case "net_write_timeout": // leaves have another one at partitions
			text, ok := s.tx.State().Get(name)
			if !ok {
				return "@@GLOBAL.net_write_timeout", "", n
			}
			return strings.TrimPrefix(text, name+"="), "UNSIGNED", n
		}
		if isSetting(name) {
			value, typ = s.setting(name)
			return value, typ, n
		}
		if v := findVariable(name); v != nil {
			value, typ = s.spiderLiteral(v, false)
			return value, typ, n
		}
		return s.placeValue(scan, i)
	case sqltext.Word:
		if int(i)+2 >= len(scan.Tokens) || !isOp(scan, i+1, "(") || !isOp(scan, i+2, ")") {
			return "", "", 0
		}
		switch strings.ToUpper(string(scan.Bytes(i))) {
		case "LAST_INSERT_ID":
			return strconv.FormatUint(s.last.insertID, 10), typeID, 3
		case "FOUND_ROWS":
			return strconv.FormatUint(s.last.foundRows, 10), "SIGNED", 3
		case "ROW_COUNT":
			return "(" + strconv.FormatInt(s.last.rowCount, 10) + ")", "SIGNED", 3 // --1 would be a comment
		case "CONNECTION_ID":
			return strconv.FormatUint(uint64(s.id), 10), "UNSIGNED", 3
		case "DATABASE", "SCHEMA":
			if s.sess.DB == "" {
				return "NULL", typeName, 3
			}
			if !ascii(s.sess.DB) {
				return "_utf8mb3 " + stringLiteral(s.sess.DB), typeName, 3
			}
			return stringLiteral(s.sess.DB), typeName, 3
		}
	}
	return "", "", 0
}

// wide is a number in as many characters as the functions' results have, for their columns to have the length and the type.
func wide(number string) string {
	number = strings.Trim(number, "()")
	sign := ""
	if rest, ok := strings.CutPrefix(number, "-"); ok {
		sign, number = "-", rest
	}
	return sign + strings.Repeat("0", max(0, 21-len(number))) + number
}

func bit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// sessionVariables are the rows of SHOW VARIABLES that only the session knows.
func (s *session) sessionVariables(name, value []byte) []byte {
	switch string(name) {
	case "autocommit":
		return []byte(map[bool]string{true: "ON", false: "OFF"}[s.tx.Autocommit()])
	case "in_transaction":
		return []byte(bit(s.inTransactionNow()))
	case "last_insert_id", "identity":
		return strconv.AppendUint(nil, s.last.insertID, 10)
	case "pseudo_thread_id":
		return strconv.AppendUint(nil, uint64(s.id), 10)
	}
	return value
}

// selectItems are the items whose names the client sees.
func selectItems(stmt *sqltext.Stmt) []sqltext.SelectItem {
	switch {
	case stmt.Insert != nil:
		return stmt.Insert.Items
	case stmt.Delete != nil:
		return stmt.Delete.Items
	}
	return itemsOf(stmt.Query)
}

// itemsOf are the items that name the columns of a query.
func itemsOf(q *sqltext.Query) []sqltext.SelectItem {
	for q != nil && q.Select == nil && q.Left != nil {
		q = q.Left // a union's names are those of its first part
	}
	if q == nil || q.Select == nil {
		return nil
	}
	return q.Select.Items
}

// laterItems are the items of a set operation's parts but for the first one's, which name the columns.
func laterItems(items []sqltext.SelectItem, q *sqltext.Query) []sqltext.SelectItem {
	for ; q != nil; q = q.Left {
		for right := q.Right; right != nil; right = right.Right {
			items = append(items, itemsOf(right)...)
		}
	}
	return items
}

func itemAt(items []sqltext.SelectItem, tok int32) *sqltext.SelectItem {
	for i := range items {
		if items[i].Span.From <= tok && tok < items[i].Span.To {
			return &items[i]
		}
	}
	return nil
}

// isOp says whether a token is an operator.
func isOp(scan *sqltext.Scan, i int32, op string) bool {
	return int(i) < len(scan.Tokens) && scan.Tokens[i].Kind == sqltext.Op && string(scan.Bytes(i)) == op
}

// isWord says whether a token is a word, which must be given in upper case.
func isWord(scan *sqltext.Scan, i int32, word string) bool {
	return int(i) < len(scan.Tokens) && i >= 0 && scan.Tokens[i].Kind == sqltext.Word && strings.EqualFold(string(scan.Bytes(i)), word)
}

// callsWithArgument says whether a function is called with an argument.
func callsWithArgument(scan *sqltext.Scan, name string) bool {
	for i := range scan.Tokens {
		i := int32(i)
		if isWord(scan, i, name) && isOp(scan, i+1, "(") && !isOp(scan, i+2, ")") {
			return true
		}
	}
	return false
}

// quoteName is a name in backquotes.
func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// stringLiteral is a string that reads the same under every sql_mode, in the character set of the text around it.
func stringLiteral(v string) string {
	if plainText(v) {
		return "'" + v + "'"
	}
	return "x'" + hex.EncodeToString([]byte(v)) + "'"
}

// plainText says whether a string needs no escaping, whatever the mode.
func plainText(v string) bool {
	for i := range len(v) {
		c := v[i]
		if c < ' ' || c > '~' || c == '\'' || c == '\\' || c == '"' {
			return false
		}
	}
	return true
}

// inlineParams is the text with its parameters as literals.
func inlineParams(scan *sqltext.Scan, args []wire.Param, charset string) ([]byte, error) {
	var edits []edit
	n := 0
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Param {
			continue
		}
		if n >= len(args) {
			return nil, wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to EXECUTE")
		}
		edits = append(edits, edit{int32(i), int32(i) + 1, paramLiteral(&args[n], charset)})
		n++
	}
	return apply(scan, edits), nil
}

func paramLiteral(p *wire.Param, charset string) string {
	switch {
	case p.Null || p.Type == wire.TypeNull:
		return "NULL"
	case p.Type.IsInteger():
		if p.Unsigned {
			return strconv.FormatUint(p.Int, 10)
		}
		return strconv.FormatInt(int64(p.Int), 10)
	case p.Type == wire.TypeFloat || p.Type == wire.TypeDouble:
		return strconv.FormatFloat(p.Float, 'e', -1, 64)
	case p.Type == wire.TypeDecimal || p.Type == wire.TypeNewDecimal:
		if rowvalue.IsDecimal(p.Bytes) {
			return string(p.Bytes)
		}
	case p.Type.IsTemporal():
		return "'" + string(p.Time.AppendText(nil, p.Type, 6)) + "'"
	case p.Type == wire.TypeTinyBlob || p.Type == wire.TypeBlob || p.Type == wire.TypeMediumBlob || p.Type == wire.TypeLongBlob:
		return "_binary x'" + hex.EncodeToString(p.Bytes) + "'"
	}
	if plainText(string(p.Bytes)) {
		return "'" + string(p.Bytes) + "'"
	}
	return fmt.Sprintf("_%s x'%x'", charset, p.Bytes)
}

// userVars are the user variables that a statement names, as it writes them.
func userVars(scan *sqltext.Scan) []string {
	var out []string
	seen := map[string]bool{}
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.UserVar {
			continue
		}
		name := string(scan.Bytes(int32(i)))
		if key := strings.ToLower(name); !seen[key] {
			seen[key] = true
			out = append(out, name)
		}
	}
	return out
}
