package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// keyed makes tables of all kinds beside linked ones: one and two without partitions, parts over two servers, and links with a link to each of them.
func keyed(t *testing.T) (b *bench, p *pair, remotes []*remoteServer) {
	t.Helper()
	b, p, remotes = partitioned(t, 2)
	const columns = "(id INT PRIMARY KEY, v INT, s VARCHAR(20) COLLATE utf8mb4_general_ci, at TIMESTAMP(6) NULL ON UPDATE CURRENT_TIMESTAMP(6))"
	const there = "(more INT DEFAULT 7, at TIMESTAMP(6) NULL ON UPDATE CURRENT_TIMESTAMP(6), s VARCHAR(20) COLLATE utf8mb4_general_ci, v INT, id INT PRIMARY KEY)"
	for _, l := range []struct{ name, link string }{{"one", `srv "backend1", tbl "far_one"`}, {"two", `srv "backend2", tbl "far_two"`}, {"links", `srv "backend1 backend2", tbl "far_links"`}} {
		for _, r := range remotes {
			r.exec("CREATE TABLE old.far_" + l.name + " " + there)
		}
		p.node.exec("CREATE TABLE " + l.name + " " + columns + " ENGINE=SPIDER COMMENT='wrapper \"mysql\", " + l.link + "'")
		p.node.want("SHOW WARNINGS", "")
		p.plain.exec("CREATE TABLE " + l.name + " " + columns)
	}
	p.table(remotes, "parts", columns, "KEY (id)", [2]string{"", "parts0"}, [2]string{"", "parts1"}, [2]string{"", "parts2"})
	p.both("CREATE TABLE sharded " + columns)
	p.node.exec("CREATE REFERENCE TABLE ref " + columns)
	p.plain.exec("CREATE TABLE ref " + columns)
	for i, name := range []string{"one", "two", "links", "parts", "sharded", "ref"} {
		p.both(fmt.Sprintf("INSERT INTO %s (id, v, s) SELECT seq, seq %% %d, CONCAT('r', seq %% 5) FROM seq_%d_to_%d", name, i+3, i+1, i+20))
	}
	return b, p, remotes
}

// all wants the same rows in all tables, at both links too.
func (p *pair) all(remotes []*remoteServer, after string) {
	p.t.Helper()
	for _, name := range []string{"one", "two", "links", "parts", "sharded", "ref"} {
		q := "SELECT id, v, s FROM " + name + " ORDER BY id"
		if got, want := p.node.rows(q), p.plain.rows(q); got != want {
			p.t.Errorf("after %s %s has\n    %s\nnot %s", after, name, got, want)
		}
	}
	sameAtBoth(p.t, remotes[0], remotes[1], "far_links")
}

