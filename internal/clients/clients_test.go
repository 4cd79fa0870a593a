package clients

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/gateway/gatewaytest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// patience is a limit for what hangs.
const patience = 5 * time.Minute

// site is where a program runs.
type site struct {
	name, host string
	port       int
	db         string // empty, and the program's own
}

// address is what drivers of Go dial.
func (s site) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// sites are a cluster, with a database of several partitions, and a plain server. Options are those of the cluster's CREATE DATABASE.
func sites(t *testing.T, db string, options ...string) (cluster, plain site) {
	t.Helper()
	node, l := gatewaytest.Shared(t)
	cluster = site{"the cluster", "127.0.0.1", node.Addr.Port, db}
	plain = site{"the plain server", l.Host, l.Port, db}
	for s, create := range map[site]string{cluster: "CREATE DATABASE " + db + " PARTITIONS 4 " + strings.Join(options, " "), plain: "CREATE DATABASE " + db} {
		if out, err := cli(t, s, "", "DROP DATABASE IF EXISTS "+db+"; "+create); err != nil {
			t.Fatalf("%s: %v\n%s", s.name, err, out)
		}
	}
	return cluster, plain
}

// last is the line with which every program ends.
const last = "end of the program"

// same runs a client's program at both sites and compares what it prints. least is how many lines that is at least.
func same(t *testing.T, db string, least int, run func(s site) (string, error), options ...string) {
	t.Helper()
	cluster, plain := sites(t, db, options...)
	want, err := run(plain)
	if err != nil {
		t.Fatalf("%s: %v\n%s", plain.name, err, want)
	}
	wanted := lines(want)
	if wanted[len(wanted)-1] != last || len(wanted) < least {
		t.Fatalf("the program ends early, after %d lines:\n%s", len(wanted), want)
	}
	got, err := run(cluster)
	if err != nil {
		t.Errorf("%s: %v", cluster.name, err)
	}
	compare(t, lines(got), wanted)
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i, shown := 0, 0; i < max(len(got), len(want)) && shown < 5; i++ {
		x, y := "nothing", "nothing"
		if i < len(got) {
			x = got[i]
		}
		if i < len(want) {
			y = want[i]
		}
		if x != y {
			t.Errorf("line %d: the cluster says\n\t%.2000s\nthe plain server\n\t%.2000s", i+1, x, y)
			shown++
		}
	}
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

// program runs a program with the site's host, port and database as its last arguments. What it says on its standard error is part of a failure alone.
func program(t *testing.T, s site, name string, args ...string) (string, error) {
	t.Helper()
	return command(t, name, append(args, s.host, strconv.Itoa(s.port), s.db)...)
}

func command(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, errs, err := start(t, "", name, args...)
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", name, err, errs)
	}
	return out, err
}

func start(t *testing.T, in, name string, args ...string) (out, errs string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// cli is MariaDB's own client. What it says on its standard error comes with the rest.
func cli(t *testing.T, s site, db, script string, options ...string) (string, error) {
	t.Helper()
	return mariadb(t, s, "mariadb", db, script, options...)
}

// cliApart has its standard error apart.
func cliApart(t *testing.T, s site, script string, options ...string) (out, errs string, err error) {
	t.Helper()
	return start(t, script, "mariadb", append(reach(s), append(options, s.db)...)...)
}

func mariadb(t *testing.T, s site, name, db, script string, options ...string) (string, error) {
	t.Helper()
	args := append(reach(s), options...)
	if db != "" {
		args = append(args, db)
	}
	out, errs, err := start(t, script, name, args...)
	return out + errs, err
}

// reach is how MariaDB's programs are told of a site.
func reach(s site) []string {
	return []string{"--no-defaults", "-h" + s.host, fmt.Sprintf("-P%d", s.port), "-uroot", "--default-character-set=utf8mb4"}
}

// source is the path of a file of testdata.
func source(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
