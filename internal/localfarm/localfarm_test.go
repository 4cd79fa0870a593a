package localfarm_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// lostParent, in the environment, makes the test binary a farm's owner that never closes it.
const lostParent = "LOCALFARM_TEST_LOST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(lostParent); dir != "" {
		ownAndWait(dir)
	}
	os.Exit(farmtest.Main(m))
}

func ownAndWait(dir string) {
	f, err := localfarm.Start(context.Background(), config(dir, 1))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(f.PID(0))
	select {}
}

func config(dir string, n int) localfarm.Config {
	return localfarm.Config{
		Dir: dir, Leaves: n, ClusterPublicKey: farmtest.ClusterPublicKey, Throwaway: true, StopTimeout: time.Minute,
		TemplateDir: filepath.Join(os.TempDir(), fmt.Sprintf("orbweaver-templates-%d", os.Geteuid())),
	}
}

// farmDir is short, for the sockets in it, and open to the account mysql.
func farmDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "localfarm-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, c localfarm.Config) *localfarm.Farm {
	t.Helper()
	f, err := localfarm.Start(within(t, time.Minute), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// query asks a leaf over TCP, as root without a password unless args say otherwise.
func query(t *testing.T, l localfarm.Leaf, sql string, args ...string) string {
	t.Helper()
	out, err := try(l, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v: %s", sql, err, out)
	}
	return out
}

func try(l localfarm.Leaf, sql string, args ...string) (string, error) {
	if len(args) == 0 {
		args = []string{"-uroot"}
	}
	args = append([]string{"--no-defaults", "-h" + l.Host, "-P" + strconv.Itoa(l.Port), "-NBe", sql}, args...)
	out, err := exec.Command("mariadb", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestAccountsAndSettings(t *testing.T) {
	f := farmtest.Shared(t, 2)
	l := f.Leaves()[0]
	got := query(t, l, `SELECT CONCAT(User,'@',Host) FROM mysql.global_priv WHERE User NOT IN ('PUBLIC','mariadb.sys') ORDER BY 1`)
	if want := "orbweaver@%\nroot@localhost"; got != want {
		t.Errorf("accounts:\n%s\nwant:\n%s", got, want)
	}
	if got := query(t, l, "SELECT CURRENT_USER()", "-uroot", "-p"+farmtest.ClusterPassword); got != "root@localhost" {
		t.Errorf("root logs in by the cluster's key as %s", got)
	}
	if got := query(t, l, "SHOW GRANTS", "-uorbweaver", "-p"+farmtest.ClusterPassword); !strings.Contains(got, "ALL PRIVILEGES ON *.*") ||
		!strings.Contains(got, "WITH GRANT OPTION") {
		t.Errorf("grants of orbweaver: %s", got)
	}
	for _, args := range [][]string{{"-uorbweaver"}, {"-uorbweaver", "-pwrong"}, {"-uroot", "-pwrong"}, {"-unobody"}} {
		if out, err := try(l, "SELECT 1", args...); err == nil {
			t.Errorf("%v may log in: %s", args, out)
		}
	}
	const settings = `SELECT CONCAT_WS(' ', @@server_id, @@gtid_strict_mode, @@log_slave_updates, @@binlog_format, @@log_bin, @@local_infile,
		@@character_set_server, @@collation_server, @@max_connections, @@gtid_binlog_pos = '')`
	for i, l := range f.Leaves() {
		want := fmt.Sprintf("%d ON ON ROW ON ON utf8mb4 utf8mb4_general_ci 2000 1", i+1)
		if got := query(t, l, settings); got != want {
			t.Errorf("%s: settings %q, want %q", l.Name, got, want)
		}
		if l.Group != i+1 || l.Addr() != f.Addrs()[i] {
			t.Errorf("%+v", l)
		}
	}
	if got := query(t, l, "SHOW DATABASES LIKE 'orbweaver'"); got != "orbweaver" {
		t.Errorf("schema orbweaver: %q", got)
	}
}

func TestKilledLeafComesBackWithItsData(t *testing.T) {
	f := farmtest.Start(t, 1)
	l := f.Leaves()[0]
	query(t, l, "CREATE DATABASE d; CREATE TABLE d.t (a INT); INSERT INTO d.t VALUES (7)")
	for range 3 {
		began := time.Now()
		if err := f.Kill(0); err != nil {
			t.Fatal(err)
		}
		if err := f.AwaitReady(within(t, time.Minute), 0); err != nil {
			t.Fatal(err)
		}
		t.Logf("back after %v", time.Since(began))
		if got := query(t, l, "SELECT a FROM d.t"); got != "7" {
			t.Fatalf("row: %q", got)
		}
	}
}

func TestStopPauseResume(t *testing.T) {
	f := farmtest.Start(t, 2)
	ctx := within(t, time.Minute)
	if err := f.Stop(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if out, err := try(f.Leaves()[0], "SELECT 1"); err == nil {
		t.Fatalf("a stopped leaf answers %s", out)
	}
	if err := f.Kill(0); err == nil {
		t.Error("a stopped leaf can be killed")
	}
	if f.PID(0) != 0 {
		t.Error("a stopped leaf has a process")
	}
	query(t, f.Leaves()[1], "SELECT 1")
	if err := f.StartLeaf(ctx, 0); err != nil {
		t.Fatal(err)
	}
	query(t, f.Leaves()[0], "SELECT 1")

	if err := f.Pause(1); err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 1)
	go func() {
		_, err := try(f.Leaves()[1], "SELECT 1")
		asked <- err
	}()
	select {
	case err := <-asked:
		t.Fatalf("a paused leaf answers: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := f.Resume(1); err != nil {
		t.Fatal(err)
	}
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	// A paused leaf can be stopped all the same.
	if err := f.Pause(1); err != nil {
		t.Fatal(err)
	}
	if err := f.Stop(ctx, 1); err != nil {
		t.Fatal(err)
	}
}

func TestNextStartFindsDataAndMoreLeaves(t *testing.T) {
	dir := farmDir(t)
	c := config(dir, 1)
	c.Throwaway = false
	c.Options = []string{"innodb-flush-log-at-trx-commit=2", "wait_timeout=77"}
	f := start(t, c)
	query(t, f.Leaves()[0], "SET PASSWORD FOR root@localhost = PASSWORD('changed')")
	if got := query(t, f.Leaves()[0], "SELECT CONCAT_WS(' ', @@global.wait_timeout, @@innodb_flush_log_at_trx_commit, @@innodb_log_file_size)",
		"-uroot", "-pchanged"); got != "77 2 50331648" {
		t.Errorf("options: %s", got)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.AwaitReady(within(t, time.Minute), 0); !errors.Is(err, localfarm.ErrClosed) {
		t.Errorf("a closed farm says %v", err)
	}
	c.Leaves = 2
	f = start(t, c)
	// The first start's script must not run again: it would take the password away.
	query(t, f.Leaves()[0], "SELECT 1", "-uroot", "-pchanged")
	query(t, f.Leaves()[1], "SELECT 1")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	c.Leaves = 1
	if f = start(t, c); len(f.Leaves()) != 2 {
		t.Errorf("%d leaves run, two have data", len(f.Leaves()))
	}
}

func TestSecondFarmOnOneDirectory(t *testing.T) {
	dir := farmDir(t)
	start(t, config(dir, 1))
	_, err := localfarm.Start(within(t, time.Minute), config(dir, 1))
	var inUse *localfarm.InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Fatalf("a second farm: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	busy := farmtest.Shared(t, 2).Leaves()[0].Port
	for name, change := range map[string]func(*localfarm.Config){
		"no directory":    func(c *localfarm.Config) { c.Dir = "" },
		"no leaves":       func(c *localfarm.Config) { c.Leaves = 0 },
		"too many leaves": func(c *localfarm.Config) { c.Leaves = 65 },
		"bad port":        func(c *localfarm.Config) { c.PortBase = 70000 },
		"port overflow":   func(c *localfarm.Config) { c.PortBase = 65535; c.Leaves = 2 },
		"busy port":       func(c *localfarm.Config) { c.PortBase = busy },
		"bad key":         func(c *localfarm.Config) { c.ClusterPublicKey = "'; DROP" },
		"owned option":    func(c *localfarm.Config) { c.Options = []string{"loose-Data-Dir=/", "datadir=/"} },
		"not an option":   func(c *localfarm.Config) { c.Options = []string{"=x"} },
		"lines":           func(c *localfarm.Config) { c.Options = []string{"init_connect=a\nport=1"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := config(farmDir(t), 1)
			change(&c)
			f, err := localfarm.Start(within(t, time.Minute), c)
			var bad *localfarm.ConfigError
			if !errors.As(err, &bad) {
				t.Errorf("error %v", err)
			}
			if f != nil {
				f.Close()
			}
		})
	}
}

func TestMariaDBRefusesToStart(t *testing.T) {
	c := config(farmDir(t), 2)
	c.Options = []string{"no_such_thing=1"}
	_, err := localfarm.Start(within(t, time.Minute), c)
	var failed *localfarm.StartError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "no_such_thing") {
		t.Fatalf("error %v", err)
	}
	c.Options = nil
	f := start(t, c)
	query(t, f.Leaves()[1], "SELECT 1")
}

func TestOptionValuesAreKeptWhole(t *testing.T) {
	const value = `SET @a = 'x # y \\ " ;z' `
	f := farmtest.Start(t, 1, "init_connect="+value)
	if got := query(t, f.Leaves()[0], "SELECT HEX(@@init_connect)"); got != fmt.Sprintf("%X", value) {
		t.Errorf("init_connect is %s, want %X", got, value)
	}
}

func TestLongDirectory(t *testing.T) {
	dir := filepath.Join(farmDir(t), strings.Repeat("long", 30))
	f := start(t, config(dir, 1))
	query(t, f.Leaves()[0], "SELECT 1")
	socket := f.Leaves()[0].Socket
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(socket)); !os.IsNotExist(err) {
		t.Errorf("the socket's directory is left: %v", err)
	}
}

func TestNoOrphans(t *testing.T) {
	dir := farmDir(t)
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), lostParent+"="+dir)
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	_, err = fmt.Fscan(out, &pid)
	if kerr := owner.Process.Kill(); err != nil || kerr != nil {
		t.Fatal(err, kerr)
	}
	owner.Wait()
	for deadline := time.Now().Add(time.Minute); syscall.Kill(pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("server %d outlives its supervisor", pid)
		}
	}
	f := start(t, config(dir, 1))
	query(t, f.Leaves()[0], "SELECT 1")
}
