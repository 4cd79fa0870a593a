package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// upConfig is what the flags of `up` say.
type upConfig struct {
	Leaves         int
	Redundancy     int // 0: as many as there can be
	LeavesGiven    bool
	Nodes          int
	Listen, HTTP   string
	LeafPortBase   int
	DataDir        string
	MariaDBOptions []string
	LogLevel       string
}

func upCommand() *cobra.Command {
	var conf upConfig
	c := &cobra.Command{
		Use:   "up",
		Short: "Run a whole cluster on this machine, for development",
		Long: `Run a whole cluster on this machine, for development: MariaDB servers as leaves, an etcd and one node, until Ctrl-C.
The next start finds all data again.

With --nodes, that many nodes run, as processes of their own that are started again when they die: any of them may be killed.
With three or more, the etcd has three members, and any of these may be killed, too.`,
		Example: "  orbweaver up\n  orbweaver up --nodes 3\n  orbweaver up --leaves 2 --listen 127.0.0.1:3307 --data-dir /tmp/farm --mariadb-option innodb_buffer_pool_size=1G",
		RunE: func(c *cobra.Command, _ []string) error {
			conf.LeavesGiven = c.Flags().Changed("leaves")
			if err := conf.validate(); err != nil {
				return err
			}
			return up(c.Context(), &conf)
		},
	}
	f := c.Flags()
	f.IntVar(&conf.Leaves, "leaves", 4, "number of MariaDB servers, in two availability groups")
	f.IntVar(&conf.Nodes, "nodes", 1, "number of nodes")
	f.IntVar(&conf.Redundancy, "redundancy", 0, "copies of each partition in a new cluster, 1 or 2 (default: 2 where the leaves make pairs)")
	f.StringVar(&conf.Listen, "listen", "127.0.0.1:3306", "`HOST:PORT` for MySQL clients; further nodes have the following ports")
	f.StringVar(&conf.HTTP, "http", "127.0.0.1:8306", "`HOST:PORT` for health, metrics and profiles; further nodes have the following ports")
	f.IntVar(&conf.LeafPortBase, "leaf-port-base", 0, "`PORT` of the first leaf, the others follow (default: free ports)")
	f.StringVar(&conf.DataDir, "data-dir", "./data", "`DIR` for all data")
	f.StringArrayVar(&conf.MariaDBOptions, "mariadb-option", nil, "option `k=v` for the MariaDB servers; repeatable")
	f.StringVar(&conf.LogLevel, "log-level", "warn", "debug, info, warn or error")
	return c
}

func (c *upConfig) validate() error {
	if c.Leaves < 1 || c.Leaves > 64 {
		return usage("--leaves %d: must be between 1 and 64", c.Leaves)
	}
	if c.Redundancy < 0 || c.Redundancy > 2 || c.Redundancy == 2 && c.Leaves%2 != 0 {
		return usage("--redundancy %d: must be 1, or 2 with an even number of leaves", c.Redundancy)
	}
	if c.LeafPortBase < 0 || c.LeafPortBase+c.Leaves-1 > 65535 {
		return usage("--leaf-port-base %d: not a port, or too high for %d leaves", c.LeafPortBase, c.Leaves)
	}
	if c.DataDir == "" {
		return usage("--data-dir is empty")
	}
	if c.Nodes < 1 || c.Nodes > maxLocalNodes {
		return usage("--nodes %d: must be between 1 and %d", c.Nodes, maxLocalNodes)
	}
	if err := checkPorts("--listen", c.Listen, c.Nodes); err != nil {
		return err
	}
	if err := checkPorts("--http", c.HTTP, c.Nodes); err != nil {
		return err
	}
	for _, o := range c.MariaDBOptions {
		if err := localfarm.CheckOption(o); err != nil {
			return &usageError{fmt.Errorf("--mariadb-option: %w", err)}
		}
	}
	return nil
}

// redundancy is that of a new cluster of n leaves.
func (c *upConfig) redundancy(n int) int {
	if c.Redundancy == 0 && n%2 == 0 {
		return 2
	}
	return max(c.Redundancy, 1)
}

