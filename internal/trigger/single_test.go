package trigger

import (
	"errors"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestTriggersOfTablesInOnePartition(t *testing.T) {
	tables := map[string]*topo.Table{"one": table("one", topo.Single, "id", "v"), "trail": table("trail", topo.Single, "id", "what"), "many": table("many", topo.Sharded, "id", "v"),
		"heap": table("heap", topo.Keyless, "x"), "rates": table("rates", topo.Reference, "cur", "rate")}
	tables["one"].AutoIncrement, tables["trail"].AutoIncrement = 0, 0
	lookup := func(name string) (*topo.Table, bool) { return tables[name], false }
	for head, bodies := range map[string][]string{
		"BEFORE INSERT ON one": {"SET NEW.id = NEW.id + 1", "INSERT INTO trail (what) VALUES (NEW.v), (UUID())", "SET NEW.v = (SELECT MAX(what) FROM trail) + RAND()", "INSERT INTO later VALUES (1)"},
		"AFTER UPDATE ON one": {"UPDATE trail SET what = 1", "DELETE FROM trail WHERE what IN (SELECT rate FROM rates JOIN one ON one.v = rate) ORDER BY id LIMIT 2", "REPLACE INTO trail (what) SELECT v FROM one JOIN trail",
			"INSERT INTO heap VALUES (NEW.v)", "BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM trail t LEFT JOIN one o ON o.v = t.what; END"},
	} {
		for _, body := range bodies {
			tr := topo.Trigger{Name: "yes", Text: "CREATE TRIGGER yes " + head + " FOR EACH ROW " + body}
			if err := Judge(&tr, tables["one"], lookup, nil); err != nil {
				t.Errorf("%s: %v", tr.Text, err)
			}
		}
	}
	for text, why := range map[string]string{
		"AFTER INSERT ON one FOR EACH ROW INSERT INTO many VALUES (NEW.id, 1)":                                  "those of 'one' in one",
		"AFTER INSERT ON one FOR EACH ROW UPDATE many SET v = 1 WHERE id = NEW.id":                              "those of 'one' in one",
		"AFTER INSERT ON one FOR EACH ROW INSERT INTO trail (what) SELECT v FROM many":                          "those of 'one' in one",
		"AFTER INSERT ON one FOR EACH ROW UPDATE rates SET rate = 1":                                            "reference table",
		"AFTER INSERT ON one FOR EACH ROW DELETE FROM heap":                                                     "those of 'one' in one",
		"AFTER INSERT ON one FOR EACH ROW INSERT INTO trail (what) VALUES (CONNECTION_ID())":                    "CONNECTION_ID",
		"AFTER INSERT ON many FOR EACH ROW INSERT INTO trail (id, what) VALUES (NEW.id, 1)":                     "all its rows are in one partition",
		"AFTER INSERT ON many FOR EACH ROW UPDATE trail SET what = 1 WHERE id = NEW.id":                         "all its rows are in one partition",
		"BEFORE INSERT ON many FOR EACH ROW SET NEW.v = (SELECT COUNT(*) FROM trail WHERE id = NEW.id)":         "all its rows are in one partition",
		"AFTER INSERT ON heap FOR EACH ROW INSERT INTO trail (what) VALUES (NEW.x)":                             "all its rows are in one partition",
		"BEFORE UPDATE ON rates FOR EACH ROW SET NEW.rate = (SELECT COUNT(*) FROM trail WHERE what = OLD.rate)": "reference tables only",
	} {
		_, of, _ := strings.Cut(text, " ON ")
		of, _, _ = strings.Cut(of, " ")
		tr := topo.Trigger{Name: "no", Text: "CREATE TRIGGER no " + text}
		if err := Judge(&tr, tables[of], lookup, nil); !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want a refusal with %q", text, err, why)
		}
	}
}
