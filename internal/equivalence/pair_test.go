package equivalence

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
	"github.com/orbweaver/orbweaver/internal/gateway/gatewaytest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// cluster is the address of the node that all tests share, plain that of a server of its own.
func cluster(t testing.TB) (node, plain string) {
	t.Helper()
	n, l := gatewaytest.Shared(t)
	return n.Addr.String(), fmt.Sprintf("%s:%d", l.Host, l.Port)
}

func dial(t testing.TB, addr, db string, caps wire.Caps) *answer.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := answer.Dial(ctx, addr, db, caps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// pair is a session at the cluster and one at the plain server.
type pair struct {
	t           testing.TB
	node, plain *answer.Client
	prepared    bool
	refused     map[string]int // reasons of error 1235
	examples    map[string]string
	strict      bool // what is refused is marked
	ran         int
	failures    int
}

// newPair makes a database on both sides and begins a session in it.
func newPair(t testing.TB, db string, partitions int, caps wire.Caps) *pair {
	t.Helper()
	node, plain := cluster(t)
	p := &pair{t: t, node: dial(t, node, "", caps), plain: dial(t, plain, "", caps), refused: map[string]int{}, examples: map[string]string{}}
	p.both("DROP DATABASE IF EXISTS " + db)
	must(t, p.node, fmt.Sprintf("CREATE DATABASE %s PARTITIONS %d", db, partitions))
	must(t, p.plain, "CREATE DATABASE "+db)
	p.both("USE " + db)
	return p
}

func (p *pair) both(sql string) {
	p.t.Helper()
	must(p.t, p.node, sql)
	must(p.t, p.plain, plainDDL(sql))
}

func must(t testing.TB, c *answer.Client, sql string) []answer.Result {
	t.Helper()
	res, err := c.Query(sql)
	if err != nil {
		t.Fatalf("%.300s: %v", sql, err)
	}
	for _, r := range res {
		if r.Err != nil {
			t.Fatalf("%.300s: %v", sql, r.Err)
		}
	}
	return res
}

// how says how much of an answer is decided by the statement.
type how struct {
	ordered  bool // the rows' order is
	count    bool // only their number is
	fold     bool // which of several equal strings stands for all is not
	text     bool // text protocol only
	messages bool // the error's words may differ: they tell a place
	autos    bool // generated values may have gaps
	loose    bool // of columns only the names are
	behind   bool // which table a view's column comes from is not
	refused  bool // the cluster refuses it with error 1235
	warned   bool // the number of warnings is not: each partition warns
}

// same runs a statement on both sides and compares.
func (p *pair) same(sql string, h how) {
	p.t.Helper()
	p.ran++
	node, plain, ok := p.run(sql, h)
	if p.strict && ok == h.refused {
		p.fail(sql, fmt.Sprintf("refused with error 1235: %v, want %v", !ok, h.refused))
	}
	if !ok {
		return
	}
	if d := difference(node, plain, h); d != "" {
		p.fail(sql, d)
		return
	}
	if !h.warned {
		p.warnings(sql, node, plain, h)
	}
}

func (p *pair) fail(sql, d string) {
	p.t.Helper()
	p.failures++
	kind := "text"
	if p.prepared {
		kind = "prepared"
	}
	p.t.Errorf("%s: %.1500s\n%s", kind, sql, d)
	if p.failures > 60 {
		p.t.Fatal("too many differences")
	}
}

// run gives both answers; not ok when the cluster refused the statement for want of Stage, or a failure was told already.
func (p *pair) run(sql string, h how) (node, plain []answer.Result, ok bool) {
	p.t.Helper()
	prepared := p.prepared && !h.text
	text, params := sql, []wire.Param(nil)
	if prepared {
		text, params = answer.Parametrized(sql)
	}
	var preNode, prePlain wire.PrepareOK
	var err error
	if prepared {
		preNode, node, err = p.node.Prepared(text, params)
	} else {
		node, err = p.node.Query(text)
	}
	if err != nil {
		p.t.Fatalf("%.500s: the node: %v", text, err)
	}
	if e := node[len(node)-1].Err; e != nil && e.Code == wire.ErNotSupported {
		p.refused[e.Message]++
		p.examples[e.Message] = sql
		return nil, nil, false
	}
	if prepared {
		prePlain, plain, err = p.plain.Prepared(plainDDL(text), params)
	} else {
		plain, err = p.plain.Query(plainDDL(text))
	}
	if err != nil {
		p.t.Fatalf("%.500s: the plain server: %v", text, err)
	}
	preNode.StmtID, prePlain.StmtID = 0, 0
	if preNode != prePlain && node[0].Err == nil && plain[0].Err == nil {
		p.fail(text, fmt.Sprintf("prepared: %+v, want %+v", preNode, prePlain))
		return nil, nil, false
	}
	return node, plain, true
}

// warnings compares SHOW WARNINGS where either side counts some.
func (p *pair) warnings(sql string, node, plain []answer.Result, h how) {
	p.t.Helper()
	n, m := node[len(node)-1], plain[len(plain)-1]
	if n.Err == nil && m.Err == nil && n.OK.Warnings == 0 && m.OK.Warnings == 0 {
		return
	}
	a, b := must(p.t, p.node, "SHOW WARNINGS"), must(p.t, p.plain, "SHOW WARNINGS")
	if d := difference(a, b, how{ordered: false, messages: h.messages}); d != "" {
		p.fail(sql, "SHOW WARNINGS: "+d)
	}
}

// difference tells in which way two answers differ; "" when they are the same.
func difference(node, plain []answer.Result, h how) string {
	if len(node) != len(plain) {
		return fmt.Sprintf("%d results, want %d%s", len(node), len(plain), errorsOf(node, plain))
	}
	for i := range node {
		if d := differs(&node[i], &plain[i], h); d != "" {
			if len(node) > 1 {
				d = fmt.Sprintf("result %d: %s", i+1, d)
			}
			return d
		}
	}
	return ""
}

func errorsOf(all ...[]answer.Result) string {
	s := ""
	for _, rs := range all {
		for _, r := range rs {
			if r.Err != nil {
				s += "\n\t" + r.Err.Error()
			}
		}
	}
	return s
}

// statusBits are those that a client acts upon.
const statusBits = wire.StatusInTrans | wire.StatusAutocommit | wire.StatusMoreResults | wire.StatusNoBackslashEscape | wire.StatusAnsiQuotes |
	wire.StatusInTransReadonly

func differs(r, want *answer.Result, h how) string {
	if r.Err != nil || want.Err != nil {
		switch {
		case want.Err == nil:
			return "error " + r.Err.Error() + "\nwant none"
		case r.Err == nil:
			return "no error, want " + want.Err.Error()
		case r.Err.Code != want.Err.Code || r.Err.State != want.Err.State, r.Err.Message != want.Err.Message && !h.messages:
			return fmt.Sprintf("error %d (%s) %s\nwant  %d (%s) %s", r.Err.Code, r.Err.State, r.Err.Message, want.Err.Code, want.Err.State, want.Err.Message)
		}
		return ""
	}
	if len(r.Columns) != len(want.Columns) {
		return fmt.Sprintf("%d columns, want %d", len(r.Columns), len(want.Columns))
	}
	for i := range r.Columns {
		got, wanted := r.Columns[i], want.Columns[i]
		if h.behind {
			got.OrgTable, wanted.OrgTable = nil, nil
		}
		if a, b := answer.Describe(&got), answer.Describe(&wanted); a != b && !(h.loose && string(r.Columns[i].Name) == string(want.Columns[i].Name)) {
			return fmt.Sprintf("column %s\nwant   %s", a, b)
		}
	}
	if r.OK.AffectedRows != want.OK.AffectedRows || string(r.OK.Info) != string(want.OK.Info) || r.OK.InsertID != want.OK.InsertID && !h.autos {
		return fmt.Sprintf("%d affected, insert id %d, info %q; want %d, %d, %q",
			r.OK.AffectedRows, r.OK.InsertID, r.OK.Info, want.OK.AffectedRows, want.OK.InsertID, want.OK.Info)
	}
	if r.OK.Warnings != want.OK.Warnings && !h.warned {
		return fmt.Sprintf("%d warnings, want %d", r.OK.Warnings, want.OK.Warnings)
	}
	if a, b := r.OK.Status&statusBits, want.OK.Status&statusBits; a != b {
		return fmt.Sprintf("status %#x, want %#x", a, b)
	}
	return rowsDiffer(r, want, h)
}

func rowsDiffer(r, want *answer.Result, h how) string {
	if len(r.Rows) != len(want.Rows) {
		return fmt.Sprintf("%d rows, want %d%s", len(r.Rows), len(want.Rows), diffRows(lines(r, h), lines(want, h)))
	}
	if h.count {
		return ""
	}
	a, b := lines(r, h), lines(want, h)
	if !h.ordered {
		slices.Sort(a)
		slices.Sort(b)
	}
	if slices.Equal(a, b) {
		return ""
	}
	return "rows differ" + diffRows(a, b)
}

func lines(r *answer.Result, h how) []string {
	out := make([]string, len(r.Rows))
	for i, w := range r.Rows {
		out[i] = fmt.Sprintf("%q", w.Cells)
		if h.fold {
			out[i] = fold(out[i])
		}
		if h.messages { // a row of SHOW WARNINGS
			out[i] = fmt.Sprintf("%q", w.Cells[:min(2, len(w.Cells))])
		}
	}
	return out
}

// fold makes strings that the tests' collations take for equal the same.
func fold(s string) string {
	return foldings.Replace(strings.ToLower(s))
}

var foldings = strings.NewReplacer("é", "e", "è", "e", "ä", "a", "å", "a", "ö", "o", "ü", "u", "ß", "ss", " ", "")

// diffRows shows the first rows that differ.
func diffRows(a, b []string) string {
	var s strings.Builder
	shown := 0
	for i := range max(len(a), len(b)) {
		x, y := "-", "-"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x == y {
			continue
		}
		fmt.Fprintf(&s, "\n\t%d: %s\n\twant %s", i, x, y)
		if shown++; shown == 4 {
			break
		}
	}
	return s.String()
}

func (p *pair) refusals() (n int) {
	for _, times := range p.refused {
		n += times
	}
	return n
}

// report logs what was refused, most frequent first.
func (p *pair) report() {
	reasons := slices.SortedFunc(maps.Keys(p.refused), func(a, b string) int { return p.refused[b] - p.refused[a] })
	p.t.Logf("%d statements, %d of them refused with 1235", p.ran, p.refusals())
	for _, r := range reasons {
		p.t.Logf("%5d  %s\n\t%.200s", p.refused[r], r, p.examples[r])
	}
}
