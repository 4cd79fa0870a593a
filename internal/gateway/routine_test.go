package gateway

import (
	"strings"
	"testing"
)

// Whoever makes a routine may run and change it, at every leaf, as MariaDB has it; what is granted on it goes with it.
func TestRoutinesOfAccounts(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "routdb")
	b.account(t, "'rmaker'@'%'", "IDENTIFIED BY 'p'")
	b.account(t, "'rother'@'%'", "IDENTIFIED BY 'p'")
	c.exec("GRANT SELECT ON routdb.* TO 'rmaker'@'%', 'rother'@'%'")
	maker, other := b.as(t, "rmaker", "p", "routdb"), b.as(t, "rother", "p", "routdb")
	maker.fails(1044, "CREATE PROCEDURE p () SELECT 1")
	c.exec("GRANT CREATE ROUTINE ON routdb.* TO 'rmaker'@'%'")
	maker.exec("SET timestamp = 1600000000")
	maker.exec("CREATE PROCEDURE p () COMMENT 'x' SELECT 1")
	rights := func(want string) {
		t.Helper()
		for i := range b.farm.Leaves() { // whoever is asked
			if got := b.leaf(t, i, "SELECT COALESCE(GROUP_CONCAT(User, ' ', Routine_name, ' ', Proc_priv ORDER BY User, Routine_name SEPARATOR '; '), '') FROM mysql.procs_priv WHERE Db = 'routdb'"); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	rights("rmaker p Execute,Alter Routine")
	for range 4 { // at whichever leaf
		b.as(t, "rmaker", "p", "routdb").want("SELECT ROUTINE_NAME, CREATED, LAST_ALTERED = CREATED FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'routdb'", "p|2020-09-13 12:26:40|1")
		b.as(t, "rother", "p", "routdb").want("SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'routdb'", "0")
	}
	maker.exec("SET timestamp = 1600000001")
	maker.exec("ALTER PROCEDURE p COMMENT 'y'")
	other.fails(1370, "ALTER PROCEDURE p COMMENT 'z'")
	other.fails(1370, "DROP PROCEDURE p")
	maker.fails(1227, "CREATE DEFINER=root@localhost PROCEDURE no () SELECT 1")
	c.fails(1227, "CREATE DEFINER=orbweaver@`%` PROCEDURE no () SELECT 1")
	c.exec("GRANT EXECUTE ON PROCEDURE routdb.p TO 'rother'@'%'")
	rights("rmaker p Execute,Alter Routine; rother p Execute")
	maker.exec("CREATE OR REPLACE PROCEDURE p () SELECT 2")
	rights("rmaker p Execute,Alter Routine; rother p Execute")
	if got := other.rows("SHOW GRANTS"); !strings.Contains(got, "GRANT EXECUTE ON PROCEDURE `routdb`.`p` TO `rother`@`%`") {
		t.Error(got)
	}
	maker.exec("DROP PROCEDURE p")
	rights("")
	c.exec("CREATE PROCEDURE kept () SELECT 1")
	c.fails(1235, "ALTER DATABASE routdb COLLATE utf8mb4_bin")
	c.exec("DROP DATABASE routdb")
	c.exec("CREATE DATABASE routdb PARTITIONS 2")
	c.want("SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'routdb'", "0")
	c.fails(1305, "SHOW CREATE PROCEDURE routdb.kept")
}
