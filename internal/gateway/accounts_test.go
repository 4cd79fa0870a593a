package gateway

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// sameAccounts wants the leaves' accounts to be equal, row by row.
func (b *bench) sameAccounts(t *testing.T) {
	t.Helper()
	for _, table := range grantTables {
		q := "SELECT * FROM mysql." + table.name + " ORDER BY " + strings.Join(table.key, ",")
		if x, y := b.leaf(t, 0, q), b.leaf(t, 1, q); x != y {
			t.Errorf("mysql.%s differs:\n%s\n%s", table.name, x, y)
		}
	}
	if n := b.leaf(t, 1, "SELECT COUNT(*) FROM mysql.global_priv WHERE Priv NOT LIKE '%is_role%' AND Priv NOT LIKE '%"+farmtest.ClusterPublicKey+"%'"); n != "0" {
		t.Errorf("%s accounts lack the cluster's method", n)
	}
}

func TestAccountStatementsReachEveryLeaf(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "accdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3)")
	b.account(t, "'u'@'%'", "IDENTIFIED BY 'p'")
	b.sameAccounts(t)
	c.exec("GRANT SELECT (id), UPDATE ON accdb.t TO 'u'@'%'")
	b.sameAccounts(t)
	u := b.as(t, "u", "p", "accdb")
	u.want("SELECT id FROM t WHERE id = 2", "2")
	u.want("SELECT COUNT(id) FROM t", "3")
	u.fails(1143, "SELECT v FROM t WHERE id = 2")
	u.fails(1142, "INSERT INTO t VALUES (4,4)")
	u.fails(1142, "DELETE FROM t")
	c.exec("GRANT INSERT, DELETE, SELECT ON accdb.* TO 'u'@'%'")
	u.exec("INSERT INTO t VALUES (4,4),(5,5)")
	u.want("SELECT SUM(v) FROM t", "15")
	c.exec("REVOKE INSERT ON accdb.* FROM 'u'@'%'")
	u.fails(1142, "INSERT INTO t VALUES (6,6)")
	b.sameAccounts(t)
	c.want("SHOW GRANTS FOR 'u'@'%'", "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*"+nativeHash("p")+
		"'/GRANT SELECT, DELETE ON `accdb`.* TO `u`@`%`/GRANT SELECT (`id`), UPDATE ON `accdb`.`t` TO `u`@`%`")
	c.want("SHOW CREATE USER 'u'@'%'", "CREATE USER `u`@`%` IDENTIFIED BY PASSWORD '*"+nativeHash("p")+"'")
	// The cluster's own accounts nobody sees, and no dump has them.
	for _, q := range []string{"SHOW CREATE USER 'orbweaver'@'%'", "SHOW CREATE USER orbweaver_replica"} {
		c.fails(1133, q)
	}
	if m := c.fails(1141, "SHOW GRANTS FOR `orbweaver`@`localhost`"); !strings.Contains(m, "'orbweaver' on host 'localhost'") {
		t.Error(m)
	}
	c.want("SELECT COUNT(*), COUNT(IF(User LIKE 'orbweaver%', 1, NULL)) FROM mysql.user JOIN mysql.global_priv AS p USING (Host, User) WHERE User IN ('u', 'orbweaver', 'orbweaver_replica')", "1|0")
	c.want("SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE LIKE '''orbweaver%'", "0")
	dump, err := exec.CommandContext(timeout(t), "mariadb-dump", "--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-uroot", "--system=users").CombinedOutput()
	if err != nil || !strings.Contains(string(dump), "`u`@`%`") || strings.Contains(string(dump), "orbweaver") {
		t.Errorf("%v: %s", err, dump)
	}
	c.exec("RENAME USER 'u'@'%' TO 'u2'@'%'")
	t.Cleanup(func() { _, _ = b.open(t, "root", "", "", "").Exec("DROP USER 'u2'@'%'") })
	b.sameAccounts(t)
	b.as(t, "u2", "p", "accdb").want("SELECT COUNT(*) FROM t", "5")
	if msg := c.fails(1396, "DROP USER 'u2'@'%', 'nosuch'@'%'"); !strings.Contains(msg, "nosuch") {
		t.Error(msg)
	}
	b.sameAccounts(t) // u2 is gone all the same, at every leaf
	if code, _ := b.login(t, "u2", "p", "", ""); code != 1045 {
		t.Errorf("a dropped account: error %d", code)
	}
	if n := b.leaf(t, 1, "SELECT COUNT(*) FROM mysql.db WHERE Db LIKE 'accdb%'"); n != "0" {
		t.Errorf("%s rows of rights are left", n)
	}
	c.fails(1064, "CREATE USER")
	c.fails(1396, "CREATE USER root@localhost")
	c.fails(1396, "DROP USER orbweaver@'%'")
	c.fails(1396, "GRANT SELECT ON *.* TO 'orbweaver'@'%'")
	c.fails(1049, "GRANT SELECT ON accdb_0.* TO root@localhost")
	c.fails(1049, "GRANT SELECT ON `accdb\\_0`.* TO root@localhost")
}

