package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/spider"
)

// guarded are a root and a plain user's connection to a database with t over four partitions, two of whose keys share a partition.
func guarded(t *testing.T, db string) (b *bench, root, user *client, alone, same, other int) {
	t.Helper()
	b = cluster(t)
	root = b.database(t, db)
	root.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	root.exec("CREATE TABLE t2 (id INT PRIMARY KEY, v INT)")
	root.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
	root.exec("INSERT INTO r VALUES (1, 1)")
	places := map[string]int{}
	alone = -1
	for id := 1; id < 100 && (same == 0 || other == 0); id++ {
		root.exec(fmt.Sprintf("INSERT INTO t VALUES (%d, %d)", id, id))
		at := strings.Split(root.rows(fmt.Sprintf("EXPLAIN SELECT * FROM t WHERE id = %d", id)), "|")[1]
		switch first, seen := places[at]; {
		case alone < 0:
			alone = id
		case seen && first == alone:
			same = id
		case !seen:
			other = id
		}
		if !contains(places, at) {
			places[at] = id
		}
	}
	b.account(t, "guarded@'%'", "IDENTIFIED BY 'g'")
	root.exec("GRANT ALL ON " + db + ".* TO guarded@'%'")
	return b, root, b.as(t, "guarded", "g", db), alone, same, other
}

func contains(m map[string]int, key string) bool { _, ok := m[key]; return ok }

// spider_query_one_shard refuses statements on several partitions, in TenDB's words, before they do anything.
func TestQueryOneShard(t *testing.T) {
	b, root, c, alone, same, other := guarded(t, "oneshard")
	keys := func(ids ...int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]") }
	rows := root.rows("SELECT COUNT(*) FROM t")
	c.want("SELECT COUNT(*) FROM t", rows)
	c.exec("SET spider_query_one_shard = ON")
	c.want("SELECT @@spider_query_one_shard, @@global.spider_query_one_shard", "1|0")
	for verb, q := range map[string]string{
		"Select": "SELECT COUNT(*) FROM t", "Update": "UPDATE t SET v = v + 1", "Delete": "DELETE FROM t WHERE v > 0",
		"Insert": fmt.Sprintf("INSERT INTO t2 VALUES (%d, 1), (%d, 1)", alone, other), "Replace": fmt.Sprintf("REPLACE INTO t2 VALUES (%d, 1), (%d, 1)", alone, other),
	} {
		table := "t"
		if verb == "Insert" || verb == "Replace" {
			table = "t2"
		}
		message := c.fails(1735, q)
		if want := verb + " across multiple partitions denied to user 'guarded'@'127.0.0.1' for table '" + table + "': spider_query_one_shard is on; give its shard key `id` one value"; message != want {
			t.Errorf("%s: %s", q, message)
		}
	}
	c.fails(1735, "SELECT v FROM t WHERE id IN ("+keys(alone, other)+")")
	c.fails(1735, "SELECT * FROM t WHERE id > 0 ORDER BY id LIMIT 1")
	c.fails(1735, "SELECT * FROM t a JOIN t b ON a.id = b.id")
	c.fails(1735, "SELECT v FROM t WHERE id = "+keys(alone)+" UNION ALL SELECT v FROM t WHERE id = "+keys(other))
	c.fails(1735, "INSERT INTO t2 SELECT * FROM t")
	c.fails(1735, "SET @x = (SELECT COUNT(*) FROM t)")
	c.fails(1735, "SELECT COUNT(*) FROM t WHERE v > ?", 0)
	c.fails(1735, "SET STATEMENT max_statement_time = 9 FOR SELECT COUNT(*) FROM t")
	c.want("SELECT v FROM t WHERE id IN ("+keys(alone, same)+")", fmt.Sprintf("%d/%d", alone, same))
	c.want("SELECT t.v, r.v FROM t JOIN r ON r.id = 1 WHERE t.id = "+keys(alone), fmt.Sprintf("%d|1", alone))
	c.want("SELECT a.v FROM t a JOIN t b ON a.id = b.id WHERE a.id = "+keys(alone), keys(alone))
	c.want("SELECT v FROM r", "1")
	c.exec("UPDATE r SET v = 1") // a reference table is TenDB's config_table
	c.exec(fmt.Sprintf("INSERT INTO t2 VALUES (%d, 1), (%d, 1)", alone, same))
	c.exec("INSERT INTO t2 SELECT id + 1000, v FROM t WHERE id = " + keys(alone))
	c.want("SELECT 1", "1")
	c.want("SET STATEMENT spider_query_one_shard = 0 FOR SELECT COUNT(*) FROM t", rows)
	c.fails(1735, "SELECT COUNT(*) FROM t")
	c.exec("SET spider_query_one_shard = DEFAULT")
	c.want("SELECT COUNT(*) FROM t", rows)
	root.want("SELECT COUNT(*) FROM t2", "3")

	// For all sessions that begin from now on, at all nodes, but for accounts with SUPER; one that sets it itself is held to it.
	defer root.exec("SET GLOBAL spider_query_one_shard = DEFAULT")
	c.fails(1227, "SET GLOBAL spider_query_one_shard = 1")
	root.exec("SET GLOBAL spider_query_one_shard = 1")
	beside := b.beside(t, "oneshard")
	for _, at := range []*bench{b, beside} {
		at.as(t, "guarded", "g", "oneshard").fails(1735, "SELECT COUNT(*) FROM t")
		super := at.root(t, "oneshard")
		super.want("SELECT COUNT(*), @@spider_query_one_shard FROM t", rows+"|1")
		super.exec("SET spider_query_one_shard = 1")
		super.fails(1735, "SELECT COUNT(*) FROM t")
	}
}

