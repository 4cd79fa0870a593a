package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// difference is in what two answers differ; none where what is "".
type difference struct {
	what string // rows, order, columns, error, …: a statement that is made smaller must go on to differ in the same
	text string
}

func (d difference) String() string { return d.what + ": " + d.text }

// reply is all that a side answered to a statement.
type reply struct {
	res      []answer.Result
	pre      wire.PrepareOK
	warnings []string
}

func (r *reply) err() *wire.ServerError { return r.res[len(r.res)-1].Err }

// ask runs a statement and reads its warnings.
func (s *side) ask(st *statement) (*reply, error) {
	r := &reply{}
	var err error
	if r.res, r.pre, err = s.run(st); err != nil {
		return nil, err
	}
	last := &r.res[len(r.res)-1]
	if last.Err == nil && last.OK.Warnings == 0 {
		return r, nil
	}
	w, err := s.client.Query("SHOW WARNINGS")
	if err != nil {
		return nil, err
	}
	for _, row := range w[0].Rows {
		if len(row.Cells) == 3 && row.Cells[1] != codeOverflow {
			r.warnings = append(r.warnings, row.Cells[0]+" "+row.Cells[1]+" "+masked(row.Cells[2]))
		}
	}
	slices.Sort(r.warnings)
	r.warnings = slices.Compact(r.warnings)
	return r, nil
}

// aggregate is a query that has one row, also over nothing.
var aggregate = regexp.MustCompile(`^SELECT .*\b(COUNT|SUM|AVG|MIN|MAX|STD|VARIANCE|BIT_OR|GROUP_CONCAT|JSON_ARRAYAGG)\(`)

// codeOverflow is the warning of a value that an index can't be asked for, as it is more than the column holds: whether there is one hangs on whether the index is used.
const codeOverflow = "1916"

// compare tells in what an answer differs from the wanted one.
func compare(st *statement, got, want *reply) difference {
	if g, w := got.err(), want.err(); g != nil || w != nil {
		return compareErrors(g, w)
	}
	if len(got.res) != len(want.res) {
		return difference{"results", fmt.Sprintf("%d results, want %d", len(got.res), len(want.res))}
	}
	g, w := &got.res[0], &want.res[0]
	sql := st.root.inner()
	outer := strings.Contains(sql, " LEFT ") || strings.Contains(sql, " RIGHT ") || strings.Contains(sql, " RETURNING ") || strings.Contains(sql, " OVER ") || strings.Contains(sql, " ROLLUP") || strings.HasPrefix(st.root.String(), "EXECUTE ") // with values for parameters
	if strings.HasPrefix(st.root.String(), "EXECUTE ") || strings.Contains(sql, "@") {
		forgetWidths(g.Columns)
		forgetWidths(w.Columns)
	}
	never := limits.MatchString(sql) && len(w.Rows) == 0 // of LIMIT 0 MariaDB makes no temporary table
	if d := compareColumns(g, w, outer, never, views.MatchString(sql)); d.what != "" {
		return d
	}
	if got.pre != want.pre {
		return difference{"prepared", fmt.Sprintf("%+v, want %+v", got.pre, want.pre)}
	}
	if d := compareRows(st, g, w); d.what != "" {
		return d
	}
	if g.OK.AffectedRows != w.OK.AffectedRows || info(g) != info(w) {
		return difference{"affected", fmt.Sprintf("%d affected, info %q; want %d, %q", g.OK.AffectedRows, g.OK.Info, w.OK.AffectedRows, w.OK.Info)}
	}
	const bits = wire.StatusInTrans | wire.StatusAutocommit | wire.StatusMoreResults | wire.StatusInTransReadonly
	if a, b := g.OK.Status&bits, w.OK.Status&bits; a != b {
		return difference{"status", fmt.Sprintf("%#x, want %#x", a, b)}
	}
	// Where there are no rows, or not all of them, a server may have looked at some, or not.
	if !slices.Equal(got.warnings, want.warnings) && (len(w.Columns) == 0 && (w.OK.AffectedRows > 0 || !strings.Contains(sql, " WHERE ")) || len(w.Rows) > 0) && !limits.MatchString(sql) && !(len(w.Rows) == 1 && aggregate.MatchString(sql)) {
		return difference{"warnings", strings.Join(got.warnings, "; ") + "\nwant " + strings.Join(want.warnings, "; ")}
	}
	return difference{}
}

