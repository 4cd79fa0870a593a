package view

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// snapshot has views as MariaDB prints them, given as name, columns, body.
func snapshot(views ...*topo.View) *topo.Snapshot {
	b := topo.NewBuilder(nil)
	b.PutDatabase(&topo.Database{Name: "d"})
	b.PutDatabase(&topo.Database{Name: "e"})
	for _, v := range views {
		b.PutView(v)
	}
	return b.Build(1)
}

func made(db, name, columns, body string) *topo.View {
	v := &topo.View{
		DB: db, Name: name, Head: "CREATE ALGORITHM=UNDEFINED DEFINER=`m`@`%` SQL SECURITY DEFINER", Body: body, DefinerUser: "m", DefinerHost: "%", Charset: "utf8mb4",
		Collation: "utf8mb4_general_ci", Columns: strings.Fields(columns), Updatable: true,
	}
	return v
}

var world = snapshot(
	made("d", "v", "id a", "select `d`.`t`.`id` AS `id`,`d`.`t`.`a` AS `a` from `d`.`t` where `d`.`t`.`a` > 5"),
	made("d", "n", "k w", "select `v`.`id` AS `k`,`v`.`a` AS `w` from `d`.`v` where `v`.`a` < 9"),
	made("e", "far", "k", "select `x`.`k` AS `k` from `d`.`n` `x`"),
	made("d", "o", "id", "select `d`.`t`.`id` AS `id` from `d`.`t` order by `d`.`t`.`id` desc"),
	made("d", "h", "id", "select `d`.`t`.`id` AS `id` from `d`.`t` order by `d`.`t`.`a`,`d`.`t`.`b` desc"),
	made("d", "u", "id", "select `d`.`t`.`id` AS `id` from `d`.`t` union select 1 AS `1` order by `id`"),
	made("d", "x", "id", "select `d`.`t`.`id` AS `id` from `d`.`t` where exists(select 1 from `d`.`s` where `d`.`s`.`id` = `d`.`t`.`id` limit 1)"),
	made("d", "s1", "c", "select 'it\\'s \\\\' AS `c` from `d`.`t`"),
	made("d", "s2", "c", "select 'é' AS `c` from `d`.`t`"),
	made("d", "f", "c", "select concat(`d`.`t`.`a`,1) AS `c` from `d`.`t`"),
	made("d", "me", "c", "select current_user() AS `c` from `d`.`t`"),
	made("d", "g", "a c", "select `d`.`t`.`a` AS `a`,count(0) AS `c` from `d`.`t` group by `d`.`t`.`a`"),
	made("d", "gw", "a n", "select `d`.`t`.`a` AS `a`,sum(`d`.`t`.`b`) AS `n` from `d`.`t` where `d`.`t`.`a` > 5 or `d`.`t`.`b` group by `d`.`t`.`a` having sum(`d`.`t`.`b`) > 1 or 0 order by sum(`d`.`t`.`b`) desc"),
	made("d", "bypos", "a n", "select `d`.`t`.`a` AS `a`,count(0) AS `n` from `d`.`t` group by 1"),
	made("d", "byalias", "a n", "select `d`.`t`.`a` AS `a`,count(0) AS `n` from `d`.`t` group by `d`.`t`.`a` having `n` > 1"),
	made("d", "few", "id", "select `d`.`t`.`id` AS `id` from `d`.`t` order by `d`.`t`.`b` limit 3"),
	made("d", "bits", "n", "select count(0) AS `n` from `d`.`b`"),
	made("d", "cached", "n", "select sql_no_cache high_priority 1 AS `n`"),
	made("d", "odd", "a n", "select `d`.`t`.`a` AS `a`,count(0) AS `n` from `d`.`t` group by `d`.`t`.`a` order by `n` + 1"),
	made("d", "joined", "id a c", "select `d`.`t`.`id` AS `id`,`d`.`t`.`a` AS `a`,`d`.`s`.`c` AS `c` from (`d`.`t` join `d`.`s` on(`d`.`s`.`id` = `d`.`t`.`id`)) where `d`.`s`.`c` > 1"),
	made("d", "mixed", "id u", "select `d`.`t`.`id` AS `id`,ucase(`d`.`t`.`a`) AS `u` from `d`.`t` order by mod(`u`,`d`.`t`.`b`)"),
	made("d", "noted", "x n", "select 'it\\'s' AS `x`,count(0) AS `n` from `d`.`t` group by `d`.`t`.`a`"),
	made("d", "ex", "id twice", "select `d`.`t`.`id` AS `id`,`d`.`t`.`a` * 2 AS `twice` from `d`.`t`"),
)