// A database that is made after a right on it was given.
func TestGrantsBeforeTheDatabase(t *testing.T) {
	b := cluster(t)
	root := b.root(t, "")
	root.exec("DROP DATABASE IF EXISTS later")
	b.account(t, "'early'@'%'", "IDENTIFIED BY 'p'")
	root.exec("GRANT ALL ON later.* TO 'early'@'%'")
	root.exec("GRANT ALL ON `lat%`.* TO 'early'@'%'")
	e := b.as(t, "early", "p", "")
	e.exec("CREATE DATABASE later PARTITIONS 4")
	t.Cleanup(func() { _, _ = b.open(t, "root", "", "", "").Exec("DROP DATABASE later") })
	e.exec("USE later")
	e.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	e.exec("INSERT INTO t VALUES (1),(2),(3)")
	e.want("SELECT COUNT(*) FROM t", "3")
	e.fails(1044, "CREATE DATABASE other")
}

// Every shape of statement, by an account with next to no rights: MariaDB's own refusal, and nothing changed.
func TestWeakAccounts(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "weakdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE TABLE mine (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3),(4,4)")
	c.exec("INSERT INTO r VALUES (1,1)")
	b.account(t, "'weak2'@'%'", "IDENTIFIED BY 'w'")
	c.exec("GRANT SELECT, INSERT ON weakdb.mine TO 'weak2'@'%'")
	w := b.as(t, "weak2", "w", "weakdb")
	w.exec("INSERT INTO mine VALUES (1,1),(2,2)")
	for q, code := range map[string]uint16{
		"SELECT * FROM t":                                                   1142,
		"SELECT * FROM t WHERE id = 1":                                      1142,
		"SELECT COUNT(*) FROM t":                                            1142,
		"SELECT v, COUNT(*) FROM t GROUP BY v ORDER BY v":                   1142,
		"SELECT * FROM mine JOIN t USING (id)":                              1142,
		"SELECT * FROM mine WHERE id = 1 AND EXISTS (SELECT 1 FROM r)":      1142,
		"SELECT * FROM mine UNION SELECT * FROM t":                          1142,
		"SELECT * FROM r":                                                   1142,
		"INSERT INTO t VALUES (9,9)":                                        1142,
		"INSERT INTO t VALUES (9,9),(10,10)":                                1142,
		"INSERT INTO r VALUES (9,9)":                                        1142,
		"INSERT INTO mine SELECT * FROM t":                                  1142,
		"INSERT INTO t SELECT * FROM mine":                                  1142,
		"INSERT INTO mine VALUES (1,1) ON DUPLICATE KEY UPDATE v = 5":       1142,
		"REPLACE INTO t VALUES (1,9)":                                       1142,
		"REPLACE INTO mine VALUES (1,9)":                                    1142,
		"UPDATE t SET v = 9":                                                1142,
		"UPDATE t SET v = 9 WHERE id = 1":                                   1142,
		"UPDATE mine SET v = 9 WHERE id = 1":                                1142,
		"DELETE FROM t":                                                     1142,
		"DELETE FROM t WHERE id = 1 RETURNING v":                            1142,
		"DELETE FROM mine":                                                  1142,
		"CREATE TABLE x (id INT PRIMARY KEY)":                               1142,
		"CREATE TABLE weakdb.x LIKE mine":                                   1142,
		"ALTER TABLE t ADD COLUMN z INT":                                    1142,
		"ALTER TABLE mine ADD COLUMN z INT":                                 1142,
		"DROP TABLE t":                                                      1142,
		"DROP TABLE mine":                                                   1142,
		"TRUNCATE t":                                                        1142,
		"RENAME TABLE mine TO yours":                                        1142,
		"CREATE INDEX i ON mine (v)":                                        1142,
		"CREATE DATABASE x":                                                 1044,
		"DROP DATABASE weakdb":                                              1044,
		"ALTER DATABASE weakdb CHARACTER SET latin1":                        1044,
		"CREATE VIEW x AS SELECT * FROM t":                                  1142,
		"CREATE USER x":                                                     1227,
		"DROP USER root@localhost":                                          1227,
		"GRANT SELECT ON weakdb.t TO 'weak2'@'%'":                           1142,
		"GRANT ALL ON *.* TO 'weak2'@'%'":                                   1045,
		"SET PASSWORD FOR root@localhost = PASSWORD('x')":                   1044,
		"SET GLOBAL max_connections = 5":                                    1227,
		"FLUSH PRIVILEGES":                                                  1227,
		"FLUSH TABLES":                                                      1227,
		"CHECK TABLE t":                                                     1142,
		"OPTIMIZE TABLE t":                                                  1142,
		"LOCK TABLES t WRITE":                                               1044,
		"SHOW CREATE TABLE t":                                               1142,
		"SHOW COLUMNS FROM t":                                               1142,
		"SHOW GRANTS FOR root@localhost":                                    1044,
		"SELECT * FROM mysql.global_priv":                                   1142,
		"UPDATE mysql.global_priv SET Priv = '{}'":                          1142,
		"EXPLAIN SELECT * FROM t":                                           1142,
		"EXPLAIN EXTENDED SELECT * FROM t":                                  1142,
		"ANALYZE SELECT * FROM t":                                           1142,
		"PREPARE s FROM 'SELECT * FROM t'":                                  1142,
		"EXECUTE IMMEDIATE 'DELETE FROM t'":                                 1142,
		"SET @x = (SELECT COUNT(*) FROM t)":                                 1142,
		"DO (SELECT COUNT(*) FROM r)":                                       1142,
		"USE mysql":                                                         1044,
		"SELECT v FROM mine WHERE id = 1 AND v = (SELECT v FROM t LIMIT 1)": 1142,
		"SELECT * FROM (SELECT * FROM t) x WHERE id = 1":                    1142,
		"WITH x AS (SELECT * FROM t) SELECT * FROM x WHERE id = 1":          1142,
		"SELECT LOAD_FILE('/etc/passwd') FROM t":                            1142,
		"SELECT * FROM mine WHERE id = 1 INTO OUTFILE '/tmp/x'":             1227,
		"SELECT a.v FROM mine a JOIN mine b ON a.v = b.id INTO OUTFILE '/tmp/x'": 1227,
	} {
		msg := w.fails(code, q)
		if strings.Contains(msg, "weakdb_") {
			t.Errorf("%s: %s", q, msg)
		}
	}
	c.want("SELECT SUM(v), COUNT(*) FROM t", "10|4")
	c.want("SELECT SUM(v), COUNT(*) FROM mine", "3|2")
	c.want("SELECT COUNT(*) FROM r", "1")
	// By the binary protocol too.
	for _, q := range []string{"SELECT * FROM t WHERE id = ?", "DELETE FROM t WHERE id = ?", "UPDATE mine SET v = 5 WHERE id = ?"} {
		w.fails(1142, q, 1)
	}
}