const (
	erBadField   = 1054
	erWrongCount = 1136
	erReferenced = 1451
)

// mistakes may be in a statement beside names that mean nothing: those, aggregates of aggregates, subqueries of several rows, which MariaDB may run before it reads the rest,
// collations that do not go together, and what it does not know yet.
var mistakes = []uint16{erBadField, 1052, 1111, 1242, 1267, 1270, 1271, wire.ErNotSupported}

// info is the text of an OK packet, without how many warnings there are, and how many rows an UPDATE has added to a table's history: MariaDB does not say that where the table is in a
// subquery as well.
func info(r *answer.Result) string {
	text, _, _ := strings.Cut(string(r.OK.Info), "  Warnings: ")
	text, _, _ = strings.Cut(text, "  Inserted: ")
	return text
}

var limits = regexp.MustCompile(`LIMIT|FETCH `)

// rowErrors tell of a row: which of several wrong ones is met first, and what is wrong with it first, is not decided.
var rowErrors = []uint16{1048, 1062, 4025, 1264, 1265, 1292, 1366, 1406, 1452, 1690, 1411, 1365, 1916}

func compareErrors(g, w *wire.ServerError) difference {
	switch {
	case w == nil:
		return difference{"error", g.Error() + "\nwant none"}
	case g == nil:
		return difference{"error", "none, want " + w.Error()}
	case slices.Contains(rowErrors, w.Code) && slices.Contains(rowErrors, g.Code):
		return difference{}
	case g.Code == erBadField && slices.Contains(mistakes, w.Code), w.Code == erBadField && slices.Contains(mistakes, g.Code): // which of several is met first
		return difference{}
	case w.Code == wire.ErParse && g.Code == erWrongCount: // as above
		return difference{}
	case g.Code != w.Code || g.State != w.State:
		return difference{"error", g.Error() + "\nwant " + w.Error()}
	}
	if g.Message != w.Message && g.Code != erReferenced { // by which of several foreign keys
		return difference{"message", g.Error() + "\nwant " + w.Error()}
	}
	return difference{}
}

var places = regexp.MustCompile(`'[^']*'|\b\d+\b`)

// masked is a message without the values that it tells of.
func masked(m string) string { return places.ReplaceAllString(m, "?") }

// views are the names of views: what their columns are called in tables hangs on how MariaDB puts a view's query in.
var views = regexp.MustCompile(`\bv(acc|ord|pair|both|sub|dist|nest|sum)\b`)

// noDefault is the flag of a column that has no default value.
const noDefault = 1 << 12

// madeName are the names that queries give their columns here: no table's own column has one of them.
var madeName = regexp.MustCompile(`^c\d+$`)

// keyFlags tell of a column in which keys it is.
const keyFlags = wire.FlagPrimaryKey | wire.FlagUniqueKey | wire.FlagMultipleKey

func compareColumns(g, w *answer.Result, outer, never, ofView bool) difference {
	if len(g.Columns) != len(w.Columns) {
		return difference{"columns", fmt.Sprintf("%d columns, want %d", len(g.Columns), len(w.Columns))}
	}
	for i := range g.Columns {
		if outer { // whether the join became an inner one, or no row meets the condition of a ROLLUP, which MariaDB may find out before it reads rows or never; whether a parameter is NULL
			g.Columns[i].Flags |= wire.FlagNotNull
			w.Columns[i].Flags |= wire.FlagNotNull
		}
		if a, b := &g.Columns[i], &w.Columns[i]; outer && a.Type.IsInteger() && b.Type.IsInteger() && (len(a.Table) == 0) != (len(b.Table) == 0) && (a.Length == 0 || b.Length == 0) {
			*a, *b = wire.Column{Name: a.Name}, wire.Column{Name: b.Name} // that NULL is all there is MariaDB may find out before
		}
		if ofView || nameless(&g.Columns[i]) || nameless(&w.Columns[i]) { // a temporary table's
			for _, c := range []*wire.Column{&g.Columns[i], &w.Columns[i]} {
				c.OrgTable, c.OrgName, c.Flags = nil, nil, c.Flags&^noDefault
				switch c.Type {
				case wire.TypeString, wire.TypeVarString:
					c.Type, c.Flags = wire.TypeVarString, c.Flags&^wire.FlagBinary // of an INET6 or UUID
				case wire.TypeBit:
					c.Flags &^= wire.FlagBinary
				}
				if ofView && (len(g.Columns[i].Schema) == 0 || len(w.Columns[i].Schema) == 0) { // of groups
					c.Schema, c.Table = nil, []byte("view")
				}
			}
		}
		if a, b := &g.Columns[i], &w.Columns[i]; madeName.Match(a.OrgName) && madeName.Match(b.OrgName) { // by a derived table
			a.Flags, b.Flags = a.Flags&^noDefault, b.Flags&^noDefault
		}
		if a, b := &g.Columns[i], &w.Columns[i]; a.Type == wire.TypeNewDecimal && b.Type == wire.TypeNewDecimal && len(a.Table) == 0 && (a.Length == b.Length+1 || b.Length == a.Length+1) {
			a.Length = b.Length // a minus before it has a place of its own, but not in a temporary table
		}
		if a, b := &g.Columns[i], &w.Columns[i]; never || a.Flags&keyFlags == 0 != (b.Flags&keyFlags == 0) { // one is a temporary table's: MariaDB makes none for DISTINCT where it knows that a table has one row at most
			const own = wire.FlagAutoIncrement | wire.FlagOnUpdateNow
			a.Flags, b.Flags = a.Flags&^own, b.Flags&^own
		}
		if a, b := described(&g.Columns[i]), described(&w.Columns[i]); a != b {
			return difference{"columns", a + "\nwant " + b}
		}
	}
	return difference{}
}

