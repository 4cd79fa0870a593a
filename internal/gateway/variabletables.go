package gateway

import (
	"math"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/spider"
)

// systemVariables are the columns of information_schema.SYSTEM_VARIABLES.
var systemVariables = []colDef{
	text("VARIABLE_NAME", 64), text("SESSION_VALUE", 2048), text("GLOBAL_VALUE", 2048), text("GLOBAL_VALUE_ORIGIN", 64), text("DEFAULT_VALUE", 2048),
	text("VARIABLE_SCOPE", 64), text("VARIABLE_TYPE", 64), text("VARIABLE_COMMENT", 2048), text("NUMERIC_MIN_VALUE", 21), text("NUMERIC_MAX_VALUE", 21),
	text("NUMERIC_BLOCK_SIZE", 21), text("ENUM_VALUE_LIST", 2048), text("READ_ONLY", 3), text("COMMAND_LINE_ARGUMENT", 64), text("GLOBAL_VALUE_PATH", 2048),
}

// variableTable is a table of information_schema that tells of variables, with those that leaves do not have and with the session's own values; "" for other tables.
func (s *session) variableTable(name string) string {
	const (
		leafs  = " WHERE LEFT(VARIABLE_NAME, 7) <> 'SPIDER_' AND VARIABLE_NAME NOT IN ('COMPLETION_TYPE', 'SQL_SELECT_LIMIT', 'EVENT_SCHEDULER'" // which a leaf may have besides
		beside = ") UNION ALL SELECT * FROM "
	)
	switch name {
	case "SESSION_VARIABLES", "GLOBAL_VARIABLES":
		global := name == "GLOBAL_VARIABLES"
		value := s.knownHere("VARIABLE_VALUE", global)
		var rows [][]any
		for _, row := range s.settings(global) {
			rows = append(rows, []any{strings.ToUpper(valueText(row[0])), row[1]})
		}
		own := jsonTable([]colDef{text("VARIABLE_NAME", 64), text("VARIABLE_VALUE", 2048)}, []int{0, 1}, rows)
		return "(SELECT VARIABLE_NAME, " + value + " AS VARIABLE_VALUE FROM information_schema." + name + leafs + placeList() + beside + own + " AS own)"
	case "SYSTEM_VARIABLES":
		names, pick := make([]string, len(systemVariables)), make([]int, len(systemVariables))
		for i, c := range systemVariables {
			names[i], pick[i] = c.name, i
			switch c.name {
			case "SESSION_VALUE", "GLOBAL_VALUE", "DEFAULT_VALUE":
				names[i] = s.knownHere(c.name, c.name != "SESSION_VALUE") + " AS " + c.name
			case "GLOBAL_VALUE_PATH": // a leaf's file
				names[i] = "NULL AS GLOBAL_VALUE_PATH"
			}
		}
		return "(SELECT " + strings.Join(names, ", ") + " FROM information_schema.SYSTEM_VARIABLES" + leafs + beside + jsonTable(systemVariables, pick, s.systemVariableRows()) + " AS own)"
	}
	return ""
}

// knownHere is a column with a variable's value as the session has it, where leaves have another.
func (s *session) knownHere(column string, global bool) string {
	var b strings.Builder
	b.WriteString("CASE")
	when := func(name, value string) {
		b.WriteString(" WHEN VARIABLE_NAME = '" + strings.ToUpper(name) + "' AND " + column + " IS NOT NULL THEN " + value)
	}
	if !global {
		for _, name := range []string{"autocommit", "in_transaction", "last_insert_id", "identity", "pseudo_thread_id"} {
			when(name, "'"+string(s.sessionVariables([]byte(name), nil))+"'")
		}
	}
	for _, row := range s.placeRows(global) {
		if name := valueText(row[0]); column != "DEFAULT_VALUE" || placeVariables[name].typ == "" { // numbers have the same ones everywhere
			when(name, stringLiteral(valueText(row[1])))
		}
	}
	b.WriteString(" ELSE " + column + " END")
	return b.String()
}

// systemVariableRows are the rows of the variables that leaves do not have. None can be given on a command line.
func (s *session) systemVariableRows() [][]any {
	snap := s.g.cfg.Catalog.Snapshot()
	var rows [][]any
	for v := range variables() {
		global, _ := s.spiderValue(v, true)
		origin := "COMPILE-TIME"
		if _, set := snap.Variables[v.Name]; set {
			origin = "SQL"
		}
		var session, from, to, block, list any
		scope, kind, only := "GLOBAL", "INT", "NO"
		if !v.Global {
			value, _ := s.spiderValue(v, false)
			session, scope = value, "SESSION"
		}
		if v.ReadOnly {
			only = "YES"
		}
		switch v.Kind {
		case spider.Integer:
			from, to, block = strconv.FormatInt(v.Min, 10), strconv.FormatInt(v.Max, 10), "0"
			if v.Wide {
				to = unlimited
			}
			switch {
			case v.Unsigned:
				kind = "INT UNSIGNED"
			case v.Max > math.MaxInt32:
				kind = "BIGINT"
			}
		case spider.Bool:
			kind, list = "BOOLEAN", "OFF,ON"
		case spider.Text:
			kind = "VARCHAR"
		case spider.Enum:
			kind, list = "ENUM", strings.Join(v.Values, ",")
		}
		rows = append(rows, []any{
			strings.ToUpper(v.Name), session, global, origin, v.Default, scope, kind, v.Comment, from, to, block, list, only, nil, nil,
		})
	}
	for _, row := range s.settings(true) {
		name := valueText(row[0])
		if !isSetting(name) {
			continue
		}
		standard, _ := settingValue(name, "DEFAULT")
		var list any
		kind := "BIGINT"
		switch name {
		case order.AutoAttach, order.SingleTables:
			kind, list = "BOOLEAN", "OFF,ON"
		case order.DiskReserve, order.MemoryReserve:
			kind = "VARCHAR"
		}
		origin := "COMPILE-TIME"
		if valueText(row[1]) != standard {
			origin = "SQL"
		}
		rows = append(rows, []any{strings.ToUpper(name), nil, row[1], origin, standard, "GLOBAL", kind, "A setting of the cluster", nil, nil, nil, list, "NO", nil, nil})
	}
	return rows
}
