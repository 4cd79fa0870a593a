package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// login tries to log in and gives the error's number, 0 for none.
func (b *bench) login(t *testing.T, user, password, db, params string) (uint16, string) {
	t.Helper()
	c, err := b.open(t, user, password, db, params).Conn(context.Background())
	if err == nil {
		c.Close()
		return 0, ""
	}
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return 1, err.Error()
	}
	return e.Number, e.Message
}

func TestLogin(t *testing.T) {
	b := cluster(t)
	b.database(t, "logindb")
	b.account(t, "'native'@'%'", "IDENTIFIED BY 'n'")
	b.account(t, "'ed'@'%'", "IDENTIFIED VIA ed25519 USING PASSWORD('e')")
	b.account(t, "'both'@'%'", "IDENTIFIED VIA ed25519 USING PASSWORD('e') OR mysql_native_password USING PASSWORD('n')")
	b.account(t, "'locked'@'%'", "IDENTIFIED BY 'n' ACCOUNT LOCK")
	b.account(t, "'expired'@'%'", "IDENTIFIED BY 'n' PASSWORD EXPIRE")
	b.account(t, "'sock'@'%'", "IDENTIFIED VIA unix_socket")
	b.account(t, "'empty'@'%'", "")
	b.account(t, "'away'@'10.1.2.%'", "")
	b.root(t, "").exec("CREATE ROLE IF NOT EXISTS 'somerole'")
	t.Cleanup(func() { _, _ = b.open(t, "root", "", "", "").Exec("DROP ROLE somerole") })
	for _, c := range []struct {
		user, password, db string
		code               uint16
		text               string
	}{
		{"native", "n", "", 0, ""},
		{"native", "wrong", "", 1045, "Access denied for user 'native'@'localhost' (using password: YES)"},
		{"native", "", "", 1045, "Access denied for user 'native'@'localhost' (using password: NO)"},
		{"ed", "e", "", 0, ""},
		{"ed", "wrong", "", 1045, "'ed'@'localhost'"},
		{"both", "e", "", 0, ""},
		{"both", "n", "", 0, ""},
		{"both", "x", "", 1045, ""},
		{"locked", "n", "", 4151, "locked"},
		{"locked", "wrong", "", 1045, ""},
		{"expired", "n", "", 1862, "expired"},
		{"sock", "", "", 1524, "unix_socket"},
		{"empty", "", "", 0, ""},
		{"empty", "x", "", 1045, ""},
		{"away", "", "", 1045, ""},
		{"nobody", "x", "", 1045, "Access denied for user 'nobody'@'localhost' (using password: YES)"},
		{"somerole", "", "", 1045, ""},
		{"orbweaver", "", "", 1045, ""},
		// Whoever knows the cluster's password is a node, not a client: no account is to be had by it.
		{"orbweaver", farmtest.ClusterPassword, "", 1045, ""},
		{"native", farmtest.ClusterPassword, "", 1045, ""},
		{"ed", farmtest.ClusterPassword, "", 1045, ""},
		{"empty", farmtest.ClusterPassword, "", 1045, ""},
		{"root", "", "nosuchdb", 1049, "Unknown database 'nosuchdb'"},
		{"root", "", "logindb_0", 1049, "Unknown database 'logindb_0'"},
		{"root", "", "orbweaver", 1049, "Unknown database 'orbweaver'"},
		{"root", "", "logindb", 0, ""},
		{"native", "n", "logindb", 1044, "Access denied for user 'native'@'%' to database 'logindb'"},
		{"native", "n", "information_schema", 0, ""},
	} {
		code, text := b.login(t, c.user, c.password, c.db, "")
		if code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s:%s at %q: error %d %s, want %d %s", c.user, c.password, c.db, code, text, c.code, c.text)
		}
	}
}