// forgetWidths makes numbers and strings of expressions alike: a user variable's width, which may be a parameter, hangs on how MariaDB came to its value, and the collation of one that was never set on whether it is one.
func forgetWidths(columns []wire.Column) {
	for i := range columns {
		if c := &columns[i]; len(c.OrgTable) == 0 && (c.Type == wire.TypeNewDecimal || c.Type == wire.TypeVarString || c.Type.IsInteger()) {
			if c.Length = 0; c.Type == wire.TypeVarString {
				c.Collation = generalCI
			}
		}
	}
}

// nameless says whether a column is of no table with a name: MariaDB calls some temporary ones #1.
func nameless(c *wire.Column) bool { return len(c.OrgTable) == 0 || c.OrgTable[0] == '#' }

// The collations that SET NAMES gives results here. A leaf's connection that has sent rows to copies gives them the character set's own one from then on: MariaDB puts
// back what SET STATEMENT has changed by the name of the character set.
const generalCI, unicodeCI = 45, 224

// longString is how long strings of expressions are whose length tells nothing.
const longString = 4096

// described prints a column definition, without what hangs on whether MariaDB has made a temporary table: a string's decimals, a long one's length, the width of an integer
// expression, one digit of a DOUBLE's.
func described(c *wire.Column) string {
	d := *c
	d.Flags &^= wire.FlagTimestamp | wire.FlagOnUpdateNow
	if d.Length == 0 && d.Type == wire.TypeBlob && len(d.OrgTable) == 0 { // NULL of a user variable
		d.Type = wire.TypeVarString
	}
	if d.Type >= wire.TypeTinyBlob && d.Type <= wire.TypeBlob {
		d.Type, d.Length, d.Flags = wire.TypeBlob, 0, d.Flags&^wire.FlagBlob
	}
	if string(d.OrgTable) == "made" { // what it has of the query, and no definition tells
		if d.Flags &^= wire.FlagNoDefault; d.Type == wire.TypeDouble || d.Type == wire.TypeFloat {
			d.Length = 0
		}
	}
	if d.Type == wire.TypeTimestamp && d.Decimals == 6 { // row_start and row_end: in copies they have one
		d.Flags &^= wire.FlagNoDefault
	}
	if d.Length == 0 && (d.Type == wire.TypeString || d.Type == wire.TypeVarString || d.Type == wire.TypeNull) && len(d.OrgTable) == 0 { // NULL
		d.Type, d.Flags = wire.TypeVarString, d.Flags&^wire.FlagBinary
	}
	if d.Type == wire.TypeVarString && len(d.OrgTable) == 0 && d.Length > longString { // in a temporary table it is a TEXT
		d.Type, d.Length = wire.TypeBlob, 0
	}
	switch {
	case d.Type == wire.TypeVarString || d.Type == wire.TypeString || d.Type == wire.TypeBlob:
		d.Decimals, d.Flags = 0, d.Flags&^wire.FlagUnsigned // OCT() in a temporary table is an unsigned string
		if len(d.OrgTable) == 0 && len(d.Extended) > 0 {    // as an INET6 is a binary one
			d.Flags &^= wire.FlagBinary
		}
	case (d.Type == wire.TypeDouble || d.Type == wire.TypeFloat) && len(d.Table) == 0: // of MIN(f) it is another in a temporary table
		d.Length, d.Flags = 0, d.Flags&^wire.FlagBinary
	case d.Type == wire.TypeYear && len(d.OrgTable) == 0:
		d.Flags &^= wire.FlagZerofill
	case d.Type == wire.TypeTimestamp && len(d.OrgTable) == 0: // in a temporary table it is unsigned
		d.Flags &^= wire.FlagUnsigned
	case d.Type.IsInteger() && len(d.OrgTable) == 0: // MINUTE() is wider by a place in a temporary table
		if d.Length = 0; d.Type == wire.TypeLong { // MAX(FIELD(…)) is a BIGINT, but of groups in a temporary table an INT
			d.Type = wire.TypeLongLong
		}
	case d.Type == wire.TypeDouble && d.Length == 22:
		d.Length = 23
	}
	if d.Collation == unicodeCI {
		d.Collation = generalCI
	}
	if len(d.Table) == 0 { // an expression: some are called after themselves where a temporary table has had them
		d.OrgName = nil
	}
	return answer.Describe(&d)
}

