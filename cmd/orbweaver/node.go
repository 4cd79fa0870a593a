package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/control"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/deadlock"
	"github.com/orbweaver/orbweaver/internal/gateway"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

const (
	nodeLease   = 2 * time.Second  // a node that is silent for so long is dead to the others
	maxNodeID   = 4095             // connection ids have 12 bits for it
	startWithin = 60 * time.Second // what must have answered at the start
	stopWithin  = 15 * time.Second // what is given to clients and servers at the end
	// resignWithin is what is given to etcd then, to hear of it.
	resignWithin = 5 * time.Second
)

// stack holds what is to be stopped, the last started first.
type stack []func(context.Context) error

func (s *stack) push(f func(context.Context) error) { *s = append(*s, f) }

// unwind stops everything and joins what fails to err.
func (s *stack) unwind(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	for i := len(*s) - 1; i >= 0; i-- {
		err = errors.Join(err, (*s)[i](ctx))
	}
	*s = nil
	return err
}

// listeners are taken before anything is started, so that a busy port costs nothing.
type listeners struct{ mysql, http net.Listener }

func listen(mysql, http string) (*listeners, error) {
	m, err := listenOn("--listen", mysql)
	if err != nil {
		return nil, err
	}
	h, err := listenOn("--http", http)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &listeners{m, h}, nil
}

func listenOn(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program listens on %s: choose another address with %s", addr, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return l, nil
}

func (l *listeners) close(context.Context) error {
	var errs []error
	for _, x := range []net.Listener{l.mysql, l.http} {
		if err := x.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// nodeConfig is what a node is made of.
type nodeConfig struct {
	Name     string
	Catalog  *catalog.Catalog
	Password string      // of the cluster, for the leaves
	TLS      *tls.Config // for clients
	LeafTLS  *tls.Config // to leaves
	// LeafTLSWhereRequired leaves out accounts without REQUIRE.
	LeafTLSWhereRequired bool

	MaxConnections int
	MaxPacket      int
	Listeners      *listeners
	Dir            string // of what the controller keeps for people
	Log            *slog.Logger
}

// node is a running gateway with its HTTP side.
type node struct {
	stops  stack
	failed chan error
}

// startNode starts a node, which accepts clients when it returns.
func startNode(ctx context.Context, c nodeConfig) (_ *node, err error) {
	n := &node{failed: make(chan error, 2)}
	defer func() { // n is no result by name: where there is an error, that would be nil by now
		if err != nil {
			err = n.stops.unwind(err)
		}
	}()
	starting, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()

	member, err := c.Catalog.Register(starting, catalog.NodeInfo{
		Name: c.Name, MySQL: c.Listeners.mysql.Addr().String(), HTTP: c.Listeners.http.Addr().String(),
	}, nodeLease)
	if err != nil {
		return nil, err
	}
	n.stops.push(func(context.Context) error { // also when all time was for clients: others would wait for its lease to end
		ctx, cancel := context.WithTimeout(context.Background(), resignWithin)
		defer cancel()
		return member.Close(ctx)
	})
	if member.ID() > maxNodeID {
		return nil, fmt.Errorf("node %s has the number %d, the cluster can tell %d apart", c.Name, member.ID(), maxNodeID)
	}
	pools := backend.New(backend.Config{
		Addr: func(leaf string) (string, bool) {
			l := c.Catalog.Snapshot().Leaves[leaf]
			if l == nil {
				return "", false
			}
			return l.Addr(), true
		},
		Password: c.Password, TLS: c.LeafTLS, TLSWhereRequired: c.LeafTLSWhereRequired,
	})
	n.stops.push(func(context.Context) error { pools.Close(); return nil })
	spans := txn.NewSpans()
	deadlocks := deadlock.Start(deadlock.Config{Spans: spans, Pools: pools, Node: member, Catalog: c.Catalog, Log: c.Log})
	n.stops.push(func(context.Context) error { deadlocks.Close(); return nil })
	// What was cut off is reported by its log; what can't be settled yet is tried again before the next DDL on its database.
	if _, err := ddl.New(ddl.Config{Catalog: c.Catalog, Node: member, Pools: pools, Log: c.Log}).Recover(starting); err != nil {
		c.Log.Warn("statements that were cut off could not be settled yet", "error", err)
	}
	sealer, err := order.NewSealer(c.Password)
	if err != nil {
		return nil, err
	}
	gw, err := gateway.New(starting, gateway.Config{
		Catalog: c.Catalog, Pools: pools, Node: member, NodeID: uint16(member.ID()), ClusterKey: wire.Ed25519Public(c.Password), TLS: c.TLS,
		MaxConnections: c.MaxConnections, MaxPacket: c.MaxPacket, Spans: spans, Log: c.Log, Seal: sealer.Seal, Open: sealer.Open,
	})
	if err != nil {
		return nil, err
	}
	n.serve("MySQL clients", gateway.ErrClosed, gw.Shutdown, func() error { return gw.Serve(context.Background(), c.Listeners.mysql) })
	watch := control.Start(control.Config{
		Catalog: c.Catalog, Node: member, Pools: pools, Accounts: gw.RepairAccounts, Open: sealer.Open,
		ClusterKey: wire.Ed25519Public(c.Password), Dir: filepath.Join(c.Dir, "errant"), Log: c.Log, Remotes: gw.Remotes,
	})
	n.stops.push(func(context.Context) error { watch.Close(); return nil })
	web := &http.Server{Handler: httpHandler(gw, pools, deadlocks, watch), ReadHeaderTimeout: 10 * time.Second}
	n.serve("HTTP", http.ErrServerClosed, web.Shutdown, func() error { return web.Serve(c.Listeners.http) })
	return n, nil
}

// serve runs a server until its shutdown, after which its end is expected.
func (n *node) serve(what string, expected error, shutdown func(context.Context) error, serve func() error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := serve(); !errors.Is(err, expected) {
			n.failed <- fmt.Errorf("serving %s: %w", what, err)
		}
	}()
	n.stops.push(func(ctx context.Context) error {
		err := shutdown(ctx)
		<-done
		return err
	})
}

// wait returns when ctx ends, or when a server fails.
func (n *node) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.failed:
		return err
	}
}

func (n *node) stop(context.Context) error { return n.stops.unwind(nil) }
