package gateway

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// linkedAtTwo is two nodes with a linked table t of columns a, b, secret in the databases fed and fed2, both of one remote table, and an account at each node.
func linkedAtTwo(t *testing.T) (b, second *bench, r *remoteServer, root *client) {
	b = cluster(t)
	b.dropServers(t)
	r = newRemote(t)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY, b INT, secret INT)")
	r.exec("INSERT INTO old.t VALUES (1, 1, 42)")
	second = b.beside(t, "node-2")
	b.database(t, "fed2")
	root = b.database(t, "fed")
	root.exec(r.server("backend"))
	for _, db := range []string{"fed", "fed2"} {
		root.exec(`CREATE TABLE ` + db + `.t (a INT PRIMARY KEY, b INT, secret INT) ENGINE=SPIDER COMMENT='srv "backend"'`)
	}
	b.account(t, "reader", "IDENTIFIED BY 'r'")
	return b, second, r, root
}

// prepares is how often leaves were asked to prepare a statement.
func (b *bench) prepares(t *testing.T) int {
	t.Helper()
	sum := 0
	for i := range b.farm.Leaves() {
		n, err := strconv.Atoi(b.leaf(t, i, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'COM_STMT_PREPARE'"))
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// What an account may run is asked of leaves once in a while, not for each statement, and what it may not run each time.
func TestPermitsAreRemembered(t *testing.T) {
	b, second, _, root := linkedAtTwo(t)
	root.exec("GRANT SELECT (a, b) ON fed.t TO reader")
	u, v := second.as(t, "reader", "r", "fed"), second.as(t, "reader", "r", "fed")
	st, err := u.c.PrepareContext(timeout(t), "SELECT b FROM t WHERE a = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	before, began := b.prepares(t), time.Now()
	const each = 200
	for i := range each {
		u.want(fmt.Sprintf("SELECT b FROM t WHERE a = %d", i), map[bool]string{true: "1"}[i == 1])
		v.want(fmt.Sprintf("SELECT b FROM t WHERE  a=%d /* %d */", i, i), map[bool]string{true: "1"}[i == 1])
		var n int
		if err := st.QueryRowContext(timeout(t), 1).Scan(&n); err != nil || n != 1 {
			t.Fatal(n, err)
		}
	}
	took := time.Since(began)
	if asked, most := b.prepares(t)-before, 3*(2+int(took/permitFor))+10; asked > most {
		t.Errorf("leaves were asked %d times for %d statements within %s, at most %d are enough", asked, 3*each, took, most)
	}
	before = b.prepares(t)
	for range 5 {
		u.fails(1143, "SELECT secret FROM t")
	}
	if asked := b.prepares(t) - before; asked < 5 {
		t.Errorf("leaves were asked %d times", asked)
	}
}

// A statement that takes a right away takes it away from the next statement at any node.
func TestPermitsEndWithRights(t *testing.T) {
	_, second, _, root := linkedAtTwo(t)
	root.exec("CREATE OR REPLACE ROLE fedrole")
	t.Cleanup(func() { _, _ = second.open(t, "root", "", "", "").Exec("DROP ROLE IF EXISTS fedrole") })
	root.exec("GRANT fedrole TO reader")
	for _, turn := range []struct {
		give, take string
		q          string
		code       uint16
	}{
		{"GRANT SELECT ON fed.t TO reader", "REVOKE SELECT ON fed.t FROM reader", "SELECT a FROM t WHERE a = 1", 1142},
		{"GRANT SELECT ON fed.* TO reader", "REVOKE SELECT ON fed.* FROM reader", "SELECT a FROM t WHERE a = 1", 1142},
		{"GRANT SELECT ON *.* TO reader", "REVOKE SELECT ON *.* FROM reader", "SELECT a FROM t WHERE a = 1", 1142},
		{"GRANT SELECT (a, b) ON fed.t TO reader", "REVOKE SELECT (b) ON fed.t FROM reader", "SELECT a + b FROM t WHERE a = 1", 1143},
		{"GRANT UPDATE (b) ON fed.t TO reader", "REVOKE UPDATE (b) ON fed.t FROM reader", "UPDATE t SET b = 1", 1142},
		{"GRANT SELECT, INSERT, DELETE ON fed.t TO reader", "REVOKE DELETE ON fed.t FROM reader", "REPLACE INTO t VALUES (1, 1, 1)", 1142},
		{"GRANT SELECT ON fed.t TO fedrole; GRANT SELECT (b) ON fed.t TO reader", "REVOKE ALL ON fed.t FROM fedrole", "SELECT secret FROM t WHERE a = 1", 1143},
	} {
		root.exec("GRANT SHOW VIEW ON fed.* TO reader") // so that the database is not what is refused
		u := second.as(t, "reader", "r", "")
		u.exec("SET ROLE fedrole")
		root.exec("GRANT CREATE TEMPORARY TABLES ON fed.* TO reader")
		u.exec("CREATE TEMPORARY TABLE fed.own (a INT)") // which keeps a connection with the rights of now
		for range 5 {
			root.exec(turn.give)
			u.exec("USE fed") // MariaDB looks at rights on a database when it becomes the current one
			for range 2 {
				u.exec(turn.q)
			}
			root.exec(turn.take)
			u.fails(turn.code, turn.q)
		}
		root.exec("REVOKE ALL, GRANT OPTION FROM reader")
		root.exec("GRANT fedrole TO reader")
	}
	root.exec("GRANT SELECT ON fed.t TO reader")
	u := second.as(t, "reader", "r", "fed")
	u.want("SELECT a FROM t", "1")
	root.exec("DROP USER reader")
	u.fails(1045, "SELECT a FROM t")
}

// A permit is for who asks, in which role, in which database and under which reading of the text.
func TestPermitsAreForOneReading(t *testing.T) {
	b, _, _, root := linkedAtTwo(t)
	root.exec("CREATE OR REPLACE ROLE fedrole")
	t.Cleanup(func() { _, _ = b.open(t, "root", "", "", "").Exec("DROP ROLE IF EXISTS fedrole") })
	b.account(t, "stranger", "IDENTIFIED BY 's'")
	root.exec("GRANT SELECT ON fed.t TO fedrole")
	root.exec("GRANT fedrole TO reader")
	root.exec("GRANT SELECT (a) ON fed.t TO reader")
	root.exec("GRANT SELECT (a) ON fed2.t TO reader, stranger")
	u := b.as(t, "reader", "r", "fed")
	for range 3 {
		u.exec("SET ROLE fedrole")
		u.want("SELECT secret FROM t", "42")
		u.exec("SET ROLE NONE")
		u.fails(1143, "SELECT secret FROM t")
		u.exec("SET ROLE fedrole")
		u.want("SELECT secret FROM t", "42")
		u.exec("USE fed2")
		u.fails(1143, "SELECT secret FROM t")
		u.exec("USE fed")
		root.want("SELECT secret FROM t", "42")
		b.as(t, "stranger", "s", "fed2").fails(1143, "SELECT secret FROM t")
	}
	// What was prepared under one reading of quotes is what the leaf is asked about under another.
	u.exec("SET ROLE NONE")
	u.exec("SET sql_mode = 'ANSI_QUOTES'")
	q := `SELECT MAX("secret") FROM "t" WHERE a = 1`
	u.fails(1143, q)
	u.exec("SET sql_mode = ''")
	q = "SELECT MAX(\"secret\") FROM t WHERE a = 1"
	u.want(q, "secret")
	u.exec("SET sql_mode = 'ANSI_QUOTES'")
	u.fails(1143, q)
	// What stands in a view's place is the same text, for which nobody has asked.
	u.exec("SET sql_mode = ''")
	root.exec("CREATE VIEW v AS SELECT secret FROM t")
	root.exec("GRANT SELECT ON fed.v TO reader")
	written := "SELECT * FROM  (select `fed`.`t`.`secret` AS `secret` from `fed`.`t`) AS `v`"
	for range 3 {
		u.want("SELECT * FROM v", "42")
		u.fails(1143, written)
		b.as(t, "stranger", "s", "fed2").fails(1142, "SELECT * FROM fed.v")
	}
}

// What is changed at the leaves by hand is found out before long.
func TestPermitsEndByThemselves(t *testing.T) {
	b, _, _, root := linkedAtTwo(t)
	root.exec("GRANT SELECT ON fed.t TO reader")
	u := b.as(t, "reader", "r", "fed")
	u.want("SELECT a FROM t", "1")
	for i := range b.farm.Leaves() {
		b.leaf(t, i, "REVOKE SELECT ON fed.t FROM reader")
	}
	waitFor(t, func() bool {
		_, err := u.query("SELECT a FROM t")
		return err != nil
	})
	u.fails(1142, "SELECT a FROM t")
}

// A node that starts makes the accounts equal before it can say by which it judges: statements that change them wait for that, and it waits for no such statement.
func TestRightsChangeWhileNodesStart(t *testing.T) {
	b := alone(t, Config{})
	b.account(t, "early", "IDENTIFIED BY 'e'")
	root := b.root(t, "")
	done := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		for {
			select {
			case <-done:
				ended <- nil
				return
			default:
			}
			for _, q := range []string{"GRANT SELECT ON *.* TO early", "REVOKE SELECT ON *.* FROM early"} {
				_, err := root.query(q)
				if err == nil {
					var w string
					if w, err = root.query("SHOW WARNINGS"); w != "" {
						err = errors.New(w)
					}
				}
				if err != nil {
					ended <- err
					return
				}
			}
		}
	}()
	b.beside(t, "node-2")
	close(done)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// LOAD DATA, which nobody can prepare, needs the rights of the INSERT that it amounts to.
func TestLoadNeedsRights(t *testing.T) {
	b, _, r, root := linkedAtTwo(t)
	r.exec("CREATE TABLE old.p (a INT PRIMARY KEY, b INT, secret INT)")
	root.exec(`CREATE TABLE p (a INT PRIMARY KEY, b INT, secret INT) ENGINE=SPIDER COMMENT='srv "backend", tbl "p"' PARTITION BY KEY (a) (PARTITION p0, PARTITION p1)`)
	file := filepath.Join(t.TempDir(), "rows")
	if err := os.WriteFile(file, []byte("1\t1\t1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mysql.RegisterLocalFile(file)
	t.Cleanup(func() { mysql.DeregisterLocalFile(file) })
	load := func(how, rest string) string {
		return "LOAD DATA LOCAL INFILE '" + file + "' " + how + " INTO TABLE fed.p" + rest
	}
	root.exec("GRANT INSERT (a, b), SELECT (a) ON fed.p TO reader")
	u := b.as(t, "reader", "r", "fed")
	r.hear()
	for q, code := range map[string]uint16{
		load("", ""):                                           1143,
		load("REPLACE", " (a, b)"):                             1142,
		load("", " (a, b, secret)"):                            1143,
		load("", " (a, b) SET secret = 1"):                     1143,
		load("", " (a) SET b = (SELECT MAX(`b`) FROM fed2.t)"): 1142,
	} {
		u.fails(code, q)
	}
	if got := r.heard(); got != "" {
		t.Errorf("the remote server was sent %s", got)
	}
}

func TestPermitsAreBounded(t *testing.T) {
	var p permits
	now := time.Now()
	key := func(i int) []byte { return []byte(strconv.Itoa(i)) }
	for i := range 3 * maxPermits {
		p.put(key(i), permit{1, 1, now.Add(time.Hour)})
		if !p.hold(key(i), 1, 1, now) || len(p.all) > maxPermits {
			t.Fatal(i, len(p.all))
		}
	}
	last := key(3*maxPermits - 1)
	if p.hold(last, 2, 1, now) || p.hold(last, 1, 2, now) || p.hold(last, 1, 1, now.Add(time.Hour)) || p.hold([]byte("x"), 1, 1, now) {
		t.Error("it holds for longer than it should")
	}
}
