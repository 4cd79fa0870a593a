package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func await(t *testing.T, f *localfarm.Farm) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := f.AwaitReady(ctx, 0); err != nil {
		t.Fatal(err)
	}
}

// A leaf is killed with -9 again and again under load. Every acknowledged row is there, a row whose insert was safe to retry is not, and one of
// unknown outcome may be.
func TestKill9UnderUse(t *testing.T) {
	f := farmtest.Start(t, 1)
	p := poolsFor(t, f)
	schema(t, p, "kill9", "CREATE TABLE kill9.t (id bigint primary key) ENGINE=InnoDB")
	w := leaf1
	w.Schema = "kill9"
	var (
		all                  sync.WaitGroup
		stop                 atomic.Bool
		ids                  atomic.Int64
		mu                   sync.Mutex
		acked, never, unsure []int64
	)
	note := func(list *[]int64, id int64) {
		mu.Lock()
		*list = append(*list, id)
		mu.Unlock()
	}
	for client := range 16 {
		all.Go(func() {
			for !stop.Load() {
				id := ids.Add(1)
				sql := fmt.Sprintf("INSERT INTO t VALUES (%d)", id)
				var err error
				if client%2 == 0 {
					var c *Conn
					if c, err = p.Get(context.Background(), w); err == nil {
						_, err = c.Query(context.Background(), sql)
						c.Release()
					}
				} else {
					_, err = p.Pipeline(w).Do(context.Background(), wire.ComQuery, []byte(sql), nil)
				}
				var refused *wire.ServerError
				switch {
				case err == nil:
					note(&acked, id)
				case OutcomeUnknown(err):
					note(&unsure, id)
				case SafeToRetry(err):
					note(&never, id)
					time.Sleep(10 * time.Millisecond)
				case errors.As(err, &refused) && (refused.Code == wire.ErServerShutdown || refused.Code == wire.ErConnectionKilled):
					note(&unsure, id)
				default:
					t.Errorf("%T %v", err, err)
					return
				}
			}
		})
	}
	more := func() {
		mu.Lock()
		want := len(acked) + 50
		mu.Unlock()
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			mu.Lock()
			enough := len(acked) >= want
			mu.Unlock()
			if enough {
				return
			}
		}
		t.Error("the writes do not go on")
	}
	for range 2 {
		more()
		if err := f.Kill(0); err != nil {
			t.Error(err)
		}
		await(t, f)
	}
	more()
	stop.Store(true)
	all.Wait()
	c := get(t, p, w)
	defer c.Release()
	there := map[string]bool{}
	for _, id := range query(t, c, "SELECT id FROM t") {
		there[id] = true
	}
	t.Logf("acknowledged %d, never sent %d, unknown %d", len(acked), len(never), len(unsure))
	if len(acked) == 0 || len(never) == 0 {
		t.Error("the test has not tested")
	}
	for _, id := range acked {
		if !there[fmt.Sprint(id)] {
			t.Errorf("row %d was acknowledged and is lost", id)
		}
	}
	for _, id := range never {
		if there[fmt.Sprint(id)] {
			t.Errorf("row %d was never sent and is there", id)
		}
	}
	if s := p.Stats()[0]; s.Lost == 0 || s.Failed == 0 {
		t.Errorf("%+v", s)
	}
}

// Connections that died while idle are replaced without anybody noticing.
func TestIdleConnectionsSurviveARestart(t *testing.T) {
	f := farmtest.Start(t, 1)
	p := poolsFor(t, f)
	var held []*Conn
	for range 10 {
		held = append(held, get(t, p, leaf1))
	}
	for _, c := range held {
		c.Release()
	}
	if _, err := p.Pipeline(leaf1).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Kill(0); err != nil {
		t.Fatal(err)
	}
	await(t, f)
	for range 10 {
		c := get(t, p, leaf1)
		if got := one(t, c, "SELECT 1"); got != "1" {
			t.Error(got)
		}
		c.Release()
	}
	if _, err := patient(func() ([]byte, error) {
		return p.Pipeline(leaf1).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil)
	}); err != nil {
		t.Error(err)
	}
}

