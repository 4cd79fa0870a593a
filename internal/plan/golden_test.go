package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// TestGolden runs the files in testdata. Each case is `plan [db=shop] [zero] [ansi]` with a statement; the answer is the plan's trace, or the error.
// Change a transcript only when you know what changed it.
func TestGolden(t *testing.T) {
	snap := testTopology()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			sess := Session{DB: "shop"}
			for _, a := range d.CmdArgs {
				switch a.Key {
				case "db":
					sess.DB = strings.Join(a.Vals, "")
				case "zero":
					sess.NoAutoValueOnZero = true
				case "ansi":
					sess.Mode.ANSIQuotes = true
				}
			}
			p, scan, err := planText(d.Input, snap, sess)
			if err != nil {
				var e *Error
				if !errors.As(err, &e) {
					return "untyped error: " + err.Error()
				}
				return fmt.Sprintf("error %d (%s): %s\n", e.Code, e.State, e.Message)
			}
			switch d.Cmd {
			case "plan":
				return Trace(p, scan)
			case "explain":
				var out strings.Builder
				for _, r := range Explain(p, scan, []int{0, 2}) {
					fmt.Fprintf(&out, "%s | %s | %s\n", r.Shape, r.Partition, r.Text)
				}
				return out.String()
			case "params":
				return fmt.Sprintln(ParamOrder(scan, p.Merge.Splices, p.Merge.Names))
			}
			return "unknown command"
		})
	})
}

// planText parses and plans one statement.
func planText(text string, snap *topo.Snapshot, sess Session) (*Plan, *sqltext.Scan, error) {
	scan := &sqltext.Scan{}
	if err := scan.Scan([]byte(text), sess.Mode); err != nil {
		return nil, nil, err
	}
	stmt, err := sqltext.Parse(scan, sess.Mode)
	if err != nil {
		return nil, nil, err
	}
	p, err := Build(stmt, scan, snap, sess)
	return p, scan, err
}

func col(name, typ string) topo.Column {
	c := topo.Column{Name: name, FullType: typ}
	c.Type, _, _ = strings.Cut(typ, "(")
	if null := strings.TrimSuffix(c.Type, "?"); null != c.Type {
		c.Type, c.FullType, c.Nullable = null, strings.Replace(typ, "?", "", 1), true
	}
	switch c.Type {
	case "varchar", "char", "text", "enum":
		c.Charset, c.Collation = "utf8mb4", "utf8mb4_general_ci"
	}
	return c
}

func table(db, name string, kind topo.TableKind, cols string, key []int, auto int, unique ...[]int) *topo.Table {
	t := &topo.Table{DB: db, Name: name, Kind: kind, ShardKey: key, AutoIncrement: auto, Unique: unique}
	for _, c := range strings.Fields(cols) {
		n, typ, _ := strings.Cut(c, ":")
		t.Columns = append(t.Columns, col(n, typ))
	}
	return t
}

// testTopology is what the golden files plan against.
func testTopology() *topo.Snapshot {
	s := &topo.Snapshot{Revision: 7, Databases: map[string]*topo.Database{}, Schemas: map[string]topo.PartitionID{}}
	for db, n := range map[string]int{"shop": 4, "other": 2} {
		d := &topo.Database{Name: db, Tables: map[string]*topo.Table{}}
		for i := 0; i < n; i++ {
			id := topo.PartitionID{DB: db, Ordinal: i}
			d.Partitions = append(d.Partitions, &topo.Partition{ID: id, Term: 1})
			s.Schemas[id.Schema()] = id
		}
		s.Databases[db] = d
	}
	for _, t := range []*topo.Table{
		table("shop", "users", topo.Sharded, "id:bigint name:varchar(50) age:int? email:varchar(80) born:date?", []int{0}, 0, []int{0}, []int{0, 3}),
		table("shop", "orders", topo.Sharded, "user_id:bigint id:bigint total:decimal(10,2) status:enum('a','b') note:text? ts:timestamp weight:float?",
			[]int{0}, -1, []int{0, 1}),
		table("shop", "items", topo.Sharded, "user_id:bigint order_id:bigint sku:varchar(20) qty:int", []int{0}, -1),
		table("shop", "maybe", topo.Sharded, "k:bigint? v:int", []int{0}, -1),
		table("shop", "pairs", topo.Sharded, "a:int b:varchar(20) v:int", []int{0, 1}, -1, []int{0, 1}),
		table("shop", "pairs2", topo.Sharded, "a:int b:varchar(20) w:int", []int{0, 1}, -1, []int{0, 1}),
		table("shop", "names", topo.Sharded, "k:varchar(20) v:int u:uuid?", []int{0}, -1, []int{0}),
		table("shop", "log", topo.Keyless, "msg:text at:datetime level:int", nil, -1),
		table("shop", "counted", topo.Keyless, "id:bigint msg:text", nil, 0),
		table("shop", "countries", topo.Reference, "code:char(2) name:varchar(50) user:bigint?", nil, -1, []int{0}),
		table("shop", "tags", topo.Reference, "id:int name:varchar(50)", nil, 0, []int{0}),
		table("other", "t", topo.Sharded, "id:bigint v:int", []int{0}, -1, []int{0}),
		table("other", "r", topo.Reference, "id:bigint v:int", nil, -1, []int{0}),
	} {
		s.Databases[t.DB].Tables[t.Name] = t
	}
	return s
}
