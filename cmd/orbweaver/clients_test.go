package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/supervise"
)

// dialAny is what docs/high-availability.md shows to clients of several nodes.
func dialAny(ctx context.Context, addrs string) (conn net.Conn, err error) {
	all := strings.Split(addrs, ",")
	for _, i := range rand.Perm(len(all)) {
		if conn, err = (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", all[i]); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// Clients reach the nodes that live by the ways that the documents show, while one after another is away.
func TestClientsOfSeveralNodes(t *testing.T) {
	data := filepath.Join(dataDir(t), "data")
	p := launchNodes(t, nil, 3, "up", "--nodes", "3", "--leaves", "1", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", data)
	p.expected = []string{"level=WARN"}
	mysql.RegisterDialContext("nodes", dialAny)
	var addrs []string
	for _, n := range p.nodes {
		addrs = append(addrs, n.mysql)
	}
	ways := map[string]string{"list": "root@nodes(" + strings.Join(addrs, ",") + ")/"}
	if addr := proxy(t, p.nodes); addr != "" {
		ways["HAProxy"] = "root@tcp(" + addr + ")/"
	}
	// Each opens a connection: one that lasts would hide who answers it.
	connect := func(t *testing.T, way string) error {
		d, err := sql.Open("mysql", ways[way])
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		var n int
		return d.QueryRowContext(ctx, "SELECT 1").Scan(&n)
	}
	for way := range ways {
		eventually(t, way, func() error { return connect(t, way) })
	}
	for n := range p.nodes {
		home := filepath.Join(data, "nodes", nodeName(n+1))
		hold := filepath.Join(home, supervise.HoldFile)
		if err := os.WriteFile(hold, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		pid := kill9(t, home)
		eventually(t, "its end", func() error {
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				return errors.New("it lives")
			}
			return nil
		})
		for way := range ways {
			for range 20 {
				if err := connect(t, way); err != nil {
					t.Errorf("%s, without %s: %v", way, nodeName(n+1), err)
				}
			}
		}
		if err := os.Remove(hold); err != nil {
			t.Fatal(err)
		}
		d := openAt(t, p.nodes[n].mysql, "")
		eventually(t, nodeName(n+1)+" is back", func() error { return d.Ping() })
		d.Close()
		for way := range ways { // a proxy has seen it, too, before the next one goes
			eventually(t, way+" and "+nodeName(n+1), func() error { return met(t, ways[way], p.nodes[n]) })
		}
	}
	p.stop(t, syscall.SIGTERM)
}

// met says whether one of some connections reaches a node: the one that counts its own leads the others.
func met(t *testing.T, dsn string, node place) error {
	t.Helper()
	host, port, err := net.SplitHostPort(node.mysql)
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		d, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		var own sql.NullInt64
		err = d.QueryRow("SELECT OPENED_CONNECTIONS FROM information_schema.AGGREGATORS WHERE HOST = '" + host + "' AND PORT = " + port).Scan(&own)
		d.Close()
		if err == nil && own.Valid { // a node tells only its own
			return nil
		}
	}
	return errors.New("no connection has reached it")
}

// proxy runs HAProxy as docs/high-availability.md shows it, with these nodes' ports, and returns its address; "" where there is none installed.
func proxy(t *testing.T, nodes []place) string {
	t.Helper()
	bin, err := exec.LookPath("haproxy")
	if err != nil {
		t.Log("HAProxy is not installed: its example is not run")
		return ""
	}
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "high-availability.md"))
	if err != nil {
		t.Fatal(err)
	}
	ports, release, err := localfarm.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	addr := fmt.Sprint("127.0.0.1:", ports[0])
	pairs := []string{"127.0.0.1:3300", addr}
	for i, n := range nodes {
		_, port, err := net.SplitHostPort(n.http)
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, fmt.Sprint("127.0.0.1:", 3306+i), n.mysql, fmt.Sprint("port ", 8306+i), "port "+port)
	}
	text := boxes(string(doc), "haproxy")
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the example has no %s:\n%s", pairs[i], text)
		}
	}
	conf := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(conf, []byte(strings.NewReplacer(pairs...).Replace(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &said{}
	cmd := exec.Command(bin, "-db", "-f", conf)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("HAProxy said:\n%s", out)
		}
	})
	return addr
}
