package gateway

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// remoteServer is a plain server with an account for links.
type remoteServer struct {
	*client // root there
	farm    *localfarm.Farm
	port    int
}

const (
	linkUser     = "skysql"
	linkPassword = "skyvodka"
)

func newRemote(t *testing.T, options ...string) *remoteServer {
	t.Helper()
	farm := farmtest.Start(t, 1, options...)
	leaf := farm.Leaves()[0]
	r := &remoteServer{client: plainClient(t, farm), farm: farm, port: leaf.Port}
	r.exec("CREATE USER " + linkUser + "@'%' IDENTIFIED BY '" + linkPassword + "'")
	r.exec("CREATE DATABASE old")
	r.exec("GRANT ALL ON old.* TO " + linkUser + "@'%'")
	return r
}

// plainClient is root's connection at a farm's first server.
func plainClient(t *testing.T, farm *localfarm.Farm) *client {
	t.Helper()
	db, err := sql.Open("mysql", "root@unix("+farm.Leaves()[0].Socket+")/?multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{t: t, c: c}
}

// server is CREATE SERVER for it.
func (r *remoteServer) server(name string) string {
	return fmt.Sprintf("CREATE OR REPLACE SERVER %s FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', DATABASE 'old', USER '%s', PASSWORD '%s', PORT %d)",
		name, linkUser, linkPassword, r.port)
}

// heard are the statements that the server was sent since hear.
func (r *remoteServer) heard() string {
	return r.rows("SELECT argument FROM mysql.general_log WHERE command_type IN ('Query','Prepare','Execute') AND argument NOT LIKE '%general_log%'")
}

func (r *remoteServer) hear() {
	r.exec("SET GLOBAL log_output = 'TABLE'")
	r.exec("SET GLOBAL general_log = 0")
	r.exec("TRUNCATE mysql.general_log")
	r.exec("SET GLOBAL general_log = 1")
}

const sbtest = `(
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  k int(10) unsigned NOT NULL DEFAULT '0',
  c char(120) NOT NULL DEFAULT '',
  pad char(60) NOT NULL DEFAULT '',
  PRIMARY KEY (id),
  KEY k (k)
)`

// What users of Spider type for one table works as it did, all of it done by the remote server.
func TestFederation(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.sbtest " + sbtest + " ENGINE=InnoDB")
	r.exec("INSERT INTO old.sbtest (k, c) VALUES (1,'one'), (2,'two'), (3,'three')")
	r.exec("CREATE TABLE old.s (id INT NOT NULL AUTO_INCREMENT, code VARCHAR(10), PRIMARY KEY(id)) ENGINE=MyISAM")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec("CREATE TABLE fed.sbtest " + sbtest + ` ENGINE=spider COMMENT='wrapper "mysql",srv "backend"'`)
	c.want("SHOW WARNINGS", "")
	c.want("SELECT * FROM fed.sbtest LIMIT 10", "1|1|one|/2|2|two|/3|3|three|")
	c.exec(fmt.Sprintf(`CREATE TABLE s (id INT NOT NULL AUTO_INCREMENT, code VARCHAR(10), PRIMARY KEY(id)) ENGINE=SPIDER
COMMENT 'host "127.0.0.1", user "%s", password "%s", port "%d", database "old"'`, linkUser, linkPassword, r.port))
	c.want("SHOW WARNINGS", "")
	c.exec("INSERT INTO s(code) VALUES ('a')")
	c.want("SELECT LAST_INSERT_ID()", "1")
	r.want("SELECT * FROM old.s", "1|a")
	for _, q := range []struct{ q, want string }{
		{"SELECT COUNT(*) FROM sbtest", "3"},
		{"SELECT sbtest.c, fed.sbtest.k FROM sbtest WHERE fed.sbtest.id = 2", "two|2"},
		{"SELECT x.c FROM sbtest x WHERE x.id IN (1, 3) ORDER BY x.k DESC", "three/one"},
		{"SELECT x.*, 1 /* not 2 */ + 1 FROM fed.sbtest AS x WHERE id = 1", "1|1|one||2"},
		{"SELECT sbtest.*, s.code FROM sbtest JOIN s ON s.id = sbtest.id", "1|1|one||a"},
		{"SELECT * FROM s NATURAL JOIN sbtest", "1|a|1|one|"},
		{"SELECT k + 1 AS id FROM sbtest GROUP BY k + 1 HAVING id > 2 ORDER BY id", "3/4"},
		{"SELECT c FROM sbtest WHERE EXISTS (SELECT 1 FROM s WHERE s.id = sbtest.id)", "one"},
		{"WITH w AS (SELECT k FROM sbtest WHERE k > 1) SELECT SUM(k) FROM w", "5"},
		{"SELECT k FROM sbtest UNION ALL SELECT id FROM s ORDER BY 1", "1/1/2/3"},
		{"SELECT SUM(k), MIN(c) FROM (SELECT * FROM sbtest) d", "6|one"},
		{"SELECT id FROM sbtest WHERE c = 'two' FOR UPDATE", "2"},
		{"SELECT COUNT(*) FROM sbtest AS t USE INDEX (k) WHERE t.k > 1", "2"},
	} {
		c.want(q.q, q.want)
	}
	for _, q := range []string{
		"INSERT INTO sbtest VALUES (10, 10, 'ten', 'p')",
		"INSERT INTO fed.sbtest SET k = 11, c = 'eleven'",
		"INSERT INTO sbtest (k, c) SELECT k + 100, c FROM sbtest WHERE id = 1",
		"INSERT INTO sbtest (id, c) VALUES (10, 'x') ON DUPLICATE KEY UPDATE sbtest.c = CONCAT(fed.sbtest.c, VALUES(c))",
		"REPLACE INTO sbtest VALUES (3, 33, 'thirty-three', '')",
		"UPDATE sbtest SET k = k + 1 WHERE sbtest.id = 1",
		"UPDATE fed.sbtest x JOIN s ON s.id = x.id SET x.pad = s.code",
		"DELETE FROM sbtest WHERE fed.sbtest.c = 'two'",
		"DELETE x FROM sbtest AS x JOIN s ON s.id = x.id WHERE x.k > 100",
		"DELETE FROM sbtest USING sbtest JOIN sbtest AS y ON y.id = sbtest.id WHERE y.k = 4711",
		"DELETE fed.sbtest FROM fed.sbtest JOIN s ON s.id = sbtest.id + 32 WHERE sbtest.k = 33",
	} {
		c.exec(q)
	}
	want := r.rows("SELECT * FROM old.sbtest ORDER BY id")
	if want != "1|2|one|a/3|33|thirty-three|/10|10|tenx|p/11|11|eleven|/12|101|one|" {
		t.Error(want)
	}
	c.want("SELECT * FROM sbtest ORDER BY id", want)
	c.want("INSERT INTO sbtest (c) VALUES ('r') RETURNING sbtest.id, c", "13|r")
	c.want("SELECT LAST_INSERT_ID()", "13")
	c.want("INSERT INTO sbtest (id, c) VALUES (14, 'r') RETURNING id", "14")
	c.want("SELECT LAST_INSERT_ID()", "13")
	c.exec("DELETE FROM sbtest WHERE id = 14")
	c.want("DELETE FROM sbtest WHERE id = 13 RETURNING *", "13|0|r|")
	// Prepared, by the protocol and in SQL.
	c.want("SELECT c FROM sbtest WHERE id = ?", "tenx", 10)
	if n, err := c.exec("INSERT INTO sbtest (k, c) VALUES (?, ?)", 7, "ü").LastInsertId(); err != nil || n != 15 {
		t.Error(n, err)
	}
	c.exec("PREPARE p FROM 'SELECT c, k FROM sbtest WHERE id = ?'")
	c.exec("SET @id = 15")
	c.want("EXECUTE p USING @id", "ü|7")
	c.want("SELECT c FROM sbtest WHERE id = @id", "ü")
	c.exec("SELECT c, k INTO @c, @k FROM sbtest WHERE id = 10")
	c.want("SELECT @c, @k", "tenx|10")
	c.want("SELECT SQL_CALC_FOUND_ROWS c FROM sbtest ORDER BY id LIMIT 1", "one")
	c.want("SELECT FOUND_ROWS()", r.rows("SELECT COUNT(*) FROM old.sbtest"))
	// Given ids are not what LAST_INSERT_ID() tells.
	c.exec("INSERT INTO sbtest (id, k) VALUES (50, 1)")
	c.want("SELECT LAST_INSERT_ID()", "15")
	c.exec("INSERT INTO sbtest (id, k) VALUES (?, ?)", 52, 1)
	c.exec("DELETE FROM sbtest WHERE id = 52")
	c.want("SELECT LAST_INSERT_ID()", "15")
	c.exec("INSERT INTO sbtest (id, k) VALUES (?, ?)", nil, 1)
	c.want("SELECT LAST_INSERT_ID()", "53")
	c.fails(1062, "INSERT INTO sbtest (id) VALUES (50)")
	c.exec("INSERT IGNORE INTO sbtest (id, c) VALUES (50, 'x'), (NULL, 'y')")
	c.want("SHOW WARNINGS", "Warning|1062|Duplicate entry '50' for key 'PRIMARY'")
	c.want("SELECT LAST_INSERT_ID()", r.rows("SELECT MAX(id) FROM old.sbtest"))
	// Nothing is in the shape, on any leaf, and the remote table outlives the linked one.
	for i := range b.farm.Leaves() {
		if got := b.leaf(t, i, "SELECT COUNT(*) FROM fed.sbtest"); got != "0" {
			t.Error(got)
		}
	}
	c.exec("DROP TABLE s")
	c.fails(1146, "SELECT * FROM s")
	r.want("SELECT COUNT(*) FROM old.s", "1")
}

// columns are the names in the definitions of a text query's columns.
func (r *raw) columns(q string) string {
	r.t.Helper()
	r.send(wire.AppendCommand(nil, wire.ComQuery, q))
	n, _, err := wire.ParseColumnCount(r.read(), r.c.Caps())
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for range n {
		var c wire.Column
		if err := wire.ParseColumn(r.read(), r.c.Caps(), &c); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s.%s.%s.%s.%s", c.Schema, c.Table, c.OrgTable, c.Name, c.OrgName))
	}
	r.rows()
	return strings.Join(out, " ")
}

// Columns have the names that clients know.
func TestLinkedMetadata(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	// More columns there than here, in another order, and names that mean something else.
	r.exec("CREATE TABLE old.`far` (z INT DEFAULT 5, b VARCHAR(9), a INT PRIMARY KEY, x INT DEFAULT 7)")
	r.exec("CREATE TABLE old.other (a INT, x INT)")
	r.exec("INSERT INTO old.other VALUES (1, 1)")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE near (a INT PRIMARY KEY, b VARCHAR(9)) ENGINE=SPIDER COMMENT='srv "backend", tbl "far"'`)
	c.exec(`CREATE TABLE other (a INT) ENGINE=SPIDER REMOTE_SERVER=backend REMOTE_TABLE=other`)
	c.exec("INSERT INTO near VALUES (1, 'one')")
	c.exec("INSERT INTO near (near.a, fed.near.b) VALUES (2, 'two') ON DUPLICATE KEY UPDATE near.b = 'x'")
	c.exec("DELETE FROM near WHERE near.a = 2")
	r.want("SELECT * FROM old.`far`", "5|one|1|7")
	c.want("SELECT * FROM near", "1|one")
	c.want("SELECT n.*, 1 FROM near n", "1|one|1")
	// x is near's alias where the remote table has a column of that name.
	c.want("SELECT a + 1 AS x FROM near GROUP BY x", "2")
	c.fails(1054, "SELECT x FROM near")
	c.want("SELECT * FROM near NATURAL JOIN other", "1|one")
	c.want("SELECT b FROM near AS x WHERE EXISTS (SELECT 1 FROM other WHERE b = 'one')", "one")
	p := b.raw(t, "fed", wire.ClientDeprecateEOF)
	for q, want := range map[string]string{
		"SELECT a, b AS c, a + 1, (SELECT /* one */ MAX(o.a) FROM fed.other o) FROM near": "fed.near.near.a.a fed.near.near.c.b ...a + 1. ...(SELECT /* one */ MAX(o.a) FROM fed.other o).",
		"SELECT n.b FROM fed.near n":                "fed.n.near.b.b",
		"SELECT * FROM near":                        "fed.near.near.a.a fed.near.near.b.b",
		"SELECT * FROM near JOIN other o USING (a)": "fed.near.near.a.a fed.near.near.b.b",
	} {
		if got := p.columns(q); got != want {
			t.Errorf("%s: columns %s, want %s", q, got, want)
		}
	}
}

// The client's account decides, not the link's: nothing of what it may not do reaches the remote server.
func TestLinkedRights(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY, b INT, secret INT)")
	r.exec("CREATE TABLE old.hidden (a INT)")
	r.exec("CREATE FUNCTION old.f() RETURNS INT DETERMINISTIC RETURN 1")
	r.exec("INSERT INTO old.t VALUES (1, 1, 42)")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE t (a INT PRIMARY KEY, b INT, secret INT) ENGINE=SPIDER COMMENT='srv "backend"'`)
	b.account(t, "reader", "IDENTIFIED BY 'r'")
	c.exec("GRANT SELECT (a, b), UPDATE (b) ON fed.t TO reader")
	u := b.as(t, "reader", "r", "fed")
	u.want("SELECT a, b FROM t", "1|1")
	u.exec("UPDATE t SET b = b + 1 WHERE a = 1")
	r.hear()
	for q, code := range map[string]uint16{
		"SELECT * FROM t":                                1142,
		"SELECT secret FROM t":                           1143,
		"SELECT a FROM t WHERE secret = 42":              1143,
		"INSERT INTO t (a) VALUES (2)":                   1142,
		"REPLACE INTO t (a) VALUES (2)":                  1142,
		"DELETE FROM t":                                  1142,
		"UPDATE t SET a = 2":                             1143,
		"UPDATE t SET b = secret":                        1143,
		"SELECT a FROM t UNION SELECT a FROM hidden":     1142,
		"SELECT a FROM t UNION SELECT a FROM old.hidden": 1142,
		"SELECT a, old.f() FROM t":                       1370,
		"SELECT a FROM t INTO OUTFILE '/tmp/x'":          1227,
		"SELECT a, GET_LOCK('x', 0) FROM t":              1235,
		"DROP TABLE t":                                   1142,
	} {
		u.fails(code, q)
	}
	if got := r.heard(); got != "" {
		t.Errorf("the remote server was sent %s", got)
	}
	// What would tell of the remote server, or be done by the link's account, is a leaf's to say, under the client's own.
	u.want("SELECT a, LOAD_FILE('/etc/passwd') FROM t", "1|NULL")
	u.want("SELECT a, CURRENT_USER() FROM t", "1|reader@%")
	u.exec("SELECT a, @@hostname FROM t")
	u.exec("SELECT SQL_NO_CACHE a FROM t PROCEDURE ANALYSE()")
	u.want("SET STATEMENT max_statement_time = 10 FOR SELECT a FROM t", "1")
	if got := r.heard(); strings.Contains(got, "LOAD_FILE") || strings.Contains(got, "CURRENT_USER") || strings.Contains(got, "hostname") || strings.Contains(got, "ANALYSE") || strings.Contains(got, "secret") {
		t.Errorf("the remote server was sent %s", got)
	}
	// Text that a newer server would execute is none here, and does not get there.
	u.want("SELECT a /*!999999 , secret */ FROM t /*M!999999 UNION SELECT a FROM hidden */ -- , x", "1")
	if got := r.heard(); strings.Contains(got, "secret") || strings.Contains(got, "hidden") {
		t.Errorf("the remote server was sent %s", got)
	}
	c.exec("REVOKE SELECT (a, b) ON fed.t FROM reader")
	u.fails(1142, "SELECT a, b FROM t")
	st, err := c.c.PrepareContext(timeout(t), "SELECT secret FROM t WHERE a = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var n int
	if err := st.QueryRowContext(timeout(t), 1).Scan(&n); err != nil || n != 42 {
		t.Error(n, err)
	}
	// Functions are a leaf's, and may read such tables.
	c.exec("CREATE FUNCTION up (x INT) RETURNS INT RETURN x + 1")
	c.exec("CREATE FUNCTION far (k INT) RETURNS INT RETURN (SELECT secret FROM t WHERE a = k)")
	c.exec("CREATE TABLE s (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO s VALUES (1, 1), (2, 2)")
	c.want("SELECT up(a), far(a) FROM t", "2|42")
	c.want("SELECT SUM(far(id)), COUNT(far(id)) FROM s", "42|1")
	c.exec("INSERT INTO s SELECT a + 5, up(far(a)) FROM t")
	c.want("SELECT v FROM s WHERE id = 6", "43")
	c.fails(1235, "UPDATE t SET b = up(b)")
	c.fails(1235, "INSERT INTO s SELECT a + 7, 1 FROM t ON DUPLICATE KEY UPDATE v = up(v)")
}

// What goes wrong at the remote server has Spider's numbers.
func TestLinkedFailures(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY, b INT)")
	r.exec("INSERT INTO old.t VALUES (1, 1)")
	r.exec("GRANT ALL ON nosuch.* TO " + linkUser + "@'%'")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE t (a INT PRIMARY KEY, b INT) ENGINE=SPIDER COMMENT='srv "backend", cto "2", nrt "2"'`)
	define := func(name, columns, comment string) string {
		c.exec("CREATE TABLE " + name + " (" + columns + ") ENGINE=SPIDER COMMENT='" + comment + "'")
		return c.rows("SHOW WARNINGS")
	}
	if w := define("missing", "a INT", `srv "backend"`); !strings.HasPrefix(w, "Warning|12702|") {
		t.Error(w)
	}
	if w := define("lacks", "a INT, c INT", `srv "backend", tbl "t"`); !strings.HasPrefix(w, "Warning|12702|") {
		t.Error(w)
	}
	c.want("SELECT a FROM lacks", "1")
	for q, code := range map[string]uint16{"SELECT * FROM missing": 12702, "INSERT INTO missing VALUES (1)": 12702, "SELECT c FROM lacks": 12702} {
		c.fails(code, q)
	}
	at := fmt.Sprintf(`host "127.0.0.1", port "%d", user "%s", database "old", tbl "t"`, r.port, linkUser)
	if w := define("wrong", "a INT", at+`, password "s3cret"`); !strings.HasPrefix(w, "Warning|1429|Unable to connect to foreign data source: 127.0.0.1") || strings.Contains(w, "s3cret") {
		t.Error(w)
	}
	if m := c.fails(1429, "SELECT * FROM wrong"); m != "Unable to connect to foreign data source: 127.0.0.1" {
		t.Error(m)
	}
	if w := c.rows("SHOW WARNINGS"); !strings.Contains(w, "Access denied for user") || strings.Contains(w, "s3cret") {
		t.Error(w)
	}
	// One table's right password is none for another's wrong one.
	define("same", "a INT", at+`, password "`+linkPassword+`"`)
	c.want("SELECT * FROM same", "1")
	c.want("SELECT COUNT(*) FROM same JOIN t ON t.a = same.a", "1")
	c.fails(1235, "SELECT COUNT(*) FROM same JOIN wrong ON wrong.a = same.a")
	c.fails(1235, "SELECT COUNT(*) FROM wrong JOIN t ON t.a = wrong.a")

	// A changed server is used by the next statement.
	c.exec("ALTER SERVER backend OPTIONS (DATABASE 'nosuch')")
	c.fails(12702, "SELECT * FROM t")
	c.exec("ALTER SERVER backend OPTIONS (DATABASE 'old', PASSWORD 's3cret')")
	c.fails(1429, "SELECT * FROM t")
	c.exec("ALTER SERVER backend OPTIONS (PASSWORD '" + linkPassword + "')")
	c.want("SELECT * FROM t", "1|1")
	c.exec("DROP SERVER backend")
	c.fails(1477, "SELECT * FROM t")
	c.exec(r.server("backend"))
	c.want("SELECT * FROM t", "1|1")

	// A stale connection is replaced.
	r.exec("KILL USER " + linkUser)
	c.want("SELECT * FROM t", "1|1")
	// What runs there is ended by its client, or with its connection.
	victim := b.as(t, "root", "", "fed")
	id := victim.rows("SELECT CONNECTION_ID()")
	for _, end := range []struct {
		end  func()
		code string
	}{
		{func() { c.exec("KILL QUERY " + id) }, "1317"},
		{func() { r.exec("KILL USER " + linkUser) }, "12701"},
	} {
		ended := make(chan error, 1)
		go func() {
			_, err := victim.query("UPDATE t SET b = SLEEP(1.9) WHERE a = 1")
			ended <- err
		}()
		waitFor(t, func() bool {
			return r.rows("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SLEEP(1.9)%' AND USER = '"+linkUser+"'") == "1"
		})
		end.end()
		if err := <-ended; err == nil || !strings.Contains(err.Error(), end.code) {
			t.Error(err, end.code)
		}
	}
	// Silence for net_read_timeout ends a statement.
	if m := c.fails(12701, "UPDATE t SET b = SLEEP(30) WHERE a = 1"); !strings.Contains(m, "unknown") {
		t.Error(m)
	}
	// In a transaction its loss ends it.
	c.exec("BEGIN")
	c.exec("UPDATE t SET b = 8 WHERE a = 1")
	r.exec("KILL USER " + linkUser)
	c.fails(1213, "UPDATE t SET b = 9 WHERE a = 1")
	c.want("SELECT @@in_transaction", "0")
	if got := r.rows("SELECT b FROM old.t"); got == "8" || got == "9" {
		t.Error(got)
	}

	if err := r.farm.Kill(0); err != nil {
		t.Fatal(err)
	}
	if m := c.fails(1429, "SELECT * FROM t"); m != "Unable to connect to foreign data source: backend" {
		t.Error(m)
	}
	c.fails(1429, "INSERT INTO t VALUES (2, 2)")
	c.exec("CREATE TABLE u (a INT) ENGINE=SPIDER COMMENT='srv \"backend\"'")
	if w := c.rows("SHOW WARNINGS"); !strings.HasPrefix(w, "Warning|1429|") {
		t.Error(w)
	}
}

// Accounts log in by the methods that they have, over TLS where a link has files for it.
func TestLinkedLogins(t *testing.T) {
	b := cluster(t)
	certs := farmtest.Certify(t)
	r := newRemote(t, certs.LeafOptions()...)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY)")
	r.exec("INSERT INTO old.t VALUES (1)")
	c := b.database(t, "fed")
	n := 0
	define := func(user, how, more string) string {
		t.Helper()
		r.exec("CREATE USER '" + user + "'@'%' IDENTIFIED " + how)
		r.exec("GRANT ALL ON old.* TO '" + user + "'@'%'")
		n++
		name := fmt.Sprintf("t%d", n)
		c.exec(fmt.Sprintf(`CREATE TABLE %s (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host "127.0.0.1", port "%d", database "old", tbl "t", user "%s", password "s3cret" %s'`,
			name, r.port, user, more))
		return name
	}
	c.want("SELECT * FROM "+define("ed", "VIA ed25519 USING PASSWORD('s3cret')", ""), "1")
	c.want("SELECT * FROM "+define("native", "BY 's3cret'", ""), "1")
	secure := "BY 's3cret' REQUIRE SSL"
	c.fails(1429, "SELECT * FROM "+define("plain", secure, ""))
	c.want("SELECT * FROM "+define("ssl", secure, `, ssl_ca "`+certs.CAFile+`", ssl_verify_server_cert "1"`), "1")
	c.want("SELECT * FROM "+define("x509", "BY 's3cret' REQUIRE X509", `, sca "`+certs.CAFile+`", scr "`+certs.ClientFile+`", sky "`+certs.ClientKeyFile+`"`), "1")
	other := farmtest.Certify(t)
	c.fails(1429, "SELECT * FROM "+define("stranger", secure, `, ssl_ca "`+other.CAFile+`"`))
	c.fails(1429, "SELECT * FROM "+define("nofile", secure, `, ssl_ca "/nonexistent"`))
	// One connection was made to look at the table, a second one is the session's, a third one is too many.
	few := define("few", "BY 's3cret' WITH MAX_USER_CONNECTIONS 2", "")
	c.want("SELECT * FROM "+few, "1")
	c.exec("BEGIN")
	c.want("SELECT * FROM "+few, "1")
	b.root(t, "fed").fails(12713, "SELECT * FROM "+few)
	c.exec("ROLLBACK")
}

