package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A case is a text file: statements that end with a semicolon at the end of a line, each run and compared. The databases d1, with 4 partitions, and d2, with 3, are there, and d1 is the
// current one. A comment before a statement says what is special about it:
//
//	-- prepared             it runs prepared, its literals as parameters
//	-- typed                the same, and parameters have types of their own
//	-- refused              the cluster refuses it with error 1235: MariaDB is not asked
//	-- order: c1, c2        its rows' order is decided by these columns
//	-- changes: d1.acc      these tables are compared after it
//
// One that has "-- bring" is run with tables brought to others wherever that can be done.

const bringMark = "-- bring"

// render writes a trial as a case.
func (t *trial) render(v *verdict) string {
	var b strings.Builder
	for line := range strings.SplitSeq(v.String(), "\n") {
		fmt.Fprintf(&b, "-- %s\n", line)
	}
	if t.w.bring {
		b.WriteString(bringMark + "\n")
	}
	all := t.st.root.String()
	for i := range t.before {
		all += " " + t.before[i].root.String()
	}
	all += " " + t.w.viewTexts(all)
	all += " " + t.w.triggerTexts(all)
	for _, s := range t.w.session[:len(t.w.session)-2] {
		if s != "SET sql_mode = '"+defaultMode+"'" && !strings.Contains(s, "'+00:00'") && s != "SET NAMES utf8mb4" {
			fmt.Fprintf(&b, "%s;\n", s)
		}
	}
	if t.w.current == "d2" {
		b.WriteString("USE d2;\n")
	}
	related := false
	for _, table := range t.w.creation() {
		for _, f := range table.foreign {
			if names(all, table) {
				all, related = all+" "+f.to.name, true
			}
		}
	}
	if related {
		b.WriteString("SET foreign_key_checks = 0;\n")
	}
	for _, table := range t.w.creation() {
		if !names(all, table) {
			continue
		}
		fmt.Fprintf(&b, "%s;\n", table.create(true, false))
		if list := t.rows[table.full()]; len(list) > 0 {
			fmt.Fprintf(&b, "%s;\n", table.insert(list))
		}
	}
	if related {
		b.WriteString("SET foreign_key_checks = 1;\n")
	}
	for _, f := range t.w.triggers {
		if names(all, f.table) {
			fmt.Fprintf(&b, "%s;\n", f.create())
		}
	}
	for _, v := range t.w.views {
		if namesWord(all, v.name) { // or others of it
			fmt.Fprintf(&b, "%s;\n", v.create())
		}
	}
	for _, f := range t.w.functions {
		if namesWord(all, f.name) {
			fmt.Fprintf(&b, "%s;\n", f.create())
		}
	}
	for _, s := range append(t.before[:len(t.before):len(t.before)], t.st) {
		if s.prepared && s.typed {
			b.WriteString("-- typed\n")
		} else if s.prepared {
			b.WriteString("-- prepared\n")
		}
		if order := s.root.sorted(); len(order) > 0 && !s.anyOrder {
			fmt.Fprintf(&b, "-- order: %s\n", strings.Join(order, ", "))
		}
		if len(s.tables) > 0 {
			fmt.Fprintf(&b, "-- changes: %s\n", strings.Join(s.tables, ", "))
		}
		fmt.Fprintf(&b, "%s;\n", s.root)
	}
	return b.String()
}

// viewTexts are the queries of the views, and what functions do, that a text names.
func (w *world) viewTexts(text string) string {
	out := ""
	for _, v := range slices.Backward(w.views) { // the later ones are of others
		if namesWord(text+out, v.name) {
			out += v.text + " "
		}
	}
	for _, f := range w.functions {
		if namesWord(text+out, f.name) {
			out += f.rest + " "
		}
	}
	return out
}

// parseCase reads a case's statements.
func parseCase(text string) []statement {
	var out []statement
	var st statement
	var sql []string
	for line := range strings.SplitSeq(text, "\n") {
		mark, is := strings.CutPrefix(line, "-- ")
		switch {
		case is && (mark == "prepared" || mark == "typed"):
			st.prepared, st.typed = true, mark == "typed"
			continue
		case is && mark == "refused":
			st.refused = true
			continue
		case is:
			if list, ok := strings.CutPrefix(mark, "order: "); ok {
				st.root = &node{form: query, order: strings.Split(list, ", ")}
			} else if list, ok := strings.CutPrefix(mark, "changes: "); ok {
				st.tables = strings.Split(list, ", ")
			}
			continue
		case strings.TrimSpace(line) == "" || line == "--":
			continue
		}
		sql = append(sql, line)
		if all, ok := strings.CutSuffix(strings.Join(sql, "\n"), ";"); ok {
			if st.root == nil {
				st.root = &node{}
			}
			st.root.kids = pieces([]any{all})
			out = append(out, st)
			st, sql = statement{}, nil
		}
	}
	return out
}

var onlyCluster = regexp.MustCompile(`, SHARD KEY \([^)]*\)`)

// plainly is a case's statement as a server without shards takes it.
func plainly(sql string) string {
	if !strings.HasPrefix(sql, "CREATE") {
		return sql
	}
	return onlyCluster.ReplaceAllString(strings.Replace(sql, "CREATE REFERENCE TABLE", "CREATE TABLE", 1), "")
}

// runCase runs a case, and tells in what its answers differ.
func (s *servers) runCase(text string) (differences []string, err error) {
	for _, side := range []*side{s.cluster, s.plain} {
		w := &world{bring: strings.Contains("\n"+text, "\n"+bringMark+"\n")}
		side.w, side.caps = nil, answer.Caps
		if err := side.create(w); err != nil {
			return nil, err
		}
		side.w = nil
		w.session = []string{"SET NAMES utf8mb4", "SET time_zone = '+00:00'", "SET innodb_lock_wait_timeout = 3", "USE d1"}
		if err := side.connect(side.settings(w)); err != nil {
			return nil, err
		}
	}
	for _, st := range parseCase(text) {
		sql := st.root.String()
		got, err := s.cluster.ask(&st)
		if err != nil {
			return nil, fmt.Errorf("%.300s: %w", sql, err)
		}
		if e := got.err(); st.refused != (e != nil && e.Code == wire.ErNotSupported) {
			differences = append(differences, fmt.Sprintf("%.500s\nrefused: %v, want %v", sql, e, st.refused))
			continue
		} else if st.refused {
			continue // it has done nothing, which the other side shall not do either
		}
		plain := st
		plain.root = cat(plainly(sql))
		want, err := s.plain.ask(&plain)
		if err != nil {
			return nil, err
		}
		d := compare(&st, got, want)
		for _, name := range st.tables {
			if d.what == "" {
				d, err = s.sameRows(name)
				if err != nil {
					return nil, err
				}
			}
		}
		if d.what != "" {
			differences = append(differences, fmt.Sprintf("%.500s\n%s", sql, d))
		}
	}
	return differences, nil
}

// sameRows compares a case's table.
func (s *servers) sameRows(name string) (difference, error) {
	st := &statement{root: cat("SELECT * FROM " + name)}
	got, err := s.cluster.ask(st)
	if err != nil {
		return difference{}, err
	}
	want, err := s.plain.ask(st)
	if err != nil {
		return difference{}, err
	}
	d := compare(st, got, want)
	if d.what != "" {
		d = difference{"contents", name + ": " + d.text}
	}
	return d, nil
}
