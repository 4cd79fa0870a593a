package plan

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// The property: a statement that runs on copies which hold no more than its fills answers as it does on the tables. Statements and rows are random; a real MariaDB
// runs both.

var worldsFlag = flag.Int("worlds", 24, "how many sets of random rows the tests with random statements run on")

// stageTables are the tables of the test, as MariaDB is told of them.
var stageTables = []struct{ db, name, columns string }{
	{"shop", "p", "id INT PRIMARY KEY, a INT, b INT NOT NULL, c VARCHAR(4), d DATE, x DECIMAL(5,1)"},
	{"shop", "q", "k INT, a INT, c VARCHAR(4), n BIGINT NOT NULL, g INT AS (a * 2) VIRTUAL"},
	{"shop", "r", "k INT NOT NULL, v INT, c CHAR(4), d DATE, unused TEXT NOT NULL, KEY (k, v)"},
	{"other", "s", "id INT PRIMARY KEY, a INT, c VARCHAR(4) COLLATE utf8mb4_bin, b INT NOT NULL"},
	{"shop", "f", "id INT PRIMARY KEY, a INT, c VARCHAR(4)"},
}

func stageTopology() *topo.Snapshot {
	s := testTopology()
	for _, t := range []*topo.Table{
		table("shop", "p", topo.Sharded, "id:int a:int? b:int c:varchar(4)? d:date? x:decimal(5,1)?", []int{0}, -1, []int{0}),
		table("shop", "q", topo.Keyless, "k:int? a:int? c:varchar(4)? n:bigint g:int?", nil, -1),
		table("shop", "r", topo.Sharded, "k:int v:int? c:char(4)? d:date? unused:text", []int{0}, -1),
		table("other", "s", topo.Sharded, "id:int a:int? c:varchar(4)? b:int", []int{0}, -1, []int{0}),
		table("shop", "f", topo.Reference, "id:int a:int? c:varchar(4)?", nil, -1, []int{0}),
	} {
		s.Databases[t.DB].Tables[t.Name] = t
	}
	s.Table("shop", "q").Columns[4].Generated = true
	s.Table("other", "s").Columns[2].Collation = "utf8mb4_bin"
	return s
}

// server is a connection to the MariaDB that runs both.
type server struct {
	testing.TB
	*sql.Conn
	parts int // databases over which the rows are spread as well
}

func openServer(t testing.TB, parts int) *server {
	db, err := sql.Open("mysql", "root@unix("+farmtest.Shared(t, 1).Leaves()[0].Socket+")/?charset=utf8mb4&collation=utf8mb4_general_ci&multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &server{t, c, parts}
	s.exec("DROP DATABASE IF EXISTS shop; DROP DATABASE IF EXISTS other; DROP DATABASE IF EXISTS stage; CREATE DATABASE shop; CREATE DATABASE other; CREATE DATABASE stage")
	// The cache takes strings for the same that are equal, whatever a subquery makes of them: then the order of rows decides.
	s.exec("SET sql_mode = '', max_statement_time = 20, optimizer_switch = 'subquery_cache=off'; USE shop")
	for _, x := range stageTables {
		s.exec(fmt.Sprintf("CREATE TABLE %s.%s (%s) CHARSET utf8mb4 COLLATE utf8mb4_general_ci", x.db, x.name, x.columns))
	}
	for n := range parts {
		for _, db := range []string{"shop", "other"} {
			s.exec(fmt.Sprintf("DROP DATABASE IF EXISTS %s_%d; CREATE DATABASE %s_%d", db, n, db, n))
		}
		for _, x := range stageTables {
			s.exec(fmt.Sprintf("CREATE TABLE %s_%d.%s LIKE %s.%s", x.db, n, x.name, x.db, x.name))
		}
	}
	return s
}

func (s *server) exec(text string) {
	s.Helper()
	if _, err := s.ExecContext(s.Context(), text); err != nil {
		s.Fatalf("%s: %v", text, err)
	}
}

// answer is the rows of a query in an order of their own, or the number of its error. Of strings that are equal any may be the answer.
func (s *server) answer(text string) (rows []string, code uint16) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	res, err := s.QueryContext(ctx, text)
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return nil, e.Number
	}
	if err != nil {
		s.Fatalf("%s: %v", text, err)
	}
	defer res.Close()
	cols, err := res.Columns()
	if err != nil {
		s.Fatal(err)
	}
	for res.Next() {
		cells := make([]sql.NullString, len(cols))
		into := make([]any, len(cols))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := res.Scan(into...); err != nil {
			s.Fatal(err)
		}
		var sb strings.Builder
		for _, c := range cells {
			if !c.Valid {
				sb.WriteString("NULL|")
				continue
			}
			sb.WriteString(strings.ToLower(strings.TrimRight(c.String, " ")) + "|")
		}
		rows = append(rows, sb.String())
	}
	if err := res.Err(); err != nil {
		if errors.As(err, &e) {
			return nil, e.Number
		}
		s.Fatalf("%s: %v", text, err)
	}
	sort.Strings(rows)
	return rows, 0
}

