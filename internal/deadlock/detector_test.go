package deadlock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

var ctx = context.Background()

// promised is the time within which a deadlock is found: a second, and more for machines that have much else to do, of which the log tells. InnoDB ends what waits for a
// lock after fifty.
const promised = 25 * time.Second

// node has what a node has to watch deadlocks, over the partitions w:0 and w:2 at leaf-1, w:1 and w:3 at leaf-2, each with a table t of the rows 1 to 9.
type node struct {
	t     *testing.T
	pools *backend.Pools
	spans *txn.Spans
	d     *Detector
}

func newNode(t *testing.T, cfg Config) *node {
	t.Helper()
	f := farmtest.Shared(t, 2)
	n := &node{t: t, spans: txn.NewSpans()}
	n.pools = backend.New(backend.Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		for _, l := range f.Leaves() {
			if l.Name == leaf {
				return l.Addr(), true
			}
		}
		return "", false
	}})
	cfg.Spans, cfg.Pools = n.spans, n.pools
	if os.Getenv("ORBWEAVER_TEST_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	n.d = Start(cfg)
	t.Cleanup(func() {
		if left := n.spans.Append(nil); len(left) > 0 {
			t.Errorf("%d transactions are left", len(left))
		}
		n.d.Close()
		n.pools.Close()
	})
	return n
}

// check sees to it that nothing runs on; to be called first.
func check(t *testing.T) {
	farmtest.Shared(t, 2)
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(ignore); err != nil {
			t.Error(err)
		}
	})
}

func place(p int) txn.Place {
	id := topo.PartitionID{DB: "w", Ordinal: p}
	return txn.Place{Leaf: fmt.Sprint("leaf-", p%2+1), Partition: id, Schema: id.Schema(), Term: 1}
}

func (n *node) fill() {
	n.t.Helper()
	for p := range 4 {
		c, err := n.pools.Get(ctx, backend.Want{Leaf: place(p).Leaf, Variant: backend.Internal})
		if err != nil {
			n.t.Fatal(err)
		}
		db := place(p).Schema
		for _, sql := range []string{
			"CREATE OR REPLACE DATABASE " + db, "CREATE TABLE " + db + ".t (a INT PRIMARY KEY, b INT) ENGINE=InnoDB",
			"INSERT INTO " + db + ".t SELECT seq, 0 FROM " + db + ".seq_1_to_9",
		} {
			if _, err := c.Query(ctx, sql); err != nil {
				n.t.Fatal(err)
			}
		}
		c.Release()
	}
}

// client is a session that works in steps.
type client struct {
	*txn.Session
	t *testing.T
}

func (n *node) client() *client {
	s := txn.New(n.pools, backend.Cluster, backend.Internal)
	s.SetSpans(n.spans)
	n.t.Cleanup(s.Close)
	return &client{s, n.t}
}

// begin opens a transaction that has written a row of a partition.
func (c *client) begin(p, row int) *client {
	c.t.Helper()
	if err := c.Begin(ctx, txn.Modes{}); err != nil {
		c.t.Fatal(err)
	}
	c.mustWrite(p, row)
	return c
}

// run runs a statement as the executor does.
func (c *client) run(p int, sql string) error {
	conn, err := c.Conn(ctx, place(p))
	if err != nil {
		return err
	}
	_, err = conn.Query(ctx, sql)
	var refused *wire.ServerError
	if errors.As(err, &refused) {
		if over := c.Done(conn, nil); over != nil {
			return over
		}
		return refused
	}
	return c.Done(conn, err)
}

func (c *client) write(p, row int) error {
	err := c.run(p, fmt.Sprintf("UPDATE t SET b = b + 1 WHERE a = %d", row))
	c.EndStatement()
	return err
}

func (c *client) mustWrite(p, row int) {
	c.t.Helper()
	if err := c.write(p, row); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) commit() {
	c.t.Helper()
	if _, err := c.Commit(ctx, txn.End{}); err != nil {
		c.t.Error(err)
	}
}

// background starts a write.
func (c *client) background(p, row int) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.write(p, row) }()
	return done
}