// The node's choice among accounts is the leaf's: a session's rights are those of the account that the leaf has matched.
func TestTheMostSpecificAccountIsMatched(t *testing.T) {
	b := cluster(t)
	b.account(t, "'m'@'%'", "IDENTIFIED BY 'any'")
	b.account(t, "'m'@'localhost'", "IDENTIFIED BY 'local'")
	b.account(t, "'m'@'127.%'", "IDENTIFIED BY 'net'")
	if code, text := b.login(t, "m", "any", "", ""); code != 1045 {
		t.Errorf("logged in by the password of another account: %d %s", code, text)
	}
	b.as(t, "m", "local", "").want("SELECT CURRENT_USER()", "m@localhost")
	root := b.root(t, "")
	root.exec("DROP USER 'm'@'localhost'")
	b.as(t, "m", "net", "").want("SELECT CURRENT_USER()", "m@127.%")
	root.exec("DROP USER 'm'@'127.%'")
	b.as(t, "m", "any", "").want("SELECT CURRENT_USER()", "m@%")
}

func TestAnonymousAccount(t *testing.T) {
	b := cluster(t)
	b.account(t, "''@'localhost'", "")
	c := b.as(t, "whoever", "", "")
	c.want("SELECT CURRENT_USER(), SUBSTRING_INDEX(USER(),'@',1)", "@localhost|whoever")
}

func TestChangedPasswordsCountAtOnce(t *testing.T) {
	b := cluster(t)
	b.account(t, "'pw'@'%'", "IDENTIFIED BY 'one'")
	b.as(t, "pw", "one", "").exec("SET PASSWORD = PASSWORD('two')")
	if code, _ := b.login(t, "pw", "one", "", ""); code != 1045 {
		t.Errorf("the old password: error %d", code)
	}
	if code, text := b.login(t, "pw", "two", "", ""); code != 0 {
		t.Errorf("the new password: error %d %s", code, text)
	}
	hashed := "'*14E65567ABDB5135D0CFD9A70B3032C179A49EE7'" // as mariadb-admin password sends it, of 'secret'
	two := b.as(t, "pw", "two", "")
	two.fails(1193, "SET PASSWORD="+hashed+", no_such_variable=0")
	two.fails(1235, "SET PASSWORD="+hashed+", PASSWORD=''")
	if code, text := b.login(t, "pw", "two", "", ""); code != 0 {
		t.Errorf("after a SET that failed: error %d %s", code, text)
	}
	two.exec("SET PASSWORD=" + hashed + ", lock_wait_timeout=77, @x = 'a,b'")
	two.want("SELECT @@lock_wait_timeout, @x", "77|a,b")
	if code, text := b.login(t, "pw", "secret", "", ""); code != 0 {
		t.Errorf("mariadb-admin's password: error %d %s", code, text)
	}
	b.root(t, "").exec("ALTER USER pw@'%' IDENTIFIED VIA ed25519 USING PASSWORD('three')")
	if code, text := b.login(t, "pw", "three", "", ""); code != 0 {
		t.Errorf("the new method: error %d %s", code, text)
	}
	b.root(t, "").exec("ALTER USER pw@'%' ACCOUNT LOCK")
	if code, _ := b.login(t, "pw", "three", "", ""); code != 4151 {
		t.Errorf("a locked account: error %d", code)
	}
	b.root(t, "").exec("DROP USER pw@'%'")
	if code, _ := b.login(t, "pw", "three", "", ""); code != 1045 {
		t.Errorf("a dropped account: error %d", code)
	}
}

func TestChangeUserAndReset(t *testing.T) {
	b := cluster(t)
	b.account(t, "'other'@'%'", "IDENTIFIED BY 'o'")
	out, err := b.cli(t, "root", "", "SELECT CURRENT_USER();\nSET @a=1;\n\\u mysql\nSELECT @a, DATABASE();\n", "-N", "-B")
	if err != nil || !strings.Contains(out, "root@localhost") || !strings.Contains(out, "1\tmysql") {
		t.Errorf("%s %v", out, err)
	}
}
