package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// A trigger is run with its definer's rights, which are those on the database's partitions, too; errors name the database.
func TestTriggersOfAccounts(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "trigdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE TABLE log (id INT NOT NULL, v TINYINT, SHARD KEY (id))")
	b.account(t, "'maker'@'%'", "IDENTIFIED BY 'p'")
	b.account(t, "'writer'@'%'", "IDENTIFIED BY 'p'")
	c.exec("GRANT SELECT, INSERT ON trigdb.t TO 'writer'@'%'")
	c.exec("GRANT SELECT, INSERT ON trigdb.* TO 'maker'@'%'")
	maker, writer := b.as(t, "maker", "p", "trigdb"), b.as(t, "writer", "p", "trigdb")
	const create = "CREATE TRIGGER t_ai AFTER INSERT ON t FOR EACH ROW INSERT IGNORE INTO log VALUES (NEW.id, NEW.v)"
	maker.fails(1142, create)
	maker.fails(1360, "DROP TRIGGER t_ai")
	c.exec("GRANT TRIGGER ON trigdb.t TO 'maker'@'%'")
	maker.exec("SET timestamp = 1600000000.25")
	maker.exec(create)
	for i := range b.farm.Leaves() { // whoever tells it
		if got := b.leaf(t, i, "SELECT DISTINCT UNIX_TIMESTAMP(CREATED) FROM information_schema.TRIGGERS WHERE TRIGGER_NAME = 't_ai'"); got != "1600000000.25" {
			t.Error(got)
		}
	}
	maker.fails(1227, "CREATE DEFINER=root@localhost TRIGGER no AFTER INSERT ON t FOR EACH ROW SET @x = 1")
	c.fails(1227, "CREATE DEFINER=orbweaver@`%` TRIGGER no AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES (NEW.id, 1)")
	writer.fails(1142, "DROP TRIGGER t_ai")
	writer.exec("INSERT INTO t VALUES (1, 1), (2, 1000), (3, 3), (4, 4)")
	c.want("SELECT id, v FROM log ORDER BY id", "1|1/2|127/3|3/4|4")
	maker.want("SELECT TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS", "trigdb|t_ai")
	writer.fails(1142, "SELECT * FROM log")
	c.exec("REVOKE INSERT ON trigdb.* FROM 'maker'@'%'")
	for i := range 8 {
		if m := writer.fails(1142, fmt.Sprintf("INSERT INTO t VALUES (%d, 1), (%d, 2)", 10+i, 20+i)); !strings.Contains(m, "'maker'@") || !strings.Contains(m, "`trigdb`.`log`") {
			t.Error(m)
		}
	}
	c.exec("GRANT INSERT ON trigdb.log TO 'maker'@'%'")
	c.exec("REVOKE TRIGGER ON trigdb.t FROM 'maker'@'%'")
	if m := writer.fails(1142, "INSERT INTO t VALUES (10, 1)"); !strings.Contains(m, "`trigdb`.`t`") {
		t.Error(m)
	}
	c.want("SELECT COUNT(*) FROM t", "4")
	c.exec("DROP TRIGGER t_ai")
	writer.exec("INSERT INTO t VALUES (10, 1)")
	c.fails(1360, "SHOW CREATE TRIGGER t_ai")
	// A database without a table for it, and one that is no sharded one.
	c.fails(1235, "CREATE TRIGGER no AFTER INSERT ON mysql.help_topic FOR EACH ROW SET @x = 1")
	c.fails(1049, "CREATE TRIGGER no AFTER INSERT ON trigdb_0.t FOR EACH ROW SET @x = 1")
	c.want("SELECT COUNT(*) FROM information_schema.TRIGGERS", "0")
}

// A statement over several partitions meets a trigger that is made, or dropped, at all of its rows or at none.
func TestTriggersAreMadeAtOnce(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "trigonce")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, batch INT, fired INT DEFAULT 0, KEY (batch))")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var wg sync.WaitGroup
	for w := range 3 {
		conn := b.root(t, "trigonce")
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				var rows []string
				for i := range 8 {
					rows = append(rows, fmt.Sprintf("(%d, %d)", (n*3+w)*8+i, n*3+w))
				}
				_, err := conn.c.ExecContext(context.Background(), "INSERT INTO t (id, batch) VALUES "+strings.Join(rows, ","))
				var e *mysql.MySQLError
				if err != nil && !(errors.As(err, &e) && (e.Number == 1213 || e.Number == 1205)) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		for _, sql := range []string{"CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW SET NEW.fired = 1", "DROP TRIGGER f"} {
			before := c.rows("SELECT COUNT(*) FROM t")
			c.exec(sql)
			waitFor(t, func() bool { return c.rows("SELECT COUNT(*) FROM t") != before })
		}
	}
	stop()
	wg.Wait()
	c.want("SELECT batch, SUM(fired) FROM t GROUP BY batch HAVING SUM(fired) NOT IN (0, COUNT(*))", "")
	c.want("SELECT COUNT(DISTINCT fired) FROM t", "2")
}