func nativeHash(password string) string { return strings.TrimPrefix(wire.NativeHash(password), "*") }

func TestCutOffAccountChangesAreRepaired(t *testing.T) {
	b := cluster(t)
	b.account(t, "'rep'@'%'", "IDENTIFIED BY 'p'")
	// As if a node had died between the first leaf and the second, and as if somebody had changed accounts behind the nodes' backs.
	b.leaf(t, 1, "UPDATE mysql.global_priv SET Priv = '{\"access\":0}' WHERE User = 'rep'")
	b.leaf(t, 1, "CREATE USER stray@'%'")
	b.leaf(t, 0, "CREATE USER adopted@'%' IDENTIFIED BY 'a'")
	t.Cleanup(func() { _, _ = b.open(t, "root", "", "", "").Exec("DROP USER adopted@'%'") })
	if err := b.g.RepairAccounts(timeout(t)); err != nil {
		t.Fatal(err)
	}
	b.sameAccounts(t)
	if code, text := b.login(t, "adopted", "a", "", ""); code != 0 {
		t.Errorf("an account made at a leaf: %d %s", code, text)
	}
	if code, _ := b.login(t, "stray", "", "", ""); code != 1045 {
		t.Errorf("an account that only the second leaf had: %d", code)
	}
}

// A leaf was lost right after it had been told of a change, alone; the others went on without it, and have counted as far by now. What it was told is given up, and
// what they were told is kept, when it is back.
func TestAccountsOfALeafThatComesBackDoNotCount(t *testing.T) {
	b := cluster(t)
	first := b.farm.Leaves()[0].Name
	state := func(s topo.LeafState) {
		t.Helper()
		rev, err := b.cat.Update(timeout(t), func(x *catalog.Txn) error {
			l := *x.Leaf(first)
			l.State = s
			x.PutLeaf(&l)
			return nil
		})
		if err == nil {
			err = b.cat.WaitRevision(timeout(t), rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { state(topo.LeafOnline) })
	b.account(t, "'before'@'%'", "")
	b.leaf(t, 0, "UPDATE orbweaver.accounts SET version = version + 1")
	b.leaf(t, 0, "CREATE USER alone@'%'")
	state(topo.LeafOffline)
	c := b.root(t, "")
	c.exec("CREATE USER meanwhile@'%' IDENTIFIED BY 'm'") // the version of the others is that of the first now
	t.Cleanup(func() { _, _ = b.open(t, "root", "", "", "").Exec("DROP USER IF EXISTS meanwhile@'%'") })
	state(topo.LeafAttaching)
	if err := b.g.RepairAccounts(timeout(t)); err != nil {
		t.Fatal(err)
	}
	state(topo.LeafOnline)
	b.sameAccounts(t)
	if code, text := b.login(t, "meanwhile", "m", "", ""); code != 0 {
		t.Errorf("an account that was made while the leaf was away: %d %s", code, text)
	}
	if code, _ := b.login(t, "alone", "", "", ""); code != 1045 {
		t.Errorf("an account that only the leaf had: %d", code)
	}
}
