package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

var program string // this test, as orbweaver

// asProgram is in the environment of everything that tests start: there this test is orbweaver, compiled and linked once for both, and watched by the race
// detector where the test is.
const asProgram = "ORBWEAVER_TEST_RUNS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(copyAndRun(m))
}

func copyAndRun(m *testing.M) int {
	// Nodes are killed under the driver's connections, which the statements tell of.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "orbweaver-cmd-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "orbweaver")
	if err := errors.Join(copySelf(program), os.Chmod(dir, 0o755), os.Setenv(asProgram, "1")); err != nil { // other accounts run it, too
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// copySelf copies this test: where go test has it others can't reach it.
func copySelf(to string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o755)
}

// process is a running orbweaver.
type process struct {
	cmd         *exec.Cmd
	mysql, http string
	nodes       []place // all that it runs, the first one too
	stderr      *said
	expected    []string    // what its warnings may be about
	rest        chan []byte // what it prints after the ready line
}

// said keeps what a running process says.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

var ready = regexp.MustCompile(`^ready: mysql (\S+?),? http ([^\s,]+)`)

// launch runs orbweaver until the test ends or stop is called.
func launch(t *testing.T, as *syscall.Credential, args ...string) *process {
	t.Helper()
	return launchNodes(t, as, 1, args...)
}

// launchNodes runs an orbweaver of some nodes.
func launchNodes(t *testing.T, as *syscall.Credential, nodes int, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), stderr: &said{}, rest: make(chan []byte, 1)}
	p.cmd.Stderr = p.stderr
	p.cmd.Dir = os.TempDir()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("orbweaver %q said:\n%s", args, p.stderr)
		}
	})
	timer := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	r := bufio.NewReader(out)
	for range nodes {
		line, err := r.ReadString('\n')
		m := ready.FindStringSubmatch(line)
		if m == nil {
			p.cmd.Wait()
			t.Fatalf("orbweaver %q printed %q (%v) and said:\n%s", args, line, err, p.stderr)
		}
		p.nodes = append(p.nodes, place{m[1], m[2]})
	}
	p.mysql, p.http = p.nodes[0].mysql, p.nodes[0].http
	go func() {
		rest, _ := io.ReadAll(r) // it ends with the process
		p.rest <- rest
	}()
	return p
}

// stop ends orbweaver by a signal and wants it to end well.
func (p *process) stop(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	rest := <-p.rest
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v ends it by %v", sig, err)
	}
	if len(rest) > 0 {
		t.Errorf("after the ready line it printed %q", rest)
	}
	// A machine that stands still for two seconds loses leases, whatever is tested.
	expected := append([]string{"catalog: this node's lease is lost"}, p.expected...)
	for line := range strings.Lines(p.stderr.String()) {
		if !slices.ContainsFunc(expected, func(about string) bool { return strings.Contains(line, about) }) {
			t.Errorf("it said: %s", line)
		}
	}
}

func (p *process) open(t *testing.T, db string) *sql.DB {
	t.Helper()
	return openAt(t, p.mysql, db)
}