// spans1 waits until a number of sessions have reached their second places.
func (n *node) reached(sessions int) {
	n.t.Helper()
	for deadline := time.Now().Add(time.Minute); len(n.spans.Append(nil)) < sessions; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatal("the session does not reach its second place")
		}
	}
}

// rows are the sums of b of the four partitions.
func (n *node) rows() string {
	n.t.Helper()
	var all []string
	for p := range 4 {
		c, err := n.pools.Get(ctx, backend.Want{Leaf: place(p).Leaf, Variant: backend.Internal})
		if err != nil {
			n.t.Fatal(err)
		}
		r, err := c.Query(ctx, "SELECT SUM(b) FROM "+place(p).Schema+".t")
		if err != nil {
			n.t.Fatal(err)
		}
		all = append(all, string(r.Rows[0][0]))
		c.Release()
	}
	return strings.Join(all, " ")
}

func isDeadlock(err error) bool {
	p, ok := backend.AsPacket(err)
	return ok && p.Code == 1213 && p.State == "40001" && p.Message == "Deadlock found when trying to get lock; try restarting transaction"
}

// outcome waits for the statements of a circle: one victim, and in time.
func outcome(t *testing.T, began time.Time, within time.Duration, waiting map[*client]<-chan error, order func(victim *client)) {
	t.Helper()
	type ended struct {
		c   *client
		err error
	}
	all := make(chan ended, len(waiting))
	for c, done := range waiting {
		go func() { all <- ended{c, <-done} }()
	}
	// The first that goes on may be told before the victim is.
	lost := 0
	for range waiting {
		e := <-all
		switch {
		case e.err == nil:
			e.c.commit() // lets the next one go on
		case isDeadlock(e.err):
			lost++
			took := time.Since(began)
			t.Logf("found after %s", took.Round(time.Millisecond))
			if took > within {
				t.Errorf("found after %s", took)
			}
			if e.c.InTransaction() || e.c.Held() != 0 {
				t.Error("the victim's transaction is still open")
			}
			order(e.c)
		default:
			t.Errorf("another one failed: %v", e.err)
		}
	}
	if lost != 1 {
		t.Errorf("%d had to go", lost)
	}
}

func TestTwoOverTwoLeaves(t *testing.T) {
	check(t)
	n := newNode(t, Config{})
	n.fill()
	a, b := n.client().begin(0, 1), n.client().begin(1, 1)
	began := time.Now()
	da := a.background(1, 1)
	n.reached(1) // a is the older one at two places
	outcome(t, began, promised, map[*client]<-chan error{a: da, b: b.background(0, 1)}, func(victim *client) {
		if victim != b {
			t.Error("the older transaction had to go")
		}
	})
	if got := n.rows(); got != "1 1 0 0" {
		t.Errorf("rows %q", got)
	}
	// The victim goes on as after any deadlock.
	b.begin(0, 1).mustWrite(1, 1)
	b.commit()
	if got := n.rows(); got != "2 2 0 0" || n.d.Found() != 1 {
		t.Errorf("rows %q, %d found", got, n.d.Found())
	}
}

func TestTwoPartitionsOfOneLeaf(t *testing.T) {
	check(t)
	n := newNode(t, Config{})
	n.fill()
	a, b := n.client().begin(0, 1), n.client().begin(2, 1)
	began := time.Now()
	outcome(t, began, promised, map[*client]<-chan error{a: a.background(2, 1), b: b.background(0, 1)}, func(*client) {})
	if got := n.rows(); got != "1 0 1 0" {
		t.Errorf("rows %q", got)
	}
}

func TestThree(t *testing.T) {
	check(t)
	n := newNode(t, Config{})
	n.fill()
	a, b, c := n.client().begin(0, 1), n.client().begin(1, 1), n.client().begin(2, 1)
	began := time.Now()
	outcome(t, began, promised, map[*client]<-chan error{a: a.background(1, 1), b: b.background(2, 1), c: c.background(0, 1)}, func(*client) {})
	if n.d.Found() != 1 {
		t.Errorf("%d had to go", n.d.Found())
	}
}

