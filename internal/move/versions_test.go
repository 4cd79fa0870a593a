package move

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/mariadb"
)

// versionsOf is all that a table has, with the times, and how much of it is in which partition.
func versionsOf(t *testing.T, c *Copier, leaf, schema, table string) string {
	t.Helper()
	conn, err := c.own(context.Background(), leaf, schema)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	columns := "*, row_start, row_end"
	if table == "named" {
		columns = "*, `to`"
	}
	lines := func(sql string) (out []string) {
		for _, row := range query(t, conn, sql).Rows {
			var values []string
			for _, v := range row {
				values = append(values, string(v))
			}
			out = append(out, strings.Join(values, " "))
		}
		return out
	}
	out := lines("SELECT " + columns + " FROM " + table + " FOR SYSTEM_TIME ALL ORDER BY 1, 2, 3, 4")
	for _, part := range lines("SELECT DISTINCT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = " + lit(schema) + " AND TABLE_NAME = " + lit(table) + " AND PARTITION_NAME IS NOT NULL ORDER BY 1") {
		out = append(out, part+": "+lines("SELECT COUNT(*) FROM " + table + " PARTITION (" + part + ")")[0])
	}
	return strings.Join(append(out, lines("SHOW CREATE TABLE "+table)...), "\n")
}

func TestCopiesHaveAllVersions(t *testing.T) {
	farm := farmtest.Shared(t, 2)
	c := copier(t, farm)
	ctx := context.Background()
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	if err := c.Servers.Serve(ctx, a.Name, "vs_0", 511, 1); err != nil {
		t.Fatal(err)
	}
	w := session(t, c, a.Name, "vs_0", 511)
	const by = ") WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME "
	t.Cleanup(func() { query(t, w, "DROP DATABASE vs_0") })
	t.Cleanup(func() {
		if err := errors.Join(c.Servers.Unfollow(ctx, b.Name, a.Name), c.Servers.Drop(ctx, b.Name, "vs_0")); err != nil {
			t.Error(err)
		}
	})
	query(t, w, "CREATE DATABASE vs_0", "USE vs_0", "SET time_zone='+03:00'",
		"CREATE TABLE hidden (id INT AUTO_INCREMENT PRIMARY KEY, v INT, e ENUM('a','b'), UNIQUE (v)) WITH SYSTEM VERSIONING",
		"CREATE TABLE named (id INT PRIMARY KEY, v INT, `from` TIMESTAMP(6) GENERATED ALWAYS AS ROW START, row_start INT, `to` TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE, w INT WITHOUT SYSTEM VERSIONING,"+
			" g INT AS (v + 1) STORED, PERIOD FOR SYSTEM_TIME (`from`, `to`)) WITH SYSTEM VERSIONING",
		"CREATE TABLE nokey (id INT, v INT, f FLOAT) WITH SYSTEM VERSIONING", "CREATE TABLE some (id INT PRIMARY KEY, v INT WITH SYSTEM VERSIONING, u INT)",
		"CREATE TABLE days (id INT PRIMARY KEY, v INT"+by+"INTERVAL 1 DAY STARTS '2001-01-01 00:00:00' PARTITIONS 4", "CREATE TABLE numbers (id INT PRIMARY KEY, v INT"+by+"LIMIT 2 PARTITIONS 5",
		"CREATE TABLE parted (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING PARTITION BY HASH (id) PARTITIONS 3", "CREATE TABLE instants (id INT PRIMARY KEY, v INT, UNIQUE (v)) WITH SYSTEM VERSIONING")
	tables := []string{"hidden", "named", "nokey", "some", "days", "numbers", "parted", "instants"}
	write := func(w *backend.Conn) {
		t.Helper()
		for _, name := range tables {
			query(t, w, "INSERT INTO "+name+" (id, v) VALUES (3, 1), (4, 2), (5, 3)", "UPDATE "+name+" SET v = v + 10", "DELETE FROM "+name+" WHERE id = 5", "UPDATE "+name+" SET v = v + 10",
				"UPDATE "+name+" SET v = v + 5 WHERE id = 3", "INSERT INTO "+name+" (id, v) VALUES (5, 1)")
		}
	}
	query(t, w, "SET timestamp=UNIX_TIMESTAMP('2001-01-01 12:00:00') + 0.25", "INSERT INTO days VALUES (1, 1), (2, 2)", "SET timestamp=UNIX_TIMESTAMP('2001-01-02 12:00:00')", "UPDATE days SET v = 3 WHERE id = 1",
		"SET timestamp=UNIX_TIMESTAMP('2001-01-03 12:00:00')", "UPDATE days SET v = 5",
		"SET timestamp=1000000000.999999", "INSERT INTO instants VALUES (1, 1), (2, 2)", "DELETE FROM instants", "SET timestamp=2147483646.000001", "INSERT INTO instants VALUES (1, 1)", "DELETE FROM instants", "SET timestamp=DEFAULT",
		"UPDATE named SET w = 7")
	write(w)
	query(t, w, "UPDATE named SET w = id", "INSERT INTO hidden (id, v, e) VALUES (-1, NULL, 'b')", "UPDATE hidden SET e = NULL WHERE id = -1")
	equal := func(when string) {
		t.Helper()
		for _, name := range tables {
			if x, y := versionsOf(t, c, a.Name, "vs_0", name), versionsOf(t, c, b.Name, "vs_0", name); x != y || strings.Count(x, "\n") < 12 {
				t.Errorf("%s: %s: source:\n%s\ncopy:\n%s", when, name, x, y)
			}
		}
	}
	at, err := c.Copy(ctx, Spec{Schema: "vs_0", Domain: 511, From: a.Name, To: b.Name})
	if err != nil {
		t.Fatal(err)
	}
	equal("copied")
	if err := c.Servers.Follow(ctx, b.Name, a.Name, a.Addr(), mariadb.Start{Domain: 511, After: at}); err != nil {
		t.Fatal(err)
	}
	for _, name := range tables {
		query(t, w, "DELETE FROM "+name+" WHERE id IN (3, 5)")
	}
	query(t, w, "UPDATE named SET w = 8", "UPDATE hidden SET v = 100 WHERE id = 4", "DELETE FROM numbers")
	pos, err := c.Servers.BinlogPosition(ctx, a.Name)
	if err == nil {
		err = c.Servers.WaitApplied(ctx, b.Name, pos[511])
	}
	if err != nil {
		t.Fatal(err)
	}
	equal("followed")

	// Rows of which one side has another past are given it.
	lone := session(t, c, b.Name, "", 0)
	for _, name := range []string{"hidden", "named", "instants"} {
		query(t, lone, "SET SESSION sql_log_bin=0, time_zone='+00:00'", "USE vs_0", "INSERT INTO "+name+" (id, v) VALUES (1, 1000)", "DELETE FROM "+name+" WHERE id = 1")
		if differed, err := c.Align(ctx, Spec{Schema: "vs_0", From: a.Name, To: b.Name}, name, nil); err != nil || !differed {
			t.Errorf("%s: differed: %v (%v)", name, differed, err)
		}
	}
	equal("aligned")

	query(t, w, "CREATE TABLE counted (id INT, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING")
	if err := c.Servers.Unfollow(ctx, b.Name, a.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Copy(ctx, Spec{Schema: "vs_0", Domain: 511, From: a.Name, To: b.Name}); !errors.Is(err, ErrVersions) {
		t.Errorf("versions by transaction: %v", err)
	}
}
