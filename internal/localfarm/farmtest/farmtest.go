package farmtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

// The cluster key of test farms: the password, and its public half as MariaDB stores it.
const (
	ClusterPassword  = "orbweaver-test-cluster"
	ClusterPublicKey = "dw/8nSuIwJKT7tzRqLg7QGhQ4ElTkGA45ywiUBvmgfI"
)

// Start runs n leaves for one test and ends them with it. Options are MariaDB's, "name=value".
func Start(t testing.TB, n int, options ...string) *localfarm.Farm {
	t.Helper()
	// Not t.TempDir: the names of tests are too long for a socket's path.
	dir, err := os.MkdirTemp("", "orbweaver-farm-")
	if err != nil {
		t.Fatal(err)
	}
	f, err := start(dir, n, options)
	if err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs(t, f)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return f
}

var shared struct {
	sync.Mutex
	farms map[int]*localfarm.Farm
	dirs  []string
}

// Shared returns a farm of n leaves that all tests of a package share: start-up is paid once. Tests must not break its servers, and must clean up what
// they make there. The package's TestMain calls Main.
func Shared(t testing.TB, n int) *localfarm.Farm {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if f := shared.farms[n]; f != nil {
		return f
	}
	dir, err := os.MkdirTemp("", "orbweaver-farm-")
	if err != nil {
		t.Fatal(err)
	}
	f, err := start(dir, n, nil)
	if err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	if shared.farms == nil {
		shared.farms = map[int]*localfarm.Farm{}
	}
	shared.farms[n] = f
	shared.dirs = append(shared.dirs, dir)
	return f
}

// Main runs a package's tests and ends what Shared started: func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	for _, f := range shared.farms {
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	for _, d := range shared.dirs {
		if err := os.RemoveAll(d); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}

func start(dir string, n int, options []string) (*localfarm.Farm, error) {
	sweep()
	if err := os.Chmod(dir, 0o711); err != nil { // the account mysql passes through
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return localfarm.Start(ctx, localfarm.Config{
		Dir: dir, Leaves: n, Options: options, ClusterPublicKey: ClusterPublicKey, Throwaway: true,
		TemplateDir: filepath.Join(os.TempDir(), fmt.Sprintf("orbweaver-templates-%d", os.Geteuid())),
	})
}

var swept sync.Once

// sweep removes what test processes left behind that were killed: directories whose owner is gone.
func sweep() {
	swept.Do(func() {
		dirs, err := filepath.Glob(filepath.Join(os.TempDir(), "orbweaver-farm-*"))
		if err != nil {
			return
		}
		for _, d := range dirs {
			text, err := os.ReadFile(filepath.Join(d, "lock"))
			if err != nil {
				continue
			}
			if _, err := os.Stat(filepath.Join("/proc", strings.TrimSpace(string(text)))); os.IsNotExist(err) && exists("/proc/self") {
				os.RemoveAll(d)
			}
		}
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// logs shows the ends of the servers' logs.
func logs(t testing.TB, f *localfarm.Farm) {
	for _, l := range f.Leaves() {
		text, err := os.ReadFile(l.Log)
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		t.Logf("%s:\n%s", l.Name, strings.Join(lines[max(0, len(lines)-400):], "\n"))
	}
}
