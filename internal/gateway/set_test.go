package gateway

import (
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	b := cluster(t)
	c := b.root(t, "")
	c.exec("SET @a = 1, @b = 'x', @c = 1.50, @d = 2.5e0, @e = NULL, @f = _latin1'ä' COLLATE latin1_bin, @`odd name` = 7")
	c.want("SELECT @a, @b, @c, @d, @e, HEX(@f), COLLATION(@f), @`Odd Name`", "1|x|1.50|2.5|NULL|C3A4|latin1_bin|7")
	c.exec("SET @a = @a + 1, @b = @a")
	c.want("SELECT @a, @b", "2|1") // as MariaDB: values first, then assignments
	c.exec("SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
	c.want(`SELECT "a" FROM (SELECT 'x\' AS a) AS "t"`, `x\`)
	c.want("SELECT @@sql_mode", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES")
	c.exec("SET sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')")
	c.want("SELECT 'a' || 'b'", "ab")
	c.exec("SET sql_mode = DEFAULT")
	c.exec("SET time_zone = '+03:00', group_concat_max_len = 12345")
	for range 5 {
		c.want("SELECT @@time_zone, @@group_concat_max_len", "+03:00|12345")
	}
	c.exec("SET timestamp = 1000000000")
	c.want("SELECT NOW(), UNIX_TIMESTAMP()", "2001-09-09 04:46:40|1000000000")
	c.exec("SET timestamp = DEFAULT")
	c.want("SELECT NOW() > '2020-01-01'", "1")
	c.exec("SET NAMES latin1")
	c.want("SELECT @@character_set_client, @@character_set_results, @@collation_connection, HEX('ä')", "latin1|latin1|latin1_swedish_ci|C3A4")
	c.exec("SET NAMES utf8mb4 COLLATE utf8mb4_bin")
	c.want("SELECT @@collation_connection, COLLATION('a')", "utf8mb4_bin|utf8mb4_bin")
	c.exec("SET character_set_results = NULL")
	c.want("SELECT @@character_set_results IS NULL", "1")
	c.exec("SET STATEMENT max_statement_time = 5 FOR SELECT 1")
	c.fails(1193, "SET nosuchvariable = 1")
	c.fails(1231, "SET sql_mode = 'NOSUCHMODE'")
	c.fails(1064, "SET = 1")
	c.fails(1235, "SET insert_id = 5")
	c.fails(1235, "SET sql_log_bin = 0")
	c.exec("SET sql_auto_is_null = 0, sql_select_limit = 18446744073709551615")
	c.fails(1235, "SET sql_auto_is_null = 1")
	c.exec("SET last_insert_id = 77")
	c.want("SELECT LAST_INSERT_ID(), @@last_insert_id, @@identity", "77|77|77")
	c.want("SELECT LAST_INSERT_ID(88)", "88")
	c.want("SELECT LAST_INSERT_ID()", "88")
}

func TestSetOfSubqueries(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "setsub")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
	c.exec("INSERT INTO t VALUES (1,'a'),(2,'b'),(3,'c')")
	c.exec("SET @n = (SELECT COUNT(*) FROM t), @v = (SELECT v FROM t WHERE id = 2)")
	c.want("SELECT @n, @v", "3|b")
	c.want("SELECT v FROM t WHERE id = @n", "c")
	c.exec("SELECT id INTO @i FROM t WHERE v = 'b' AND id = 2")
	c.want("SELECT @i", "2")
	c.want("SELECT @j := v FROM t WHERE id = 3", "c")
	c.want("SELECT @j", "c")
	c.exec("BEGIN")
	c.want("SELECT @j := 5", "5")
	c.want("SELECT @j", "5")
	c.want("SELECT @j, v FROM t WHERE id = 1", "5|a")
	c.exec("ROLLBACK")
	c.want("SELECT @j", "5")
}

func TestSetGlobal(t *testing.T) {
	b := cluster(t)
	c := b.root(t, "")
	c.exec("SET GLOBAL long_query_time = 7")
	t.Cleanup(func() { _, _ = b.open(t, "root", "", "", "").Exec("SET GLOBAL long_query_time = 10") })
	for i := range 2 {
		if got := b.leaf(t, i, "SELECT @@GLOBAL.long_query_time"); !strings.HasPrefix(got, "7") {
			t.Errorf("leaf %d: %s", i, got)
		}
	}
	b.account(t, "'weak'@'%'", "IDENTIFIED BY 'w'")
	w := b.as(t, "weak", "w", "")
	w.fails(1227, "SET GLOBAL long_query_time = 8")
	w.fails(1227, "SET SESSION binlog_format = 'ROW'")
	w.fails(1235, "SET SESSION binlog_format = 'STATEMENT'")
}

func TestSetRole(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "roledb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	c.exec("CREATE ROLE IF NOT EXISTS reader")
	t.Cleanup(func() { _, _ = b.open(t, "root", "", "", "").Exec("DROP ROLE reader") })
	c.exec("GRANT SELECT ON roledb.* TO reader")
	b.account(t, "'ru'@'%'", "IDENTIFIED BY 'r'")
	c.exec("GRANT reader TO 'ru'@'%'")
	u := b.as(t, "ru", "r", "")
	u.fails(1142, "SELECT * FROM roledb.t")
	u.exec("SET ROLE reader")
	u.want("SELECT CURRENT_ROLE()", "reader")
	u.want("SELECT COUNT(*) FROM roledb.t", "0")
	u.want("SELECT COUNT(*) FROM roledb.t WHERE id = 5", "0")
	u.fails(1142, "INSERT INTO roledb.t VALUES (1)")
	u.exec("SET @x = 1")
	u.want("SELECT @x, COUNT(*) FROM roledb.t", "1|0")
	u.exec("SET ROLE NONE")
	u.fails(1142, "SELECT * FROM roledb.t")
	u.want("SELECT CURRENT_ROLE()", "NULL")
	u.fails(1959, "SET ROLE nosuchrole")
	c.exec("SET DEFAULT ROLE reader FOR 'ru'@'%'")
	b.as(t, "ru", "r", "roledb").want("SELECT COUNT(*), CURRENT_ROLE() FROM t", "0|reader")
}
