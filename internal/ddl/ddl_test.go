package ddl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/faultproxy"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// bench is a cluster of two leaves for one test, with a database d of four partitions where asked for.
type bench struct {
	t    *testing.T
	farm *localfarm.Farm
	cat  *catalog.Catalog
	run  *Runner
	s    Session
	// proxies are in front of the leaves, detour are their addresses by leaf.
	proxies []*faultproxy.Proxy
	detour  map[string]string
	// heard is what servers of linked tables were sent, answer is what they answer.
	mu     sync.Mutex
	heard  []string
	answer func(sql string) (*backend.Result, error)
}

// sealedBefore is what stands before what the test's seal hides.
const sealedBefore = " seals "

func newBench(t *testing.T, databases ...string) *bench {
	t.Helper()
	return newBenchAt(t, farmtest.Shared(t, 2), databases...)
}

func newBenchAt(t *testing.T, farm *localfarm.Farm, databases ...string) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	quiet := slog.New(slog.DiscardHandler)
	dir, err := os.MkdirTemp("", "orbweaver-ddl-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	e, err := catalog.StartEmbedded(ctx, catalog.EmbeddedConfig{Dir: dir, Throwaway: true, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	cat, err := catalog.Open(ctx, catalog.Config{Endpoints: e.Endpoints(), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cat.Close() })
	if _, err := cat.Update(ctx, func(x *catalog.Txn) error {
		for _, l := range farm.Leaves() {
			x.PutLeaf(&topo.Leaf{Name: l.Name, Host: l.Host, Port: l.Port, Group: l.Group, State: topo.LeafOnline, ServerID: l.ServerID})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	node, err := cat.Register(ctx, catalog.NodeInfo{Name: "n"}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close(context.Background()) })
	b := &bench{t: t, farm: farm, cat: cat, detour: map[string]string{}}
	pools := backend.New(backend.Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		addr, ok := b.detour[leaf]
		return addr, ok
	}})
	t.Cleanup(pools.Close)
	for _, l := range farm.Leaves() {
		p, err := faultproxy.Start(net.JoinHostPort(l.Host, strconv.Itoa(l.Port)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		b.proxies = append(b.proxies, p)
		b.detour[l.Name] = p.Addr()
	}
	b.run = New(Config{
		Catalog: cat, Node: node, Pools: pools, Log: quiet, Seal: func(secret, purpose string) []byte { return []byte(purpose + sealedBefore + secret) },
		Open: func(sealed []byte, purpose string) (string, error) {
			meant, secret, ok := strings.Cut(string(sealed), sealedBefore)
			if !ok || meant != purpose {
				return "", fmt.Errorf("sealed for %q, opened for %q", meant, purpose)
			}
			return secret, nil
		},
		Remote: func(_ context.Context, links []spider.Link, _ *backend.State, sql ...string) (*backend.Result, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.heard = append(b.heard, links[0].Host+": "+sql[0])
			return b.answer(sql[0])
		},
	})
	b.answer = func(string) (*backend.Result, error) { return &backend.Result{}, nil }
	for _, l := range farm.Leaves() {
		if err := b.run.servers.Install(ctx, l.Name); err != nil {
			t.Fatal(err)
		}
	}
	b.s = b.account("app", "ALL PRIVILEGES ON *.*")
	for _, db := range databases {
		t.Cleanup(func() { b.everywhere("DROP DATABASE IF EXISTS " + id(db)) })
		b.must("CREATE DATABASE " + id(db) + " PARTITIONS 4")
		for i := range 4 {
			t.Cleanup(func() { b.everywhere(fmt.Sprintf("DROP DATABASE IF EXISTS `%s_%d`", db, i)) })
		}
	}
	b.s.Schema, b.s.Fill = "d", func(ctx context.Context, t *topo.Table, _ bool) (*Result, error) {
		places, err := partitions(b.cat.Snapshot(), t.DB)
		if err == nil {
			_, err = b.run.asCluster(ctx, places[0], places[0].Schema, "INSERT INTO "+id(t.Name)+" VALUES (1)")
		}
		return &Result{Affected: 1}, err
	}
	return b
}

// account makes an account on all leaves and gives it a right.
func (b *bench) account(name, right string) Session {
	b.everywhere("CREATE OR REPLACE USER " + name + "@'%' IDENTIFIED VIA ed25519 USING '" + farmtest.ClusterPublicKey + "'")
	if right != "" {
		b.everywhere("GRANT " + right + " TO " + name + "@'%'")
	}
	b.t.Cleanup(func() { b.everywhere("DROP USER IF EXISTS " + name + "@'%'") })
	return Session{Account: backend.Account{User: name, Host: "%", ClientIP: netip.MustParseAddr("127.0.0.1")}, Schema: "d"}
}

func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	b.t.Cleanup(cancel)
	return ctx
}

func (b *bench) as(s Session, sql string) (*Result, error) {
	b.t.Helper()
	var scan sqltext.Scan
	if err := scan.Scan([]byte(sql), sqltext.Mode{}); err != nil {
		b.t.Fatal(err)
	}
	stmt, err := sqltext.Parse(&scan, sqltext.Mode{})
	if err != nil {
		b.t.Fatal(err)
	}
	if stmt.Kind != sqltext.KindDDL {
		b.t.Fatalf("%s: kind %v", sql, stmt.Kind)
	}
	return b.run.Run(b.ctx(), s, &scan, stmt)
}

func (b *bench) must(sql string) *Result {
	b.t.Helper()
	res, err := b.as(b.s, sql)
	if err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	return res
}

// refused runs a statement that must fail with a number and leave everything as it was.
func (b *bench) refused(code uint16, text, sql string) {
	b.t.Helper()
	before := b.world("d")
	_, err := b.as(b.s, sql)
	var e interface {
		MySQL() (uint16, string, string)
	}
	got := uint16(0)
	if errors.As(err, &e) {
		got, _, _ = e.MySQL()
	} else if s, ok := refused(err); ok {
		got = s.Code
	}
	if got != code || !strings.Contains(fmt.Sprint(err), text) {
		b.t.Errorf("%s: error %d %v, want %d … %s …", sql, got, err, code, text)
	}
	if after := b.world("d"); after != before {
		b.t.Errorf("%s was refused and changed something:\n%s\nwas:\n%s", sql, after, before)
	}
	if recs, err := b.cat.DDLRecords(b.ctx()); err != nil || len(recs) > 0 {
		b.t.Errorf("%s left records: %v %v", sql, recs, err)
	}
}

func (b *bench) everywhere(sql string) {
	b.t.Helper()
	for _, l := range b.farm.Leaves() {
		b.at(l.Name, "", "SET foreign_key_checks=0")
		b.at(l.Name, "", sql)
	}
}

func (b *bench) at(leaf, schema, sql string) []string {
	b.t.Helper()
	c, err := b.run.own(context.Background(), place{Leaf: leaf}, schema)
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Release()
	_, _ = c.Query(context.Background(), "SET foreign_key_checks=0")
	res, err := c.Query(context.Background(), sql)
	if err != nil {
		b.t.Fatalf("%s at %s: %v", sql, leaf, err)
	}
	var out []string
	for _, row := range res.Rows {
		out = append(out, string(slices.Concat(row...)))
	}
	return out
}

// world is everything about a database: all tables of all places, and the topology's.
func (b *bench) world(db string) string {
	b.t.Helper()
	var out strings.Builder
	snap := b.cat.Snapshot()
	places, _ := shapes(snap, db)
	if parts, err := partitions(snap, db); err == nil {
		places = append(places, parts...)
	}
	for _, p := range places {
		for _, table := range b.at(p.Leaf, "", "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(p.Schema)+" ORDER BY 1") {
			create, err := b.run.showCreate(context.Background(), p, table)
			if err != nil {
				b.t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s %s %s\n", p.Leaf, p.Schema, create)
		}
		fmt.Fprintln(&out, b.triggers(p), b.routines(p), b.at(p.Leaf, "", "SELECT CONCAT_WS(',', name, execute_at, starts, interval_value, status, comment, body_utf8) FROM mysql.event WHERE db = "+lit(p.Schema)+" ORDER BY 1"))
	}
	if d := snap.Databases[db]; d != nil {
		var names []string
		for n, t := range d.Tables {
			names = append(names, fmt.Sprintf("%s %+v", n, b.opened(*t)))
		}
		for n, v := range d.Views {
			names = append(names, fmt.Sprintf("%s %+v", n, *v))
		}
		for n, e := range d.Events {
			names = append(names, fmt.Sprintf("%s %s %s %s %s %s", n, e.Status, e.At, e.Every, e.Unit, e.Text))
		}
		for k, r := range d.Routines {
			c := *r
			c.Revision = 0
			names = append(names, fmt.Sprintf("%s %+v", k, c))
		}
		slices.Sort(names)
		fmt.Fprintln(&out, d.Charset, d.Collation, d.Held, d.Recast, names)
	}
	return out.String()
}

// triggers are those of a place, by table.
func (b *bench) triggers(p place) (out []topo.Trigger) {
	b.t.Helper()
	c, err := b.run.own(context.Background(), p, "")
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Release()
	all, err := mariadb.Triggers(context.Background(), c, p.Schema)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[name]...)
	}
	return out
}

