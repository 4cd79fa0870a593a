package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
)

func TestACancelIsNotUndoneBySaving(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a := register(t, ca, "a")
	ctx := within(t, time.Minute)
	if _, err := a.Campaign(ctx); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		id, err := a.Submit(ctx, "TEST", nil)
		if err != nil {
			t.Fatal(err)
		}
		cmd := ca.Command(id)
		cmd.State = CommandRunning
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := a.SaveCommand(ctx, cmd); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := cb.Cancel(ctx, id); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		// As the controller does at the command's end: what it saves now has seen every Cancel that returned.
		if err := a.SaveCommand(ctx, cmd); err != nil {
			t.Fatal(err)
		}
		if now := ca.Command(id); !cmd.Canceled || !now.Canceled || now.State != CommandRunning {
			t.Fatalf("cancelled and saved at the same time: %+v", now)
		}
	}
}

func TestForgettingAProcedureThatIsNotThere(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	n := register(t, c, "a")
	ctx := within(t, time.Minute)
	if _, err := n.Campaign(ctx); err != nil {
		t.Fatal(err)
	}
	putLeaf(t, c, "l") // etcd is at a revision now that the board never shows
	if err := n.SaveProcedure(ctx, "none", nil); err != nil || ctx.Err() != nil {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}

func TestLeadershipEndsWhenEtcdRefuses(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ctx := within(t, time.Minute)
	for what, change := range map[string]func(c *Catalog, n *Node) error{
		"a document": func(_ *Catalog, n *Node) error { return n.SaveProcedure(ctx, "x", []byte("1")) },
		"the topology": func(c *Catalog, n *Node) error {
			_, err := c.Update(ctx, func(tx *Txn) error {
				tx.Lead(n)
				tx.PutSettings(tx.Settings())
				return nil
			})
			return err
		},
	} {
		c := open(t, e)
		n := register(t, c, what)
		lead, err := n.Campaign(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.client.Put(ctx, c.key(keyController), "another"); err != nil {
			t.Fatal(err)
		}
		if err := change(c, n); !errors.Is(err, ErrNotController) {
			t.Errorf("%s was written: %v", what, err)
		}
		if lead.Err() == nil || n.IsController() {
			t.Errorf("%s could not be written, and the leadership goes on", what)
		}
		if _, err := c.client.Delete(ctx, c.key(keyController)); err != nil {
			t.Fatal(err)
		}
		if lead, err = n.Campaign(ctx); err != nil || lead.Err() != nil || !n.IsController() {
			t.Errorf("not elected again: %v", err)
		}
		if err := n.Resign(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// viaProxy is a catalog that reaches its etcd through a proxy, and one that reaches it without.
func viaProxy(t *testing.T) (p *faultproxy.Proxy, via, direct *Catalog) {
	t.Helper()
	e, err := StartEmbedded(within(t, time.Minute), EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Throwaway: true, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	u, err := url.Parse(e.Endpoints()[0])
	if err != nil {
		t.Fatal(err)
	}
	if p, err = faultproxy.Start(u.Host); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if via, err = Open(within(t, time.Minute), Config{Endpoints: []string{"http://" + p.Addr()}, Log: quiet()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = via.Close() })
	return p, via, open(t, e)
}

func TestHandOverWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	p, ca, cb := viaProxy(t)
	ctx := within(t, time.Minute)
	a, err := ca.Register(ctx, NodeInfo{Name: "a"}, 30*time.Second) // a lease that outlasts the delay
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(context.Background()) })
	b := register(t, cb, "b")
	eventually(t, "both nodes", func() bool { return len(cb.Nodes()) == 2 })
	lead, err := a.Campaign(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p.Delay(2 * time.Second) // the answer is on its way for as long after the change was made
	asked, giveUp := context.WithCancel(ctx)
	defer giveUp()
	answer := make(chan error)
	go func() { answer <- a.HandOver(asked, cb.Nodes()[1]) }()
	for cb.Controller() != "b" {
		changed := cb.Changed()
		if cb.Controller() == "b" {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	giveUp()
	if err := <-answer; !errors.Is(err, ErrUnknown) {
		t.Fatalf("the answer was to be lost: %v", err)
	}
	if lead.Err() == nil || a.IsController() {
		t.Error("the other one leads, and this one's leadership goes on")
	}
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Campaign(ctx); err != nil {
		t.Fatal(err)
	}
	// The one that gave it away stands again.
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Campaign(ctx); err != nil || !a.IsController() {
		t.Errorf("not elected: %v", err)
	}
}

func TestEventsStayFew(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	n := register(t, c, "a")
	ctx := within(t, time.Minute)
	// More than there should be, as many adding at the same time can leave them.
	for from := 0; from < keptEvents+100; from += 100 {
		var ops []clientv3.Op
		for i := range 100 {
			ops = append(ops, clientv3.OpPut(c.key(fmt.Sprintf("%s%019d-old", dirEvent, from+i)), "{}"))
		}
		if _, err := c.client.Txn(ctx).Then(ops...).Commit(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := n.AddEvent(ctx, Event{Kind: "new"}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Events(ctx)
	if err != nil || len(got) != keptEvents || got[keptEvents-3].Kind != "new" || got[keptEvents-4].Kind != "" {
		t.Errorf("%d events are kept: %v", len(got), err)
	}
}
