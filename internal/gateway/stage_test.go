package gateway

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Statements that no merge can answer are run on copies of their tables.
func TestStaged(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "staged")
	c.exec("CREATE TABLE a (id INT PRIMARY KEY, k INT, name VARCHAR(20) CHARACTER SET latin1)")
	c.exec("CREATE TABLE b (id INT PRIMARY KEY, k INT, v DECIMAL(8,2))")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, name VARCHAR(20))")
	c.exec("INSERT INTO a VALUES (1,10,'eins'),(2,20,'zwei'),(3,30,'dr\u00e4i'),(4,NULL,NULL)")
	c.exec("INSERT INTO b VALUES (11,10,1.5),(12,10,2.5),(13,30,3.5),(14,40,NULL)")
	c.exec("INSERT INTO r VALUES (1,'one'),(3,'three')")
	c.want("SELECT a.name, b.v FROM a JOIN b ON a.k = b.k ORDER BY b.id", "eins|1.50/eins|2.50/dr\u00e4i|3.50")
	c.want("SELECT a.name, b.v FROM a LEFT JOIN b ON a.k = b.k WHERE a.id > ? ORDER BY a.id, b.id", "zwei|NULL/dr\u00e4i|3.50/NULL|NULL", 1)
	c.want("SELECT a.id, r.name, (SELECT SUM(v) FROM b WHERE b.k = a.k) FROM a LEFT JOIN r ON r.id = a.id ORDER BY 1", "1|one|4.00/2|NULL|NULL/3|three|3.50/4|NULL|NULL")
	c.want("WITH RECURSIVE w AS (SELECT 10 AS k UNION ALL SELECT k + 10 FROM w WHERE k < 50) SELECT w.k, COUNT(b.id) FROM w LEFT JOIN b ON b.k = w.k GROUP BY w.k ORDER BY 1", "10|2/20|0/30|1/40|1/50|0")
	c.want("SELECT @@time_zone, @@sql_mode LIKE '%STRICT%', COUNT(*) FROM a x JOIN a y JOIN b", "SYSTEM|1|64")
	c.exec("SELECT MAX(b.v) INTO @top FROM a JOIN b ON a.k = b.k")
	c.want("SELECT @top", "3.50")
	c.exec("BEGIN")
	c.exec("INSERT INTO b VALUES (15, 20, 9)")
	c.exec("INSERT INTO r VALUES (2, 'two')")
	c.want("SELECT a.name, r.name, b.v FROM a JOIN b ON a.k = b.k JOIN r ON r.id = a.id WHERE b.id = 15", "zwei|two|9.00")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM a JOIN b ON a.k = b.k", "3")
	// What is asked of a reference table narrows the others, by the rows that the session sees.
	ofReference := "SELECT a.name, b.id FROM a JOIN b ON a.k = b.k JOIN r ON r.id = a.id WHERE r.name = 'three' ORDER BY b.id"
	c.want(ofReference, "dr\u00e4i|13")
	c.exec("BEGIN")
	c.exec("UPDATE r SET name = 'three' WHERE id = 1")
	c.want(ofReference, "eins|11/eins|12/dr\u00e4i|13")
	c.exec("ROLLBACK")
	c.want("SELECT EXISTS (SELECT * FROM a WHERE k = 20), EXISTS (SELECT * FROM b WHERE k = 20), (SELECT MIN(k) FROM r JOIN a USING (id))", "1|0|10")
	c.want("SELECT (SELECT MIN(k) FROM a), (SELECT MAX(v) FROM b), (SELECT name FROM a x ORDER BY x.k DESC LIMIT 1) FROM r", "10|3.50|dr\u00e4i/10|3.50|dr\u00e4i")
	// Values of subqueries come first. A literal that is compared otherwise, and an error, are the statement's own.
	c.want("SELECT id FROM b WHERE v >= (SELECT AVG(v) FROM b) ORDER BY id", "12/13")
	c.want("SELECT id FROM b x WHERE k = (SELECT MIN(k) FROM b) AND v < (SELECT MAX(v) FROM b WHERE id > ?) AND k IN (7, (SELECT MAX(k) - 20 FROM a)) ORDER BY id", "11/12", 12)
	c.want("SELECT a.name FROM a JOIN b ON a.k = b.k WHERE b.v > (SELECT AVG(v) FROM b) * 1.2 AND a.id > (SELECT COUNT(*) FROM r)", "dr\u00e4i")
	c.want("SELECT k, COUNT(*) FROM b GROUP BY k HAVING COUNT(*) > (SELECT COUNT(*) / 4 FROM b) ORDER BY k", "10|2")
	c.want("SELECT COUNT(*) FROM a WHERE name = (SELECT MAX(name) FROM a) AND id > (SELECT SUM(k) FROM b WHERE k > 100)", "0")
	c.want("SELECT COUNT(*) FROM a WHERE id > (SELECT SUM(k) FROM b WHERE k > 100) IS NULL", "4")
	c.exec("INSERT INTO b VALUES (16, -20, -9)")
	c.want("SELECT id FROM b WHERE v = 0 -(SELECT MIN(v) * -1 FROM b) OR k = -(SELECT MIN(k) FROM b) ORDER BY id", "16")
	c.exec("DELETE FROM b WHERE id = 16")
	// The time is one for the statement and what is read for it.
	for range 20 {
		c.want("SELECT COUNT(*) = (MICROSECOND(NOW(6)) % 4 <> 2) FROM a JOIN b ON a.k = b.k WHERE b.id % 4 = MICROSECOND(NOW(6)) % 4", "1")
	}
	c.exec("SET timestamp = 1000000000.25")
	c.want("SELECT COUNT(*), MICROSECOND(NOW(6)) FROM a JOIN b ON a.k = b.k WHERE b.k * 25000 > 0 AND a.k = MICROSECOND(NOW(6)) / 25000", "2|250000")
	c.exec("SET timestamp = DEFAULT")
}

