package gateway

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// systemTable is a table that the cluster adds to information_schema. Its rows become part of the statements that name it, as a JSON_TABLE: so a
// leaf joins and filters them, under the client's account, like any table's.
type systemTable struct {
	cols []colDef
	// more are columns that a statement must name to get them: * does not stand for them. Their values follow those of cols.
	more []colDef
	// types are the types of cols where those of colDef are not enough.
	types []string
	rows  func(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error)
}

// namesSystem says whether a statement reads information_schema, or a table of the schema mysql that the cluster has instead of the leaves.
func (s *session) namesSystem(stmt *sqltext.Stmt) bool {
	switch stmt.Kind {
	case sqltext.KindShow, sqltext.KindDDL, sqltext.KindAccount, sqltext.KindLock:
		return false
	}
	return slices.ContainsFunc(stmt.Tables, func(t *sqltext.TableName) bool {
		return s.inInfoSchema(t) || s.mysqlTable(t) != "" || stmt.Kind == sqltext.KindSelect && s.mysqlFiltered(t) != ""
	})
}

// inInfoSchema says whether a name is that of a table of information_schema.
func (s *session) inInfoSchema(t *sqltext.TableName) bool {
	if t.CTE {
		return false
	}
	return strings.EqualFold(t.DB.Text, "information_schema") || t.DB.Tok < 0 && strings.EqualFold(s.sess.DB, "information_schema")
}

// spliceSystemTables replaces tables of information_schema: those that tell of databases by themselves without the rows of databases that clients do
// not see, those that tell of rows with the rows of whole tables, and the cluster's own by their rows. nil when there is nothing to replace.
func (s *session) spliceSystemTables(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) ([]byte, error) {
	if !s.namesSystem(stmt) {
		return nil, nil
	}
	if stmt.Kind == sqltext.KindUpdate || stmt.Kind == sqltext.KindDelete { // of information_schema itself, which nobody may
		if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil && serverError(ctx, err).Code == wire.ErDBAccessDenied {
			return nil, err
		}
	}
	var told *reach
	if s.needsTallies(scan, stmt) {
		told = s.reach(scan, stmt, src.args)
	}
	not := ""
	return s.splice(scan, stmt, func(name string) (string, error) {
		for _, table := range []func(string) string{s.variableTable, s.statusTable} {
			if text := table(name); text != "" {
				return text, nil
			}
		}
		if t := systemTables[name]; t != nil {
			rows, err := t.rows(ctx, s, snap)
			if err != nil {
				return "", err
			}
			return t.sql(scan, rows), nil
		}
		column, from := s.g.infoSchema[name], "information_schema."+quoteName(name)
		if table, ok := strings.CutPrefix(name, mysqlSchema+"."); ok && stmt.Kind == sqltext.KindSelect {
			column, from = mysqlNames[table], mysqlSchema+"."+quoteName(table)
		}
		if column == "" {
			return "", nil
		}
		if column == mysqlAccounts || column == grantedAccounts {
			return "(SELECT * FROM " + from + " WHERE " + column + " NOT IN (" + ownAccountList() + "))", nil
		}
		if not == "" {
			unborn, err := s.g.unborn(snap)
			if err != nil {
				return "", err
			}
			not = hiddenList(snap, unborn...)
		}
		of := column
		if column == "DB" {
			of = "COALESCE(DB,'')" // keeps the rows that belong to no database
		}
		if name == eventsTable {
			return s.eventTable(ctx, snap, of+" NOT IN ("+not+")")
		}
		if tallied[name] != nil {
			return s.tallyTable(ctx, name, snap, told, of+" NOT IN ("+not+")")
		}
		return "(SELECT * FROM " + from + " WHERE " + of + " NOT IN (" + not + "))", nil
	})
}

