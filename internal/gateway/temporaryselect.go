package gateway

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Beside sharded and linked tables, temporary tables are in the topology that a statement is planned by: as ones with a single place. Rows come into one by INSERT … SELECT, as into any other table, and
// what reads them with others is staged: they are copied, too. A table of the same name that is there for everybody would be found if the connection were lost meanwhile, so there must be none.

// elsewhere is the first of some tables whose rows are not where the temporary tables are; nil for none.
func (s *session) elsewhere(tables []*sqltext.TableName, snap *topo.Snapshot) *sqltext.TableName {
	for _, t := range tables {
		if t.CTE || s.isTemporary(t) || s.inInfoSchema(t) || t.DB.Tok < 0 && strings.EqualFold(t.Name.Text, "DUAL") {
			continue
		}
		if known := snap.Table(s.keyOf(t).db, t.Name.Text); known == nil || known.Kind != topo.Reference {
			return t
		}
	}
	return nil
}

// plannable says whether a statement that names temporary tables, or makes one, can be planned with tables that are elsewhere; the error is why not.
func (s *session) plannable(stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	for i, t := range stmt.Tables {
		key := s.keyOf(t)
		makes := stmt.DDL != nil && i == 0
		if !makes && !s.isTemporary(t) {
			continue
		}
		if snap.Table(key.db, key.table) != nil || snap.View(key.db, key.table) != nil {
			return errTemporary("'" + key.table + "', which stands before a table of its name, beside tables that are no reference tables")
		}
		if makes && slices.ContainsFunc(stmt.Tables[1:], func(o *sqltext.TableName) bool { return s.keyOf(o) == key }) {
			return errTemporary("CREATE TEMPORARY TABLE … SELECT from a table of the same name, beside tables that are no reference tables")
		}
	}
	return nil
}

// withTemporary is a SELECT, or INSERT … SELECT, of temporary tables and others whose rows are elsewhere. handled is false for other statements.
func (s *session) withTemporary(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) (handled bool, err error) {
	in := stmt.Insert
	if stmt.Kind != sqltext.KindSelect && (in == nil || in.Select == nil) || s.elsewhere(stmt.Tables, snap) == nil && (in == nil || s.isTemporary(in.Table)) {
		return false, nil
	}
	if in != nil && s.isTemporary(in.Table) && !in.Returning.Empty() {
		return true, errTemporary("INSERT … SELECT … RETURNING of rows of other tables")
	}
	return true, s.plannedTemporary(ctx, w, stmt, snap, src)
}

// plannedTemporary plans and runs a statement with the temporary tables that it names in the topology. An UPDATE or DELETE changes rows by keys.
func (s *session) plannedTemporary(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	if err := s.plannable(stmt, snap); err != nil {
		return err
	}
	// What the account may do, and what else is wrong, is said where all of the tables are.
	if err := s.prepareOnly(ctx, string(w.scan.Src[:w.scan.End]), nil); err != nil {
		return err
	}
	src.permitted = true
	return s.asTemporary(ctx, stmt, &making{}, func() error { return s.planned(ctx, w, stmt, s.topology(), src, false) })
}

// asTemporary runs something with the temporary tables that a statement names in the topology, beside those that are in m.
func (s *session) asTemporary(ctx context.Context, stmt *sqltext.Stmt, m *making, run func() error) error {
	seen := map[tableKey]bool{}
	for _, t := range stmt.Tables {
		if k := s.keyOf(t); s.isTemporary(t) && !seen[k] {
			seen[k] = true
			table, err := s.describeTemporary(ctx, k)
			if err != nil {
				return err
			}
			m.temps = append(m.temps, table)
		}
	}
	home := s.home
	s.making, s.home = m, s.temps.leaf
	defer func() { s.making, s.home = nil, home }()
	return run()
}

// plansTemporary says whether the statement at hand has temporary tables in its topology.
func (s *session) plansTemporary() bool { return s.making != nil && len(s.making.temps) > 0 }

// describeTemporary asks for a temporary table's columns.
func (s *session) describeTemporary(ctx context.Context, k tableKey) (*topo.Table, error) {
	res, err := s.runTemporary(ctx, "SHOW FULL COLUMNS FROM "+quoteName(k.db)+"."+quoteName(k.table))
	if err != nil {
		return nil, err
	}
	t := &topo.Table{DB: k.db, Name: k.table, Kind: topo.Reference, Temporary: true, AutoIncrement: -1}
	for i, row := range res.Rows {
		if len(row) < 7 {
			return nil, wire.ErrMalformed
		}
		full, extra := strings.ToLower(string(row[1])), strings.ToLower(string(row[6]))
		c := topo.Column{
			Name: string(row[0]), Type: full, FullType: string(row[1]), Unsigned: strings.Contains(full, "unsigned"), Nullable: string(row[3]) == "YES",
			Collation: string(row[2]), Generated: strings.Contains(extra, "generated"), Invisible: strings.Contains(extra, "invisible"),
		}
		if end := strings.IndexAny(full, "( "); end > 0 {
			c.Type = full[:end]
		}
		c.Charset, _, _ = strings.Cut(c.Collation, "_")
		if c.Charset == "uca1400" {
			return nil, errTemporary("a column with a collation of several character sets beside tables that are no reference tables")
		}
		if _, size, ok := strings.Cut(full, "("); ok && (c.Type == "datetime" || c.Type == "timestamp" || c.Type == "time") {
			c.Scale, _ = strconv.Atoi(strings.TrimSuffix(size, ")"))
		}
		if t.Columns = append(t.Columns, c); strings.Contains(extra, "auto_increment") {
			t.AutoIncrement = i
		}
	}
	if t.Unique, err = s.keysOfTemporary(ctx, t); err != nil {
		return nil, err
	}
	return t, nil
}

