package settle_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/settle"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// hold kills a leaf with -9 and keeps it away until release, which waits for it to answer.
func (w *world) hold(i int) (release func()) {
	w.t.Helper()
	file := filepath.Join(w.farm.Leaves()[i].Dir, localfarm.HoldFile)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := w.farm.Kill(i); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		w.t.Helper()
		if err := os.Remove(file); err != nil {
			w.t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			c, err := w.pools.Get(within(w.t, 5*time.Second), backend.Want{Leaf: w.farm.Leaves()[i].Name, Account: backend.Cluster, Variant: backend.Internal})
			if err == nil {
				_, err = c.Query(within(w.t, 5*time.Second), "DO 0")
				c.Release()
			}
			if err == nil {
				return
			}
			if time.Now().After(deadline) {
				w.t.Fatal(err)
			}
		}
	}
}

// once is one round, which leaves something or not.
func (w *world) once(left bool) {
	w.t.Helper()
	n, err := w.rounds.Once(within(w.t, time.Minute))
	if err != nil || (n > 0) != left {
		w.t.Fatalf("%d are left: %v; %q", n, err, w.events)
	}
}

func (w *world) told(kind, word string) bool {
	return slices.ContainsFunc(w.events, func(e string) bool { return strings.Contains(e, kind) && strings.Contains(e, word) })
}

// expect says how many of its partitions a transaction's row is to be at, once dead connections are gone, and that nothing is prepared.
func (x *tx) expect(what string, want int) {
	t := x.o.w.t
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); x.rows() != want && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := x.rows(); n != want {
		t.Errorf("%s: the row is at %d partitions, want %d", what, n, want)
	}
	if left := x.o.w.prepared(); len(left) > 0 {
		t.Errorf("%s: %q", what, left)
	}
}

// Branches are prepared before the decision reaches its partition: it comes too late there.
func TestLateDecisionsAreRefused(t *testing.T) {
	w := newWorld(t, 2, 2)
	o := w.owner("owner")
	x := o.begin(false, 1, 0, 1)
	for _, q := range []string{"XA END ", "XA PREPARE "} {
		x.must(1, q+x.branches[1].SQL())
	}
	o.dies()
	w.settled()
	var refused interface{ Error() string }
	err := x.steps()[0].do()
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "1062") {
		t.Errorf("a late decision: %v", err)
	}
	x.must(0, "ROLLBACK")
	x.cut()
	x.expect("after that", 0)
}

func TestLeavesThatRestart(t *testing.T) {
	w := newWorld(t, 2, 2)
	o := w.owner("owner")
	yes, no := o.begin(false, 1, 0, 1), o.begin(false, 2, 0, 1)
	yes.prepare(true)
	no.prepare(false)
	// The branches' leaf is killed, and lists them again when it is back; then the deciding one.
	back := w.hold(1)
	o.dies()
	w.once(true)
	back()
	again := w.hold(0)
	w.once(true)
	if !w.told("transactions in doubt", "d:0") {
		t.Errorf("%q", w.events)
	}
	if st := w.s.Stats(); st.InDoubt != 2 {
		t.Errorf("%+v", st)
	}
	again()
	yes.cut()
	no.cut()
	w.settled()
	yes.expect("committed", 2)
	no.expect("not committed", 0)
	if st := w.s.Stats(); st != (settle.Stats{Committed: 1, RolledBack: 1}) {
		t.Errorf("%+v", st)
	}
	if !w.told("transactions settled", "1 committed, 1 rolled back") {
		t.Errorf("%q", w.events)
	}
}

