package gateway

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// pair is a node and a plain server that are told the same.
type pair struct {
	t           *testing.T
	node, plain *client
}

// done is what a statement answered, in one line: rows, or affected rows and id, or the error's number and text; then warnings.
func (c *client) done(q string, args ...any) string {
	c.t.Helper()
	first, _, _ := strings.Cut(strings.TrimLeft(q, "( "), " ")
	out := ""
	if reads := strings.EqualFold(first, "SELECT") || strings.EqualFold(first, "WITH") || strings.Contains(q, "RETURNING"); reads {
		rows, err := c.query(q, args...)
		if out = rows; err != nil {
			out = failure(err)
		}
	} else {
		var res sql.Result
		res, err := c.c.ExecContext(timeout(c.t), q, args...)
		if err != nil {
			return failure(err)
		}
		n, err1 := res.RowsAffected()
		id, err2 := res.LastInsertId()
		out = fmt.Sprint(n, " affected, id ", id, errors.Join(err1, err2))
	}
	return out + " " + c.rows("SHOW WARNINGS")
}

func failure(err error) string {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return fmt.Sprint("error ", e.Number, " ", e.Message)
	}
	return err.Error()
}

// same wants the same of both.
func (p *pair) same(q string, args ...any) {
	p.t.Helper()
	want := p.plain.done(q, args...)
	if got := p.node.done(q, args...); got != want {
		p.t.Errorf("%s %v\n got %s\nwant %s", q, args, got, want)
	}
}

// both has both do something that is no question.
func (p *pair) both(q string) {
	p.t.Helper()
	p.node.exec(q)
	p.plain.exec(q)
}

// partitioned makes a database fed with linked tables over remote servers, and beside it on a plain server the same tables with their partitions.
func partitioned(t *testing.T, servers int) (b *bench, p *pair, remotes []*remoteServer) {
	t.Helper()
	b = cluster(t)
	b.dropServers(t)
	p = &pair{t: t, node: b.database(t, "fed")}
	for i := range servers {
		r := newRemote(t)
		remotes = append(remotes, r)
		p.node.exec(r.server(fmt.Sprintf("backend%d", i+1)))
	}
	p.plain = remotes[0].client
	p.plain.exec("CREATE DATABASE fed")
	p.plain.exec("USE fed")
	return b, p, remotes
}

// place names a partition's link.
func place(server int, table string) string {
	return fmt.Sprintf(`COMMENT = 'srv "backend%d", tbl "%s"'`, server, table)
}

// table makes a table everywhere: parts are its partitions, each with what follows its name and where it is.
func (p *pair) table(remotes []*remoteServer, name, columns, by string, parts ...[2]string) {
	p.t.Helper()
	var linked, plain []string
	for i, part := range parts {
		server, remote := i%len(remotes)+1, part[1]
		if n, table, ok := strings.Cut(part[1], ":"); ok {
			server, remote = int(n[0]-'0'), table
		}
		remotes[server-1].exec("CREATE TABLE old." + remote + " " + columns)
		plain = append(plain, fmt.Sprintf("PARTITION p%d %s", i, part[0]))
		linked = append(linked, fmt.Sprintf("PARTITION p%d %s %s", i, part[0], place(server, remote)))
	}
	p.node.exec("CREATE TABLE " + name + " " + columns + " ENGINE=SPIDER COMMENT='wrapper \"mysql\"' PARTITION BY " + by + " (" + strings.Join(linked, ", ") + ")")
	p.node.want("SHOW WARNINGS", "")
	p.plain.exec("CREATE TABLE " + name + " " + columns + " PARTITION BY " + by + " (" + strings.Join(plain, ", ") + ")")
}

const shopColumns = `(id INT NOT NULL AUTO_INCREMENT, k INT, c VARCHAR(20) NOT NULL DEFAULT '', d DATE, n DECIMAL(8,2), PRIMARY KEY (id), KEY k (k))`

