package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// documents runs the statements that README.md and the pages on SQL show, as a reader would type them.
func documents(t *testing.T, p *process) {
	for _, doc := range []string{"README.md", "docs/sql.md", "docs/high-availability.md", "docs/backup.md"} {
		t.Run(filepath.Base(doc), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(doc)))
			if err != nil {
				t.Fatal(err)
			}
			statements := strings.ReplaceAll(boxes(string(b), "sql"), "/var/backups/", t.TempDir()+"/")
			if strings.Count(statements, ";") < 10 {
				t.Fatalf("only these statements were found:\n%s", statements)
			}
			p.program(t, statements, "mariadb", "--default-character-set=utf8mb4")
		})
	}
}

// boxes are the contents of a document's fenced boxes of one language.
func boxes(doc, language string) string {
	var out strings.Builder
	in := false
	for line := range strings.Lines(doc) {
		switch {
		case strings.HasPrefix(line, "```"):
			in = !in && strings.TrimSpace(line) == "```"+language
		case in:
			out.WriteString(line)
		}
	}
	return out.String()
}