// spider_transaction_one_shard and transaction_mode = single refuse transactions over several partitions, those of single statements too.
func TestTransactionOneShard(t *testing.T) {
	b, root, c, alone, same, other := guarded(t, "onetrx")
	update := func(id int) string { return fmt.Sprintf("UPDATE t SET v = v + 1 WHERE id = %d", id) }
	read := func(id int) string { return fmt.Sprintf("SELECT v - id FROM t WHERE id = %d", id) }
	held := func(c *client, code uint16, denied string) {
		t.Helper()
		c.exec("BEGIN")
		c.exec(update(alone))
		c.exec(update(same))
		c.want("SELECT v FROM r", "1")
		if m := c.fails(code, update(other)); !strings.HasPrefix(m, denied) || !strings.Contains(m, "the transaction is at partition onetrx:") {
			t.Error(m)
		}
		c.fails(code, read(other))
		c.fails(code, "SELECT COUNT(*) FROM t")
		c.fails(code, "UPDATE t SET v = v + 1")
		c.want("SELECT @@in_transaction", "1")
		c.exec(update(alone))
		c.exec("COMMIT")
		c.fails(code, "UPDATE t SET v = v + 1")
		c.fails(code, fmt.Sprintf("INSERT INTO t2 VALUES (%d, 1), (%d, 1)", alone, other))
		c.want("SELECT SUM(v - id) FROM t", "3")
		c.want("SELECT COUNT(*) FROM t2", "0")
		c.exec("SET autocommit = 0")
		c.exec(update(alone))
		c.fails(code, update(other))
		c.exec("ROLLBACK")
		c.exec("SET autocommit = 1")
		c.exec("UPDATE t SET v = id WHERE id = " + fmt.Sprint(alone))
		c.exec("UPDATE t SET v = id WHERE id = " + fmt.Sprint(same))
	}
	free := func(c *client) {
		t.Helper()
		c.exec("BEGIN")
		c.exec(update(alone))
		c.exec(update(other))
		c.exec("ROLLBACK")
	}
	denied := "Transaction across different partitions denied to user 'guarded'@'127.0.0.1': spider_transaction_one_shard is on; "
	free(c)
	c.exec("SET spider_transaction_one_shard = 1")
	held(c, 1734, denied)
	c.exec("SET spider_transaction_one_shard = 0")
	free(c)
	c.exec("SET transaction_mode = 'Single'")
	c.want("SELECT @@transaction_mode, @@session.transaction_mode, @@global.transaction_mode", "single|single|atomic")
	held(c, 1105, "transaction_mode is 'single': ")
	c.exec("SET transaction_mode = multi")
	free(c)
	c.exec("SET transaction_mode = DEFAULT")
	free(c)
	c.fails(1231, "SET transaction_mode = 'twopc'")
	c.fails(1231, "SET transaction_mode = 3")
	c.fails(1232, "SET transaction_mode = 1.5")

	// A change is for the transactions after it.
	c.exec("BEGIN")
	c.exec("SET transaction_mode = 0")
	c.exec(update(alone))
	c.exec(update(other))
	c.exec("ROLLBACK")
	c.exec("BEGIN")
	c.exec(update(alone))
	c.fails(1105, update(other))
	c.exec("ROLLBACK")

	defer root.exec("SET GLOBAL spider_transaction_one_shard = DEFAULT, GLOBAL transaction_mode = DEFAULT")
	root.exec("SET GLOBAL spider_transaction_one_shard = 1")
	beside := b.beside(t, "onetrx")
	for _, at := range []*bench{b, beside} {
		held(at.as(t, "guarded", "g", "onetrx"), 1734, denied)
		free(at.root(t, "onetrx"))
	}
	root.exec("SET GLOBAL spider_transaction_one_shard = 0, GLOBAL transaction_mode = 'single'")
	for _, at := range []*bench{b, beside} {
		held(at.as(t, "guarded", "g", "onetrx"), 1105, "transaction_mode is 'single': ")
		held(at.root(t, "onetrx"), 1105, "transaction_mode is 'single': ")
	}
}

