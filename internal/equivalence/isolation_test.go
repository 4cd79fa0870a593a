package equivalence

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
	"github.com/orbweaver/orbweaver/internal/history"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// schedule is transactions of several sessions, step by step: `1 a2:7` is session 1 appending 7 to list 2, `1 r2` it reading list 2. A step that waits for another
// session's lock goes on when it can, and what its session does later then, too.
type schedule struct {
	name, steps string
	snapshot    string // sessions whose transactions begin WITH CONSISTENT SNAPSHOT, and only read
	// want are the anomalies at each level: on a plain server, which a partition is, too; and where lists 1 and 2 are in two partitions. none is for those not named.
	plain, two map[history.Level][]history.Name
}

type byLevel = map[history.Level][]history.Name

const rc, rr, ser = history.ReadCommitted, history.RepeatableRead, history.Serializable

var schedules = []schedule{
	{name: "dirty write (G0)", steps: "1 a1:1; 2 a1:2; 1 a2:1; 1 commit; 2 a2:2; 2 commit"},
	{name: "aborted read (G1a)", steps: "1 a1:1; 1 a2:1; 2 r1; 2 r2; 1 rollback; 2 r1; 2 commit"},
	{name: "intermediate read (G1b)", steps: "1 a1:1; 2 r1; 1 a1:2; 1 commit; 2 r1; 2 commit",
		plain: byLevel{rc: {history.Internal, history.GSingle}}, two: byLevel{rc: {history.Internal, history.GSingle}}},
	{name: "circular information flow (G1c)", steps: "1 a1:1; 2 a2:2; 1 r2; 2 r1; 1 commit; 2 commit",
		plain: byLevel{rc: {history.G2}, rr: {history.G2}}, two: byLevel{rc: {history.G2}, rr: {history.G2}}},
	{name: "another read", steps: "1 r1; 2 a1:1; 2 commit; 1 r1; 1 commit",
		plain: byLevel{rc: {history.Internal, history.GSingle}}, two: byLevel{rc: {history.Internal, history.GSingle}}},
	{name: "lost update", steps: "1 r1; 2 r1; 1 a1:1; 2 a1:2; 1 commit; 2 commit",
		plain: byLevel{rc: {history.LostUpdate}, rr: {history.LostUpdate}}, two: byLevel{rc: {history.LostUpdate}, rr: {history.LostUpdate}}},
	{name: "a write on top of what was not read", steps: "1 r1; 2 a1:1; 2 commit; 1 a1:2; 1 r1; 1 commit",
		plain: byLevel{rc: {history.Internal, history.LostUpdate}, rr: {history.Internal, history.LostUpdate}},
		two:   byLevel{rc: {history.Internal, history.LostUpdate}, rr: {history.Internal, history.LostUpdate}}},
	// Each partition has a moment of its own, that of the first read there.
	{name: "fractured read", steps: "1 r1; 2 a1:1; 2 a2:1; 2 commit; 1 r2; 1 commit",
		plain: byLevel{rc: {history.Fractured}}, two: byLevel{rc: {history.Fractured}, rr: {history.Fractured}}},
	{name: "fractured read in a snapshot", snapshot: "1", steps: "1 begin; 2 a1:1; 2 a2:1; 2 commit; 1 r1; 1 r2; 1 r1; 1 commit"},
	{name: "a snapshot between two that follow each other", snapshot: "1", steps: "2 a1:1; 2 commit; 1 begin; 3 r1; 3 a2:2; 3 commit; 1 r2; 1 r1; 1 commit"},
	{name: "read skew by a write (G-single)", steps: "1 r1; 2 a1:1; 2 a2:1; 2 commit; 1 a2:2; 1 commit",
		plain: byLevel{rc: {history.GSingle}, rr: {history.GSingle}}, two: byLevel{rc: {history.GSingle}, rr: {history.GSingle}}},
	{name: "write skew (G2)", steps: "1 r1; 1 r2; 2 r1; 2 r2; 1 a1:1; 2 a2:2; 1 commit; 2 commit",
		plain: byLevel{rc: {history.G2}, rr: {history.G2}}, two: byLevel{rc: {history.G2}, rr: {history.G2}}},
}