// A transaction of one place stands between the two.
func TestThroughASinglePlace(t *testing.T) {
	check(t)
	n := newNode(t, Config{})
	n.fill()
	a, b, c := n.client().begin(1, 1), n.client().begin(0, 2), n.client().begin(0, 3)
	waits := c.background(0, 2) // for b
	da := a.background(0, 3)    // for c
	n.reached(1)
	time.Sleep(300 * time.Millisecond)
	if n.d.Found() != 0 {
		t.Error("a queue is no circle")
	}
	began := time.Now()
	db := b.background(1, 1) // for a
	all := map[*client]<-chan error{a: da, b: db, c: waits}
	outcome(t, began, promised, all, func(victim *client) {
		if victim != b {
			t.Error("the youngest at two places is b")
		}
	})
	if got := n.rows(); got != "3 1 0 0" {
		t.Errorf("rows %q", got)
	}
}

// Those that only wait are left alone, however long.
func TestWaitingIsNoDeadlock(t *testing.T) {
	check(t)
	n := newNode(t, Config{})
	n.fill()
	holder := n.client().begin(0, 1)
	holder.mustWrite(1, 1)
	var waiting []*client
	var done []<-chan error
	for i := range 6 {
		c := n.client().begin(2, i+1)
		c.mustWrite(3, i+1)
		waiting = append(waiting, c)
		done = append(done, c.background(i%2, 1))
	}
	time.Sleep(1500 * time.Millisecond)
	for i := range done {
		select {
		case err := <-done[i]:
			t.Errorf("client %d was answered: %v", i, err)
		default:
		}
	}
	holder.commit()
	var wg sync.WaitGroup
	for i, c := range waiting {
		wg.Go(func() {
			if err := <-done[i]; err != nil {
				t.Errorf("client %d: %v", i, err)
			}
			c.commit()
		})
	}
	wg.Wait()
	if n.d.Found() != 0 {
		t.Errorf("%d were ended", n.d.Found())
	}
	if got := n.rows(); got != "4 4 6 6" {
		t.Errorf("rows %q", got)
	}
}

// A circle within one leaf is broken by its InnoDB, at once.
func TestOneLeafsOwnDeadlock(t *testing.T) {
	check(t)
	n := newNode(t, Config{})
	n.fill()
	a, b := n.client().begin(0, 1), n.client().begin(0, 2)
	a.mustWrite(1, 1)
	b.mustWrite(1, 2)
	began := time.Now()
	da := a.background(0, 2)
	time.Sleep(50 * time.Millisecond)
	db := b.background(0, 1)
	// Which of the two InnoDB takes is its business.
	for c, done := range map[*client]<-chan error{a: da, b: db} {
		switch err := <-done; {
		case err == nil:
			c.commit()
		case !isDeadlock(err):
			t.Error(err)
		case c.InTransaction() || c.Held() > 0:
			t.Error("the victim's transaction is open")
		}
		if took := time.Since(began); took > promised {
			t.Errorf("after %s", took)
		}
	}
	if n.d.Found() != 0 {
		t.Errorf("found %d", n.d.Found())
	}
	if got := n.rows(); got != "2 1 0 0" {
		t.Errorf("rows %q", got)
	}
}

// A statement with parts at several places that waits at one of them is ended whole.
func TestGroup(t *testing.T) {
	check(t)
	n := newNode(t, Config{})
	n.fill()
	a := n.client().begin(0, 1)
	s := n.client()
	g := s.Group()
	part := func(p, row int) error {
		c, err := g.Conn(ctx, place(p))
		if err != nil {
			return err
		}
		_, err = c.Query(ctx, fmt.Sprintf("UPDATE t SET b = 100 WHERE a = %d", row))
		var refused *wire.ServerError
		if errors.As(err, &refused) {
			if over := g.Done(c, nil); over != nil {
				return over
			}
			return err
		}
		return g.Done(c, err)
	}
	if err := part(1, 1); err != nil {
		t.Fatal(err)
	}
	da := a.background(1, 1)
	n.reached(1)
	began := time.Now()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = part(0, 1) }) // waits for a
	wg.Go(func() { errs[1] = part(2, 5) })
	wg.Wait()
	if err := g.End(ctx, cmp.Or(errs[0], errs[1])); !isDeadlock(err) {
		t.Errorf("the group's end: %v", err)
	}
	if took := time.Since(began); took > promised {
		t.Errorf("after %s", took)
	}
	s.EndStatement()
	if err := <-da; err != nil {
		t.Error(err)
	}
	a.commit()
	if got := n.rows(); got != "1 1 0 0" || s.InTransaction() {
		t.Errorf("rows %q", got)
	}
}

