package clients

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var variables = regexp.MustCompile(`(?m)^.*(?:@|EXECUTE).*$`)

var seconds = regexp.MustCompile(`\(\d+\.\d+ sec\)`)

// MariaDB's client shows what it is told: tables, column definitions, counts, warnings, errors by which it does not end.
func TestMariaDB(t *testing.T) {
	script, err := os.ReadFile(source(t, "mariadb.sql"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "cli", 600, func(s site) (string, error) {
		var all strings.Builder
		for i, options := range [][]string{
			{"--table", "-vvv", "--column-type-info", "--show-warnings", "--force", "--local-infile"},
			{"--table", "-vvv", "--show-warnings", "--force", "--local-infile"},
			{"--batch", "--force", "--local-infile"},
			{"--xml", "--force", "--local-infile"},
			{"--html", "--quick", "--force", "--local-infile"},
		} {
			// What it says of errors comes in its own time: it is compared by itself. --force ends with an error when there was one.
			text := string(script)
			if i == 0 { // variables have the types of their values, which may have come another way
				text = variables.ReplaceAllString(text, "")
			}
			out, errs, err := cliApart(t, s, text, options...)
			if err != nil && !strings.Contains(errs, "ERROR") {
				return out + errs, err
			}
			all.WriteString(seconds.ReplaceAllString(out, "(…)") + "\n" + errs)
		}
		return all.String() + "\n" + last, nil
	})
}

var (
	// What a cluster alone has in SHOW CREATE TABLE, and values that need not be the next one.
	shardKey = regexp.MustCompile(`,\n\s*/\*!999999 SHARD KEY \([^)]*\) \*/`)
	next     = regexp.MustCompile(` AUTO_INCREMENT=\d+`)
	// Of mariadb-show --keys.
	cardinality = regexp.MustCompile(`^(\|(?:[^|]*\|){5}[^|]*)\|[^|]*`)
	when        = regexp.MustCompile(`-- Dump completed on .*|-- Host: .*`)
)

// A dump of a plain server loads into a cluster as it is; the cluster's is then the same, and loads into a plain server. So do the files of --tab and mariadb-import, and
// mariadb-show and mariadb-check say the same.
func TestDump(t *testing.T) {
	cluster, plain := sites(t, "dump")
	script, err := os.ReadFile(source(t, "dump.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cli(t, plain, "dump", string(script)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dump := func(s site, options ...string) string {
		t.Helper()
		out, err := mariadb(t, s, "mariadb-dump", "", "", append(options, "dump")...)
		if err != nil {
			t.Fatalf("mariadb-dump of %s: %v\n%.2000s", s.name, err, out)
		}
		return out
	}
	alike := func(text string) []string {
		return lines(when.ReplaceAllString(next.ReplaceAllString(shardKey.ReplaceAllString(text, ""), ""), ""))
	}
	for _, options := range [][]string{
		{"--order-by-primary"},
		{"--order-by-primary", "--single-transaction", "--complete-insert", "--hex-blob", "--skip-extended-insert"},
		{"--order-by-primary", "--skip-opt", "--create-options", "--tz-utc"},
	} {
		text := dump(plain, options...)
		for _, s := range []site{cluster, plain} {
			if out, err := cli(t, s, "", "DROP DATABASE dump; CREATE DATABASE dump"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if out, err := cli(t, s, "dump", text); err != nil {
				t.Fatalf("loading into %s what mariadb-dump %v wrote: %v\n%s", s.name, options, err, out)
			}
		}
		got := dump(cluster, options...)
		compare(t, alike(got), alike(text))
		if out, err := cli(t, plain, "", "DROP DATABASE dump; CREATE DATABASE dump; USE dump;"+got); err != nil {
			t.Fatalf("loading the cluster's dump into %s: %v\n%s", plain.name, err, out)
		}
		compare(t, alike(dump(plain, options...)), alike(text))
	}
	for _, c := range [][]string{
		{"mariadb-show", "--count"}, {"mariadb-show", "--keys"}, {"mariadb-check", "--check"}, {"mariadb-check", "--analyze"},
	} {
		name, options := c[0], c[1:]
		var outs [2][]string
		for i, s := range []site{cluster, plain} {
			args := []string{"dump"}
			if name == "mariadb-show" && options[0] == "--keys" {
				args = append(args, "item")
			}
			out, err := mariadb(t, s, name, "", "", append(options, args...)...)
			if err != nil {
				t.Fatalf("%v at %s: %v\n%s", c, s.name, err, out)
			}
			outs[i] = lines(out)
		}
		if options[0] == "--keys" {
			for i := range outs { // cardinalities are estimates
				for j, line := range outs[i] {
					outs[i][j] = cardinality.ReplaceAllString(line, "$1")
				}
			}
		}
		compare(t, outs[0], outs[1])
	}
	file := filepath.Join(t.TempDir(), "item.txt")
	if err := os.WriteFile(file, []byte("1001\tfrom a file\t5.50\t2024-02-29\t\\N\n1002\tä\\tb\t0.01\t\\N\t\\N\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, s := range []site{cluster, plain} {
		out, err := mariadb(t, s, "mariadb-import", "", "", "--local", "--columns=id,name,price,since,picture", "dump", file)
		if err != nil || !strings.Contains(out, "Records: 2  Deleted: 0  Skipped: 0  Warnings: 0") {
			t.Errorf("mariadb-import to %s: %v\n%s", s.name, err, out)
		}
	}
	compare(t, alike(dump(cluster, "--order-by-primary")), alike(dump(plain, "--order-by-primary")))
}
