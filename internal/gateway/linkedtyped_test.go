package gateway

import (
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// typedStatements is how many statements the test runs without ORBWEAVER_STATEMENTS, and perTable how many of them are about one table.
const (
	typedStatements = 840
	perTable        = 60
)

// typedRun is what a random test goes through.
type typedRun struct {
	*typeGenerator
	t        *testing.T
	node     *client
	plain    *client
	servers  []*remoteServer
	order    []int // of kinds that decide partitions
	refused  map[string]int
	nRefused int
	// planned is how many reads of several partitions warned otherwise of what their conditions compare: that depends on which rows are looked at.
	planned int
	// pruned is how many reads MariaDB answered otherwise than it does for the same rows without partitions: it forgets some where constants are of other types.
	pruned int
	tables int
	// differences are those seen, leave says that a write was one of them.
	differences int
	leave       bool
}

// maxDifferences is how many are told.
const maxDifferences = 20

// setting is a variable of the environment as a number.
func setting(t *testing.T, name string, otherwise int) int {
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// Random statements on linked tables of all types answer, write and warn as they do on the same tables of one server.
func TestLinkedRandomTypes(t *testing.T) {
	b, p, remotes := partitioned(t, 2)
	_ = b
	seed := setting(t, "ORBWEAVER_SEED", 1)
	r := &typedRun{typeGenerator: &typeGenerator{Rand: rand.New(rand.NewSource(int64(seed)))}, t: t, node: p.node, plain: p.plain, servers: remotes, refused: map[string]int{}}
	for i := range kinds {
		if kinds[i].decides() {
			r.order = append(r.order, i)
		}
	}
	r.Shuffle(len(r.order), func(i, j int) { r.order[i], r.order[j] = r.order[j], r.order[i] })
	p.both("CREATE TABLE other (id INT PRIMARY KEY, n INT)")
	p.both("INSERT INTO other SELECT seq, seq % 11 FROM seq_0_to_50")
	statements := setting(t, "ORBWEAVER_STATEMENTS", typedStatements)
	for n := 0; n < statements; n++ {
		if n%perTable == 0 {
			r.next(seed)
		}
		if !r.leave {
			r.step(n)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(r.refused)) {
		t.Logf("%d times: %s", r.refused[why], why)
	}
	t.Logf("seed %d: of %d statements on %d tables %d were refused, %d warned otherwise of values in conditions, and of %d MariaDB forgot rows", seed, statements, r.tables, r.nRefused, r.planned, r.pruned)
	if r.nRefused > statements/5 || r.planned > statements/25 || r.pruned > statements/200 {
		t.Error("too many")
	}
}

// next makes a table with rows in place of the one before. What comes hangs on the seed and the table's number alone, not on what was left of the one before.
func (r *typedRun) next(seed int) {
	for _, c := range []*client{r.node, r.plain, r.servers[1].client} {
		c.exec("SET sql_mode = '', time_zone = '+00:00', timestamp = 1700000000.25") // a TIMESTAMP that takes no NULL takes the time
		if r.typeGenerator.t != nil && c != r.servers[1].client {
			c.exec("DROP TABLE " + r.typeGenerator.t.name)
		}
	}
	r.tables++
	r.Seed(int64(seed)*1_000_003 + int64(r.tables))
	r.leave = false
	t := &randomTable{name: fmt.Sprint("t", r.tables), unique: r.Intn(2) == 0}
	r.typeGenerator.t = t
	t.columns = []randomColumn{{"id", &kind{'i', "INT", "0|1|2|3|5|8|13|21|34", "5|13"}, true}, {"k", &kinds[r.order[r.tables%len(r.order)]], r.Intn(3) == 0}}
	for _, name := range []string{"x", "y", "z"} {
		t.columns = append(t.columns, randomColumn{name, &kinds[r.Intn(len(kinds))], r.Intn(4) == 0})
	}
	if t.unique && r.Intn(3) > 0 { // its rows can be found by that key
		t.columns[1].required, t.columns[2].required = true, true
	}
	body := func(more string) string {
		var list []string
		for i := range t.columns {
			list = append(list, t.columns[i].define())
		}
		key := ""
		if t.unique {
			key = ", UNIQUE KEY u (id, k"
			if t.columns[2].decides() {
				key += ", x"
			}
			key += ")"
		}
		return "(" + more + strings.Join(list, ", ") + key + ")"
	}
	here, there := body(""), body("w INT DEFAULT 5, ") // with a column more: nobody may see it
	ways := t.ways(r.Rand)
	r.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
	ways = append(ways, "") // of what MariaDB does not partition
	if r.Intn(8) == 0 {
		ways = ways[len(ways)-1:]
	}
	for _, way := range ways {
		text := "CREATE TABLE " + t.name + " " + here
		if way != "" {
			text += " PARTITION BY " + strings.ReplaceAll(way, "@", "")
		}
		_, err := r.plain.c.ExecContext(timeout(r.t), text)
		if err == nil {
			if _, err = r.plain.query("SHOW CREATE TABLE " + t.name); err != nil { // MariaDB can't read what it has written
				r.plain.exec("DROP TABLE " + t.name)
			}
		}
		if err != nil {
			var e *mysql.MySQLError
			if !errors.As(err, &e) {
				r.t.Fatal(err)
			}
			if way == "" {
				r.t.Fatalf("%s: %v", text, err)
			}
			continue // MariaDB does not partition this type so
		}
		t.by = way
		break
	}
	names := r.plain.rows("SELECT CONCAT_WS('#', table_name, IF(partition_name IS NULL, NULL, 'P'), partition_name, IF(subpartition_name IS NULL, NULL, 'SP'), subpartition_name) "+
		"FROM information_schema.partitions WHERE table_schema = 'fed' AND table_name = ?", t.name)
	t.remote = strings.Split(names, "/")
	for _, name := range t.remote {
		for _, s := range r.servers {
			s.exec("CREATE TABLE old.`" + name + "` " + there)
		}
	}
	first, second := "backend1", "backend2"
	if t.copied = r.Intn(4) == 0; t.copied {
		first, second = first+" "+second, second+" "+first
	}
	text := "CREATE TABLE " + t.name + " " + here + " ENGINE=SPIDER COMMENT='srv \"" + first + "\"'"
	if t.by != "" {
		text += " PARTITION BY " + strings.ReplaceAll(t.by, "@", ` COMMENT 'srv "`+second+`"'`)
	}
	r.node.exec(text)
	r.node.want("SHOW WARNINGS", "")
	for n := range 40 {
		row := fmt.Sprintf("INSERT IGNORE INTO %s VALUES (%d", t.name, n)
		for i := range t.columns[1:] {
			row += ", " + r.good(&t.columns[i+1])
		}
		r.both(row+")", nil, false)
	}
	r.placed("rows")
	modes := []string{"''", "DEFAULT", "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'", "'PAD_CHAR_TO_FULL_LENGTH'", "'NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES'"}
	set := "SET sql_mode = " + r.of(modes...) + ", time_zone = '" + r.of("+00:00", "+05:30", "-03:00") + "'"
	r.node.exec(set)
	r.plain.exec(set)
	r.servers[1].exec(set)
}

// answered is what a statement answers in full: its rows or how many it has changed, or its error, and its warnings.
func (c *client) typedAnswer(q string, args []any, sorted, write bool) (string, error) {
	got, err := answered(c, q, args, sorted, write)
	var e *mysql.MySQLError
	if errors.As(err, &e) && e.Number == 1235 {
		return "", err
	}
	if err != nil && e == nil {
		c.t.Fatalf("%s %v: %v", q, args, err)
	}
	if err != nil {
		got = failure(err)
	}
	return got + "\n   " + orderless(c.rows("SHOW WARNINGS")), nil
}

// rowNumber is where a warning says which row it is about.
var rowNumber = regexp.MustCompile(` at row \d+`)

// warned is an answer with its warnings as they have to be alike. Of a statement on several partitions, how often a warning is repeated depends on how often conditions
// were evaluated, and at which row on the order of reading: by a server alone, too, which chooses indexes. Which of very many are kept depends on it as well.
func warned(answer string, parted, write bool) string {
	head, list, _ := strings.Cut(answer, "\n   ")
	notes := strings.Split(list, "/")
	if strings.HasPrefix(head, "error ") { // an INSERT that names its columns may note more than one that does not, and what does not become a query may or may not have looked at its constants
		notes = slices.DeleteFunc(notes, func(n string) bool {
			return !strings.HasPrefix(n, "Warning|") || !write && strings.HasPrefix(n, "Warning|1292|")
		})
	}
	if !parted {
		return head + "\n   " + strings.Join(notes, "/")
	}
	if !write {
		head = rowNumber.ReplaceAllString(head, "")
	}
	if strings.HasPrefix(head, "error 1526 ") {
		notes = nil
	}
	if slices.ContainsFunc(notes, isHomeless) { // a row that no partition takes is not looked at any further
		notes = slices.DeleteFunc(notes, func(n string) bool { return !isHomeless(n) })
	}
	many := len(notes) >= 64
	for i := range notes {
		if !write {
			notes[i] = rowNumber.ReplaceAllString(notes[i], "")
		}
		if words := strings.Split(notes[i], "|"); many && len(words) > 1 {
			notes[i] = words[0] + "|" + words[1]
		}
	}
	slices.Sort(notes)
	return head + "\n   " + strings.Join(slices.Compact(notes), "/")
}

func isHomeless(note string) bool { return strings.HasPrefix(note, "Warning|1526|") }

// unconverted is an answer without the warnings that a value was converted to be compared; strict modes make errors of them in writes.
func unconverted(answer string) string {
	head, list, _ := strings.Cut(warned(answer, true, false), "\n   ")
	return head + "\n" + strings.Join(slices.DeleteFunc(strings.Split(list, "/"), func(n string) bool {
		return n == "" || strings.HasPrefix(n, "Warning|1292") || strings.HasPrefix(n, "Warning|1916")
	}), "/")
}

// byPlan says whether answers of several partitions differ only in what was compared before their rows were found.
func byPlan(got, want string) bool {
	const refused = "error 1292 "
	number := func(answer string) string {
		words := strings.SplitN(answer, " ", 3)
		switch {
		case words[0] != "error" || len(words) < 3:
			return ""
		case words[1] == "1270" || words[1] == "1271": // of two, three and more collations that do not go together
			return "1267"
		}
		return words[1]
	}
	if n := number(got); n != "" && n == number(want) {
		return true // of rows that are come upon in some order
	}
	return unconverted(got) == unconverted(want) || strings.HasPrefix(got, refused) || strings.HasPrefix(want, refused)
}

// both runs a statement on both sides, and compares.
func (r *typedRun) both(q string, args []any, sorted bool) {
	r.t.Helper()
	r.compare(q, args, sorted, true)
}

func (r *typedRun) compare(q string, args []any, sorted, write bool) {
	r.t.Helper()
	got, err := r.node.typedAnswer(q, args, sorted, write)
	if err != nil {
		r.nRefused++
		r.refused[err.Error()]++
		return
	}
	want, _ := r.plain.typedAnswer(q, args, sorted, write)
	read := strings.Contains(q, " SELECT ") || !strings.HasPrefix(q, "INSERT") && !strings.HasPrefix(q, "REPLACE") // which go through rows as they find them
	if parted := r.typeGenerator.t.by != ""; warned(got, parted, !read) != warned(want, parted, !read) {
		if (parted || strings.Contains(q, "other")) && read && byPlan(got, want) {
			r.planned++
			r.leave = write
			return
		}
		if parted && !write && r.asFlat(q, args, sorted, got) {
			r.pruned++
			return
		}
		r.t.Errorf("%s %q\n got %s\nwant %s\non %s", q, args, got, want, r.described())
		r.differs(write)
	}
}

// asFlat says whether an answer has the rows that the server gives when the same table has no partitions.
func (r *typedRun) asFlat(q string, args []any, sorted bool, got string) bool {
	name := r.typeGenerator.t.name
	for _, text := range []string{"CREATE OR REPLACE TABLE flat LIKE " + name, "ALTER TABLE flat REMOVE PARTITIONING", "INSERT INTO flat SELECT * FROM " + name} {
		if _, err := r.plain.c.ExecContext(timeout(r.t), text); err != nil {
			return false
		}
	}
	flat, err := r.plain.typedAnswer(strings.ReplaceAll(q, name, "flat"), args, sorted, false)
	if err != nil {
		return false
	}
	ours, _, _ := strings.Cut(got, "\n   ")
	theirs, _, _ := strings.Cut(flat, "\n   ")
	return ours == theirs
}

// differs ends the test when it has seen enough, and leaves a table whose rows may differ by now.
func (r *typedRun) differs(write bool) {
	if r.differences++; r.differences == maxDifferences {
		r.t.FailNow()
	}
	r.leave = r.leave || write
}

// placed wants each partition to have the rows that it has at the server.
func (r *typedRun) placed(after string) {
	t := r.typeGenerator.t
	parts := []string{""}
	if t.by != "" {
		parts = nil
		for name := range strings.SplitSeq(r.plain.rows("SELECT DISTINCT partition_name FROM information_schema.partitions WHERE table_schema = 'fed' AND table_name = ?", t.name), "/") {
			parts = append(parts, " PARTITION ("+name+")")
		}
	}
	for _, name := range t.remote {
		q := "SELECT * FROM old.`" + name + "`"
		if a, b := orderless(r.servers[0].rows(q)), orderless(r.servers[1].rows(q)); t.copied && a != b {
			r.t.Errorf("after %s %q\n got %s\nwant %s\non %s", after, r.args, b, a, "links of "+name)
			r.differs(true)
			return
		}
	}
	for _, part := range parts {
		all := "SELECT * FROM " + t.name + part
		if got, want := orderless(r.node.rows(all)), orderless(r.plain.rows(all)); got != want {
			r.t.Errorf("after %s %q%s\n got %s\nwant %s\non %s", after, r.args, part, got, want, r.described())
			r.differs(true)
			return
		}
	}
}

func (r *typedRun) described() string {
	return r.plain.rows("SHOW CREATE TABLE "+r.typeGenerator.t.name) + r.plain.rows("SELECT @@sql_mode, @@time_zone") +
		"\n" + r.plain.rows("SELECT id, HEX(CONCAT("+r.typeGenerator.t.columns[1].shownName()+")) FROM "+r.typeGenerator.t.name)
}

// step is one statement.
func (r *typedRun) step(n int) {
	g := r.typeGenerator
	g.prepared, g.args, g.writes = g.Intn(3) == 0, nil, g.Intn(4) == 0
	if g.writes {
		text := g.write()
		r.compare(text, g.args, false, true)
		if n%4 == 0 && !r.leave {
			r.placed(text)
		}
		return
	}
	text, sorted := g.read()
	r.compare(text, g.args, sorted, false)
}
