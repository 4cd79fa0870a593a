package gateway

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// twoLinks makes a database fed with tables that have a link to each of two servers.
func twoLinks(t *testing.T) (b *bench, c *client, one, two *remoteServer) {
	t.Helper()
	b = cluster(t)
	b.dropServers(t)
	one, two = newRemote(t), newRemote(t)
	c = b.database(t, "fed")
	c.exec(one.server("one"))
	c.exec(two.server("two"))
	return b, c, one, two
}

// sameAtBoth wants the same rows of a remote table at both servers.
func sameAtBoth(t *testing.T, one, two *remoteServer, table string) {
	t.Helper()
	q := "SELECT * FROM old.`" + table + "`"
	if a, b := orderless(one.rows(q)), orderless(two.rows(q)); a != b {
		t.Errorf("%s: the first server has %s\nthe second one %s", table, a, b)
	}
}

// What is written to a table with two links is at both servers, to the last generated value; the first one is read.
func TestSeveralLinks(t *testing.T) {
	_, c, one, two := twoLinks(t)
	const columns = "(id INT AUTO_INCREMENT PRIMARY KEY, v INT, at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), s VARCHAR(20) DEFAULT 'x')"
	for _, r := range []*remoteServer{one, two} {
		r.exec("CREATE TABLE old.t " + columns)
		r.exec("CREATE TABLE old.u (id INT PRIMARY KEY, v INT)")
	}
	one.exec("SET GLOBAL auto_increment_increment = 3")
	one.exec("KILL USER " + linkUser)
	c.exec("CREATE TABLE t " + columns + ` ENGINE=SPIDER COMMENT='srv "one two"'`)
	c.exec(`CREATE TABLE u (id INT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='srv "two one"'`)
	c.exec(`CREATE TABLE alone (id INT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='srv "one", tbl "u"'`)
	c.want("SHOW WARNINGS", "")
	c.want("SELECT table_name, link_id, server, link_status FROM mysql.spider_tables WHERE db_name = 'fed' AND table_name <> 'alone' ORDER BY 1, 2", "t|0|one|1/t|1|two|1/u|0|two|1/u|1|one|1")
	c.exec("INSERT INTO t (v) VALUES (1), (2), (3)")
	c.want("SELECT LAST_INSERT_ID(), COUNT(*) FROM t WHERE id >= LAST_INSERT_ID()", fmt.Sprint(one.rows("SELECT MIN(id) FROM old.t"), "|3"))
	c.exec("INSERT INTO t VALUES (0, 4, NOW(6), 'a'), (100, 5, DEFAULT, 'b')")
	c.exec("INSERT INTO t SET v = 6")
	c.exec("REPLACE INTO t (id, v) VALUES (100, 7)")
	c.exec("INSERT INTO t (id, v) VALUES (100, 7) ON DUPLICATE KEY UPDATE v = v + 10, s = CONCAT(s, UNIX_TIMESTAMP(NOW(6)))")
	c.exec("UPDATE t SET s = CURTIME(6) WHERE v < 3")
	c.exec("DELETE FROM t WHERE v = 3")
	c.exec("INSERT IGNORE INTO t (id, v) VALUES (100, 1), (101, 2)")
	c.exec("INSERT INTO u SELECT id, v FROM t")
	c.exec("INSERT INTO t (v) SELECT v + 100 FROM u WHERE v < 5 ORDER BY id")
	c.exec("UPDATE t JOIN u ON t.id = u.id SET t.v = t.v + 1, u.v = u.v + 2")
	c.want("SELECT COUNT(*) FROM t JOIN alone ON t.id = alone.id", one.rows("SELECT COUNT(*) FROM old.t JOIN old.u USING (id)"))
	c.exec("UPDATE t JOIN alone ON t.id = alone.id SET t.v = t.v + 1")
	c.exec("UPDATE t SET s = RAND()")
	c.exec("DELETE FROM t ORDER BY id LIMIT 1")
	sameAtBoth(t, one, two, "t")
	sameAtBoth(t, one, two, "u")
	c.want("CHECKSUM TABLE t, u", strings.ReplaceAll(two.rows("CHECKSUM TABLE old.t, old.u"), "old.", "fed."))
	if n := two.rows("SELECT COUNT(*) FROM old.t"); n == "0" || n != c.rows("SELECT COUNT(*) FROM t") {
		t.Error(n, "rows")
	}

	// Transactions, and statements that fail at the second link, are everywhere or nowhere.
	before := one.rows("SELECT * FROM old.t ORDER BY id")
	for _, end := range []string{"ROLLBACK", "COMMIT"} {
		c.exec("BEGIN")
		c.exec("UPDATE t SET v = 1000 WHERE id = 100")
		c.exec("INSERT INTO t (v) VALUES (1001)")
		c.want("SELECT v FROM t WHERE id = 100", "1000")
		two.want("SELECT COUNT(*) FROM old.t WHERE v >= 1000", "0")
		c.exec(end)
		sameAtBoth(t, one, two, "t")
		if end == "ROLLBACK" && one.rows("SELECT * FROM old.t ORDER BY id") != before {
			t.Error("not rolled back")
		}
	}
	two.exec("INSERT INTO old.t (id, v) VALUES (7777, 0)")
	c.fails(1062, "INSERT INTO t (id, v) VALUES (7776, 0), (7777, 0)")
	one.want("SELECT COUNT(*) FROM old.t WHERE id > 7000", "0")
	c.exec("UPDATE t SET v = 1 WHERE id = 7777")
	if w := c.rows("SHOW WARNINGS"); !strings.Contains(w, "differ: 0 rows were changed at one, and 1 at two") {
		t.Error(w)
	}
	two.exec("DELETE FROM old.t WHERE id = 7777")
	mysql.RegisterReaderHandler("links", func() io.Reader { return strings.NewReader("901\t1\n902\t2\n") })
	c.exec("LOAD DATA LOCAL INFILE 'Reader::links' INTO TABLE u")
	sameAtBoth(t, one, two, "u")
	c.want("SELECT COUNT(*) FROM u WHERE id > 900", "2")
	c.exec("TRUNCATE TABLE t")
	two.want("SELECT COUNT(*) FROM old.t", "0")
}