func TestLivingOwnersAreLetAlone(t *testing.T) {
	w := newWorld(t, 2, 2)
	own := w.s.NewOwn()
	t.Cleanup(own.Close)
	o := w.owner("owner")
	o.lease = uint64(w.node.Lease()) // this node's: it answers
	x := o.begin(false, 1, 0, 1)
	own.Begin(x.id)
	own.Prepare(x.id)
	x.prepare(false)
	for range 3 {
		time.Sleep(2 * time.Millisecond)
		w.once(false)
	}
	if got := w.prepared(); len(got) != 1 {
		t.Fatalf("%q", got)
	}
	// It knows nothing of it any more: whatever it was doing, it will do no more.
	own.End(x.id)
	w.once(false)
	x.cut()
	x.expect("given up", 0)
	// What an owner ends while it is asked was not settled by anybody else.
	was := w.s.Stats()
	w.events = nil
	other := w.owner("other")
	y := other.begin(false, 2, 0, 1)
	y.prepare(true)
	ctx, cancel := context.WithCancel(context.Background())
	var answers sync.WaitGroup
	defer answers.Wait()
	defer cancel()
	answers.Go(func() {
		other.node.Answer(ctx, func(context.Context, string, []byte) []byte {
			steps := y.steps()
			if err := steps[len(steps)-1].do(); err != nil {
				t.Error(err)
			}
			return []byte("{}")
		})
	})
	w.once(false)
	if now := w.s.Stats(); now != was || len(w.events) > 0 {
		t.Errorf("%+v, then %+v: %q", was, now, w.events)
	}
	y.cut()
	y.expect("ended by its owner", 2)
}

