package ddl

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// kinds are the kinds of d's tables, and what else is said of where their rows are.
func (b *bench) kinds() string {
	b.t.Helper()
	var out []string
	for name, t := range b.cat.Snapshot().Databases["d"].Tables {
		s := name + " " + string(t.Kind)
		if t.Explicit {
			s += fmt.Sprint(t.ShardKey)
		}
		if t.Closed != "" {
			s += " closed"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// noted fails unless a statement had notes that name these tables, one each.
func (b *bench) noted(res *Result, tables ...string) {
	b.t.Helper()
	var got []string
	for _, n := range res.Notes {
		if n.Level == "Note" && strings.Contains(n.Message, "has all its rows in one partition") && strings.Contains(n.Message, "SHARD KEY (…)") {
			got = append(got, strings.Split(n.Message, "'")[1])
		}
	}
	if !slices.Equal(got, tables) {
		b.t.Errorf("notes on %v, want %v: %+v", got, tables, res.Notes)
	}
}

// Tables of which nobody has said where they are to be go to one partition when foreign keys come that need it: of tables that are made, and that are altered.
func TestForeignKeysGatherTables(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE REFERENCE TABLE country (id INT PRIMARY KEY)")
	b.must("CREATE TABLE user (id INT AUTO_INCREMENT PRIMARY KEY, country INT, FOREIGN KEY (country) REFERENCES country (id))")
	b.must("CREATE TABLE role (user INT, role INT, PRIMARY KEY (user, role), FOREIGN KEY (user) REFERENCES user (id))")
	b.must("CREATE TABLE profile (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES user (id) ON DELETE CASCADE)")
	b.must("CREATE TABLE other (id INT PRIMARY KEY)")
	if got := b.kinds(); got != "country reference, other sharded, profile sharded, role sharded[0], user sharded" {
		t.Fatal(got)
	}
	b.noted(b.must("CREATE TABLE post (id INT PRIMARY KEY, user INT NOT NULL, FOREIGN KEY f (user) REFERENCES user (id))"), "user", "profile", "role", "post")
	if got := b.kinds(); got != "country reference, other sharded, post single, profile single, role single, user single" {
		t.Fatal(got)
	}
	b.noted(b.must("ALTER TABLE other ADD COLUMN post INT, ADD FOREIGN KEY (post) REFERENCES post (id)"), "other")
	b.must("CREATE TABLE a (id INT PRIMARY KEY, b INT)")
	b.must("CREATE TABLE b (id INT PRIMARY KEY, a INT)")
	b.noted(b.must("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)"), "a", "b")
	b.must("ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a (id)")
	b.must("CREATE TABLE tag (id INT PRIMARY KEY, slug INT)")
	b.noted(b.must("CREATE TABLE post_tag (post INT, tag INT, PRIMARY KEY (post, tag), FOREIGN KEY (post) REFERENCES post (id), FOREIGN KEY (tag) REFERENCES tag (id))"), "tag", "post_tag")
	b.consistent("d")
	for _, table := range b.cat.Snapshot().Databases["d"].Tables {
		if table.Kind != topo.Single && table.Kind != topo.Reference || table.Closed != "" {
			t.Errorf("%s is %s", table.Name, table.Kind)
		}
	}

	// What is written stays, and so does what has rows.
	b.must("CREATE TABLE w (id INT PRIMARY KEY, SHARD KEY (id))")
	b.refused(1235, ". What would do before it: ALTER TABLE `w` SHARD KEY ()", "CREATE TABLE x (id INT PRIMARY KEY, w INT, FOREIGN KEY (w) REFERENCES w (id))")
	b.must("CREATE TABLE e (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES w (id))")
	b.must("CREATE TABLE f (id INT PRIMARY KEY)")
	b.refused(1235, ". What would do before it: ALTER TABLE `w` SHARD KEY ()", "CREATE TABLE x (id INT PRIMARY KEY, e INT, FOREIGN KEY (e) REFERENCES e (id))")
	b.must("ALTER TABLE w SHARD KEY ()")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	b.at(parts[1].Leaf, parts[1].Schema, "INSERT INTO f VALUES (3)")
	b.refused(1235, ". What would do before it: ALTER TABLE `f` SHARD KEY ()", "CREATE TABLE x (id INT PRIMARY KEY, e INT, f INT, FOREIGN KEY (e) REFERENCES e (id), FOREIGN KEY (f) REFERENCES f (id))")
	b.refused(1235, ". What would do before it: ALTER TABLE `f` SHARD KEY ()", "CREATE TABLE x (id INT PRIMARY KEY, f INT, FOREIGN KEY (f) REFERENCES f (id), SHARD KEY ())")
	b.refused(1503, ". What would do before it: ALTER TABLE `f` SHARD KEY ()", "ALTER TABLE f ADD COLUMN g INT UNIQUE")
	b.refused(1005, "errno: 150", "CREATE TABLE x (id INT PRIMARY KEY, f INT, FOREIGN KEY (f) REFERENCES f (nothing))")
	b.refused(1235, ". What would do before it: ALTER TABLE `role` DROP FOREIGN KEY `role_ibfk_1`", "ALTER TABLE role SHARD KEY (user)")
	b.refused(1235, ". What would do before it: ALTER TABLE `post_tag` DROP FOREIGN KEY `post_tag_ibfk_2`", "ALTER TABLE tag SHARD KEY (id)")
	b.s.GatherMaxRows = 1 // which f has
	b.noted(b.must("CREATE TABLE x (id INT PRIMARY KEY, e INT, f INT, FOREIGN KEY (e) REFERENCES e (id), FOREIGN KEY (f) REFERENCES f (id))"), "f", "x")
	b.must("DROP TABLE x")
	b.must("CREATE TABLE x (id INT PRIMARY KEY, e INT, f INT, FOREIGN KEY (e) REFERENCES e (id), FOREIGN KEY (f) REFERENCES f (id))")
	b.consistent("d")
}

// Applications give their tables keys when they have rows already: small ones that nobody has placed are gathered for them.
func TestKeysGatherFewRows(t *testing.T) {
	b := newBench(t, "d")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	b.must("CREATE TABLE bare (a INT, b INT)")
	b.must("CREATE TABLE keyed (id INT PRIMARY KEY, b INT)")
	b.must("CREATE TABLE said (id INT PRIMARY KEY, b INT, SHARD KEY (id))")
	b.must("CREATE TABLE turned (id INT PRIMARY KEY, b INT)")
	b.must("CREATE REFERENCE TABLE bare_ref (a INT)")
	for i, p := range parts {
		for _, table := range []string{"bare", "keyed", "said", "turned"} {
			b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO %s VALUES (%d, %d)", table, i, 10*i))
		}
	}
	b.s.GatherMaxRows = uint64(len(parts)) - 1
	b.refused(1503, ". What would do before it: ALTER TABLE `bare` SHARD KEY ()", "ALTER TABLE bare ADD id INT AUTO_INCREMENT PRIMARY KEY")
	b.refused(1235, ". What would do before it: ALTER TABLE `keyed` SHARD KEY ()", "ALTER TABLE keyed ADD n INT AUTO_INCREMENT, ADD KEY (n)")
	b.refused(1235, ". What would do before it: ALTER TABLE `turned` SHARD KEY ()", "ALTER TABLE turned MODIFY id INT UNSIGNED")
	b.must("ALTER TABLE turned MODIFY id BIGINT")
	b.s.GatherMaxRows++
	b.noted(b.must("ALTER TABLE turned CHANGE id nr INT UNSIGNED"), "turned")
	b.refused(1235, ". What would do before it: ALTER TABLE `said` SHARD KEY ()", "ALTER TABLE said DROP id")
	b.noted(b.must("ALTER TABLE keyed ADD n INT AUTO_INCREMENT, ADD KEY (n)"), "keyed")
	b.must("ALTER TABLE bare ADD id INT AUTO_INCREMENT PRIMARY KEY")
	b.refused(1503, ". What would do before it: ALTER TABLE `said` SHARD KEY ()", "ALTER TABLE said ADD UNIQUE (b)")
	b.must("ALTER TABLE bare_ref ADD id INT AUTO_INCREMENT PRIMARY KEY")
	b.must("ALTER TABLE bare_ref DROP id")
	b.everywhere("INSERT INTO d.bare_ref VALUES (1), (2)")
	b.refused(1235, "has no PRIMARY KEY, by which", "ALTER TABLE bare_ref ADD id INT AUTO_INCREMENT PRIMARY KEY")
	b.must("ALTER TABLE bare_ref ADD PRIMARY KEY (a)")
	b.must("ALTER TABLE bare_ref ADD id INT AUTO_INCREMENT UNIQUE")
	b.consistent("d")
	if got := b.kinds(); got != "bare single, bare_ref reference, keyed single, said sharded[0], turned single" {
		t.Error(got)
	}
	for _, table := range []string{"bare", "keyed", "turned"} {
		if got := b.at(parts[0].Leaf, parts[0].Schema, "SELECT * FROM "+table); len(got) != len(parts) {
			t.Error(table, got)
		}
	}
}

// Who loads a dump makes a table, fills it, and comes to those that reference it later, without foreign_key_checks: its own tables go with their rows.
func TestDumpsGatherTheirTables(t *testing.T) {
	b := newBench(t, "d")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	b.must("CREATE TABLE foreigner (id INT PRIMARY KEY)")
	b.at(parts[2].Leaf, parts[2].Schema, "INSERT INTO foreigner VALUES (2)")
	b.s.State, b.s.Made = b.s.State.With("foreign_key_checks", "foreign_key_checks=0"), &Made{}
	b.must("CREATE TABLE account (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
	b.must("CREATE TABLE account_role (account INT, role INT, PRIMARY KEY (account, role), CONSTRAINT ar FOREIGN KEY (account) REFERENCES account (id) ON UPDATE CASCADE)")
	b.must("CREATE TRIGGER tr BEFORE INSERT ON account FOR EACH ROW SET NEW.v = NEW.v + 1")
	for i, p := range parts {
		b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO account VALUES (%d, %d), (%d, 7)", i+1, i, i+11))
		b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO account_role VALUES (%d, 1)", i+1))
	}
	b.refused(1235, ". What would do before it: ALTER TABLE `foreigner` SHARD KEY ()", "CREATE TABLE booking (id INT PRIMARY KEY, x INT, FOREIGN KEY (x) REFERENCES foreigner (id))")
	b.noted(b.must("CREATE TABLE booking (id INT PRIMARY KEY, account INT NOT NULL, later INT, FOREIGN KEY (account) REFERENCES account (id), FOREIGN KEY (later) REFERENCES later (id))"),
		"account", "account_role", "booking")
	b.noted(b.must("CREATE TABLE later (id INT PRIMARY KEY, n INT UNIQUE)"), "later")
	b.consistent("d")
	if got := b.kinds(); got != "account single, account_role single, booking single, foreigner sharded, later single" {
		t.Error(got)
	}
	first := parts[topo.SingleOrdinal]
	if got := b.at(first.Leaf, first.Schema, "SELECT GROUP_CONCAT(id, ':', v ORDER BY id) FROM account"); got[0] != "1:1,2:2,3:3,4:4,11:8,12:8,13:8,14:8" {
		t.Error(got)
	}
	// A key that is written before there is what it leads to is one that its parent has to fit.
	b.must("CREATE TABLE c (p INT, n INT, PRIMARY KEY (p, n), FOREIGN KEY (p) REFERENCES p (id), SHARD KEY (p))")
	b.refused(1235, "'c', whose rows are in several partitions", "CREATE TABLE p (id INT PRIMARY KEY, SHARD KEY ())")
	b.refused(1235, "which was made before it", "CREATE REFERENCE TABLE p (id INT PRIMARY KEY)")
	b.refused(1235, "does not reference", "CREATE TABLE p (id INT, x INT, PRIMARY KEY (id, x), SHARD KEY (x))")
	b.must("CREATE TABLE p (id INT PRIMARY KEY)")
	b.consistent("d")
}

// A table with rows keeps its foreign keys to reference tables, those of the tables that go along, and its triggers, whatever its shard key becomes.
func TestShardKeyKeepsForeignKeysAndTriggers(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	b.must("CREATE TABLE t (id INT, k INT, r INT, v INT, PRIMARY KEY (id, k), CONSTRAINT `to it` FOREIGN KEY (r) REFERENCES r (id) ON DELETE SET NULL, FOREIGN KEY (v) REFERENCES r (id), SHARD KEY (k))")
	b.must("CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1")
	b.must("CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW PRECEDES one SET NEW.v = 1")
	b.everywhere("INSERT INTO d.r VALUES (1), (2)")
	parts, _ := partitions(b.cat.Snapshot(), "d")
	for i := range 8 {
		p := parts[i%4]
		b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO t VALUES (%d, 1, %d, 2)", i, i%2+1))
	}
	for _, key := range []string{"id", "", "k"} {
		if res := b.must("ALTER TABLE t SHARD KEY (" + key + ")"); res.Affected != 8 {
			t.Errorf("SHARD KEY (%s): %+v", key, res)
		}
		b.consistent("d")
		sum := 0
		for _, p := range parts {
			sum += len(b.at(p.Leaf, p.Schema, "SELECT * FROM t WHERE v = 1 AND r = id % 2 + 1"))
		}
		if sum != 8 {
			t.Errorf("SHARD KEY (%s): %d rows", key, sum)
		}
	}
}
