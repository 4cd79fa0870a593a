package ddl

import (
	"fmt"
	"strings"
	"testing"
)

// At a leaf the partitions' foreign keys lead into the shape, and a replica has some for longer than the shape: neither keeps a statement from what MariaDB would do.
func TestForeignKeysOfPartitionsAreNoReasonToRefuse(t *testing.T) {
	b := newBench(t)
	b.everywhere("DROP DATABASE IF EXISTS `f$-x`")
	b.everywhere("DROP DATABASE IF EXISTS e")
	b.s.Schema = "f$-x"
	b.must("CREATE DATABASE `f$-x` PARTITIONS 2")
	t.Cleanup(func() { _, _ = b.as(b.s, "DROP DATABASE IF EXISTS `f$-x`") })
	prepare := func() {
		b.must("CREATE REFERENCE TABLE `r-1` (id INT PRIMARY KEY)")
		b.must("CREATE TABLE c1 (id INT PRIMARY KEY, r INT, FOREIGN KEY (r) REFERENCES `r-1` (id))")
	}
	refusedBy := func(code, sql string) {
		t.Helper()
		if _, err := b.as(b.s, sql); err == nil || !strings.Contains(fmt.Sprint(err), code) {
			t.Errorf("%s: %v, want %s", sql, err, code)
		}
	}
	prepare()
	refusedBy("foreign key constraint fails", "DROP TABLE `r-1`")
	refusedBy("referenced in a foreign key", "TRUNCATE TABLE `r-1`")
	b.must("DROP TABLE c1, `r-1`")
	prepare()
	// What a replica has that has not applied yet what was dropped.
	left := b.other("f$-x_0")
	b.at(left, "", "CREATE DATABASE `f$-x_0`")
	b.at(left, "f$-x_0", "CREATE TABLE c1 (id INT PRIMARY KEY, r INT, FOREIGN KEY (r) REFERENCES `f$-x`.`r-1` (id))")
	b.must("DROP TABLE c1")
	b.must("TRUNCATE TABLE `r-1`")
	b.must("DROP TABLE `r-1`")
	b.at(left, "", "DROP DATABASE `f$-x_0`")
	prepare()
	b.must("CREATE TABLE self (id INT PRIMARY KEY, up INT, SHARD KEY (id), FOREIGN KEY (id) REFERENCES self (id))")
	b.must("DROP TABLE self")
	// Another database's tables are a reason.
	b.must("CREATE DATABASE e PARTITIONS 2")
	b.must("CREATE TABLE e.c2 (id INT PRIMARY KEY, r INT, FOREIGN KEY (r) REFERENCES `f$-x`.`r-1` (id))")
	refusedBy("foreign key constraint fails", "DROP DATABASE `f$-x`")
	b.must("DROP DATABASE e")
	b.must("DROP DATABASE `f$-x`")
	if recs, err := b.cat.DDLRecords(b.ctx()); err != nil || len(recs) > 0 {
		t.Errorf("records: %v %v", recs, err)
	}
}

// other is a leaf that does not have a partition's master.
func (b *bench) other(schema string) string {
	b.t.Helper()
	s := b.cat.Snapshot()
	p := s.Partition(s.Schemas[schema])
	if p == nil {
		b.t.Fatalf("no partition %s", schema)
	}
	master, _ := p.Master()
	for _, l := range b.farm.Leaves() {
		if l.Name != master {
			return l.Name
		}
	}
	b.t.Fatal("no other leaf")
	return ""
}