func init() {
	v := *world.View("d", "v")
	v.Name, v.Check = "checked", "CASCADED"
	world.Databases["d"].Views["checked"] = &v
	world.Databases["d"].Views["timed"] = made("d", "timed", "id", "select `d`.`t`.`id` AS `id` from `d`.`t` where `d`.`t`.`at` > '2020-01-01'")
	world.Databases["d"].Views["timed"].Check = "LOCAL"
	world.Databases["d"].Views["low"] = made("d", "low", "k w", "select `v`.`id` AS `k`,`v`.`a` AS `w` from `d`.`v` where `v`.`a` < 9")
	world.Databases["d"].Views["low"].Check = "LOCAL"
	world.Databases["d"].Views["mine"] = made("d", "mine", "id", "select `d`.`t`.`id` AS `id` from `d`.`t` where current_user() <> `d`.`t`.`a`")
	world.Databases["d"].Views["mine"].Check = "CASCADED"
	world.Databases["d"].Tables["b"] = &topo.Table{DB: "d", Name: "b", Columns: []topo.Column{{Name: "id", Type: "bit"}}}
	world.Databases["d"].Tables["t"] = &topo.Table{DB: "d", Name: "t", Columns: []topo.Column{{Name: "id", Type: "int"}, {Name: "a", Type: "int"}, {Name: "at", Type: "datetime"}}}
}

func spliced(sess Session, text string) (string, error) {
	scan := new(sqltext.Scan)
	if err := scan.Scan([]byte(text), sess.Mode); err != nil {
		return "", err
	}
	stmt, err := sqltext.Parse(scan, sess.Mode)
	if err != nil {
		return "", err
	}
	out, err := Splice(scan, stmt, world, sess)
	if err != nil {
		return "", err
	}
	if out == nil {
		return "nothing", nil
	}
	text = strings.Join(strings.Fields(string(out.Text)), " ")
	if out.Check != nil {
		_, where, _ := strings.Cut(out.Check.Query("d"), " WHERE ")
		text += " CHECKED " + where
	}
	return text, nil
}

func inD() Session {
	return Session{DB: "d", Charset: "utf8mb4", Collation: "utf8mb4_general_ci", User: "c", Host: "%", Default: func(c string) (string, bool) {
		charset, _, _ := strings.Cut(c, "_")
		return charset, strings.HasSuffix(c, "_general_ci")
	}}
}

const (
	v = "(select `d`.`t`.`id` AS `id`,`d`.`t`.`a` AS `a` from `d`.`t` where `d`.`t`.`a` > 5)"
	n = "(select `v`.`id` AS `k`,`v`.`a` AS `w` from " + v + " AS `v` where `v`.`a` < 9)"
)

