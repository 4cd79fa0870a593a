package trigger

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// TestFunction looks at what becomes of functions, and at what is noted of them. That their values are MariaDB's, package equivalence has.
func TestFunction(t *testing.T) {
	rates := table("rates", topo.Reference, "cur", "rate")
	rates.Unique = [][]int{{0}}
	tables := map[string]*topo.Table{"rates": rates, "t": table("t", topo.Sharded, "k", "a"), "l": table("l", topo.Linked, "k"), "q": table("q", topo.Sequence, "k")}
	lookup := func(name string) (*topo.Table, bool) { return tables[name], name == "v" }
	functions := func(name string) *topo.Routine {
		if strings.EqualFold(name, "g") {
			return &topo.Routine{Name: "g"}
		}
		if strings.EqualFold(name, "h") {
			return &topo.Routine{Name: "h", OneLeaf: true}
		}
		return nil
	}
	for _, c := range []struct{ text, reads, calls, refusal string }{
		{"(a INT) RETURNS INT RETURN a + 1", "", "", ""},
		{"(`a b` ENUM('x', 'y)') CHARACTER SET utf8mb4, new DECIMAL(10,2) UNSIGNED) RETURNS varchar(20) CHARSET latin1 COLLATE latin1_bin\n    DETERMINISTIC\n    COMMENT 'it''s' RETURN new", "", "", ""},
		{"() RETURNS DOUBLE PRECISION\n NOT DETERMINISTIC NO SQL SQL SECURITY INVOKER BEGIN DECLARE new INT; SET new = 1; RETURN g(new) + d.G(2); END", "", "g", ""},
		{"() RETURNS INT BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 0; RETURN NOW() + (SELECT COUNT(*) FROM (SELECT 1) x); END", "", "", "DECLARE"}, // a table, of sorts
		{"() RETURNS INT BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 0; RETURN LENGTH(DATABASE()); END", "", "", ""},
		{"(c INT) RETURNS INT READS SQL DATA RETURN (SELECT rate FROM rates WHERE cur = c)", "rates", "", ""},
		{"(c INT) RETURNS INT BEGIN DECLARE n INT; SELECT d.rates.rate INTO n FROM d.rates WHERE cur = c; RETURN n; END", "rates", "", ""},
		{"() RETURNS INT RETURN (SELECT rate FROM rates LIMIT 1)", "rates", "", "one leaf"},
		{"() RETURNS INT RETURN (SELECT MAX(a) FROM t)", "t", "", "one leaf"},
		{"() RETURNS INT RETURN (WITH w AS (SELECT a FROM t UNION SELECT rate FROM d.rates) SELECT MAX(x.a) FROM w x, w y)", "rates t", "", "one leaf"},
		{"() RETURNS INT BEGIN DECLARE c CURSOR FOR SELECT DISTINCT a FROM t; FOR r IN (SELECT k FROM l) DO RETURN @@x; END FOR; RETURN 1; END", "", "", "@@x"},
		{"() RETURNS INT BEGIN DECLARE c CURSOR FOR SELECT DISTINCT a FROM t; FOR r IN (SELECT k FROM l) DO RETURN g(r.k); END FOR; RETURN 1; END", "l t", "g", "one leaf"},
		{"() RETURNS INT RETURN h() + 1", "", "h", "one leaf"},
		{"() RETURNS INT BEGIN DELETE FROM t; RETURN 1; END", "", "", "at node"},
		{"() RETURNS INT BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 0; DELETE FROM t; RETURN 1; END", "", "", "NOT FOUND"},
		{"() RETURNS INT BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 0; INSERT INTO t VALUES (1, 2), (3, 4); RETURN 1; END", "", "", "NOT FOUND"},
		{"() RETURNS INT BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 0; INSERT INTO t VALUES (1, 2); RETURN g(); END", "", "g", "at node"},
		{"() RETURNS INT BEGIN DECLARE CONTINUE HANDLER FOR SQLSTATE '02000', 1329, NOT FOUND BEGIN END; DELETE FROM t; RETURN 1; END", "", "", "at node"},
		{"() RETURNS INT BEGIN INSERT INTO t VALUES (1, 2); CALL p(); RETURN 1; END", "", "", "CALL"},
		{"() RETURNS CHAR(99) RETURN CONCAT(@@version, @@session.sql_mode, @@local . time_zone)", "", "", ""},
		{"() RETURNS CHAR(99) RETURN @@global.time_zone", "", "", "system variable"},
		{"() RETURNS INT RETURN (SELECT MAX(a) FROM v)", "", "", "at node"},
		{"() RETURNS INT RETURN (SELECT MAX(k) FROM l)", "l", "", "one leaf"},
		{"() RETURNS INT RETURN (SELECT MAX(k) FROM q)", "", "", "sequence"},
		{"() RETURNS INT RETURN (SELECT MAX(a) FROM gone)", "", "", "does not have"},
		{"() RETURNS INT RETURN (SELECT MAX(a) FROM other.t)", "", "", "another database"},
		{"() RETURNS INT BEGIN UPDATE rates SET rate = 1 WHERE cur = 1; RETURN 1; END", "", "", "at node"},
		{"() RETURNS INT RETURN RAND()", "", "", "one leaf"},
		{"() RETURNS INT RETURN CONNECTION_ID()", "", "", "CONNECTION_ID"},
		{"() RETURNS INT RETURN @x", "", "", "user variable"},
		{"() RETURNS INT RETURN @@autocommit", "", "", "system variable"},
		{"() RETURNS CHAR(9) RETURN USER()", "", "", "USER"},
		{"() RETURNS INT RETURN LAST_INSERT_ID()", "", "", "LAST_INSERT_ID"},
		{"() RETURNS INT RETURN f()", "", "", "'f'"},
		{"() RETURNS INT RETURN other.g()", "", "", "another database"},
		{"() RETURNS INT BEGIN DECLARE n INT; SELECT rate INTO n FROM rates WHERE cur = 1 FOR UPDATE; RETURN n; END", "", "", "at node"},
		{"(OUT a INT) RETURNS INT RETURN 1", "", "", "not IN"},
		{"() RETURNS INT BEGIN CALL p(); RETURN 1; END", "", "", "CALL"},
		{"() RETURNS INT BEGIN EXECUTE IMMEDIATE 'x'; RETURN 1; END", "", "", "EXECUTE"},
		{"(a TYPE OF t.a) RETURNS INT RETURN 1", "", "", "TYPE"},
		{"() RETURNS INT RETURN NEXT VALUE FOR s", "", "", "a function"},
	} {
		r := &topo.Routine{DB: "d", Kind: topo.Function, Name: "f", Text: "CREATE DEFINER=`a`@`b` FUNCTION `f`" + c.text}
		err := Function(r, lookup, functions)
		switch {
		case c.refusal == "DECLARE": // either way
		case c.refusal != "" && c.refusal != "one leaf" && c.refusal != "at node":
			if !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), c.refusal) || strings.Contains(err.Error(), "trigger") {
				t.Errorf("%s: %v, want a refusal with %q", c.text, err, c.refusal)
			}
		case err != nil:
			t.Errorf("%s: %v", c.text, err)
		case r.OneLeaf != (c.refusal == "one leaf"):
			t.Errorf("%s: for one leaf: %v", c.text, r.OneLeaf)
		case r.AtNode != (c.refusal == "at node"):
			t.Errorf("%s: at the node: %v", c.text, r.AtNode)
		case !slices.Equal(r.Reads, strings.Fields(c.reads)) || !slices.Equal(r.Calls, strings.Fields(c.calls)) || r.Clock != strings.Contains(c.text, "NOW()"):
			t.Errorf("%s: %q %q %v", c.text, r.Reads, r.Calls, r.Clock)
		}
	}
	for text, refusal := range map[string]string{
		"(x INT) RETURNS INT BEGIN DECLARE s INT DEFAULT 0; DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN s; LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP; END": "",
		"(x INT) RETURNS INT BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN (SELECT COUNT(*) FROM rates); LOOP FETCH GROUP NEXT ROW; END LOOP; END":              "AGGREGATE",
	} {
		r := &topo.Routine{DB: "d", Kind: topo.Function, Name: "f", Aggregate: true, Text: "CREATE DEFINER=`a`@`b` AGGREGATE FUNCTION `f`" + text}
		if err := Function(r, lookup, functions); refusal == "" && (err != nil || !r.OneLeaf) || refusal != "" && (err == nil || !strings.Contains(err.Error(), refusal)) {
			t.Errorf("%s: %v %v, want %q", text, err, r.OneLeaf, refusal)
		}
	}
	// What a trigger calls is in the shape.
	tr := topo.Trigger{Name: "x", Text: "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.a = g(d.g(NEW.a))"}
	if err := Judge(&tr, tables["t"], lookup, functions); err != nil || tr.Part != "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.a = \x01.`g` ( \x01.`g` (NEW.a))" || !slices.Equal(tr.Calls, []string{"g"}) {
		t.Errorf("%v %q %q", err, tr.Part, tr.Calls)
	}
}