// keysOfTemporary are a temporary table's unique keys, the primary key first, as SHOW INDEX has them, but for those of parts of columns.
func (s *session) keysOfTemporary(ctx context.Context, t *topo.Table) (keys [][]int, err error) {
	res, err := s.runTemporary(ctx, "SHOW INDEX FROM "+quoteName(t.DB)+"."+quoteName(t.Name)+" WHERE Non_unique = 0")
	if err != nil {
		return nil, err
	}
	name, whole := "", true
	for _, row := range res.Rows {
		if len(row) < 8 {
			return nil, wire.ErrMalformed
		}
		if string(row[2]) != name {
			name, whole, keys = string(row[2]), true, append(keys, nil)
		}
		c := t.Column(string(row[4]))
		if whole = whole && c >= 0 && row[7] == nil; whole {
			keys[len(keys)-1] = append(keys[len(keys)-1], c)
		} else {
			keys[len(keys)-1] = nil
		}
	}
	return slices.DeleteFunc(keys, func(k []int) bool { return k == nil }), nil
}

// withoutRows is a CREATE TEMPORARY TABLE … SELECT that makes the table alone.
func withoutRows(scan *sqltext.Scan, stmt *sqltext.Stmt) string {
	span, text := ddl.NoRows(stmt.DDL.AsSelect)
	return string(apply(scan, []edit{{span.From, span.To, " " + text + " "}}))
}

// gathering is the name of the temporary table in which the rows of a CREATE TEMPORARY TABLE … SELECT are until they are in their own.
const gathering = "orbweaver_rows"

// fillTemporary puts the rows of CREATE TEMPORARY TABLE … SELECT into the table. Without them there is no table.
//
// MariaDB leaves the rows of such a statement where they are when the transaction, or what came after a savepoint, is rolled back; those of INSERT … SELECT it takes away. So the rows are gathered in
// another temporary table, of which the leaf makes the client's by the client's own statement. Both steps have one time.
func (s *session) fillTemporary(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, k tableKey) (wire.OK, error) {
	m, moment := &making{}, ""
	if !s.tx.State().Timed() {
		m.moment = exec.Clock()
		moment = "SET STATEMENT " + m.moment + " FOR "
	}
	query, rows := stmt.DDL.AsSelect.Span, quoteName(k.db)+"."+quoteName(gathering)
	ok, err := s.gatherTemporary(ctx, scan, stmt, tableKey{k.db, gathering}, m)
	if err == nil {
		name := stmt.DDL.Tables[0].Name.Tok
		if stmt.DDL.Tables[0].DB.Tok >= 0 {
			name = stmt.DDL.Tables[0].DB.Tok
		}
		var res *backend.Result
		res, err = s.runTemporary(ctx, moment+string(apply(scan, []edit{{0, name, "CREATE OR REPLACE TEMPORARY TABLE "}, {query.From, query.To, "SELECT * FROM " + rows}})))
		if err == nil {
			if res.Warnings > 0 {
				err = s.temporaryWarnings(ctx)
			}
			s.temporaryID(ctx, res.InsertID)
			ok.AffectedRows, ok.InsertID, ok.Warnings = res.Affected, res.InsertID, ok.Warnings+res.Warnings
			ok.Info = strconv.AppendUint(res.Info[:bytes.LastIndexByte(res.Info, ' ')+1], uint64(ok.Warnings), 10) // they are told last
		}
	}
	gone := "DROP TEMPORARY TABLE IF EXISTS " + rows
	if err != nil {
		gone += ", " + quoteName(k.db) + "." + quoteName(k.table)
	}
	if _, failed := s.runTemporary(ctx, gone); failed != nil {
		return ok, errors.Join(err, failed)
	}
	if err == nil {
		return ok, nil
	}
	delete(s.temps.tables, k)
	return ok, s.unpinTemporary(ctx, err)
}

// gatherTemporary makes a temporary table of the query's columns, with its rows.
func (s *session) gatherTemporary(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, k tableKey, m *making) (wire.OK, error) {
	span, none := ddl.NoRows(stmt.DDL.AsSelect)
	head := edit{0, stmt.DDL.AsSelect.Span.From, "CREATE TEMPORARY TABLE " + quoteName(k.db) + "." + quoteName(k.table) + " ENGINE=InnoDB AS "}
	if _, err := s.runTemporary(ctx, string(apply(scan, []edit{head, {span.From, span.To, " " + none + " "}}))); err != nil {
		return wire.OK{}, err
	}
	t, err := s.describeTemporary(ctx, k)
	if err != nil {
		return wire.OK{}, err
	}
	duplicates := ""
	if stmt.DDL.Duplicates == "IGNORE" { // which is also of what the query finds wrong
		duplicates = "IGNORE"
	}
	text, err := insertInto(t, len(t.Columns), duplicates, insertable(scan, stmt.DDL.AsSelect.Span))
	if err != nil {
		return wire.OK{}, err
	}
	s.temps.tables[k] = true
	defer delete(s.temps.tables, k)
	m.temps = append(m.temps, t)
	before := slices.Clone(s.warnings)
	got := kept{capture: capture{caps: s.out.Caps()}}
	err = s.asTemporary(ctx, stmt, m, func() error { return s.rewritten(ctx, text, source{out: &got, permitted: true}) })
	s.warnings = append(before, s.warnings...)
	return wire.OK{Warnings: got.ok.Warnings}, err
}