// What is asked of a table over three servers is answered as by one with the same partitions.
func TestLinkedRows(t *testing.T) {
	b, p, remotes := partitioned(t, 3)
	p.table(remotes, "t", shopColumns, "KEY (id)", [2]string{"", "t0"}, [2]string{"", "t1"}, [2]string{"", "t2"})
	p.table(remotes, "u", "(id INT PRIMARY KEY, x VARCHAR(9))", "KEY (id)", [2]string{"", "u0"}, [2]string{"", "u1"}, [2]string{"", "u2"})
	for _, q := range []string{
		"INSERT INTO t (k, c) VALUES (1, 'one')",
		"INSERT INTO t (k, c, d, n) VALUES (2, 'two', '2024-02-29', 2.5), (3, 'three', NULL, NULL), (NULL, 'Four', '2020-01-01', -1), (2, 'zwei', '2021-05-05', 10.25)",
		"INSERT INTO t VALUES (10, 1, 'ten', '2020-02-02', 1), (11, 5, 'élève', '2022-02-02', 3)",
		"INSERT INTO t SET k = 9, c = 'nine'",
		"INSERT INTO t (id, k) VALUES (10, 1)",
		"INSERT INTO t (id, k) VALUES (100, 1), (10, 2), (101, 3)",
		"INSERT IGNORE INTO t (id, k) VALUES (100, 1), (10, 2), (103, 3)",
		"INSERT INTO t (id, k, c) VALUES (10, 1, 'x'), (104, 2, 'y') ON DUPLICATE KEY UPDATE c = CONCAT(t.c, VALUES(c)), k = k + 1",
		"REPLACE INTO t (id, k, c) VALUES (11, 11, 'eleven'), (105, 1, 'new')",
		"INSERT INTO t (id, c) VALUES (106, 'a'), (107, 'b') RETURNING id, UPPER(c), k",
		"INSERT INTO t (id, k) VALUES (1 + 200, 7), ('202', 8), (203.4, 9)",
		"INSERT INTO t (id, k, c) VALUES (300, 'abc', 'x')",
		"INSERT IGNORE INTO t (id, k, c) VALUES (300, 'abc', 'x'), (301, 7, 'this is far too long for its column')",
		"INSERT INTO u SELECT id, c FROM t WHERE id < 8",
		"INSERT INTO u VALUES (10, 'x'), (11, 'y'), (100, NULL)",
		"SELECT * FROM t WHERE id = 10",
		"SELECT * FROM t WHERE id = NULL",
		"SELECT COUNT(*) FROM t WHERE id IN (1, 10, 11, 4711)",
		"SELECT id, k FROM t WHERE id BETWEEN 2 AND 11 ORDER BY k DESC, id LIMIT 3",
		"SELECT id FROM t ORDER BY id LIMIT 2, 4",
		"SELECT id FROM t WHERE id > 1000000 ORDER BY id",
		"SELECT DISTINCT k FROM t ORDER BY k",
		"SELECT c, id FROM t ORDER BY c, id",
		"SELECT COUNT(*), SUM(k), AVG(n), MIN(c), MAX(d), COUNT(DISTINCT k) FROM t",
		"SELECT k, COUNT(*), GROUP_CONCAT(id ORDER BY id) FROM t WHERE id = 10 GROUP BY k",
		"SELECT k, COUNT(*) AS many, SUM(n) FROM t GROUP BY k HAVING many > 1 ORDER BY many DESC, k",
		"SELECT k + 1, MAX(c) FROM t GROUP BY k + 1 ORDER BY 1",
		"SELECT COUNT(*) FROM t WHERE 1 = 0",
		"SELECT SUM(n) FROM t WHERE id = 4711",
		"SELECT t.id, u.x FROM t JOIN u ON u.id = t.id ORDER BY t.id",
		"SELECT t.id, u.x FROM t LEFT JOIN u USING (id) WHERE t.k > 1 ORDER BY t.id",
		"SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id) ORDER BY id",
		"SELECT id FROM t WHERE id = 1 UNION ALL SELECT id FROM t WHERE id = 1",
		"SELECT * FROM t PARTITION (p1) ORDER BY id",
		"SELECT COUNT(*) FROM t PARTITION (p0, p2)",
		"SELECT a.id, b.id FROM t PARTITION (p1) a JOIN t PARTITION (p0, p2) b ON a.k = b.k ORDER BY 1, 2",
		"SELECT id FROM t WHERE d IS NULL ORDER BY id",
		"SELECT id, 'a' + 0 FROM t WHERE id < 3 ORDER BY id",
		"SELECT nosuch FROM t",
		"SELECT id FROM t WHERE nosuch = 1 ORDER BY id",
		"UPDATE t SET c = CONCAT(c, '!') WHERE id = 10",
		"UPDATE t SET k = k + 1 WHERE k > 1",
		"UPDATE t SET k = k WHERE id < 12",
		"UPDATE t SET c = 'way too long for a column of twenty' WHERE id IN (1, 2, 3)",
		"UPDATE IGNORE t SET c = 'way too long for a column of twenty' WHERE id = 3",
		"UPDATE t JOIN u ON u.id = t.id SET t.c = u.x WHERE u.x IS NOT NULL AND t.id > 9",
		"UPDATE t PARTITION (p2) SET n = 77",
		"SELECT * FROM t ORDER BY id",
		"DELETE FROM t WHERE id = 1",
		"DELETE FROM t WHERE k = 3",
		"DELETE t FROM t JOIN u ON u.id = t.id WHERE u.id = 11",
		"DELETE FROM t WHERE id = 100 RETURNING id, k",
		"SELECT * FROM t ORDER BY id",
		"SELECT * FROM u ORDER BY id",
		"DELETE FROM u",
		"SELECT COUNT(*) FROM u",
	} {
		p.same(q)
	}
	// Each row is where MariaDB has it.
	for i, r := range remotes {
		if got, want := r.rows(fmt.Sprintf("SELECT * FROM old.t%d ORDER BY id", i)), p.plain.rows(fmt.Sprintf("SELECT * FROM t PARTITION (p%d) ORDER BY id", i)); got != want {
			t.Errorf("partition %d has %s\nwant %s", i, got, want)
		}
	}
	for range 2 {
		p.same("SELECT c, k FROM t WHERE id = ?", 10)
		p.same("SELECT id, n FROM t WHERE k > ? ORDER BY id LIMIT ?", 1, 3)
		p.same("SELECT k, COUNT(*) FROM t WHERE id > ? GROUP BY k ORDER BY k", 3)
		p.same("UPDATE t SET n = ? WHERE k = ?", 1.5, 2)
		p.same("SELECT id FROM t WHERE id IN (?, ?, ?) ORDER BY id", 10, 11, "104")
	}
	p.same("INSERT INTO t (id, k, c) VALUES (?, ?, ?), (?, ?, ?)", 400, 1, "a", "401", nil, "ü")
	p.same("DELETE FROM t WHERE id = ?", 400)
	// Generated ids are given by the node, above all that are there.
	for _, s := range []string{"INSERT INTO t (k) VALUES (1)", "INSERT INTO t (k) VALUES (1), (2), (3)"} {
		p.same(s)
		p.same("SELECT LAST_INSERT_ID()")
	}
	p.node.exec("INSERT INTO t (id, k) VALUES (900, 1)")
	p.node.want("SELECT LAST_INSERT_ID()", p.plain.rows("SELECT LAST_INSERT_ID()"))
	// A statement has one time.
	p.table(remotes, "clock", "(id INT PRIMARY KEY, at DATETIME(6))", "KEY (id)", [2]string{"", "c0"}, [2]string{"", "c1"}, [2]string{"", "c2"})
	for _, q := range []string{"INSERT INTO clock VALUES (1, NOW(6)), (2, NOW(6)), (3, NOW(6)), (4, NOW(6)), (5, NOW(6))", "UPDATE clock SET at = NOW(6)"} {
		p.node.exec(q)
		p.node.want("SELECT COUNT(DISTINCT at), COUNT(*) FROM clock", "1|5")
	}
	second := b.beside(t, "node-2").root(t, "fed")
	if id, err := second.exec("INSERT INTO t (k) VALUES (5)").LastInsertId(); err != nil || id <= 900 {
		t.Error(id, err)
	}
}