// printed are a result's rows. Sums of doubles hang on the order of what is added: their last digits are left out.
func printed(r *answer.Result) []string {
	out := make([]string, len(r.Rows))
	for i, w := range r.Rows {
		out[i] = line(r, w.Cells, nil)
	}
	return out
}

// line prints the cells of a row, those at some positions where these are given.
func line(r *answer.Result, cells []string, at []int) string {
	if at == nil {
		for i := range cells {
			at = append(at, i)
		}
	}
	var b strings.Builder
	for _, i := range at {
		v := cells[i]
		if t := r.Columns[i].Type; t == wire.TypeDouble || t == wire.TypeFloat {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil && t == wire.TypeDouble && len(v) == 8 { // of a prepared statement
				f, err = math.Float64frombits(binary.LittleEndian.Uint64([]byte(v))), nil
			}
			if err == nil {
				v = strconv.FormatFloat(f, 'g', 11, 64)
			}
		}
		fmt.Fprintf(&b, "%q ", v)
	}
	return strings.TrimSpace(b.String())
}

func compareRows(st *statement, g, w *answer.Result) difference {
	a, b := printed(g), printed(w)
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	if !slices.Equal(x, y) {
		return difference{"rows", fmt.Sprintf("%d, want %d%s", len(x), len(y), unlike(x, y))}
	}
	var at []int
	for _, name := range st.root.sorted() {
		i := slices.IndexFunc(w.Columns, func(c wire.Column) bool { return string(c.Name) == name })
		if i < 0 {
			break
		}
		at = append(at, i)
	}
	if st.anyOrder || len(at) == 0 {
		return difference{}
	}
	for i := range a {
		a[i], b[i] = equals.Replace(strings.ToLower(line(g, g.Rows[i].Cells, at))), equals.Replace(strings.ToLower(line(w, w.Rows[i].Cells, at)))
	}
	if !slices.Equal(a, b) {
		return difference{"order", unlike(a, b)}
	}
	return difference{}
}

// equals makes strings the same, in small letters, that a collation may have made equal, as functions gave pieces of words.
var equals = strings.NewReplacer("é", "e", "è", "e", "ö", "o", "ß", "s")

// unlike shows the first lines of one list that are not in the other.
func unlike(got, want []string) string {
	var b strings.Builder
	show := func(mark string, from, other []string) {
		left := slices.Clone(other)
		n := 0
		for _, l := range from {
			if i := slices.Index(left, l); i >= 0 {
				left = slices.Delete(left, i, i+1)
				continue
			}
			if n++; n <= 4 {
				fmt.Fprintf(&b, "\n  %s %s", mark, l)
			}
		}
	}
	show("got ", got, want)
	show("want", want, got)
	if b.Len() == 0 {
		for i := range got {
			if got[i] != want[i] {
				return fmt.Sprintf("\n  at %d got  %s\n  at %d want %s", i, got[i], i, want[i])
			}
		}
	}
	return b.String()
}
