package gateway

import (
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/spider"
)

// spiderNode is root's connection at a server with the real Spider.
func spiderClient(t *testing.T) *client {
	t.Helper()
	c := plainClient(t, farmtest.Start(t, 1))
	c.exec("INSTALL SONAME 'ha_spider'")
	return c
}

// said is what a client sees of a statement: its rows or error, and the warnings.
func (c *client) said(q string) string {
	c.t.Helper()
	c.rows("SELECT COUNT(*) FROM mysql.plugin") // MariaDB keeps warnings while statements name no table
	rows, err := c.c.QueryContext(timeout(c.t), q)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		c.t.Fatal(err)
	}
	out := strings.Join(names, ",")
	for rows.Next() {
		row := make([]any, len(names))
		for i := range row {
			row[i] = new(*string)
		}
		if err := rows.Scan(row...); err != nil {
			c.t.Fatal(err)
		}
		out += "\n"
		for _, v := range row {
			if p := *v.(**string); p == nil {
				out += "NULL|"
			} else {
				out += *p + "|"
			}
		}
	}
	if err := rows.Err(); err != nil {
		return out + "\n" + err.Error()
	}
	rows.Close()
	return out + "\n" + c.rows("SHOW WARNINGS")
}

// Spider's variables are set, refused and shown as by Spider itself.
func TestSpiderVariables(t *testing.T) {
	b := cluster(t)
	ours, theirs := b.root(t, ""), spiderClient(t)
	reset := func() {
		ours.exec("SET GLOBAL spider_bgs_mode = DEFAULT, GLOBAL spider_connect_mutex = DEFAULT, GLOBAL spider_max_connections = DEFAULT, GLOBAL spider_remote_time_zone = DEFAULT")
	}
	defer reset()
	for _, q := range []string{
		"SHOW VARIABLES WHERE Variable_name LIKE 'spider%' AND Variable_name NOT LIKE '%one_shard'", "SHOW GLOBAL VARIABLES LIKE 'spider\\_b%'", "SHOW SESSION VARIABLES WHERE Variable_name = 'spider_max_connections'",
		"SET spider_bgs_mode = 2", "SELECT @@spider_bgs_mode, @@session.spider_bgs_mode, @@GLOBAL.spider_bgs_mode", "SHOW VARIABLES LIKE 'spider_bgs_mode'",
		"SHOW GLOBAL VARIABLES LIKE 'spider_bgs_mode'",
		"SET spider_bgs_mode = 99", "SELECT @@spider_bgs_mode", "SET spider_bgs_mode = -5", "SELECT @@spider_bgs_mode + 1 AS x", "SELECT 1-@@spider_bgs_mode AS x",
		"SET spider_bgs_mode = 'x'", "SET spider_bgs_mode = NULL", "SET spider_bgs_mode = 1.5", "SET spider_bgs_mode = '1'", "SET spider_bgs_mode = ON",
		"SET spider_bgs_mode = 1e0", "SET spider_bgs_mode = TRUE", "SET spider_bgs_mode = 1 + 1", "SELECT @@spider_bgs_mode",
		"SET spider_bgs_first_read = 77", "SELECT @@spider_bgs_first_read", "SET spider_split_read = 9223372036854775808", "SELECT @@spider_split_read", "SET spider_block_size = -1", "SELECT @@spider_block_size",
		"SET spider_buffer_size = 16383", "SET spider_crd_type = -1", "SET spider_semi_trx = 2", "SET spider_semi_trx = 'x'", "SET spider_semi_trx = x",
		"SET spider_semi_trx = NULL", "SET spider_semi_trx = 'off'", "SELECT @@spider_semi_trx", "SET spider_semi_trx = -1", "SET spider_semi_trx = 1.0",
		"SET spider_semi_trx = TRUE", "SET spider_semi_trx = ON", "SET spider_semi_trx = DEFAULT", "SHOW VARIABLES LIKE 'spider_semi_trx'",
		"SET spider_nosuch = 1", "SET GLOBAL spider_nosuch = 1", "SELECT @@spider_nosuch", "SET spider_dry_access = 1", "SET GLOBAL spider_dry_access = 1",
		"SET spider_connect_mutex = 1", "SET GLOBAL spider_connect_mutex = 1", "SELECT @@spider_connect_mutex", "SELECT @@session.spider_connect_mutex",
		"SET spider_bka_engine = 'InnoDB'", "SELECT @@spider_bka_engine", "SET spider_bka_engine = Aria", "SELECT @@spider_bka_engine AS x", "SET spider_bka_engine = 5",
		"SET spider_bka_engine = NULL", "SELECT @@spider_bka_engine", "SET spider_bka_engine = ''", "SELECT @@spider_bka_engine", "SHOW VARIABLES LIKE 'spider_bka_e%'",
		"SET STATEMENT spider_bgs_mode = 3 FOR SELECT @@spider_bgs_mode", "SELECT @@spider_bgs_mode",
		"SET STATEMENT spider_bgs_mode = 3, max_statement_time = 7 FOR SELECT @@spider_bgs_mode", "SET STATEMENT spider_connect_mutex = 1 FOR SELECT 1",
		"SET STATEMENT spider_bgs_mode = 'x' FOR SELECT 1",
		"SET sql_mode = 'STRICT_ALL_TABLES'", "SET spider_bgs_mode = 99", "SET sql_mode = DEFAULT",
		"SET @x = @@spider_bgs_mode + 1", "SELECT @x", "SET GLOBAL spider_bgs_mode = 1", "SELECT @@spider_bgs_mode, @@global.spider_bgs_mode",
		"SET spider_bgs_mode = DEFAULT", "SELECT @@spider_bgs_mode", "SET GLOBAL spider_bgs_mode = DEFAULT", "SELECT @@spider_bgs_mode, @@global.spider_bgs_mode",
		"SET spider_read_only_mode = 1, SESSION spider_bgs_mode = 2, max_statement_time = 9, @y = 5", "SELECT @@spider_read_only_mode, @@spider_bgs_mode, @@max_statement_time, @y",
		"SET spider_casual_read = (SELECT 3)", "SELECT @@spider_casual_read", "SET spider_casual_read = @@spider_casual_read * 2", "SELECT @@spider_casual_read",
		"SET @@spider_casual_read = 1, @@session.spider_casual_read = 2, LOCAL spider_casual_read = 4", "SELECT @@spider_casual_read",
		"SET spider_casual_read = 5, spider_bgs_mode = 'x'", "SELECT @@spider_casual_read", "SET spider_casual_read = 5, nosuch = 1", "SELECT @@spider_casual_read",
		"SET GLOBAL spider_max_connections = 5, max_connect_errors = 77", "SELECT @@spider_max_connections, @@global.max_connect_errors",
		"SET GLOBAL spider_remote_time_zone = '+01:00'", "SELECT @@spider_remote_time_zone", "SET GLOBAL spider_remote_time_zone = NULL", "SELECT @@spider_remote_time_zone",
	} {
		if our, their := ours.said(q), theirs.said(q); our != their {
			t.Errorf("%s\nwe say    %s\nSpider says %s", q, our, their)
		}
	}
	ours.exec("SET GLOBAL max_connect_errors = DEFAULT")
	// A session begins with the global values of then, and has them when it is reset.
	ours.exec("SET GLOBAL spider_bgs_mode = 3")
	other := b.root(t, "")
	other.want("SELECT @@spider_bgs_mode", "3")
	ours.exec("SET GLOBAL spider_bgs_mode = 1")
	b.beside(t, "variables").root(t, "").want("SELECT @@spider_bgs_mode, @@global.spider_bgs_mode", "1|1") // at another node
	other.want("SELECT @@spider_bgs_mode, @@global.spider_bgs_mode", "3|1")
	// Prepared, by the protocol and in SQL.
	other.exec("SET spider_bgs_mode = ?", 2)
	other.want("SELECT @@spider_bgs_mode + ?", "3", 1)
	other.want("SET STATEMENT spider_bgs_mode = 0 FOR SELECT @@spider_bgs_mode + ?", "1", 1)
	other.exec("PREPARE p FROM 'SET spider_bgs_mode = ?'")
	other.exec("SET @v = 1")
	other.exec("EXECUTE p USING @v")
	other.want("SELECT @@spider_bgs_mode", "1")
	if spider.FindVariable("spider_bgs_mode").Default != "0" {
		t.Error("the default is another")
	}
}

