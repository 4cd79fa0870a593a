package ddl

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ofAllTypes has columns of all types, keys, and all else that a definition may have.
const ofAllTypes = `CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT COMMENT 'é', s VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL, u VARCHAR(20) COLLATE utf8mb4_unicode_ci,
	f FLOAT, d DOUBLE, n DECIMAL(20,5), b BIT(5), e ENUM('x','','y'), st SET('p','q'), ts TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3), dt DATETIME(6), da DATE, ti TIME(2), y YEAR,
	bl BLOB, tx LONGTEXT, j JSON, g POINT, i6 INET6, uu UUID, g1 INT AS (id + 1) VIRTUAL, g2 VARCHAR(30) AS (CONCAT(s, '!')) STORED, hid INT INVISIBLE DEFAULT 7,
	PRIMARY KEY (id, s, da), UNIQUE KEY uq (s, id, da, n), KEY (g2), KEY (u DESC), FULLTEXT KEY (tx), CONSTRAINT few CHECK (n < 1000), SHARD KEY ()) AUTO_INCREMENT=50 COMMENT='all of it' ROW_FORMAT=DYNAMIC`

var ofAllRows = []string{
	"(0, 'ab', 'Ä', 0.1, 0.1, 1.5, 5, 'x', 'p,q', '1970-01-02 03:04:05.678', '2020-02-30 00:00:00', '2020-01-01', '-800:00:01.25', 1999, x'00090a5c', 'x\\ty\\nz\\\\', '{\"a\": 1}', POINT(1, 2), '::1', '123e4567-e89b-12d3-a456-426655440000', 1)",
	"(1, 'AB ', 'a', 16777217, 1e300, -1.00001, 31, 'nothing', '', '2038-01-19 03:14:07', '0000-00-00', '0000-00-00', '838:59:59', 0, '', '', NULL, NULL, '1.2.3.4', NULL, 2)",
	"(999, x'e9', NULL, -0.0, -0.0, NULL, NULL, '', NULL, NULL, '9999-12-31 23:59:59.999999', '9999-12-31', NULL, NULL, NULL, NULL, '[1]', NULL, NULL, NULL, NULL)",
	"(1001, 'against the CHECK', '', 3.4e38, 2, 3000, 4, 2, 1, '2001-01-01', '2001-01-01', '2001-01-01', '1:1:1', 2001, 'b', 'c', '1', NULL, NULL, NULL, 3)",
}

// rows are all rows of a table in the partitions of d, and how many each of these has.
func (b *bench) rows(table string) (all []string, each []int) {
	b.t.Helper()
	parts, err := partitions(b.cat.Snapshot(), "d")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range parts {
		rows := b.at(p.Leaf, p.Schema, "SELECT CONCAT_WS('|', id, s, HEX(u), CAST(f AS DOUBLE), d, n, HEX(b), e + 0, st + 0, UNIX_TIMESTAMP(ts), dt, da, ti, y, HEX(bl), HEX(tx), j, HEX(g), i6, uu, g1, g2, hid) FROM "+table)
		all, each = append(all, rows...), append(each, len(rows))
	}
	slices.Sort(all)
	return all, each
}