// Links into the cluster itself are seen: to a leaf they are refused, and in circles they end.
func TestLinkedToItself(t *testing.T) {
	b := cluster(t)
	b.account(t, "self", "IDENTIFIED BY 's'")
	c := b.database(t, "fed")
	c.exec("CREATE TABLE sharded (a INT PRIMARY KEY)")
	c.exec("GRANT ALL ON fed.* TO self")
	at := func(name, table string, port int) {
		c.exec(fmt.Sprintf(`CREATE TABLE %s (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host "127.0.0.1", port "%d", user "self", password "s", tbl "%s"'`, name, port, table))
	}
	at("leaf", "sharded", b.farm.Leaves()[0].Port)
	if w := c.rows("SHOW WARNINGS"); !strings.HasPrefix(w, "Warning|12720|") {
		t.Error(w)
	}
	c.fails(12720, "INSERT INTO leaf VALUES (1)")
	for _, q := range []string{"CALL orbweaver.serve('x', 0)", "CALL `orbweaver`./**/serve()", "EXECUTE IMMEDIATE 'CALL orbweaver.serve()'"} {
		c.fails(1305, q)
	}
	at("node", "sharded", b.addr.Port)
	c.exec("INSERT INTO node VALUES (1)")
	c.want("SELECT * FROM sharded", "1")
	at("circle", "circle", b.addr.Port)
	c.fails(12719, "SELECT * FROM circle")
}

