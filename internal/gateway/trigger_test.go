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
	maker.exec(create)
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