// routines are all that a place has of routines.
func (b *bench) routines(p place) []string {
	b.t.Helper()
	return b.at(p.Leaf, "", "SELECT CONCAT_WS(' ', type, name, definer, created, modified, body, comment, security_type, db_collation, sql_mode) FROM mysql.proc WHERE db = "+lit(p.Schema)+" ORDER BY type, name")
}

// consistent checks that every table of the topology is the same everywhere it should be, and that there is no other.
func (b *bench) consistent(db string) {
	b.t.Helper()
	snap := b.cat.Snapshot()
	d := snap.Databases[db]
	if d == nil {
		b.t.Fatalf("no database %s", db)
	}
	all, _ := shapes(snap, db)
	parts, err := partitions(snap, db)
	if err != nil {
		b.t.Fatal(err)
	}
	for i, p := range append(slices.Clone(all), parts...) {
		tables := b.at(p.Leaf, "", "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(p.Schema))
		want := 0
		for name, t := range d.Tables {
			if i >= len(all) && (t.Kind == topo.Reference || t.Kind == topo.Linked) {
				continue
			}
			want++
			a, err1 := b.run.showCreate(context.Background(), all[0], name)
			c, err2 := b.run.showCreate(context.Background(), p, name)
			if err1 != nil || err2 != nil || a == "" || strings.ReplaceAll(a, "`"+db+"`.", "") != strings.ReplaceAll(c, "`"+db+"`.", "") {
				b.t.Errorf("table %s at %s %s:\n%s\nagainst\n%s\n%v %v", name, p.Leaf, p.Schema, c, a, err1, err2)
			}
		}
		for name, v := range d.Views {
			if i >= len(all) {
				continue
			}
			want++
			c, err := b.run.own(context.Background(), p, "")
			if err != nil {
				b.t.Fatal(err)
			}
			is, err := mariadb.ReadView(context.Background(), c, db, name)
			c.Release()
			if is != nil && len(is.Columns) == 0 { // it is invalid
				is.Columns, is.Updatable = v.Columns, v.Updatable
			}
			if err != nil || is == nil || !reflect.DeepEqual(is, v) {
				b.t.Errorf("view %s at %s:\n%+v\nagainst\n%+v\n%v", name, p.Leaf, is, v, err)
			}
		}
		if i < len(all) {
			b.sameEvents(p, d)
		}
		if is, first := b.routines(p), b.routines(all[0]); p.Schema == db && (!slices.Equal(is, first) || len(is) != len(d.Routines)) || p.Schema != db && len(is) > 0 {
			b.t.Errorf("routines at %s %s:\n%q\nagainst\n%q and %d in the topology", p.Leaf, p.Schema, is, first, len(d.Routines))
		}
		var triggers []topo.Trigger
		for _, name := range slices.Sorted(maps.Keys(d.Tables)) {
			if i < len(all) || d.Tables[name].Kind != topo.Reference {
				triggers = append(triggers, d.Tables[name].Triggers...)
			}
		}
		if is := b.triggers(p); !slices.EqualFunc(is, triggers, func(i, w topo.Trigger) bool {
			return i.Name == w.Name && i.Text == w.In(db, p.Schema) && i.SQLMode == w.SQLMode && i.Collation == w.Collation
		}) {
			b.t.Errorf("triggers at %s %s:\n%+v\nagainst\n%+v", p.Leaf, p.Schema, is, triggers)
		}
		if want != len(tables) {
			b.t.Errorf("%s %s has %q, of which the topology knows %d", p.Leaf, p.Schema, tables, want)
		}
	}
	for name, t := range d.Tables {
		desc, err := b.run.describe(context.Background(), all[0], name)
		if err != nil || desc == nil || fmt.Sprint(desc.columns) != fmt.Sprint(t.Columns) || t.Name != name {
			b.t.Errorf("table %s in the topology is not what the shape is: %+v %v", name, t, err)
		}
	}
	if recs, err := b.cat.DDLRecords(context.Background()); err != nil || len(recs) > 0 {
		b.t.Errorf("records: %v %v", recs, err)
	}
}

func TestCreateTable(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE s (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20) DEFAULT 'x', g INT AS (id + 1), UNIQUE u (id, v))")
	b.must("CREATE TABLE d.sk (a INT, b INT NOT NULL, SHARD KEY (b))")
	b.must("CREATE TABLE k (a TEXT)")
	b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	b.must("CREATE TABLE l LIKE sk")
	b.must("CREATE TABLE fr (id INT PRIMARY KEY, r INT, FOREIGN KEY (r) REFERENCES r (id))")
	b.must("CREATE TABLE child (n INT, id INT, PRIMARY KEY (n, id), SHARD KEY (id), CONSTRAINT c FOREIGN KEY (id) REFERENCES d.s (id))")
	b.must("CREATE TABLE dumped (a INT, b INT\n/*!999999 , SHARD KEY (`b`) */\n) ENGINE=InnoDB")
	b.must("CREATE /*!999999 REFERENCE */ TABLE dumped2 (a INT PRIMARY KEY)")
	b.consistent("d")
	snap := b.cat.Snapshot()
	if snap.Table("d", "dumped").ShardKey[0] != 1 || snap.Table("d", "dumped2").Kind != topo.Reference {
		t.Error("a dump's comments were not read")
	}
	s := snap.Table("d", "s")
	if s.Kind != topo.Sharded || s.Explicit || fmt.Sprint(s.ShardKey, s.AutoIncrement, s.Unique) != "[0] 0 [[0] [0 1]]" || !s.Columns[2].Generated || s.Columns[1].Length != 20 {
		t.Errorf("%+v", s)
	}
	if sk, l := snap.Table("d", "sk"), snap.Table("d", "l"); !sk.Explicit || sk.ShardKey[0] != 1 || !l.Explicit || l.ShardKey[0] != 1 || l.ID == sk.ID {
		t.Errorf("%+v %+v", sk, l)
	}
	if snap.Table("d", "k").Kind != topo.Keyless || snap.Table("d", "r").Kind != topo.Reference {
		t.Error("kinds")
	}
	for _, sql := range []string{
		"CREATE TABLE my (a INT PRIMARY KEY) ENGINE=MyISAM ROW_FORMAT=FIXED",
		"CREATE TABLE heap (a INT PRIMARY KEY) engine 'heap' PARTITION BY KEY (a) (PARTITION p ENGINE=MEMORY)",
		"CREATE OR REPLACE TABLE my (a INT, b INT, PRIMARY KEY (a)) ENGINE=Aria PAGE_CHECKSUM=1 TRANSACTIONAL=1 ROW_FORMAT=PAGE",
		"ALTER TABLE heap COMMENT 'x', ENGINE=MyISAM",
	} {
		if res := b.must(sql); res.Warnings != 1 || len(res.Notes) != 1 || res.Notes[0].Code != 1266 || res.Notes[0].Level != "Warning" {
			t.Errorf("%s: %+v", sql, res)
		}
		b.consistent("d")
	}
	if res := b.must("CREATE SEQUENCE numbers START WITH 5 CACHE 10 ENGINE=Aria"); len(res.Notes) != 1 || res.Notes[0].Code != 1266 {
		t.Errorf("a sequence: %+v", res)
	}
	b.must("DROP SEQUENCE numbers")
	old := b.s
	old.State = old.State.With("default_storage_engine", "default_storage_engine=_utf8mb3 x'4d794953414d' COLLATE utf8mb3_general_ci") // MyISAM
	for sql, warned := range map[string]int{"CREATE TABLE named (a INT PRIMARY KEY) ENGINE=InnoDB": 0, "CREATE TABLE unnamed (a INT PRIMARY KEY)": 1} {
		if res, err := b.as(old, sql); err != nil || len(res.Notes) != warned {
			t.Errorf("with another default: %s: %+v, %v", sql, res, err)
		}
	}
	b.consistent("d")
	if res := b.must("CREATE TABLE IF NOT EXISTS s (x INT)"); res.Warnings != 1 || res.Notes[0].Code != 1050 {
		t.Errorf("%+v", res)
	}
	for _, c := range []struct {
		code uint16
		text string
		sql  string
	}{
		{1050, "already exists", "CREATE TABLE s (x INT)"},
		{1064, "syntax", "CREATE TABLE x (a INT b)"},
		{1072, "'z'", "CREATE TABLE x (a INT, SHARD KEY (z))"},
		{1503, "'u'", "CREATE TABLE x (a INT PRIMARY KEY, b INT, UNIQUE u (b), SHARD KEY (a))"},
		{1503, "'a' is missing; no column could be the SHARD KEY of all its unique keys: make it with SHARD KEY (), so that all its rows are in one partition, by CREATE REFERENCE TABLE",
			"CREATE TABLE x (a INT PRIMARY KEY, b INT, UNIQUE u (b), SHARD KEY (a))"},
		{1503, "PRIMARY KEY", "CREATE TABLE x (a INT PRIMARY KEY, b INT, SHARD KEY (b))"},
		{1503, "'b' is missing; make the table with SHARD KEY (a), which all its unique keys have, with SHARD KEY (), so that all its rows are in one partition, or by CREATE REFERENCE TABLE", "CREATE TABLE x (a INT PRIMARY KEY, b INT, SHARD KEY (b))"},
		{1503, "SHARD KEY (b),", "CREATE TABLE x (a INT, b INT, c INT, PRIMARY KEY (a, b), UNIQUE (c, b), SHARD KEY (a))"},
		{1503, "SHARD KEY (c),", "CREATE TABLE x (a INT, f FLOAT, c INT, PRIMARY KEY (a, f, c), UNIQUE (f, c), SHARD KEY (a))"},
		{1503, "no column", "CREATE TABLE x (a INT, b VARCHAR(9), PRIMARY KEY (a, b), UNIQUE (b(3)), SHARD KEY (a))"},
		{1503, "prefix", "CREATE TABLE x (a VARCHAR(100), b INT, PRIMARY KEY (a(10)), SHARD KEY (a))"},
		{1235, "ENGINE=CSV", "CREATE TABLE x (a INT NOT NULL) ENGINE=CSV"},
		{1235, "float", "CREATE TABLE x (a FLOAT PRIMARY KEY, SHARD KEY (a))"},
		{1235, "generated", "CREATE TABLE x (a INT, b INT AS (a) STORED, SHARD KEY (b))"},
		{1235, "ON UPDATE", "CREATE TABLE x (a DATETIME ON UPDATE CURRENT_TIMESTAMP, b INT, SHARD KEY (a))"},
		{1235, "can't reference", "CREATE TABLE x (a INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES s (id))"},
		{1235, "reference table", "CREATE REFERENCE TABLE x (a INT PRIMARY KEY, FOREIGN KEY (a) REFERENCES s (id))"},
		{1146, "d.none", "CREATE TABLE x LIKE none"},
		{1049, "nowhere", "CREATE TABLE nowhere.x (a INT)"},
		{1044, "d:0", "CREATE TABLE d_0.x (a INT)"},
	} {
		b.refused(c.code, c.text, c.sql)
	}
	b.must("CREATE TABLE moments (at DATETIME PRIMARY KEY)")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	b.at(parts[1].Leaf, parts[1].Schema, "INSERT INTO k VALUES ('')") // without rows they would be placed anew
	b.at(parts[1].Leaf, parts[1].Schema, "INSERT INTO moments VALUES (NOW())")
	b.refused(1503, "SHARD KEY ()", "ALTER TABLE k ADD UNIQUE (a(5))")
	b.refused(1235, "ON UPDATE", "ALTER TABLE moments MODIFY at DATETIME NOT NULL ON UPDATE CURRENT_TIMESTAMP")
	b.consistent("d")
}