// A server that dies has closed one connection, and takes what is sent on another one for a moment still: no statement is given to that one.
func TestConnectionsOfADyingServer(t *testing.T) {
	f := farmtest.Start(t, 1)
	proxy, err := faultproxy.Start(f.Leaves()[0].Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	p := New(Config{Password: farmtest.ClusterPassword, Addr: func(string) (string, bool) { return proxy.Addr(), true }})
	t.Cleanup(p.Close)
	first, second := get(t, p, leaf1), get(t, p, leaf1)
	second.Release()
	proxy.BlackHole()
	first.breakOff()
	first.Release()
	defer time.AfterFunc(dying/4, proxy.Cut).Stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var down *LeafDownError
	if c, err := p.Get(ctx, leaf1); !errors.As(err, &down) {
		t.Errorf("%v", err)
		if err == nil {
			c.Release()
		}
	}
}

func pause(t *testing.T, f *localfarm.Farm) {
	t.Helper()
	if err := f.Pause(0); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // threads that run may end their time slice
}

func TestPausedLeaf(t *testing.T) {
	f := farmtest.Start(t, 1)
	p := poolsFor(t, f, func(c *Config) { c.DialTimeout = 2 * time.Second })
	c := get(t, p, leaf1)
	pause(t, f)
	// A new connection is refused in time, with nothing sent.
	_, err := p.Get(context.Background(), leaf1)
	var down *LeafDownError
	if !errors.As(err, &down) || !SafeToRetry(err) || OutcomeUnknown(err) {
		t.Errorf("%v", err)
	}
	// A statement that runs ends with its context, and so does a pipelined one.
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = c.Query(ctx, "SELECT 1")
	if err == nil || !c.Broken() || time.Since(began) > time.Minute {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	c.Release()
	if err := f.Resume(0); err != nil {
		t.Fatal(err)
	}
	c = get(t, p, leaf1)
	one(t, c, "SELECT 1")
	c.Release()
	if _, err := p.Pipeline(leaf1).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil); err != nil {
		t.Fatal(err)
	}
	pause(t, f)
	ctx, cancel = context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := p.Pipeline(leaf1).Do(ctx, wire.ComQuery, []byte("SELECT 1"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := f.Resume(0); err != nil {
		t.Fatal(err)
	}
	if _, err := patient(func() ([]byte, error) {
		return p.Pipeline(leaf1).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil)
	}); err != nil {
		t.Error(err)
	}
}

func TestFullPool(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1), func(c *Config) { c.MaxPerLeaf, c.WaitTimeout = 3, 3*time.Second })
	schema(t, p, "full")
	var held []*Conn
	for range 3 {
		held = append(held, get(t, p, leaf1))
	}
	_, err := p.Get(context.Background(), leaf1)
	var full *PoolFullError
	if e, ok := AsPacket(err); !errors.As(err, &full) || !ok || e.Code != wire.ErConCount || !SafeToRetry(err) {
		t.Errorf("%v", err)
	}
	// A statement can still be killed.
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	if _, err := held[2].Query(ctx, "SELECT sleep(20)"); !errors.Is(err, context.DeadlineExceeded) || held[2].Broken() {
		t.Errorf("%v", err)
	}
	cancel()
	// One that waits gets what comes back, also when it is of another login.
	got := make(chan error)
	go func() {
		w := leaf1
		w.Variant = VariantOf(wire.ServerCaps)
		c, err := p.Get(context.Background(), w)
		if err == nil {
			c.Release()
		}
		got <- err
	}()
	eventually(t, func() bool { return p.Stats()[0].Waiting == 1 })
	held[0].Release()
	if err := <-got; err != nil {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	go func() {
		w := leaf1
		w.Schema = "full"
		c1, err := p.Get(ctx, w)
		c2, err2 := p.Get(ctx, w)
		if err == nil {
			c1.Release()
		}
		if err2 == nil {
			c2.Release()
		}
		got <- errors.Join(err, err2)
	}()
	eventually(t, func() bool { return p.Stats()[0].Waiting == 1 })
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	held[1].Release()
	held[2].Release()
	for range 10 { // everything came back
		a, b, c := get(t, p, leaf1), get(t, p, leaf1), get(t, p, leaf1)
		a.Release()
		b.Release()
		c.Release()
	}
}

// A leaf that clients are not to be let in at yet counts as away for them, and not for the cluster's own account. Each connection is looked at once.
func TestAdmission(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	closed, looked := errors.New("not yet"), 0
	p.Admit(func(ctx context.Context, c *Conn) error {
		looked++
		if _, err := c.Query(ctx, "SELECT 1"); err != nil {
			return err
		}
		return closed
	})
	w := Want{Leaf: "leaf-1", Variant: Internal, Account: Account{User: "root", ClientIP: clientIP()}}
	var down *LeafDownError
	if _, err := p.Get(context.Background(), w); !errors.As(err, &down) || !errors.Is(err, closed) || !SafeToRetry(err) {
		t.Errorf("%v", err)
	}
	if _, err := p.Pipeline(w).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil); !errors.As(err, &down) || looked != 2 {
		t.Errorf("%v, %d looks", err, looked)
	}
	get(t, p, leaf1).Release()
	closed = nil
	for range 3 {
		get(t, p, w).Release()
	}
	if looked != 3 {
		t.Errorf("%d looks", looked)
	}
}

