package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// described is a query's columns with their types.
func (c *client) described(q string) string {
	c.t.Helper()
	rows, err := c.c.QueryContext(timeout(c.t), q)
	if err != nil {
		c.t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for _, col := range types {
		out = append(out, col.Name()+" "+col.DatabaseTypeName())
	}
	return strings.Join(out, ", ")
}

// Spider's tables have Spider's columns, and mysql.spider_tables its rows.
func TestSpiderTables(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	ours, theirs := b.database(t, "sptab"), spiderClient(t)
	theirs.exec("CREATE DATABASE sptab")
	theirs.exec("USE sptab")
	for _, c := range []*client{ours, theirs} {
		c.exec("CREATE SERVER s1 FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', USER 'u', PASSWORD 'secret', DATABASE 'old', PORT 1)")
		c.exec(`CREATE TABLE a (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='wrapper "mysql", srv "s1", table "r", prt "5"'`)
		c.exec(`CREATE TABLE b (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host "127.0.0.1", port "1", user "u", password "secret", database "d", lst "1", sca "/ca", svc "1"'`)
	}
	for _, q := range []string{
		"SELECT * FROM mysql.spider_tables", "SELECT * FROM mysql.spider_link_mon_servers", "SELECT * FROM mysql.spider_link_failed_log", "SELECT * FROM mysql.spider_xa",
		"SELECT * FROM mysql.spider_xa_member", "SELECT * FROM mysql.spider_xa_failed_log", "SELECT * FROM mysql.spider_table_sts", "SELECT * FROM mysql.spider_table_crd",
		"SELECT * FROM mysql.spider_table_position_for_recovery",
	} {
		if our, their := ours.described(q), theirs.described(q); our != their {
			t.Errorf("%s: we have\n%s, Spider has\n%s", q, our, their)
		}
		if !strings.HasSuffix(q, "spider_tables") && !strings.HasSuffix(q, "xa_failed_log") { // other tests may have lost a server
			ours.want(q, "")
		}
	}
	for _, q := range []string{
		"SELECT db_name, table_name, link_id, priority, server, scheme, host, port, socket, username, IF(password IS NULL, NULL, '***'), ssl_ca, ssl_verify_server_cert, " +
			"tgt_db_name, tgt_table_name, link_status, block_status, static_link_id FROM mysql.spider_tables ORDER BY table_name",
		"SELECT spider_tables.table_name FROM mysql.spider_tables WHERE mysql.spider_tables.server = 's1'",
		"SELECT COUNT(*) FROM mysql.spider_tables AS x LEFT JOIN mysql.spider_link_failed_log l ON l.table_name = x.table_name WHERE l.link_id IS NULL",
	} {
		ours.want(q, theirs.rows(q))
	}
	if got := ours.rows("SELECT * FROM mysql.spider_tables"); strings.Contains(got, "secret") || !strings.Contains(got, masked) {
		t.Error(got)
	}
	ours.exec("USE mysql")
	ours.want("SELECT table_name FROM spider_tables WHERE table_name = ? AND link_id = ?", "b", "b", 0)
	ours.exec("USE sptab")
	for _, q := range []string{
		"INSERT INTO mysql.spider_link_mon_servers (sid) SELECT link_id FROM mysql.spider_tables", "UPDATE mysql.spider_tables SET link_status = 1",
		"DELETE FROM mysql.spider_xa", "DELETE x FROM mysql.spider_tables AS x", "TRUNCATE mysql.spider_link_failed_log", "DROP TABLE mysql.spider_tables",
		"REPLACE INTO mysql.spider_tables SET db_name = 'x'",
	} {
		if m := ours.fails(1235, q); !strings.Contains(m, "mysql.spider_") {
			t.Error(m)
		}
	}
	ours.exec("DROP TABLE a")
	ours.want("SELECT table_name FROM mysql.spider_tables WHERE db_name = 'sptab'", "b")
	// MariaDB's rights on the schema mysql decide.
	ours.exec("CREATE OR REPLACE USER tabs@'%' IDENTIFIED BY 'x'")
	defer ours.exec("DROP USER tabs@'%'")
	c := b.as(t, "tabs", "x", "")
	c.fails(1142, "SELECT * FROM mysql.spider_tables")
	c.fails(1142, "SELECT * FROM mysql.spider_xa")
	ours.exec("GRANT SELECT ON mysql.* TO tabs@'%'")
	b.as(t, "tabs", "x", "").want("SELECT table_name FROM mysql.spider_tables WHERE db_name = 'sptab'", "b")
}

func TestSpiderTableRowsOfPlaces(t *testing.T) {
	b := topo.NewBuilder(nil)
	b.PutDatabase(&topo.Database{Name: "d"})
	b.PutTable(&topo.Table{DB: "d", Name: "t", Kind: topo.Linked, Places: []topo.LinkPlace{
		{Partition: "p0", Count: 2, Params: map[string][]string{"server": {"a", "b"}, "table": {"r"}}, Passwords: [][]byte{[]byte("sealed"), {}}},
		{Partition: "p1", Subpartition: "s1", Count: 1, Params: map[string][]string{"link_status": {"0"}}},
	}})
	var got []string
	for _, row := range spiderTableRows(b.Build(1)) {
		if len(row) != len(systemTables["mysql.spider_tables"].cols) {
			t.Fatal(row)
		}
		got = append(got, fmt.Sprint(row[1], row[2], row[4], row[10], row[24], row[25]))
	}
	if want := "t#P#p00a***r1,t#P#p01br1,t#P#p1#SP#s10<nil><nil><nil>1"; strings.ReplaceAll(strings.Join(got, ","), " ", "") != want {
		t.Error(got)
	}
}
