package control_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/control"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// remains are what is left of all terms at a leaf.
type remains struct {
	logged, applied       int // domains
	logs, relays          int // files
	logBytes, relayBytes  int64
	states, rowsOfApplied int
}

func (c *cluster) remains(i int) (r remains) {
	c.t.Helper()
	conn := c.leaf(i)
	defer conn.Close()
	ctx := within(c.t, patience)
	var logged, state string
	if err := conn.QueryRowContext(ctx, "SELECT @@GLOBAL.gtid_binlog_pos, @@GLOBAL.gtid_binlog_state").Scan(&logged, &state); err != nil {
		c.t.Fatal(err)
	}
	// The position itself must not be read while it may be set; the table has it, too.
	if err := conn.QueryRowContext(ctx, "SELECT COUNT(DISTINCT domain_id), COUNT(*) FROM mysql.gtid_slave_pos").Scan(&r.applied, &r.rowsOfApplied); err != nil {
		c.t.Fatal(err)
	}
	pos, err := mariadb.ParsePosition(logged)
	if err != nil {
		c.t.Fatal(err)
	}
	r.logged, r.states = len(pos), strings.Count(state, ",")+1
	files, err := filepath.Glob(filepath.Join(c.farm.Leaves()[i].Dir, "data", "*.[0-9][0-9][0-9][0-9][0-9][0-9]"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		switch {
		case err != nil: // it was purged just now
		case strings.HasPrefix(filepath.Base(f), "relay"):
			r.relays, r.relayBytes = r.relays+1, r.relayBytes+info.Size()
		default:
			r.logs, r.logBytes = r.logs+1, r.logBytes+info.Size()
		}
	}
	return r
}

// bounded waits until every leaf has no more left than so many partitions are allowed.
func (c *cluster) bounded(partitions int) {
	c.t.Helper()
	// Two live domains each, fewer than 32 that have ended, one of each server.
	domains := 2*partitions + 32 + len(c.farm.Leaves())
	for i, leaf := range c.farm.Leaves() {
		var r remains
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			r = c.remains(i)
			if r.logged <= domains && r.applied <= domains && r.states <= domains && r.logs <= 3 && r.relays <= 4 && r.rowsOfApplied <= 4*domains {
				break
			}
			if time.Now().After(deadline) {
				c.t.Fatalf("leaf %s: %+v; no more than %d domains should be left", leaf.Name, r, domains)
			}
		}
		c.t.Logf("leaf %s: %+v", leaf.Name, r)
		text, err := os.ReadFile(leaf.Log)
		if err != nil {
			c.t.Fatal(err)
		}
		if strings.Contains(string(text), "got signal") {
			c.t.Errorf("leaf %s has crashed", leaf.Name)
		}
	}
}

func often(cfg *control.Config) {
	cfg.ClearEvery, cfg.Calm, cfg.HoldBack = 100*time.Millisecond, time.Nanosecond, time.Millisecond
}

// asUsual is often, unless many rounds are asked for, which clearing is not to slow down more than it would in use.
func asUsual(variable string) func(*control.Config) {
	return func(cfg *control.Config) {
		if often(cfg); os.Getenv(variable) != "" {
			cfg.ClearEvery = time.Second
		}
	}
}

// number is how many rounds are to be done: few, unless somebody wants to know how it is after many.
func number(t *testing.T, variable string, few int) int {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s is not a number of rounds", variable, text)
	}
	return n
}

// spans are how long something took, round by round.
type spans []time.Duration

// tell prints the first and the last rounds side by side.
func (s spans) tell(t *testing.T, what string) {
	n := min(20, (len(s)+1)/2)
	median := func(s spans) time.Duration {
		s = slices.Sorted(slices.Values(s))
		return s[len(s)/2].Round(10 * time.Microsecond)
	}
	t.Logf("%-34s median of the first %d: %8s, of the last %d: %8s", what, n, median(s[:n]), n, median(s[len(s)-n:]))
}

func TestPromotionsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 0)
	c.configure = func(cfg *control.Config) {
		asUsual("ORBWEAVER_PROMOTIONS")(cfg)
		cfg.Calm = time.Second
	}
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	load := c.insert(2)
	var took, commits spans
	for i := range number(t, "ORBWEAVER_PROMOTIONS", 50) {
		c.until("a replica", func(s *topo.Snapshot) bool { return len(s.Databases["d"].Partitions[i%2].Replicas()) > 0 })
		p := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[i%2]
		to := c.nodes[0].cat.Snapshot().Leaves[p.Replicas()[0]]
		began := time.Now()
		c.must(fmt.Sprintf("PROMOTE PARTITION d:%d ON '%s':%d", i%2, to.Host, to.Port))
		took = append(took, time.Since(began))
		began = time.Now()
		load.more(t, 10) // each term has writes
		commits = append(commits, time.Since(began)/5)
		if i%20 == 0 {
			c.until("whole", whole)
		}
	}
	took.tell(t, "promotion")
	commits.tell(t, "commit")
	load.end(t, c)
	c.until("whole", whole)
	c.bounded(2)
	c.equal("t")
}

func TestFailoversLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	const partitions = 10
	c := newCluster(t, 2, 2, 0)
	c.configure = func(cfg *control.Config) {
		asUsual("ORBWEAVER_FAILOVERS")(cfg)
		cfg.Calm = time.Second
	}
	c.first(1)
	c.must(fmt.Sprintf("CREATE DATABASE d PARTITIONS %d WITH SYNC REPLICATION", partitions), "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)",
		"CREATE TABLE d.c (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.c VALUES (1, 0)")
	c.until("whole", whole)
	load := c.insert(2)
	even := func(s *topo.Snapshot) bool {
		masters := map[string]int{}
		for _, p := range s.Databases["d"].Partitions {
			m, _ := p.Master()
			masters[m]++
		}
		return whole(s) && masters["leaf-1"] == partitions/2 && masters["leaf-2"] == partitions/2
	}
	var failovers, returns, commits spans
	for i := range number(t, "ORBWEAVER_FAILOVERS", 5) {
		victim := c.farm.Leaves()[i%2].Name
		c.until("as many masters on each", even)
		began := time.Now()
		for range 20 {
			c.must("UPDATE d.c SET v = v + 1 WHERE id = 1")
		}
		commits = append(commits, time.Since(began)/20)
		began = time.Now()
		release := c.hold(i % 2)
		c.until("a failover", func(s *topo.Snapshot) bool {
			for _, p := range s.Databases["d"].Partitions {
				if m, ok := p.Master(); !ok || m == victim || p.Locked {
					return false
				}
			}
			return true
		})
		failovers = append(failovers, time.Since(began))
		load.more(t, 20)
		release()
		began = time.Now()
		c.until("as many masters on each again", even)
		returns = append(returns, time.Since(began))
		if (i+1)%50 == 0 {
			t.Logf("%d failovers, %s; %+v", i+1, failovers[i].Round(time.Millisecond), c.remains(0))
		}
	}
	failovers.tell(t, "kill until failed over")
	returns.tell(t, "start until whole, with promotions")
	commits.tell(t, "commit")
	load.end(t, c)
	c.bounded(partitions)
	// Nor is anything missed: after the clearing a leaf goes on from where it was, and no copy is made anew.
	release := c.hold(0)
	c.until("a failover", func(s *topo.Snapshot) bool {
		return s.Leaves["leaf-1"].State == topo.LeafOffline && len(c.mastered("leaf-2")) == partitions
	})
	c.must("UPDATE d.c SET v = v + 1 WHERE id = 1")
	release()
	c.until("as many masters on each after the clearing", even)
	for _, kind := range []string{"replica broken", "attach failed", "partition lost"} {
		if c.happened(kind) {
			t.Errorf("the events tell: %s", kind)
		}
	}
	c.equal("t", "c")
}
