package gateway

import (
	"strings"
	"testing"
)

// What is written to a reference table is the same at every leaf, whatever it is made of, and meets others at the first one.
func TestReferenceWritesAlike(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "refalike")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v VARCHAR(100), n DOUBLE, at TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))")
	c.exec("CREATE TABLE s (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO s SELECT seq, seq % 7 FROM seq_1_to_50")
	alike := func() string {
		t.Helper()
		const q = "SELECT * FROM refalike.r ORDER BY id"
		first, second := b.leaf(t, 0, q), b.leaf(t, 1, q)
		if first != second || first == "" {
			t.Errorf("%.500s\nother than\n%.500s", first, second)
		}
		return first
	}
	c.exec("INSERT INTO r (id, v, n) VALUES (1, UUID(), RAND()), (2, CONCAT(?, UUID()), NULL), (3, HEX(RANDOM_BYTES(?)), RAND() * 100)", "x", 6)
	c.exec("INSERT INTO r (id, v, n) SELECT seq, UUID(), RAND() FROM seq_4_to_30")
	c.exec("REPLACE INTO r SET id = 3, v = UUID(), n = UNIX_TIMESTAMP(SYSDATE(6))")
	before := alike()
	for _, q := range []string{
		"INSERT INTO r (id, v, n) VALUES (31, CONCAT(id, ' ', UUID()), (SELECT MAX(o.id) FROM r o) + RAND()), (32, IF(id > 5, UUID(), 'x'), id)",
		"INSERT INTO r (id, v) VALUES (31, UUID()) ON DUPLICATE KEY UPDATE v = CONCAT(UUID(), VALUES(v)), n = r.n + RAND()",
		"INSERT INTO r SET id = 32, n = id + RAND() ON DUPLICATE KEY UPDATE v = CASE WHEN n > 1 THEN UUID() END",
		"UPDATE r SET v = UUID(), n = n + RAND() WHERE id < 10",
		"UPDATE r SET n = 0 WHERE RAND() < 0.5",
		"UPDATE r SET v = 'few' ORDER BY RAND() LIMIT 5",
		"UPDATE r SET v = 'some' LIMIT 3",
		"UPDATE r JOIN s ON s.v = r.id SET r.n = s.id + RAND()",
		"UPDATE r SET v = (SELECT MAX(id) FROM s WHERE s.v = r.id) WHERE id IN (SELECT v FROM s)",
		"DELETE FROM r WHERE id > 20 AND id IN (SELECT id FROM s) ORDER BY RAND() LIMIT 2",
		"INSERT INTO r (id, v) VALUES (91, (SELECT MAX(id) FROM s) + RAND())",
		"UPDATE r JOIN s ON s.v = r.id SET r.n = 91, s.v = s.v + 1",
		"DELETE FROM r WHERE RAND() < 0.2 LIMIT 4",
	} {
		c.exec(q)
		now := alike()
		if q != "DELETE FROM r WHERE RAND() < 0.2 LIMIT 4" && q != "UPDATE r SET n = 0 WHERE RAND() < 0.5" && now == before {
			t.Errorf("%s has changed nothing", q)
		}
		before = now
	}
	for _, q := range []string{
		"INSERT INTO r (id, n) VALUES (90, RAND(id))", "INSERT INTO r (id) VALUES (1), (2) ON DUPLICATE KEY UPDATE v = UUID()", "INSERT INTO r (id, n) VALUES (91, (SELECT MAX(n + RAND()) FROM r o))",
	} {
		c.fails(1235, q)
	}
	for _, q := range []string{"SET STATEMENT lock_wait_timeout = 5 FOR UPDATE r SET v = NOW(6)", "SET STATEMENT lock_wait_timeout = 5 FOR REPLACE INTO r (id, v) VALUES (?, CURTIME(6))",
		"SET STATEMENT lock_wait_timeout = 5 FOR INSERT INTO r (id) SELECT seq FROM seq_1000_to_1003", "SET STATEMENT `timestamp` = 5.5 FOR UPDATE r SET n = UNIX_TIMESTAMP(NOW(6)) WHERE id < 5"} {
		var args []any
		if strings.Contains(q, "?") {
			args = append(args, 40)
		}
		c.exec(q, args...)
		alike()
	}
	c.want("SELECT DISTINCT n FROM r WHERE id < 5", "5.5")
	c.exec("DELETE FROM r WHERE id >= 1000")
	before = alike()
	c.exec("SET STATEMENT lock_wait_timeout = 5 FOR INSERT INTO s (id, v) SELECT seq, 0 FROM seq_1000_to_1030")
	c.exec("SET STATEMENT lock_wait_timeout = 5 FOR UPDATE s SET v = MICROSECOND(NOW(6)) WHERE id >= 1000")
	c.want("SELECT COUNT(DISTINCT v) FROM s WHERE id >= 1000", "1")
	c.exec("DELETE FROM s WHERE id >= 1000")
	other := b.root(t, "refalike")
	other.exec("SET innodb_lock_wait_timeout = 1")
	c.exec("BEGIN")
	c.exec("UPDATE r SET v = UUID() ORDER BY id LIMIT 1")
	other.fails(1205, "UPDATE r SET v = UUID() ORDER BY id LIMIT 1")
	c.exec("ROLLBACK")
	if alike() != before {
		t.Error("what was rolled back is there")
	}
	// A change that MariaDB takes and the cluster does not leaves the rows alone.
	c.exec("CREATE REFERENCE TABLE p (id INT PRIMARY KEY)")
	for _, q := range []string{"ALTER TABLE r ENGINE=MRG_MyISAM", "ALTER TABLE r ADD COLUMN x INT, ENGINE=MRG_MyISAM"} {
		c.fails(1235, q)
		if alike() != before {
			t.Fatalf("%s has changed rows", q)
		}
	}
	if m := c.fails(1091, "ALTER TABLE r DROP COLUMN nope"); strings.Contains(m, "try") {
		t.Error(m)
	}
	c.exec("ALTER TABLE r ADD COLUMN p INT, ADD CONSTRAINT fp FOREIGN KEY (p) REFERENCES p (id)")
	c.fails(1235, "ALTER TABLE r DROP FOREIGN KEY fp, ADD COLUMN x INT")
	c.exec("ALTER TABLE r DROP FOREIGN KEY fp")
	c.exec("ALTER TABLE r DROP COLUMN p")
	if alike() != before {
		t.Error("a column that came and went has changed rows")
	}
	c.want("SHOW TABLES", "p/r/s")
	// What each leaf would fill in by itself.
	c.fails(1235, "CREATE REFERENCE TABLE u (id INT PRIMARY KEY, u VARCHAR(40) DEFAULT (UUID()))")
	c.fails(1235, "ALTER TABLE r ADD COLUMN x DOUBLE DEFAULT (1 + RAND())")
	c.exec("ALTER TABLE r ADD COLUMN made DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6), ADD COLUMN u VARCHAR(40) DEFAULT 'uuid()'")
	alike()
	c.want("SELECT COUNT(DISTINCT made), MAX(made) > NOW() - INTERVAL 1 HOUR, MIN(u) FROM r", "1|1|uuid()")
}
