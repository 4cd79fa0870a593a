package gateway

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// dropServers removes all servers, before and after a test.
func (b *bench) dropServers(t *testing.T) {
	t.Helper()
	drop := func() {
		c, err := b.open(t, "root", "", "", "").Conn(context.Background())
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		for _, v := range b.cat.Snapshot().ServerList() {
			if _, err := c.ExecContext(context.Background(), "DROP SERVER IF EXISTS "+quoteName(v.Name)); err != nil {
				t.Error(err)
			}
		}
	}
	drop()
	t.Cleanup(drop)
}

// answer is all that a client can see of a statement and of what it has done to servers.
func (c *client) answer(q string) string {
	c.t.Helper()
	var out strings.Builder
	res, err := c.c.ExecContext(timeout(c.t), q)
	var e *mysql.MySQLError
	switch {
	case errors.As(err, &e):
		fmt.Fprintf(&out, "error %d %s %s", e.Number, e.SQLState[:], e.Message)
	case err != nil:
		c.t.Fatalf("%s: %v", q, err)
	default:
		n, err := res.RowsAffected()
		fmt.Fprintf(&out, "%d rows, %v", n, err)
	}
	fmt.Fprintf(&out, "\nwarnings %s\nservers %s\n", c.rows("SHOW WARNINGS"),
		c.rows("SELECT Server_name, Host, Db, Username, IF(Password='','','***'), Port, Socket, Wrapper, Owner FROM mysql.servers ORDER BY Server_name"))
	return out.String()
}