// What each isolation level allows: on one partition exactly what a plain server does, and over two what the documentation says. Histories are those of the schedules,
// named by what they have when nothing prevents it.
func TestIsolation(t *testing.T) {
	node, plain := cluster(t)
	leaves, one := waits(t, 2), waits(t, 1)
	at := map[string]func() int{node: leaves, plain: one}
	clients := map[string][]*answer.Client{}
	for addr := range at {
		for range sessions {
			clients[addr] = append(clients[addr], dial(t, addr, "", answer.ModernCaps))
		}
	}
	must(t, dial(t, plain, "", answer.ModernCaps), "CREATE OR REPLACE DATABASE isolation; CREATE TABLE isolation.list (id INT PRIMARY KEY, v VARCHAR(1000) NOT NULL)")
	setUp := dial(t, node, "", answer.ModernCaps)
	must(t, setUp, "CREATE DATABASE isolation PARTITIONS 2")
	defer func() { must(t, setUp, "DROP DATABASE isolation") }()
	must(t, setUp, "CREATE TABLE isolation.list (id INT PRIMARY KEY, v VARCHAR(1000) NOT NULL)")
	same, other := partitionsOf(t, setUp)
	for _, level := range []history.Level{rc, rr, ser} {
		for _, s := range schedules {
			for _, where := range []struct {
				name, addr string
				lists      [2]int
				want       byLevel
			}{{"a plain server", plain, same, s.plain}, {"one partition", node, same, s.plain}, {"two partitions", node, other, s.two}} {
				got := s.run(t, clients[where.addr], level, where.lists, at[where.addr])
				want := slices.Sorted(slices.Values(where.want[level]))
				if !slices.Equal(got.names, want) {
					t.Errorf("%s, %s, at %s: %v, want %v; %v; %s", level, s.name, where.name, got.names, want, got.found, got.history)
				}
				for _, name := range got.names {
					if level.Forbids(name) {
						t.Errorf("%s, %s, at %s: %s, which the level forbids", level, s.name, where.name, name)
					}
				}
			}
		}
	}
}

// partitionsOf finds two lists of one partition, and two of different ones.
func partitionsOf(t *testing.T, c *answer.Client) (same, other [2]int) {
	t.Helper()
	for id := 1; id < 20; id++ {
		must(t, c, fmt.Sprintf("INSERT INTO isolation.list VALUES (%d, '')", id))
	}
	has := map[int]int{}
	for _, l := range farmtest.Shared(t, 2).Leaves() {
		db := open(t, l.Socket)
		for part := range 2 {
			rows, err := db.Query(fmt.Sprintf("SELECT id FROM isolation_%d.list", part))
			if err != nil {
				continue // the other leaf has it
			}
			for rows.Next() {
				var id int
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
				has[id] = part
			}
			rows.Close()
		}
	}
	for id := 2; id < 20; id++ {
		if has[id] == has[1] {
			same = [2]int{1, id}
		} else {
			other = [2]int{1, id}
		}
	}
	if len(has) != 19 || same[0] == 0 || other[0] == 0 {
		t.Fatalf("partitions of lists: %v", has)
	}
	return same, other
}

