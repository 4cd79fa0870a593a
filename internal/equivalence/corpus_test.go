package equivalence

import (
	"flag"
	"maps"
	"slices"
	"testing"

	"github.com/orbweaver/orbweaver/internal/corpus"
	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// corpusTables are what the statements of the parser's corpus name, as far as a cluster has such things.
var corpusTables = []string{
	`CREATE TABLE t1 (id BIGINT PRIMARY KEY, a INT, b INT, c INT, d DATETIME, e INT, s VARCHAR(100), j LONGTEXT, g GEOMETRY, x INT, y INT,
	 KEY ia (a), KEY ib (b), FULLTEXT KEY (s), SHARD KEY (id))`,
	"CREATE TABLE t2 LIKE t1",
	"CREATE TABLE t3 LIKE t1",
	"CREATE TABLE t4 LIKE t1",
	"CREATE TABLE t LIKE t1",
	"CREATE TABLE tv (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING",
	"CREATE TABLE tper (id INT, a INT, f DATE, u DATE, PERIOD FOR ap (f, u), SHARD KEY (id))",
	"CREATE TABLE tp (id INT PRIMARY KEY, a INT, b INT, c INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
	"CREATE VIEW v1 AS SELECT a FROM t1",
}

// readAsOurs are statements that MariaDB accepts and a node takes for others, by what they are here.
var readAsOurs = map[string]string{
	"explain restart leaves": "EXPLAIN of a command of the cluster; of the column leaves of a table restart in MariaDB",
}

var whole = flag.Bool("whole", false, "the parser's corpus with all statements of its forms, and every word in every place")

// TestCorpusIsPrepared sends every statement of the parser's corpus to a plain MariaDB and to a node as COM_STMT_PREPARE. What MariaDB accepts the node must, with as many
// parameters and columns; what it refuses for another reason than its syntax the node must refuse for the same, or have as syntax of its own.
func TestCorpusIsPrepared(t *testing.T) {
	p := newPair(t, "p", 2, answer.Caps)
	for _, sql := range corpusTables {
		p.both(sql)
	}
	const testdata = "../sqltext/testdata"
	t.Run("statements", func(t *testing.T) {
		most := corpus.Most
		if *whole {
			most = 100_000
		}
		all, err := corpus.Read(testdata, most)
		if err != nil {
			t.Fatal(err)
		}
		seen := prepares{pair: p}
		for _, s := range all {
			seen.compare(t, s.Text)
		}
		seen.report(t)
		if seen.accepted < 5000 {
			t.Errorf("only %d statements are accepted", seen.accepted)
		}
	})
	t.Run("words", func(t *testing.T) {
		places, err := corpus.Words(testdata)
		if err != nil {
			t.Fatal(err)
		}
		seen := prepares{pair: p}
		words := must(t, p.plain, "SELECT LOWER(word) FROM information_schema.keywords WHERE word RLIKE '^[A-Z]' UNION SELECT LOWER(function) FROM information_schema.sql_functions")
		for i, w := range words[0].Rows {
			for j, text := range places(w.Cells[0]) {
				if *whole || (i+j)%32 == 0 {
					seen.compare(t, text)
				}
			}
		}
		seen.report(t)
		if seen.accepted < 1000 {
			t.Errorf("only %d statements are accepted", seen.accepted)
		}
	})
}

// prepares counts what came of statements.
type prepares struct {
	*pair
	all, accepted int
	read          int            // as others
	wrong         int            // syntax that MariaDB refuses
	alone         int            // and the node accepts
	undecided     map[uint16]int // refused by both, by the error
}

// compare has a statement prepared on both sides.
func (p *prepares) compare(t *testing.T, sql string) {
	t.Helper()
	p.all++
	pre, here := p.prepare(t, p.node, sql)
	want, there := p.prepare(t, p.plain, sql)
	switch {
	case there == nil && here != nil:
		t.Errorf("%s: %v", sql, here)
	case there == nil && readAsOurs[sql] != "":
		p.read++
	case there == nil && pre != want:
		t.Errorf("%s: prepared: %+v, want %+v", sql, pre, want)
	case there == nil:
		p.accepted++
	case here == nil:
		p.alone++
	case there.Code == wire.ErParse:
		p.wrong++
	case here.Code != there.Code:
		t.Errorf("%s: %v\nwant %v", sql, here, there)
	default:
		if p.undecided == nil {
			p.undecided = map[uint16]int{}
		}
		p.undecided[there.Code]++
	}
}

// prepare has a statement described, and forgets it.
func (p *prepares) prepare(t *testing.T, c *answer.Client, sql string) (wire.PrepareOK, *wire.ServerError) {
	t.Helper()
	pre, refused, err := c.Prepare(sql)
	if err == nil && refused == nil {
		err = c.Forget(pre)
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	pre.StmtID = 0
	return pre, refused
}

// report logs the numbers. None is refused here with error 1235 that MariaDB accepts: what docs/sql.md says is refused is so when it is executed.
func (p *prepares) report(t *testing.T) {
	t.Logf("%d statements: %d accepted by MariaDB and here, %d read as the cluster's own; %d MariaDB has no such syntax for, %d more of these are the cluster's",
		p.all, p.accepted, p.read, p.wrong, p.alone)
	for _, code := range slices.SortedFunc(maps.Keys(p.undecided), func(a, b uint16) int { return p.undecided[b] - p.undecided[a] }) {
		t.Logf("%5d  refused by both with error %d", p.undecided[code], code)
	}
}