func TestRights(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE t (a INT PRIMARY KEY)")
	b.s = b.account("nobody", "USAGE ON *.*")
	b.s.Schema = ""
	b.refused(1142, "", "CREATE TABLE d.x (a INT)")
	b.refused(1142, "", "DROP TABLE d.t")
	b.refused(1142, "", "ALTER TABLE d.t ADD b INT")
	b.refused(1142, "", "TRUNCATE TABLE d.t")
	b.refused(1142, "", "RENAME TABLE d.t TO d.u")
	b.refused(1142, "", "CREATE INDEX i ON d.t (a)")
	b.refused(1044, "", "DROP DATABASE d")
	b.refused(1044, "", "CREATE DATABASE x")
	b.refused(1044, "", "ALTER DATABASE d CHARACTER SET latin1")
}

func TestAlter(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT, w VARCHAR(10), g INT AS (v + 1))")
	b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	for i, p := range parts {
		b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO t (id, v, w) VALUES (%d, %d, 'a'), (%d, %d, 'long one')", i+1, i, i+11, i))
	}
	for _, sql := range []string{
		"ALTER TABLE t ADD COLUMN n INT NOT NULL DEFAULT 7",
		"CREATE INDEX iv ON t (v)",
		"ALTER TABLE d.t ADD INDEX (w), ADD UNIQUE uw (id, w)",
		"ALTER TABLE t MODIFY v BIGINT NOT NULL, DROP COLUMN g",
		"DROP INDEX iv ON t",
		"ALTER TABLE t ADD CONSTRAINT pos CHECK (v >= 0)",
		"ALTER TABLE t ADD FOREIGN KEY (v) REFERENCES r (id), ALGORITHM=COPY",
		"ALTER TABLE r ADD u INT, ADD UNIQUE (v)",
		"ALTER TABLE r MODIFY v BIGINT",
		"ALTER TABLE t COMMENT 'x'",
		"ALTER TABLE t CHANGE w ww VARCHAR(9) CHARACTER SET latin1",
	} {
		if strings.Contains(sql, "FOREIGN KEY") {
			b.everywhere("INSERT INTO d.r (id) VALUES (0), (1), (2), (3)")
			sql = strings.ReplaceAll(sql, "(v)", "(k)")
			b.must("ALTER TABLE t ADD k INT")
		}
		b.must(sql)
		b.consistent("d")
	}
	for i, p := range parts {
		if got := b.at(p.Leaf, p.Schema, "SELECT id, v, ww, n FROM t ORDER BY id"); fmt.Sprint(got) != fmt.Sprintf("[%d%da7 %d%dlong one7]", i+1, i, i+11, i) {
			t.Errorf("%v: rows %v", p, got)
		}
	}
	b.must("CREATE TABLE dup (a INT, b INT, SHARD KEY (a))")
	for _, c := range []struct {
		code uint16
		text string
		sql  string
	}{
		{1054, "none", "ALTER TABLE t ALTER none SET DEFAULT 1"},
		{1235, "shard key", "ALTER TABLE dup DROP COLUMN a"},
		{1235, "shard key", "ALTER TABLE dup CHANGE a z INT"},
		{1235, "shard key", "ALTER TABLE dup MODIFY a INT UNSIGNED"},
		{1503, "'v'", "ALTER TABLE t ADD UNIQUE (v)"},
		{1235, "ENGINE", "ALTER TABLE dup ENGINE=MRG_MyISAM"},
	} {
		b.refused(c.code, c.text, c.sql)
	}
	// Refused by one partition's rows alone: the copy is what fails, or the added index.
	last := parts[len(parts)-1]
	b.at(last.Leaf, last.Schema, "INSERT INTO t (id, v, ww) VALUES (100, 1000, 'y')")
	b.refused(4025, "small", "ALTER TABLE t ADD CONSTRAINT small CHECK (v < 1000)")
	b.refused(1264, "", "ALTER TABLE t MODIFY v TINYINT NOT NULL")
	b.at(last.Leaf, last.Schema, "INSERT INTO dup VALUES (1, 1), (1, 1)")
	b.refused(1062, "Duplicate", "ALTER TABLE dup ADD UNIQUE (a, b)")
	b.refused(1062, "Duplicate", "CREATE UNIQUE INDEX u ON dup (a)")
	b.refused(1062, "Duplicate", "ALTER TABLE dup ADD PRIMARY KEY (a, b)")
	b.must("ALTER TABLE t AUTO_INCREMENT=50")
	if v, err := b.cat.Sequence(b.cat.Snapshot().Table("d", "t").ID).Next(b.ctx(), 1); err != nil || v != 101 {
		t.Errorf("next after AUTO_INCREMENT=50 with a row 100: %d %v", v, err)
	}
	b.consistent("d")
}