// UPDATE and DELETE that read tables of other places find the rows of linked tables first, and change them by their keys.
func TestLinkedWritesByKey(t *testing.T) {
	_, p, remotes := keyed(t)
	for _, q := range []string{
		"UPDATE one SET v = v + 10 WHERE id IN (SELECT id FROM sharded WHERE v > 2)",
		"UPDATE one SET one.v = one.v + 10, fed.one.s = CONCAT(fed.one.s, '!') WHERE fed.one.id IN (SELECT id FROM parts WHERE v > 2) ORDER BY one.id DESC LIMIT 3",
		"UPDATE one o SET o.v = (SELECT SUM(v) FROM two WHERE two.id < o.id), s = 'sum' WHERE o.id BETWEEN 5 AND 9",
		"UPDATE parts SET v = v * 2 ORDER BY v DESC, id LIMIT 4",
		"UPDATE parts SET v = v * 2 ORDER BY v DESC, id LIMIT 0",
		"DELETE FROM parts WHERE v > 3 ORDER BY s, id DESC LIMIT 2",
		"DELETE FROM parts WHERE v > 3 ORDER BY s, id DESC LIMIT 2 RETURNING id, s AS name, UPPER(s), fed.parts.v",
		"DELETE FROM parts WHERE id > 1000 ORDER BY s LIMIT 2",
		"UPDATE parts SET s = 'of one' WHERE id NOT IN (SELECT id FROM one)",
		"UPDATE links SET v = v + 1 ORDER BY v, id LIMIT 5",
		"UPDATE links SET v = v + 100 WHERE id = 4 LIMIT 1",
		"DELETE FROM links WHERE id > 10 ORDER BY id DESC LIMIT 2",
		"DELETE FROM links WHERE v = 101 LIMIT 3",
		"UPDATE links SET s = 'x' WHERE v IN (SELECT v FROM one WHERE id = 3)",
		"UPDATE links SET s = CONCAT(s, (SELECT COUNT(*) FROM sharded)) WHERE id = 8",
		"DELETE FROM links WHERE id IN (SELECT MAX(id) FROM ref)",
		"DELETE FROM links WHERE id IN (SELECT MAX(id) - 4 FROM ref) RETURNING *",
		"UPDATE one JOIN sharded ON sharded.id = one.id SET one.v = sharded.v + 50, sharded.s = one.s WHERE one.id > 15",
		"UPDATE one NATURAL JOIN sharded SET one.v = -1",
		"UPDATE one o JOIN two w USING (id) SET o.v = w.v, w.s = 'w' WHERE o.id < 12",
		"UPDATE links l JOIN parts p ON p.id = l.id LEFT JOIN ref r ON r.id = l.id + 3 SET l.s = IFNULL(r.s, 'none'), p.v = l.v WHERE l.id > 6",
		"UPDATE links, ref SET links.v = ref.v WHERE links.id = ref.id",
		"UPDATE sharded s JOIN parts p ON p.id = s.id SET s.v = p.v + 1",
		"UPDATE ref SET s = 'ref' WHERE id IN (SELECT id FROM links)",
		"UPDATE sharded SET s = 'few' WHERE id IN (SELECT id FROM two WHERE v = 1) ORDER BY id LIMIT 2",
		"DELETE FROM sharded WHERE id IN (SELECT id FROM one WHERE v > 12)",
		"DELETE FROM one USING one JOIN two ON two.id = one.id + 1 WHERE two.v = 2",
		"DELETE o, l FROM one AS o JOIN links l ON l.id = o.id WHERE o.id % 4 = 1",
		"DELETE parts.* FROM parts JOIN sharded USING (id) WHERE parts.id > 18",
		"DELETE s FROM sharded s LEFT JOIN links ON links.id = s.id WHERE links.id IS NULL AND s.id < 9",
		"DELETE FROM two WHERE EXISTS (SELECT 1 FROM sharded WHERE sharded.id = two.id + 2 AND sharded.v = two.v)",
		"UPDATE two SET id = id + 1 WHERE id IN (SELECT id FROM ref) ORDER BY id DESC",
		"UPDATE one SET id = id + 1 WHERE id NOT IN (SELECT id + 100 FROM ref)",
		"UPDATE one SET v = 'word' WHERE id IN (SELECT id FROM ref)",
		"UPDATE IGNORE one SET v = 'word' WHERE id IN (SELECT id FROM ref)",
		"UPDATE one SET s = REPEAT('long', 10) WHERE id IN (SELECT id FROM ref)",
		"UPDATE one SET nosuch = 1 WHERE id IN (SELECT id FROM ref)",
		"UPDATE one SET v = NULL WHERE id IN (SELECT nosuch FROM ref)",
		"UPDATE one SET s = SUBSTRING_INDEX(USER(), '@', 1), v = @@sql_safe_updates + 1 WHERE id < 4",
		"UPDATE links l JOIN one USING (id) SET l.s = SUBSTRING_INDEX(CURRENT_USER(), '@', 1), one.v = l.v + @@autocommit",
		"DELETE FROM parts WHERE @@autocommit AND id = 12",
		"UPDATE one SET v = @@autocommit + 5 WHERE id = 11 LIMIT 3",
		"DELETE FROM links WHERE USER() LIKE 'skysql%'", // as whom the remote servers know the node
		"UPDATE parts SET v = 0 WHERE CURRENT_USER() LIKE 'skysql%'",
		"UPDATE one SET v = DEFAULT WHERE id IN (SELECT id FROM ref WHERE id > 15)",
	} {
		p.same(q)
		p.all(remotes, q)
	}
	for range 2 {
		p.same("UPDATE one SET v = v + ? WHERE id < ? AND v IN (SELECT v FROM sharded WHERE id > ?)", 3, 12, 4)
		p.same("DELETE FROM parts WHERE id > ? ORDER BY v, id LIMIT ?", 5, 2)
	}
	p.all(remotes, "prepared statements")

	// Partitions may have several links each.
	for i := range 2 {
		for _, r := range remotes {
			r.exec(fmt.Sprintf("CREATE TABLE old.`pairs#P#p%d` (s VARCHAR(9), id INT PRIMARY KEY)", i))
		}
	}
	p.node.exec(`CREATE TABLE pairs (id INT PRIMARY KEY, s VARCHAR(9)) ENGINE=SPIDER COMMENT='srv "backend1 backend2"' PARTITION BY HASH (id) (PARTITION p0, PARTITION p1)`)
	p.plain.exec("CREATE TABLE pairs (id INT PRIMARY KEY, s VARCHAR(9)) PARTITION BY HASH (id) PARTITIONS 2")
	p.both("INSERT INTO pairs SELECT seq, seq FROM seq_1_to_12")
	for _, r := range remotes { // connections that a node holds may have been closed
		r.exec("KILL USER " + linkUser)
	}
	for _, q := range []string{
		"DELETE FROM pairs WHERE id > 9 RETURNING id, s",
		"UPDATE pairs SET s = 'few' WHERE id < 7 ORDER BY id LIMIT 5",
		"UPDATE pairs JOIN parts USING (id) SET pairs.s = parts.v, parts.s = 'pairs'",
		"DELETE FROM pairs WHERE id IN (SELECT id FROM sharded) ORDER BY id DESC LIMIT 2",
	} {
		if got, want := orderless(strings.TrimSpace(p.node.done(q))), orderless(strings.TrimSpace(p.plain.done(q))); got != want {
			t.Errorf("%s\n got %s\nwant %s", q, got, want)
		}
		p.same("SELECT * FROM pairs ORDER BY id")
		sameAtBoth(t, remotes[0], remotes[1], "pairs#P#p0")
		sameAtBoth(t, remotes[0], remotes[1], "pairs#P#p1")
	}
	p.all(remotes, "pairs")

	// What differs by call is the same at both links.
	p.node.exec("UPDATE links SET v = RAND() * 1000000, s = UUID_SHORT() % 1000000 ORDER BY RAND()")
	p.node.exec("UPDATE links JOIN sharded USING (id) SET links.s = RAND()")
	sameAtBoth(t, remotes[0], remotes[1], "far_links")
	p.node.want("SELECT COUNT(DISTINCT at) FROM links", "2")

	// Transactions are rolled back as a whole, and so is a statement that fails at the last place.
	p.plain.exec("UPDATE links SET v = 5, s = 'r'")
	p.node.exec("UPDATE links SET v = 5, s = 'r'")
	p.all(remotes, "UPDATE of all")
	p.both("BEGIN")
	for _, q := range []string{
		"UPDATE one o JOIN links l ON l.id = o.id JOIN sharded s ON s.id = o.id SET o.v = 1000, l.v = 1001, s.v = 1002",
		"SELECT COUNT(*) FROM one WHERE v = 1000",
		"DELETE FROM parts WHERE id IN (SELECT id FROM sharded WHERE v = 1002)",
		"SELECT COUNT(*) FROM parts",
	} {
		p.same(q)
	}
	p.both("ROLLBACK")
	p.all(remotes, "ROLLBACK")
	remotes[1].exec("ALTER TABLE old.`far_links` ADD CHECK (v < 50)")
	p.node.fails(4025, "UPDATE one JOIN sharded USING (id) JOIN links USING (id) SET one.v = 77, sharded.v = 77, links.v = 77")
	p.all(remotes, "a failure at the last link")
	remotes[1].exec("ALTER TABLE old.`far_links` DROP CONSTRAINT CONSTRAINT_1")

	// Under LOCK TABLES the connections that have the locks do it.
	for _, locks := range []struct {
		tables     string
		statements []string
	}{
		{"one WRITE, links WRITE, parts WRITE, sharded WRITE, two READ, ref READ", []string{
			"UPDATE one SET v = v + 1 WHERE id IN (SELECT id FROM sharded)",
			"UPDATE links SET v = v + 1 ORDER BY id LIMIT 3",
			"DELETE FROM parts ORDER BY id LIMIT 1",
			"DELETE FROM sharded ORDER BY id LIMIT 1",
			"UPDATE sharded SET v = v + 1 WHERE id > 10 LIMIT 2000",
			"UPDATE one JOIN two USING (id) JOIN ref USING (id) SET one.v = two.v + ref.v, one.s = ref.s",
			"UPDATE links JOIN sharded USING (id) SET links.v = 7, sharded.v = 8",
			"DELETE one, sharded FROM one JOIN sharded USING (id) WHERE one.id > 16",
			"UPDATE two SET v = 0 WHERE id IN (SELECT id FROM sharded)",
			"UPDATE one o SET v = 0 WHERE id IN (SELECT id FROM sharded)",
			"INSERT INTO one SELECT s.id + 1000, s.v, 'x', NULL FROM sharded s JOIN ref USING (id)",
			"INSERT INTO one SELECT sharded.id + 1000, sharded.v, 'x', NULL FROM sharded JOIN ref USING (id)",
			"INSERT INTO links SELECT two.id + 2000, sharded.v, 'y', NULL FROM sharded JOIN two USING (id)",
			"INSERT INTO parts SELECT one.id + 3000, links.v, 'z', NULL FROM one JOIN links USING (id)",
			"INSERT INTO sharded SELECT one.id + 4000, parts.v, 'z', NULL FROM one JOIN parts USING (id)",
			"REPLACE INTO one SELECT id, v, 'of two', NULL FROM two WHERE id < 8",
			"INSERT INTO two SELECT id + 5000, v, s, NULL FROM sharded",
		}},
		{"one AS o WRITE, one READ, links AS l WRITE, sharded AS s WRITE, parts AS p READ, parts AS q WRITE", []string{
			"UPDATE one o JOIN sharded s ON s.id = o.id SET o.v = 11, s.v = 12",
			"UPDATE one JOIN sharded s ON s.id = one.id SET one.v = 11",
			"UPDATE one o SET o.v = 13 WHERE id IN (SELECT id FROM parts p WHERE v > 2)",
			"DELETE s FROM sharded s JOIN parts p ON p.id = s.id WHERE s.id < 9",
			"UPDATE links l, parts q SET l.s = q.s, q.v = l.v WHERE q.id = l.id",
			"UPDATE links l, parts p SET l.s = p.s, p.v = l.v WHERE p.id = l.id",
			"INSERT INTO one SELECT s.id + 6000, s.v, 'x', NULL FROM sharded s",
		}},
		{"ref WRITE, one READ", []string{
			"UPDATE ref SET v = 100 WHERE id IN (SELECT id FROM one)",
			"INSERT INTO ref SELECT id + 7000, v, s, NULL FROM one",
		}},
	} {
		p.both("LOCK TABLES " + locks.tables)
		for _, q := range locks.statements {
			p.same(q)
		}
		if strings.Contains(locks.tables, " AS ") {
			p.node.fails(1235, "DELETE o FROM one o JOIN sharded s ON s.id = o.id")
		}
		p.both("UNLOCK TABLES")
		p.all(remotes, "LOCK TABLES "+locks.tables)
	}

	// What is not to be written to is not.
	p.node.exec("SET spider_read_only_mode = 1")
	p.node.fails(12518, "UPDATE one SET v = 1 WHERE id IN (SELECT id FROM sharded)")
	p.node.fails(12518, "DELETE s, o FROM sharded s JOIN one o USING (id)")
	p.same("UPDATE sharded SET v = 1 WHERE id IN (SELECT id FROM one)")
	p.node.exec("SET spider_read_only_mode = DEFAULT")

	// The session's patience holds for the query, too.
	remotes[1].exec("BEGIN")
	remotes[1].exec("UPDATE old.far_two SET v = v + 1")
	p.node.exec("SET spider_net_read_timeout = 1")
	p.node.fails(12701, "UPDATE two SET v = 1 WHERE id IN (SELECT id FROM sharded)")
	p.node.exec("SET spider_net_read_timeout = DEFAULT")
	remotes[1].exec("ROLLBACK")
	p.all(remotes, "a server that says nothing")

	// Keys that are not the remote table's are an error.
	remotes[0].exec("CREATE TABLE old.odd (id DECIMAL(5,2) PRIMARY KEY, v INT)")
	remotes[0].exec("INSERT INTO old.odd VALUES (1, 1), (2.25, 1)")
	p.node.exec(`CREATE TABLE odd (id INT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='srv "backend1"'`)
	p.node.fails(12702, "UPDATE odd SET v = 2 WHERE v IN (SELECT 1 FROM sharded)")
	p.node.fails(12702, "DELETE FROM odd WHERE id > 1 AND v IN (SELECT 1 FROM sharded)")
	remotes[0].want("SELECT * FROM old.odd", "1.00|1/2.25|1")
	for _, q := range []string{
		"UPDATE one SET v = LENGTH(USER()) ORDER BY id LIMIT 1",
		"DELETE FROM one WHERE v = LENGTH(USER()) RETURNING id",
		"UPDATE parts SET id = id + 1 WHERE v IN (SELECT v FROM sharded)",
		"UPDATE one o JOIN ref r USING (id) SET o.v = 1, r.v = 2",
	} {
		p.node.fails(1235, q)
	}
	if got := p.node.rows("EXPLAIN UPDATE one o JOIN sharded s USING (id) SET o.v = s.v"); !strings.Contains(got, "UPDATE `old`.`far_one` SET `v`=… WHERE …") {
		t.Error(got)
	}
}