// Variables that leaves do not have are among the others, wherever MariaDB shows variables.
func TestVariablesInInformationSchema(t *testing.T) {
	b := cluster(t)
	ours, theirs := b.root(t, ""), spiderClient(t)
	for _, c := range []*client{ours, theirs} {
		c.exec("SET spider_bgs_mode = 2, completion_type = 1")
		defer c.exec("SET GLOBAL spider_bgs_first_read = DEFAULT")
		c.exec("SET GLOBAL spider_bgs_first_read = 7")
	}
	for _, q := range []string{
		"SELECT * FROM information_schema.SESSION_VARIABLES WHERE VARIABLE_NAME LIKE 'SPIDER%' AND VARIABLE_NAME NOT LIKE '%ONE_SHARD' ORDER BY 1",
		"SELECT * FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME LIKE 'SPIDER%' AND VARIABLE_NAME NOT LIKE '%ONE_SHARD' ORDER BY 1",
		"SELECT VARIABLE_NAME, SESSION_VALUE, GLOBAL_VALUE, GLOBAL_VALUE_ORIGIN, DEFAULT_VALUE, VARIABLE_SCOPE, VARIABLE_TYPE, NUMERIC_MIN_VALUE, NUMERIC_MAX_VALUE, " +
			"NUMERIC_BLOCK_SIZE, ENUM_VALUE_LIST, READ_ONLY, GLOBAL_VALUE_PATH FROM information_schema.SYSTEM_VARIABLES " +
			"WHERE VARIABLE_NAME LIKE 'SPIDER%' AND VARIABLE_NAME NOT LIKE '%ONE_SHARD' ORDER BY 1",
		"SELECT VARIABLE_NAME, SESSION_VALUE, GLOBAL_VALUE, DEFAULT_VALUE, VARIABLE_SCOPE, VARIABLE_TYPE, ENUM_VALUE_LIST, READ_ONLY " +
			"FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME IN ('COMPLETION_TYPE', 'AUTOCOMMIT') ORDER BY 1",
		"SELECT v.VARIABLE_VALUE, g.VARIABLE_VALUE FROM information_schema.session_variables v JOIN information_schema.global_variables g USING (VARIABLE_NAME) WHERE VARIABLE_NAME = 'spider_bgs_mode'",
		"SELECT COUNT(*) FROM information_schema.SESSION_VARIABLES WHERE VARIABLE_NAME IN ('AUTOCOMMIT', 'SQL_MODE')",
	} {
		our, their := strings.Split(ours.rows(q), "/"), strings.Split(theirs.rows(q), "/")
		for i := range max(len(our), len(their)) {
			if i >= len(our) || i >= len(their) || our[i] != their[i] {
				t.Errorf("%s\nwe say    %s\nMariaDB says %s", q, strings.Join(our[min(i, len(our)):min(i+1, len(our))], ""), strings.Join(their[min(i, len(their)):min(i+1, len(their))], ""))
				break
			}
		}
	}
	ours.want("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME = 'TRANSACTION_MODE'", "atomic")
	ours.want("SELECT SESSION_VALUE, DEFAULT_VALUE, ENUM_VALUE_LIST FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME = 'transaction_mode'", "atomic|atomic|single,multi,atomic")
	ours.want("SELECT VARIABLE_SCOPE, DEFAULT_VALUE FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME = 'REDUNDANCY_LEVEL'", "GLOBAL|1")
	ours.want("SHOW VARIABLES WHERE Variable_name IN ('spider_query_one_shard', 'transaction_mode', 'completion_type')",
		"completion_type|CHAIN/spider_query_one_shard|OFF/transaction_mode|atomic")
	ours.exec("SET completion_type = DEFAULT")
	theirs.exec("SET completion_type = DEFAULT")
	n := 0
	for range variables() {
		n++
	}
	if n != len(spider.Variables)+len(ownVariables) {
		t.Error(n)
	}
}
