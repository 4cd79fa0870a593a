package txn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// log has the leaves write down what they are sent from now on, or stop and keep what they have.
func (e *env) log(on bool) {
	e.t.Helper()
	for _, leaf := range []string{"leaf-1", "leaf-2"} {
		c := e.get(backend.Want{Leaf: leaf, Variant: backend.Internal})
		do := []string{"SET GLOBAL general_log=0"}
		if on {
			do = []string{"SET GLOBAL log_output='TABLE'", "TRUNCATE mysql.general_log", "SET GLOBAL general_log=1"}
		}
		for _, sql := range do {
			if _, err := c.Query(ctx, sql); err != nil {
				e.t.Fatal(err)
			}
		}
		c.Release()
	}
}

// sent gives what was sent on the connections that were used for statements with a mark, by their leaves: identifiers of branches as X.
func (e *env) sent(mark string) string {
	e.t.Helper()
	var all []string
	for _, leaf := range []string{"leaf-1", "leaf-2"} {
		c := e.get(backend.Want{Leaf: leaf, Variant: backend.Internal})
		res, err := c.Query(ctx, "SELECT thread_id, argument FROM mysql.general_log WHERE command_type='Query' AND argument NOT LIKE 'DELETE%' AND thread_id IN "+
			"(SELECT thread_id FROM mysql.general_log WHERE argument LIKE '% /* "+mark+" */') AND argument NOT LIKE 'CALL orbweaver.serve%' AND argument NOT LIKE 'SET net_write%' ORDER BY event_time")
		e.ok(err)
		c.Release()
		threads := map[string][]string{}
		var order []string
		for _, r := range res.Rows {
			id, sql := string(r[0]), string(r[1])
			if strings.Contains(sql, "mysql.general_log") {
				continue
			}
			if threads[id] == nil {
				order = append(order, id)
			}
			if i := strings.Index(sql, "'ow1."); i >= 0 {
				end := i + strings.Index(sql[i:], ",20311") + len(",20311")
				sql = sql[:i] + "X" + sql[end:]
			}
			if strings.HasPrefix(sql, "CALL orbweaver.decide(") {
				sql = "decide"
			}
			threads[id] = append(threads[id], strings.TrimSuffix(sql, " /* "+mark+" */"))
		}
		for _, id := range order {
			all = append(all, strings.Join(threads[id], "; "))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// One partition is sent nothing that it would not be sent alone; the second one is sent its part of what makes both commit; those that were only read end in one phase.
func TestWhatLeavesAreSent(t *testing.T) {
	e := newEnv(t, farmtest.Start(t, 2))
	type job struct {
		n    int
		sql  string
		read bool
	}
	write := func(n int) job { return job{n, "INSERT INTO t VALUES (1, 1)", false} }
	read := func(n int) job { return job{n, "SELECT a FROM t", true} }
	for i, c := range []struct {
		modes Modes
		jobs  []job
		end   string
		want  string
	}{
		{Modes{}, []job{write(0)}, "commit", "START TRANSACTION; INSERT; COMMIT"},
		{Modes{}, []job{read(0)}, "commit", "START TRANSACTION; SELECT; COMMIT"},
		{Modes{}, []job{write(0)}, "rollback", "START TRANSACTION; INSERT; ROLLBACK"},
		{Modes{}, []job{write(0), write(1)}, "commit", "START TRANSACTION; INSERT; decide; COMMIT\nXA START X; INSERT; XA END X; XA PREPARE X; XA COMMIT X"},
		{Modes{}, []job{write(0), write(1)}, "rollback", "START TRANSACTION; INSERT; ROLLBACK\nXA START X; INSERT; XA END X; XA ROLLBACK X"},
		{Modes{}, []job{write(0), read(1)}, "commit", "START TRANSACTION; INSERT; COMMIT\nXA START X; SELECT; XA END X; XA COMMIT X ONE PHASE"},
		{Modes{}, []job{read(0), write(1)}, "commit", "START TRANSACTION; SELECT; COMMIT\nXA START X; INSERT; XA END X; XA COMMIT X ONE PHASE"},
		{Modes{}, []job{read(0), read(1)}, "commit", "START TRANSACTION; SELECT; COMMIT\nXA START X; SELECT; XA END X; XA COMMIT X ONE PHASE"},
		{Modes{ReadOnly: true}, []job{read(0), read(1)}, "commit", "START TRANSACTION READ ONLY; SELECT; COMMIT\nSTART TRANSACTION READ ONLY; SELECT; COMMIT"},
		{Modes{Isolation: "READ COMMITTED"}, []job{write(0), write(1)}, "commit", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION; INSERT; decide; COMMIT\n" +
			"SET TRANSACTION ISOLATION LEVEL READ COMMITTED; XA START X; INSERT; XA END X; XA PREPARE X; XA COMMIT X"},
		{Modes{Snapshot: true, ReadWrite: true}, []job{read(0), read(1)}, "commit", "SET TRANSACTION READ WRITE; XA START X; CALL orbweaver.snapshot(); SELECT; XA END X; XA COMMIT X ONE PHASE\n" +
			"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE; SELECT; COMMIT"},
		// The partition that came first decides though it was only read.
		{Modes{}, []job{read(2), write(0), write(1)}, "commit", "START TRANSACTION; SELECT; decide; COMMIT\nXA START X; INSERT; XA END X; XA PREPARE X; XA COMMIT X\nXA START X; INSERT; XA END X; XA PREPARE X; XA COMMIT X"},
	} {
		s := e.session()
		for n := range 3 {
			e.must(s, n, "DELETE FROM t")
		}
		e.log(true)
		mark := fmt.Sprintf("case %d", i)
		e.ok(s.Begin(ctx, c.modes))
		for _, j := range c.jobs {
			s.Reading(j.read)
			e.must(s, j.n, j.sql+" /* "+mark+" */")
			s.Reading(false)
		}
		end := s.Commit
		if c.end == "rollback" {
			end = s.Rollback
		}
		_, err := end(ctx, End{})
		e.ok(err)
		e.log(false)
		got := strings.NewReplacer("INSERT INTO t VALUES (1, 1)", "INSERT", "SELECT a FROM t", "SELECT").Replace(e.sent(mark))
		if got != c.want {
			t.Errorf("%+v %v, %s: sent\n%s\nwant\n%s", c.modes, c.jobs, c.end, got, c.want)
		}
	}
}
