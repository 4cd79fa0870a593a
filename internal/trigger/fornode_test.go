package trigger

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// TestForNode looks at what becomes of triggers that partitions may not have.
func TestForNode(t *testing.T) {
	auto := table("auto", topo.Sharded, "id", "a")
	auto.AutoIncrement = 0
	tables := map[string]*topo.Table{"t": table("t", topo.Sharded, "id", "a", "b"), "log": table("log", topo.Sharded, "n", "a"), "rates": table("rates", topo.Reference, "cur", "rate"), "far": table("far", topo.Linked, "id"), "auto": auto}
	lookup := func(name string) (*topo.Table, bool) { return tables[name], name == "v" }
	typed := func(c *topo.Column) string { return "INT" }
	for _, c := range []struct{ text, reads, writes, program string }{
		{"AFTER INSERT ON t FOR EACH ROW INSERT INTO log (a) VALUES (NEW.a), (new.`b`)", "log", "log", "CREATE PROCEDURE `x`(IN `NEW.a` INT, IN `NEW.b` INT) INSERT INTO log (a) VALUES ( `NEW.a` ), ( `NEW.b` )"},
		{"AFTER UPDATE ON t FOR EACH ROW UPDATE rates SET rate = OLD.a + NEW.a WHERE OLD.a <> NEW.a", "rates", "rates",
			"CREATE PROCEDURE `x`(IN `OLD.a` INT, IN `NEW.a` INT) UPDATE rates SET rate = `OLD.a` + `NEW.a` WHERE `OLD.a` <> `NEW.a` "},
		{"BEFORE DELETE ON t FOR EACH ROW BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM log; DELETE FROM far; SET @n = f(n); END", "far,log", "far",
			"CREATE PROCEDURE `x`() BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM log; DELETE FROM far; SET @n = f(n); END"},
	} {
		tr := topo.Trigger{Name: "x", Text: "CREATE TRIGGER x " + c.text}
		if known, err := ForNode(&tr, tables["t"], lookup, nil); !known || err != nil || !tr.AtNode || strings.Join(tr.Reads, ",") != c.reads || strings.Join(tr.Writes, ",") != c.writes {
			t.Errorf("%s: %v %v, %+v", c.text, known, err, tr)
			continue
		}
		if text, _, err := Program(&tr, tables["t"], typed); err != nil || text != c.program {
			t.Errorf("%s: %v, %s", c.text, err, text)
		}
		if strings.Contains(c.text, "@n") && !slices.Equal(tr.Assigns, []string{"@n"}) {
			t.Errorf("%s: %v", c.text, tr.Assigns)
		}
	}
	for text, why := range map[string]string{
		"AFTER INSERT ON t FOR EACH ROW INSERT INTO log (a) VALUES (NEW.z)":                                               "no column",
		"AFTER INSERT ON t FOR EACH ROW INSERT INTO other.log (a) VALUES (NEW.a)":                                         "another database",
		"AFTER INSERT ON t FOR EACH ROW INSERT INTO log (a) SELECT a FROM v":                                              "view",
		"AFTER INSERT ON t FOR EACH ROW BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END; UPDATE log SET a = 1; END": "handler",
		"BEFORE DELETE ON t FOR EACH ROW INSERT INTO log (a) VALUES (OLD.a + other.f(1))":                                 "another database",
		"BEFORE INSERT ON auto FOR EACH ROW INSERT INTO log (a) VALUES (NEW.id)":                                          "AUTO_INCREMENT",
		"BEFORE UPDATE ON t FOR EACH ROW SET NEW.id = (SELECT MAX(a) FROM log)":                                           "shard key",
		"AFTER INSERT ON rates FOR EACH ROW INSERT INTO log (a) VALUES (NEW.rate)":                                        "",
		"AFTER INSERT ON far FOR EACH ROW INSERT INTO log (a) VALUES (NEW.id)":                                            "",
		"AFTER INSERT ON t FOR EACH ROW CALL p(NEW.a)":                                                                    "",
	} {
		_, of, _ := strings.Cut(text, " ON ")
		of, _, _ = strings.Cut(of, " ")
		tr := topo.Trigger{Name: "x", Text: "CREATE TRIGGER x " + text}
		known, err := ForNode(&tr, tables[of], lookup, nil)
		if known != (why != "") || known && (!errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), why)) {
			t.Errorf("%s: %v %v, want a refusal with %q", text, known, err, why)
		}
	}
}