// Rows find their places by every way to partition.
func TestLinkedRowsByEveryMethod(t *testing.T) {
	_, p, remotes := partitioned(t, 2)
	for i, s := range []struct {
		columns, by string
		parts       []string
		values      []string
		conditions  []string
	}{
		{"(id INT, v INT)", "RANGE (id)", []string{"VALUES LESS THAN (10)", "VALUES LESS THAN (20)", "VALUES LESS THAN (30)"},
			[]string{"5", "15", "29", "30", "NULL", "'7'", "8.5", "-3", "'x'"}, []string{"id < 10", "id >= 15", "id = 29", "id IS NULL", "id BETWEEN 9 AND 11"}},
		{"(id INT, v INT)", "LIST (id)", []string{"VALUES IN (1, 2)", "VALUES IN (3, NULL)"},
			[]string{"1", "3", "NULL", "4", "1 + 1"}, []string{"id = 1", "id IN (2, 3)", "id IS NULL", "id <> 1"}},
		{"(id INT, v INT)", "LIST (id)", []string{"VALUES IN (1, 2)", "DEFAULT"}, []string{"1", "3", "NULL", "77"}, []string{"id = 77", "id < 3"}},
		{"(id DATE, v INT)", "RANGE (YEAR(id))", []string{"VALUES LESS THAN (2000)", "VALUES LESS THAN (2010)"},
			[]string{"'1999-12-31'", "'2005-01-01'", "'2020-01-01'", "NULL", "CURRENT_DATE - INTERVAL 18 YEAR", "20050101"}, []string{"id < '2000-01-01'", "id = '2005-01-01'"}},
		{"(id VARCHAR(9), v INT)", "RANGE COLUMNS (id)", []string{"VALUES LESS THAN ('g')", "VALUES LESS THAN ('t')"},
			[]string{"'a'", "'G'", "'é'", "'zz'", "NULL", "CONCAT('h', 'i')"}, []string{"id = 'A'", "id > 'f'", "id LIKE 'h%'"}},
		{"(id VARCHAR(9), v INT)", "LIST COLUMNS (id)", []string{"VALUES IN ('a', 'b')", "VALUES IN ('c')"}, []string{"'A'", "'c '", "'d'"}, []string{"id = 'a'"}},
		{"(id VARCHAR(9) COLLATE utf8mb4_czech_ci, v INT)", "KEY (id)", []string{"", "", ""},
			[]string{"'ch'", "'CH'", "'c'", "NULL", "UPPER('č')", "''"}, []string{"id = 'Ch'", "id IN ('c', 'č')"}},
		{"(id TIMESTAMP NULL, v INT)", "RANGE (UNIX_TIMESTAMP(id))", []string{"VALUES LESS THAN (1000000000)", "VALUES LESS THAN MAXVALUE"},
			[]string{"'2001-09-09 01:46:39'", "'2001-09-09 03:46:40'", "NULL", "FROM_UNIXTIME(5)"}, []string{"id < '2001-09-09 03:00:00'", "id = '2001-09-09 01:46:39'"}},
		{"(id ENUM('a','b','c'), v INT)", "KEY (id)", []string{"", ""}, []string{"'a'", "'B'", "3", "NULL", "CONCAT('c')"}, []string{"id = 'b'", "id IN ('a', 'c')"}},
		{"(id DECIMAL(6,2), v INT)", "KEY (id)", []string{"", "", ""}, []string{"1", "1.005", "'2.50'", "1e1", "NULL"}, []string{"id = 1.01", "id = '2.5'"}},
		{"(id INT, v INT)", "HASH (id + 1)", []string{"", "", ""}, []string{"1", "2", "-1", "NULL", "4 DIV 2"}, []string{"id = 2", "id IN (1, -1)"}},
		{"(id INT NOT NULL, v INT)", "LINEAR KEY (id)", []string{"", "", ""}, []string{"1", "2", "NULL", "DEFAULT", "'12'"}, []string{"id = 2", "id < 3"}},
	} {
		name := fmt.Sprintf("m%d", i)
		var parts [][2]string
		for n, v := range s.parts {
			parts = append(parts, [2]string{v, fmt.Sprintf("%s_%d", name, n)})
		}
		p.table(remotes, name, s.columns, s.by, parts...)
		for _, zone := range []string{"+02:00", "+00:00", "SYSTEM"} {
			if !strings.Contains(s.columns, "TIMESTAMP") && zone != "+02:00" {
				continue
			}
			p.both("SET time_zone = '" + zone + "'")
			for n, v := range s.values {
				p.same(fmt.Sprintf("INSERT INTO %s VALUES (%s, %d)", name, v, n))
				p.same(fmt.Sprintf("INSERT IGNORE INTO %s (v, id) VALUES (%d, %s), (%d, %s)", name, n+100, v, n+200, s.values[0]))
			}
			p.same(fmt.Sprintf("INSERT IGNORE INTO %s (id, v) VALUES (%s, 1)", name, strings.Join(s.values, ", 1), (")))
			for _, c := range s.conditions {
				p.same(fmt.Sprintf("SELECT * FROM %s WHERE %s ORDER BY v, id", name, c))
				p.same(fmt.Sprintf("UPDATE %s SET v = v + 1 WHERE %s", name, c))
			}
			p.same("SELECT COUNT(*), SUM(v) FROM " + name)
		}
		for _, r := range remotes {
			r.exec("SET time_zone = '+00:00'")
		}
		for n := range s.parts {
			got, want := remotes[n%2].rows(fmt.Sprintf("SELECT * FROM old.%s_%d ORDER BY v, id", name, n)), p.plain.rows(fmt.Sprintf("SELECT * FROM %s PARTITION (p%d) ORDER BY v, id", name, n))
			if got != want {
				t.Errorf("%s: partition %d has\n%s\nwant\n%s", s.by, n, got, want)
			}
		}
		p.same("DELETE FROM " + name)
	}
	// NULL is the time here, which nobody knows before the row is written.
	p.table(remotes, "timed", "(id TIMESTAMP NOT NULL, v INT)", "LINEAR KEY (id)", [2]string{"", "timed_0"}, [2]string{"", "timed_1"})
	p.node.fails(1235, "INSERT INTO timed VALUES (NULL, 1)")
	p.node.fails(1235, "INSERT INTO timed SELECT NULL, 1")
	p.both("SET timestamp = 1700000000")
	p.same("INSERT INTO timed VALUES (NOW(), 2)")
	p.same("SELECT v FROM timed WHERE id = NOW()")
	// Spaces that are shown and not stored.
	p.table(remotes, "shown", "(id CHAR(6) CHARACTER SET latin1 COLLATE latin1_swedish_nopad_ci, v INT)", "LIST COLUMNS (id)", [2]string{"VALUES IN ('b')", "shown_0"}, [2]string{"DEFAULT", "shown_1"})
	p.same("INSERT INTO shown VALUES ('b', 1), ('B', 2), ('c', 3), ('', 4)")
	p.both("SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'")
	for _, c := range []string{"'B  ' < id", "id > 'b'", "id = 'b'", "id = 'b     '", "id IN ('b  ', 'c     ')"} {
		p.same("SELECT * FROM shown WHERE " + c + " ORDER BY v")
	}
}

