package equivalence

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// TestScripts runs testdata/*.sql: a statement a line, lines that begin with a space or tab continue it, "--" begins a comment. Marks before a
// statement: @ the cluster refuses it with error 1235, ~ the order of rows is not decided although ORDER BY is there, # only their number is, % which of equal strings stands for all is not,
// > text protocol only, ! the words of an error may differ, + generated values may have gaps, ^ only the names of columns are compared, * warnings are not.
// A script has its tables to itself, and runs in both protocols.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".sql")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			reads := strings.HasPrefix(name, "read")
			p := newPair(t, "eq_"+name, 4, answer.Caps)
			p.strict = strings.Contains(string(text), "\n@") // else what is refused is counted only
			p.build()
			for _, p.prepared = range []bool{false, true} {
				if p.prepared && !reads {
					q := newPair(t, "eq_"+name, 4, answer.Caps)
					q.refused, q.examples, q.ran, q.failures, q.strict = p.refused, p.examples, p.ran, p.failures, p.strict
					p = q
					p.build()
					p.prepared = true
				}
				if name == "read_bring" || name == "staged" && p.prepared { // what is small would be staged as a whole
					must(t, p.node, "SET stage_bring = ALWAYS")
				}
				for _, s := range script(string(text)) {
					p.same(s.sql, s.how)
				}
				if !reads {
					p.contents()
				}
			}
			p.report()
		})
	}
}

type statement struct {
	sql string
	how how
}

func script(text string) []statement {
	var out []statement
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "--"):
		case line[0] == ' ' || line[0] == '\t':
			out[len(out)-1].sql += " " + strings.TrimSpace(line)
		default:
			var h how
			h.ordered = strings.Contains(line, "ORDER BY")
			for strings.ContainsRune("~#%>!+^*@", rune(line[0])) {
				switch line[0] {
				case '~':
					h.ordered = false
				case '#':
					h.count = true
				case '%':
					h.fold = true
				case '>':
					h.text = true
				case '!':
					h.messages = true
				case '+':
					h.autos = true
				case '^':
					h.loose = true
				case '@':
					h.refused = true
				case '*':
					h.warned = true
				}
				line = strings.TrimSpace(line[1:])
			}
			out = append(out, statement{line, h})
		}
	}
	return out
}