// The leaf itself has no room: one who can wait for a connection of this node waits.
func TestLeafWithoutRoom(t *testing.T) {
	f := farmtest.Start(t, 1, "max_connections=10", "extra_max_connections=1")
	p := poolsFor(t, f, func(c *Config) { c.WaitTimeout = time.Minute })
	var held []*Conn
	w := Want{Leaf: "leaf-1", Variant: Internal, Account: Account{User: "root", ClientIP: clientIP()}}
	for len(held) < 8 {
		c, err := p.Get(context.Background(), w)
		if err != nil {
			t.Log(err)
			break
		}
		held = append(held, c)
	}
	time.AfterFunc(300*time.Millisecond, held[0].Release)
	var more []*Conn
	for _, wait := range []time.Duration{time.Minute, time.Second, time.Second, time.Second} {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		c, err := p.Get(ctx, w)
		cancel()
		if err != nil {
			if e, ok := AsPacket(err); !errors.Is(err, context.DeadlineExceeded) && (!ok || e.Code != wire.ErConCount) {
				t.Errorf("%v", err)
			}
			break
		}
		more = append(more, c)
	}
	if len(more) == 0 {
		t.Error("none came back")
	}
	hasty := poolsFor(t, f, func(c *Config) { c.WaitTimeout = 300 * time.Millisecond })
	var last error
	for range 4 { // it may have had some left
		var c *Conn
		if c, last = hasty.Get(context.Background(), w); last != nil {
			break
		}
		more = append(more, c)
	}
	var full *CrowdedError
	if e, ok := AsPacket(last); !errors.As(last, &full) || !ok || e.Code != wire.ErConCount || e.State != "08004" || !SafeToRetry(last) ||
		!strings.Contains(e.Message, "leaf leaf-1 takes no more connections") || !strings.Contains(e.Message, "its max_connections is reached") {
		t.Errorf("%v", last)
	}
	for _, c := range append(more, held[1:]...) {
		c.Release()
	}
}

// Many wait for a pipeline to a leaf that does not answer: all hear of it at once, not one after another.
func TestPipelineToADeadLeaf(t *testing.T) {
	f := farmtest.Start(t, 1)
	p := poolsFor(t, f, func(c *Config) { c.DialTimeout = 2 * time.Second })
	pause(t, f)
	began := time.Now()
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if _, err := p.Pipeline(leaf1).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil); !SafeToRetry(err) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if d := time.Since(began); d > 30*time.Second { // a minute, one after another
		t.Errorf("took %s", d)
	}
	if err := f.Resume(0); err != nil {
		t.Fatal(err)
	}
	if _, err := patient(func() ([]byte, error) {
		return p.Pipeline(leaf1).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil)
	}); err != nil {
		t.Error(err)
	}
}

func TestUnknownAndMovedLeaf(t *testing.T) {
	f := farmtest.Shared(t, 1)
	var moved atomic.Bool
	p := poolsFor(t, f, func(c *Config) {
		addr := c.Addr
		c.Addr = func(leaf string) (string, bool) {
			if moved.Load() {
				return "127.0.0.1:1", leaf == "leaf-1"
			}
			return addr(leaf)
		}
	})
	_, err := p.Get(context.Background(), Want{Leaf: "leaf-99"})
	if !errors.Is(err, ErrNoLeaf) || !SafeToRetry(err) {
		t.Error(err)
	}
	if e, ok := AsPacket(err); !ok || e.Code != 1429 || !strings.Contains(e.Message, "leaf-99") {
		t.Error(e)
	}
	c := get(t, p, leaf1)
	c.Release()
	in := get(t, p, leaf1)
	moved.Store(true)
	p.Drop("leaf-1")
	if _, err := p.Get(context.Background(), leaf1); !SafeToRetry(err) {
		t.Error(err)
	}
	in.Release()
	if s := p.Stats()[0]; s.Open != 0 {
		t.Errorf("%+v", s)
	}
	p.Close()
	if _, err := p.Get(context.Background(), leaf1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	p.Close()
}
