package equivalence

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// several finds tables with a comma between them.
var several = regexp.MustCompile(`FROM \w+( (AS )?\w+)?, `)

// TestScriptsOnViews runs the scripts that read on views of the tables, which both sides have.
func TestScriptsOnViews(t *testing.T) {
	files, err := filepath.Glob("testdata/read*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var names []string
	for _, create := range tables {
		names = append(names, tableNames.FindStringSubmatch(create)[1])
	}
	named := regexp.MustCompile("(^|[^'`@_])\\b(" + strings.Join(names, "|") + ")\\b")
	p := newPair(t, "eq_onviews", 4, answer.Caps)
	must(t, p.node, "SET stage_bring = NEVER") // of a brought row it is told that its table is the view; whether rows are brought hangs on estimates
	p.build()
	for _, n := range names {
		p.both("CREATE VIEW " + n + "_v AS SELECT * FROM " + n)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for n, s := range script(string(text)) {
			p.prepared = n%2 == 1 // both protocols have run all of the statements on the tables
			// Of a row that goes through a temporary table MariaDB tells the table behind a view, of a derived table's row it does not; and it numbers
			// the tables that it makes of brackets, derived ones among them.
			// Whether a row goes through one hangs on estimates where there are several tables or subqueries.
			s.how.behind = strings.Contains(s.sql, "JOIN ") || several.MatchString(s.sql)
			s.how.loose = s.how.loose || strings.Contains(s.sql, "JOIN colours") || strings.HasPrefix(s.sql, "(") || strings.Contains(s.sql, "(SELECT ")
			p.same(named.ReplaceAllString(s.sql, "${1}${2}_v"), s.how)
		}
	}
	p.report()
}

// TestScriptsAsViews makes views of the statements that the scripts read by, and reads those.
func TestScriptsAsViews(t *testing.T) {
	files, err := filepath.Glob("testdata/read*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	p := newPair(t, "eq_asviews", 4, answer.Caps)
	p.build()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range script(string(text)) {
			p.same("CREATE OR REPLACE VIEW q AS "+s.sql, s.how)
			s.how.ordered, s.how.loose = false, true
			p.same("SELECT * FROM q", s.how) // also where there is none
			p.same("DROP VIEW IF EXISTS q", how{warned: true})
		}
	}
	p.report()
}
