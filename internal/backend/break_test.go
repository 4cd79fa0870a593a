package backend

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// A leaf that accepts connections and says nothing, as a paused one does: Break ends what waits for it.
func TestBreakEndsDialsAndWaits(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled := make(chan struct{}, 2)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			dialled <- struct{}{}
		}
	}()
	p := New(Config{MaxPerLeaf: 1, DialTimeout: time.Hour, WaitTimeout: time.Hour, Addr: func(string) (string, bool) { return l.Addr().String(), true }})
	defer p.Close()
	failed := make(chan error, 2)
	get := func() {
		c, err := p.Get(context.Background(), Want{Leaf: "l", Variant: Internal})
		if err == nil {
			c.Release()
		}
		failed <- err
	}
	go get()
	<-dialled
	go get() // waits for the place that the first one has taken
	for p.Stats()[0].Waiting == 0 {
		time.Sleep(time.Millisecond)
	}
	p.Break("l")
	for range 2 {
		var down *LeafDownError
		if err := <-failed; !errors.As(err, &down) || !errors.Is(err, errBroken) {
			t.Errorf("got %v", err)
		}
	}
	if err := p.Kill(context.Background(), "l", 1, false); !errors.Is(err, errBroken) {
		t.Errorf("a KILL at a dead leaf: %v", err)
	}
}

// A database whose sessions are about to be ended keeps no connection that could be in another one by then.
func TestVacatedDatabases(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	in := func(name string) Want {
		w := leaf1
		w.Schema = name
		return w
	}
	schema(t, p, "vacated")
	schema(t, p, "stays")
	lent, idle, other := get(t, p, in("vacated")), get(t, p, in("vacated")), get(t, p, in("stays"))
	idle.Release()
	other.Release()
	p.Vacate(map[string]bool{"vacated": true})
	lent.Release()
	for _, was := range []*Conn{lent, idle} {
		if was.w.CheckIdle() == nil {
			t.Errorf("connection %d of a vacated database is open", was.Thread())
		}
	}
	again := get(t, p, in("stays"))
	if again != other {
		t.Error("a connection of another database was closed")
	}
	again.Release()

	// One that was taken before, and has come to another database since.
	p.Vacate(nil)
	old := get(t, p, in("vacated"))
	old.Release()
	p.vacate.Store(&map[string]bool{"vacated": true})
	kept := get(t, p, in("stays"))
	defer kept.Release()
	moved := get(t, p, in("stays"))
	defer moved.Release()
	if kept == old || moved == old || old.w.CheckIdle() == nil {
		t.Error("a connection that was in a vacated database is used in another one")
	}
	p.Vacate(nil)
	for range 2 {
		c := get(t, p, in("vacated"))
		if one(t, c, "SELECT DATABASE()") != "vacated" {
			t.Error("no connection to a database that is vacated no more")
		}
		c.Release()
	}
}

// Connections that have chosen a database before it got another character set serve nobody afterwards.
func TestRenewedDatabases(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	in := func(name string) Want {
		w := leaf1
		w.Schema = name
		return w
	}
	schema(t, p, "renewed", "ALTER DATABASE renewed COLLATE latin1_bin")
	schema(t, p, "stays")
	lent, idle, other := get(t, p, in("renewed")), get(t, p, in("renewed")), get(t, p, in("stays"))
	idle.Release()
	other.Release()
	query(t, lent, "ALTER DATABASE renewed COLLATE utf8mb4_unicode_ci")
	p.Renew(map[string]bool{"renewed": true})
	again := get(t, p, in("stays"))
	defer again.Release()
	if again != other {
		t.Error("a connection of another database was closed")
	}
	for range 2 {
		c := get(t, p, in("renewed"))
		defer c.Release()
		if got := one(t, c, "SELECT @@collation_database"); got != "utf8mb4_unicode_ci" {
			t.Errorf("a connection has the collation %s", got)
		}
	}
	lent.Release()
	if lent.w.CheckIdle() == nil {
		t.Error("a connection that was in use goes on with its database's former character set")
	}
}