// A table goes from one partition to many, by other columns, and back: each row is where its key says, and all of them are what they were.
func TestShardKey(t *testing.T) {
	b := newBench(t, "d")
	b.must(ofAllTypes)
	parts, _ := partitions(b.cat.Snapshot(), "d")
	b.at(parts[0].Leaf, parts[0].Schema, "SET STATEMENT sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', check_constraint_checks=0 FOR INSERT INTO t (id, s, u, f, d, n, b, e, st, ts, dt, da, ti, y, bl, tx, j, g, i6, uu, hid) VALUES "+
		strings.Join(ofAllRows, ", "))
	b.at(parts[0].Leaf, parts[0].Schema, "INSERT INTO t (id, s, da) SELECT 100 + seq, seq DIV 3, '2020-01-01' FROM seq_1_to_300")
	was, _ := b.rows("t")
	if len(was) != 304 {
		t.Fatalf("%d rows", len(was))
	}
	for _, key := range []string{"id", "s", "da, s", "s, id", "", "s"} {
		res := b.must("ALTER TABLE t SHARD KEY (" + key + ")")
		if res.Affected != 304 {
			t.Errorf("SHARD KEY (%s): %d rows", key, res.Affected)
		}
		b.consistent("d")
		now, each := b.rows("t")
		if !slices.Equal(now, was) {
			t.Fatalf("SHARD KEY (%s): rows are\n%s\nand were\n%s", key, strings.Join(now, "\n"), strings.Join(was, "\n"))
		}
		table := b.cat.Snapshot().Table("d", "t")
		if (key == "") != (table.Kind == topo.Single) || table.Closed != "" || key != "" && (table.Kind != topo.Sharded || !table.Explicit) {
			t.Errorf("SHARD KEY (%s): %+v", key, table)
		}
		if key == "" && each[0] != 304 || key != "" && slices.Contains(each, 304) {
			t.Errorf("SHARD KEY (%s): the partitions have %v", key, each)
		}
		if table.Numbered() {
			if next := b.cat.Upcoming(b.ctx(), []uint64{table.ID})[table.ID]; next <= 1001 {
				t.Errorf("SHARD KEY (%s): the next number is %d", key, next)
			}
		} else if next := b.at(parts[0].Leaf, parts[0].Schema, "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't'"); next[0] < "1002" || len(next[0]) != 4 {
			t.Errorf("SHARD KEY (%s): the next number is %v", key, next)
		}
	}
	f, err := shard.New([]topo.Column{b.cat.Snapshot().Table("d", "t").Columns[1]}, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range parts {
		for _, s := range b.at(p.Leaf, p.Schema, "SELECT DISTINCT s FROM t WHERE id BETWEEN 100 AND 900") {
			if at, err := f.Store([]shard.Value{shard.StringValue([]byte(s), "utf8mb4")}); err != nil || at != i {
				t.Errorf("the row with s = %q is at %d instead of %d: %v", s, i, at, err)
			}
		}
	}
}

// Versions of rows go where their own values put them, also those of rows that are no more.
func TestShardKeyTakesThePastAlong(t *testing.T) {
	b := newBench(t, "d")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	for name, period := range map[string]string{"h": "row_start, row_end", "n": "s, e"} {
		columns, by := "", "PARTITION BY SYSTEM_TIME INTERVAL 1 DAY STARTS '2001-01-01 00:00:00' PARTITIONS 4"
		if name == "n" {
			columns, by = ", s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE, PERIOD FOR SYSTEM_TIME (s, e)", ""
		}
		b.must("CREATE TABLE " + name + " (id INT, v INT, w ENUM('x','y') WITHOUT SYSTEM VERSIONING" + columns + ", KEY (id, v), SHARD KEY ()) WITH SYSTEM VERSIONING " + by)
		for i, sql := range []string{"INSERT INTO %s (id, v, w) SELECT seq, seq, 'y' FROM seq_1_to_50", "UPDATE %s SET v = v + 1000", "DELETE FROM %s WHERE id > 20", "UPDATE %s SET v = v + 1000, w = 'x'"} {
			b.at(parts[0].Leaf, parts[0].Schema, fmt.Sprintf("SET STATEMENT timestamp=978350400.25 + %d FOR "+sql, i*86400, name))
		}
		past := func() (all []string, whole int) {
			for _, p := range parts {
				rows := b.at(p.Leaf, p.Schema, "SELECT CONCAT_WS('|', id, v, w, "+period+") FROM "+name+" FOR SYSTEM_TIME ALL")
				if all = append(all, rows...); len(rows) == 120 {
					whole++
				}
			}
			slices.Sort(all)
			return all, whole
		}
		was, _ := past()
		for _, key := range []string{"id", "v", "", "v"} {
			b.must("ALTER TABLE " + name + " SHARD KEY (" + key + ")")
			if now, whole := past(); len(now) != 120 || !slices.Equal(now, was) || (whole == 1) != (key == "") {
				t.Fatalf("SHARD KEY (%s):\n%s\nwere\n%s", key, strings.Join(now, "\n"), strings.Join(was, "\n"))
			}
			b.consistent("d")
		}
		for _, p := range parts {
			b.at(p.Leaf, p.Schema, "DELETE FROM "+name)
		}
		was, _ = past()
		b.must("ALTER TABLE " + name + " SHARD KEY ()")
		if now, whole := past(); !slices.Equal(now, was) || whole != 1 {
			t.Errorf("without rows:\n%s\nwere\n%s", strings.Join(now, "\n"), strings.Join(was, "\n"))
		}
	}
}

func TestShardKeyRefused(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	b.must("CREATE TABLE p (id INT PRIMARY KEY, v INT, w INT AS (v) VIRTUAL, SHARD KEY (id))")
	b.must("CREATE TABLE c (id INT PRIMARY KEY, FOREIGN KEY f (id) REFERENCES p (id), SHARD KEY (id))")
	b.must("CREATE TABLE k (id INT, v INT)")
	b.must("CREATE SEQUENCE q")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	before := b.world("d")
	b.refused(1503, "column 'v' is missing", "ALTER TABLE p SHARD KEY (v)")
	b.refused(1072, "'x'", "ALTER TABLE p SHARD KEY (x)")
	b.refused(1235, "generated", "ALTER TABLE p SHARD KEY (w)")
	b.refused(1235, "by itself", "ALTER TABLE p ADD n INT, ADD SHARD KEY (id)")
	b.refused(1235, "reference table", "ALTER TABLE r SHARD KEY (id)")
	b.refused(1235, "sequence", "ALTER TABLE q SHARD KEY (id)")
	b.refused(1146, "nothing", "ALTER TABLE nothing SHARD KEY (id)")
	b.refused(1235, "'p', whose SHARD KEY was written. What would do: ALTER TABLE `c` DROP FOREIGN KEY `f`; ALTER TABLE `c` SHARD KEY (); ALTER TABLE `p` SHARD KEY (); ALTER TABLE `c` ADD CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `p` (`id`)",
		"ALTER TABLE c SHARD KEY ()")
	b.refused(1235, "'c', whose SHARD KEY was written. What would do: ALTER TABLE `c` DROP FOREIGN KEY", "ALTER TABLE p SHARD KEY ()")
	nobody := b.account("nobody", "SELECT ON d.*")
	if _, err := b.as(nobody, "ALTER TABLE k SHARD KEY (id)"); err == nil || !strings.Contains(err.Error(), "denied") {
		t.Errorf("without the right: %v", err)
	}
	for i, p := range parts {
		b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO p (id, v) VALUES (%d, 1)", i))
		b.at(p.Leaf, p.Schema, "INSERT INTO k VALUES (1, 1)")
	}
	b.must("ALTER TABLE p SHARD KEY (id)") // it is so already
	b.must("ALTER TABLE k SHARD KEY (id)") // all rows meet
	for what, v := range map[string]string{
		"by transactions": "CREATE TABLE v (id INT, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e), SHARD KEY (id)) WITH SYSTEM VERSIONING",
		"by LIMIT":        "CREATE TABLE v (id INT, SHARD KEY (id)) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 5 PARTITIONS 3",
		"foreign keys":    "CREATE TABLE v (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES r (id)) WITH SYSTEM VERSIONING",
		"when they began": "CREATE TABLE v (id INT, SHARD KEY (id)) WITH SYSTEM VERSIONING",
	} {
		b.must(v)
		b.at(parts[0].Leaf, parts[0].Schema, "SET STATEMENT foreign_key_checks=0, timestamp=1000000000 FOR INSERT INTO v (id) VALUES (1)")
		b.at(parts[0].Leaf, parts[0].Schema, "SET STATEMENT timestamp=1000000000 FOR DELETE FROM v")
		b.refused(1235, what, "ALTER TABLE v SHARD KEY ()")
		b.must("DROP TABLE v")
	}
	if _, each := b.rowsOf("k"); slices.Max(each) != 4 {
		t.Errorf("k has %v rows", each)
	}
	b.must("DROP TABLE k")
	b.must("CREATE TABLE k (id INT, v INT)")
	b.must("DROP SEQUENCE q") // which not all partitions have
	if now := b.world("d"); strings.Count(now, "Explicit:true") != strings.Count(before, "Explicit:true") {
		t.Errorf("after what was refused:\n%s\nbefore:\n%s", now, before)
	}
	b.consistent("d")
}

// A unique key that the partitions kept each for itself is no reason to lose a row.
func TestShardKeyFindsDuplicates(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE t (id INT PRIMARY KEY, s INT)")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	for i := range parts {
		b.at(parts[i].Leaf, parts[i].Schema, "INSERT INTO t VALUES (1, 1)") // by hand: no node does that
	}
	before := b.world("d")
	b.refused(1062, "Duplicate entry '1' for key 'PRIMARY'", "ALTER TABLE t SHARD KEY ()")
	if now := b.world("d"); now != before {
		t.Errorf("now:\n%s\nbefore:\n%s", now, before)
	}
	b.consistent("d")
}

func (b *bench) rowsOf(table string) (all []string, each []int) {
	parts, err := partitions(b.cat.Snapshot(), "d")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range parts {
		rows := b.at(p.Leaf, p.Schema, "SELECT id FROM "+table)
		all, each = append(all, rows...), append(each, len(rows))
	}
	return all, each
}
