package localetcd_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localetcd"
	"github.com/orbweaver/orbweaver/internal/supervise"
)

// TestMain is also the program that runs a member.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "member" {
		if err := member(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func member(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c := catalog.MemberConfig{Dir: ".", Throwaway: true, Log: slog.New(slog.DiscardHandler)}
	f := flag.NewFlagSet("member", flag.ContinueOnError)
	f.IntVar(&c.Number, "number", 0, "")
	f.StringVar(&c.Client, "client", "", "")
	f.Func("join", "", func(s string) error {
		n, err := strconv.Atoi(s)
		c.Join = append(c.Join, n)
		return err
	})
	f.DurationVar(&c.Heartbeat, "heartbeat", 0, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	e, err := catalog.StartMember(ctx, c)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	select {
	case <-ctx.Done():
	case <-e.Done():
		return catalog.ErrNoMember
	}
	return nil
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, dir string, members int) *localetcd.Etcd {
	t.Helper()
	began := time.Now()
	e, err := localetcd.Start(within(t, time.Minute), localetcd.Config{
		Dir: dir, Members: members, Run: []string{os.Args[0], "member"}, Stderr: os.Stderr, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	t.Logf("%d members after %v", members, time.Since(began).Round(time.Millisecond))
	if got := len(e.Endpoints()); got != members {
		t.Fatalf("%d members, want %d", got, members)
	}
	if several := localetcd.Several(dir); several != (members > 1) {
		t.Errorf("several: %v", several)
	}
	return e
}

func stop(t *testing.T, e *localetcd.Etcd) {
	t.Helper()
	began := time.Now()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped after %v", time.Since(began).Round(time.Millisecond))
}

func open(t *testing.T, endpoints []string) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open(within(t, time.Minute), catalog.Config{Endpoints: endpoints, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// embedded runs an etcd that stands alone on a directory, for f.
func embedded(t *testing.T, dir string, f func(*catalog.Catalog)) {
	t.Helper()
	e, err := catalog.StartEmbedded(within(t, time.Minute), catalog.EmbeddedConfig{Dir: dir, Throwaway: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, e.Endpoints())
	f(c)
	_ = c.Close()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, c *catalog.Catalog, value string) {
	t.Helper()
	var err error
	for ctx := within(t, time.Minute); ctx.Err() == nil; {
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		err = c.SetSecret(short, "x", value)
		cancel()
		if err == nil {
			return
		}
	}
	t.Fatal(err)
}

func want(t *testing.T, c *catalog.Catalog, value string) {
	t.Helper()
	got, ok, err := c.Secret(within(t, time.Minute), "x")
	if err != nil || !ok || got != value {
		t.Fatalf("%q %v %v, want %q", got, ok, err, value)
	}
}

func pid(t *testing.T, e *localetcd.Etcd, n, not int) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(e.Home(n), supervise.PIDFile))
		if err != nil {
			continue
		}
		if p, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && p != not {
			return p
		}
	}
	t.Fatalf("member %d does not run", n)
	return 0
}

// dir is short, for the sockets in it.
func dir(t *testing.T) string {
	t.Helper()
	d, err := os.MkdirTemp("", "localetcd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d) })
	return d
}

func TestOneBecomesThreeAndOneAgain(t *testing.T) {
	d := dir(t)
	embedded(t, d, func(c *catalog.Catalog) { put(t, c, "a") })
	e := start(t, d, 3)
	c := open(t, e.Endpoints())
	want(t, c, "a")
	for n := 1; n <= 3; n++ {
		p := pid(t, e, n, 0)
		if err := syscall.Kill(p, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		put(t, c, fmt.Sprint("without ", n))
		t.Logf("member %d was killed: a write took %v", n, time.Since(began).Round(time.Millisecond))
		pid(t, e, n, p)
		// A majority is all that writes need: before the next one dies, this one is to be back.
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			alone, err := catalog.Open(within(t, 5*time.Second), catalog.Config{Endpoints: e.Endpoints()[n-1 : n], Log: slog.New(slog.DiscardHandler)})
			if err == nil {
				_ = alone.Close()
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("member %d does not come back: %v", n, err)
			}
		}
	}
	_ = c.Close()
	stop(t, e)

	e = start(t, d, 3) // all of them at once
	c = open(t, e.Endpoints())
	want(t, c, "without 3")
	put(t, c, "b")
	_ = c.Close()
	stop(t, e)

	e = start(t, d, 1)
	stop(t, e)
	embedded(t, d, func(c *catalog.Catalog) {
		want(t, c, "b")
		put(t, c, "c")
	})
	e = start(t, d, 3)
	want(t, open(t, e.Endpoints()), "c")
}

func TestThreeFromNothingInALongDirectory(t *testing.T) {
	d := filepath.Join(dir(t), strings.Repeat("long", 30))
	e := start(t, d, 3)
	c := open(t, e.Endpoints())
	put(t, c, "a")
	want(t, c, "a")
	sockets := filepath.Dir(strings.TrimPrefix(e.Endpoints()[0], "unix://"))
	stop(t, e)
	if _, err := os.Stat(sockets); !os.IsNotExist(err) {
		t.Errorf("the sockets' directory is left: %v", err)
	}
}

// What an earlier start has not ended is ended by the next one.
func TestCutOff(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, d string, m *catalog.Members, ctx context.Context) error{
		"added and never run": func(t *testing.T, d string, m *catalog.Members, ctx context.Context) error {
			if err := m.Remove(ctx, 3, 1); err != nil {
				return err
			}
			if err := catalog.RemoveMemberData(d, 3); err != nil {
				return err
			}
			return m.Add(ctx, 3)
		},
		"removed, data left": func(t *testing.T, _ string, m *catalog.Members, ctx context.Context) error {
			return m.Remove(ctx, 2, 3)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dir(t)
			e := start(t, d, 3)
			c := open(t, e.Endpoints())
			put(t, c, "a")
			_ = c.Close()
			m, err := catalog.OpenMembers(e.Endpoints())
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			ctx := within(t, time.Minute)
			if _, err := m.List(ctx); err != nil {
				t.Fatal(err)
			}
			if err := leave(t, d, m, ctx); err != nil {
				t.Fatal(err)
			}
			stop(t, e)
			e = start(t, d, 3)
			want(t, open(t, e.Endpoints()), "a")
		})
	}
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprint("lost data ", n), func(t *testing.T) {
			t.Parallel()
			d := dir(t)
			e := start(t, d, 3)
			c := open(t, e.Endpoints())
			put(t, c, "a")
			_ = c.Close()
			stop(t, e)
			if err := catalog.RemoveMemberData(d, n); err != nil {
				t.Fatal(err)
			}
			e = start(t, d, 3)
			want(t, open(t, e.Endpoints()), "a")
			stop(t, e)
			start(t, d, 1)
		})
	}
}
