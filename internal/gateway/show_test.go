package gateway

import (
	"fmt"
	"strings"
	"testing"
)

func TestShow(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "showdb")
	c.exec("CREATE TABLE t (id BIGINT AUTO_INCREMENT, k INT COMMENT 'a )\n) b', v VARCHAR(20) DEFAULT '`', PRIMARY KEY (id, k), SHARD KEY (k))")
	c.exec("CREATE TABLE u (id INT PRIMARY KEY)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t (k) VALUES (1),(2),(3)")
	for _, name := range []string{"DATABASES", "SCHEMAS"} {
		got := c.rows("SHOW " + name)
		if !strings.Contains(got, "showdb") || strings.Contains(got, "showdb_") || strings.Contains(got, "orbweaver") || !strings.Contains(got, "mysql") {
			t.Errorf("SHOW %s: %s", name, got)
		}
	}
	c.want("SHOW DATABASES LIKE 'showdb%'", "showdb")
	c.want("SHOW TABLES", "r/t/u")
	c.want("SHOW TABLES FROM showdb LIKE 'u'", "u")
	c.want("SHOW FULL TABLES WHERE Tables_in_showdb = 't'", "t|BASE TABLE")
	c.fails(1049, "SHOW TABLES FROM showdb_0")
	c.fails(1049, "SHOW TABLES FROM nosuch")
	c.fails(1146, "SHOW CREATE TABLE nosuch")
	c.want("SHOW COLUMNS FROM u", "id|int(11)|NO|PRI|NULL|")
	c.want("DESCRIBE u", "id|int(11)|NO|PRI|NULL|")
	c.want("EXPLAIN u", "id|int(11)|NO|PRI|NULL|")
	c.want("DESC showdb.u id", "id|int(11)|NO|PRI|NULL|")
	if got := c.rows("SHOW INDEX FROM t"); !strings.Contains(got, "PRIMARY|1|id") {
		t.Error(got)
	}
	create := c.rows("SHOW CREATE TABLE t")
	c.exec("CREATE TABLE dumped (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=40")
	c.exec("INSERT INTO dumped () VALUES ()")
	if got := c.rows("SHOW CREATE TABLE dumped"); strings.Count(got, " AUTO_INCREMENT=") != 1 || strings.Contains(got, "AUTO_INCREMENT=40 ") {
		t.Error(got)
	}
	c.exec("DROP TABLE dumped")
	if !strings.Contains(create, "PRIMARY KEY (`id`,`k`) /*!999999 SHARD KEY (`k`) */\n) ENGINE=InnoDB AUTO_INCREMENT=") {
		t.Error(create)
	}
	reference := c.rows("SHOW CREATE TABLE r")
	if !strings.Contains(reference, "CREATE /*!999999 REFERENCE */ TABLE `r`") {
		t.Error(reference)
	}
	// What is printed makes the same tables again.
	for _, text := range []string{create, reference} {
		_, text, _ = strings.Cut(text, "|")
		name := strings.Split(text, "`")[1]
		c.exec("DROP TABLE " + name)
		c.exec(text)
		if again := c.rows("SHOW CREATE TABLE " + name); !strings.Contains(again, "SHARD KEY (`k`)") && !strings.Contains(again, "REFERENCE") {
			t.Error(again)
		}
	}
	c.want("SELECT @@version = '"+b.g.version+"', VERSION() LIKE '%MariaDB%'", "1|1")
	if got := c.rows("SHOW VARIABLES LIKE 'sql_mode'"); !strings.HasPrefix(got, "sql_mode|") {
		t.Error(got)
	}
	c.exec("SET sql_mode=''")
	c.want("SHOW SESSION VARIABLES LIKE 'sql_mode'", "sql_mode|")
	if got := c.rows("SHOW STATUS LIKE 'Uptime'"); !strings.HasPrefix(got, "Uptime|") {
		t.Error(got)
	}
	for _, q := range []string{"SHOW ENGINES", "SHOW CHARACTER SET", "SHOW COLLATION", "SHOW PRIVILEGES", "SHOW PLUGINS", "SHOW TABLE STATUS", "SHOW OPEN TABLES",
		"SHOW TRIGGERS", "SHOW EVENTS", "SHOW PROCEDURE STATUS", "SHOW FUNCTION STATUS", "SHOW GRANTS", "SHOW CREATE DATABASE showdb", "SHOW INDEX FROM r FROM showdb"} {
		if _, err := c.query(q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	for _, q := range []string{"SHOW MASTER STATUS", "SHOW SLAVE STATUS", "SHOW ALL SLAVES STATUS", "SHOW BINLOG EVENTS", "SHOW GRANTS FOR PUBLIC"} {
		c.want(q, "")
	}
	c.fails(1381, "SHOW BINARY LOGS")
	n := b.root(t, "")
	n.fails(1046, "SHOW TABLES")
	n.fails(1046, "SELECT * FROM t")
}

func TestShowWarnings(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "warndb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v TINYINT)")
	c.exec("SET sql_mode=''")
	c.exec("INSERT INTO t VALUES (1, 1000)")
	c.want("SHOW WARNINGS", "Warning|1264|Out of range value for column 'v' at row 1")
	c.want("SHOW COUNT(*) WARNINGS", "1")
	c.want("SELECT @@warning_count", "1")
	c.want("SHOW WARNINGS", "Warning|1264|Out of range value for column 'v' at row 1")
	c.want("SELECT 1/0 FROM t WHERE id = 1", "NULL")
	c.want("SHOW WARNINGS", "")
	c.exec("DROP TABLE IF EXISTS nosuch")
	if got := c.rows("SHOW WARNINGS"); !strings.Contains(got, "1051") {
		t.Errorf("after DROP TABLE IF EXISTS: %q", got)
	}
	c.fails(1146, "SELECT * FROM nosuch")
	c.want("SHOW WARNINGS", "Error|1146|Table 'warndb.nosuch' doesn't exist")
	c.want("SHOW ERRORS", "Error|1146|Table 'warndb.nosuch' doesn't exist")
	c.want("SHOW COUNT(*) ERRORS", "1")
	c.want("SHOW WARNINGS LIMIT 0", "")
	c.exec("INSERT INTO t VALUES (2, 1000),(3,1000),(4,1000),(5,1000)")
	c.want("SHOW COUNT(*) WARNINGS", "4")
	c.want("SHOW WARNINGS LIMIT 4, 1", "")
	if got := c.rows("SHOW WARNINGS LIMIT 2, 1"); !strings.HasPrefix(got, "Warning|1264|Out of range value for column 'v' at row ") || strings.Contains(got, "/") {
		t.Error(got)
	}
}

