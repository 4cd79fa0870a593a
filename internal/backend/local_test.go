package backend

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// network is what a connection goes through, and which host its server takes it to come from.
func network(t *testing.T, c *Conn) (string, string) {
	t.Helper()
	host, _, _ := net.SplitHostPort(one(t, c, "SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()"))
	return c.w.RemoteAddr().Network(), host
}

func TestLeafOfThisMachineIsReachedByItsSocket(t *testing.T) {
	f := farmtest.Start(t, 1)
	p := poolsFor(t, f)
	c := get(t, p, leaf1)
	if n, _ := network(t, c); n != "unix" {
		t.Errorf("the connection goes through %s", n)
	}
	c.Release()
	// The address that a client comes from is known there all the same.
	c = get(t, p, Want{Leaf: "leaf-1", Variant: Internal, Account: Account{User: clusterUser, ClientIP: netip.MustParseAddr("192.0.2.7")}})
	if n, host := network(t, c); n != "unix" || host != "192.0.2.7" {
		t.Errorf("through %s, from %s", n, host)
	}
	c.Release()
	// A server that is started again is found again.
	if err := f.Kill(0); err != nil {
		t.Fatal(err)
	}
	p.Break("leaf-1")
	if err := f.AwaitReady(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	c = get(t, p, leaf1)
	if n, _ := network(t, c); n != "unix" {
		t.Errorf("after a restart: through %s", n)
	}
	c.Release()
}

// An address that only leads to a server is not replaced by the server's socket: what is between has a purpose.
func TestProxyToALeafIsNotPassedBy(t *testing.T) {
	f := farmtest.Shared(t, 1)
	proxy, err := faultproxy.Start(f.Leaves()[0].Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	p := New(Config{Password: farmtest.ClusterPassword, Addr: func(string) (string, bool) { return proxy.Addr(), true }})
	defer p.Close()
	c := get(t, p, leaf1)
	defer c.Release()
	if n, _ := network(t, c); n != "tcp" {
		t.Errorf("the connection goes through %s", n)
	}
}

// A server in a container may name a path at which another server is on this machine.
func TestSocketOfAnotherServerIsNotUsed(t *testing.T) {
	f := farmtest.Start(t, 2)
	mine, others := f.Leaves()[0].Socket, f.Leaves()[1].Socket
	if err := os.Rename(others, mine); err != nil {
		t.Fatal(err)
	}
	p := poolsFor(t, f)
	c := get(t, p, leaf1)
	defer c.Release()
	if n, _ := network(t, c); n != "tcp" {
		t.Errorf("the connection goes through %s", n)
	}
	if got := one(t, c, "SELECT @@port"); got != fmt.Sprint(f.Leaves()[0].Port) {
		t.Errorf("leaf-1 is at port %d, the connection's at %s", f.Leaves()[0].Port, got)
	}
}
