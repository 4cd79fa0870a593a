package main

import (
	"bufio"
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
	"github.com/orbweaver/orbweaver/internal/localfarm"
)

// cluster is what `bin/orbweaver up` runs, and leaves that were added to it.
type cluster struct {
	db     *dbsql.DB
	port   int // where the node listens
	leaves []victim
	dir    string
	stops  []func() error // last started first stopped
}

// victim is a leaf that may be made to fail.
type victim struct {
	port  int    // where the cluster finds it
	dir   string // its own
	proxy *faultproxy.Proxy
}

func (c *cluster) close() error {
	var errs []error
	for _, f := range slices.Backward(c.stops) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// startCluster runs a cluster of redundancy 2, unless options say otherwise. It must be closed, whether or not it fails.
func startCluster(ctx context.Context, leaves int, options ...string) (*cluster, error) {
	c := &cluster{}
	var err error
	if c.dir, err = os.MkdirTemp("", "orbweaver-bench-"); err != nil {
		return nil, err
	}
	c.stops = append(c.stops, func() error {
		if os.Getenv("BENCH_KEEP") != "" {
			fmt.Fprintln(os.Stderr, "kept:", c.dir)
			return nil
		}
		return os.RemoveAll(c.dir)
	})
	if err := os.Chmod(c.dir, 0o711); err != nil { // the account that the servers run as passes through
		return c, err
	}
	if c.port, err = freePort(); err != nil {
		return c, err
	}
	data := filepath.Join(c.dir, "data")
	args := []string{"up", "--leaves", fmt.Sprint(leaves), "--redundancy", "2", "--data-dir", data, "--listen", fmt.Sprintf("127.0.0.1:%d", c.port), "--http", "127.0.0.1:0"}
	cmd := exec.Command("bin/orbweaver", append(args, options...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench, which ends it in order
	out, err := cmd.StdoutPipe()
	if err != nil {
		return c, err
	}
	said, err := os.Create(filepath.Join(c.dir, "up.log"))
	if err != nil {
		return c, err
	}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return c, errors.Join(err, said.Close())
	}
	c.stops = append(c.stops, func() error {
		err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
		if err != nil {
			text, _ := os.ReadFile(said.Name())
			err = fmt.Errorf("orbweaver up: %w: …%s", err, text[max(0, len(text)-1000):])
		}
		return errors.Join(err, said.Close())
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "ready:") {
		return c, fmt.Errorf("orbweaver up printed %q: %w", line, err)
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.InterpolateParams = "tcp", fmt.Sprintf("127.0.0.1:%d", c.port), "root", true
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return c, err
	}
	c.db = dbsql.OpenDB(connector)
	c.stops = append(c.stops, c.db.Close)
	c.db.SetMaxIdleConns(32)
	rows, err := c.db.QueryContext(ctx, "SELECT l.NAME, l.PORT FROM information_schema.LEAVES l ORDER BY l.PORT")
	if err != nil {
		return c, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var v victim
		if err := rows.Scan(&name, &v.port); err != nil {
			return c, err
		}
		v.dir = filepath.Join(data, "leaves", name)
		c.leaves = append(c.leaves, v)
	}
	return c, rows.Err()
}

func (c *cluster) exec(ctx context.Context, statements ...string) error {
	for _, q := range statements {
		if _, err := c.db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// servers starts two more MariaDB servers, which the cluster would reach through proxies. They are no leaves yet.
func (c *cluster) servers(ctx context.Context) ([]victim, error) {
	f, err := localfarm.Start(ctx, localfarm.Config{Dir: filepath.Join(c.dir, "more"), Leaves: 2, ClusterPublicKey: unusedKey, FirstServerID: 1001})
	if err != nil {
		return nil, err
	}
	c.stops = slices.Insert(c.stops, 1, f.Close) // after the cluster, for which they would be lost
	var out []victim
	for _, l := range f.Leaves() {
		db, err := dbsql.Open("mysql", "root@unix("+l.Socket+")/")
		if err != nil {
			return nil, err
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		for _, q := range []string{"SET SESSION sql_log_bin=0", "CREATE USER bench@'%' IDENTIFIED BY 'bench'", "GRANT ALL PRIVILEGES ON *.* TO bench@'%' WITH GRANT OPTION"} {
			if _, err := db.ExecContext(ctx, q); err != nil {
				return nil, fmt.Errorf("%s: %w", q, err)
			}
		}
		p, err := faultproxy.Start(fmt.Sprintf("%s:%d", l.Host, l.Port))
		if err != nil {
			return nil, err
		}
		c.stops = slices.Insert(c.stops, 1, func() error { p.Close(); return nil })
		v := victim{dir: l.Dir, proxy: p}
		if _, err := fmt.Sscanf(p.Addr(), "127.0.0.1:%d", &v.port); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// addLeaves makes two more servers a pair of leaves.
func (c *cluster) addLeaves(ctx context.Context) error {
	more, err := c.servers(ctx)
	if err != nil {
		return err
	}
	for i, v := range more {
		if err := c.exec(ctx, fmt.Sprintf("ADD LEAF bench:'bench'@'127.0.0.1':%d INTO GROUP %d", v.port, i+1)); err != nil {
			return err
		}
	}
	c.leaves = append(c.leaves, more...)
	return nil
}