func TestShowCluster(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "cldb")
	leaves := c.rows("SHOW LEAVES")
	for _, l := range b.farm.Leaves() {
		if !strings.Contains(leaves, fmt.Sprintf("127.0.0.1|%d|%d|127.0.0.1|", l.Port, l.Group)) {
			t.Errorf("%s is not in %s", l.Name, leaves)
		}
	}
	if !strings.Contains(leaves, "|online|") {
		t.Error(leaves)
	}
	if got := c.rows("SHOW PARTITIONS"); strings.Count(got, "|Master|0") != 4 || !strings.HasPrefix(got, "0|127.0.0.1|") {
		t.Error(got)
	}
	if x, y := c.rows("SHOW PARTITIONS ON cldb"), c.rows("SHOW PARTITIONS ON `cldb`"); x != y || x == "" {
		t.Error(x, y)
	}
	c.fails(1049, "SHOW PARTITIONS ON nosuch")
	if got := c.rows("SHOW AGGREGATORS"); !strings.HasPrefix(got, "127.0.0.1|3306|online|") {
		t.Error(got)
	}
	got := c.rows("SHOW CLUSTER STATUS")
	if !strings.Contains(got, "|cldb_3|Master|online|") || !strings.Contains(got, "|cldb|Reference|online|") {
		t.Error(got)
	}
	if got := c.rows("SHOW PROCESSLIST"); !strings.Contains(got, "|cldb|Query|") || !strings.Contains(got, "SHOW PROCESSLIST") {
		t.Error(got)
	}
	b.account(t, "'plist'@'%'", "IDENTIFIED BY 'p'")
	p := b.as(t, "plist", "p", "")
	if got := p.rows("SHOW FULL PROCESSLIST"); strings.Contains(got, "root") || !strings.Contains(got, "|plist|") {
		t.Errorf("an account without PROCESS sees %s", got)
	}
}