func TestNothingIsGuessedWithoutTheCatalog(t *testing.T) {
	w := newWorld(t, 2, 2)
	o := w.owner("owner")
	x := o.begin(false, 1, 0, 1)
	x.prepare(true)
	x.cut()
	o.dies()
	listen := strings.TrimPrefix(w.etcd.Endpoints()[0], "http://")
	dir := w.dir
	if err := w.etcd.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.rounds.Once(within(t, 3*time.Second)); err == nil {
		t.Error("settled without the catalog")
	}
	if got := w.prepared(); len(got) != 1 {
		t.Errorf("%q", got)
	}
	var err error
	if w.etcd, err = catalog.StartEmbedded(within(t, time.Minute), catalog.EmbeddedConfig{Dir: dir, Listen: listen, Throwaway: true, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	w.settled()
	x.expect("once it is back", 2)
}

// A database is dropped whose partition decides: what it has decided is where it was, or it is not known.
func TestDecidersThatWereDropped(t *testing.T) {
	w := newWorld(t, 2, 3)
	o := w.owner("owner")
	yes, no := o.begin(false, 1, 2, 1), o.begin(false, 2, 2, 1)
	yes.prepare(true)
	no.prepare(false)
	yes.cut()
	no.cut()
	o.dies()
	if _, err := w.cat.Update(within(t, 10*time.Second), func(x *catalog.Txn) error {
		d := *x.Database("d")
		d.Partitions = d.Partitions[:2]
		x.PutDatabase(&d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.once(true)
	if got := w.prepared(); len(got) != 1 || !w.told("in doubt", "dropped") {
		t.Errorf("%q %q", got, w.events)
	}
	if got := w.sql("leaf-2", "SELECT id FROM d_1.t"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("%q", got)
	}
}

func TestPartitionsThatDecideAreNotDropped(t *testing.T) {
	w := newWorld(t, 2, 2)
	o := w.owner("owner")
	x := o.begin(false, 1, 0, 1)
	x.prepare(true)
	x.cut()
	deciders := []topo.PartitionID{{DB: "d"}}
	short, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := w.s.AwaitDecided(short, deciders); err == nil {
		t.Error("it was not waited for")
	}
	if err := w.s.AwaitDecided(within(t, 20*time.Second), []topo.PartitionID{{DB: "d", Ordinal: 1}}); err != nil {
		t.Error(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.s.AwaitDecided(within(t, 20*time.Second), deciders) }()
	o.dies()
	w.settled()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Reference tables' branches, and those at servers of linked tables, where other clusters may have some, too.
func TestPlacesThatAreNoPartitions(t *testing.T) {
	w := newWorld(t, 2, 1)
	addr, _ := w.pools.Addr("leaf-2")
	remote := (backend.Remote{ID: "server r", Name: "r", Network: "tcp", Addr: addr, User: "remote"}).WithPassword("secret")
	w.sql("leaf-2", "CREATE USER remote@'%' IDENTIFIED BY 'secret'", "GRANT ALL ON d.* TO remote@'%'", "DROP PROCEDURE orbweaver.serve") // or it would be known for a leaf
	o := w.owner("owner")
	for value, committed := range []bool{false, true} {
		x := o.begin(false, value, 0)
		other := x.id
		other.Owner++
		names := []string{
			txn.XID{ID: x.id, Decider: txn.PlaceHash(topo.PartitionID{DB: "d"}), Place: txn.PlaceShape, Thread: 1}.SQL(),
			txn.XID{ID: x.id, Decider: txn.PlaceHash(topo.PartitionID{DB: "d"}), Place: txn.PlaceRemote, Thread: 1}.SQL(),
			txn.XID{ID: other, Decider: txn.PlaceHash(topo.PartitionID{DB: "d"}), Place: txn.PlaceRemote, Thread: 1}.SQL(),
		}
		for i, leaf := range []string{"leaf-1", "leaf-2", "leaf-2"} {
			c, err := o.pools.Get(within(t, 10*time.Second), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, Schema: "d"})
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []string{"XA START " + names[i], fmt.Sprintf("INSERT INTO r VALUES (%d, 0)", 10*value+i), "XA END " + names[i], "XA PREPARE " + names[i]} {
				if _, err := c.Query(within(t, 10*time.Second), q); err != nil {
					t.Fatal(err)
				}
			}
			c.Discard()
			c.Release()
		}
		if committed {
			x.prepare(true)
		}
		x.cut()
	}
	// The leaf is a server of linked tables only, from now on.
	if _, err := w.cat.Update(within(t, 10*time.Second), func(x *catalog.Txn) error { x.DropLeaf("leaf-2"); return nil }); err != nil {
		t.Fatal(err)
	}
	w.remotes = []*backend.Remote{remote}
	o.dies()
	w.settled()
	if got := w.sql("leaf-1", "SELECT id FROM d.r"); !slices.Equal(got, []string{"10"}) {
		t.Errorf("%q", got)
	}
	c, err := w.pools.Get(within(t, 10*time.Second), backend.Want{Leaf: remote.ID, Remote: remote, Variant: backend.Internal, State: remote.State(nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	for q, want := range map[string]int{"SELECT id FROM d.r": 1, "XA RECOVER": 2} {
		res, err := c.Query(within(t, 10*time.Second), q)
		if err != nil || len(res.Rows) != want {
			t.Errorf("%s: %v (%v)", q, res, err)
		}
	}
}

// Decisions are forgotten when they are old: by the owner but for what it has not finished, and those of the dead but for what may be prepared somewhere.
func TestOldDecisionsAreSwept(t *testing.T) {
	w := newWorld(t, 2, 2)
	rows := func() int { return len(w.sql("leaf-1", "SELECT * FROM orbweaver.decisions")) }
	o := w.owner("owner")
	done, open := o.begin(false, 1, 0, 1), o.begin(false, 2, 0, 1)
	for _, x := range []*tx{done, open} {
		x.prepare(true)
	}
	done.must(1, "XA COMMIT "+done.branches[1].SQL())
	done.cut()
	open.cut()
	time.Sleep(2 * time.Second) // they are old then
	w.rounds.Sweep()
	w.once(true) // the owner does not say what it knows
	if got := rows(); got != 2 {
		t.Errorf("%d rows while their owner lives", got)
	}
	release := w.hold(1)
	o.dies()
	w.rounds.Sweep()
	w.once(true)
	if got := rows(); got != 2 {
		t.Errorf("%d rows while a leaf is away", got)
	}
	release()
	w.settled()
	w.rounds.Sweep()
	w.once(false)
	if got := rows(); got != 0 {
		t.Errorf("%d rows in the end", got)
	}
	open.expect("committed", 2)
	// The owner's own way.
	own := w.s.NewOwn()
	defer own.Close()
	mine := w.owner("mine")
	mine.lease = uint64(w.node.Lease())
	first, second := mine.begin(false, 3, 0, 1), mine.begin(false, 4, 0, 1)
	for _, x := range []*tx{first, second} {
		x.prepare(true)
		x.must(1, "XA COMMIT "+x.branches[1].SQL())
		x.cut()
	}
	own.Begin(second.id)
	time.Sleep(2 * time.Second)
	own.Sweep(within(t, 10*time.Second))
	if got := w.sql("leaf-1", "SELECT seq FROM orbweaver.decisions"); !slices.Equal(got, []string{fmt.Sprint(second.id.Seq)}) {
		t.Errorf("%q", got)
	}
}

func TestNodesFinishTheirOwn(t *testing.T) {
	w := newWorld(t, 2, 2)
	own := w.s.NewOwn()
	defer own.Close()
	o := w.owner("owner")
	o.lease = uint64(w.node.Lease())
	unfinished := func(x *tx) settle.Unfinished {
		return settle.Unfinished{ID: x.id, Decider: topo.PartitionID{DB: "d"}, Branches: []settle.Branch{{XID: x.branches[1], Place: txn.Place{Leaf: "leaf-2", Partition: topo.PartitionID{DB: "d", Ordinal: 1}}}}}
	}
	yes, no := o.begin(false, 1, 0, 1), o.begin(false, 2, 0, 1)
	yes.prepare(true)
	no.prepare(false)
	yes.cut()
	for x, want := range map[*tx]catalog.Outcome{yes: catalog.Committed, no: catalog.RolledBack} {
		if out, err := own.Settle(within(t, 20*time.Second), unfinished(x)); out != want || err != nil {
			t.Errorf("%s: %v %v", want, out, err)
		}
	}
	no.cut()
	yes.expect("committed", 2)
	no.expect("rolled back", 0)
	// The decider is away: nobody knows; it is finished when it is back.
	x := o.begin(false, 3, 0, 1)
	x.prepare(true)
	x.cut()
	back := w.hold(0)
	short, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	out, err := own.Settle(short, unfinished(x))
	var left *settle.LeftError
	if out != "" || !errors.As(err, &left) || len(left.Branches) != 1 {
		t.Errorf("%q %v", out, err)
	}
	if st, err := own.Status(within(t, 20*time.Second), x.id); err != nil || st.State != settle.Preparing || len(st.Left) != 1 || len(st.Missing) == 0 {
		t.Errorf("%+v %v", st, err)
	}
	back()
	for deadline := time.Now().Add(time.Minute); own.Left() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not finished")
		}
	}
	x.expect("in the background", 2)
}

func TestStatusOfTransactions(t *testing.T) {
	w := newWorld(t, 2, 2)
	own := w.s.NewOwn()
	defer own.Close()
	o := w.owner("owner")
	o.lease = uint64(w.node.Lease())
	status := func(x *tx, want settle.State, left int) {
		t.Helper()
		st, err := own.Status(within(t, 20*time.Second), x.id)
		if err != nil || st.State != want || len(st.Left) != left || len(st.Missing) > 0 || st.Node != "settler" {
			t.Errorf("%+v %v, want %s and %d left", st, err, want, left)
		}
	}
	x := o.begin(false, 1, 0, 1)
	status(x, settle.Unknown, 0)
	own.Begin(x.id)
	status(x, settle.Open, 0)
	own.Prepare(x.id)
	x.prepare(false)
	status(x, settle.Preparing, 1)
	for _, st := range x.steps()[2:] {
		if err := st.do(); err != nil {
			t.Fatal(err)
		}
		if st.name == "commit" {
			status(x, settle.Committed, 1)
		}
	}
	own.End(x.id)
	status(x, settle.Committed, 0)
	y := o.begin(true, 2, 0, 1)
	y.prepare(false)
	if _, err := own.Settle(within(t, 20*time.Second), settle.Unfinished{ID: y.id, Branches: []settle.Branch{
		{XID: y.branches[0], Place: txn.Place{Leaf: "leaf-1", Partition: topo.PartitionID{DB: "d"}}}, {XID: y.branches[1], Place: txn.Place{Leaf: "leaf-2", Partition: topo.PartitionID{DB: "d", Ordinal: 1}}},
	}}); err != nil {
		t.Error(err)
	}
	status(y, settle.RolledBack, 0)
	y.cut()
	x.cut()
}