func TestSplice(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SELECT 1 FROM t", "nothing"},
		{"WITH v AS (SELECT 1) SELECT * FROM v", "nothing"},
		{"SELECT * FROM v", "SELECT * FROM " + v + " AS `v`"},
		{"SELECT * FROM v AS x, d.n y", "SELECT * FROM " + v + " AS x, " + n + " y"},
		{"SELECT d.v.id FROM d.v WHERE d.v.a = 1 AND d.t.x = 2", "SELECT v.id FROM " + v + " AS `v` WHERE v.a = 1 AND d.t.x = 2"},
		{"SELECT d.v.id + 1 FROM d.v", "SELECT v.id + 1 AS `d.v.id + 1` FROM " + v + " AS `v`"},
		{"SELECT (SELECT MAX(id) FROM v)", "SELECT (SELECT MAX(id) FROM " + v + " AS `v` ) AS `(SELECT MAX(id) FROM v)`"},
		{"SELECT * FROM e.far", "SELECT * FROM (select `x`.`k` AS `k` from " + n + " `x`) AS `far`"},
		{"INSERT INTO t SELECT * FROM v", "INSERT INTO t SELECT * FROM " + v + " AS `v`"},
		{"UPDATE t JOIN v ON v.id = t.id SET t.b = 1", "UPDATE t JOIN " + v + " AS `v` ON v.id = t.id SET t.b = 1"},
		{"EXPLAIN SELECT * FROM v", "EXPLAIN SELECT * FROM " + v + " AS `v`"},
		{"SELECT * FROM o", "SELECT * FROM (select `d`.`t`.`id` AS `id` from `d`.`t` ) AS `o` ORDER BY `o`.`id` DESC"},
		{"SELECT * FROM o x WHERE id > 1 LIMIT 2", "SELECT * FROM (select `d`.`t`.`id` AS `id` from `d`.`t` ) x WHERE id > 1 ORDER BY `x`.`id` DESC LIMIT 2"},
		{"SELECT COUNT(*) FROM o", "SELECT COUNT(*) FROM (select `d`.`t`.`id` AS `id` from `d`.`t` ) AS `o`"},
		{"SELECT id FROM o ORDER BY 1", "SELECT id FROM (select `d`.`t`.`id` AS `id` from `d`.`t` ) AS `o` ORDER BY 1"},
		{"SELECT * FROM h", "SELECT `h`.`id` FROM (select `d`.`t`.`id` AS `id` , `d`.`t`.`a` AS `orbweaver order 1`, `d`.`t`.`b` AS `orbweaver order 2` from `d`.`t` ) AS `h`" +
			" ORDER BY `h`.`orbweaver order 1`, `h`.`orbweaver order 2` DESC"},
		{"SELECT * FROM u", "SELECT * FROM (select `d`.`t`.`id` AS `id` from `d`.`t` union select 1 AS `1` ) AS `u` ORDER BY `u`.`id`"},
		{"SELECT * FROM x", "SELECT * FROM (select `d`.`t`.`id` AS `id` from `d`.`t` where exists(select 1 from `d`.`s` where `d`.`s`.`id` = `d`.`t`.`id` )) AS `x`"},
		{"SELECT * FROM n FOR UPDATE SKIP LOCKED", "SELECT * FROM (select `v`.`id` AS `k`,`v`.`a` AS `w` from " + strings.TrimSuffix(v, ")") +
			" FOR UPDATE SKIP LOCKED) AS `v` where `v`.`a` < 9 FOR UPDATE SKIP LOCKED) AS `n` FOR UPDATE SKIP LOCKED"},
		{"SELECT * FROM t WHERE id IN (SELECT id FROM v) FOR UPDATE", "SELECT * FROM t WHERE id IN (SELECT id FROM " + v + " AS `v` ) FOR UPDATE"},
		{"SELECT * FROM g FOR UPDATE", "error"},
		{"SELECT * FROM cached", "SELECT * FROM (select 1 AS `n`) AS `cached`"},
		{"SELECT * FROM (SELECT * FROM v FOR UPDATE) x", "error"},
		{"SELECT * FROM v PARTITION (p0)", "error"},
		{"SELECT * FROM me", "SELECT * FROM (select CONVERT(x'6d4025' USING utf8mb3) AS `c` from `d`.`t`) AS `me`"},
		{"SELECT * FROM s1, s2", "SELECT * FROM (select 'it\\'s \\\\' AS `c` from `d`.`t`) AS `s1` , (select 'é' AS `c` from `d`.`t`) AS `s2`"},
		// writes
		{"UPDATE v SET a = 1 WHERE id = 2 OR v.id = 3", "UPDATE `d`.`t` AS `v` SET a = 1 WHERE ( id = 2 OR `v`.`id` = 3 ) AND (`v`.`a` > 5)"},
		{"UPDATE v x SET x.a = 1 ORDER BY id LIMIT 1", "UPDATE `d`.`t` AS `x` SET `x`.`a` = 1 WHERE `x`.`a` > 5 ORDER BY id LIMIT 1"},
		{"UPDATE n SET w = w + 1", "UPDATE `d`.`t` AS `n` SET `a` = `a` + 1 WHERE (`n`.`a` < 9) AND (`n`.`a` > 5)"},
		{"DELETE FROM v WHERE v.id = 1", "DELETE FROM `d`.`t` WHERE ( `t`.`id` = 1 ) AND (`t`.`a` > 5)"},
		{"DELETE FROM n LIMIT 1", "DELETE FROM `d`.`t` WHERE (`t`.`a` < 9) AND (`t`.`a` > 5) LIMIT 1"},
		{"INSERT INTO v VALUES (1, 2)", "INSERT INTO `d`.`t` (`id`, `a`) VALUES (1, 2)"},
		{"INSERT INTO n (w, d.n.k) VALUES (1, 2)", "INSERT INTO `d`.`t` ( `a` , `id` ) VALUES (1, 2)"},
		{"REPLACE v SET a = 1, id = 2", "REPLACE `d`.`t` SET `a` = 1, `id` = 2"},
		{"DELETE FROM checked WHERE id = 1", "DELETE FROM `d`.`t` WHERE ( id = 1 ) AND (`t`.`a` > 5)"},
		{"UPDATE ex SET id = 1", "UPDATE `d`.`t` AS `ex` SET id = 1"},
		{"UPDATE ex SET id = 1 WHERE twice = 2", "error"},
		{"INSERT INTO ex VALUES (1, 2)", "error"},
		{"UPDATE checked SET a = 1", "UPDATE `d`.`t` AS `checked` SET a = 1 WHERE `checked`.`a` > 5 CHECKED `t`.`a` > 5"},
		{"UPDATE IGNORE low SET w = 1", "UPDATE IGNORE `d`.`t` AS `low` SET `a` = 1 WHERE (`low`.`a` < 9) AND (`low`.`a` > 5) CHECKED `t`.`a` < 9"},
		{"UPDATE checked SET id = 1 WHERE a = 7", "UPDATE `d`.`t` AS `checked` SET id = 1 WHERE ( a = 7 ) AND (`checked`.`a` > 5)"},
		{"UPDATE timed SET id = 1", "UPDATE `d`.`t` AS `timed` SET id = 1 WHERE `timed`.`at` > '2020-01-01' CHECKED `t`.`at` > '2020-01-01'"},
		{"INSERT INTO checked VALUES (1, 2)", "INSERT INTO `d`.`t` (`id`, `a`) VALUES (1, 2) CHECKED `t`.`a` > 5"},
		{"INSERT INTO checked VALUES (1, 2) ON DUPLICATE KEY UPDATE checked.a = checked.a + 1", "INSERT INTO `d`.`t` (`id`, `a`) VALUES (1, 2) ON DUPLICATE KEY UPDATE `a` = `a` + 1 CHECKED `t`.`a` > 5"},
		{"INSERT INTO mine VALUES (1)", "error"},
		{"UPDATE joined SET a = c + 1 WHERE id = 1", "UPDATE (`d`.`t` join `d`.`s` on(`d`.`s`.`id` = `d`.`t`.`id`)) SET `d`.`t`.`a` = `d`.`s`.`c` + 1 WHERE ( `d`.`t`.`id` = 1 ) AND (`d`.`s`.`c` > 1)"},
		{"UPDATE joined SET a = 1, c = 2", "error"},
		{"SELECT a FROM odd", "SELECT a FROM (select `d`.`t`.`a` AS `a`,count(0) AS `n` from `d`.`t` group by `d`.`t`.`a` ) AS `odd` ORDER BY `odd`.`n` + 1"},
		{"SELECT id FROM mixed", "SELECT id FROM (select `d`.`t`.`id` AS `id`,ucase(`d`.`t`.`a`) AS `u` , mod( (ucase(`d`.`t`.`a`)) ,`d`.`t`.`b`) AS `orbweaver order 1` from `d`.`t` ) AS `mixed` ORDER BY `mixed`.`orbweaver order 1`"},
		{"UPDATE g SET c = 1", "error"},
		{"INSERT INTO v VALUES (1, id)", "error"},
		{"INSERT INTO v VALUES (1, 2) ON DUPLICATE KEY UPDATE a = v.a + VALUES(a)", "INSERT INTO `d`.`t` (`id`, `a`) VALUES (1, 2) ON DUPLICATE KEY UPDATE a = `t`.`a` + VALUES(a)"},
		{"INSERT INTO n VALUES (1, 2) ON DUPLICATE KEY UPDATE w = w + VALUES(w)", "INSERT INTO `d`.`t` (`id`, `a`) VALUES (1, 2) ON DUPLICATE KEY UPDATE `a` = `a` + VALUES( `a` )"},
		{"INSERT INTO v (id) SELECT id FROM v WHERE v.id = 1 ON DUPLICATE KEY UPDATE a = 1", "error"},
		{"INSERT INTO v VALUES (1, 2) RETURNING *, id + 1", "INSERT INTO `d`.`t` (`id`, `a`) VALUES (1, 2) RETURNING `id`, `a` , id + 1"},
		{"DELETE FROM v RETURNING v.*", "DELETE FROM `d`.`t` WHERE `t`.`a` > 5 RETURNING `id`, `a`"},
		{"INSERT INTO n VALUES (1, 2) RETURNING k", "error"},
		{"INSERT INTO n VALUES (1, 2) ON DUPLICATE KEY UPDATE w = (SELECT MAX(w) FROM s)", "error"},
		{"UPDATE n SET w = 1 WHERE k IN (SELECT w FROM s)", "error"},
		{"UPDATE v, s SET v.a = 1 WHERE s.id = v.id OR s.id = 1", "UPDATE `d`.`t` AS `v` , s SET v.a = 1 WHERE ( s.id = v.id OR s.id = 1 ) AND (`v`.`a` > 5)"},
		{"UPDATE v, s SET v.a = 1 WHERE at > 1", "error"},
		{"UPDATE n x, s SET x.w = 1", "UPDATE `d`.`t` AS `x` , s SET x. `a` = 1 WHERE ((`x`.`a` < 9) AND (`x`.`a` > 5))"},
		{"UPDATE n x, s SET w = 1", "error"},
		{"UPDATE checked, s SET checked.a = 1", "error"},
		{"DELETE v FROM v JOIN t", "DELETE v FROM `d`.`t` AS `v` JOIN t WHERE (`v`.`a` > 5)"},
		{"DELETE v FROM t LEFT JOIN v ON v.id = t.id", "error"},
		{"DELETE FROM v WHERE id IN (SELECT v.id FROM s)", "DELETE FROM `d`.`t` WHERE ( id IN (SELECT `t`.`id` FROM s) ) AND (`t`.`a` > 5)"},
		{"DELETE FROM v WHERE id IN (SELECT v.id FROM t)", "error"},
		{"DELETE FROM v WHERE id IN (SELECT v.id FROM s AS v)", "error"},
		{"UPDATE n x SET w = 1 WHERE EXISTS (SELECT 1 FROM s WHERE s.id = x.w)", "UPDATE `d`.`t` AS `x` SET `a` = 1 WHERE ( EXISTS (SELECT 1 FROM s WHERE s.id = `x`.`a` ) ) AND ((`x`.`a` < 9) AND (`x`.`a` > 5))"},
		{"UPDATE n x SET w = 1 WHERE EXISTS (SELECT 1 FROM s x WHERE s.id = x.w)", "error"},
		{"LOAD DATA LOCAL INFILE 'f' INTO TABLE v", "LOAD DATA LOCAL INFILE 'f' INTO TABLE `d`.`t` (`id`, `a`)"},
		{"LOAD DATA LOCAL INFILE 'f' INTO TABLE n IGNORE 1 LINES SET n.w = n.k", "LOAD DATA LOCAL INFILE 'f' INTO TABLE `d`.`t` IGNORE 1 LINES (`id`, `a`) SET `t`.`a` = `t`.`id`"},
		{"LOAD DATA LOCAL INFILE 'f' INTO TABLE n (@x, w)", "LOAD DATA LOCAL INFILE 'f' INTO TABLE `d`.`t` (@x, `a` )"},
	} {
		got, err := spliced(inD(), c.text)
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s:\n%s (%v), want\n%s", c.text, got, err, c.want)
		}
	}
}