// Triggers of a reference table do the same at all leaves, whatever order the rows come in there, and are made while it is written.
func TestTriggersOfReferenceTables(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "trigref")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT, w INT, at DATETIME(6), KEY (v))")
	c.exec("CREATE REFERENCE TABLE log (n INT PRIMARY KEY, id INT, w INT, at DATETIME(6))")
	c.exec("CREATE TABLE s (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO s SELECT seq, seq % 7 FROM seq_1_to_40")
	alike := func(what string) {
		t.Helper()
		for _, table := range []string{"r", "log"} {
			q := "SELECT * FROM trigref." + table + " ORDER BY 1"
			if first, second := b.leaf(t, 0, q), b.leaf(t, 1, q); first != second || first == "" {
				t.Errorf("%s: %.500s\nother than\n%.500s", what, first, second)
			}
		}
	}
	c.exec("INSERT INTO r (id, v, w) SELECT seq, (seq * 77) % 200, 0 FROM seq_1_to_200")
	c.exec("CREATE TRIGGER r_bu BEFORE UPDATE ON r FOR EACH ROW SET NEW.w = (SELECT COUNT(*) FROM log), NEW.at = NOW(6)")
	// The number of the row in the order in which they are changed.
	const logs = "INSERT INTO log VALUES ((SELECT IFNULL(MAX(n), 0) + 1 FROM log x), NEW.id, NEW.w, NOW(6))"
	c.exec("CREATE TRIGGER r_au AFTER UPDATE ON r FOR EACH ROW " + logs)
	c.exec("CREATE TRIGGER r_ai AFTER INSERT ON r FOR EACH ROW " + logs)
	b.leaf(t, 1, "ALTER TABLE trigref.r DROP KEY v, ADD KEY v (v DESC)") // where the rows are read in another order
	for _, q := range []string{
		"UPDATE r FORCE INDEX (v) SET at = NULL WHERE v BETWEEN 10 AND 15", "UPDATE r SET v = v % 20 WHERE v > 3", "UPDATE r FORCE INDEX (PRIMARY) SET v = v + 1 WHERE id > 0 ORDER BY v DESC", "UPDATE r SET v = v + 1 WHERE v > 5 LIMIT 4", "UPDATE r SET v = 2 WHERE id = 4",
		"UPDATE r SET id = id + 1000 WHERE v > 6 ORDER BY id DESC", "UPDATE r JOIN s ON s.id = r.id SET r.v = s.v", "UPDATE r JOIN r o ON o.id = r.id + 1 SET r.v = o.v WHERE o.v > 1",
		"INSERT INTO r (id, v) SELECT id + 210, v FROM s", "REPLACE INTO r (id, v) VALUES (211, 5), (300, 1)", "INSERT INTO r (id, v) VALUES (1, 1), (301, 1) ON DUPLICATE KEY UPDATE v = v + 1",
	} {
		c.exec(q)
		alike(q)
	}
	if m := c.rows("EXPLAIN UPDATE r SET v = 1 WHERE id = 4"); strings.Contains(m, "Keys") {
		t.Error(m)
	}
	// One that fails is undone at all.
	c.exec("CREATE TRIGGER r_bd BEFORE DELETE ON r FOR EACH ROW BEGIN DELETE FROM log WHERE id = OLD.id ORDER BY n; IF OLD.id = 301 THEN SIGNAL SQLSTATE '45000'; END IF; END")
	before := c.rows("SELECT * FROM log ORDER BY n")
	c.fails(1644, "DELETE FROM r")
	c.want("SELECT * FROM log ORDER BY n", before)
	alike("a trigger that failed")
	// What at one leaf only was in the way of it.
	b.leaf(t, 1, "INSERT INTO trigref.log VALUES (100000, 0, 0, NULL)")
	c.fails(1062, "INSERT INTO log VALUES (100000, 1, 1, NULL)")
	b.leaf(t, 1, "DELETE FROM trigref.log WHERE n = 100000")
	alike("a row that was at one leaf")
	// Whoever has written reference tables, or read this one, is waited for.
	other := b.root(t, "trigref")
	other.exec("BEGIN")
	other.exec("UPDATE r SET v = 0 WHERE id = 1")
	done := make(chan error, 1)
	go func() {
		_, err := b.root(t, "trigref").c.ExecContext(context.Background(), "DROP TRIGGER r_bd")
		done <- err
	}()
	other.exec("UPDATE r SET v = 1 WHERE id = 2")
	other.exec("COMMIT")
	if err := <-done; err != nil {
		t.Error(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var wg sync.WaitGroup
	for w := range 3 {
		conn := b.root(t, "trigref")
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, err := conn.c.ExecContext(context.Background(), fmt.Sprintf("INSERT INTO r (id, v) VALUES (%[1]d, 0), (%[2]d, 0) ON DUPLICATE KEY UPDATE v = v + 1", 5000+w, 5010+n))
				var e *mysql.MySQLError
				if err != nil && !(errors.As(err, &e) && (e.Number == 1213 || e.Number == 1205)) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		for _, sql := range []string{"DROP TRIGGER r_ai", "CREATE TRIGGER r_ai AFTER INSERT ON r FOR EACH ROW " + logs} {
			before := c.rows("SELECT COUNT(*) FROM r")
			c.exec(sql)
			waitFor(t, func() bool { return c.rows("SELECT COUNT(*) FROM r") != before })
		}
	}
	stop()
	wg.Wait()
	alike("triggers that were made under load")
	c.want("SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'trigref'", "3")
	c.exec("DROP TABLE r")
	c.want("SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'trigref'", "0")
}

// Triggers that nodes run have their definer's rights, know what the session knows, and count right when many fire them.
func TestTriggersOfNodes(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "trignode")
	c.exec("CREATE TABLE post (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0)")
	c.exec("CREATE TABLE remark (id BIGINT AUTO_INCREMENT PRIMARY KEY, post INT, body VARCHAR(20))")
	c.exec("CREATE TABLE audit (id BIGINT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(100), who VARCHAR(100))")
	c.exec("INSERT INTO post (id) VALUES (1), (2)")
	insert, err := c.c.PrepareContext(timeout(t), "INSERT INTO remark (post, body) VALUES (?, ?)")
	if err != nil {
		t.Fatal(err)
	}
	add := func(post int, body string) {
		t.Helper()
		res, err := insert.ExecContext(timeout(t), post, body)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := res.RowsAffected()
		id, _ := res.LastInsertId()
		if n != 1 || fmt.Sprint(id) != c.rows("SELECT MAX(id) FROM remark") {
			t.Errorf("%d rows, %d", n, id)
		}
	}
	add(1, "before")
	c.exec("CREATE TRIGGER counts AFTER INSERT ON remark FOR EACH ROW UPDATE post SET n = n + 1 WHERE id = NEW.post")
	add(1, "counted") // by the plan that was there
	c.want("SELECT n FROM post ORDER BY id", "1/0")
	for i := range b.farm.Leaves() {
		if got := b.leaf(t, i, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_NAME = 'counts'"); got != "1" { // the shape's
			t.Error(got)
		}
	}
	ctx := timeout(t)
	var wg sync.WaitGroup
	for range 6 {
		conn := b.root(t, "trignode")
		wg.Go(func() {
			for n := 0; n < 5; {
				_, err := conn.c.ExecContext(ctx, "INSERT INTO remark (post, body) VALUES (2, 'x'), (2, 'y')")
				var e *mysql.MySQLError
				if err == nil {
					n++
				} else if !errors.As(err, &e) || e.Number != 1213 && e.Number != 1205 {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	c.want("SELECT n, (SELECT COUNT(*) FROM remark WHERE post = 2) FROM post WHERE id = 2", "60|60")
	// Rights: those of the definer, and in a transaction those of the account, too.
	b.account(t, "'maker'@'%'", "IDENTIFIED BY 'p'")
	b.account(t, "'writer'@'%'", "IDENTIFIED BY 'p'")
	c.exec("GRANT SELECT, INSERT ON trignode.remark TO 'writer'@'%'")
	c.exec("GRANT SELECT, TRIGGER ON trignode.remark TO 'maker'@'%'")
	c.exec("GRANT INSERT ON trignode.audit TO 'maker'@'%'")
	maker, writer := b.as(t, "maker", "p", "trignode"), b.as(t, "writer", "p", "trignode")
	maker.exec("CREATE TRIGGER audits AFTER INSERT ON remark FOR EACH ROW INSERT INTO audit (body, who) VALUES (CONCAT('new ', NEW.body), SUBSTRING_INDEX(USER(), '@', 1))")
	c.exec("DROP TRIGGER counts")
	if m := writer.fails(1235, "INSERT INTO remark (post, body) VALUES (1, 'no right')"); !strings.Contains(m, "trigger 'trignode.audits'") && !strings.Contains(m, "only maker") {
		t.Error(m)
	}
	c.want("SELECT COUNT(*) FROM audit", "0")
	c.want("SELECT COUNT(*) FROM remark WHERE body = 'no right'", "0")
	c.exec("GRANT INSERT ON trignode.audit TO 'writer'@'%'")
	writer.exec("INSERT INTO remark (post, body) VALUES (1, 'right')")
	c.want("SELECT body, who FROM audit", "new right|writer")
	c.exec("REVOKE INSERT ON trignode.audit FROM 'maker'@'%'")
	writer.fails(1142, "INSERT INTO remark (post, body) VALUES (1, 'no more')")
	c.want("SELECT COUNT(*) FROM remark WHERE body = 'no more'", "0")
}
