package gateway

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// erNoProcedure is MariaDB's.
const erNoProcedure = 1305

// ownSchema is the cluster's own database on every leaf, which clients do not see.
const ownSchema = "orbweaver"

// visible refuses names that are on the leaves but not the clients' to know: the partitions' databases and the cluster's own.
func (s *session) visible(scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) error {
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
	if stmt.Kind == sqltext.KindCall {
		// What nodes call there is everybody's, and would leave the connection in another GTID domain than the node takes it to be in.
		for i := 0; i+2 < len(scan.Tokens); i++ {
			if scan.Tokens[i+1].Op != '.' {
				continue
			}
			if db := nameAt(scan, int32(i), s.mode()); hidden(snap, db) {
				return &wire.ServerError{Code: erNoProcedure, State: "42000", Message: "PROCEDURE " + db + "." + nameAt(scan, int32(i)+2, s.mode()) + " does not exist"}
			}
		}
	}
	return nil
}

// hidden says whether a database is the leaves' business alone.
func hidden(snap *topo.Snapshot, db string) bool {
	if db == "" {
		return false
	}
	_, partition := snap.Schemas[db]
	return partition || isOwn(db)
}

// isOwn says whether a database is the cluster's own.
func isOwn(db string) bool { return db == ownSchema || db == topo.CheckedSchema }

// schemaColumns are the columns of information_schema by which rows belong to databases, the deciding one first.
var schemaColumns = []string{
	"TABLE_SCHEMA", "SCHEMA_NAME", "ROUTINE_SCHEMA", "EVENT_SCHEMA", "TRIGGER_SCHEMA", "CONSTRAINT_SCHEMA", "SPECIFIC_SCHEMA", "INDEX_SCHEMA",
	"DATABASE_NAME", "F_TABLE_SCHEMA", "DB",
}

// storedNames are tables in which a column has a database's name within another: an expression for it.
var storedNames = map[string]string{
	"INNODB_SYS_TABLES":             "SUBSTRING_INDEX(NAME, '/', 1)",
	"INNODB_SYS_TABLESTATS":         "SUBSTRING_INDEX(NAME, '/', 1)",
	"INNODB_SYS_TABLESPACES":        "SUBSTRING_INDEX(COALESCE(NAME, ''), '/', 1)",
	"INNODB_TABLESPACES_ENCRYPTION": "SUBSTRING_INDEX(COALESCE(NAME, ''), '/', 1)",
	"INNODB_SYS_FOREIGN":            "SUBSTRING_INDEX(FOR_NAME, '/', 1)",
	"INNODB_SYS_FOREIGN_COLS":       "SUBSTRING_INDEX(ID, '/', 1)",
	"INNODB_BUFFER_PAGE":            "REPLACE(SUBSTRING_INDEX(COALESCE(TABLE_NAME, ''), '.', 1), '`', '')",
	"INNODB_BUFFER_PAGE_LRU":        "REPLACE(SUBSTRING_INDEX(COALESCE(TABLE_NAME, ''), '.', 1), '`', '')",
	"INNODB_LOCKS":                  "REPLACE(SUBSTRING_INDEX(lock_table, '.', 1), '`', '')",
}

// mysqlNames are the tables of the schema mysql that tell of databases, and by which column.
var mysqlNames = map[string]string{
	"db": "REPLACE(Db, CHAR(92), '')", "tables_priv": "Db", "columns_priv": "Db", "procs_priv": "Db", "table_stats": "db_name", "column_stats": "db_name", "index_stats": "db_name",
	"innodb_table_stats": "database_name", "innodb_index_stats": "database_name", "user": mysqlAccounts, "global_priv": mysqlAccounts,
}

// mysqlAccounts is the column by which tables tell of accounts.
const mysqlAccounts = "User"

// grantedAccounts is an expression for the same in information_schema.
const grantedAccounts = "REPLACE(SUBSTRING_INDEX(GRANTEE, '@', 1), CHAR(39), '')"

// ownAccounts are the cluster's, which clients do not see.
var ownAccounts = []string{clusterUser, mariadb.Replicator}

// ownAccountList is the same as SQL strings.
func ownAccountList() string {
	quoted := make([]string, len(ownAccounts))
	for i, name := range ownAccounts {
		quoted[i] = stringLiteral(name)
	}
	return strings.Join(quoted, ",")
}

// mysqlFiltered is the name of such a table with its schema's; "" for other tables.
func (s *session) mysqlFiltered(t *sqltext.TableName) string {
	if t.CTE || t.DB.Text != mysqlSchema && (t.DB.Tok >= 0 || s.sess.DB != mysqlSchema) || mysqlNames[t.Name.Text] == "" {
		return ""
	}
	return mysqlSchema + "." + t.Name.Text
}

// loadInfoSchema learns which tables of information_schema tell of databases, and by which column, and the columns of those that tell of rows.
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
	for table, name := range storedNames {
		if m[table] == "" {
			m[table] = name
		}
	}
	m["SCHEMA_PRIVILEGES"], m["USER_PRIVILEGES"] = "REPLACE(TABLE_SCHEMA, CHAR(92), '')", grantedAccounts
	g.infoSchema = m
	res, err = c.Query(ctx, "SELECT TABLE_NAME, COLUMN_NAME, IS_NULLABLE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='information_schema' AND "+
		"TABLE_NAME IN ('"+strings.Join(append(slices.Sorted(maps.Keys(tallied)), eventsTable), "','")+"') ORDER BY TABLE_NAME, ORDINAL_POSITION")
	if err != nil {
		return err
	}
	g.columns, g.notNull = map[string][]string{}, map[string][]string{}
	for _, row := range res.Rows {
		table, column := string(row[0]), string(row[1])
		g.columns[table] = append(g.columns[table], column)
		if string(row[2]) == "NO" {
			g.notNull[table] = append(g.notNull[table], column)
		}
	}
	if res, err = c.Query(ctx, "SHOW TABLE STATUS FROM mysql LIKE ''"); err != nil {
		return err
	}
	g.status = res.Columns
	return g.loadPlaceVariables(ctx, c)
}

// hiddenList is the databases that clients do not see, as SQL strings.
func hiddenList(snap *topo.Snapshot, more ...string) string {
	var b strings.Builder
	b.WriteString(stringLiteral(ownSchema) + "," + stringLiteral(topo.CheckedSchema))
	for _, name := range append(slices.Sorted(maps.Keys(snap.Schemas)), more...) {
		b.WriteString(",")
		b.WriteString(stringLiteral(name))
	}
	return b.String()
}