func TestFlat(t *testing.T) {
	const from = " from `d`.`t`"
	for _, c := range []struct{ text, want string }{
		{"SELECT * FROM g", "select `d`.`t`.`a` AS `a`,count(0) AS `c`" + from + " group by `d`.`t`.`a`"},
		{"SELECT * FROM u", "select `d`.`t`.`id` AS `id` from `d`.`t` union select 1 AS `1` order by `id`"},
		{"SELECT few.* FROM few", "select `d`.`t`.`id` AS `id` from `d`.`t` order by `d`.`t`.`b` limit 3"},
		{"SELECT few.* FROM few WHERE id = 1", ""},
		{"SELECT id FROM few", ""},
		{"SELECT g.C x FROM g WHERE g.a = 2 AND c > 3 ORDER BY a DESC, 1 LIMIT 5, 6", "select count(0) AS `x`" + from + " WHERE (`d`.`t`.`a` = 2) group by `d`.`t`.`a` HAVING (count(0) > 3) ORDER BY `d`.`t`.`a` DESC, 1 LIMIT 5, 6"},
		{"SELECT a FROM g h WHERE h.a + 1 = 2", "select `d`.`t`.`a` AS `a`" + from + " group by `d`.`t`.`a` HAVING (`d`.`t`.`a` + 1 = 2)"},
		{"SELECT n FROM gw WHERE a > 3 AND n < ?", ""},
		{"SELECT n FROM gw WHERE n < ? LIMIT ?", "select sum(`d`.`t`.`b`) AS `n`" + from + " where `d`.`t`.`a` > 5 or `d`.`t`.`b` group by `d`.`t`.`a` having (sum(`d`.`t`.`b`) > 1 or 0) AND (sum(`d`.`t`.`b`) < ?)" +
			" ORDER BY sum(`d`.`t`.`b`) DESC LIMIT ?"},
		{"SELECT n FROM gw WHERE a = 1 ORDER BY n", "select sum(`d`.`t`.`b`) AS `n`" + from + " where (`d`.`t`.`a` > 5 or `d`.`t`.`b`) AND (`d`.`t`.`a` = 1) group by `d`.`t`.`a` having sum(`d`.`t`.`b`) > 1 or 0 ORDER BY sum(`d`.`t`.`b`)"},
		{"SELECT * FROM v LIMIT 1", ""},
		{"SELECT MAX(c) FROM g", ""},
		{"SELECT c + 1 FROM g", ""},
		{"SELECT c AS a FROM g ORDER BY a", ""},
		{"SELECT * FROM g JOIN t", ""},
		{"SELECT DISTINCT c FROM g", ""},
		{"SELECT * FROM g WHERE a IN (SELECT 1)", ""},
		{"SELECT * FROM g WHERE RAND() < c", ""},
		{"SELECT a FROM bypos", ""},
		{"SELECT n FROM byalias", ""},
		{"SELECT a FROM odd", ""},
		{"SELECT * FROM bits", ""},
		{"SELECT x FROM noted", "select 'it\\'s' AS `x`" + from + " group by `d`.`t`.`a`"},
	} {
		scan := new(sqltext.Scan)
		if err := scan.Scan([]byte(c.text), sqltext.Mode{}); err != nil {
			t.Fatal(err)
		}
		stmt, err := sqltext.Parse(scan, sqltext.Mode{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := Splice(scan, stmt, world, inD())
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := strings.NewReplacer("( ", "(", " )", ")").Replace(strings.Join(strings.Fields(string(out.Flat)), " ")); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.text, got, c.want)
		}
	}
}

