package gateway

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// monitorPasswordAt is where the column with passwords stands in mysql.spider_link_mon_servers.
const monitorPasswordAt = 10

// keptColumns are where passwords stand in the tables whose rows the catalog keeps and clients may write; -1 where there are none.
var keptColumns = map[string]int{monitorsTable: monitorPasswordAt, failedLogTable: -1}

// writesKept is the table that a statement writes to whose rows the catalog keeps; "" for none.
func (s *session) writesKept(stmt *sqltext.Stmt) string {
	for name := range keptColumns {
		if s.writesTo(stmt, func(t *sqltext.TableName) bool { return s.inSpiderTables(t) && t.Name.Text == name }) {
			return name
		}
	}
	return ""
}

// keptChange is INSERT, REPLACE, UPDATE and DELETE of rows of such a table. A leaf runs it on a temporary table that has the catalog's rows, by the cluster's account:
// so the statement may speak of nothing else. Passwords are not kept, as nobody uses them.
func (s *session) keptChange(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, name string, src source) error {
	what := "Writing to mysql." + name
	const other = sqltext.HasUserVar | sqltext.HasUserVarAssign | sqltext.HasStoredCall | sqltext.HasSequence | sqltext.HasSysVar | sqltext.HasPlaceFunction | sqltext.HasLockFunction
	switch {
	case stmt.Insert == nil && stmt.Update == nil && stmt.Delete == nil, !stmt.SetStatement.Empty():
		return unsupported(what, "by other statements than INSERT, REPLACE, UPDATE and DELETE")
	case slices.ContainsFunc(stmt.Tables, func(t *sqltext.TableName) bool { return !s.inSpiderTables(t) || t.Name.Text != name }):
		return unsupported(what, "in a statement on other tables")
	case stmt.Facts&other != 0 || slices.ContainsFunc(scan.Tokens, func(t sqltext.Token) bool {
		return t.Kind == sqltext.Word && strings.EqualFold(string(scan.Src[t.Start:t.End]), "LOAD_FILE")
	}):
		return unsupported(what, "with variables, files, or functions that tell of the account")
	case stmt.Insert != nil && !stmt.Insert.Returning.Empty(), stmt.Delete != nil && !stmt.Delete.Returning.Empty():
		return unsupported(what, "with RETURNING")
	}
	if err := s.mayManageServers(ctx); err != nil {
		return err
	}
	if err := s.needsCatalog(what); err != nil {
		return err
	}
	text, err := s.keptText(scan, stmt, name, src)
	if err != nil {
		return err
	}
	lock, err := s.g.cfg.Node.Lock(ctx, serversLock)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := s.g.cfg.Catalog.Sync(ctx); err != nil {
		return err
	}
	var affected uint64
	var before, after [][]any
	err = s.g.elsewhere(ctx, s.home, true, func(leaf string) error {
		if before, err = keptRows(s.g.cfg.Catalog.Snapshot(), name); err == nil {
			affected, after, err = s.changeKept(ctx, leaf, name, text, before)
		}
		return err
	})
	if err != nil {
		return err
	}
	rev, err := s.g.cfg.Catalog.Update(ctx, func(tx *catalog.Txn) error {
		tx.Hold(lock)
		return keepRows(tx, name, func(now [][]any) [][]any {
			return append(slices.Clone(after), now[min(len(before), len(now)):]...) // links that were taken out meanwhile
		})
	})
	if err != nil {
		return err
	}
	s.awaitSeen(ctx, rev)
	s.last.rowCount = int64(affected)
	return s.okTo(src, wire.OK{AffectedRows: affected, Warnings: s.warningCount()})
}

// keptText is the statement's text without passwords and parameters, with the table's database.
func (s *session) keptText(scan *sqltext.Scan, stmt *sqltext.Stmt, name string, src source) (string, error) {
	m := passwordMarks{scan: scan, mode: s.mode(), args: src.args, at: keptColumns[name]}
	if err := m.statement(stmt); err != nil {
		return "", err
	}
	for i := range m.edits {
		if strings.HasPrefix(m.edits[i].with, "'+") {
			m.edits[i].with = "'" + masked + "'"
		}
	}
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Param {
			continue
		}
		n := m.param
		if m.param++; n >= len(src.args) {
			return "", wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to EXECUTE")
		}
		if !slices.ContainsFunc(m.edits, func(e edit) bool { return e.from == int32(i) }) {
			m.edits = append(m.edits, edit{int32(i), int32(i) + 1, paramLiteral(&src.args[n], s.charset.connection)})
		}
	}
	for _, t := range stmt.Tables {
		m.edits = append(m.edits, edit{t.Span.From, t.Span.To, quoteName(mysqlSchema) + "." + quoteName(name)})
	}
	slices.SortFunc(m.edits, func(a, b edit) int { return int(a.from - b.from) })
	return string(apply(scan, m.edits)), nil
}

// changeKept runs the statement at a leaf, and reads there what the rows have become.
func (s *session) changeKept(ctx context.Context, leaf, name, text string, rows [][]any) (affected uint64, after [][]any, err error) {
	c, err := s.g.cfg.Pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, State: s.tx.State()})
	if err != nil {
		return 0, nil, err
	}
	defer c.Release()
	c.ResetOnRelease()
	table := quoteName(mysqlSchema) + "." + quoteName(name)
	var columns []string
	for column := range strings.SplitSeq(spiderTables[name], ",") {
		column, typ, _ := strings.Cut(strings.TrimSpace(column), " ")
		switch { // as in MariaDB's, where these have defaults
		case len(columns) < 3:
			typ += " NOT NULL DEFAULT ''"
		case column == "sid", column == "ssl_verify_server_cert":
			typ += " NOT NULL DEFAULT 0"
		}
		columns = append(columns, column+" "+typ)
	}
	if name == monitorsTable {
		columns = append(columns, "PRIMARY KEY (db_name, table_name, link_id, sid)")
	}
	for _, q := range append([]string{
		"CREATE OR REPLACE TEMPORARY TABLE " + table + " (" + strings.Join(columns, ", ") + ") ENGINE=InnoDB CHARACTER SET utf8mb3 COLLATE utf8mb3_bin"},
		keptInserts(table, rows)...) {
		if _, err := c.Query(ctx, q); err != nil {
			return 0, nil, err
		}
	}
	res, err := c.Query(ctx, text)
	if err != nil {
		return 0, nil, err
	}
	affected, s.warnings = res.Affected, s.warnings[:0]
	if res.Warnings > 0 {
		if err := s.fetchWarnings(ctx, c); err != nil {
			return 0, nil, err
		}
	}
	if res, err = c.Query(ctx, "SELECT * FROM "+table); err != nil {
		return 0, nil, err
	}
	for _, row := range res.Rows {
		kept := make([]any, len(row))
		for i, v := range row {
			if v != nil {
				kept[i] = string(v)
			}
		}
		after = append(after, kept)
	}
	_, err = c.Query(ctx, "DROP TEMPORARY TABLE "+table)
	return affected, after, err
}

// keptInserts are the rows as statements.
func keptInserts(table string, rows [][]any) (out []string) {
	for _, row := range rows {
		values := make([]string, len(row))
		for i, v := range row {
			values[i] = "NULL"
			if v != nil {
				values[i] = "_utf8mb4 x'" + hex.EncodeToString([]byte(valueText(v))) + "'"
			}
		}
		out = append(out, "INSERT INTO "+table+" VALUES ("+strings.Join(values, ", ")+")")
	}
	return out
}