// Statements on servers say and do what they do on a plain MariaDB.
func TestServersAsMariaDB(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	ours := b.root(t, "")
	db, err := sql.Open("mysql", "root@unix("+farmtest.Start(t, 1).Leaves()[0].Socket+")/?multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	plain := &client{t: t, c: c}
	for _, q := range []string{
		"CREATE SERVER s1 FOREIGN DATA WRAPPER mysql OPTIONS (HOST '10.0.0.1', PORT 3307, USER 'u', PASSWORD 'p', DATABASE 'd', SOCKET '/s', OWNER 'o')",
		"CREATE SERVER s1 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
		"CREATE SERVER S1 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
		"CREATE SERVER IF NOT EXISTS S1 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD 'x')",
		"CREATE SERVER IF NOT EXISTS `s 2` FOREIGN DATA WRAPPER 'mariadb' OPTIONS (SOCKET \"/it's\")",
		"CREATE OR REPLACE SERVER S1 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h2')",
		"CREATE OR REPLACE SERVER s3 FOREIGN DATA WRAPPER `odd` OPTIONS (HOST 'ä\\\\\\'', PASSWORD '')",
		"CREATE OR REPLACE SERVER IF NOT EXISTS s3 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
		"CREATE SERVER s4 FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u')",
		"CREATE SERVER s4 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PORT 99999999999999999999)",
		"CREATE SERVER s4 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PORT -1)",
		"CREATE SERVER s4 FOREIGN DATA WRAPPER mysql OPTIONS ()",
		"CREATE SERVER s4 FOREIGN DATA WRAPPER mysql OPTIONS (HOST h)",
		"CREATE SERVER s4 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', FOO 'bar')",
		"CREATE SERVER s4 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', HOST 'g')",
		"CREATE SERVER s4 FOREIGN DATA WRAPPER mysql",
		"CREATE SERVER",
		"ALTER SERVER s1 OPTIONS (PORT 5, USER 'v')",
		"ALTER SERVER S1 OPTIONS (PASSWORD 'x')",
		"ALTER SERVER s1 OPTIONS (HOST 'h3')",
		"ALTER SERVER s1 OPTIONS (HOST '')",
		"ALTER SERVER s3 OPTIONS (PORT 0x10)",
		"ALTER SERVER s1 OPTIONS (PASSWORD '')",
		"ALTER SERVER s1 OPTIONS ()",
		"ALTER SERVER nosuch OPTIONS (PORT 5)",
		"ALTER SERVER IF EXISTS s1 OPTIONS (PORT 5)",
		"ALTER SERVER s1",
		"DROP SERVER nosuch",
		"DROP SERVER IF EXISTS nosuch",
		"DROP SERVER `s 2`",
		"DROP SERVER S1, s3",
		"DROP SERVER 'S1'",
		"DROP SERVER s1",
		"/* a */ CREATE /*!50000 SERVER */ s5 FOREIGN DATA WRAPPER mysql OPTIONS /*M! ( */ HOST 'h', -- comment\n PASSWORD /* b */ 'c')",
		"EXECUTE IMMEDIATE 'CREATE SERVER s6 FOREIGN DATA WRAPPER mysql OPTIONS (HOST ''h'', PASSWORD ''p'')'",
		"EXECUTE IMMEDIATE 'CREATE SERVER s6 FOREIGN DATA WRAPPER mysql OPTIONS (HOST ''h'', PASSWORD ''p'')'",
		"DROP SERVER s5; DROP SERVER s6",
		"CREATE SERVER password FOREIGN DATA WRAPPER password OPTIONS (HOST 'h', PASSWORD 'p')",
		"ALTER SERVER password OPTIONS (USER 'u')",
		"DROP SERVER password",
		// The table itself.
		"INSERT INTO mysql.servers VALUES ('r1', '10.0.0.1', 'd', 'u', 'p', 3307, '', 'mysql', ''), ('r2', '10.0.0.2', 'd', 'u', '', 3308, '', 'mysql', 'o')",
		"INSERT INTO mysql.servers VALUES ('R1', '10.0.0.1', 'd', 'u', 'p', 3307, '', 'mysql', '')",
		"INSERT IGNORE INTO mysql.servers (Server_name, Password) VALUES ('r1', 'x'), ('r3', ('y'))",
		"INSERT INTO mysql.servers (Server_name, Port) VALUES ('r4', 'abc')",
		"INSERT INTO mysql.servers (Server_name, Port) VALUES ('r4')",
		"INSERT INTO mysql.servers (Nosuch) VALUES ('r4')",
		"INSERT INTO mysql.servers SET Server_name = 'r4', Host = CONCAT('h', 1 + 1), Password = 12345",
		"INSERT INTO mysql.servers (Server_name, Password) VALUES ('r4', 'q') ON DUPLICATE KEY UPDATE Password = VALUES(Password), Host = 'h3'",
		"INSERT INTO mysql.servers SELECT 'r5', Host, Db, Username, Password, Port + 1, Socket, Wrapper, Owner FROM mysql.servers WHERE Server_name = 'r1'",
		"INSERT INTO mysql.servers SELECT * FROM mysql.servers",
		"REPLACE mysql.servers SELECT * FROM mysql.servers WHERE Server_name = 'r5'",
		"INSERT INTO mysql.servers (Server_name, Password) SELECT 'r7', 'x' UNION (SELECT 'r8', '')",
		"REPLACE mysql.servers (Server_name, Host) VALUES ('r3', 'h')",
		"UPDATE mysql.servers SET Port = Port + 1, Wrapper = 'mariadb' WHERE Port > 0 ORDER BY Server_name LIMIT 2",
		"UPDATE mysql.servers SET Port = NULL WHERE Server_name = 'r1'",
		"UPDATE mysql.servers s SET s.Server_name = 'r6', s.Password = s.Password WHERE s.Server_name = 'r1'",
		"UPDATE mysql.servers SET Password = '' WHERE Server_name = 'r6'",
		"UPDATE mysql.servers SET Password = DEFAULT, Host = REPEAT('x', 3000) WHERE Server_name = 'r5'",
		"UPDATE mysql.servers SET Host = 'x' WHERE Server_name = 'nosuch'",
		"CREATE SERVER r6 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
		"CREATE OR REPLACE SERVER r6 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
		"DELETE FROM mysql.servers WHERE Server_name IN ('r2', 'r3')",
		"CREATE SERVER r2 FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
		"USE mysql; DELETE s FROM servers s JOIN servers t ON s.Server_name = t.Server_name WHERE t.Server_name = 'r7'",
		"DELETE s FROM mysql.servers s JOIN mysql.servers t ON s.Server_name = t.Server_name WHERE t.Server_name = 'r2'",
		"DELETE FROM mysql.servers",
	} {
		// A text that may be a password is not repeated; MariaDB says that it has run out of memory when it means the host.
		want := strings.NewReplacer("'bar'", "'***'", "/Error|1041|Out of memory.", "").Replace(plain.answer(q))
		if _, err := plain.c.ExecContext(timeout(t), "FLUSH PRIVILEGES"); err != nil { // as a cluster does
			t.Fatal(err)
		}
		if got := ours.answer(q); got != want {
			t.Errorf("%s\n got %s\nwant %s", q, got, want)
		}
	}
}

// What MariaDB would take and garble is refused.
func TestServersRefused(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	c := b.root(t, "")
	c.exec("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PORT 1)")
	long := func(n int) string { return strings.Repeat("x", n) }
	for q, code := range map[string]uint16{
		"CREATE SERVER t FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PORT 65536)":                        1690,
		"ALTER SERVER s OPTIONS (PORT 70000)":                                                              1690,
		"CREATE SERVER " + long(65) + " FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')":                     1470,
		"CREATE SERVER t FOREIGN DATA WRAPPER " + long(65) + " OPTIONS (HOST 'h')":                         1470,
		"CREATE SERVER t FOREIGN DATA WRAPPER mysql OPTIONS (HOST '" + long(2049) + "')":                   1470,
		"CREATE SERVER t FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', USER '" + long(129) + "')":          1470,
		"ALTER SERVER s OPTIONS (SOCKET '" + long(109) + "')":                                              1470,
		"ALTER SERVER s OPTIONS (DATABASE '" + long(65) + "')":                                             1470,
		"INSERT INTO mysql.servers SELECT * FROM mysql.db":                                                 1235,
		"UPDATE mysql.servers SET Port = 7 WHERE Password = 'x'":                                           1235,
		"UPDATE mysql.servers SET Password = Host":                                                         1235,
		"INSERT INTO mysql.servers (Server_name, Password) SELECT 'x', Host FROM mysql.servers":            1235,
		"INSERT INTO mysql.servers (Server_name, Password) SELECT 'x', CONCAT('y') UNION SELECT 'z', ''":   1235,
		"INSERT INTO mysql.servers (Server_name, Password) VALUES ROW('x', 'y')":                           1064,
		"UPDATE mysql.servers SET Host = Password":                                                         1235,
		"UPDATE mysql.servers SET Password = CONCAT('x', 'y')":                                             1235,
		"UPDATE mysql.servers SET Password = 'x' 'y'":                                                      1235,
		"UPDATE mysql.servers SET Password = '***'":                                                        1210,
		"ALTER SERVER s OPTIONS (PASSWORD '***')":                                                          1210,
		"UPDATE mysql.servers SET Port = 70000":                                                            1690,
		"UPDATE mysql.servers SET Port = @a":                                                               1235,
		"DELETE FROM mysql.servers RETURNING Host":                                                         1235,
		"DELETE s FROM mysql.servers s JOIN mysql.db":                                                      1235,
		"UPDATE mysql.servers SET Port = (SELECT COUNT(*) FROM mysql.db)":                                  1235,
		"LOAD DATA LOCAL INFILE 'x' INTO TABLE mysql.servers":                                              1235,
		"SHOW CREATE SERVER nosuch":                                                                        1477,
		"SHOW CREATE SERVER":                                                                               1064,
		"SHOW CREATE SERVER s t":                                                                           1064,
		"SET NAMES latin1; CREATE SERVER t FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD '\xe4')": 1235,
	} {
		c.fails(code, q)
	}
	if m := c.fails(1470, "ALTER SERVER s OPTIONS (PASSWORD '"+strings.Repeat("s3cret", 200)+"')"); strings.Contains(m, "s3cret") {
		t.Error(m)
	}
	c.exec("SET NAMES utf8mb4")
	c.want("SELECT Server_name, Port FROM mysql.servers", "s|1")
	c.exec("USE mysql")
	c.fails(1235, "TRUNCATE servers")
	c.fails(1235, "DROP TABLE mysql.servers")
	// Servers that a statement is not about stay as they are, whatever MariaDB makes of one without a port.
	c.exec("ALTER SERVER s OPTIONS (PORT 0)")
	c.exec("CREATE SERVER t FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')")
	for i := range b.farm.Leaves() {
		b.leaf(t, i, "DROP SERVER IF EXISTS s")
	}
	c.exec("DROP SERVER t")
	c.want("SELECT Server_name, Port FROM mysql.servers", "s|0")
	c.exec("ALTER SERVER s OPTIONS (PORT 1)")
	c.want("SELECT servers.Host, mysql.servers.Port FROM servers WHERE Servers.Server_name = 'S'", "h|1")
}

func TestServersAreReadAnywhere(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	c := b.database(t, "srvdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, port INT)")
	c.exec("INSERT INTO t VALUES (1, 3307), (2, 3308), (3, 3309)")
	for i := range 2 {
		c.exec(fmt.Sprintf("CREATE SERVER b%d FOREIGN DATA WRAPPER mysql OPTIONS (HOST '10.0.0.%d', PORT %d, USER 'u', PASSWORD 'secret')", i, i, 3307+i))
	}
	for q, want := range map[string]string{
		"SELECT * FROM mysql.servers ORDER BY Server_name DESC LIMIT 1":                                                "b1|10.0.0.1||u|***|3308||mysql|",
		"SELECT COUNT(*) FROM mysql.servers s JOIN srvdb.t ON t.port = s.Port":                                         "2",
		"SELECT id FROM t WHERE port IN (SELECT Port FROM mysql.servers) ORDER BY id":                                  "1/2",
		"SELECT mysql.servers.Server_name FROM mysql.servers WHERE Host LIKE '%.1' UNION SELECT Db FROM mysql.servers": "b1/",
		"WITH s AS (SELECT * FROM mysql.servers) SELECT SUM(Port) FROM s":                                              "6615",
		"SELECT COUNT(*) FROM mysql.servers WHERE Server_name = ? AND Port = ?":                                        "1",
		"SHOW CREATE SERVER B1":     "b1|CREATE SERVER `b1` FOREIGN DATA WRAPPER mysql OPTIONS (HOST '10.0.0.1', USER 'u', PASSWORD '***', PORT 3308);",
		"SHOW CREATE SERVER 'b0'":   "b0|CREATE SERVER `b0` FOREIGN DATA WRAPPER mysql OPTIONS (HOST '10.0.0.0', USER 'u', PASSWORD '***', PORT 3307);",
		"SHOW CREATE TABLE t":       c.rows("SHOW CREATE TABLE srvdb.t"),
		"DESCRIBE mysql.servers Db": "Db|char(64)|NO|||",
	} {
		if strings.Count(q, "?") == 2 {
			c.want(q, want, "b1", 3308)
		} else {
			c.want(q, want)
			c.prepared(q, want)
		}
	}
}

// prepared wants rows from a statement by the binary protocol.
func (c *client) prepared(q, want string) {
	c.t.Helper()
	st, err := c.c.PrepareContext(timeout(c.t), q)
	if err != nil {
		c.t.Errorf("%s: %v", q, err)
		return
	}
	defer st.Close()
	rows, err := st.QueryContext(timeout(c.t))
	if err != nil {
		c.t.Errorf("%s: %v", q, err)
		return
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil || n != strings.Count(want, "/")+1 && !strings.HasPrefix(q, "SHOW CREATE TABLE") {
		c.t.Errorf("%s: %d rows, %v", q, n, err)
	}
}

// A server that is changed at one node is so for the next statement at another.
func TestServersAtOtherNodes(t *testing.T) {
	b := alone(t, Config{})
	n := b.beside(t, "node-2")
	here, there := b.root(t, ""), n.root(t, "")
	here.exec("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD 'p')")
	for i := range 40 {
		a, b := here, there
		if i%2 == 1 {
			a, b = there, here
		}
		a.exec(fmt.Sprintf("ALTER SERVER s OPTIONS (PORT %d)", i+1))
		b.want("SELECT Port, Password FROM mysql.servers", fmt.Sprintf("%d|***", i+1))
	}
	there.exec("DROP SERVER s")
	here.want("SELECT COUNT(*) FROM mysql.servers", "0")
	// Many at once, at both nodes: each is made once, and all are there.
	var wg sync.WaitGroup
	made := make([]int, 8)
	for i := range 16 {
		at, k := []*bench{b, n}[i%2], i/2
		c := at.root(t, "")
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, err := c.c.ExecContext(context.Background(), fmt.Sprintf("CREATE SERVER s%d FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PORT %d)", k, i))
			var e *mysql.MySQLError
			if err == nil {
				shared.Lock()
				made[k]++
				shared.Unlock()
			} else if !errors.As(err, &e) || e.Number != 1476 {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	for k, n := range made {
		if n != 1 {
			t.Errorf("s%d was made %d times", k, n)
		}
	}
	here.want("SELECT COUNT(*) FROM mysql.servers", "8")
}

func TestServerRights(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	b.account(t, "'sv'@'%'", "IDENTIFIED BY 'k'")
	root := b.root(t, "")
	root.exec("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD 'p')")
	all := []string{
		"CREATE SERVER t FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')", "ALTER SERVER s OPTIONS (PORT 5)", "SHOW CREATE SERVER s", "SHOW CREATE SERVER nosuch",
		"DROP SERVER s", "DROP SERVER IF EXISTS nosuch",
	}
	c := b.as(t, "sv", "k", "")
	for _, q := range all {
		c.fails(1227, q)
	}
	c.fails(1142, "SELECT * FROM mysql.servers")
	c.fails(1142, "SELECT (SELECT COUNT(*) FROM mysql.servers)")
	root.exec("GRANT FEDERATED ADMIN ON *.* TO 'sv'@'%'")
	c = b.as(t, "sv", "k", "")
	c.fails(1142, "SELECT * FROM mysql.servers")
	for _, q := range all[:3] {
		c.exec(q)
	}
	c.fails(1477, all[3])
	root.exec("GRANT SELECT ON mysql.servers TO 'sv'@'%'")
	b.as(t, "sv", "k", "").want("SELECT Server_name, Port, Password FROM mysql.servers", "s|5|***/t|3306|")
}

// A statement goes on at another leaf when its own is lost, and what a leaf has of its own in mysql.servers does not count.
func TestServersWithoutALeaf(t *testing.T) {
	t.Parallel()
	b, err := newBench(farmtest.Start(t, 2), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	c := b.root(t, "")
	c.exec("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD 'p')")
	for i := range b.farm.Leaves() {
		b.leaf(t, i, "CREATE OR REPLACE SERVER s FOREIGN DATA WRAPPER other OPTIONS (HOST 'x', USER 'y')")
		b.leaf(t, i, "CREATE OR REPLACE SERVER own FOREIGN DATA WRAPPER other OPTIONS (HOST 'x')")
	}
	c.exec("ALTER SERVER s OPTIONS (PORT 7)")
	c.want("SELECT Server_name, Host, Username, Password, Port, Wrapper FROM mysql.servers", "s|h||***|7|mysql")
	for i := range b.farm.Leaves() {
		if err := b.farm.Stop(timeout(t), i); err != nil {
			t.Fatal(err)
		}
		c.exec(fmt.Sprintf("ALTER SERVER s OPTIONS (PORT %d)", 10+i))
		c.want("SELECT Port FROM mysql.servers", fmt.Sprint(10+i))
		if err := b.farm.StartLeaf(timeout(t), i); err != nil {
			t.Fatal(err)
		}
	}
	c.want("SHOW CREATE SERVER s", fmt.Sprintf("s|CREATE SERVER `s` FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD '***', PORT %d);", 9+len(b.farm.Leaves())))
	// Rows that came and went without the leaf's copy in memory being told.
	for i := range b.farm.Leaves() {
		b.leaf(t, i, "REPLACE mysql.servers (Server_name, Host) VALUES ('stale', 'x')")
		b.leaf(t, i, "DELETE FROM mysql.servers WHERE Server_name = 's'")
	}
	c.exec("CREATE SERVER stale FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')")
	c.exec("ALTER SERVER s OPTIONS (DATABASE 'd')")
	c.exec("DROP SERVER stale")
	// One with neither host nor socket, which ALTER makes and CREATE does not, is staged all the same.
	c.exec("ALTER SERVER s OPTIONS (HOST '')")
	for i := range b.farm.Leaves() {
		b.leaf(t, i, "DROP SERVER IF EXISTS s")
	}
	c.exec("ALTER SERVER s OPTIONS (USER 'u')")
	c.want("SELECT Host, Username, Port FROM mysql.servers", fmt.Sprintf("|u|%d", 9+len(b.farm.Leaves())))
	if p, err := b.g.cfg.Open(b.cat.Snapshot().Server("s").Password, b.cat.Snapshot().Server("s").Purpose()); err != nil || p != "p" {
		t.Error(p, err)
	}
}