func openAt(t *testing.T, addr, db string) *sql.DB {
	t.Helper()
	d, err := sql.Open("mysql", "root@tcp("+addr+")/"+db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func do(t *testing.T, d *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := d.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func ask(t *testing.T, d *sql.DB, query string) (s string) {
	t.Helper()
	if err := d.QueryRow(query).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

func (p *process) get(t *testing.T, path string) string {
	t.Helper()
	r, err := http.Get("http://" + p.http + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, r.Status, err)
	}
	return string(text)
}

// dataDir is short, for the sockets in it, and open to other accounts.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "orbweaver-up-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func leafPID(t *testing.T, data string, leaf int) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "leaves", fmt.Sprintf("leaf-%d", leaf), "mariadbd.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

func TestUp(t *testing.T) {
	data := filepath.Join(dataDir(t), "data")
	args := []string{"up", "--leaves", "2", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", data}
	began := time.Now()
	p := launch(t, nil, args...)
	t.Logf("first start: %v", time.Since(began))
	d := p.open(t, "")
	do(t, d, "CREATE DATABASE shop PARTITIONS 4", "CREATE TABLE shop.t (id INT PRIMARY KEY, v TEXT)",
		"INSERT INTO shop.t VALUES (1,'a'),(2,'b'),(3,'c'),(4,'d'),(5,'e')")
	if got := ask(t, d, "SELECT COUNT(*) FROM shop.t"); got != "5" {
		t.Errorf("%s rows", got)
	}
	if got := p.get(t, "/healthz"); got != "ok\n" {
		t.Errorf("health: %q", got)
	}
	if got := p.get(t, "/metrics"); !strings.Contains(got, "\norbweaver_clients_connected 1\n") || !strings.Contains(got, `leaf="leaf-2"`) {
		t.Errorf("metrics: %s", got)
	}
	p.get(t, "/debug/pprof/goroutine")

	t.Run("second up on the data", func(t *testing.T) {
		out, err := exec.Command(program, args...).CombinedOutput()
		if want := fmt.Sprintf("in use by process %d", p.cmd.Process.Pid); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("leaf killed", func(t *testing.T) {
		p.expected = []string{"MariaDB server ended", "control: leaf offline"} // it may be back before it is missed
		pid := leafPID(t, data, 1)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			var n int
			err := d.QueryRow("SELECT COUNT(*) FROM shop.t").Scan(&n)
			if err == nil && n == 5 && leafPID(t, data, 1) != pid {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("after the kill: %d rows, %v", n, err)
			}
		}
	})
	pids := []int{leafPID(t, data, 1), leafPID(t, data, 2)}
	d.Close()
	p.stop(t, syscall.SIGTERM)
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("leaf %d is left: %v", pid, err)
		}
	}

	out, err := exec.Command(program, append(args, "--leaves", "3")...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "has 2 leaves") {
		t.Errorf("more leaves: %v: %s", err, out)
	}
	began = time.Now()
	p = launch(t, nil, args...)
	t.Logf("next start: %v", time.Since(began))
	if got := ask(t, p.open(t, "shop"), "SELECT GROUP_CONCAT(v) FROM t WHERE id=3"); got != "c" {
		t.Errorf("after a restart: %q", got)
	}
	p.stop(t, os.Interrupt)
}

// A whole cluster needs no rights of root's.
func TestUpAsOrdinaryUser(t *testing.T) {
	data := dataDir(t)
	var as *syscall.Credential
	if os.Geteuid() == 0 {
		as = &syscall.Credential{Uid: 65534, Gid: 65534}
		if err := os.Chown(data, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	p := launch(t, as, "up", "--leaves", "1", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", data)
	if got := ask(t, p.open(t, ""), "SELECT CURRENT_USER()"); got != "root@localhost" {
		t.Errorf("logged in as %s", got)
	}
	p.stop(t, syscall.SIGTERM)
}

// A node elsewhere serves the same cluster.
func TestServeBesideUp(t *testing.T) {
	data := dataDir(t)
	up := launch(t, nil, "up", "--leaves", "2", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", data)
	conf := filepath.Join(dataDir(t), "node.yaml")
	text := fmt.Sprintf("name: node-2\netcd: [\"unix://%s/etcd/client.sock\"]\nlisten: 127.0.0.1:1\nhttp: 127.0.0.1:0\nlog_level: warn\n", data)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	node := launch(t, nil, "serve", "--config", conf, "--listen", "127.0.0.1:0") // the flag wins
	do(t, up.open(t, ""), "CREATE DATABASE pair PARTITIONS 2", "CREATE TABLE pair.t (id INT PRIMARY KEY)", "INSERT INTO pair.t VALUES (1),(2),(3)")
	second := node.open(t, "pair")
	var n int
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if err := second.QueryRow("SELECT COUNT(*) FROM t").Scan(&n); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if n != 3 {
		t.Errorf("the second node sees %d rows", n)
	}
	second.Close()

	// Accounts that require TLS: up's leaves have it, and a node elsewhere can be told to use it for everybody.
	secured := launch(t, nil, "serve", "--config", conf, "--name", "node-3", "--listen", "127.0.0.1:0", "--leaf-ca", filepath.Join(data, localLeafCert),
		"--tls-cert", filepath.Join(data, localCert), "--tls-key", filepath.Join(data, localCertKey))
	do(t, up.open(t, ""), "CREATE USER safe@'%' IDENTIFIED BY 's' REQUIRE SSL", "GRANT SELECT ON pair.* TO safe@'%'")
	ca, err := readCertificates("ca", filepath.Join(data, localCert))
	if err != nil {
		t.Fatal(err)
	}
	if err := mysql.RegisterTLSConfig("up", &tls.Config{RootCAs: ca, ServerName: "localhost"}); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*process{"up": up, "serve --leaf-ca": secured} {
		d, err := sql.Open("mysql", "safe:s@tcp("+p.mysql+")/pair?tls=up")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.QueryRow("SELECT COUNT(*) FROM t").Scan(&n); err != nil || n != 3 {
			t.Errorf("%s, an account that requires TLS: %d rows, %v", name, n, err)
		}
		d.Close()
	}
	for p, want := range map[*process]string{up: "0", secured: "1"} {
		// Of the cipher in use clients are told that of their own connections.
		const cipher = "SELECT VARIABLE_VALUE <> '' FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher_list'"
		if got := ask(t, p.open(t, ""), cipher); got != want {
			t.Errorf("root's connection to a leaf has a cipher: %s, want %s", got, want)
		}
	}
	var out bytes.Buffer
	stranger := exec.Command(program, "serve", "--config", conf, "--name", "node-4", "--listen", "127.0.0.1:0", "--leaf-ca", filepath.Join(data, localCert))
	stranger.Stdout, stranger.Stderr = &out, &out
	if err := stranger.Run(); err == nil || !strings.Contains(out.String(), "unable to connect to leaf leaf-") || !strings.Contains(out.String(), "certificate signed by unknown authority") {
		t.Errorf("a node that does not know the leaves' certificate: %v: %s", err, &out)
	}
	secured.stop(t, syscall.SIGTERM)
	node.stop(t, syscall.SIGTERM)
	up.stop(t, syscall.SIGTERM)
}

func TestMistakes(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	file := func(text string) string {
		f := filepath.Join(t.TempDir(), "conf.yaml")
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	const etcd = "etcd: [http://127.0.0.1:1]\n"
	data := filepath.Join(dataDir(t), "data")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"fly"}, 2, `no command "fly"`},
		{[]string{"up", "now"}, 2, `no arguments, got "now"`},
		{[]string{"up", "--wings"}, 2, "unknown flag: --wings"},
		{[]string{"up", "--leaves", "0"}, 2, "--leaves 0"},
		{[]string{"up", "--leaves", "many"}, 2, "--leaves"},
		{[]string{"up", "--listen", "3306"}, 2, `--listen "3306": must be HOST:PORT`},
		{[]string{"up", "--http", "x:99999"}, 2, `"99999" is not a port`},
		{[]string{"up", "--leaf-port-base", "65534"}, 2, "--leaf-port-base 65534"},
		{[]string{"up", "--data-dir", ""}, 2, "--data-dir is empty"},
		{[]string{"up", "--mariadb-option", "port=1"}, 2, "port: is set by Orbweaver"},
		{[]string{"up", "--mariadb-option", "=1"}, 2, "not of the form"},
		{[]string{"up", "--nodes", "0"}, 2, "--nodes 0: must be between 1 and 9"},
		{[]string{"up", "--nodes", "3", "--listen", "127.0.0.1:65534"}, 2, "the port is too high for 3 nodes"},
		{[]string{"up", "--data-dir", data, "--nodes", "3", "--listen", "127.0.0.1:29000", "--http", "127.0.0.1:29002"}, 2, "need both for 127.0.0.1:29002"},
		{[]string{"up", "--data-dir", data, "--nodes", "2", "--listen", busy.Addr().String()}, 1, "choose another address with --listen"},
		{[]string{"up", "--log-level", "loud"}, 2, `--log-level "loud"`},
		{[]string{"up", "--data-dir", data, "--listen", busy.Addr().String()}, 1, "choose another address with --listen"},
		{[]string{"serve"}, 2, "--etcd is missing"},
		{[]string{"serve", "--etcd", "ftp://x"}, 2, `--etcd "ftp://x"`},
		{[]string{"serve", "--config", filepath.Join(data, "none")}, 2, "no such file"},
		{[]string{"serve", "--config", file("wings: 2\n")}, 2, `unknown setting "wings"`},
		{[]string{"serve", "--config", file("a: [")}, 2, "conf.yaml"},
		{[]string{"serve", "--config", file(etcd + "max_connections: many\n")}, 2, "max_connections"},
		{[]string{"serve", "--config", file(etcd + "max_connections: 0\n")}, 2, "--max-connections 0"},
		{[]string{"serve", "--config", file(etcd + "leaves: [{name: a, host: b, port: 3306, group: 3}]\n")}, 2, "a needs a group"},
		{[]string{"serve", "--config", file(etcd + "leaves: [{name: a, host: b, port: 3306, group: 1, rank: 3}]\n")}, 2, "rank"},
		{[]string{"serve", "--config", file(etcd + "tls_cert: x\n")}, 2, "go together"},
		{[]string{"serve", "--config", file(etcd + "tls_client_ca: x\n")}, 2, "--tls-client-ca needs --tls-cert"},
		{[]string{"serve", "--config", file(etcd + "leaf_ca: x\nleaf_cert: x\n")}, 2, "--leaf-cert and --leaf-key go together"},
		{[]string{"serve", "--config", file(etcd + "leaf_cert: x\nleaf_key: x\n")}, 2, "--leaf-cert needs --leaf-ca"},
		{[]string{"serve", "--config", file(etcd + "leaf_tls: never\n")}, 2, `--leaf-tls "never": must be always or required`},
		{[]string{"serve", "--config", file(etcd + "leaf_ca: " + filepath.Join(data, "none") + "\n")}, 1, "leaf_ca: open"},
		{[]string{"serve", "--config", file(etcd + "leaf_ca: " + file("rubbish") + "\n")}, 2, "holds no certificate"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		out, err := exec.CommandContext(ctx, program, c.args...).CombinedOutput()
		cancel()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != c.status || !strings.Contains(string(out), c.says) {
			t.Errorf("%q: %v, %s; want status %d and %q", c.args, err, out, c.status, c.says)
		}
	}
}
