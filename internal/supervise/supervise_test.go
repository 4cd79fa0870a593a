package supervise_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/supervise"
)

// TestMain is also the program that is supervised, and a supervisor that is killed, as its first argument says.
func TestMain(m *testing.M) {
	switch os.Args[len(os.Args)-1] {
	case "well":
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		fmt.Println("ready: to end")
		<-term
		fmt.Fprintln(os.Stderr, "ended in order")
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		select {}
	case "failing":
		os.Exit(3)
	case "supervisor":
		if _, err := supervise.Start(supervise.Config{Name: "x", Args: []string{os.Args[0], "well"}, Home: os.Args[1]}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {}
	default:
		os.Exit(m.Run())
	}
}

func start(t *testing.T, mode string, change func(*supervise.Config)) (p *supervise.Process, home string) {
	t.Helper()
	home = filepath.Join(t.TempDir(), "home")
	c := supervise.Config{Name: mode, Args: []string{os.Args[0], mode}, Home: home}
	if change != nil {
		change(&c)
	}
	p, err := supervise.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p, home
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// pid waits for a process other than one.
func pid(t *testing.T, home string, not int) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(home, supervise.PIDFile))
		if err != nil {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && n != not {
			return n
		}
	}
	t.Fatal("no process")
	return 0
}

func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); syscall.Kill(pid, 0) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d lives", pid)
		}
	}
}

func TestKilledProgramComesBack(t *testing.T) {
	p, home := start(t, "well", nil)
	for range 3 {
		if err := p.AwaitReady(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		was := pid(t, home, 0)
		if err := syscall.Kill(was, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		pid(t, home, was)
	}
}

func TestHeldProgramStaysAway(t *testing.T) {
	p, home := start(t, "well", nil)
	if err := p.AwaitReady(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	was := pid(t, home, 0)
	hold := filepath.Join(home, supervise.HoldFile)
	if err := os.WriteFile(hold, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(was, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, was)
	time.Sleep(500 * time.Millisecond) // it would be back
	if text, err := os.ReadFile(filepath.Join(home, supervise.PIDFile)); err == nil {
		t.Errorf("process %s runs", text)
	}
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	pid(t, home, was)
}

func TestEndsInOrder(t *testing.T) {
	var said bytes.Buffer
	p, home := start(t, "well", func(c *supervise.Config) { c.Stderr = &said })
	if err := p.AwaitReady(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	n := pid(t, home, 0)
	// One that is stopped ends as well.
	if err := syscall.Kill(n, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, n)
	if said.String() != "ended in order\n" {
		t.Errorf("it said %q", said.String())
	}
	if err := p.AwaitReady(within(t, time.Minute)); !errors.Is(err, supervise.ErrClosed) {
		t.Errorf("a closed one: %v", err)
	}
}

func TestStubbornProgramIsKilled(t *testing.T) {
	p, home := start(t, "stubborn", func(c *supervise.Config) { c.StopTimeout = 100 * time.Millisecond })
	if err := p.AwaitReady(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	n := pid(t, home, 0)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, n)
}

func TestProgramThatDoesNotStart(t *testing.T) {
	p, _ := start(t, "failing", nil)
	var ended *supervise.EndedError
	if err := p.AwaitReady(within(t, time.Minute)); !errors.As(err, &ended) || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
	p, _ = start(t, "well", func(c *supervise.Config) { c.Args = []string{"/no/such/program"} })
	if err := p.AwaitReady(within(t, time.Minute)); !errors.As(err, &ended) {
		t.Errorf("%v", err)
	}
}

func TestNoOrphans(t *testing.T) {
	home := t.TempDir()
	owner := exec.Command(os.Args[0], home, "supervisor")
	owner.Stderr = os.Stderr
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	n := pid(t, home, 0)
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	gone(t, n)
}
