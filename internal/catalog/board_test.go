package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestCommandsGoToTheControllerAndBack(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a, b := register(t, ca, "a"), register(t, cb, "b")
	ctx := within(t, time.Minute)
	id, err := b.Submit(ctx, "TEST", map[string]int{"x": 1})
	if err != nil {
		t.Fatal(err)
	}
	cmd := cb.Command(id)
	if cmd == nil || cmd.State != CommandWaiting || string(cmd.Args) != `{"x":1}` || cmd.Node != "b" {
		t.Fatalf("%+v", cmd)
	}
	cmd.State, cmd.Error, cmd.Ended = CommandDone, &CommandError{1811, "HY000", "no"}, time.Now()
	if err := a.SaveCommand(ctx, cmd); !errors.Is(err, ErrNotController) {
		t.Errorf("a node that is not the controller saved a command: %v", err)
	}
	if _, err := a.Campaign(ctx); err != nil {
		t.Fatal(err)
	}
	if err := cb.Cancel(ctx, id); err != nil {
		t.Fatal(err)
	}
	for {
		changed := ca.BoardChanged() // before the look, or the last change is waited for in vain
		if cmd := ca.Command(id); cmd != nil && cmd.Canceled {
			break
		}
		<-changed
	}
	if err := a.SaveCommand(ctx, cmd); err != nil {
		t.Fatal(err)
	}
	done, err := cb.Await(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if done.Error == nil || done.Error.Code != 1811 || !done.Canceled {
		t.Errorf("%+v", done)
	}
	if _, err := cb.Await(ctx, id+1); !errors.Is(err, ErrNoCommand) {
		t.Error(err)
	}
	if err := a.Resign(ctx); err != nil {
		t.Fatal(err)
	}
	if err := a.SaveProcedure(ctx, "x", []byte("1")); !errors.Is(err, ErrNotController) {
		t.Errorf("after resigning: %v", err)
	}
}

func TestLeadIsCompared(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a, b := register(t, ca, "a"), register(t, cb, "b")
	ctx := within(t, time.Minute)
	change := func(c *Catalog, n *Node) error {
		_, err := c.Update(ctx, func(tx *Txn) error {
			tx.Lead(n)
			s := tx.Settings()
			s.Redundancy = 3 - s.Redundancy
			tx.PutSettings(s)
			return nil
		})
		return err
	}
	if _, err := a.Campaign(ctx); err != nil {
		t.Fatal(err)
	}
	if err := change(ca, a); err != nil {
		t.Error(err)
	}
	if err := change(cb, b); !errors.Is(err, ErrNotController) {
		t.Error(err)
	}
	// Another one is elected behind a's back.
	if _, err := ca.client.Delete(ctx, ca.key(keyController)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Campaign(ctx); err != nil {
		t.Fatal(err)
	}
	if err := change(ca, a); !errors.Is(err, ErrNotController) {
		t.Error(err)
	}
	if err := change(cb, b); err != nil {
		t.Error(err)
	}
	if got := cb.Snapshot().Settings.Redundancy; got != 1 {
		t.Errorf("redundancy %d after two changes", got)
	}
}

func TestAwaitSeenWaitsForEveryLivingNode(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a, b := register(t, ca, "a"), register(t, cb, "b")
	ctx := within(t, time.Minute)
	eventually(t, "b is known", func() bool { return len(ca.Nodes()) == 2 })
	if err := a.Saw(ctx, 10, 0, nil); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := ca.AwaitSeen(short, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("did not wait for b: %v", err)
	}
	p := topo.PartitionID{DB: "d", Ordinal: 3}
	if err := b.Saw(ctx, 12, 0, []topo.PartitionID{p}); err != nil {
		t.Fatal(err)
	}
	held, err := ca.AwaitSeen(ctx, 10)
	if err != nil || !held[p] || len(held) != 1 {
		t.Errorf("%v %v", held, err)
	}
	// Revisions and accounts are waited for by themselves.
	if err := a.Saw(ctx, 10, 20, nil); err != nil {
		t.Fatal(err)
	}
	late, end := context.WithTimeout(ctx, 200*time.Millisecond)
	defer end()
	if err := ca.AwaitAccounts(late, 5); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("did not wait for b, which has seen revision 12 and no accounts: %v", err)
	}
	if err := b.Saw(ctx, 12, 5, nil); err != nil {
		t.Fatal(err)
	}
	if err := ca.AwaitAccounts(ctx, 5); err != nil {
		t.Error(err)
	}
	waited := make(chan error)
	go func() {
		_, err := ca.AwaitSeen(ctx, 13)
		waited <- errors.Join(err, ca.AwaitAccounts(ctx, 6))
	}()
	if err := a.Saw(ctx, 13, 20, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(ctx); err != nil { // the dead don't count
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

func TestValidEndsBeforeTheOthersTakeTheNodeForDead(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	n, err := ca.Register(within(t, time.Minute), NodeInfo{Name: "a"}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close(context.Background()) })
	if !n.Valid() {
		t.Fatal("not valid after registering")
	}
	eventually(t, "the node", func() bool { return len(cb.Nodes()) == 1 })
	// As when the process is stopped: nothing renews.
	l := n.lease
	n.stop()
	n.wg.Wait()
	for len(cb.Nodes()) > 0 {
		if _, err := cb.client.TimeToLive(context.Background(), l.id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n.Valid() {
		t.Error("the others see the node dead while it takes itself for alive")
	}
}

func TestEventsAreKeptInOrder(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	n := register(t, c, "a")
	ctx := within(t, time.Minute)
	for i := range 5 {
		if err := n.AddEvent(ctx, Event{Kind: string(rune('a' + i)), Severity: "notice"}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Events(ctx)
	if err != nil || len(got) != 5 || got[0].Kind != "a" || got[4].Kind != "e" || got[0].Node != "a" {
		doc, _ := json.Marshal(got)
		t.Errorf("%s %v", doc, err)
	}
}
