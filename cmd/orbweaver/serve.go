package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func serveCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "serve --etcd URL,…",
		Short: "Run one node of a cluster",
		Long: `Run one node of a cluster whose topology is in an etcd. Any number of nodes serve one cluster.

Settings come from a YAML file (--config), and from flags, which win. A setting that is not known is an error.`,
		Example: "  orbweaver serve --etcd http://10.0.0.1:2379,http://10.0.0.2:2379 --listen :3306",
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := loadServe(file, c.Flags())
			if err != nil {
				return err
			}
			return serve(c.Context(), conf)
		},
	}
	f := c.Flags()
	f.StringVar(&file, "config", "", "YAML `FILE` with settings, named as the flags with _ for -")
	f.StringSlice("etcd", nil, "client `URLs` of the etcd, separated by commas")
	f.String("name", "", "the node's `NAME`, unique in the cluster (default: the machine's name)")
	f.String("listen", "127.0.0.1:3306", "`HOST:PORT` for MySQL clients")
	f.String("http", "127.0.0.1:8306", "`HOST:PORT` for health, metrics and profiles")
	f.String("tls-cert", "", "certificate `FILE` shown to clients")
	f.String("tls-key", "", "its key's `FILE`")
	f.String("tls-client-ca", "", "`FILE` with the certificates that clients' own must be signed by, for accounts that REQUIRE X509")
	f.String("leaf-ca", "", "`FILE` with the certificates that the leaves' must be signed by: connects to them by TLS")
	f.String("leaf-cert", "", "certificate `FILE` shown to leaves")
	f.String("leaf-key", "", "its key's `FILE`")
	f.String("leaf-tls", leafTLSAlways, "which connections to leaves use TLS, with --leaf-ca: "+leafTLSAlways+", or as the client's account says: "+leafTLSRequired)
	f.String("cluster-key-file", "", "`FILE` with the cluster's key (default: the one in the catalog)")
	f.Int("max-connections", 10000, "clients served at once")
	f.Int("max-allowed-packet", 64<<20, "the largest statement, in bytes")
	f.String("data-dir", ".", "`DIR` for what is kept for people: what stale masters wrote")
	f.String("log-level", "info", "debug, info, warn or error")
	return c
}

// serve runs a node until ctx ends.
func serve(ctx context.Context, c *serveConfig) (err error) {
	log, err := logger(c.LogLevel)
	if err != nil {
		return err
	}
	var stops stack
	defer func() { err = stops.unwind(err) }()

	listeners, err := listen(c.Listen, c.HTTP)
	if err != nil {
		return err
	}
	stops.push(listeners.close)
	cert, err := c.toClients()
	if err != nil {
		return err
	}
	leafTLS, err := c.toLeaves()
	if err != nil {
		return err
	}
	etcd, err := c.catalog(log)
	if err != nil {
		return err
	}
	opening, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	cat, err := catalog.Open(opening, etcd)
	if err != nil {
		return fmt.Errorf("etcd at %s: %w", strings.Join(c.Etcd, ", "), err)
	}
	stops.push(func(context.Context) error { return cat.Close() })
	key, err := clusterKey(opening, cat, c.ClusterKeyFile)
	if err != nil {
		return err
	}
	if err := c.addLeaves(opening, cat); err != nil {
		return err
	}
	if len(cat.Snapshot().Leaves) == 0 {
		return usage("the cluster at %s has no leaves: list them under leaves: in the file given by --config", strings.Join(c.Etcd, ", "))
	}
	n, err := startNode(ctx, nodeConfig{
		Name: c.Name, Catalog: cat, Password: key, TLS: cert, LeafTLS: leafTLS, LeafTLSWhereRequired: c.LeafTLS == leafTLSRequired,
		MaxConnections: c.MaxConnections, MaxPacket: c.MaxAllowedPacket, Listeners: listeners, Dir: c.DataDir, Log: log,
	})
	if err != nil {
		return err
	}
	stops.push(n.stop)
	fmt.Printf("ready: mysql %s http %s\n", listeners.mysql.Addr(), listeners.http.Addr())
	return n.wait(ctx)
}

// addLeaves tells the catalog of leaves that it does not know; those it knows are its own to change.
func (c *serveConfig) addLeaves(ctx context.Context, cat *catalog.Catalog) error {
	if len(c.Leaves) == 0 {
		return nil
	}
	_, err := cat.Update(ctx, func(tx *catalog.Txn) error {
		known := len(tx.Leaves()) > 0
		for _, l := range c.Leaves {
			switch old := tx.Leaf(l.Name); {
			case old != nil && (old.Host != l.Host || old.Port != l.Port):
				return usage("leaf %s is at %s in the catalog, not at %s:%d", l.Name, old.Addr(), l.Host, l.Port)
			case old != nil:
			case known:
				// It would lack the accounts and tables that the others have.
				return usage("the cluster runs without leaf %s: a leaf can't be added by configuration, run ADD LEAF", l.Name)
			default:
				tx.PutLeaf(&topo.Leaf{
					Name: l.Name, Host: l.Host, Port: l.Port, Group: l.Group, ServerID: l.ServerID, State: topo.LeafOnline,
				})
			}
		}
		return nil
	})
	return err
}