func open(t *testing.T, socket string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", "root@unix("+socket+")/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// waits counts the statements that wait for a row's lock at a farm's servers.
func waits(t *testing.T, n int) func() int {
	t.Helper()
	var dbs []*sql.DB
	for _, l := range farmtest.Shared(t, n).Leaves() {
		dbs = append(dbs, open(t, l.Socket))
	}
	return func() (total int) {
		for _, db := range dbs {
			var name string
			var n int
			if err := db.QueryRow("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'").Scan(&name, &n); err != nil {
				t.Fatal(err)
			}
			total += n
		}
		return total
	}
}

// isolated is one session of a schedule.
type isolated struct {
	c     *answer.Client
	begin string
	txn   history.Txn
	steps chan string
	ready chan struct{} // has a value for each step that is over
	busy  int           // steps that are not over
	over  bool
	err   error
}

// outcomeOf is what a schedule has shown.
type outcomeOf struct {
	names   []history.Name
	found   []history.Anomaly
	history []history.Txn
}

// sessions is how many a schedule may have.
const sessions = 3

func (s schedule) run(t *testing.T, clients []*answer.Client, level history.Level, lists [2]int, waits func() int) (o outcomeOf) {
	t.Helper()
	must(t, clients[0], fmt.Sprintf("REPLACE INTO isolation.list VALUES (%d, ''), (%d, '')", lists[0], lists[1]))
	all := map[string]*isolated{}
	for i, c := range clients {
		id := strconv.Itoa(i + 1)
		x := &isolated{c: c, steps: make(chan string, 20), ready: make(chan struct{}, 20), begin: "START TRANSACTION"}
		own := level
		if strings.Contains(s.snapshot, id) {
			x.begin, x.txn.Snapshot = "START TRANSACTION WITH CONSISTENT SNAPSHOT", true
			if level == rc { // it has none
				own = rr
			}
		}
		// A deadlock over two partitions is found by a part of nodes that is not there in this test.
		must(t, c, "SET SESSION TRANSACTION ISOLATION LEVEL "+string(own)+"; SET SESSION innodb_lock_wait_timeout = 4")
		all[id] = x
		go x.serve(lists)
		defer close(x.steps)
	}
	for step := range strings.SplitSeq(s.steps, ";") {
		id, what, _ := strings.Cut(strings.TrimSpace(step), " ")
		x := all[id]
		x.busy++
		x.steps <- what // when it waits for a lock, this comes later
		for end := time.Now().Add(answer.Patience); ; time.Sleep(time.Millisecond) {
			busy := 0
			for _, o := range all {
				if o.looks() {
					busy++
				}
			}
			if x.busy == 0 || waits() >= busy { // all that run wait for others
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %s does not end and waits for nothing", s.name, step)
			}
		}
	}
	final := map[int64][]int64{}
	for _, x := range all {
		x.wait()
		if x.err != nil {
			t.Fatalf("%s: %v", s.name, x.err)
		}
		if len(x.txn.Ops) > 0 {
			o.history = append(o.history, x.txn)
		}
	}
	for i, id := range lists {
		final[int64(i+1)] = values(must(t, clients[0], fmt.Sprintf("SELECT v FROM isolation.list WHERE id = %d", id)))
	}
	o.found = history.Check(o.history, final)
	for _, a := range o.found {
		o.names = append(o.names, a.Name)
	}
	slices.Sort(o.names)
	o.names = slices.Compact(o.names)
	return o
}

// looks says whether a step of the session is under way still.
func (x *isolated) looks() bool {
	for x.busy > 0 {
		select {
		case <-x.ready:
			x.busy--
		default:
			return true
		}
	}
	return false
}

// wait waits for the end of the session's steps.
func (x *isolated) wait() {
	for ; x.busy > 0; x.busy-- {
		<-x.ready
	}
}

// serve runs the session's steps. A statement that fails ends the transaction; its later steps are nothing.
func (x *isolated) serve(lists [2]int) {
	begun := false
	x.txn.Outcome = history.RolledBack
	do := func(q string) (res []answer.Result) {
		if x.over || x.err != nil {
			return nil
		}
		if res, x.err = x.c.Query(q); x.err == nil && res[len(res)-1].Err != nil {
			x.over = true
			_, x.err = x.c.Query("ROLLBACK")
			return nil
		}
		return res
	}
	for step := range x.steps {
		if !begun {
			begun = true
			do(x.begin)
		}
		switch step[0] {
		case 'a':
			list, _ := strconv.Atoi(step[1:2]) // ours
			value, _ := strconv.ParseInt(step[3:], 10, 64)
			x.txn.Ops = append(x.txn.Ops, history.Op{Kind: history.Append, Key: int64(list), Value: value})
			do(fmt.Sprintf("UPDATE isolation.list SET v = CONCAT(v, ' %d') WHERE id = %d", value, lists[list-1]))
		case 'r':
			if step == "rollback" {
				do("ROLLBACK")
				break
			}
			list, _ := strconv.Atoi(step[1:2])
			if res := do(fmt.Sprintf("SELECT v FROM isolation.list WHERE id = %d", lists[list-1])); res != nil {
				x.txn.Ops = append(x.txn.Ops, history.Op{Kind: history.List, Key: int64(list), List: values(res)})
			}
		case 'c':
			if do("COMMIT") != nil {
				x.txn.Outcome = history.Committed
			}
		}
		x.ready <- struct{}{}
	}
}

// values are those of the only list of an answer.
func values(res []answer.Result) (out []int64) {
	for word := range strings.FieldsSeq(strings.Trim(res[0].Rows[0].Cells[0], "'\"")) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			n = -1 // nobody has written it
		}
		out = append(out, n)
	}
	return out
}
