package equivalence

import (
	"os"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// TestTriggers compares triggers, what they do and what is said of them.
func TestTriggers(t *testing.T) {
	text, err := os.ReadFile("testdata/triggers.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := newPair(t, "eq_triggers", 4, answer.Caps)
	p.strict = true
	for _, sql := range []string{
		"CREATE TABLE acct (id INT PRIMARY KEY, bal INT NOT NULL, note VARCHAR(40), changed DATETIME(6))",
		"CREATE TABLE log (acct INT NOT NULL, seq INT NOT NULL, what VARCHAR(80), at DATETIME(6), PRIMARY KEY (acct, seq), SHARD KEY (acct))",
		"CREATE TABLE tot (acct INT PRIMARY KEY, n INT NOT NULL DEFAULT 0, total BIGINT NOT NULL DEFAULT 0)",
		"CREATE TABLE events (who INT, what VARCHAR(80))",
		"CREATE TABLE autos (id BIGINT AUTO_INCREMENT PRIMARY KEY, v INT, w INT)",
		"CREATE TABLE words (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n INT)",
		"CREATE TABLE wlog (k VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL, n INT, KEY (k), SHARD KEY (k))",
		"CREATE REFERENCE TABLE rates (cur VARCHAR(3) PRIMARY KEY, rate INT)",
		"INSERT INTO rates VALUES ('eur', 2), ('usd', 3)",
		"CREATE REFERENCE TABLE code (id INT PRIMARY KEY, name VARCHAR(20), n INT, changed DATETIME(6), KEY (n))",
		"CREATE REFERENCE TABLE code_log (id INT, no INT, what VARCHAR(80), at DATETIME(6), PRIMARY KEY (id, no))",
		"CREATE REFERENCE TABLE code_sum (grp INT PRIMARY KEY, codes INT NOT NULL, last INT)",
		"CREATE REFERENCE TABLE auto_code (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
		"SET timestamp = 1600000000",
	} {
		p.both(sql)
	}
	for _, s := range script(string(text)) {
		p.same(s.sql, s.how)
	}
	for _, sql := range []string{"acct", "log", "tot", "events", "autos", "words", "wlog", "code", "code_log", "code_sum", "auto_code"} {
		p.same("SELECT * FROM "+sql, how{autos: sql == "autos"})
	}
	p.report()
	for sql, why := range refusedTriggers {
		res, err := p.node.Query(sql)
		if err != nil {
			t.Fatal(err)
		}
		switch e := res[0].Err; {
		case e == nil:
			t.Errorf("%s: done", sql)
		case e.Code != 1235 || !strings.Contains(e.Message, why):
			t.Errorf("%s: %v, want a refusal with %q", sql, e, why)
		}
	}
	p.same("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_NAME = 'no'", how{})
}

// refusedTriggers are some statements that are refused, with what their refusals say; package trigger has the others.
var refusedTriggers = map[string]string{
	"ALTER DATABASE eq_triggers COLLATE utf8mb4_bin":                                              "DROP TRIGGER",
	"CREATE TRIGGER no BEFORE INSERT ON acct FOR EACH ROW CALL p(NEW.bal)":                        "CALL",
	"CREATE TRIGGER no BEFORE INSERT ON autos FOR EACH ROW SET NEW.v = NEW.id":                    "AUTO_INCREMENT",
	"CREATE TRIGGER no AFTER INSERT ON rates FOR EACH ROW INSERT INTO events VALUES (1, NEW.cur)": "reference tables only",
	"CREATE TRIGGER no AFTER INSERT ON rates FOR EACH ROW SET @x = 1":                             "user variable",
	"ALTER TABLE code DROP COLUMN n":                                                              "code_",
	"ALTER TABLE code_log DROP PRIMARY KEY":                                                       "ORDER BY",
}