// Setting a global value needs what setting others does.
func TestSpiderVariablesRights(t *testing.T) {
	b := cluster(t)
	root := b.root(t, "")
	root.exec("CREATE OR REPLACE USER plain@'%' IDENTIFIED BY 'x'")
	defer root.exec("DROP USER plain@'%'")
	c := b.as(t, "plain", "x", "")
	c.exec("SET spider_bgs_mode = 1")
	c.fails(1227, "SET GLOBAL spider_bgs_mode = 1")
	c.fails(1227, "SET spider_bgs_mode = 2, GLOBAL spider_bgs_mode = 1")
	c.want("SELECT @@spider_bgs_mode, @@global.spider_bgs_mode", "1|0")
}

// Timeouts are the table's parameters, then the session's variables.
func TestSpiderTimeouts(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (id INT PRIMARY KEY)")
	r.exec("INSERT INTO old.t VALUES (1)")
	c := b.database(t, "spidertime")
	c.exec(r.server("s1"))
	c.exec(`CREATE TABLE t (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "s1"'`)
	c.exec(`CREATE TABLE t9 (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "s1", table "t", nrt "9"'`)
	c.exec("SET spider_net_read_timeout = 1")
	c.fails(12701, "SELECT id FROM t WHERE SLEEP(3) = 0")
	c.want("SELECT id FROM t9 WHERE SLEEP(2) = 0", "1")
	c.want("SET STATEMENT spider_net_read_timeout = 8 FOR SELECT 1", "1")
	c.exec("SET spider_net_read_timeout = -1")
	c.want("SELECT id FROM t WHERE SLEEP(2) = 0", "1")
}