// Who may read what is asked before copies are made, which ask for no rights.
func TestStagedRights(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "stagedr")
	c.exec("CREATE TABLE a (id INT PRIMARY KEY, k INT, secret VARCHAR(20))")
	c.exec("CREATE TABLE b (id INT PRIMARY KEY, k INT)")
	c.exec("CREATE TABLE own (id INT PRIMARY KEY, k INT)")
	c.exec("INSERT INTO a VALUES (1, 1, 'x'), (2, 2, 'y')")
	c.exec("INSERT INTO b VALUES (5, 1), (6, 2)")
	b.account(t, "reader@'%'", "IDENTIFIED BY 'p'")
	u := func() *client { return b.as(t, "reader", "p", "") }
	c.exec("GRANT SELECT ON stagedr.b TO reader@'%'")
	c.exec("GRANT SELECT (id, k) ON stagedr.a TO reader@'%'")
	c.exec("GRANT SELECT, INSERT ON stagedr.own TO reader@'%'")
	r := u()
	r.want("SELECT a.id, b.id FROM stagedr.a JOIN stagedr.b ON a.k = b.k ORDER BY 1", "1|5/2|6")
	r.fails(1143, "SELECT a.secret FROM stagedr.a JOIN stagedr.b ON a.k = b.k")
	r.fails(1143, "SELECT 1 FROM stagedr.a JOIN stagedr.b ON a.k = b.k WHERE a.secret = 'x'")
	r.fails(1142, "SELECT * FROM stagedr.a JOIN stagedr.b ON a.k = b.k")
	r.exec("INSERT INTO stagedr.own SELECT a.id, b.id FROM stagedr.a JOIN stagedr.b ON a.k = b.k")
	r.fails(1142, "INSERT INTO stagedr.b SELECT a.id, b.id FROM stagedr.a JOIN stagedr.b ON a.k = b.k")
	c.exec("REVOKE SELECT ON stagedr.b FROM reader@'%'")
	r.fails(1142, "SELECT a.id, b.id FROM stagedr.a JOIN stagedr.b ON a.k = b.k ORDER BY 1")
	u().fails(1142, "SELECT a.id, b.id FROM stagedr.a JOIN stagedr.b ON a.k = b.k ORDER BY 1")
	// By no procedure of the cluster's either.
	r.fails(1305, "CALL orbweaver.stage('stagedr', 'a', NULL)")
	r.fails(1049, "SELECT * FROM orbweaver.tickets")
}

