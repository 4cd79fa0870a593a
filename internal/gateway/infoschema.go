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

// hiddenList is the databases that clients do not see, as SQL strings.
func hiddenList(snap *topo.Snapshot, more ...string) string {
	var b strings.Builder
	b.WriteString(stringLiteral(ownSchema))
	for _, name := range append(slices.Sorted(maps.Keys(snap.Schemas)), more...) {
		b.WriteString(",")
		b.WriteString(stringLiteral(name))
	}
	return b.String()
}
