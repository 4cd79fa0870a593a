package exec

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// values1 says whether a row, ( … ), may be the select list of a part that has this row alone, which is then treated as one of many rows: MariaDB is
// stricter with a single row of VALUES, and does not tell whether it met another. Names could be columns, DEFAULT is no expression. Where the mode is not strict, and NULL becomes another
// value of many rows alone, the names of a subquery are taken for those of its tables, and a column that is given DEFAULT is
// left out, which is the same.
func (st *Statement) values1(i int, row rowPlace) (out leftOut, ok bool) {
	span := st.Plan.Insert.Rows[i]
	if !st.Sess.Strict {
		out = st.leaveOut(i, row)
	}
	if !st.selectable(span, out.at) {
		return leftOut{}, false
	}
	return out, true
}

// selectable says whether a row's values may be a select list, but for some tokens.
func (st *Statement) selectable(row sqltext.Span, but []int32) bool {
	if row.To-row.From < 3 {
		return false
	}
	tokens := st.Scan.Tokens[row.From:row.To]
	inside := 0 // of a subquery: its brackets
	for i, t := range tokens {
		bracket := t.Kind == sqltext.Op && t.Op == '('
		switch {
		case inside > 0 && bracket:
			inside++
		case inside > 0 && t.Kind == sqltext.Op && t.Op == ')':
			inside--
		case bracket && !st.Sess.Strict && i > 0 && i+1 < len(tokens) && word(st.Scan, tokens[i+1], "SELECT"):
			inside = 1
		}
		if inside > 0 {
			continue
		}
		if slices.Contains(but, row.From+int32(i)) {
			continue
		}
		if t.Kind == sqltext.QuotedID {
			return false
		}
		if t.Kind != sqltext.Word || word(st.Scan, t, "NULL") || word(st.Scan, t, "TRUE") || word(st.Scan, t, "FALSE") {
			continue
		}
		// DATE'2001-02-03', or a function; DEFAULT (c) and VALUES (c) are of a column.
		next := i+1 < len(tokens) && (tokens[i+1].Kind == sqltext.String || tokens[i+1].Kind == sqltext.Op && tokens[i+1].Op == '(')
		if !next || word(st.Scan, t, "DEFAULT") || word(st.Scan, t, "VALUES") || word(st.Scan, t, "VALUE") {
			return false
		}
	}
	return true
}

// leftOut is what of an INSERT and one of its rows is left out of a part.
type leftOut struct {
	at        []int32       // the tokens DEFAULT, those that a value is put in the place of too
	head, row []plan.Splice // cut columns and values off
	columns   string        // the list of the columns that are left, where the statement has none
}

// leaveOut finds the values of a row that are DEFAULT.
func (st *Statement) leaveOut(i int, row rowPlace) (out leftOut) {
	in := st.Plan.Insert
	values := st.items(in.Rows[i])
	replaced := row.splices
	if row.given {
		replaced = append(slices.Clip(replaced), st.autoSplice(i))
	}
	var which []int
	for n, v := range values {
		if v.To-v.From != 1 || !word(st.Scan, st.Scan.Tokens[v.From], "DEFAULT") {
			continue
		}
		out.at = append(out.at, v.From)
		if !slices.ContainsFunc(replaced, func(s plan.Splice) bool { return s.From <= v.From && v.From < s.To }) {
			which = append(which, n)
		}
	}
	if len(which) == 0 {
		return out
	}
	if len(which) == len(values) {
		return leftOut{}
	}
	out.row = cuts(values, which)
	last := in.Head.To - 2 // before VALUES
	if t := st.Scan.Tokens[last]; t.Kind == sqltext.Op && t.Op == ')' {
		first := last
		for first > in.Head.From && !(st.Scan.Tokens[first].Kind == sqltext.Op && st.Scan.Tokens[first].Op == '(') {
			first--
		}
		columns := st.items(sqltext.Span{From: first, To: last + 1})
		if len(columns) != len(values) || word(st.Scan, st.Scan.Tokens[first-1], "PARTITION") {
			return leftOut{}
		}
		out.head = cuts(columns, which)
		return out
	}
	if in.Auto == plan.AutoAbsent || in.Table.Kind == topo.Linked {
		return leftOut{}
	}
	var names []string
	n := 0
	for c := range in.Table.Columns {
		if in.Table.Columns[c].Invisible {
			continue
		}
		if !slices.Contains(which, n) {
			names = append(names, quotedName(in.Table.Columns[c].Name))
		}
		n++
	}
	if n != len(values) {
		return leftOut{}
	}
	out.columns = " (" + strings.Join(names, ",") + ")"
	return out
}

// items are what stands between the commas in brackets.
func (st *Statement) items(in sqltext.Span) (out []sqltext.Span) {
	depth, from := 0, in.From+1
	for i := in.From; i < in.To; i++ {
		t := st.Scan.Tokens[i]
		if t.Kind != sqltext.Op {
			continue
		}
		switch t.Op {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 || depth == 1 && t.Op == ',' {
			out = append(out, sqltext.Span{From: from, To: i})
			from = i + 1
		}
	}
	return out
}

// cuts takes some items, not all, out of a list with their commas.
func cuts(items []sqltext.Span, which []int) (out []plan.Splice) {
	last := len(items) - 1
	for slices.Contains(which, last) {
		last--
	}
	for _, n := range which {
		if n < last {
			out = append(out, plan.Splice{From: items[n].From, To: items[n+1].From})
		} else {
			out = append(out, plan.Splice{From: items[n-1].To, To: items[n].To})
		}
	}
	return out
}

// withCut adds a cut, ahead of which insertions at its beginning stay.
func withCut(list []plan.Splice, cut plan.Splice) []plan.Splice {
	out := make([]plan.Splice, 0, len(list)+1)
	added := false
	for _, o := range list {
		switch {
		case o.From >= cut.From && o.To <= cut.To && o.From < o.To: // within
			continue
		case !added && (o.From > cut.From || o.From == cut.From && o.From < o.To):
			out, added = append(out, cut), true
		}
		out = append(out, o)
	}
	if !added {
		out = append(out, cut)
	}
	return out
}
