package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// logged is a log that a test reads.
type logged struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

// Passwords are in the catalog, sealed, and nowhere else: no leaf, log, list or message has them.
func TestServerPasswords(t *testing.T) {
	var log logged
	b := alone(t, Config{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	c, other := b.root(t, ""), b.root(t, "")
	for i := range b.farm.Leaves() {
		before := b.leaf(t, i, "SELECT @@log_output")
		b.leaf(t, i, "SET GLOBAL log_output='TABLE'")
		b.leaf(t, i, "SET GLOBAL general_log=ON")
		t.Cleanup(func() {
			b.leaf(t, i, "SET GLOBAL general_log=OFF")
			b.leaf(t, i, "SET GLOBAL log_output='"+before+"'")
			b.leaf(t, i, "TRUNCATE mysql.general_log")
		})
	}
	const secret = "s3cret"
	password := func(name string) string {
		t.Helper()
		v := b.cat.Snapshot().Server(name)
		if bytes.Contains(v.Password, []byte(secret)) {
			t.Error("the password is not sealed")
		}
		p, err := b.g.cfg.Open(v.Password, v.Purpose())
		if err != nil {
			t.Error(err)
		}
		return p
	}
	c.exec("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', USER 'u', PASSWORD 's3cret''1\\\\')")
	if p := password("s"); p != `s3cret'1\` {
		t.Error(p)
	}
	// It stays when the account or the address changes, for which it is sealed anew.
	first := b.cat.Snapshot().Server("s")
	c.exec("ALTER SERVER s OPTIONS (HOST 'g', USER 'v', DATABASE 'd')")
	if p := password("s"); p != `s3cret'1\` {
		t.Error(p)
	}
	if _, err := b.g.cfg.Open(b.cat.Snapshot().Server("s").Password, first.Purpose()); err == nil {
		t.Error("the password opens for where it was before")
	}
	c.exec("SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
	c.exec("ALTER SERVER \"s\" OPTIONS (PASSWORD 's3cret\\ü')")
	if p := password("s"); p != `s3cret\ü` {
		t.Error(p)
	}
	c.exec("SET sql_mode=DEFAULT")
	c.exec("ALTER SERVER s OPTIONS (PASSWORD '')")
	if v := b.cat.Snapshot().Server("s"); v.Password != nil {
		t.Errorf("%+v", v)
	}
	prepare := func(q string) {
		t.Helper()
		st, err := c.c.PrepareContext(timeout(t), q)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if _, err := st.ExecContext(timeout(t)); err != nil {
			t.Fatal(err)
		}
	}
	prepare("ALTER SERVER s OPTIONS (PASSWORD 's3cret2')")
	if p := password("s"); p != "s3cret2" {
		t.Error(p)
	}
	c.exec("PREPARE p FROM 'ALTER SERVER s OPTIONS (PASSWORD ''s3cret3'')'")
	c.exec("EXECUTE p")
	if p := password("s"); p != "s3cret3" {
		t.Error(p)
	}
	c.exec("EXECUTE IMMEDIATE 'ALTER SERVER s OPTIONS (PASSWORD ''s3cret4'')'")
	c.exec("CREATE OR REPLACE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD 's3cret5')")
	if p := password("s"); p != "s3cret5" {
		t.Error(p)
	}
	// Rows of the table: passwords are put into their places, and go with their rows.
	c.exec("INSERT INTO mysql.servers VALUES ('r1','h','','u','s3cret7',0,'','mysql',''), ('r2','h','','u','',0,'','mysql',''), ('r3','h','','u','s3cret8',0,'','mysql','')")
	if a, b, d := password("r1"), password("r2"), password("r3"); a != "s3cret7" || b != "" || d != "s3cret8" {
		t.Error(a, b, d)
	}
	c.exec("UPDATE mysql.servers SET Server_name = 'r4', Host = 'g' WHERE Server_name = 'r1'")
	c.exec("INSERT INTO mysql.servers SELECT 'r5', Host, Db, 'v', Password, 7, Socket, Wrapper, Owner FROM mysql.servers WHERE Server_name = 'r4'")
	c.exec("UPDATE mysql.servers SET Password = 's3cret9' WHERE Server_name = 'r3'")
	c.exec("INSERT INTO mysql.servers (Server_name, Password) VALUES ('r2', 's3cret''10') ON DUPLICATE KEY UPDATE Password = VALUES(Password), Host = 'f'")
	for name, want := range map[string]string{"r2": "s3cret'10", "r3": "s3cret9", "r4": "s3cret7", "r5": "s3cret7"} {
		if got := password(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	c.exec("UPDATE mysql.servers SET Host = ?, Password = ? WHERE Server_name = ?", "e", "s3cret11ü", "r5")
	if p := password("r5"); p != "s3cret11ü" || b.cat.Snapshot().Server("r5").Host != "e" {
		t.Error(p)
	}
	c.exec("INSERT INTO mysql.servers (Server_name, Password, Port) VALUES (?, ?, ?), (?, ?, ?)", "r6", "s3cret12", 6, "r7", nil, 7)
	c.want("SELECT Server_name, Host, Username, Password, Port FROM mysql.servers WHERE Server_name LIKE 'r%' ORDER BY 1",
		"r2|f|u|***|0/r3|h|u|***|0/r4|g|u|***|0/r5|e|v|***|7/r6|||***|6/r7||||7")
	c.exec("DELETE FROM mysql.servers WHERE Server_name LIKE 'r%'")
	// What is wrong is told without it.
	for q, code := range map[string]uint16{
		"CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD 's3cret')":             1476,
		"ALTER SERVER nosuch OPTIONS (PASSWORD 's3cret')":                                              1477,
		"ALTER SERVER s OPTIONS (PASSWORD = 's3cret')":                                                 1064,
		"ALTER SERVER s OPTIONS (PASSWORD s3cret)":                                                     1064,
		"ALTER SERVER s OPTIONS (PASSWORD 's3cret' 'x')":                                               1064,
		"ALTER SERVER s OPTIONS (PASSWORD 's3cret'":                                                    1064,
		"ALTER SERVER s OPTIONS (PASSWORD 's3cret":                                                     1064,
		"ALTER SERVER s OPTIONS ('s3cret')":                                                            1064,
		"ALTER SERVER s PASSWORD 's3cret'":                                                             1064,
		"EXPLAIN ALTER SERVER s OPTIONS (PASSWORD 's3cret')":                                           1235,
		"EXECUTE IMMEDIATE 'ALTER SERVER s OPTIONS (PASSWORD ''s3cret'''":                              1064,
		"EXECUTE IMMEDIATE 'ALTER SERVER s OPTIONS (PASSWORD s3cret)'":                                 1064,
		"BEGIN NOT ATOMIC ALTER SERVER s OPTIONS (PASSWORD 's3cret'); END":                             1235,
		"INSERT INTO mysql.servers VALUES ('s','h','','','s3cret',0,'','mysql','')":                    1062,
		"INSERT INTO mysql.servers VALUES ('x','h','','',CONCAT('s3cret'),0,'','mysql','')":            1235,
		"INSERT INTO mysql.servers VALUES ('x','h','','','s3cret',70000,'','mysql','')":                1690,
		"INSERT INTO mysql.servers VALUES ('x','h','','','s3cret',0,'','mysql')":                       1136,
		"UPDATE mysql.servers SET Port = 1 WHERE Password = 's3cret'":                                  1235,
		"INSERT INTO mysql.servers SELECT 'x','h','','',CONCAT('s3cret'),0,'','mysql',''":              1235,
		"PREPARE p FROM 'UPDATE mysql.servers SET Passwort = ''s3cret'''":                              1054,
		"UPDATE mysql.servers SET Password = 's3cret' FOO":                                             1235,
		"CREATE SERVER t FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PORT 70000, PASSWORD 's3cret')": 1690,
	} {
		if m := c.fails(code, q); strings.Contains(m, secret) {
			t.Errorf("%s: %s", q, m)
		}
		if w := c.rows("SHOW WARNINGS"); strings.Contains(w, secret) {
			t.Errorf("%s: %s", q, w)
		}
	}
	// While it waits for another, nobody sees it in a list.
	lock, err := b.node.Lock(timeout(t), serversLock)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.c.ExecContext(context.Background(), "ALTER SERVER s OPTIONS (PASSWORD 's3cret6')")
		done <- err
	}()
	waitFor(t, func() bool { return strings.Contains(other.rows("SHOW FULL PROCESSLIST"), "ALTER SERVER …") })
	if list := other.rows("SELECT * FROM information_schema.PROCESSLIST"); strings.Contains(list, secret) || !strings.Contains(list, "ALTER SERVER …") {
		t.Error(list)
	}
	lock.Unlock()
	select {
	case err := <-done:
		if err != nil || password("s") != "s3cret6" {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the statement did not go on")
	}
	for i := range b.farm.Leaves() {
		if got := b.leaf(t, i, "SELECT argument FROM mysql.general_log WHERE argument LIKE '%s3cr%' AND argument NOT LIKE '%general_log%'"); got != "" {
			t.Errorf("leaf %d was told: %s", i, got)
		}
		if got := b.leaf(t, i, "SELECT Password FROM mysql.servers WHERE Password <> '' AND Password NOT LIKE '*%' AND Password NOT LIKE '+%'"); got != "" {
			t.Errorf("leaf %d keeps %s", i, got)
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the node's log: %s", log.String())
	}
}

// A password that another key has sealed can't be kept; it can be given.
func TestServerOfAnotherKey(t *testing.T) {
	b := alone(t, Config{})
	c := b.root(t, "")
	c.exec("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD 'p')")
	v := *b.cat.Snapshot().Server("s")
	v.Host = "evil" // whoever leads a record elsewhere gets nothing
	if _, err := b.cat.Update(timeout(t), putServer(&v)); err != nil {
		t.Fatal(err)
	}
	if m := c.fails(1105, "ALTER SERVER s OPTIONS (PORT 7)"); !strings.Contains(m, "give it a password") {
		t.Error(m)
	}
	c.exec("ALTER SERVER s OPTIONS (PORT 7, PASSWORD 'q')")
	now := b.cat.Snapshot().Server("s")
	if p, err := b.g.cfg.Open(now.Password, now.Purpose()); err != nil || p != "q" || now.Port != 7 {
		t.Error(p, now, err)
	}
}

func TestWithoutSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"ADD LEAF root:'x'@'h'":                                       "ADD LEAF …",
		"create server s options (password 'x')":                      "create server …",
		"CREATE /* x */ OR\nREPLACE -- y\n SERVER s":                  "CREATE /* x */ OR\nREPLACE -- y\n SERVER …",
		"alter/**/server`s`options(password'x')":                      "alter/**/server …",
		"PREPARE p FROM 'CREATE SERVER s'":                            "PREPARE p FROM 'CREATE SERVER …",
		"insert into `mysql`.`servers` values ('x')":                  "insert into `mysql`.`servers …",
		"UPDATE mysql . servers SET Password='x'":                     "UPDATE mysql . servers …",
		"CREATE TABLE t (a INT) COMMENT='user \"u\", password \"x\"'": "CREATE TABLE t (a INT) COMMENT='user \"u\", password \" …",
		`CREATE TABLE t (a INT) COMMENT "password \"x\""`:             `CREATE TABLE t (a INT) COMMENT "password \" …`,
		"SET PASSWORD FOR u = PASSWORD('x')":                          "SET PASSWORD FOR u = PASSWORD(' …",
		"DROP SERVER s":                                               "DROP SERVER s",
		"SELECT created, server FROM t WHERE password = 1":            "SELECT created, server FROM t WHERE password = 1",
		"CREATE TABLE server (a INT)":                                 "CREATE TABLE server (a INT)",
	} {
		if got := withoutSecrets(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func putServer(v *topo.Server) func(*catalog.Txn) error {
	return func(tx *catalog.Txn) error {
		tx.Server(v.Name)
		tx.PutServer(v)
		return nil
	}
}