// What can't be served is refused, and nothing is changed.
func TestLinkedRefused(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r, other := newRemote(t), newRemote(t)
	for _, s := range []*remoteServer{r, other} {
		s.exec("CREATE TABLE old.t (a INT PRIMARY KEY)")
		s.exec("CREATE TABLE old.u (a INT PRIMARY KEY)")
	}
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(other.server("backend2"))
	c.exec(`CREATE TABLE t (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend"'`)
	c.exec(`CREATE TABLE u (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend2"'`)
	c.exec(`CREATE TABLE ro (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend", tbl "u", read_only_mode "1"'`)
	c.exec("CREATE TABLE sharded (a INT PRIMARY KEY)")
	c.exec("CREATE REFERENCE TABLE ref (a INT PRIMARY KEY)")
	c.want("SELECT * FROM ro", "")
	for q, code := range map[string]uint16{
		"INSERT INTO ro VALUES (1)": 12518,
		"DELETE FROM ro":            12518,
		"CREATE TABLE v (a INT) ENGINE=SPIDER COMMENT='srv \"nosuch\"'":                                      1477,
		"CREATE TABLE v (a INT) ENGINE=SPIDER COMMENT='nosuch \"1\"'":                                        12501,
		"CREATE TABLE v (a INT) ENGINE=SPIDER COMMENT='password \"***\"'":                                    1210,
		"CREATE TABLE v ENGINE=SPIDER COMMENT='srv \"backend\"'":                                             12702,
		"RENAME TABLE t TO v, sharded TO w":                                                                  1235,
		"ALTER TABLE sharded ENGINE=SPIDER":                                                                  1235,
		"ALTER TABLE t ENGINE=InnoDB":                                                                        1235,
		"CREATE REFERENCE TABLE v (a INT) ENGINE=SPIDER COMMENT='srv \"backend\"'":                           1235,
		"CREATE TABLE v (a INT, FOREIGN KEY (a) REFERENCES ref (a)) ENGINE=SPIDER COMMENT='srv \"backend\"'": 1235,
		"CREATE TABLE v (a INT PRIMARY KEY, FOREIGN KEY (a) REFERENCES t (a))":                               1235,
		"CREATE TABLE v (a NOSUCH) ENGINE=SPIDER COMMENT='srv \"backend\"'":                                  4161,
		"CREATE TABLE t (a INT) ENGINE=SPIDER COMMENT='srv \"backend\"'":                                     1050,
	} {
		c.fails(code, q)
	}
	c.exec("INSERT INTO t SELECT u.a FROM sharded, u")
	c.exec("DELETE FROM sharded WHERE a IN (SELECT a FROM t)")
	for _, q := range []string{"SELECT * FROM t JOIN u ON t.a = u.a", "SELECT * FROM t JOIN sharded USING (a)", "SELECT * FROM t JOIN ref USING (a)"} {
		c.want(q, "") // which copies serve
	}
	c.want("SHOW TABLES", "ref/ro/sharded/t/u")
	c.exec("CREATE TABLE IF NOT EXISTS t (a INT) ENGINE=SPIDER COMMENT='srv \"backend\"'")
	c.want("SHOW WARNINGS", "Note|1050|Table 't' already exists")
	c.want("EXPLAIN SELECT * FROM t WHERE a = 1", "Forward|server backend|NULL|SELECT `t`.`a` FROM `old`.`t` AS `t` WHERE a = 1")
}

