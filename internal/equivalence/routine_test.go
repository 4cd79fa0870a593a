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
	must(t, p.plain, "SET GLOBAL log_bin_trust_function_creators = ON")
	defer must(t, p.plain, "SET GLOBAL log_bin_trust_function_creators = DEFAULT")
	for _, sql := range []string{
		"SET timestamp = 1600000000",
		"CREATE TABLE t (id INT PRIMARY KEY, grp INT, v INT, name VARCHAR(60), cur VARCHAR(3))",
		"INSERT INTO t VALUES (1, 1, 10, 'a', 'eur'), (2, 2, 20, 'b', 'usd'), (3, 1, 5, 'c', 'eur'), (4, 2, 3, 'd', NULL), (5, 3, 8, NULL, 'gbp'), (6, 1, 10, 'B', 'usd'), (7, 3, 40, 'g', 'eur')",
		"CREATE REFERENCE TABLE rates (cur VARCHAR(3) PRIMARY KEY, rate INT)",
		"INSERT INTO rates VALUES ('eur', 2), ('usd', 3)",
		"CREATE TABLE lone (id INT PRIMARY KEY, v INT, SHARD KEY ())",
		"INSERT INTO lone VALUES (1, 5), (2, 7)",
		"DROP DATABASE IF EXISTS eq_routines_b",
		"CREATE DATABASE eq_routines_b",
	} {
		p.both(sql)
	}
	for _, s := range script(string(text)) {
		p.same(s.sql, s.how)
		if strings.HasPrefix(s.sql, "SELECT") {
			p.prepared = true
			p.same(s.sql, s.how)
			p.prepared = false
		}
	}
	p.both("DROP DATABASE eq_routines_b")
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
	p.same("SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_NAME = 'no' OR ROUTINE_SCHEMA = 'eq_routines' ORDER BY 1", how{})
}

// refusedRoutines are statements that are refused, with what their refusals say.
var refusedRoutines = map[string]string{
	"CREATE AGGREGATE FUNCTION no(x INT) RETURNS INT BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN (SELECT MAX(v) FROM t); LOOP FETCH GROUP NEXT ROW; END LOOP; END": "AGGREGATE",
	"CREATE FUNCTION library RETURNS INT SONAME 'x.so'":                                                                   "sharded databases",
	"CREATE FUNCTION no() RETURNS INT RETURN CONNECTION_ID()":                                                             "CONNECTION_ID",
	"CREATE FUNCTION no() RETURNS INT RETURN @@server_id":                                                                 "server_id",
	"CREATE FUNCTION no() RETURNS INT RETURN sys.format_time(1)":                                                          "another database",
	"CREATE FUNCTION no() RETURNS INT BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 0; DELETE FROM t; RETURN 1; END": "NOT FOUND",
	"CREATE PROCEDURE mysql.no() SELECT 1":                                                                                "sharded databases",
	"CREATE PROCEDURE `größe`() SELECT 1":                                                                                 "ASCII",
	"SET STATEMENT sql_mode='ORACLE' FOR CREATE PROCEDURE no AS BEGIN SELECT 1; END":                                      "",
}