// EXPLAIN tells what would be copied, and ANALYZE what was.
func TestExplainStaged(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "stagedx")
	c.exec("CREATE TABLE a (id INT PRIMARY KEY, k INT, v VARCHAR(20))")
	c.exec("CREATE TABLE b (id INT PRIMARY KEY, k INT, KEY (k))")
	c.exec("INSERT INTO a SELECT seq, seq, 'v' FROM seq_1_to_40")
	c.exec("INSERT INTO b SELECT seq, seq MOD 8 FROM seq_1_to_400")
	const join = "SELECT a.v, b.id FROM a JOIN b ON a.k = b.k WHERE a.id IN (3, 5)"
	got := strings.Split(c.rows("EXPLAIN "+join), "/")
	if len(got) != 3 || !regexp.MustCompile(`^Stage\|stagedx\.a: about \d+ rows\|NULL\|SELECT .id.,.k.,.v. FROM .stagedx...a. WHERE `).MatchString(got[0]) ||
		!strings.HasPrefix(got[1], "Stage|stagedx.b: about ") || !strings.HasPrefix(got[2], "Stage|any leaf|leaf-") || !strings.HasSuffix(got[2], "|"+join) {
		t.Error(got)
	}
	if got := c.rows("SHOW WARNINGS"); !strings.HasPrefix(got, "Note|1003|run on copies of its tables") {
		t.Error(got)
	}
	c.want("SELECT @@warning_count", "1")
	if got := c.rows("ANALYZE " + join); !strings.Contains(got, "|a|") || !strings.Contains(got, "|2.00|") {
		t.Error(got)
	}
	if got := c.rows("SHOW WARNINGS"); !regexp.MustCompile(`Note\|1003\|copied 2 rows, \d+ bytes of 'stagedx.a': SELECT .*Note\|1003\|copied 100 rows, \d+ bytes of 'stagedx.b': SELECT .* IN \(3,5\)`).MatchString(got) {
		t.Error(got)
	}
	for _, head := range []string{"ANALYZE FORMAT=JSON ", "EXPLAIN FORMAT=JSON "} {
		if got := c.rows(head + join); !strings.HasPrefix(got, "{") || !strings.Contains(got, `"table_name": "b"`) {
			t.Error(got)
		}
	}
	if got := c.rows("EXPLAIN EXTENDED " + join); !strings.Contains(got, "SIMPLE|b|") {
		t.Error(got)
	}
	// Prepared statements, with parameters and without.
	const asked = "SELECT a.v, b.id FROM a JOIN b ON a.k = b.k WHERE a.id IN (?, ?)"
	if got := c.rows("EXPLAIN "+asked, 3, 5); !strings.HasSuffix(got, "|"+join) || !strings.Contains(got, "Stage|stagedx.a: about ") {
		t.Error(got)
	}
	for _, head := range []string{"ANALYZE ", "ANALYZE FORMAT=JSON ", "EXPLAIN EXTENDED "} {
		if got := c.rows(head+asked, 3, 5); !strings.Contains(got, "a|") && !strings.Contains(got, `"table_name": "b"`) {
			t.Errorf("%s: %s", head, got)
		}
		c.exec("EXECUTE IMMEDIATE '" + head + asked + "' USING 3, 5")
		p, err := c.c.PrepareContext(timeout(t), head+join)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := p.QueryContext(timeout(t))
		if err != nil {
			t.Fatalf("%s: %v", head, err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := rows.Err(); err != nil || n == 0 {
			t.Errorf("%s: %d rows, %v", head, n, err)
		}
		rows.Close()
		p.Close()
	}
	if got := c.rows("ANALYZE SELECT * FROM a WHERE id = ? AND v <> ?", 7, "x"); !strings.HasPrefix(got, "1|") {
		t.Error(got)
	}
}

// A write whose rows are found first sees the rows of other tables as they are, not as of its transaction's first read, and keeps them so; two that look for rows by LIMIT take
// different ones; what the session may not be sure of is refused.
func TestWritesByKey(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "bykey")
	other := b.root(t, "bykey")
	c.exec("CREATE TABLE job (id INT PRIMARY KEY, owner INT, note VARCHAR(20))")
	c.exec("CREATE TABLE chosen (k INT PRIMARY KEY, job INT)")
	c.exec("INSERT INTO job (id) VALUES (1), (2), (3), (4), (5), (6)")
	c.exec("INSERT INTO chosen VALUES (1, 2), (2, 3)")
	c.exec("BEGIN")
	c.want("SELECT COUNT(*) FROM chosen", "2")
	other.exec("UPDATE chosen SET job = 5 WHERE k = 2")
	c.exec("UPDATE job SET note = 'seen' WHERE id IN (SELECT job FROM chosen)")
	other.exec("SET innodb_lock_wait_timeout = 1")
	other.fails(1205, "UPDATE chosen SET job = 6 WHERE k = 2")
	c.exec("COMMIT")
	c.want("SELECT id FROM job WHERE note = 'seen' ORDER BY id", "2/5")
	c.exec("BEGIN")
	c.exec("UPDATE job SET owner = 1 WHERE owner IS NULL ORDER BY id LIMIT 2")
	other.fails(1205, "UPDATE job SET owner = 2 WHERE owner IS NULL ORDER BY id LIMIT 2")
	c.exec("COMMIT")
	other.exec("UPDATE job SET owner = 2 WHERE owner IS NULL ORDER BY id LIMIT 2")
	c.want("SELECT id, owner FROM job WHERE owner > 0 ORDER BY id", "1|1/2|1/3|2/4|2")
	c.want("EXPLAIN DELETE FROM job WHERE id IN (SELECT job FROM chosen)",
		"Keys|found first|NULL|SELECT job.`id` FROM job WHERE id IN (SELECT job FROM chosen) FOR UPDATE/Spread|by key|NULL|DELETE FROM job WHERE …")
	c.fails(1235, "EXPLAIN FORMAT=JSON DELETE FROM job WHERE id IN (SELECT job FROM chosen)")
	c.fails(1235, "ANALYZE UPDATE job SET id = id + 1")
	c.exec("SET sql_safe_updates = 1")
	c.fails(1235, "DELETE FROM job WHERE id IN (SELECT job FROM chosen)")
	c.exec("UPDATE job SET id = 60 WHERE id = 6")
	c.exec("SET sql_safe_updates = 0")
	c.exec("DELETE FROM job WHERE id IN (SELECT job FROM chosen)")
	c.want("SELECT id FROM job ORDER BY id", "1/3/4/60")
	c.exec("CREATE TABLE old (id INT PRIMARY KEY) WITH SYSTEM VERSIONING")
	c.exec("INSERT INTO old VALUES (1)")
	c.exec("UPDATE old SET id = 2")
	c.want("SELECT id FROM old FOR SYSTEM_TIME ALL ORDER BY id", "1/2")
	// Nobody references a row that is on its way, or that is gone.
	c.exec("CREATE TABLE parent (id INT PRIMARY KEY)")
	c.exec("CREATE TABLE child (id INT, no INT, PRIMARY KEY (id, no), SHARD KEY (id), FOREIGN KEY (id) REFERENCES parent (id) ON UPDATE CASCADE)")
	c.exec("INSERT INTO parent VALUES (1)")
	c.exec("INSERT INTO child VALUES (1, 1)")
	c.exec("BEGIN")
	c.exec("UPDATE parent SET id = 2")
	other.fails(1205, "INSERT INTO child VALUES (1, 2)")
	c.exec("COMMIT")
	other.fails(1452, "INSERT INTO child VALUES (1, 2)")
	other.exec("INSERT INTO child VALUES (2, 2)")
	c.want("SELECT id, no FROM child ORDER BY no", "2|1/2|2")
	// What SET STATEMENT sets while a write is run in steps is what it was again, whatever becomes of it.
	c.exec("SET foreign_key_checks = 0")
	c.fails(1054, "SET STATEMENT foreign_key_checks = 1 FOR UPDATE job SET nope = 1 ORDER BY id LIMIT 1")
	c.want("SELECT @@foreign_key_checks", "0")
	c.exec("SET foreign_key_checks = 1")
	// A row that moves past the AUTO_INCREMENT values given so far is not met by the next one.
	c.exec("CREATE TABLE auto (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO auto (v) VALUES (1)")
	c.exec("UPDATE auto SET id = id + 1")
	c.exec("INSERT INTO auto (v) VALUES (2), (3)")
	c.want("SELECT COUNT(DISTINCT id) FROM auto", "3")
}