// A session that is read only writes to no linked table whose definition does not say that it may.
func TestSpiderReadOnlyMode(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (id INT PRIMARY KEY)")
	c := b.database(t, "spiderro")
	c.exec(r.server("s1"))
	c.exec(`CREATE TABLE t (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "s1"'`)
	c.exec(`CREATE TABLE rw (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "s1", table "t", rom "0"'`)
	insert, err := c.c.PrepareContext(timeout(t), "INSERT INTO t VALUES (?)")
	if err != nil {
		t.Fatal(err)
	}
	defer insert.Close()
	if _, err := insert.Exec(1); err != nil {
		t.Fatal(err)
	}
	c.exec("INSERT INTO t VALUES (2)")
	c.exec("SET spider_read_only_mode = 1")
	c.fails(12518, "INSERT INTO t VALUES (3)")
	c.fails(12518, "DELETE FROM t")
	c.fails(12518, "UPDATE t SET id = 9 WHERE id = 1")
	if _, err := insert.Exec(3); err == nil || !strings.Contains(err.Error(), "12518") {
		t.Error(err)
	}
	c.exec("INSERT INTO rw VALUES (4)")
	c.want("SELECT id FROM t ORDER BY id", "1/2/4")
	c.exec("SET STATEMENT spider_read_only_mode = 0 FOR INSERT INTO t VALUES (5)")
	c.fails(12518, "INSERT INTO t VALUES (6)")
	c.exec("SET spider_read_only_mode = DEFAULT")
	if _, err := insert.Exec(6); err != nil {
		t.Error(err)
	}
	c.exec("INSERT INTO t VALUES (7)")
	c.want("SELECT id FROM t ORDER BY id", "1/2/4/5/6/7")
}