// load gives the tables new rows.
func (s *server) load(g *statements) map[string]int {
	rows := make(map[string]int)
	pick := func(values ...string) string { return values[g.Intn(len(values))] }
	number := func() string { return pick("NULL", "0", "1", "2", "3", "4") }
	some := func() string { return pick("0", "1", "2", "3") }
	text := func() string { return pick("NULL", "''", "'a'", "'A'", "'b'", "'ab'", "'a '", "'B'") }
	date := func() string { return pick("NULL", "'2020-01-01'", "'2020-01-02'", "'2020-01-03'") }
	for _, x := range stageTables {
		s.exec("TRUNCATE TABLE " + x.db + "." + x.name)
		for n := range s.parts {
			s.exec(fmt.Sprintf("TRUNCATE TABLE %s_%d.%s", x.db, n, x.name))
		}
		for i := range 2 + g.Intn(7) {
			id := fmt.Sprint(i)
			var cols, values string
			switch x.name {
			case "p":
				cols, values = "id, a, b, c, d, x", strings.Join([]string{id, number(), some(), text(), date(), pick("NULL", "0", "1", "1.5", "3")}, ", ")
			case "q":
				cols, values = "k, a, c, n", strings.Join([]string{number(), number(), text(), some()}, ", ")
			case "r":
				cols, values = "k, v, c, d, unused", strings.Join([]string{some(), number(), text(), date(), "'u'"}, ", ")
			case "s":
				cols, values = "id, a, c, b", strings.Join([]string{id, number(), text(), some()}, ", ")
			case "f":
				cols, values = "id, a, c", strings.Join([]string{id, number(), text()}, ", ")
			}
			s.exec(fmt.Sprintf("INSERT INTO %s.%s (%s) VALUES (%s)", x.db, x.name, cols, values))
			if s.parts > 0 {
				at := g.Intn(s.parts)
				if key, err := strconv.Atoi(values[:1]); err == nil && x.name != "q" {
					at = key % s.parts
				}
				s.exec(fmt.Sprintf("INSERT INTO %s_%d.%s (%s) VALUES (%s)", x.db, at, x.name, cols, values))
			}
			rows[x.name]++
		}
	}
	return rows
}

