package move

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

func copier(t testing.TB, farm *localfarm.Farm) *Copier {
	t.Helper()
	pools := backend.New(backend.Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		for _, l := range farm.Leaves() {
			if l.Name == leaf {
				return l.Addr(), true
			}
		}
		return "", false
	}})
	t.Cleanup(pools.Close)
	c := &Copier{Pools: pools, Servers: mariadb.New(pools)}
	for _, l := range farm.Leaves() {
		if err := c.Servers.Install(context.Background(), l.Name); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// session is a connection that serves a partition at a leaf.
func session(t testing.TB, c *Copier, leaf, schema string, domain uint32) *backend.Conn {
	t.Helper()
	conn, err := c.own(context.Background(), leaf, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Release)
	query(t, conn, fmt.Sprintf("CALL orbweaver.serve('%s', %d)", schema, domain))
	return conn
}

func query(t testing.TB, c *backend.Conn, sql ...string) *backend.Result {
	t.Helper()
	res, err := run(context.Background(), c, sql...)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func checksums(t testing.TB, c *Copier, leaf, schema string, tables ...string) string {
	t.Helper()
	conn, err := c.own(context.Background(), leaf, "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var out []string
	for _, name := range tables {
		res := query(t, conn, "CHECKSUM TABLE "+schema+"."+name+" EXTENDED")
		def := query(t, conn, "SHOW CREATE TABLE "+schema+"."+name)
		out = append(out, string(res.Rows[0][1]), string(def.Rows[0][1]))
	}
	return strings.Join(out, "\n")
}

func TestCopyIsExactForEveryType(t *testing.T) {
	farm := farmtest.Shared(t, 2)
	c := copier(t, farm)
	ctx := context.Background()
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	if err := c.Servers.Serve(ctx, a.Name, "ty_0", 501, 1); err != nil {
		t.Fatal(err)
	}
	w := session(t, c, a.Name, "ty_0", 501)
	query(t, w, "SET sql_mode='NO_AUTO_VALUE_ON_ZERO'", "CREATE DATABASE ty_0 CHARACTER SET latin1", "USE ty_0", `CREATE TABLE v (
  id BIGINT AUTO_INCREMENT PRIMARY KEY, f FLOAT, d DOUBLE, n DECIMAL(30,10), b BIT(13), bl BLOB, tx TEXT CHARACTER SET utf8mb4, l1 VARCHAR(50) CHARACTER SET latin1,
  u2 VARCHAR(50) CHARACTER SET ucs2, sj CHAR(10) CHARACTER SET sjis, bi BINARY(7), e ENUM('a','b\tc','é') CHARACTER SET utf8mb4, s SET('x','y','z'), y YEAR, dt DATE, tm TIME(6),
  dtm DATETIME(6), ts TIMESTAMP(6) NULL, g GEOMETRY, j JSON, i6 INET6, uu UUID, inv INT INVISIBLE DEFAULT 7, gen INT AS (inv * 2) STORED, vir INT AS (inv + 1) VIRTUAL,
  CHECK (f > -100), KEY (gen), KEY (l1)) AUTO_INCREMENT=500`,
		"CREATE TABLE nokey (a INT, b VARCHAR(10))", "CREATE TABLE child (id INT PRIMARY KEY, v BIGINT, FOREIGN KEY (v) REFERENCES v (id))", "CREATE TABLE empty (a INT PRIMARY KEY)",
		`INSERT INTO v (id, f, d, n, b, bl, tx, l1, u2, sj, bi, e, s, y, dt, tm, dtm, ts, g, j, i6, uu, inv) VALUES
  (0, 0.1, 0.1, 12345678901234567890.0123456789, b'1010101010101', x'00010203090A0D5C5C4E27221A', '\\N	tab
new\0nul 😀', x'E9E8FF00', 'ünï', 'ｱｲ', x'0900', 'b\tc', 'x,z', 1999, '2020-02-29', '-838:59:59.999999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999999', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326), '{"a":[1,2]}', '::1', UUID(), 9),
  (1, 3.4028e38, 1.7976931348623157e308, -0.0000000001, NULL, '', '', '', '', '', '', NULL, '', 0, '2000-01-01', '00:00:00', '1000-01-01', NULL, NULL, 'null', NULL, NULL, NULL),
  (2, 1.17549435e-38, 4.9e-324, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 'é', NULL, NULL, NULL, NULL, NULL, '1970-01-01 00:00:01', ST_GeomFromText('POINT(1 2)'), NULL, NULL, NULL, NULL),
  (-7, 16777216.5, -0.0, 1, 8191, REPEAT(x'5C0A', 70000), REPEAT('ж\t', 20000), 'a  ', ' a ', 'x', 'y', 'a', 'y', 2155, '1000-01-01', '12:34:56.5', '2001-01-01 01:02:03.000004', '2001-01-01 01:02:03', NULL, '[]', 'ffff::1', NULL, 0)`,
		"SET sql_mode=''", "UPDATE v SET dt='0000-00-00', dtm='2020-00-00', e='nonsense' WHERE id=2", "SET sql_mode='ALLOW_INVALID_DATES'", "UPDATE v SET dt='2020-02-30' WHERE id=1", "SET sql_mode=''",
		"INSERT INTO nokey SELECT seq MOD 3, 'x' FROM mysql.seq_1_to_1000", "INSERT INTO child VALUES (1, 0), (2, NULL)")
	var rows, total int64
	at, err := c.Copy(ctx, Spec{Schema: "ty_0", Domain: 501, From: a.Name, To: b.Name, Progress: func(r, n int64) { rows, total = r, n }})
	if err != nil {
		t.Fatal(err)
	}
	pos, err := c.Servers.BinlogPosition(ctx, a.Name)
	if err != nil || at != pos[501] {
		t.Errorf("the copy is at %s, the source at %s (%v)", at, pos[501], err)
	}
	if rows != 1006 || total < rows {
		t.Errorf("%d of %d rows", rows, total)
	}
	tables := []string{"v", "nokey", "child", "empty"}
	if x, y := checksums(t, c, a.Name, "ty_0", tables...), checksums(t, c, b.Name, "ty_0", tables...); x != y {
		t.Errorf("source:\n%s\ncopy:\n%s", x, y)
	}
	if pos, err := c.Servers.BinlogPosition(ctx, b.Name); err != nil || pos[501].Sequence != 0 {
		t.Errorf("the copy is in the target's binary log: %v %v", pos, err)
	}
	if _, err := c.Copy(ctx, Spec{Schema: "ty_0", Domain: 501, From: b.Name, To: a.Name}); err == nil {
		t.Error("a master was overwritten")
	}
}

func TestCopyOfWrittenTables(t *testing.T) {
	farm := farmtest.Start(t, 2)
	c := copier(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	if err := c.Servers.Serve(ctx, a.Name, "w_0", 601, 1); err != nil {
		t.Fatal(err)
	}
	w := session(t, c, a.Name, "w_0", 601)
	query(t, w, "CREATE DATABASE w_0", "CREATE TABLE w_0.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT, pad CHAR(200) DEFAULT 'x')",
		"INSERT INTO w_0.t (v) SELECT seq FROM mysql.seq_1_to_40000",
		// Were they fired for rows that are copied or replayed, there would be more in the copy.
		"CREATE TABLE w_0.fired (id INT, what CHAR(1), KEY (id))",
		"CREATE DEFINER=nobody@nowhere TRIGGER w_0.z AFTER INSERT ON w_0.t FOR EACH ROW SET @x = NEW.id", "SET NAMES latin1", "SET sql_mode='ANSI_QUOTES'",
		"CREATE TRIGGER w_0.i AFTER INSERT ON w_0.t FOR EACH ROW PRECEDES z INSERT INTO \"fired\" VALUES (NEW.id, 'i')", "SET NAMES utf8mb4", "SET sql_mode=DEFAULT",
		"CREATE TRIGGER w_0.d BEFORE DELETE ON w_0.t FOR EACH ROW INSERT INTO fired VALUES (OLD.id, 'd')", "DROP TRIGGER w_0.z", "CREATE TRIGGER w_0.z AFTER INSERT ON w_0.t FOR EACH ROW SET @x = 1")
	// A domain that the target has seen before, left out: its position there is ahead of the copy's.
	if err := c.Servers.Serve(ctx, a.Name, "o_0", 602, 1); err != nil {
		t.Fatal(err)
	}
	if err := c.Servers.Follow(ctx, b.Name, a.Name, a.Addr(), mariadb.Start{Domain: 602}); err != nil {
		t.Fatal(err)
	}
	writing, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for i := range 3 {
		conn := session(t, c, a.Name, "w_0", 601)
		wg.Go(func() {
			for n := i; writing.Err() == nil; n++ {
				for _, q := range []string{
					fmt.Sprintf("INSERT INTO w_0.t (v) VALUES (%d)", n), fmt.Sprintf("UPDATE w_0.t SET v = v + 1 WHERE id = %d", n*37%40000+1),
					fmt.Sprintf("DELETE FROM w_0.t WHERE id = %d", n*91%40000+1),
				} {
					if _, err := run(ctx, conn, q); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	at, err := c.Copy(ctx, Spec{Schema: "w_0", Domain: 601, From: a.Name, To: b.Name})
	if err == nil {
		err = c.Servers.Follow(ctx, b.Name, a.Name, a.Addr(), mariadb.Start{Domain: 601, After: at})
	}
	stop()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	pos, err := c.Servers.BinlogPosition(ctx, a.Name)
	if err != nil {
		t.Fatal(err)
	}
	if pos[601].Sequence <= at.Sequence {
		t.Fatal("nothing was written during the copy")
	}
	if err := c.Servers.WaitApplied(ctx, b.Name, pos[601]); err != nil {
		t.Fatal(err)
	}
	if x, y := checksums(t, c, a.Name, "w_0", "t", "fired"), checksums(t, c, b.Name, "w_0", "t", "fired"); x != y {
		t.Errorf("source:\n%s\ncopy:\n%s", x, y)
	}
	var triggers [2]map[string][]topo.Trigger
	for i, l := range []string{a.Name, b.Name} {
		if triggers[i], err = mariadb.Triggers(ctx, session(t, c, l, "", 0), "w_0"); err != nil {
			t.Fatal(err)
		}
	}
	if len(triggers[0]["t"]) != 3 || !reflect.DeepEqual(triggers[0], triggers[1]) {
		t.Errorf("source:\n%+v\ncopy:\n%+v", triggers[0], triggers[1])
	}
}

func TestFailedCopiesLeaveNothingAndCanBeRepeated(t *testing.T) {
	farm := farmtest.Start(t, 2)
	c := copier(t, farm)
	ctx := context.Background()
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	if err := c.Servers.Serve(ctx, a.Name, "x_0", 701, 1); err != nil {
		t.Fatal(err)
	}
	w := session(t, c, a.Name, "x_0", 701)
	query(t, w, "CREATE DATABASE x_0", "CREATE TABLE x_0.a (id INT PRIMARY KEY, pad CHAR(200))", "CREATE TABLE x_0.b (id INT PRIMARY KEY, pad CHAR(200))",
		"INSERT INTO x_0.a SELECT seq, REPEAT('a', 200) FROM mysql.seq_1_to_20000", "INSERT INTO x_0.b SELECT seq, REPEAT('b', 200) FROM mysql.seq_1_to_20000")
	spec := Spec{Schema: "x_0", Domain: 701, From: a.Name, To: b.Name, Rate: func() int64 { return 4 << 20 }}
	nothing := func(when string) {
		t.Helper()
		for range 100 { // the killed one comes back first
			if have, err := c.Servers.Schemas(ctx, b.Name); err == nil {
				if have["x_0"] {
					t.Errorf("%s left a copy behind", when)
				}
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("%s: the target did not come back", when)
	}
	canceled, cancel := context.WithCancel(ctx)
	spec.Progress = begun(cancel)
	if _, err := c.Copy(canceled, spec); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	nothing("a canceled copy")
	spec.Progress = begun(func() {
		if err := farm.Kill(1); err != nil {
			t.Error(err)
		}
	})
	if _, err := c.Copy(ctx, spec); err == nil {
		t.Error("a copy to a killed leaf succeeded")
	}
	spec.Progress, spec.Rate = nil, nil
	var err error
	for range 50 {
		if _, err = c.Copy(ctx, spec); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	if x, y := checksums(t, c, a.Name, "x_0", "a", "b"), checksums(t, c, b.Name, "x_0", "a", "b"); x != y {
		t.Error("the repeated copy differs")
	}
}

// Who reads a table that is being filled waits: servers were seen to hang for good.
func TestReadersOfACopyWaitForItsRows(t *testing.T) {
	farm := farmtest.Shared(t, 2)
	c := copier(t, farm)
	ctx := context.Background()
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	if err := c.Servers.Serve(ctx, a.Name, "r_0", 711, 1); err != nil {
		t.Fatal(err)
	}
	w := session(t, c, a.Name, "r_0", 711)
	query(t, w, "CREATE DATABASE r_0", "CREATE TABLE r_0.a (id INT PRIMARY KEY, pad CHAR(200))", "INSERT INTO r_0.a SELECT seq, REPEAT('a', 200) FROM mysql.seq_1_to_20000")
	t.Cleanup(func() { query(t, w, "DROP DATABASE r_0") })
	t.Cleanup(func() {
		if err := c.Servers.Drop(ctx, b.Name, "r_0"); err != nil {
			t.Error(err)
		}
	})
	reader, err := c.own(ctx, b.Name, "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Release()
	read := make(chan error, 1)
	var once sync.Once
	spec := Spec{Schema: "r_0", Domain: 711, From: a.Name, To: b.Name, Rate: func() int64 { return 4 << 20 }, Progress: func(rows, _ int64) {
		if rows > 0 {
			once.Do(func() {
				go func() {
					res, err := run(ctx, reader, "SELECT COUNT(*) FROM r_0.a")
					if err == nil && string(res.Rows[0][0]) != "20000" {
						err = fmt.Errorf("%s rows were read", res.Rows[0][0])
					}
					read <- err
				}()
			})
		}
	}}
	if _, err := c.Copy(ctx, spec); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// What decides where CHECKSUM TABLE tells two sums finds differences itself.
func TestDigestFindsWhatDiffers(t *testing.T) {
	farm := farmtest.Shared(t, 2)
	c := copier(t, farm)
	ctx := context.Background()
	leaf := farm.Leaves()[0].Name
	conn := session(t, c, leaf, "", 0)
	query(t, conn, "SET SESSION sql_log_bin=0", "CREATE DATABASE dig_0", "CREATE TABLE dig_0.a (id INT PRIMARY KEY, s VARBINARY(20), f DOUBLE, e ENUM('x','NULL'), only INT AS (id) VIRTUAL)")
	t.Cleanup(func() { query(t, conn, "DROP DATABASE dig_0") })
	of := table{name: "a", columns: []column{{name: "id"}, {name: "s"}, {name: "f"}, {name: "e", as: "UNSIGNED"}}}
	seen := map[string]string{}
	for _, rows := range []string{
		"", "(1,NULL,1,1)", "(1,'NULL',1,1)", "(1,'',1,1)", "(1,'1',1,1)", "(1,'1,',1,1)", "(1,'1',1.0000000000000002,1)", "(1,'1',1,2)", "(1,'1',1,NULL)", "(2,'1',1,1)",
		"(1,'1',1,1),(2,'1',1,1)", "(1,'a',1,1),(2,'b',1,1)", "(1,'b',1,1),(2,'a',1,1)", "(1,0x00,1,1)", "(1,0x5C30,1,1)",
	} {
		query(t, conn, "TRUNCATE dig_0.a")
		if rows != "" {
			query(t, conn, "INSERT INTO dig_0.a (id, s, f, e) VALUES "+rows)
		}
		res, err := run(ctx, conn, of.digest("dig_0"))
		if err != nil {
			t.Fatal(err)
		}
		d := string(res.Rows[0][0])
		if same, ok := seen[d]; ok || d == "" {
			t.Errorf("rows %s and %s: %q", rows, same, d)
		}
		seen[d] = rows
	}
}