func TestSpliceKeepsTheMeaning(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*Session)
		text string
		want string
	}{
		{"backslashes", func(s *Session) { s.Mode.NoBackslashEscapes = true }, "SELECT * FROM s1", `SELECT * FROM (select 'it''s \' AS ` + "`c` from `d`.`t`) AS `s1`"},
		{"collation", func(s *Session) { s.Collation = "utf8mb4_bin" }, "SELECT * FROM s1", `SELECT * FROM (select _utf8mb4'it''s \\' AS ` + "`c` from `d`.`t`) AS `s1`"},
		{"collation, wide", func(s *Session) { s.Collation = "utf8mb4_bin" }, "SELECT * FROM s2", "SELECT * FROM (select _utf8mb4 x'c3a9' AS `c` from `d`.`t`) AS `s2`"},
		{"function", func(s *Session) { s.Collation = "utf8mb4_bin" }, "SELECT * FROM f", "error"},
		{"no function", func(s *Session) { s.Collation = "utf8mb4_bin" }, "SELECT * FROM g", "SELECT * FROM (select `d`.`t`.`a` AS `a`,count(0) AS `c` from `d`.`t` group by `d`.`t`.`a`) AS `g`"},
		{"charset", func(s *Session) { s.Charset = "latin1" }, "SELECT * FROM s2", "error"},
		{"oracle", func(s *Session) { s.Mode.Oracle = true }, "SELECT * FROM f", "SELECT * FROM (select mariadb_schema.CONCAT( `d`.`t`.`a`,1) AS `c` from `d`.`t`) AS `f`"},
		{"self", func(s *Session) { s.User = "m" }, "SELECT * FROM me", "SELECT * FROM (select current_user() AS `c` from `d`.`t`) AS `me`"},
		{"other database", func(s *Session) { s.DB = "e" }, "SELECT * FROM v", "nothing"},
		{"hidden view", func(s *Session) { s.Temporary = func(_, name string) bool { return name == "v" } }, "SELECT * FROM v", "nothing"},
		{"hidden table", func(s *Session) { s.Temporary = func(_, name string) bool { return name == "t" } }, "SELECT * FROM n", "error"},
	} {
		sess := inD()
		c.set(&sess)
		got, err := spliced(sess, c.text)
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s: %s:\n%s (%v), want\n%s", c.name, c.text, got, err, c.want)
		}
	}
}