// stage puts copies that hold what the fills say in the place of the tables, and tells how many rows they have.
func (s *server) stage(scan *sqltext.Scan, fills []Fill) (rows int64) {
	s.Helper()
	var shadow strings.Builder
	for i := range fills {
		f := &fills[i]
		var keys []string
		for _, k := range f.Keys {
			if k.From > i { // which is not there yet
				continue
			}
			keys = append(keys, fmt.Sprintf("(%s) IN (SELECT %s FROM stage.s%d)", strings.Join(columnsOf(f.Table, k.Columns), ", "),
				strings.Join(columnsOf(fills[k.From].Table, k.FromColumns), ", "), k.From))
		}
		text, _ := RenderFill(nil, scan, f, strings.Join(keys, " AND "))
		if f.Lean {
			s.exec(fmt.Sprintf("CREATE TEMPORARY TABLE stage.s%d AS SELECT %s FROM %s.%s LIMIT 0", i, strings.Join(columnsOf(f.Table, f.Columns), ", "), f.Table.DB, f.Table.Name))
		} else {
			s.exec(fmt.Sprintf("CREATE TEMPORARY TABLE stage.s%d LIKE %s.%s", i, f.Table.DB, f.Table.Name))
		}
		insert := fmt.Sprintf("INSERT INTO stage.s%d (%s) %s", i, strings.Join(columnsOf(f.Table, f.Columns), ", "), text)
		res, err := s.ExecContext(s.Context(), insert)
		if err != nil {
			s.Fatalf("%s\n%s: %v", scan.Src, insert, err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			s.Fatal(err)
		}
		rows += n
		fmt.Fprintf(&shadow, "ALTER TABLE stage.s%d RENAME TO %s.%s;", i, f.Table.DB, f.Table.Name)
	}
	if len(fills) > 0 {
		s.exec(shadow.String())
	}
	return rows
}

func (s *server) unstage(fills []Fill) {
	for i := range fills {
		s.exec("DROP TEMPORARY TABLE " + fills[i].Table.DB + "." + fills[i].Table.Name)
	}
}

// fillsOf are the fills of a statement, whether it has to be staged or not. Reference tables are filled as well.
func fillsOf(t testing.TB, text string, snap *topo.Snapshot) ([]Fill, *sqltext.Scan) {
	t.Helper()
	scan := &sqltext.Scan{}
	if err := scan.Scan([]byte(text), sqltext.Mode{}); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	stmt, err := sqltext.Parse(scan, sqltext.Mode{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	p := newPlanner(stmt, scan, snap, Session{DB: "shop"})
	var out Plan
	if reason := p.fill(&out, stmt.Query, stmt.Span); reason != "" {
		t.Fatalf("%s: %s", text, reason)
	}
	return append(out.Fills, out.References...), scan
}

func TestFillsAreEnough(t *testing.T) {
	s := openServer(t, 0)
	snap := stageTopology()
	worlds, each := *worldsFlag, 50
	if testing.Short() {
		worlds = min(worlds, 12)
	}
	codes := map[uint16]int{}
	var all, copied, narrowed, keyed, first, refused int64
	for world := range worlds {
		g := &statements{Rand: rand.New(rand.NewSource(int64(world))), tables: baseSources}
		loaded := s.load(g)
		for n := range each {
			text := g.statement()
			want, code := s.answer(text)
			if code != 0 {
				refused++
				codes[code]++
				continue
			}
			fills, scan := fillsOf(t, text, snap)
			rows := s.stage(scan, fills)
			got, failed := s.answer(text)
			if fmt.Sprint(got) != fmt.Sprint(want) || failed != 0 {
				var plan strings.Builder
				for i := range fills {
					fill, _ := RenderFill(nil, scan, &fills[i], "")
					fmt.Fprintf(&plan, "%s  %+v\n", fill, fills[i].Keys)
				}
				t.Fatalf("world %d, statement %d: %s\n%swant %v\ngot  %v (error %d)", world, n, text, plan.String(), want, got, failed)
			}
			s.unstage(fills)
			copied += rows
			for i := range fills {
				all += int64(loaded[fills[i].Table.Name])
				if fills[i].Where != nil {
					narrowed++
				}
				if fills[i].Keys != nil {
					keyed++
				}
				if fills[i].First != nil {
					first++
				}
			}
		}
	}
	t.Logf("%v", codes)
	t.Logf("%d of %d rows copied, %d fills with conditions, %d with keys, %d of the first rows, %d statements refused", copied, all, narrowed, keyed, first, refused)
	if total := int64(worlds * each); refused > total/3 || narrowed < total/2 || keyed < total/8 || first < total/50 {
		t.Fatal("the generator has lost its variety")
	}
}

// TestPartsAreTheWhole runs statements that need not be staged: what the partitions answer, put together, is the answer. Only answers are looked at that take no more than
// that, or leaving equal rows out.
func TestPartsAreTheWhole(t *testing.T) {
	const parts = 3
	s := openServer(t, parts)
	snap := stageTopology()
	worlds := *worldsFlag
	if testing.Short() {
		worlds = min(worlds, 12)
	}
	p, q, r, f := baseSources[0], baseSources[1], baseSources[2], baseSources[4]
	tables := []genSource{p, p, p, p, r, r, r, r, q, f, f}
	merged, single, staged, windows := 0, 0, 0, 0
	for world := range worlds {
		g := &statements{Rand: rand.New(rand.NewSource(int64(world))), tables: tables, keyed: true}
		s.load(g)
		for n := range 50 {
			text := g.statement()
			p, scan, err := planText(text, snap, Session{DB: "shop", Results: "utf8mb4"})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			at := partsOf(p, scan, parts)
			switch {
			case p.Route.Kind == RouteAny:
				continue
			case len(at) > 1 && p.Stage != "":
				staged++
				continue
			case len(at) > 1 && (p.Merge.Grouped || p.Merge.Limit.Count.Kind != OperandNone):
				continue
			}
			want, code := s.answer(text)
			if code != 0 {
				continue
			}
			var got []string
			splices, names, hidden := p.Forward, p.Forward, 0
			if len(at) > 1 {
				splices, names, hidden = p.Merge.Splices, p.Merge.Names, p.Merge.Hidden
			}
			for _, n := range at {
				schema := fmt.Sprintf("shop_%d", n)
				s.exec("USE " + schema)
				part := string(Render(nil, scan, splices, names, Target{Schema: schema}))
				rows, code := s.answer(part)
				if code != 0 {
					t.Fatalf("world %d, statement %d: %s\npart %s: error %d", world, n, text, part, code)
				}
				for _, r := range rows {
					cells := strings.SplitAfter(r, "|")
					got = append(got, strings.Join(cells[:len(cells)-1-hidden], ""))
				}
			}
			s.exec("USE shop")
			sort.Strings(got)
			if len(at) > 1 && p.Merge.Distinct {
				got = slices.Compact(got)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("world %d, statement %d: %s\n%swant %v\ngot  %v", world, n, text, Trace(p, scan), want, got)
			}
			if len(at) > 1 {
				merged++
				if p.Facts&sqltext.HasWindow != 0 {
					windows++
				}
			} else {
				single++
			}
		}
	}
	t.Logf("%d merged, %d of them with windows, %d at one place, %d staged", merged, windows, single, staged)
	if n := worlds * 50; merged < n/6 || single < n/80 || windows < n/80 {
		t.Fatal("the generator has lost its variety")
	}
}

// TestScalarsStandForThemselves puts the values of subqueries in their places.
func TestScalarsStandForThemselves(t *testing.T) {
	s := openServer(t, 0)
	snap := stageTopology()
	worlds := *worldsFlag
	if testing.Short() {
		worlds = min(worlds, 12)
	}
	solved := 0
	for world := range worlds {
		g := &statements{Rand: rand.New(rand.NewSource(int64(world))), tables: baseSources[:3]}
		s.load(g)
		for n := range 50 {
			text := g.statement()
			p, scan, err := planText(text, snap, Session{DB: "shop"})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if len(p.Scalars) == 0 {
				continue
			}
			want, code := s.answer(text)
			if code != 0 {
				continue
			}
			var splices []Splice
			for _, sc := range p.Scalars {
				query := string(RenderSpan(nil, scan, sc.Query, nil, nil, Target{}))
				rows, code := s.answer(query)
				if code != 0 || len(rows) != 1 {
					t.Fatalf("%s\n%s: rows %v, error %d", text, query, rows, code)
				}
				literal := strings.TrimSuffix(rows[0], "|")
				if strings.Count(literal, "-") > 1 {
					literal = "DATE '" + literal + "'"
				}
				splices = append(splices, Splice{sc.Span.From, sc.Span.To, []Piece{textPiece("(" + literal + ")")}})
			}
			other := string(Render(nil, scan, splices, nil, Target{}))
			got, code := s.answer(other)
			if code != 0 || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("world %d, statement %d: %s\n%s\nwant %v\ngot  %v (error %d)", world, n, text, other, want, got, code)
			}
			solved++
		}
	}
	t.Logf("%d statements solved", solved)
	if solved < worlds/2 {
		t.Fatal("the generator has lost its variety")
	}
}

// partsOf are the partitions that a route leads to, where a key's is its remainder.
func partsOf(p *Plan, scan *sqltext.Scan, parts int) []int {
	all := make([]int, parts)
	for i := range all {
		all[i] = i
	}
	switch p.Route.Kind {
	case RouteOne:
		return all[:1]
	case RouteKeys:
		var at []int
		for _, k := range p.Route.Keys {
			n, err := strconv.Atoi(strings.Trim(string(scan.Bytes(k[0].Tok)), "'"))
			if k[0].Kind != OperandLiteral || err != nil {
				return all
			}
			at = append(at, n%parts)
		}
		slices.Sort(at)
		return slices.Compact(at)
	}
	return all
}