// Rows that are found are locked until they are changed: of clients that take what comes first from a queue each gets other rows, also where there are some that nothing tells apart.
func TestWritesByKeyTakeEachRowOnce(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "queue")
	c.exec("CREATE TABLE q (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO q SELECT seq, 0 FROM seq_1_to_120")
	taken, raised := takeEach(t, b, 4, 20, "DELETE FROM q ORDER BY id LIMIT 1", "UPDATE q SET v = v + 1 WHERE id > 90 ORDER BY id LIMIT 3")
	if taken != 80 {
		t.Errorf("%d rows were deleted", taken)
	}
	c.want("SELECT COUNT(*), MIN(id), SUM(v) FROM q", "40|81|"+strconv.FormatInt(raised, 10))
	if raised != 4*20*3 {
		t.Errorf("%d rows were updated", raised)
	}
	c.exec("CREATE TABLE same (id INT, v INT)")
	c.exec("INSERT INTO same SELECT seq MOD 10, 0 FROM seq_1_to_60")
	taken, raised = takeEach(t, b, 2, 7, "DELETE FROM same ORDER BY id LIMIT 1", "UPDATE same SET v = v + 1 WHERE id > 7 ORDER BY id LIMIT 3")
	c.want("SELECT COUNT(*), MIN(id), SUM(id < 3), SUM(v) FROM same", "46|2|4|42")
	if taken != 14 || raised != 42 {
		t.Errorf("%d rows were deleted, %d were updated", taken, raised)
	}
}