// describable is a statement's text as a leaf can describe it: the cluster's own tables are there, with no rows, and secrets are masked.
func (s *session) describable(scan *sqltext.Scan, stmt *sqltext.Stmt) string {
	if text := describableCalls(scan, stmt); text != "" {
		if scan, stmt, err := s.parsed([]byte(text)); err == nil {
			return s.describable(scan, stmt)
		}
		return "DO 0"
	}
	if text := s.describableVariables(scan, stmt); text != "" {
		if scan, stmt, err := s.parsed([]byte(text)); err == nil {
			return s.describable(scan, stmt)
		}
	}
	if len(stmt.Secrets) > 0 {
		return withoutSpans(scan, stmt.Secrets)
	}
	if s.writesServers(stmt) {
		return withoutStrings(scan)
	}
	if s.namesSystem(stmt) {
		text, err := s.splice(scan, stmt, func(name string) (string, error) {
			if t := systemTables[name]; t != nil {
				return t.sql(scan, nil), nil
			}
			return "", nil
		})
		if err == nil && text != nil {
			return string(text)
		}
	}
	return string(scan.Src[:scan.End])
}

// splice replaces the tables of information_schema for which with has a text, by their names in upper case, and mysql.servers; it makes the names of their columns fit:
// `information_schema.leaves.host` is `leaves`.host then, and so is LEAVES.host.
func (s *session) splice(scan *sqltext.Scan, stmt *sqltext.Stmt, with func(name string) (string, error)) ([]byte, error) {
	var edits []edit
	alias := map[string]string{} // of the replaced tables without one, by the name in lower case
	for _, f := range sqltext.Factors(stmt) {
		t := f.Table
		name := strings.ToUpper(t.Name.Text)
		if own := s.mysqlTable(t); own != "" {
			name = own
		} else if own := s.mysqlFiltered(t); own != "" {
			name = own
		} else if !s.inInfoSchema(t) {
			continue
		}
		text, err := with(name)
		if err != nil {
			return nil, err
		}
		if text == "" {
			continue
		}
		if f.Alias.Tok < 0 {
			called := t.Name.Text
			if s.inInfoSchema(t) {
				called = name // as MariaDB tells clients
			}
			text += " AS " + quoteName(called)
			alias[strings.ToLower(t.Name.Text)] = called
		}
		edits = append(edits, edit{t.Span.From, t.Span.To, text})
	}
	if len(edits) == 0 {
		return nil, nil
	}
	if len(alias) > 0 {
		edits = append(edits, qualifiers(scan, stmt, alias, s.mode())...)
	}
	edits = append(edits, called(scan, stmt, edits)...)
	slices.SortFunc(edits, func(a, b edit) int { return int(a.from - b.from) })
	return apply(scan, edits), nil
}

// maxAlias bounds a column's alias, in bytes.
const maxAlias = 255

// called are the edits that keep the names of columns as the client wrote them: of a merged subquery MariaDB gives those inside, and of an expression its text, which edits change.
func called(scan *sqltext.Scan, stmt *sqltext.Stmt, edits []edit) (out []edit) {
	for _, item := range selectItems(stmt) {
		if item.Expr == nil || item.Alias.Tok >= 0 {
			continue
		}
		name := string(scan.Text(item.Span))
		if c, ok := item.Expr.(*sqltext.Column); ok {
			name = c.Name.Text
		} else if len(name) > maxAlias || !slices.ContainsFunc(edits, func(e edit) bool { return item.Span.From <= e.from && e.to <= item.Span.To }) {
			continue
		}
		out = append(out, edit{item.Span.To, item.Span.To, " AS " + quoteName(name)})
	}
	return out
}

// qualifiers are the edits that make the qualifiers of columns the aliases of replaced tables.
func qualifiers(scan *sqltext.Scan, stmt *sqltext.Stmt, alias map[string]string, mode sqltext.Mode) []edit {
	table := map[int32]bool{}
	for _, t := range stmt.Tables {
		for i := t.Span.From; i < t.Span.To; i++ {
			table[i] = true
		}
	}
	isName := func(i int32) bool {
		return int(i) < len(scan.Tokens) && (scan.Tokens[i].Kind == sqltext.Word || scan.Tokens[i].Kind == sqltext.QuotedID)
	}
	var edits []edit
	for i := int32(0); int(i) < len(scan.Tokens); i++ {
		if table[i] || !isName(i) || !isOp(scan, i+1, ".") || isOp(scan, i-1, ".") && i > 0 {
			continue
		}
		name := nameAt(scan, i, mode)
		if (strings.EqualFold(name, "information_schema") || name == "mysql") && isName(i+2) && isOp(scan, i+3, ".") {
			if a, ok := alias[strings.ToLower(nameAt(scan, i+2, mode))]; ok {
				edits = append(edits, edit{i, i + 3, quoteName(a)})
				i += 3
			}
			continue
		}
		if a, ok := alias[strings.ToLower(name)]; ok && a != name {
			edits = append(edits, edit{i, i + 1, quoteName(a)})
		}
	}
	return edits
}

