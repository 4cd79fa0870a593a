package gatewaytest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/gateway"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Node is a running node.
type Node struct {
	Farm    *localfarm.Farm
	Catalog *catalog.Catalog
	Pools   *backend.Pools
	Gateway *gateway.Gateway
	Addr    *net.TCPAddr

	etcd   *catalog.Embedded
	member *catalog.Node
	dir    string
	served chan error
}

// Start runs a node over a farm until Close. cfg may say more than what Start fills in: Catalog, Pools, Node, NodeID, ClusterKey, Seal and Log. The log is
// shown when ORBWEAVER_TEST_LOG is set.
func Start(farm *localfarm.Farm, cfg gateway.Config) (n *Node, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n = &Node{Farm: farm, served: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("ORBWEAVER_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if n.dir, err = os.MkdirTemp("", "orbweaver-node-"); err != nil {
		return n, err
	}
	if n.etcd, err = catalog.StartEmbedded(ctx, catalog.EmbeddedConfig{Dir: n.dir, Throwaway: true, Log: log}); err != nil {
		return n, err
	}
	if n.Catalog, err = catalog.Open(ctx, catalog.Config{Endpoints: n.etcd.Endpoints(), Log: log}); err != nil {
		return n, err
	}
	if _, err = n.Catalog.Update(ctx, func(tx *catalog.Txn) error {
		for _, l := range farm.Leaves() {
			tx.PutLeaf(&topo.Leaf{Name: l.Name, Host: l.Host, Port: l.Port, Group: l.Group, State: topo.LeafOnline, ServerID: l.ServerID})
		}
		return nil
	}); err != nil {
		return n, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return n, err
	}
	defer func() {
		if n.Addr == nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if n.member, err = n.Catalog.Register(ctx, catalog.NodeInfo{Name: "node-1", MySQL: l.Addr().String()}, 10*time.Second); err != nil {
		return n, err
	}
	n.Pools = backend.New(backend.Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		if l := n.Catalog.Snapshot().Leaves[leaf]; l != nil {
			return l.Addr(), true
		}
		return "", false
	}})
	cfg.Catalog, cfg.Pools, cfg.Node, cfg.NodeID = n.Catalog, n.Pools, n.member, uint16(n.member.ID())
	cfg.ClusterKey, cfg.Log = farmtest.ClusterPublicKey, log
	sealer, err := order.NewSealer(farmtest.ClusterPassword)
	if err != nil {
		return n, err
	}
	cfg.Seal, cfg.Open = sealer.Seal, sealer.Open
	if n.Gateway, err = gateway.New(ctx, cfg); err != nil {
		return n, err
	}
	n.Addr = l.Addr().(*net.TCPAddr)
	go func() { n.served <- n.Gateway.Serve(context.Background(), l) }()
	return n, nil
}

// Close stops the node; its farm goes on.
func (n *Node) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var errs []error
	if n.Addr != nil {
		errs = append(errs, n.Gateway.Shutdown(ctx))
		if err := <-n.served; !errors.Is(err, gateway.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if n.Pools != nil {
		n.Pools.Close()
	}
	if n.member != nil {
		errs = append(errs, n.member.Close(ctx))
	}
	if n.Catalog != nil {
		errs = append(errs, n.Catalog.Close())
	}
	if n.etcd != nil {
		errs = append(errs, n.etcd.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(n.dir))...)
}
