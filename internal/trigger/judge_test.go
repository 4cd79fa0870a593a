package trigger

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func table(name string, kind topo.TableKind, columns ...string) *topo.Table {
	t := &topo.Table{DB: "d", Name: name, Kind: kind, AutoIncrement: -1}
	for _, c := range columns {
		t.Columns = append(t.Columns, topo.Column{Name: c, Type: "int", FullType: "int(11)"})
	}
	if kind == topo.Sharded {
		t.ShardKey = []int{0}
	}
	return t
}

// TestPart looks at what is made at partitions, and at what is noted of the tables. What is refused, and what becomes of the others, package equivalence has against MariaDB.
func TestPart(t *testing.T) {
	tables := map[string]*topo.Table{"t": table("t", topo.Sharded, "k", "a"), "u": table("u", topo.Sharded, "k", "b"), "r": table("r", topo.Reference, "x"), "e": table("e", topo.Keyless, "w")}
	lookup := func(name string) (*topo.Table, bool) { return tables[name], name == "v" }
	for _, c := range []struct {
		text, part            string
		reads, writes, shared string
	}{
		{"CREATE DEFINER=`a`@`b` TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1", "", "", "", ""},
		{"CREATE TRIGGER d.x AFTER INSERT ON `d`.t FOR EACH ROW INSERT INTO u VALUES (NEW.k, 1)", "CREATE TRIGGER \x00.`x` AFTER INSERT ON \x00.`t` FOR EACH ROW INSERT INTO u VALUES (NEW.k, 1)",
			"", "u", ""},
		{"CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW BEGIN DECLARE n INT; SELECT r.x INTO n FROM r JOIN d.u ON u.b = r.x WHERE u.k = NEW.k; END",
			"CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW BEGIN DECLARE n INT; SELECT r.x INTO n FROM \x01.`r` JOIN \x00.`u` ON u.b = r.x WHERE u.k = NEW.k; END", "r u", "", "r"},
		{"CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW BEGIN DECLARE n INT; DECLARE c CURSOR FOR SELECT x FROM d.r; OPEN c; FETCH NEXT FROM c INTO n; CLOSE c; l: FOR w IN (SELECT b FROM u WHERE u.k = NEW.k) DO " +
			"FOR i IN REVERSE 1..n DO SET n = w.b + i; END FOR; FOR v IN c DO LEAVE l; END FOR; END FOR l; END",
			"CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW BEGIN DECLARE n INT; DECLARE c CURSOR FOR SELECT x FROM \x01.`r` ; OPEN c; FETCH NEXT FROM c INTO n; CLOSE c; l: FOR w IN (SELECT b FROM u WHERE u.k = NEW.k) DO " +
				"FOR i IN REVERSE 1..n DO SET n = w.b + i; END FOR; FOR v IN c DO LEAVE l; END FOR; END FOR l; END", "r u", "", "r"},
		{"CREATE TRIGGER x AFTER DELETE ON e FOR EACH ROW INSERT INTO later (k) VALUES (OLD.w)", "", "", "later", ""},
	} {
		owner := tables["t"]
		if strings.Contains(c.text, "ON e ") {
			owner = tables["e"]
		}
		tr := topo.Trigger{Name: "x", Text: c.text}
		if err := Judge(&tr, owner, lookup, nil); err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if want := strings.Fields(c.reads); !slices.Equal(tr.Reads, want) {
			t.Errorf("%s reads %q, want %q", c.text, tr.Reads, want)
		}
		if want := strings.Fields(c.writes); !slices.Equal(tr.Writes, want) {
			t.Errorf("%s writes %q, want %q", c.text, tr.Writes, want)
		}
		if want := strings.Fields(c.shared); !slices.Equal(tr.References, want) {
			t.Errorf("%s refers to %q, want %q", c.text, tr.References, want)
		}
		want := c.part
		if want == "" {
			want = c.text
		}
		if tr.Part != want {
			t.Errorf("%s\n is %q\nwant %q", c.text, tr.Part, want)
		}
	}
	for _, body := range []string{"DELETE FROM v WHERE k = NEW.k", "SET NEW.k = 1", "UPDATE u SET b = (SELECT MAX(b) FROM u) WHERE k = NEW.k", "SET NEW.gone = 1",
		"UPDATE u SET b = 1 WHERE k = NEW.a", "UPDATE u SET b = 1 WHERE k = 1 AND (k = NEW.k OR 1)", "BEGIN", "SET NEW.a = 1; SET NEW.a = 2"} {
		tr := topo.Trigger{Name: "x", Text: "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW " + body}
		if err := Judge(&tr, tables["t"], lookup, nil); !errors.Is(err, ErrUnproven) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestSession looks at what is noted of a trigger that asks for what is the session's.
func TestSession(t *testing.T) {
	owner := table("t", topo.Sharded, "k", "a")
	for body, want := range map[string]topo.Trigger{
		"SET NEW.a = @a + @@div_precision_increment + RAND()":               {Variables: true},
		"SET @b = NEW.a, NEW.a = @A":                                        {Variables: true, Assigns: []string{"@A", "@b"}},
		"BEGIN SELECT NEW.a, 1 INTO @`x y`, @n; SET NEW.a = UUID(); END":    {Variables: true, Assigns: []string{"@`x y`", "@n"}},
		"SET NEW.a = CONCAT(CURRENT_USER, session_user(), SYSDATE(), user)": {Account: true},
	} {
		tr := topo.Trigger{Name: "x", Text: "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW " + body}
		if err := Judge(&tr, owner, func(string) (*topo.Table, bool) { return nil, false }, nil); err != nil {
			t.Errorf("%s: %v", body, err)
		} else if tr.Variables != want.Variables || tr.Account != want.Account || !slices.Equal(tr.Assigns, want.Assigns) {
			t.Errorf("%s: %v %v %q", body, tr.Variables, tr.Account, tr.Assigns)
		}
	}
}

const onAcct = "CREATE TRIGGER no AFTER INSERT ON acct FOR EACH ROW "

// refused are triggers that are refused, with what the refusals say.
var refused = map[string]string{
	onAcct + "INSERT INTO log (acct, seq) VALUES (NEW.bal, 1)":                                                             "exactly the row's",
	onAcct + "INSERT INTO log (acct, seq) VALUES (NEW.id, 1), (NEW.id + 0, 2)":                                             "exactly the row's",
	onAcct + "INSERT INTO log (seq) VALUES (1)":                                                                            "exactly the row's",
	onAcct + "INSERT INTO log SELECT 1, 2, 'x', NULL":                                                                      "SELECT",
	onAcct + "INSERT INTO autos (v) VALUES (NEW.id)":                                                                       "AUTO_INCREMENT",
	onAcct + "INSERT INTO rates VALUES ('x', NEW.id)":                                                                      "reference",
	onAcct + "INSERT INTO wlog VALUES (NEW.id, 1)":                                                                         "another type",
	onAcct + "UPDATE tot SET n = n + 1":                                                                                    "without tot.acct = NEW.id",
	onAcct + "UPDATE tot SET n = n + 1 WHERE acct = NEW.id OR n = 1":                                                       "without tot.acct = NEW.id",
	onAcct + "UPDATE tot SET acct = 5 WHERE acct = NEW.id":                                                                 "shard key",
	onAcct + "UPDATE rates SET rate = 1":                                                                                   "reference table",
	onAcct + "UPDATE tot new SET n = 1 WHERE new.id = NEW.id":                                                              "without",
	onAcct + "DELETE FROM events WHERE who = NEW.id":                                                                       "no shard key",
	onAcct + "DELETE t FROM tot t WHERE t.acct = NEW.id":                                                                   "one table",
	onAcct + "DELETE FROM other.tot WHERE acct = NEW.id":                                                                   "another database",
	onAcct + "BEGIN DECLARE acct INT; UPDATE tot SET n = 1 WHERE acct = NEW.id; END":                                       "without tot.acct",
	onAcct + "BEGIN DECLARE c CURSOR (n INT) FOR SELECT 1; END":                                                            "CURSOR with parameters",
	onAcct + "BEGIN DECLARE c CURSOR FOR SELECT n FROM tot; END":                                                           "without tot.acct",
	onAcct + "BEGIN DECLARE c CURSOR FOR SELECT n FROM tot WHERE acct = NEW.id FOR UPDATE; OPEN c; FETCH c INTO nope; END": "nope",
	onAcct + "FOR r IN (SELECT n FROM tot WHERE acct = NEW.bal) DO INSERT INTO events VALUES (1, r.n); END FOR":            "without tot.acct",
	onAcct + "FOR tot IN (SELECT NEW.id AS acct) DO UPDATE tot SET n = 1 WHERE tot.acct = NEW.id; END FOR":                 "without tot.acct",
	onAcct + "FOR acct IN (SELECT 1 AS x) DO UPDATE tot SET n = 1 WHERE acct = NEW.id; END FOR":                            "without tot.acct",
	onAcct + "FOR r IN c DO INSERT INTO events VALUES (1, ''); END FOR":                                                    "bounds",
	onAcct + "BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM tot; END":                                                   "without tot.acct",
	onAcct + "BEGIN DECLARE n INT; SET n = (SELECT COUNT(*) FROM tot); END":                                                "without tot.acct",
	onAcct + "BEGIN DECLARE n INT; SET n = (SELECT 1 FROM tot t JOIN log l ON l.acct = t.acct WHERE t.acct = NEW.id); END": "without l.acct",
	onAcct + "BEGIN DECLARE n INT; WITH x AS (SELECT 1) SELECT * INTO n FROM x; END":                                       "WITH",
	onAcct + "BEGIN DECLARE n INT; SELECT x.a INTO n FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) x; END":       "in a trigger",
	onAcct + "INSERT INTO events VALUES (NEW.id, @@port)":                                                                  "system variable",
	onAcct + "INSERT INTO events VALUES (NEW.id, RAND(5))":                                                                 "RAND",
	onAcct + "INSERT INTO events VALUES (NEW.id, CONNECTION_ID())":                                                         "CONNECTION_ID",
	onAcct + "INSERT INTO events VALUES (NEW.id, DATABASE())":                                                              "DATABASE",
	onAcct + "INSERT INTO events VALUES (NEW.id, LAST_INSERT_ID(5))":                                                       "LAST_INSERT_ID",
	onAcct + "INSERT INTO events VALUES (NEW.id, sys.format_time(5))":                                                      "stored function",
	onAcct + "SET sql_mode = ''":                                                                                           "of its own",
	onAcct + "BEGIN BEGIN DECLARE unique_checks INT; END; SET unique_checks = 1; END":                                      "of its own",
	onAcct + "CALL p()": "CALL",
	onAcct + "FOR i IN 1..3 DO INSERT INTO log VALUES (i, 1, '', NULL); END FOR":                                                 "exactly the row's",
	onAcct + "BEGIN DECLARE m TEXT; DECLARE CONTINUE HANDLER FOR SQLEXCEPTION GET DIAGNOSTICS CONDITION 1 m = MESSAGE_TEXT; END": "MESSAGE_TEXT",
	"CREATE TRIGGER no BEFORE INSERT ON acct FOR EACH ROW SET NEW.id = 5":                                                        "shard key",
	"CREATE TRIGGER no BEFORE INSERT ON acct FOR EACH ROW INSERT INTO log VALUES (NEW.id, 99, '', NULL)":                         "AFTER INSERT",
	"CREATE TRIGGER no BEFORE INSERT ON autos FOR EACH ROW SET NEW.id = 5":                                                       "AUTO_INCREMENT",
	"CREATE TRIGGER no BEFORE INSERT ON autos FOR EACH ROW SET NEW.v = NEW.id":                                                   "AUTO_INCREMENT",
	"CREATE TRIGGER no BEFORE INSERT ON autos FOR EACH ROW SET NEW.v = `new`.`ID` + 1":                                           "AUTO_INCREMENT",
	"CREATE TRIGGER no AFTER INSERT ON events FOR EACH ROW UPDATE tot SET n = 1 WHERE acct = NEW.who":                            "has no shard key",
}

const onRates = "CREATE TRIGGER no AFTER UPDATE ON rates FOR EACH ROW "

// refusedEverywhere are triggers of reference tables that are refused, with what the refusals say.
var refusedEverywhere = map[string]string{
	onRates + "INSERT INTO events VALUES (1, NEW.cur)":                                                                      "reference tables only",
	onRates + "UPDATE log SET n = 1 WHERE acct = NEW.rate":                                                                  "reference tables only",
	onRates + "BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM rates, events; END":                                         "reference tables only",
	onRates + "INSERT INTO hist VALUES (NEW.rate, (SELECT MAX(seq) FROM log))":                                              "reference tables only",
	onRates + "INSERT INTO hist (n) SELECT rate FROM rates":                                                                 "ORDER BY cur",
	onRates + "INSERT INTO hist (n) SELECT who FROM events ORDER BY who":                                                    "reference tables only",
	onRates + "INSERT INTO events SELECT n, 'x' FROM hist ORDER BY n":                                                       "reference tables only",
	onRates + "INSERT INTO rautos (v) SELECT n FROM hist ORDER BY n":                                                        "AUTO_INCREMENT",
	onRates + "INSERT INTO heap SELECT rate, cur FROM rates ORDER BY rate":                                                  "ORDER BY cur",
	onRates + "INSERT INTO heap WITH w AS (SELECT 1) SELECT * FROM w":                                                       "WITH",
	onRates + "INSERT INTO heap SELECT rate, COUNT(*) FROM rates GROUP BY rate":                                             "GROUP BY",
	onRates + "INSERT INTO heap SELECT rate, cur FROM rates GROUP BY rate ORDER BY rate":                                    "not in GROUP BY",
	onRates + "INSERT INTO heap SELECT rate, GROUP_CONCAT(cur) FROM rates GROUP BY rate ORDER BY rate":                      "GROUP_CONCAT",
	onRates + "INSERT INTO heap SELECT rate, 1 FROM rates GROUP BY rate HAVING MAX(cur) > 'a' ORDER BY rate":                "MAX",
	onRates + "INSERT INTO heap SELECT COUNT(*), 1 FROM rates GROUP BY rate ORDER BY COUNT(*)":                              "columns of GROUP BY",
	onRates + "INSERT INTO heap SELECT rate, COUNT(*) FROM rates GROUP BY rate WITH ROLLUP":                                 "ROLLUP",
	onRates + "INSERT INTO heap SELECT rate + 1 AS rate, COUNT(*) FROM rates GROUP BY rate ORDER BY rate":                   "GROUP BY",
	onRates + "INSERT INTO rautos (v) VALUES (1)":                                                                           "AUTO_INCREMENT",
	onRates + "UPDATE hist SET name = 'x'":                                                                                  "ORDER BY n",
	onRates + "UPDATE hist SET name = 'x' WHERE n > NEW.rate":                                                               "ORDER BY n",
	onRates + "UPDATE hist SET name = 'x' ORDER BY name LIMIT 1":                                                            "ORDER BY n",
	onRates + "UPDATE hist SET name = 'x' WHERE n = NEW.cur":                                                                "ORDER BY n",
	onRates + "UPDATE hist SET name = 'x' WHERE n = 1e3":                                                                    "ORDER BY n",
	onRates + "UPDATE hist h SET name = 'x' WHERE hist.n = 1":                                                               "ORDER BY n",
	onRates + "BEGIN DECLARE n INT; UPDATE hist SET name = 'x' WHERE n = 1; END":                                            "ORDER BY n",
	onRates + "BEGIN DECLARE n INT; UPDATE hist SET name = 'x' ORDER BY n; END":                                             "ORDER BY n",
	onRates + "DELETE FROM heap WHERE n = 1":                                                                                "primary key",
	onRates + "DELETE IGNORE FROM hist WHERE n = 1":                                                                         "IGNORE",
	onRates + "UPDATE IGNORE hist SET n = 2 WHERE n = 1":                                                                    "IGNORE",
	onRates + "BEGIN DECLARE n INT; SELECT hist.n INTO n FROM hist LIMIT 1; END":                                            "LIMIT",
	onRates + "BEGIN DECLARE v INT; SELECT 1 AS n INTO v FROM hist ORDER BY n LIMIT 1; END":                                 "LIMIT",
	onRates + "FOR r IN (SELECT name FROM hist) DO SET @x = 1; END FOR":                                                     "user variable",
	onRates + "FOR r IN (SELECT name FROM hist) DO INSERT INTO heap VALUES (1, r.name); END FOR":                            "ORDER BY n",
	onRates + "FOR r IN (SELECT h.name FROM hist h, rates ORDER BY h.n) DO DELETE FROM hist WHERE n = 1; END FOR":           "ORDER BY",
	onRates + "BEGIN DECLARE c CURSOR FOR SELECT name FROM hist ORDER BY name; END":                                         "ORDER BY n",
	onRates + "BEGIN DECLARE v TEXT; SELECT GROUP_CONCAT(name) INTO v FROM hist; END":                                       "GROUP_CONCAT",
	onRates + "BEGIN DECLARE v TEXT; SELECT MAX(name) INTO v FROM hist; END":                                                "MAX",
	onRates + "BEGIN DECLARE v DOUBLE; SELECT SUM(d) INTO v FROM hist; END":                                                 "SUM",
	onRates + "BEGIN DECLARE v DOUBLE; SELECT SUM(n + d) INTO v FROM hist; END":                                             "SUM",
	onRates + "BEGIN DECLARE v, w TEXT; SELECT MAX(n), name INTO v, w FROM hist; END":                                       "beside aggregates",
	onRates + "BEGIN DECLARE v INT; SELECT DISTINCT n INTO v FROM hist; END":                                                "DISTINCT",
	onRates + "BEGIN DECLARE v INT; SELECT ROW_NUMBER() OVER (ORDER BY name) INTO v FROM hist; END":                         "window",
	onRates + "INSERT INTO heap VALUES (1, (SELECT name FROM hist GROUP BY name))":                                          "GROUP BY",
	onRates + "INSERT INTO heap VALUES (1, (SELECT 1 UNION SELECT 2))":                                                      "UNION",
	onRates + "INSERT INTO heap VALUES (1, (SELECT x.name FROM (SELECT name FROM hist LIMIT 1) x))":                         "LIMIT",
	onRates + "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END; DELETE FROM hist WHERE n = 1; END":                    "SQLEXCEPTION",
	onRates + "BEGIN DECLARE EXIT HANDLER FOR SQLSTATE 'HY000' BEGIN END; DELETE FROM hist WHERE n = 1; END":                "HY000",
	onRates + "BEGIN DECLARE c CONDITION FOR 1205; DECLARE EXIT HANDLER FOR c BEGIN END; DELETE FROM hist WHERE n = 1; END": "1205",
	onRates + "INSERT INTO heap VALUES (1, UUID())":                                                                         "hang on the leaf",
	onRates + "INSERT INTO heap VALUES (1, @@hostname)":                                                                     "system variable",
	onRates + "INSERT INTO heap VALUES (CONNECTION_ID(), '')":                                                               "CONNECTION_ID",
	onRates + "INSERT INTO heap VALUES (LAST_INSERT_ID(), '')":                                                              "LAST_INSERT_ID",
	onRates + "CALL p()": "rows of reference tables",
	"CREATE TRIGGER no BEFORE INSERT ON rautos FOR EACH ROW SET NEW.v = NEW.id": "AUTO_INCREMENT",
	"CREATE TRIGGER no BEFORE INSERT ON rautos FOR EACH ROW SET NEW.id = 7":     "AUTO_INCREMENT",
}

// everywhere are those that do the same at all leaves.
var everywhere = []string{
	"SET NEW.rate = 5", "SIGNAL SQLSTATE '23000' SET MESSAGE_TEXT = 'x'", "INSERT IGNORE INTO hist VALUES (NEW.rate, 'x', 1), (2, NOW(6), 2)", "REPLACE INTO hist SET n = 1",
	"INSERT INTO hist VALUES (NEW.rate, 'x', 1) ON DUPLICATE KEY UPDATE d = d + 1", "UPDATE hist SET d = d + 1 WHERE n = NEW.rate", "UPDATE hist h SET h.n = h.n + 1 WHERE h.n > 5 ORDER BY h.n DESC",
	"INSERT INTO heap SELECT n, name FROM hist ORDER BY n", "REPLACE INTO hist (n, name) SELECT h.n + 1, q.cur FROM hist h JOIN rates q ON q.rate = h.n ORDER BY h.n, q.cur",
	"INSERT IGNORE INTO heap SELECT COUNT(*), NEW.cur FROM hist", "INSERT INTO heap SELECT 1, 'x'", "INSERT INTO heap (n) SELECT NEW.rate FROM DUAL WHERE NEW.rate > 1",
	"INSERT INTO heap SELECT q.rate, COUNT(*) AS c FROM rates q JOIN hist h ON h.name = q.cur GROUP BY q.rate HAVING c > 1 AND SUM(q.rate) > 2 ORDER BY COUNT(*) DESC, q.rate LIMIT 3",
	"BEGIN DECLARE k INT; SELECT COUNT(*) INTO k FROM hist WHERE n IN (SELECT MAX(rate) FROM rates GROUP BY rate); FOR r IN (SELECT rate, COUNT(*) AS c FROM rates GROUP BY rate ORDER BY rate) DO" +
		" INSERT INTO heap VALUES (r.rate, r.c); END FOR; END",
	"DELETE FROM hist WHERE name = 'x' ORDER BY d, n LIMIT 2", "DELETE FROM hist WHERE 7 = n AND name > ''", "INSERT INTO later VALUES (1)", "UPDATE later SET a = 1",
	"BEGIN DECLARE v, w INT; DECLARE c CURSOR FOR SELECT h.n, q.rate FROM hist h JOIN rates q ON q.cur = h.name ORDER BY q.cur, h.name, h.n; DECLARE CONTINUE HANDLER FOR NOT FOUND, 1062, SQLSTATE '45000' SET w = 1;" +
		" SELECT COUNT(DISTINCT name), MAX(n), SUM(rates.rate * 2), MIN(hist.n) + v INTO v, w, v, w FROM hist, rates; SELECT n INTO v FROM hist WHERE name = 'x' ORDER BY name, n LIMIT 1;" +
		" FOR r IN (SELECT name AS x FROM hist WHERE n IN (SELECT rate FROM rates) ORDER BY n) DO UPDATE hist SET d = (SELECT COUNT(*) FROM hist) WHERE n = v; END FOR;" +
		" IF EXISTS (SELECT 1 FROM (SELECT name FROM hist) y WHERE y.name = 'a') THEN SET v = 2; END IF; END",
}

func TestEverywhere(t *testing.T) {
	tables := map[string]*topo.Table{"rates": table("rates", topo.Reference, "cur", "rate"), "hist": table("hist", topo.Reference, "n", "name", "d"), "heap": table("heap", topo.Reference, "n", "name"),
		"rautos": table("rautos", topo.Reference, "id", "v"), "events": table("events", topo.Keyless, "who", "what"), "log": table("log", topo.Sharded, "acct", "seq")}
	tables["rautos"].AutoIncrement = 0
	text := topo.Column{Type: "varchar", FullType: "varchar(20)", Charset: "utf8mb4", Collation: "utf8mb4_general_ci"}
	for _, c := range []*topo.Column{&tables["rates"].Columns[0], &tables["hist"].Columns[1]} {
		name := c.Name
		*c = text
		c.Name = name
	}
	tables["hist"].Columns[2].Type = "double"
	tables["rates"].Unique, tables["hist"].Unique = [][]int{{0}}, [][]int{{0}}
	lookup := func(name string) (*topo.Table, bool) { return tables[name], false }
	for text, why := range refusedEverywhere {
		_, of, _ := strings.Cut(text, " ON ")
		of, _, _ = strings.Cut(of, " ")
		tr := topo.Trigger{Name: "no", Text: text}
		if err := Judge(&tr, tables[of], lookup, nil); !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want a refusal with %q", text, err, why)
		}
	}
	for _, body := range everywhere {
		tr := topo.Trigger{Name: "yes", Text: "CREATE TRIGGER yes BEFORE UPDATE ON rates FOR EACH ROW " + body}
		if err := Judge(&tr, tables["rates"], lookup, nil); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestRefused(t *testing.T) {
	tables := map[string]*topo.Table{"acct": table("acct", topo.Sharded, "id", "bal", "note"), "log": table("log", topo.Sharded, "acct", "seq", "what", "at"),
		"tot": table("tot", topo.Sharded, "acct", "n", "total"), "events": table("events", topo.Keyless, "who", "what"), "autos": table("autos", topo.Sharded, "id", "v", "w"),
		"wlog": table("wlog", topo.Sharded, "k", "n"), "rates": table("rates", topo.Reference, "cur", "rate")}
	tables["autos"].AutoIncrement = 0
	tables["wlog"].Columns[0].FullType = "bigint(20)"
	lookup := func(name string) (*topo.Table, bool) { return tables[name], false }
	for text, why := range refused {
		_, of, _ := strings.Cut(text, " ON ")
		of, _, _ = strings.Cut(of, " ")
		tr := topo.Trigger{Name: "no", Text: text}
		if err := Judge(&tr, tables[of], lookup, nil); !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want a refusal with %q", text, err, why)
		}
	}
}
