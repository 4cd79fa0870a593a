package gateway

import (
	"io"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Whoever asks a sequence needs the right on it that MariaDB asks for, and LASTVAL is each session's own, whichever connections statements have.
func TestSequences(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "seqdb")
	c.exec("CREATE SEQUENCE s NOCACHE")
	c.exec("CREATE TABLE t (id BIGINT NOT NULL DEFAULT NEXTVAL(s), v INT, PRIMARY KEY (id))")
	c.exec("CREATE REFERENCE TABLE r (id BIGINT NOT NULL DEFAULT NEXTVAL(s), v INT, PRIMARY KEY (id))")
	b.account(t, "'seqnone'@'%'", "IDENTIFIED BY 'k'")
	b.account(t, "'seqsome'@'%'", "IDENTIFIED BY 'k'")
	for _, q := range []string{"GRANT SELECT, INSERT ON seqdb.t TO 'seqnone'@'%'", "GRANT SELECT, INSERT ON seqdb.t TO 'seqsome'@'%'", "GRANT SELECT, INSERT ON seqdb.s TO 'seqsome'@'%'"} {
		c.exec(q)
	}
	none, some := b.as(t, "seqnone", "k", "seqdb"), b.as(t, "seqsome", "k", "seqdb")
	for _, q := range []string{"SELECT NEXTVAL(s)", "INSERT INTO t (v) VALUES (1)", "SELECT SETVAL(s, 100)", "DO NEXTVAL(s)"} {
		if msg := none.fails(1142, q); strings.Contains(msg, "seqdb_") {
			t.Error(msg)
		}
	}
	some.want("SELECT NEXTVAL(s)", "1")
	some.exec("INSERT INTO t (v) VALUES (1), (2)")
	c.want("SELECT LASTVAL(s)", "NULL")
	some.want("SELECT LASTVAL(s)", "3")
	some.fails(1142, "DROP SEQUENCE s")
	some.fails(1142, "ALTER SEQUENCE s RESTART")
	c.exec("BEGIN")
	c.exec("INSERT INTO t VALUES (NEXTVAL(s), 3), (DEFAULT, LASTVAL(s))")
	c.exec("INSERT INTO r (v) VALUES (1), (2)")
	c.exec("ROLLBACK")
	c.want("SELECT LASTVAL(s), NEXTVAL(s)", "7|8")
	some.want("SELECT LASTVAL(s)", "3")
	some.want("SELECT IF(0, NEXTVAL(s), 'none')", "none")
	some.want("SELECT LASTVAL(s)", "3")
	// Locks of the table are no locks of the sequence.
	c.exec("LOCK TABLES t WRITE")
	c.exec("INSERT INTO t (v) VALUES (4)")
	c.exec("UNLOCK TABLES")
	c.exec("LOCK TABLES s WRITE, t WRITE")
	c.exec("INSERT INTO t (v) VALUES (5), (6)")
	c.want("SELECT NEXTVAL(s)", "12")
	c.exec("UNLOCK TABLES")
	c.exec("INSERT INTO r (v) VALUES (1), (2)")
	c.want("SELECT * FROM r ORDER BY id", "13|1/14|2")
	c.want("SELECT * FROM t ORDER BY id", "2|1/3|2/9|4/10|5/11|6")
	// An UPDATE needs it also when it finds no row, and does nothing of the kind to other tables.
	c.exec("GRANT UPDATE ON seqdb.t TO 'seqnone'@'%'")
	none.fails(1142, "UPDATE t SET v = NEXTVAL(s) WHERE id = 1")
	none.fails(1142, "SELECT NEXTVAL(s), v FROM t WHERE id = 1")
	c.exec("CREATE TEMPORARY TABLE tt (a INT PRIMARY KEY)")
	c.exec("INSERT INTO tt VALUES (1)")
	for _, q := range []string{"UPDATE tt SET a = NEXTVAL(s)", "UPDATE mysql.servers SET Port = NEXTVAL(s)",
		"INSERT INTO tt VALUES (1) ON DUPLICATE KEY UPDATE a = NEXTVAL(s)", "INSERT INTO mysql.servers (Server_name) VALUES ('x') ON DUPLICATE KEY UPDATE Port = NEXTVAL(s)"} {
		c.fails(1235, q)
	}
	c.want("SELECT a FROM tt", "1")
	c.exec("DROP TEMPORARY TABLE tt")
	// What does not say how many values there will be is refused, and never gets values that are no sequence's.
	for _, q := range []string{
		"UPDATE t SET id = DEFAULT", "INSERT INTO t VALUES (IF(v, NEXTVAL(s), 0), 1)", "INSERT INTO t VALUES (7, 1) ON DUPLICATE KEY UPDATE id = DEFAULT",
		"DELETE FROM t WHERE id = NEXTVAL(s)", "UPDATE r SET v = 1 WHERE NEXTVAL(s) > 0", "INSERT INTO r VALUES (12, 1) ON DUPLICATE KEY UPDATE v = NEXTVAL(s)", "CREATE TABLE x LIKE s",
		"CREATE TABLE x (a INT DEFAULT (NEXTVAL(s) + 1))", "ALTER TABLE s ENGINE=InnoDB",
	} {
		c.fails(1235, q)
	}
	c.want("SELECT NEXTVAL(s) > 14", "1")
	// What is staged to ask it needs the right as well, and is no transaction's to take back.
	none.fails(1142, "SELECT NEXTVAL(s) + 1, v FROM t")
	none.fails(1142, "INSERT INTO t SELECT NEXTVAL(s) + 1, 1 FROM t")
	c.exec("BEGIN")
	c.exec("UPDATE t SET v = NEXTVAL(s) + 1000 WHERE id < 4")
	c.want("SELECT COUNT(*), SUM(NEXTVAL(s)) > 0 FROM t WHERE v > 1000", "2|1")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM t WHERE v > 1000", "0")
	// So does what asks for rows that are met, which may be none.
	for _, q := range []string{"DELETE FROM t WHERE NEXTVAL(s) < 0", "INSERT INTO t VALUES (4000, 1) ON DUPLICATE KEY UPDATE v = NEXTVAL(s)", "INSERT INTO t VALUES (4000, 1) RETURNING NEXTVAL(s)", "SET @x = IF(1, NEXTVAL(s), 0)"} {
		none.fails(1142, q)
	}
	c.want("SELECT COUNT(*) FROM t WHERE id = 4000", "0")
	c.exec("DROP TABLE t, r")
	c.exec("DROP SEQUENCE s")
}