// A statement goes to the partitions that its conditions leave, and to no other; EXPLAIN says which.
func TestLinkedPruning(t *testing.T) {
	b, p, remotes := partitioned(t, 2)
	p.table(remotes, "t", "(id INT, d DATE, v VARCHAR(9))", "RANGE (id)", [2]string{"VALUES LESS THAN (10)", "t0"}, [2]string{"VALUES LESS THAN (20)", "t1"},
		[2]string{"VALUES LESS THAN (30)", "t2"}, [2]string{"VALUES LESS THAN MAXVALUE", "t3"})
	p.table(remotes, "s", "(v VARCHAR(9) COLLATE utf8mb4_czech_ci, n INT)", "KEY (v)", [2]string{"", "s0"}, [2]string{"", "s1"}, [2]string{"", "s2"}, [2]string{"", "s3"})
	for _, q := range []string{"INSERT INTO t VALUES (1, NULL, 'a'), (11, NULL, 'b'), (21, NULL, 'c'), (31, NULL, 'd')", "INSERT INTO s VALUES ('a', 1), ('ch', 2), ('h', 3), ('č', 4)"} {
		p.same(q)
	}
	for _, r := range remotes {
		r.hear()
	}
	asked := func() (n int) {
		for _, r := range remotes {
			if heard := r.rows("SELECT argument FROM mysql.general_log WHERE argument LIKE '%`old`.%' AND argument NOT LIKE '%general_log%' AND command_type IN ('Query', 'Execute')"); heard != "" {
				n += strings.Count(heard, "`old`.`")
			}
			r.exec("TRUNCATE mysql.general_log")
		}
		return n
	}
	asked()
	for _, q := range []struct {
		from   string
		places int
		args   []any
	}{
		{"t WHERE id = 11", 1, nil},
		{"t WHERE id = ?", 1, []any{21}},
		{"t WHERE id IN (1, 11)", 2, nil},
		{"t WHERE id IN (1, 2, ?)", 2, []any{"35"}},
		{"t WHERE id > 12 AND id < 25", 2, nil},
		{"t WHERE id BETWEEN ? AND ?", 3, []any{5, 25}},
		{"t WHERE id IS NULL", 1, nil},
		{"t WHERE id IS NULL AND id > 5", 1, nil},
		{"t WHERE id = 11 AND id = 21", 1, nil},
		{"t WHERE v = 'a'", 4, nil},
		{"t WHERE id = 1 OR v = 'b'", 4, nil},
		{"t PARTITION (p1, p3)", 2, nil},
		{"t PARTITION (p1, p3) WHERE id > 25", 1, nil},
		{"t PARTITION (p1) WHERE id > 25", 1, nil},
		{"s WHERE v = 'CH'", 1, nil},
		{"s WHERE v = ?", 1, []any{"č"}},
		{"s WHERE v > 'a'", 4, nil},
	} {
		p.node.want("SELECT COUNT(*) FROM "+q.from, p.plain.rows("SELECT COUNT(*) FROM "+q.from, q.args...), q.args...)
		if n := asked(); n != q.places {
			t.Errorf("%s goes to %d partitions, want %d", q.from, n, q.places)
		}
		if len(q.args) > 0 {
			continue
		}
		if got := strings.Count(p.node.rows("EXPLAIN SELECT COUNT(*) FROM "+q.from), "|server backend"); got != q.places {
			t.Errorf("EXPLAIN says that %s goes to %d partitions, want %d", q.from, got, q.places)
		}
		asked()
	}
	p.node.exec("INSERT INTO t VALUES (5, NULL, 'e')")
	p.node.exec("UPDATE t SET v = 'x' WHERE id = 5")
	p.node.exec("DELETE FROM t WHERE id = 5")
	if n := asked(); n != 3 {
		t.Errorf("three writes to one partition are %d statements", n)
	}
	// An account that may have fewer connections than the table has partitions there.
	remotes[0].exec("GRANT USAGE ON *.* TO " + linkUser + "@'%' WITH MAX_USER_CONNECTIONS 1")
	remotes[0].exec("KILL USER " + linkUser)
	if m := b.root(t, "fed").fails(12713, "SELECT COUNT(*) FROM t"); !strings.Contains(m, "backend1") {
		t.Error(m)
	}
	p.node.want("SELECT v FROM t WHERE id = 11", "b")
}