// A link is taken out of use, filled again from the other one while both are written, and read again.
func TestLinkStatus(t *testing.T) {
	b, c, one, two := twoLinks(t)
	const columns = "(id INT, part VARCHAR(10) COLLATE utf8mb4_general_ci, f FLOAT, b VARBINARY(20), j JSON, d DATETIME(3), bits BIT(9), e ENUM('a','b'), t TIMESTAMP NULL, " +
		"l TEXT CHARACTER SET latin1, PRIMARY KEY (part, id))"
	for _, r := range []*remoteServer{one, two} {
		for _, p := range []string{"p0", "p1"} {
			r.exec("CREATE TABLE old.`t#P#" + p + "` " + columns)
		}
	}
	c.exec("CREATE TABLE t " + columns + ` ENGINE=SPIDER COMMENT='srv "one two", mkd "1"' PARTITION BY LIST (id % 2) (PARTITION p0 VALUES IN (0), PARTITION p1 VALUES IN (1))`)
	row := func(i int) string {
		return fmt.Sprintf(`(%d, 'pärt%d', %d / 3, x'00FF%02x', '{"a": %d}', '2024-01-02 03:04:05.678', %d, 'b', '2024-05-06 07:08:09', 'é"\\\'')`, i, i%7, i, i%256, i, i%512)
	}
	fill := func(from, to int) {
		var rows []string
		for i := from; i < to; i++ {
			rows = append(rows, row(i))
		}
		c.exec("INSERT INTO t VALUES " + strings.Join(rows, ", "))
	}
	fill(0, 1500)
	status := func(want string) {
		t.Helper()
		c.want("SELECT table_name, GROUP_CONCAT(link_status ORDER BY link_id) FROM mysql.spider_tables WHERE db_name = 'fed' GROUP BY table_name ORDER BY table_name", want)
	}
	status("t#P#p0|1,1/t#P#p1|1,1")
	c.exec(`ALTER TABLE t COMMENT='srv "one two", mkd "1", link_status "3 0"'`)
	status("t#P#p0|3,1/t#P#p1|3,1")
	c.exec("ALTER TABLE t ADD COLUMN IF NOT EXISTS id INT") // which says nothing of links
	status("t#P#p0|3,1/t#P#p1|3,1")
	fill(1500, 2500)
	c.exec("DELETE FROM t WHERE id % 10 = 3")
	c.exec("UPDATE t SET f = f + 1 WHERE id % 10 = 4")
	one.want("SELECT COUNT(*) FROM old.`t#P#p0`", "750")
	c.want("SELECT COUNT(*), SUM(id) FROM t", two.rows("SELECT COUNT(*), SUM(id) FROM (SELECT id FROM old.`t#P#p0` UNION ALL SELECT id FROM old.`t#P#p1`) x"))
	c.fails(1235, "SELECT spider_copy_tables('t#P#p0', '1', '0')") // not in RECOVERY
	c.exec(`ALTER TABLE t COMMENT='srv "one two", mkd "1", link_status "2 0"'`)
	status("t#P#p0|2,1/t#P#p1|2,1")
	fill(2500, 2510)
	one.want("SELECT COUNT(*) FROM old.`t#P#p0` WHERE id >= 2500", "5")  // written
	c.want("SELECT COUNT(*) FROM t WHERE id >= 1500 AND id < 1510", "9") // not read

	// Writers go on meanwhile.
	stop, done := make(chan bool), make(chan error)
	go func() {
		w := b.open(t, "root", "", "fed", "")
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			for _, q := range []string{
				fmt.Sprintf("UPDATE t SET f = f * 2, b = 'w' WHERE id = %d", i*37%2600),
				fmt.Sprintf("DELETE FROM t WHERE id = %d", i*53%2600),
				"INSERT IGNORE INTO t VALUES " + row(i*71%2600),
			} {
				if _, err := w.Exec(q); err != nil {
					done <- err
					return
				}
			}
		}
	}()
	c.want("SELECT spider_copy_tables('t#P#p0', '1', '0')", "1")
	c.want("SELECT spider_copy_tables('fed.t#P#p1', '', '0')", "1")
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
	status("t#P#p0|1,1/t#P#p1|1,1")
	sameAtBoth(t, one, two, "t#P#p0")
	sameAtBoth(t, one, two, "t#P#p1")
	one.hear()
	c.rows("SELECT COUNT(*) FROM t")
	if !strings.Contains(one.heard(), "COUNT") {
		t.Error("the first link is not read again")
	}
	c.fails(12514, `ALTER TABLE t COMMENT='srv "one two", mkd "1", link_status "3 2"'`)
	status("t#P#p0|1,1/t#P#p1|1,1")
}

