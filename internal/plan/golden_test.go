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

// TestGolden runs the files in testdata. Each case is `plan [db=shop] [zero] [ansi] [groups]` with a statement; the answer is the plan's trace, or the error.
// Change a transcript only when you know what changed it.
func TestGolden(t *testing.T) {
	snap, linked := testTopology(), linkedTopology()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			sess := Session{DB: "shop"}
			for _, a := range d.CmdArgs {
				switch a.Key {
				case "db":
					sess.DB = strings.Join(a.Vals, "")
				case "zero":
					sess.NoAutoValueOnZero = true
				case "groups":
					sess.FullGroups = true
				case "ansi":
					sess.Mode.ANSIQuotes = true
				}
			}
			snap := snap
			if d.Cmd == "tpch" {
				snap, sess.DB = tpchTopology(), "tpch"
			}
			if d.Cmd == "linked" || strings.HasSuffix(d.Cmd, "parts") {
				snap, sess.DB = linked, "db"
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
			case "shape":
				return shapeOf(p)
			case "bring":
				t := tracer{scan: scan}
				if p.InsertSelect != nil {
					p = p.InsertSelect.Plan
				}
				for i := range p.Bringings {
					t.bringing(&p.Bringings[i], sqltext.Span{To: int32(len(scan.Tokens))})
				}
				return t.out.String() + shapeOf(p)
			case "plan", "parts", "tpch":
				return Trace(p, scan)
			case "linked":
				if p.Linked == nil {
					return Trace(p, scan)
				}
				return linkedTrace(p, scan)
			case "explain":
				var out strings.Builder
				for _, r := range Explain(p, scan, []int{0, 2}) {
					fmt.Fprintf(&out, "%s | %s | %s\n", r.Shape, r.Partition, r.Text)
				}
				return out.String()
			case "explainparts":
				var out strings.Builder
				var at []int
				if d.HasArg("at") {
					at = []int{0}
				}
				for _, r := range Explain(p, scan, at) {
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

// linkedTopology has linked tables: t and u of one server, in databases and under names of their own there, v of another, w of the first with a password of its own.
func linkedTopology() *topo.Snapshot {
	b := topo.NewBuilder(nil)
	b.PutServer(&topo.Server{Name: "s1", Wrapper: "mysql", Host: "h1", Port: 3307, User: "u", Database: "far"})
	b.PutServer(&topo.Server{Name: "s2", Wrapper: "mysql", Host: "h2", Port: 3307, User: "u", Database: "far"})
	for _, db := range []string{"db", "db2"} {
		b.PutDatabase(&topo.Database{Name: db, Partitions: []*topo.Partition{{ID: topo.PartitionID{DB: db}}}})
	}
	put := func(db, name string, params map[string][]string, passwords [][]byte, columns ...topo.Column) {
		b.PutTable(&topo.Table{DB: db, Name: name, Kind: topo.Linked, Columns: columns, AutoIncrement: 0, Unique: [][]int{{0}},
			Places: []topo.LinkPlace{{Count: 1, Params: params, Passwords: passwords}}})
	}
	id, name := col("id", "int"), col("name", "varchar(9)?")
	put("db", "t", map[string][]string{"server": {"s1"}}, nil, id, name)
	put("db", "u", map[string][]string{"server": {"s1"}, "table": {"u far"}}, nil, id, col("t_id", "int?"))
	put("db", "v", map[string][]string{"server": {"s2"}}, nil, id, name)
	put("db", "w", map[string][]string{"server": {"s1"}}, [][]byte{{1}}, id)
	put("db", "r", map[string][]string{"server": {"s1"}, "read_only_mode": {"1"}}, nil, id)
	put("db2", "t", map[string][]string{"server": {"s1"}, "database": {"far2"}}, nil, id, name)
	putParts(b)
	b.PutTable(&topo.Table{DB: "db", Name: "sharded", Kind: topo.Sharded, Columns: []topo.Column{id}, ShardKey: []int{0}, AutoIncrement: -1, Unique: [][]int{{0}}})
	return b.Build(1)
}

// linkedTrace is what a remote server is sent, and what is remembered for its answer.
func linkedTrace(p *Plan, scan *sqltext.Scan) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", Render(nil, scan, p.Forward, p.Forward, Target{Remote: p.Linked.Places[0].Names}))
	for _, n := range p.Names {
		fmt.Fprintf(&out, "column %d: %s\n", n.Col, scan.Text(n.Span))
	}
	if n := len(p.Linked.Places[0].Links); n > 1 {
		fmt.Fprintf(&out, "%d passwords\n", n)
	}
	if p.Linked.InsertID != InsertIDGiven {
		fmt.Fprintf(&out, "insert id: %s\n", [...]string{"given", "generated", "ask"}[p.Linked.InsertID])
	}
	return out.String()
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
	full, null := strings.CutSuffix(typ, "?")
	c := topo.Column{Name: name, FullType: full, Nullable: null}
	c.Type, _, _ = strings.Cut(full, "(")
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

// shapeOf says how a statement is run when its route leads to more than one place.
func shapeOf(p *Plan) string {
	switch {
	case p.Stage != "":
		return "stage: " + p.Stage + "\n"
	case p.Route.Kind == RouteAny || len(p.Route.Keys) == 1:
		return "forward\n"
	case p.Merge != nil:
		return "merge\n"
	}
	return "spread\n"
}

// tpchTopology has TPC-H's tables, sharded by order and part keys, and what is small everywhere.
func tpchTopology() *topo.Snapshot {
	s := &topo.Snapshot{Databases: map[string]*topo.Database{}, Schemas: map[string]topo.PartitionID{}}
	d := &topo.Database{Name: "tpch", Tables: map[string]*topo.Table{}}
	for i := range 4 {
		d.Partitions = append(d.Partitions, &topo.Partition{ID: topo.PartitionID{DB: "tpch", Ordinal: i}, Term: 1})
	}
	s.Databases[d.Name] = d
	for _, t := range []*topo.Table{
		table("tpch", "nation", topo.Reference, "n_nationkey:int n_name:char(25) n_regionkey:int n_comment:varchar(152)?", nil, -1, []int{0}),
		table("tpch", "region", topo.Reference, "r_regionkey:int r_name:char(25) r_comment:varchar(152)?", nil, -1, []int{0}),
		table("tpch", "part", topo.Sharded, "p_partkey:int p_name:varchar(55) p_mfgr:char(25) p_brand:char(10) p_type:varchar(25) p_size:int p_container:char(10) p_retailprice:decimal(15,2) p_comment:varchar(23)", []int{0}, -1, []int{0}),
		table("tpch", "supplier", topo.Sharded, "s_suppkey:int s_name:char(25) s_address:varchar(40) s_nationkey:int s_phone:char(15) s_acctbal:decimal(15,2) s_comment:varchar(101)", []int{0}, -1, []int{0}),
		table("tpch", "partsupp", topo.Sharded, "ps_partkey:int ps_suppkey:int ps_availqty:int ps_supplycost:decimal(15,2) ps_comment:varchar(199)", []int{0}, -1, []int{0, 1}),
		table("tpch", "customer", topo.Sharded, "c_custkey:int c_name:varchar(25) c_address:varchar(40) c_nationkey:int c_phone:char(15) c_acctbal:decimal(15,2) c_mktsegment:char(10) c_comment:varchar(117)", []int{0}, -1, []int{0}),
		table("tpch", "orders", topo.Sharded, "o_orderkey:int o_custkey:int o_orderstatus:char(1) o_totalprice:decimal(15,2) o_orderdate:date o_orderpriority:char(15) o_clerk:char(15) o_shippriority:int o_comment:varchar(79)", []int{0}, -1, []int{0}),
		table("tpch", "lineitem", topo.Sharded, "l_orderkey:int l_partkey:int l_suppkey:int l_linenumber:int l_quantity:decimal(15,2) l_extendedprice:decimal(15,2) l_discount:decimal(15,2) l_tax:decimal(15,2) l_returnflag:char(1) l_linestatus:char(1) l_shipdate:date l_commitdate:date l_receiptdate:date l_shipinstruct:char(25) l_shipmode:char(10) l_comment:varchar(44)", []int{0}, -1, []int{0, 3}),
	} {
		d.Tables[t.Name] = t
	}
	return s
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
		table("shop", "actor", topo.Single, "id:bigint user:int? name:varchar(50) note:text?", nil, 0, []int{0}, []int{1}, []int{2}),
		table("shop", "page", topo.Single, "id:bigint actor:bigint title:varchar(50)", nil, -1, []int{0}),
		table("other", "solo", topo.Single, "id:bigint v:int", nil, 0, []int{0}),
		table("other", "t", topo.Sharded, "id:bigint v:int", []int{0}, -1, []int{0}),
		table("other", "r", topo.Reference, "id:bigint v:int", nil, -1, []int{0}),
	} {
		s.Databases[t.DB].Tables[t.Name] = t
	}
	shop := s.Databases["shop"]
	shop.Routines = map[string]*topo.Routine{}
	for _, f := range []*topo.Routine{
		{Name: "spent", Definer: "a@b", Reads: []string{"orders", "tags"}, OneLeaf: true},
		{Name: "label", Definer: "a@b", Reads: []string{"tags"}},
		{Name: "dice", OneLeaf: true},
		{Name: "fold", OneLeaf: true, Aggregate: true},
	} {
		f.DB, f.Kind = "shop", topo.Function
		shop.Routines[f.Key()] = f
	}
	return s
}
