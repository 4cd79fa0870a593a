package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localetcd"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/supervise"
)

const (
	maxLocalNodes = 9
	// severalFrom is from how many nodes on the etcd has several members.
	severalFrom = 3
)

func nodeName(n int) string { return "node-" + strconv.Itoa(n) }

// place is where a node of `up` listens.
type place struct{ mysql, http string }

// checkPorts says whether an address has enough ports behind it.
func checkPorts(flag, addr string, n int) error {
	if err := checkAddress(flag, addr); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(addr)
	if p, _ := strconv.Atoi(port); p > 0 && p+n-1 > 65535 {
		return usage("%s %q: the port is too high for %d nodes", flag, addr, n)
	}
	return nil
}

// findPlaces chooses the ports of n nodes: those that are asked for, which must be free, or free ones for 0. A node that is started again has the same, so that the
// kernel can't choose. release gives them back.
func findPlaces(mysql, http string, n int) (places []place, release func(), err error) {
	mysqls, release1, err := findPorts("--listen", mysql, n)
	if err != nil {
		return nil, nil, err
	}
	https, release2, err := findPorts("--http", http, n)
	if err != nil {
		release1()
		return nil, nil, err
	}
	release = func() { release1(); release2() }
	taken := map[string]bool{}
	for i := range n {
		places = append(places, place{mysqls[i], https[i]})
		taken[mysqls[i]] = true
	}
	for _, p := range places {
		if taken[p.http] {
			release()
			return nil, nil, usage("--listen %s and --http %s: %d nodes need both for %s", mysql, http, n, p.http)
		}
	}
	return places, release, nil
}

func findPorts(flag, addr string, n int) (addrs []string, release func(), err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return nil, nil, err
	}
	if first == 0 {
		ports, release, err := localfarm.FreePorts(n)
		for _, p := range ports {
			addrs = append(addrs, net.JoinHostPort(host, strconv.Itoa(p)))
		}
		return addrs, release, err
	}
	for i := range n {
		a := net.JoinHostPort(host, strconv.Itoa(first+i))
		l, err := listenOn(flag, a)
		if err != nil {
			return nil, nil, err
		}
		if err := l.Close(); err != nil {
			return nil, nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, func() {}, nil
}

// localEtcd is the etcd of `up`.
type localEtcd struct {
	endpoints []string
	failed    <-chan error // yields when it has ended for good
	stop      func() error
}

// startEtcd starts the etcd: in this process, or as three processes when there are enough nodes that any of them may die. What an earlier start had otherwise is
// made so.
func startEtcd(ctx context.Context, c *upConfig, log *slog.Logger) (*localEtcd, error) {
	dir := filepath.Join(c.DataDir, "etcd")
	members := 1
	if c.Nodes >= severalFrom {
		members = localetcd.Most
	}
	if members > 1 || localetcd.Several(dir) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		e, err := localetcd.Start(ctx, localetcd.Config{
			Dir: dir, Members: members, Run: []string{self, memberCommandName, "--log-level=" + c.LogLevel}, Stderr: os.Stderr, Log: log,
		})
		if err != nil {
			return nil, err
		}
		if members > 1 {
			return &localEtcd{endpoints: e.Endpoints(), stop: e.Close}, nil
		}
		if err := e.Close(); err != nil {
			return nil, err
		}
	}
	e, err := catalog.StartEmbedded(ctx, catalog.EmbeddedConfig{Dir: dir, Log: log})
	if err != nil {
		return nil, err
	}
	return &localEtcd{endpoints: e.Endpoints(), failed: e.Err(), stop: e.Close}, nil
}

// startNodes starts nodes as processes of their own, and returns when all of them accept clients.
func startNodes(ctx context.Context, c *upConfig, places []place, etcd []string, log *slog.Logger) (stop func(context.Context) error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return nil, err
	}
	var nodes []*supervise.Process
	stop = func(context.Context) error {
		var wg sync.WaitGroup
		errs := make([]error, len(nodes))
		for i, n := range nodes {
			wg.Go(func() { errs[i] = n.Close() })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stop(ctx))
		}
	}()
	for i, p := range places {
		name := nodeName(i + 1)
		n, err := supervise.Start(supervise.Config{
			Name: name, Home: filepath.Join(dir, "nodes", name), Dir: dir, Stderr: os.Stderr, StopTimeout: stopWithin, Log: log,
			Args: []string{
				self, "serve", "--name=" + name, "--etcd=" + strings.Join(etcd, ","), "--listen=" + p.mysql, "--http=" + p.http,
				"--tls-cert=" + filepath.Join(dir, localCert), "--tls-key=" + filepath.Join(dir, localCertKey), "--cluster-key-file=" + filepath.Join(dir, localClusterKey),
				"--leaf-ca=" + filepath.Join(dir, localLeafCert), "--leaf-tls=" + leafTLSRequired, "--data-dir=" + dir, "--log-level=" + c.LogLevel,
			},
		})
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		if err := n.AwaitReady(ctx); err != nil {
			return nil, fmt.Errorf("%w; what it said is above", err)
		}
	}
	return stop, nil
}