// A link whose server is down is taken out where monitoring_kind says so, and stays in use where it does not.
func TestLinkMonitoring(t *testing.T) {
	_, c, one, two := twoLinks(t)
	for _, r := range []*remoteServer{one, two} {
		r.exec("CREATE TABLE old.t (id INT PRIMARY KEY)")
		r.exec("CREATE TABLE old.u (id INT PRIMARY KEY)")
		r.exec("CREATE TABLE old.w (id INT PRIMARY KEY, v INT)")
	}
	c.exec(`CREATE TABLE t (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "one two", mkd "2", cto "2"'`)
	c.exec(`CREATE TABLE u (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "one two", cto "2"'`)
	c.exec(`CREATE TABLE w (id INT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='srv "one two", mkd "2", cto "2"'`)
	c.exec("CREATE TABLE sharded (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t VALUES (1)")
	c.exec("INSERT INTO u VALUES (1)")
	c.exec("INSERT INTO w VALUES (1, 1), (2, 2)")
	c.exec("INSERT INTO sharded VALUES (1)")
	c.exec("INSERT INTO mysql.spider_link_mon_servers VALUES ('%','%','%',5054,NULL,'mariadb','127.0.0.1',3306,NULL,'u','secret',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL)")
	c.want("SELECT db_name, sid, host, port, password FROM mysql.spider_link_mon_servers", "%|5054|127.0.0.1|3306|***")
	c.exec("UPDATE mysql.spider_link_mon_servers SET host = CONCAT(host, '0'), sid = 7")
	c.want("SELECT sid, host FROM mysql.spider_link_mon_servers", "7|127.0.0.10")
	c.fails(1062, "INSERT INTO mysql.spider_link_mon_servers (db_name, table_name, link_id, sid) VALUES ('%', '%', '%', 7)")
	c.want("SELECT spider_ping_table('./fed/t', '0', 0, 0, '', 1, 1, 1, 0, 0)", "0")
	c.fails(12509, "SELECT spider_ping_table('./fed/t', '0', 0, 0, '', 1, 3, 1, 0, 0)")
	if err := one.farm.Stop(timeout(t), 0); err != nil {
		t.Fatal(err)
	}
	c.want("SELECT spider_ping_table('./fed/t', '0', 0, 0, '', 1, 1, 1, 0, 0)", "-1")
	c.fails(1429, "SELECT * FROM u")
	c.fails(1429, "INSERT INTO u VALUES (2)")
	if m := c.fails(12511, "SELECT * FROM t"); m != "Table 'old.t' get a problem" {
		t.Error(m)
	}
	c.want("SELECT * FROM t", "1")
	c.exec("INSERT INTO t VALUES (2)")
	two.want("SELECT COUNT(*) FROM old.t", "2")
	if m := c.fails(12511, "UPDATE w SET v = 9 WHERE id IN (SELECT id FROM sharded)"); m != "Table 'old.w' get a problem" { // whose rows are found first
		t.Error(m)
	}
	c.exec("UPDATE w SET v = 9 WHERE id IN (SELECT id FROM sharded)")
	two.want("SELECT * FROM old.w", "1|9/2|2")
	c.want("SELECT table_name, link_id, link_status FROM mysql.spider_tables WHERE db_name = 'fed' ORDER BY 1, 2", "t|0|3/t|1|1/u|0|1/u|1|1/w|0|3/w|1|1")
	c.want("SELECT table_name, link_id FROM mysql.spider_link_failed_log WHERE db_name = 'fed' ORDER BY 1", "t|0/w|0")
	if err := two.farm.Stop(timeout(t), 0); err != nil {
		t.Fatal(err)
	}
	c.fails(1429, "SELECT * FROM t") // the last one stays
	c.want("SELECT link_id, link_status FROM mysql.spider_tables WHERE table_name = 't' ORDER BY 1", "0|3/1|1")
	c.exec("DELETE FROM mysql.spider_link_failed_log WHERE link_id = 0 AND db_name = 'fed'")
	c.want("SELECT COUNT(*) FROM mysql.spider_link_failed_log", "0")
	c.exec("DELETE FROM mysql.spider_link_mon_servers")
	c.want("SELECT COUNT(*) FROM mysql.spider_link_mon_servers", "0")
}
