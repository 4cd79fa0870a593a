package equivalence

import (
	"os"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// TestRoutines compares stored routines, what they do and what is said of them.
func TestRoutines(t *testing.T) {
	text, err := os.ReadFile("testdata/routines.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := newPair(t, "eq_routines", 4, answer.Caps)
	p.strict = true
	p.both("SET timestamp = 1600000000")
	for _, s := range script(string(text)) {
		p.same(s.sql, s.how)
	}
	p.report()
	for sql, why := range refusedRoutines {
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
	p.same("SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_NAME = 'no' OR ROUTINE_SCHEMA = 'eq_routines'", how{})
}

// refusedRoutines are statements that are refused, with what their refusals say.
var refusedRoutines = map[string]string{
	"CREATE AGGREGATE FUNCTION no(x INT) RETURNS INT BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN 1; LOOP FETCH GROUP NEXT ROW; END LOOP; END": "AGGREGATE",
	"CREATE FUNCTION library RETURNS INT SONAME 'x.so'":                              "sharded databases",
	"CREATE PROCEDURE mysql.no() SELECT 1":                                           "sharded databases",
	"CREATE PROCEDURE `größe`() SELECT 1":                                            "ASCII",
	"SET STATEMENT sql_mode='ORACLE' FOR CREATE PROCEDURE no AS BEGIN SELECT 1; END": "",
}