// Definitions come back as they were written, but for passwords; those are nowhere.
func TestLinkedDefinition(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	r.exec("CREATE TABLE old.d (a INT PRIMARY KEY, b INT)")
	at := fmt.Sprintf(`host "127.0.0.1", port "%d", user "%s", password "%s", database "old"`, r.port, linkUser, linkPassword)
	c.exec("CREATE TABLE d (a INT PRIMARY KEY, b INT) ENGINE=SPIDER DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci, CONNECTION='" + at + `, bgs_mode "1"' REMOTE_TABLE='d'`)
	c.want("SHOW WARNINGS", "Note|1478|Table storage engine 'SPIDER' does not support the create option 'bgs_mode': it is kept, and changes nothing here")
	c.want("SELECT * FROM d", "")
	masked := strings.Replace(at, linkPassword, "***", 1)
	c.want("SHOW CREATE TABLE d", "d|CREATE TABLE `d` (\n  `a` int(11) NOT NULL,\n  `b` int(11) DEFAULT NULL,\n  PRIMARY KEY (`a`)\n) ENGINE=SPIDER DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"+
		" CONNECTION='"+masked+", bgs_mode \"1\"' `REMOTE_TABLE`='d'")
	for i := range b.farm.Leaves() {
		if got := b.leaf(t, i, "SHOW CREATE TABLE fed.d"); strings.Contains(got, "127.0.0.1") || strings.Contains(got, linkPassword) {
			t.Error(got)
		}
	}
	c.want("SELECT COLUMN_NAME, COLUMN_KEY FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'fed' AND TABLE_NAME = 'd' ORDER BY 1", "a|PRI/b|")
	kept, err := json.Marshal(b.cat.Snapshot().Table("fed", "d"))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{linkPassword, base64.StdEncoding.EncodeToString([]byte(linkPassword))} {
		if strings.Contains(string(kept), form) {
			t.Errorf("the catalog has the password: %s", kept)
		}
	}
	// By the binary protocol, too.
	st, err := c.c.PrepareContext(timeout(t), "CREATE TABLE e (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv \"backend\", tbl \"d\"'")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.ExecContext(timeout(t)); err != nil {
		t.Fatal(err)
	}
	c.exec("INSERT INTO e VALUES (1)")
	c.want("SELECT * FROM d", "1|NULL")
}