// A write for whose rows a sequence has not enough values does nothing, at any partition.
func TestSequencesThatRunOut(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "seqout")
	c.exec("CREATE SEQUENCE s MAXVALUE 2 NOCACHE")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v BIGINT)")
	c.exec("CREATE TABLE u (id INT PRIMARY KEY, v BIGINT, SHARD KEY ())")
	c.exec("CREATE TABLE l (id BIGINT DEFAULT NEXTVAL(s), v VARCHAR(9), PRIMARY KEY (id))")
	c.exec("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)")
	c.exec("INSERT INTO u VALUES (1, 0), (2, 0)")
	c.fails(4084, "INSERT INTO t VALUES (9, 9), (1, 1), (2, 2), (3, 3) ON DUPLICATE KEY UPDATE v = NEXTVAL(s)")
	c.want("SELECT * FROM t ORDER BY id", "1|0/2|0/3|0")
	c.exec("ALTER SEQUENCE s RESTART 1")
	c.fails(4084, "DELETE FROM t WHERE NEXTVAL(s) > 0")
	c.want("SELECT COUNT(*) FROM t", "3")
	c.exec("ALTER SEQUENCE s RESTART 1")
	c.exec("INSERT INTO u VALUES (1, 1), (5, 5), (2, 2) ON DUPLICATE KEY UPDATE v = NEXTVAL(s) + 10")
	c.want("SELECT * FROM u ORDER BY id", "1|11/2|12/5|5")
	c.exec("ALTER SEQUENCE s RESTART 1")
	c.exec("UPDATE u SET v = 7 WHERE id < 5 AND NEXTVAL(s) = 2")
	c.want("SELECT * FROM u ORDER BY id", "1|11/2|7/5|5")
	c.exec("CREATE TABLE k (v INT)")
	if msg := c.fails(1235, "UPDATE k SET v = v + 10 WHERE v = 1 AND NEXTVAL(s) = 2"); !strings.Contains(msg, "has no primary key") {
		t.Error(msg)
	}
	c.fails(1235, "CREATE FUNCTION f() RETURNS BIGINT DETERMINISTIC RETURN NEXTVAL(s)")
	load := func(lines string) error {
		mysql.RegisterReaderHandler("seqout", func() io.Reader { return strings.NewReader(lines) })
		defer mysql.DeregisterReaderHandler("seqout")
		_, err := c.c.ExecContext(timeout(t), "LOAD DATA LOCAL INFILE 'Reader::seqout' INTO TABLE l (v)")
		return err
	}
	c.exec("ALTER SEQUENCE s RESTART 1")
	if err := load("a\nb\nc\n"); err == nil {
		t.Error("three lines have got values of a sequence that had two")
	}
	c.want("SELECT COUNT(*) FROM l", "0")
	c.exec("ALTER SEQUENCE s RESTART 1 MAXVALUE 2000")
	if err := load(strings.Repeat("x\n", 1203) + "y"); err != nil {
		t.Error(err)
	}
	c.want("SELECT COUNT(*), COUNT(DISTINCT id), MIN(id), MAX(id), LASTVAL(s) FROM l", "1204|1204|1|1204|1204")
	c.want("SELECT id FROM l WHERE v = 'y'", "1204")
}
