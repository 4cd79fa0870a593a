package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

// The contenders.
const (
	direct    = "direct"
	haproxy   = "haproxy"
	spider    = "spider"
	orbweaver = "orbweaver"
	// Those whose tables are at the plain server, so that they do what HAProxy does.
	linked      = "linked"
	spiderLinks = "spider_links"
	// The one whose tables are those of spider, at the same servers.
	linkedParts = "linked_parts"
)

// No node logs in at these servers: the key only has to have the right form.
const unusedKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// bufferPool holds the whole data set on every server, so that nobody's disk is measured.
const bufferPool = "innodb_buffer_pool_size=512M"

// arena is everything that runs during a bench.
type arena struct {
	s     settings
	dir   string
	ports map[string]int // where sysbench finds each contender
	stops []func() error // last started first stopped
	// shards are the servers of spider and linked_parts, filled by whichever is first.
	shards []localfarm.Leaf
	filled bool
}

func (a *arena) close() error {
	var errs []error
	for _, f := range slices.Backward(a.stops) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// setUp starts all contenders and gives them the same rows. The arena must be closed, whether or not it fails.
func setUp(ctx context.Context, s settings) (*arena, error) {
	a := &arena{s: s, ports: map[string]int{}}
	if err := a.directory(); err != nil {
		return a, err
	}
	plain, err := a.farm(ctx, "plain", 1)
	if err != nil {
		return a, err
	}
	a.ports[direct] = plain[0].Port
	if err := sql(ctx, a.ports[direct], "", "CREATE DATABASE sbtest"); err != nil {
		return a, err
	}
	if err := a.command(ctx, "sysbench", append(a.target(direct), "oltp_read_write", "prepare")...); err != nil {
		return a, err
	}
	for name, start := range map[string]func(context.Context) error{
		haproxy: a.haproxy, spider: a.spider, orbweaver: a.orbweaver, linked: a.linked, spiderLinks: a.spiderLinks, linkedParts: a.linkedParts,
	} {
		if !slices.Contains(s.Contenders, name) {
			continue
		}
		if err := start(ctx); err != nil {
			return a, fmt.Errorf("%s: %w", name, err)
		}
	}
	return a, nil
}

// directory makes the place for all files.
func (a *arena) directory() (err error) {
	if a.dir, err = os.MkdirTemp("", "orbweaver-bench-"); err != nil {
		return err
	}
	a.stops = append(a.stops, func() error { return os.RemoveAll(a.dir) })
	return os.Chmod(a.dir, 0o711) // the account that the servers run as passes through
}

// farm starts MariaDB servers.
func (a *arena) farm(ctx context.Context, name string, n int) ([]localfarm.Leaf, error) {
	f, err := localfarm.Start(ctx, localfarm.Config{
		Dir: filepath.Join(a.dir, name), Leaves: n, Options: append([]string{bufferPool}, a.s.Options...), ClusterPublicKey: unusedKey,
		TemplateDir: filepath.Join(a.dir, "template"),
	})
	if err != nil {
		return nil, err
	}
	a.stops = append(a.stops, f.Close)
	return f.Leaves(), nil
}

// haproxy passes TCP through to the plain server.
func (a *arena) haproxy(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	conf := fmt.Sprintf(`global
    maxconn 4096
    nbthread %d
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen mariadb
    bind 127.0.0.1:%d
    server plain 127.0.0.1:%d
`, runtime.NumCPU(), port, a.ports[direct])
	file := filepath.Join(a.dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return err
	}
	bin, err := findProgram("haproxy")
	if err != nil {
		return err
	}
	if _, err := a.start(exec.Command(bin, "-f", file, "-db")); err != nil {
		return err
	}
	a.ports[haproxy] = port
	return await(ctx, port)
}

// create makes a table as sysbench does.
func create(table, tail string) string {
	return fmt.Sprintf("CREATE TABLE %s (id INT NOT NULL AUTO_INCREMENT, k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL DEFAULT '', "+
		"pad CHAR(60) NOT NULL DEFAULT '', PRIMARY KEY (id), KEY k_1 (k)) %s;\n", table, tail)
}

// links makes sysbench's tables lead to those of the plain server.
func (a *arena) links() string {
	var s strings.Builder
	fmt.Fprintf(&s, "CREATE SERVER plain FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', DATABASE 'sbtest', USER 'root', PORT %d);\nUSE sbtest;\n", a.ports[direct])
	for i := range a.s.Tables {
		s.WriteString(create(fmt.Sprintf("sbtest%d", i+1), `ENGINE=SPIDER COMMENT='wrapper "mysql", srv "plain"'`))
	}
	return s.String()
}

// linked is Orbweaver with linked tables.
func (a *arena) linked(ctx context.Context) error {
	port, err := a.cluster(ctx, linked)
	if err != nil {
		return err
	}
	a.ports[linked] = port
	return sql(ctx, port, "", "CREATE DATABASE sbtest;\n"+a.links())
}

// spiderLinks is a MariaDB server with Spider tables without partitions.
func (a *arena) spiderLinks(ctx context.Context) error {
	node, err := a.farm(ctx, "spider-links", 1)
	if err != nil {
		return err
	}
	a.ports[spiderLinks] = node[0].Port
	return sql(ctx, node[0].Port, "", "INSTALL SONAME 'ha_spider';\nCREATE DATABASE sbtest;\n"+a.links())
}

// twoServers are where the rows of sysbench's tables are by halves.
func (a *arena) twoServers(ctx context.Context) error {
	if a.shards != nil {
		return nil
	}
	var err error
	if a.shards, err = a.farm(ctx, "shards", 2); err != nil {
		return err
	}
	var there strings.Builder
	there.WriteString("CREATE DATABASE sbtest; USE sbtest;\nCREATE USER spider@localhost IDENTIFIED BY 'spider'; GRANT ALL ON *.* TO spider@localhost;\n")
	for i := range a.s.Tables {
		there.WriteString(create(fmt.Sprintf("sbtest%d", i+1), "ENGINE=InnoDB"))
	}
	for _, l := range a.shards {
		if err := sql(ctx, l.Port, "", there.String()); err != nil {
			return err
		}
	}
	return nil
}

// parts makes sysbench's tables partitions by key at the two servers.
func (a *arena) parts() string {
	var s strings.Builder
	for i, l := range a.shards {
		fmt.Fprintf(&s, "CREATE SERVER b%d FOREIGN DATA WRAPPER mysql OPTIONS "+
			"(HOST '127.0.0.1', DATABASE 'sbtest', USER 'spider', PASSWORD 'spider', PORT %d);\n", i, l.Port)
	}
	s.WriteString("USE sbtest;\n")
	for i := range a.s.Tables {
		s.WriteString(partitioned(fmt.Sprintf("sbtest%d", i+1), "sbtest"))
	}
	return s.String()
}

// partitioned is one of those tables, whose rows are in a database of the two servers.
func partitioned(table, database string) string {
	return create(table, fmt.Sprintf(`ENGINE=SPIDER COMMENT='wrapper "mysql", database "%s", table "%s"' PARTITION BY KEY (id) `+
		`(PARTITION p0 COMMENT = 'srv "b0"', PARTITION p1 COMMENT = 'srv "b1"')`, database, table))
}

// fill loads the two servers by way of a contender.
func (a *arena) fill(ctx context.Context, by string) error {
	if a.filled {
		return nil
	}
	a.filled = true
	return a.load(ctx, by)
}

// spider is a MariaDB server whose tables are partitions by key on two others.
func (a *arena) spider(ctx context.Context) error {
	if err := a.twoServers(ctx); err != nil {
		return err
	}
	node, err := a.farm(ctx, "spider-node", 1)
	if err != nil {
		return err
	}
	a.ports[spider] = node[0].Port
	if err := sql(ctx, node[0].Port, "", "INSTALL SONAME 'ha_spider';\nCREATE DATABASE sbtest;\n"+a.parts()); err != nil {
		return err
	}
	return a.fill(ctx, spider)
}

// linkedParts is Orbweaver with the tables of spider.
func (a *arena) linkedParts(ctx context.Context) error {
	if err := a.twoServers(ctx); err != nil {
		return err
	}
	port, err := a.cluster(ctx, linkedParts)
	if err != nil {
		return err
	}
	a.ports[linkedParts] = port
	if err := sql(ctx, port, "", "CREATE DATABASE sbtest;\n"+a.parts()); err != nil {
		return err
	}
	return a.fill(ctx, linkedParts)
}

// orbweaver is what people run: the built program, with two leaves.
func (a *arena) orbweaver(ctx context.Context) error {
	port, err := a.cluster(ctx, orbweaver)
	if err != nil {
		return err
	}
	a.ports[orbweaver] = port
	if err := sql(ctx, port, "", "CREATE DATABASE sbtest PARTITIONS 2"); err != nil {
		return err
	}
	return a.load(ctx, orbweaver)
}

// cluster starts the built program, and gives the node's port.
func (a *arena) cluster(ctx context.Context, name string) (port int, err error) {
	if port, err = freePort(); err != nil {
		return 0, err
	}
	args := []string{
		"up", "--leaves", "2", "--redundancy", "1", "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--http", "127.0.0.1:0",
		"--data-dir", filepath.Join(a.dir, name), "--mariadb-option", bufferPool,
	}
	for _, o := range a.s.Options {
		args = append(args, "--mariadb-option", o)
	}
	out, err := a.start(exec.Command("bin/orbweaver", args...))
	if err != nil {
		return 0, err
	}
	return port, out.await(ctx, "ready:")
}

// load fills a contender's tables with the plain server's rows. The tables of those who have them elsewhere are there already.
func (a *arena) load(ctx context.Context, to string) error {
	options := []string{"--skip-add-locks", "--skip-disable-keys"}
	if to == spider || to == linkedParts {
		options = append(options, "--no-create-info")
	}
	return a.copyRows(ctx, to, "sbtest", options...)
}

// copyRows pipes a dump of the plain server into a contender's database.
func (a *arena) copyRows(ctx context.Context, to, database string, options ...string) error {
	args := append([]string{"--no-defaults", "-h127.0.0.1", "-uroot", fmt.Sprintf("-P%d", a.ports[direct])}, options...)
	dump := exec.CommandContext(ctx, "mariadb-dump", append(args, "sbtest")...)
	load := exec.CommandContext(ctx, "mariadb", "--no-defaults", "-h127.0.0.1", "-uroot", fmt.Sprintf("-P%d", a.ports[to]), database)
	pipe, err := dump.StdoutPipe()
	if err != nil {
		return err
	}
	var said bytes.Buffer
	load.Stdin, load.Stderr, load.Stdout = pipe, &said, &said
	if err := errors.Join(load.Start(), dump.Start()); err != nil {
		return err
	}
	if err := load.Wait(); err != nil {
		_ = dump.Wait() // it has lost its reader
		return fmt.Errorf("loading rows: %w: %s", err, &said)
	}
	return dump.Wait()
}

// target are sysbench's options for a contender.
func (a *arena) target(contender string) []string {
	return []string{
		"--mysql-host=127.0.0.1", fmt.Sprintf("--mysql-port=%d", a.ports[contender]), "--mysql-user=root", "--mysql-db=sbtest",
		fmt.Sprintf("--tables=%d", a.s.Tables), fmt.Sprintf("--table-size=%d", a.s.Rows),
	}
}

// script is what sysbench calls a test, and the options that make it so.
func script(test string) []string {
	switch test {
	case "ranges":
		return []string{"oltp_read_only", "--point-selects=0"}
	case "random_ranges":
		return []string{"select_random_ranges"}
	}
	return []string{"oltp_" + test}
}

// sysbench runs one turn.
func (a *arena) sysbench(ctx context.Context, c cell, t turn) outcome {
	args := append(a.target(t.Contender), fmt.Sprintf("--threads=%d", c.Threads), fmt.Sprintf("--time=%d", t.Seconds),
		"--db-ps-mode="+c.Mode)
	args = append(append(args, script(c.Test)...), "run")
	ctx, cancel := context.WithTimeout(ctx, time.Duration(t.Seconds)*time.Second+2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sysbench", args...).CombinedOutput()
	return read(out, err)
}

func (a *arena) command(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// output keeps what a child prints.
type output struct {
	lines chan string
	ended chan struct{}
}

// await waits for a line that begins so.
func (o *output) await(ctx context.Context, prefix string) error {
	var said []string
	for {
		select {
		case l, ok := <-o.lines:
			if !ok {
				return fmt.Errorf("it ended: %s", strings.Join(said, "\n"))
			}
			if strings.HasPrefix(l, prefix) {
				go o.drain()
				return nil
			}
			said = append(said, l)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drain lets the child go on printing; it ends with it.
func (o *output) drain() {
	for range o.lines {
	}
}

// start runs a child until the arena is closed.
func (a *arena) start(cmd *exec.Cmd) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to pass on
	err = errors.Join(cmd.Start(), w.Close())
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	o := &output{lines: make(chan string, 1000), ended: make(chan struct{})}
	go func() {
		defer close(o.ended)
		defer r.Close()
		defer close(o.lines)
		for sc := bufio.NewScanner(io.Reader(r)); sc.Scan(); {
			select {
			case o.lines <- sc.Text():
			default: // nobody reads any more
			}
		}
	}()
	a.stops = append(a.stops, func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
		gone := make(chan struct{})
		go func() {
			_ = cmd.Wait() // however it ended: it was told to
			close(gone)
		}()
		select {
		case <-gone:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			<-gone
		}
		<-o.ended
		return nil
	})
	return o, nil
}

// sql runs a script as root.
func sql(ctx context.Context, port int, db, script string) error {
	cmd := exec.CommandContext(ctx, "mariadb", "--no-defaults", "-h127.0.0.1", "-uroot", fmt.Sprintf("-P%d", port), db)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// await waits until somebody listens.
func await(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// findProgram looks where Debian puts servers, too.
func findProgram(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}