// Views that name others twice do not grow without end, nor do they nest without end.
func TestSpliceIsBounded(t *testing.T) {
	views := []*topo.View{made("d", "v0", "id", "select `d`.`t`.`id` AS `id` from `d`.`t`")}
	for i := range 40 {
		views = append(views, made("d", fmt.Sprint("v", i+1), "id", fmt.Sprintf("select `a`.`id` AS `id` from (`d`.`v%d` `a` join `d`.`v%d` `b`)", i, i)),
			made("d", fmt.Sprint("w", i+1), "id", fmt.Sprintf("select `a`.`id` AS `id` from `d`.`w%d` `a`", i)))
	}
	s := snapshot(append(views, made("d", "w0", "id", "select 1 AS `id`"))...)
	for _, name := range []string{"v40", "w40"} {
		scan := new(sqltext.Scan)
		if err := scan.Scan([]byte("SELECT * FROM "+name), sqltext.Mode{}); err != nil {
			t.Fatal(err)
		}
		stmt, err := sqltext.Parse(scan, sqltext.Mode{})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := Splice(scan, stmt, s, inD()); err == nil {
			t.Errorf("%s became %d bytes", name, len(out.Text))
		}
	}
}

func TestIn(t *testing.T) {
	v := made("d", "v", "id", "select `d`.`t`.`id` AS `id`,`d`.`c` AS `c`,`e`.`t`.`id` AS `x`,`d`.`f`(1) AS `y` from ((`d`.`t` join `e`.`t`) join `d`.`s` `d`)")
	got, err := In(v, "o`")
	want := "select `o```.`t`.`id` AS `id`,`d`.`c` AS `c`,`e`.`t`.`id` AS `x`,`o```.`f`(1) AS `y` from ((`o```.`t` join `e`.`t`) join `o```.`s` `d`)"
	squeezed := strings.NewReplacer(" .", ".", "( ", "(", ", ", ",").Replace(got.Body)
	if err != nil || squeezed != want {
		t.Errorf("%s %v, want %s", squeezed, err, want)
	}
	if err := Fit(v); err != nil {
		t.Error(err)
	}
	v.Body += "; DROP TABLE t"
	if err := Fit(v); err == nil {
		t.Error("two statements are fit")
	}
	v.Body = "select 1 AS `id`"
	v.Head = "CREATE TABLE x AS SELECT 1;"
	if err := Fit(v); err == nil {
		t.Error("another statement is fit")
	}
}