// up runs a cluster until ctx ends.
func up(ctx context.Context, c *upConfig) (err error) {
	log, err := logger(c.LogLevel)
	if err != nil {
		return err
	}
	if _, err := localfarm.Version(ctx); errors.Is(err, localfarm.ErrNotInstalled) {
		return fmt.Errorf("%w; on Debian and Ubuntu: apt-get install mariadb-server", err)
	} else if err != nil {
		return err
	}
	var stops stack
	defer func() { err = stops.unwind(err) }()

	if err := os.MkdirAll(c.DataDir, 0o711); err != nil { // the account that the servers run as passes through
		return err
	}
	lock, err := localfarm.LockDir(c.DataDir)
	if err != nil {
		return err
	}
	stops.push(func(context.Context) error { return lock.Close() })
	var listeners *listeners // of a node in this process
	var places []place       // of nodes in processes of their own
	if c.Nodes == 1 {
		if listeners, err = listen(c.Listen, c.HTTP); err != nil {
			return err
		}
		stops.push(listeners.close)
	} else {
		var release func()
		if places, release, err = findPlaces(c.Listen, c.HTTP, c.Nodes); err != nil {
			return err
		}
		stops.push(func(context.Context) error { release(); return nil })
	}

	starting, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	etcd, err := startEtcd(starting, c, log)
	if err != nil {
		return err
	}
	stops.push(func(context.Context) error { return etcd.stop() })
	cat, err := catalog.Open(starting, catalog.Config{Endpoints: etcd.endpoints, Log: log})
	if err != nil {
		return err
	}
	stops.push(func(context.Context) error { return cat.Close() })
	key, err := localKey(starting, cat, filepath.Join(c.DataDir, localClusterKey))
	if err != nil {
		return err
	}
	cert, err := localCertificate(filepath.Join(c.DataDir, localCert), filepath.Join(c.DataDir, localCertKey), time.Now())
	if err != nil {
		return err
	}
	leafCert, leafKey := filepath.Join(c.DataDir, localLeafCert), filepath.Join(c.DataDir, localLeafKey)
	if _, err := localCertificate(leafCert, leafKey, time.Now()); err != nil {
		return err
	}
	leafTLS, err := trusting("leaf", leafCert, "", "")
	if err != nil {
		return err
	}
	farm, err := startFarm(starting, c, cat, key, log)
	if err != nil {
		return err
	}
	stops.push(func(context.Context) error { return farm.Close() })
	var failed chan error // nodes in processes of their own are started again
	if c.Nodes == 1 {
		n, err := startNode(ctx, nodeConfig{
			Name: nodeName(1), Catalog: cat, Password: key, TLS: cert, LeafTLS: leafTLS, LeafTLSWhereRequired: true,
			Listeners: listeners, Dir: c.DataDir, Log: log,
		})
		if err != nil {
			return err
		}
		stops.push(n.stop)
		failed = n.failed
		places = []place{{listeners.mysql.Addr().String(), listeners.http.Addr().String()}}
	} else {
		stop, err := startNodes(starting, c, places, etcd.endpoints, log)
		if err != nil {
			return err
		}
		stops.push(stop)
	}
	fmt.Print(readyLines(places, len(farm.Leaves())))
	select {
	case err := <-etcd.failed:
		return fmt.Errorf("embedded etcd: %w", err)
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// startFarm starts the leaves and tells the catalog where they are.
func startFarm(ctx context.Context, c *upConfig, cat *catalog.Catalog, key string, log *slog.Logger) (*localfarm.Farm, error) {
	n := c.Leaves
	if known := len(cat.Snapshot().Leaves); known > 0 {
		if c.LeavesGiven && known != n {
			// A leaf that comes later would lack the accounts and tables that the others have.
			return nil, usage("--leaves %d: the cluster in %s has %d leaves", n, c.DataDir, known)
		}
		n = known
	}
	farm, err := localfarm.Start(ctx, localfarm.Config{
		Dir: filepath.Join(c.DataDir, "leaves"), Leaves: n, PortBase: c.LeafPortBase, Options: c.MariaDBOptions,
		ClusterPublicKey: wire.Ed25519Public(key), Logger: log, StopTimeout: stopWithin,
		CertFile: filepath.Join(c.DataDir, localLeafCert), KeyFile: filepath.Join(c.DataDir, localLeafKey),
	})
	if err != nil {
		return nil, err
	}
	_, err = cat.Update(ctx, func(tx *catalog.Txn) error {
		fresh := len(tx.Leaves()) == 0
		if fresh && c.redundancy(len(farm.Leaves())) == 2 {
			s := tx.Settings()
			s.Redundancy = 2
			tx.PutSettings(s)
			leaves := farm.Leaves()
			for i, l := range leaves {
				tx.PutLeaf(&topo.Leaf{
					Name: l.Name, Host: l.Host, Port: l.Port, Group: l.Group, ServerID: l.ServerID, State: topo.LeafOnline, Pair: leaves[i^1].Name,
				})
			}
			return nil
		}
		for _, l := range farm.Leaves() {
			now := topo.Leaf{Name: l.Name, Host: l.Host, Port: l.Port, Group: l.Group, ServerID: l.ServerID, State: topo.LeafOnline}
			if fresh { // without pairs, one group
				now.Group = 1
			}
			old := tx.Leaf(l.Name)
			if old != nil { // whether it is whole is the controller's to judge
				now.State, now.Pair, now.Group, now.Disk, now.Memory = old.State, old.Pair, old.Group, old.Disk, old.Memory
			}
			if old == nil || *old != now {
				tx.PutLeaf(&now)
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, farm.Close())
	}
	return farm, nil
}

// readyLines say that clients may come, and how: one line a node.
func readyLines(places []place, leaves int) string {
	var b strings.Builder
	for i, p := range places {
		host, port, err := net.SplitHostPort(p.mysql)
		if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		of := ""
		if len(places) > 1 {
			of = fmt.Sprintf("%s, ", nodeName(i+1))
		}
		fmt.Fprintf(&b, "ready: mysql %s, http %s, %s%d leaves; connect: mariadb -h %s -P %s -u root\n", p.mysql, p.http, of, leaves, host, port)
	}
	return b.String()
}