// What a Spider node has spread over servers is found, changed and joined by what is written here, and the other way round.
func TestLinkedRowsBesideSpider(t *testing.T) {
	_, p, remotes := partitioned(t, 2)
	s := spiderNode(t)
	for i, r := range remotes {
		s.exec(r.server(fmt.Sprintf("backend%d", i+1)))
	}
	for i, q := range []struct{ columns, by, values string }{
		{"(id INT UNSIGNED NOT NULL, k INT, c VARCHAR(20), PRIMARY KEY (id))", "KEY (id)", "SELECT %d + seq, seq %% 7, CONCAT('row ', seq) FROM seq_1_to_200"},
		{"(id VARCHAR(20) COLLATE utf8mb4_unicode_ci NOT NULL, k INT, c DATE, PRIMARY KEY (id))", "KEY (id)", "SELECT CONCAT('Ünï', %d + seq), seq %% 7, '2020-01-01' + INTERVAL seq DAY FROM seq_1_to_200"},
		{"(id INT, k DECIMAL(10,2), c DATETIME(3))", "LINEAR HASH (id)", "SELECT IF(seq %% 50 = 0, NULL, %d + seq), seq / 3, NOW(3) FROM seq_1_to_200"},
		{"(id DATE, k INT, c INT)", "RANGE COLUMNS (id)", "SELECT '2020-01-01' + INTERVAL %d / 100 + seq DAY, seq %% 7, seq FROM seq_1_to_200"},
	} {
		name := fmt.Sprintf("s%d", i)
		var parts []string
		for n := range 4 {
			remotes[n%2].exec(fmt.Sprintf("CREATE TABLE old.%s_%d %s", name, n, q.columns))
			by := ""
			if strings.HasPrefix(q.by, "RANGE") {
				by = []string{"VALUES LESS THAN ('2020-02-01')", "VALUES LESS THAN ('2020-03-01')", "VALUES LESS THAN ('2020-06-01')", "VALUES LESS THAN (MAXVALUE)"}[n]
			}
			parts = append(parts, fmt.Sprintf("PARTITION p%d %s %s", n, by, place(n%2+1, fmt.Sprintf("%s_%d", name, n))))
		}
		create := "CREATE TABLE " + name + " " + q.columns + " ENGINE=SPIDER COMMENT='wrapper \"mysql\"' PARTITION BY " + q.by + " (" + strings.Join(parts, ", ") + ")"
		s.exec(create)
		p.node.exec(create)
		s.exec("INSERT INTO " + name + " " + fmt.Sprintf(q.values, 0))
		p.plain.exec("CREATE TEMPORARY TABLE more " + q.columns)
		p.plain.exec("INSERT INTO more " + fmt.Sprintf(q.values, 1000))
		for _, row := range strings.Split(p.plain.rows("SELECT QUOTE(id), QUOTE(k), QUOTE(c) FROM more"), "/") {
			p.node.exec("INSERT INTO " + name + " VALUES (" + strings.ReplaceAll(row, "|", ", ") + ")")
		}
		p.plain.exec("DROP TABLE more")
		// Each finds all that either has written, by its id.
		rows := s.rows("SELECT QUOTE(id), k, c FROM " + name + " ORDER BY id, k, c")
		p.node.want("SELECT QUOTE(id), k, c FROM "+name+" ORDER BY id, k, c", rows)
		if n := strings.Count(rows, "/"); n != 399 {
			t.Errorf("%s: %d rows", q.by, n+1)
		}
		for n, row := range strings.Split(rows, "/") {
			id, _, _ := strings.Cut(row, "|")
			if n%5 != 0 || id == "NULL" {
				continue
			}
			find := "SELECT COUNT(*) FROM " + name + " WHERE id = " + id
			p.node.want(find, s.rows(find))
			if got := p.node.rows(find); got == "0" {
				t.Errorf("%s is not found", id)
			}
		}
		for _, change := range []string{"UPDATE %s SET k = k + 1 WHERE k < 3", "DELETE FROM %s WHERE k = 5"} {
			p.node.exec(fmt.Sprintf(change, name))
			p.node.want("SELECT COUNT(*), SUM(k) FROM "+name, s.rows("SELECT COUNT(*), SUM(k) FROM "+name))
		}
	}
}
