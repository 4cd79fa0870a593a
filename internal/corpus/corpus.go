package corpus

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Statement is one of the corpus.
type Statement struct {
	Text   string
	Ours   bool // it has syntax that MariaDB lacks
	Golden bool // it is of the golden files, which have statements that nobody accepts, too
}

// Most is how many statements a form makes where all would be more.
const Most = 30

// Read gives the statements below internal/sqltext/testdata, each once: those of corpus.sql, of the golden files that are read in MariaDB's default mode, and of the forms,
// most of each.
func Read(testdata string, most int) ([]Statement, error) {
	seen := map[string]bool{}
	var all []Statement
	add := func(s Statement) {
		if !seen[s.Text] {
			seen[s.Text] = true
			all = append(all, s)
		}
	}
	err := lines(filepath.Join(testdata, "corpus.sql"), func(line string) error {
		text, ours := strings.CutPrefix(line, "ours: ")
		add(Statement{Text: text, Ours: ours})
		return nil
	})
	if err != nil {
		return nil, err
	}
	golden, err := filepath.Glob(filepath.Join(testdata, "parse", "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, name := range append(golden, filepath.Join(testdata, "scan.txt")) {
		if err := inputs(name, func(text string) { add(Statement{Text: text, Golden: true}) }); err != nil {
			return nil, err
		}
	}
	err = lines(filepath.Join(testdata, "forms.txt"), func(line string) error {
		texts, err := Expand(line, most)
		for _, text := range texts {
			add(Statement{Text: text})
		}
		return err
	})
	return all, err
}

// Words puts a word into the places of testdata/words.txt.
func Words(testdata string) (places func(word string) []string, err error) {
	var all []string
	err = lines(filepath.Join(testdata, "words.txt"), func(line string) error {
		all = append(all, line)
		return nil
	})
	return func(word string) []string {
		texts := make([]string, len(all))
		for i, place := range all {
			texts[i] = strings.ReplaceAll(place, "W", word)
		}
		return texts
	}, err
}

// lines are those of a file that are neither empty nor a comment.
func lines(name string, use func(string) error) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if err := use(line); err != nil {
			return fmt.Errorf("%s: %s: %w", name, line, err)
		}
	}
	return nil
}

// inputs are the statements of a golden file, where the mode is the default one: a line that says which test it is, statements, `----`, what comes of them.
func inputs(name string, use func(string)) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for block := range bytes.SplitSeq(b, []byte("\n\n")) {
		in, _, found := strings.Cut(string(block), "\n----")
		for in[:min(1, len(in))] == "#" {
			_, in, _ = strings.Cut(in, "\n")
		}
		if head, texts, ok := strings.Cut(in, "\n"); found && ok && (head == "parse" || head == "scan") {
			for text := range strings.SplitSeq(texts, "\n") {
				use(text)
			}
		}
	}
	return nil
}