// takeEach has some clients run two writes in turn, again where they are the victims of a deadlock, and says how many rows these have changed.
func takeEach(t *testing.T, b *bench, clients, times int, first, second string) (int64, int64) {
	t.Helper()
	var n [2]atomic.Int64
	var all sync.WaitGroup
	for range clients {
		d := b.root(t, "queue")
		all.Go(func() {
			for i := range 2 * times {
				sql := []string{first, second}[i%2]
				for {
					res, err := d.c.ExecContext(timeout(t), sql)
					var e *mysql.MySQLError
					if errors.As(err, &e) && (e.Number == 1213 || e.Number == 1205) {
						continue
					}
					if err != nil {
						t.Errorf("%s: %v", sql, err)
						return
					}
					changed, _ := res.RowsAffected()
					n[i%2].Add(changed)
					break
				}
			}
		})
	}
	all.Wait()
	return n[0].Load(), n[1].Load()
}

// Small tables are brought to the partitions of large ones, where that copies less; EXPLAIN and ANALYZE tell.
func TestBrought(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "brought")
	c.exec("CREATE TABLE big (id INT PRIMARY KEY, k INT, v VARCHAR(200), KEY (k))")
	c.exec("CREATE TABLE part (big INT, no INT, n INT, PRIMARY KEY (big, no), SHARD KEY (big))")
	c.exec("CREATE TABLE small (id INT PRIMARY KEY, k INT, name VARCHAR(20), KEY (k))")
	c.exec("INSERT INTO big SELECT seq, seq MOD 400, REPEAT('v', 200) FROM seq_1_to_4000")
	c.exec("INSERT INTO part SELECT a.seq, b.seq, a.seq FROM seq_1_to_4000 a, seq_1_to_2 b")
	c.exec("INSERT INTO small SELECT seq, seq * 2, CONCAT('n', seq MOD 3) FROM seq_1_to_100")
	const join = "SELECT s.name, COUNT(*), SUM(p.n), MIN(b.v) = REPEAT('v', 200) FROM big b JOIN part p ON p.big = b.id JOIN small s ON s.id = b.k GROUP BY s.name ORDER BY s.name"
	const want = "n0|660|1221660|1/n1|680|1258340|1/n2|660|1221000|1"
	logged := func() (all []string) { // of the partitions
		for _, p := range b.g.cfg.Catalog.Snapshot().Databases["brought"].Partitions {
			for i := range b.farm.Leaves() {
				for at := range strings.SplitSeq(b.leaf(t, i, "SELECT @@GLOBAL.gtid_binlog_pos"), ",") {
					if strings.HasPrefix(at, strconv.Itoa(int(p.Domain))+"-") {
						all = append(all, at)
					}
				}
			}
		}
		return all
	}
	before := logged()
	for _, how := range []string{"NEVER", "AUTO", "ALWAYS"} {
		c.exec("SET stage_bring = " + how)
		c.want(join, want)
	}
	if now := logged(); len(before) == 0 || !slices.Equal(now, before) {
		t.Errorf("what was brought is in binary logs: %v, before %v", now, before)
	}
	explained := func(q, like string) {
		t.Helper()
		if got := c.rows("EXPLAIN " + q); !regexp.MustCompile(like).MatchString(got) {
			t.Errorf("%s: %s", q, got)
		}
	}
	c.exec("SET stage_bring = AUTO")
	explained(join, "^Bring.brought.small: about 100 rows.NULL.SELECT .id.,.k.,.name. FROM .brought...small./Merge.brought:0.leaf-.*/Merge.brought:3.leaf-[12].[^/]*JOIN .brought...small. s ON s.id = b.k GROUP BY s.name  ORDER BY 1$")
	if got := c.rows("SHOW WARNINGS"); !strings.HasPrefix(got, "Note|1003|run with copies of some tables at the partitions of the others") {
		t.Error(got)
	}
	if got := c.rows("ANALYZE " + join); !strings.Contains(got, "|s|") || !strings.Contains(got, "|b|") {
		t.Error(got)
	}
	if got := c.rows("SHOW WARNINGS"); !regexp.MustCompile(`^Note\|1003\|copied 400 rows, \d+ bytes of 'brought.small': SELECT [^/]*$`).MatchString(got) {
		t.Error(got)
	}
	// How many rows a condition leaves is known once they were read, and then less is copied.
	const rare = "SELECT COUNT(*), SUM(p.n) FROM big b JOIN part p ON p.big = b.k WHERE b.v LIKE '%w'"
	c.exec("UPDATE big SET v = 'w' WHERE id IN (7, 8)")
	explained(rare, "^(Bring|Probe)")
	c.want(rare, "4|30")
	explained(rare, "^Stage")
	c.want(rare, "4|30")
	c.want(strings.Replace(rare, "%w", "%v", 1), "7976|1595970") // what was seen of other values does not hold for these
	explained(rare, "^(Bring|Probe)")
	c.exec("UPDATE big SET v = REPEAT('v', 200) WHERE id IN (7, 8)")
	c.exec("SET stage_bring = NEVER") // by groups of rows, and those that are left
	for _, n := range []int{999, 1000, 1001, 1100, 3999} {
		c.want("SELECT COUNT(*), SUM(b.id), MAX(b.v) = REPEAT('v', 200) FROM big b JOIN small s ON s.k = 2 WHERE b.id <= ?", strconv.Itoa(n)+"|"+strconv.Itoa(n*(n+1)/2)+"|1", n)
	}
	c.exec("SET stage_bring = ALWAYS")
	// By the column of the other's shard key, a row goes to one partition only.
	const kept = "SELECT s.name, b.id FROM small s LEFT JOIN big b ON b.k = s.id WHERE s.name <> 'n2' ORDER BY s.id, 2 LIMIT 3"
	explained(kept, "^Probe.brought.small: .*/Bring.brought.big by k: about 40\\d\\d rows.NULL.[^/]*/Merge.brought:0.")
	c.want(kept, "n1|1/n1|401/n1|801")
	c.rows("ANALYZE " + kept)
	if got := c.rows("SHOW WARNINGS"); !regexp.MustCompile(`read 67 rows of 'brought.small': [^/]*/Note\|1003\|copied 670 rows, `).MatchString(got) {
		t.Error(got)
	}
	explained("INSERT INTO part SELECT s.id, 9, b.id FROM small s JOIN big b ON b.k = s.k WHERE b.id = 7", "^(Probe|Bring).*/Bring.*/Merge.brought:.*/Spread.by row.")
	c.want(kept[:strings.Index(kept, "WHERE")]+"WHERE b.id < 0", "")
	c.want("SELECT COUNT(*), MAX(s.name) FROM small s JOIN big b ON b.k = s.id WHERE s.id < 0", "0|NULL")
	// What would copy too much is staged as a whole; so is what runs in a transaction, which sees its own changes.
	c.exec("SET stage_max_bytes = 4000")
	c.want("SELECT COUNT(*), SUM(b.k) FROM small s JOIN big b ON b.k = s.id WHERE s.id < 20 AND b.id < 20", "19|190")
	c.exec("SET stage_max_bytes = DEFAULT")
	c.exec("BEGIN")
	c.exec("UPDATE small SET name = 'own' WHERE id = 7")
	explained(join, "^Stage")
	c.want(join+" LIMIT 2", "n0|660|1221660|1/n1|660|1222200|1")
	c.exec("ROLLBACK")
	c.exec("SET TRANSACTION READ ONLY")
	c.want(join, want)
	c.want(join, want)
}