// sql is the table with these rows as a FROM clause can have it. The columns that must be named are there when the statement has such a word.
func (t *systemTable) sql(scan *sqltext.Scan, rows [][]any) string {
	if t.types != nil {
		return typedTable(t.cols, t.types, rows)
	}
	cols := slices.Clone(t.cols)
	pick := make([]int, len(cols))
	for i := range cols {
		pick[i] = i
	}
	for i, c := range t.more {
		if slices.ContainsFunc(scan.Tokens, func(tok sqltext.Token) bool {
			return (tok.Kind == sqltext.Word || tok.Kind == sqltext.QuotedID) &&
				strings.EqualFold(strings.Trim(string(scan.Src[tok.Start:tok.End]), "`\""), c.name)
		}) {
			cols = append(cols, c)
			pick = append(pick, len(t.cols)+i)
		}
	}
	return jsonTable(cols, pick, rows)
}

// typeInstant is the type of a column with seconds since 1970, which clients see as a DATETIME in their session's time zone.
const typeInstant = wire.TypeDateTime

// jsonTable is rows, of which the values at pick are wanted, as SQL without an alias.
func jsonTable(cols []colDef, pick []int, rows [][]any) string {
	var b, outer strings.Builder
	b.WriteString("JSON_TABLE(")
	b.WriteString(documentLiteral(jsonRows(cols, pick, rows)))
	b.WriteString(", '$[*]' COLUMNS (")
	instants := false
	for i, c := range cols {
		if i > 0 {
			b.WriteString(", ")
			outer.WriteString(", ")
		}
		name := quoteName(c.name)
		b.WriteString(name)
		b.WriteByte(' ')
		switch c.typ {
		case wire.TypeLongLong, wire.TypeLong:
			b.WriteString("BIGINT(21)")
		case wire.TypeDouble:
			b.WriteString("DOUBLE")
		case typeInstant:
			b.WriteString("DECIMAL(20,6)")
			instants = true
			name = "FROM_UNIXTIME(" + name + ") AS " + name
		default:
			if c.size <= 255 { // names, as MariaDB's own tables have them
				b.WriteString("VARCHAR(" + strconv.Itoa(int(c.size)) + ") CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci")
			} else {
				b.WriteString("VARCHAR(" + strconv.Itoa(int(c.size)) + ") CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
			}
		}
		b.WriteString(" PATH '$[" + strconv.Itoa(i) + "]'")
		outer.WriteString(name)
	}
	b.WriteString("))")
	if instants {
		return "(SELECT " + outer.String() + " FROM " + b.String() + " AS instants)"
	}
	return b.String()
}

func jsonRows(cols []colDef, pick []int, rows [][]any) []byte {
	doc := []byte{'['}
	for n, row := range rows {
		if n > 0 {
			doc = append(doc, ',')
		}
		doc = append(doc, '[')
		for i, at := range pick {
			if i > 0 {
				doc = append(doc, ',')
			}
			switch v := row[at]; {
			case v == nil:
				doc = append(doc, "null"...)
			case cols[i].typ == wire.TypeVarString:
				doc = appendJSONString(doc, valueText(v))
			default:
				doc = append(doc, valueText(v)...)
			}
		}
		doc = append(doc, ']')
	}
	return append(doc, ']')
}

func appendJSONString(dst []byte, v string) []byte {
	text, err := json.Marshal(v)
	if err != nil { // a string always has a JSON
		return append(dst, "null"...)
	}
	return append(dst, text...)
}

// documentLiteral is a document as a string in SQL that reads the same under every sql_mode and in every client's character set.
func documentLiteral(doc []byte) string {
	for _, c := range doc {
		if c < ' ' || c > '~' || c == '\'' || c == '\\' {
			return "CONVERT(x'" + hex.EncodeToString(doc) + "' USING utf8mb4)"
		}
	}
	return "'" + string(doc) + "'"
}