func TestInformationSchema(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "isdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.want("SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME = 't' AND TABLE_SCHEMA LIKE 'isdb%'", "isdb|t")
	c.want("SELECT t.TABLE_SCHEMA FROM information_schema.tables AS t JOIN information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME) WHERE c.COLUMN_NAME = 'v' AND t.TABLE_SCHEMA LIKE 'isdb%'", "isdb")
	c.want("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME LIKE 'isdb%' OR SCHEMA_NAME = 'orbweaver'", "isdb")
	c.want("SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA LIKE 'isdb%'", "1")
	c.want("SELECT (SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA LIKE 'isdb%')", "2")
	c.want("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE ?", "1", "isdb%")
	// What looks like the node's own filter is none.
	c.want("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('x') AND SCHEMA_NAME LIKE 'isdb%'", "isdb")
	for q, names := range map[string]string{
		"SELECT table_name, tables.Table_Type FROM information_schema.tables WHERE table_schema = 'isdb' ORDER BY tables.table_name":                            "table_name,Table_Type",
		"SELECT constraint_name, COUNT(*) FROM information_schema.table_constraints WHERE table_schema = 'isdb' GROUP BY constraint_name":                       "constraint_name,COUNT(*)",
		"SELECT c.Column_Name, c.data_type AS t, UPPER(c.column_name) FROM information_schema.columns c WHERE c.table_schema = 'isdb' HAVING column_name = 'v'": "Column_Name,t,UPPER(c.column_name)",
	} {
		if got := c.columns(q); got != names {
			t.Errorf("%s: its columns are %s", q, got)
		}
	}
	c.exec("USE information_schema")
	c.want("SELECT SCHEMA_NAME FROM schemata WHERE SCHEMA_NAME LIKE 'isdb%'", "isdb")
	c.want("SELECT schemata.SCHEMA_NAME FROM schemata WHERE SCHEMA_NAME LIKE 'isdb%'", "isdb")
}

func TestHiddenNames(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "hiddb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	for _, q := range []string{
		"SELECT * FROM hiddb_0.t", "INSERT INTO hiddb_0.t VALUES (1,1)", "DELETE FROM hiddb_1.t", "DROP TABLE hiddb_0.t", "USE hiddb_0",
		"SELECT * FROM t JOIN hiddb_0.t x USING (id)", "DROP DATABASE hiddb_0", "SELECT (SELECT COUNT(*) FROM hiddb_2.t)", "CHECK TABLE hiddb_0.t",
		"SHOW COLUMNS FROM hiddb_0.t", "SHOW CREATE TABLE hiddb_0.t", "SELECT * FROM orbweaver.accounts", "DROP DATABASE orbweaver",
		"CREATE TABLE hiddb_0.x (id INT PRIMARY KEY)", "LOCK TABLES hiddb_0.t READ", "ALTER DATABASE hiddb_0 CHARACTER SET latin1", "DESCRIBE hiddb_0.t",
		"SHOW CREATE DATABASE hiddb_0",
	} {
		c.fails(1049, q)
	}
}

func TestExplain(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "expdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	if got := c.rows("EXPLAIN SELECT * FROM t WHERE id = 5"); !strings.HasPrefix(got, "Forward|expdb:") || !strings.HasSuffix(got, "|SELECT * FROM t WHERE id = 5") || strings.Contains(got, "NULL") {
		t.Error(got)
	}
	if got := c.rows("EXPLAIN SELECT COUNT(*) FROM t"); strings.Count(got, "Merge|expdb:") != 4 {
		t.Error(got)
	}
	if got := c.rows("EXPLAIN UPDATE t SET v = 1"); strings.Count(got, "Spread|expdb:") != 4 {
		t.Error(got)
	}
	if got := c.rows("EXPLAIN EXTENDED SELECT * FROM t WHERE id = 5"); !strings.HasPrefix(got, "1|") {
		t.Error(got)
	}
	if got := c.rows("EXPLAIN FORMAT=JSON SELECT * FROM t"); !strings.Contains(got, "query_block") {
		t.Error(got)
	}
	if got := c.rows("ANALYZE SELECT * FROM t WHERE id = 5"); !strings.HasPrefix(got, "1|") {
		t.Error(got)
	}
	c.fails(1235, "ANALYZE UPDATE t SET v = 1")
	c.fails(1146, "EXPLAIN SELECT * FROM nosuch")
}

// While databases come and go nobody sees their partitions', wherever the leaves are with that.
func TestShowDatabasesWhileTheyComeAndGo(t *testing.T) {
	b := cluster(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c := b.root(t, "")
		for range 4 {
			c.exec("CREATE DATABASE comesgoes PARTITIONS 3")
			c.exec("CREATE TABLE comesgoes.t (id INT PRIMARY KEY)")
			c.exec("DROP DATABASE comesgoes")
		}
	}()
	c := b.root(t, "")
	for looks := 0; ; looks++ {
		select {
		case <-done:
			t.Logf("looked %d times", looks)
			return
		default:
		}
		for _, q := range []string{"SHOW DATABASES LIKE 'comesgoes\\_%'", "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'comesgoes\\_%'"} {
			if got := c.rows(q); got != "" {
				t.Errorf("%s: %s", q, got)
			}
		}
	}
}