// Two nodes know of each other's transactions by the catalog.
func TestOverNodes(t *testing.T) {
	check(t)
	etcd, err := catalog.StartEmbedded(ctx, catalog.EmbeddedConfig{Dir: t.TempDir(), Throwaway: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := etcd.Close(); err != nil {
			t.Error(err)
		}
	})
	var nodes []*node
	var catalogs []*catalog.Catalog
	for i := range 2 {
		c, err := catalog.Open(ctx, catalog.Config{Endpoints: etcd.Endpoints(), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		member, err := c.Register(ctx, catalog.NodeInfo{Name: fmt.Sprint("node-", i+1)}, 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = member.Close(ctx) })
		catalogs = append(catalogs, c)
		nodes = append(nodes, newNode(t, Config{Node: member, Catalog: c}))
	}
	for deadline := time.Now().Add(time.Minute); len(catalogs[0].Nodes()) < 2 || len(catalogs[1].Nodes()) < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the nodes do not see each other")
		}
	}
	nodes[0].fill()
	for round := range 3 {
		a, b := nodes[0].client().begin(0, 1), nodes[1].client().begin(1, 1)
		began := time.Now()
		da := a.background(1, 1)
		nodes[0].reached(1)
		outcome(t, began, promised, map[*client]<-chan error{a: da, b: b.background(0, 1)}, func(victim *client) {
			if victim != b {
				t.Errorf("round %d: the older transaction had to go", round)
			}
		})
	}
	if a, b := nodes[0].d.Found(), nodes[1].d.Found(); a != 0 || b != 3 {
		t.Errorf("node 1 has ended %d, node 2 %d", a, b)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		reports, err := catalogs[0].Reports(ctx, topic)
		if err == nil && len(reports) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("reports are left: %q, %v", reports[1], err)
		}
	}
}

// A victim's end that comes late hits nothing.
func TestLateBreakHitsNothing(t *testing.T) {
	check(t)
	n := newNode(t, Config{})
	n.fill()
	a := n.client().begin(0, 1)
	a.mustWrite(1, 1)
	spans := n.spans.Append(nil)
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	conn, err := a.Conn(ctx, place(0))
	if err != nil {
		t.Fatal(err)
	}
	threads, running, ok := spans[0].Look()
	if !ok || len(threads) != 2 || len(running) != 1 || running[0].Turn != spans[0].Oldest() {
		t.Fatal(threads, running, ok)
	}
	turn := running[0].Turn
	if spans[0].BreakDeadlock(ctx, turn+1, false) {
		t.Error("something else was ended")
	}
	// The statement is answered before the KILL comes, its connection is still in use: the verdict does not count.
	if _, err := conn.Query(ctx, "UPDATE t SET b = 5 WHERE a = 2"); err != nil {
		t.Fatal(err)
	}
	if !spans[0].BreakDeadlock(ctx, turn, false) {
		t.Error("it was in use")
	}
	if err := a.Done(conn, nil); err != nil {
		t.Error(err)
	}
	for range 20 {
		if spans[0].BreakDeadlock(ctx, turn, false) {
			t.Error("there is nothing to end")
		}
		a.mustWrite(0, 3)
	}
	a.commit()
	if got := n.rows(); got != "26 1 0 0" {
		t.Errorf("rows %q", got)
	}
	if spans[0].BreakDeadlock(ctx, turn, false) {
		t.Error("it is over")
	}
}
