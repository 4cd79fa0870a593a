package gateway

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ownSchema is the cluster's own database on every leaf, which clients do not see.
const ownSchema = "orbweaver"

// visible refuses names that are on the leaves but not the clients' to know: the partitions' databases and the cluster's own.
func (s *session) visible(stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	for _, t := range stmt.Tables {
		if hidden(snap, t.DB.Text) {
			return topo.NoDatabase(t.DB.Text)
		}
	}
	if stmt.Show != nil && hidden(snap, stmt.Show.DB.Text) {
		return topo.NoDatabase(stmt.Show.DB.Text)
	}
	if stmt.Account != nil && stmt.Account.On != nil && hidden(snap, stmt.Account.On.DB.Text) {
		return topo.NoDatabase(stmt.Account.On.DB.Text)
	}
	return nil
}

// hidden says whether a database is the leaves' business alone.
func hidden(snap *topo.Snapshot, db string) bool {
	if db == "" {
		return false
	}
	_, partition := snap.Schemas[db]
	return partition || db == ownSchema
}

// schemaColumns are the columns of information_schema by which rows belong to databases, the deciding one first.
var schemaColumns = []string{
	"TABLE_SCHEMA", "SCHEMA_NAME", "ROUTINE_SCHEMA", "EVENT_SCHEMA", "TRIGGER_SCHEMA", "CONSTRAINT_SCHEMA", "SPECIFIC_SCHEMA", "INDEX_SCHEMA",
	"DATABASE_NAME", "DB",
}

// loadInfoSchema learns which tables of information_schema tell of databases, and by which column.
func (g *Gateway) loadInfoSchema(ctx context.Context, c *backend.Conn) error {
	res, err := c.Query(ctx, "SELECT UPPER(TABLE_NAME), UPPER(COLUMN_NAME) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='information_schema' AND "+
		"COLUMN_NAME IN ('"+strings.Join(schemaColumns, "','")+"')")
	if err != nil {
		return err
	}
	m := map[string]string{}
	for _, row := range res.Rows {
		table, column := string(row[0]), string(row[1])
		old, ok := m[table]
		if !ok || slices.Index(schemaColumns, column) < slices.Index(schemaColumns, old) {
			m[table] = column
		}
	}
	g.infoSchema = m
	return nil
}

// hidePartitions replaces the tables of information_schema by themselves without the rows of databases that clients do not see. nil when
// there is nothing to replace.
func (s *session) hidePartitions(scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) []byte {
	inside := strings.EqualFold(s.sess.DB, "information_schema")
	named := false
	for _, t := range stmt.Tables {
		if strings.EqualFold(t.DB.Text, "information_schema") || t.DB.Tok < 0 && inside {
			named = true
		}
	}
	if !named || stmt.Kind == sqltext.KindShow || stmt.Kind == sqltext.KindDDL || stmt.Kind == sqltext.KindAccount || stmt.Kind == sqltext.KindLock {
		return nil
	}
	var edits []edit
	not := ""
	for _, f := range factors(stmt) {
		t := f.Table
		if !strings.EqualFold(t.DB.Text, "information_schema") && !(t.DB.Tok < 0 && inside) {
			continue
		}
		column := s.g.infoSchema[strings.ToUpper(t.Name.Text)]
		if column == "" {
			continue
		}
		if not == "" {
			not = hiddenList(snap)
		}
		// COALESCE keeps the rows that belong to no database.
		with := "(SELECT * FROM information_schema." + quoteName(t.Name.Text) + " WHERE COALESCE(" + column + ",'') NOT IN (" + not + "))"
		if column != "DB" {
			with = "(SELECT * FROM information_schema." + quoteName(t.Name.Text) + " WHERE " + column + " NOT IN (" + not + "))"
		}
		if f.Alias.Tok < 0 {
			with += " AS " + quoteName(t.Name.Text)
		}
		edits = append(edits, edit{t.Span.From, t.Span.To, with})
	}
	if len(edits) == 0 {
		return nil
	}
	slices.SortFunc(edits, func(a, b edit) int { return int(a.from - b.from) })
	return apply(scan, edits)
}

// hiddenList is the databases that clients do not see, as SQL strings.
func hiddenList(snap *topo.Snapshot) string {
	var b strings.Builder
	b.WriteString(stringLiteral(ownSchema))
	for _, name := range slices.Sorted(maps.Keys(snap.Schemas)) {
		b.WriteString(",")
		b.WriteString(stringLiteral(name))
	}
	return b.String()
}

// factors are the plain tables of all FROM clauses of a statement, subqueries included.
func factors(stmt *sqltext.Stmt) []*sqltext.TableRef {
	w := factorWalk{}
	w.statement(stmt)
	return w.out
}

type factorWalk struct{ out []*sqltext.TableRef }

func (w *factorWalk) statement(stmt *sqltext.Stmt) {
	switch {
	case stmt.Query != nil:
		w.query(stmt.Query)
	case stmt.Insert != nil:
		w.query(stmt.Insert.Select)
		for _, row := range stmt.Insert.Rows {
			w.exprs(row)
		}
	case stmt.Update != nil:
		w.refs(stmt.Update.From)
		w.expr(stmt.Update.Where)
		for _, a := range stmt.Update.Set {
			w.expr(a.Value)
		}
	case stmt.Delete != nil:
		w.refs(stmt.Delete.From)
		w.expr(stmt.Delete.Where)
	case stmt.Set != nil:
		for _, v := range stmt.Set.Vars {
			w.expr(v.Value)
		}
	case stmt.Inner != nil:
		w.statement(stmt.Inner)
	}
}

func (w *factorWalk) query(q *sqltext.Query) {
	if q == nil {
		return
	}
	if q.With != nil {
		for i := range q.With.CTEs {
			w.query(q.With.CTEs[i].Query)
		}
	}
	w.query(q.Left)
	w.query(q.Right)
	for _, o := range q.Order {
		w.expr(o.Expr)
	}
	sel := q.Select
	if sel == nil {
		return
	}
	for i := range sel.Items {
		w.expr(sel.Items[i].Expr)
	}
	w.refs(sel.From)
	w.expr(sel.Where)
	w.expr(sel.Having)
	for _, o := range sel.Group {
		w.expr(o.Expr)
	}
	for _, o := range sel.Order {
		w.expr(o.Expr)
	}
}

func (w *factorWalk) refs(refs []sqltext.TableRef) {
	for i := range refs {
		w.ref(&refs[i])
	}
}

func (w *factorWalk) ref(r *sqltext.TableRef) {
	switch {
	case r.Table != nil:
		w.out = append(w.out, r)
	case r.Derived != nil:
		w.query(r.Derived)
	case r.Join != nil:
		w.ref(&r.Join.Left)
		w.ref(&r.Join.Right)
		w.expr(r.Join.On)
	default:
		w.refs(r.Nested)
	}
}

func (w *factorWalk) exprs(list []sqltext.Expr) {
	for _, e := range list {
		w.expr(e)
	}
}

func (w *factorWalk) expr(e sqltext.Expr) {
	if e == nil {
		return
	}
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		if sub, ok := x.(*sqltext.Subquery); ok {
			w.query(sub.Query)
			return false
		}
		return true
	})
}
