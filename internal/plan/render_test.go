package plan

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestRender(t *testing.T) {
	scan := &sqltext.Scan{}
	text := "SELECT a /*!50000 , d.b */ FROM d.t -- tail"
	if err := scan.Scan([]byte(text), sqltext.Mode{}); err != nil {
		t.Fatal(err)
	}
	// SELECT a , d . b FROM d . t
	schema := []Piece{{Kind: PieceSchema}}
	names := []Splice{{3, 4, schema}, {7, 8, schema}}
	for _, c := range []struct {
		name    string
		splices []Splice
		want    string
	}{
		{"no splice leaves every byte", nil, text},
		{"an executed comment loses its delimiters, a comment stays", names, "SELECT a , `d_1`.b FROM `d_1`.t -- tail"},
		{"an insertion comes before a trailing comment", append(names[:2:2], Splice{10, 10, []Piece{{Kind: PieceText, Text: " LIMIT "}, {Kind: PieceLimit}}}),
			"SELECT a , `d_1`.b FROM `d_1`.t LIMIT 7 -- tail"},
		{"a copy has the names applied", []Splice{{1, 6, []Piece{{Kind: PieceCopy, Span: sqltext.Span{From: 3, To: 6}}}}},
			"SELECT `d_1`.b FROM d.t -- tail"},
		{"a name in quotes is doubled", []Splice{{1, 6, []Piece{{Kind: PieceText, Text: quoted("a`b")}}}}, "SELECT `a``b` FROM d.t -- tail"},
	} {
		if got := string(Render(nil, scan, c.splices, names, Target{Schema: "d_1", Limit: 7})); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	if got := string(RenderSpan(nil, scan, sqltext.Span{From: 6, To: 10}, names, names, Target{Schema: "d_1"})); got != "FROM `d_1`.t" {
		t.Errorf("span: %s", got)
	}
}

// TestBrokenText plans every statement of the golden files cut off at each token, and with each token left out: whatever a client sends,
// the planner answers with a plan or a typed error, and what it plans can be rendered.
func TestBrokenText(t *testing.T) {
	eachStatement(t, func(text string) {
		scan := &sqltext.Scan{}
		if err := scan.Scan([]byte(text), sqltext.Mode{}); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, tok := range scan.Tokens {
			tryPlan(t, text[:tok.Start])
			tryPlan(t, text[:tok.Start]+text[tok.End:])
			tryPlan(t, text[:tok.Start]+"("+text[tok.Start:tok.End]+")"+text[tok.End:])
		}
	})
}

func tryPlan(t *testing.T, text string) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("%s: %v", text, r)
		}
	}()
	scan := &sqltext.Scan{}
	if scan.Scan([]byte(text), sqltext.Mode{}) != nil {
		return
	}
	stmt, err := sqltext.Parse(scan, sqltext.Mode{})
	if err != nil {
		return
	}
	switch stmt.Kind {
	case sqltext.KindSelect, sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete, sqltext.KindLoadData, sqltext.KindDo, sqltext.KindCall:
	default:
		return
	}
	for db, snap := range brokenTopologies {
		p, err := Build(stmt, scan, snap, Session{DB: db})
		if err != nil {
			if _, ok := err.(*Error); !ok {
				t.Fatalf("%s: untyped error %v", text, err)
			}
			continue
		}
		Trace(p, scan)
		ordinals := []int{0, 1}
		if p.Linked != nil {
			ordinals = nil
		}
		Explain(p, scan, ordinals)
		inOrder(t, text, scan, p)
	}
}

// inOrder checks that splices are in order and do not overlap, and that parameters can be told.
func inOrder(t *testing.T, text string, scan *sqltext.Scan, p *Plan) {
	t.Helper()
	lists := [][]Splice{p.Forward}
	if p.Merge != nil {
		lists = append(lists, p.Merge.Splices, p.Merge.Names)
		ParamOrder(scan, p.Merge.Splices, p.Merge.Names)
	}
	if p.Insert != nil {
		lists = append(lists, p.Insert.Names)
	}
	if p.Load != nil {
		lists = append(lists, p.Load.Forward)
	}
	if p.InsertSelect != nil {
		lists = append(lists, p.InsertSelect.Names)
		inOrder(t, text, scan, p.InsertSelect.Plan)
	}
	for _, list := range lists {
		for i := range list {
			if list[i].To < list[i].From || i > 0 && list[i].From < list[i-1].To {
				t.Fatalf("%s: splices %+v", text, list)
			}
		}
	}
}

var brokenTopologies = map[string]*topo.Snapshot{"shop": testTopology(), "db": linkedTopology()}

// TestSharedByFingerprint changes the literals of every statement of the golden files: as long as the fingerprint stays and the plan says that it
// may be shared, the plan must be the same.
func TestSharedByFingerprint(t *testing.T) {
	shared := 0
	both := func(text, db string) {
		snap := brokenTopologies[db]
		p, scan, err := planText(text, snap, Session{DB: db})
		if err != nil || !p.Cacheable {
			return
		}
		var other strings.Builder
		pos := 0
		for i, tok := range scan.Literals {
			l := scan.Tokens[tok]
			other.WriteString(text[pos:l.Start])
			switch l.Kind {
			case sqltext.Number:
				other.WriteString(itoa(1000 + i))
			case sqltext.String:
				other.WriteString("'" + strings.Repeat("z", i) + "'")
			default:
				other.WriteString(text[l.Start:l.End])
			}
			pos = int(l.End)
		}
		other.WriteString(text[pos:])
		q, scan2, err := planText(other.String(), snap, Session{DB: db})
		if string(scan2.Fingerprint) != string(scan.Fingerprint) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", other.String(), err)
		}
		stmt, err := sqltext.Parse(scan, sqltext.Mode{})
		if err != nil {
			t.Fatal(err)
		}
		if stmt.Load == nil && !reflect.DeepEqual(p, q) {
			t.Fatalf("%s\nand %s\nshare a fingerprint but not a plan:\n%s\n%s", text, other.String(), Trace(p, scan), Trace(q, scan2))
		}
		shared++
	}
	eachStatement(t, func(text string) {
		for db := range brokenTopologies {
			both(text, db)
		}
	})
	if shared < 200 {
		t.Fatalf("only %d statements were compared", shared)
	}
}

// eachStatement calls f with the statements of the golden files.
func eachStatement(t *testing.T, f func(text string)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files: ", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			head, _, _ := strings.Cut(block, "\n----")
			if _, text, ok := strings.Cut(head, "\n"); ok {
				f(text)
			}
		}
	}
}
