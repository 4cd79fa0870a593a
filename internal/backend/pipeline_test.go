package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// rows walks an answer and gives its text rows' first columns, or its error.
func rows(v Variant, cmd wire.Command, answer []byte) (values []string, failed *wire.ServerError, err error) {
	var t Tracker
	t.Begin(cmd, v)
	for seq := byte(1); len(answer) > 0; seq++ {
		kind, frame, payload, rest, err := t.NextFrame(answer)
		if err != nil {
			return nil, nil, err
		}
		if seq == 1 {
			seq = frame[3] // as many as the command had frames
		}
		if frame[3] != seq || seq == 0 || seq > 2 && len(values) == 0 && kind == KindHead {
			return nil, nil, fmt.Errorf("packet %d has number %d", seq, frame[3])
		}
		switch kind {
		case KindErr:
			failed = Packet{kind, payload}.Err()
		case KindRow:
			if cmd == wire.ComStmtExecute {
				values = append(values, fmt.Sprint(payload[2]))
				break
			}
			s, _, _ := wire.LenencBytes(payload)
			values = append(values, string(s))
		}
		answer = rest
	}
	if !t.Done() {
		return nil, nil, errors.New("the answer is not complete")
	}
	return values, failed, nil
}

// patient runs one call of a pipeline until it is not stalled.
func patient(call func() ([]byte, error)) ([]byte, error) {
	for {
		answer, err := call()
		if !errors.Is(err, ErrStalled) {
			return answer, err
		}
		time.Sleep(time.Millisecond)
	}
}

func TestPipelineGivesEachItsAnswer(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1), func(c *Config) { c.PipelineWidth, c.MaxStatements = 2, 4 })
	schema(t, p, "pipe", "CREATE TABLE pipe.t (a bigint) SELECT 7 a")
	for _, v := range []Variant{Internal, Internal &^ Variant(wire.ClientDeprecateEOF), VariantOf(wire.ServerCaps)} {
		w := Want{Leaf: "leaf-1", Schema: "pipe", Variant: v, State: (*State)(nil).With("@x", "@x=3")}
		var all sync.WaitGroup
		for client := range 40 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
				defer cancel()
				var buf []byte
				var err error
				for n := range 60 {
					line := p.Pipeline(w)
					id := client*1000 + n
					cmd, want, wantErr := wire.ComQuery, "", uint16(0)
					switch n % 6 {
					case 0, 1:
						want = fmt.Sprint(id, 3)
						buf, err = patient(func() ([]byte, error) {
							return line.Do(ctx, cmd, fmt.Appendf(nil, "SELECT CONCAT(%d, ' ', @x)", id), buf[:0])
						})
					case 2:
						wantErr = wire.ErNoSuchTable
						buf, err = patient(func() ([]byte, error) { return line.Do(ctx, cmd, []byte("SELECT * FROM nix"), buf[:0]) })
					case 3: // an answer of many frames
						want = strings.Repeat("y", 100_000)
						buf, err = patient(func() ([]byte, error) { return line.Do(ctx, cmd, []byte("SELECT REPEAT('y', 100000)"), buf[:0]) })
					case 4:
						cmd, want = wire.ComStmtExecute, fmt.Sprint(7+n%20+client%4)
						buf, err = patient(func() ([]byte, error) {
							return line.Execute(ctx, fmt.Sprintf("SELECT a + ? + %d FROM t", client%4), longlong(byte(n%20)), buf[:0])
						})
					case 5:
						cmd, wantErr = wire.ComStmtExecute, wire.ErNoSuchTable
						buf, err = patient(func() ([]byte, error) {
							return line.Execute(ctx, fmt.Sprintf("SELECT a FROM nix%d WHERE a=?", client%3), longlong(1), buf[:0])
						})
					}
					if err != nil {
						t.Errorf("client %d, statement %d: %v", client, n, err)
						return
					}
					got, failed, err := rows(v, cmd, buf)
					switch {
					case err != nil:
						t.Errorf("client %d, statement %d: %v", client, n, err)
					case failed != nil && failed.Code != wantErr || failed == nil && wantErr != 0:
						t.Errorf("client %d, statement %d: %v", client, n, failed)
					case failed == nil && (len(got) != 1 || got[0] != want):
						t.Errorf("client %d, statement %d: got %.50q, want %.50q", client, n, got, want)
					}
				}
			})
		}
		all.Wait()
	}
	if s := p.Stats()[0]; s.Pipes > 6 || s.RoundTrip == 0 {
		t.Errorf("%+v", s)
	}
}

func TestPipelineLeavesTheImpatientBehind(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1), func(c *Config) { c.PipelineWidth = 1 })
	line := p.Pipeline(leaf1)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := patient(func() ([]byte, error) { return line.Do(ctx, wire.ComQuery, []byte("SELECT sleep(0.5)"), nil) }); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	for n := range 5 {
		answer, err := patient(func() ([]byte, error) {
			return line.Do(context.Background(), wire.ComQuery, fmt.Appendf(nil, "SELECT %d", n), nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := rows(Internal, wire.ComQuery, answer); err != nil || len(got) != 1 || got[0] != fmt.Sprint(n) {
			t.Errorf("%q %v", got, err)
		}
	}
	// More than a frame holds.
	long := strings.Repeat("z", 17<<20)
	answer, err := patient(func() ([]byte, error) {
		return line.Do(context.Background(), wire.ComQuery, []byte("SELECT '"+long+"' = REPEAT('z', 17*1024*1024), 1"), nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	got, failed, err := rows(Internal, wire.ComQuery, answer)
	if err != nil || failed != nil && failed.Code != wire.ErNetPacketTooLarge {
		t.Errorf("%q %v %v", got, failed, err)
	}
}

// Some give up while they read and some while they wait for their turn; the others get their own answers.
func TestPipelineServesThePatientAmongTheImpatient(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1), func(c *Config) { c.PipelineWidth = 2 })
	line := p.Pipeline(leaf1)
	var all sync.WaitGroup
	for client := range 24 {
		all.Go(func() {
			for n := range 40 {
				ctx, cancel := context.WithCancel(context.Background())
				impatient := (client+n)%3 == 0
				if impatient {
					time.AfterFunc(time.Duration(n)*50*time.Microsecond, cancel)
				}
				id := fmt.Sprint(client*1000 + n)
				answer, err := patient(func() ([]byte, error) { return line.Do(ctx, wire.ComQuery, []byte("SELECT "+id+", sleep(0.001)"), nil) })
				cancel()
				if impatient && errors.Is(err, context.Canceled) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if got, failed, err := rows(Internal, wire.ComQuery, answer); err != nil || failed != nil || len(got) != 1 || got[0] != id {
					t.Errorf("%s: %q %v %v", id, got, failed, err)
				}
			}
		})
	}
	all.Wait()
	if s := p.Stats()[0]; s.Lost != 0 {
		t.Errorf("connections were given up: %+v", s)
	}
}

// A statement that takes long keeps only those waiting that were behind it already.
func TestPipelineSaysThatItIsStalled(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1), func(c *Config) { c.PipelineWidth = 1 })
	line := p.Pipeline(leaf1)
	lock := get(t, p, leaf1)
	defer lock.Release()
	ask := func(q string) {
		t.Helper()
		if _, err := lock.Query(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	ask("DO GET_LOCK('stall', 60)")
	do := func(q string) chan error {
		answered := make(chan error, 1)
		go func() {
			_, err := line.Do(t.Context(), wire.ComQuery, []byte(q), nil)
			answered <- err
		}()
		return answered
	}
	slow := do("SELECT GET_LOCK('stall', 600)")
	only := func(f func(*pipe) bool) func() bool {
		return func() bool {
			line.mu.Lock()
			defer line.mu.Unlock()
			return len(line.pipes) == 1 && f(line.pipes[0])
		}
	}
	eventually(t, only(func(i *pipe) bool {
		since := i.headSince.Load()
		return since != 0 && time.Now().UnixNano()-since > int64(stallTime)
	}))
	if _, err := line.Do(t.Context(), wire.ComQuery, []byte("SELECT 1"), nil); !errors.Is(err, ErrStalled) {
		t.Error(err)
	}
	// But with many connections in use it is worth the wait.
	p.cfg.MaxPerLeaf = 8
	for range 2 {
		defer get(t, p, leaf1).Release()
	}
	behind := do("SELECT 1")
	eventually(t, only(func(i *pipe) bool { return i.waiting.Load() == 2 }))
	ask("DO RELEASE_LOCK('stall')")
	for _, answered := range []chan error{slow, behind} {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	if _, err := line.Do(t.Context(), wire.ComQuery, []byte("SELECT 1"), nil); err != nil {
		t.Error(err)
	}
}

// Nobody reads from an idle connection: one that its leaf has closed is not used again, and not kept.
func TestPipelineSeesThatItsConnectionWasClosed(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1), func(c *Config) { c.PipelineWidth = 1 })
	line := p.Pipeline(leaf1)
	thread := func() string {
		t.Helper()
		answer, err := patient(func() ([]byte, error) {
			return line.Do(t.Context(), wire.ComQuery, []byte("SELECT CONNECTION_ID()"), nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		got, failed, err := rows(Internal, wire.ComQuery, answer)
		if err != nil || failed != nil || len(got) != 1 {
			t.Fatal(got, failed, err)
		}
		return got[0]
	}
	kill := func(id string) {
		t.Helper()
		c, err := p.Get(t.Context(), leaf1)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		if _, err := c.Query(t.Context(), "KILL "+id); err != nil {
			t.Fatal(err)
		}
	}
	first := thread()
	kill(first)
	time.Sleep(2 * checkAfter)
	second := thread()
	if second == first {
		t.Errorf("connection %s was killed, and is used", first)
	}
	kill(second)
	eventually(t, func() bool { return p.Stats()[0].Pipes == 0 }) // a trim a second
}

func TestPipelineIsTrimmed(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1), func(c *Config) { c.IdleTimeout = 200 * time.Millisecond })
	if _, err := p.Pipeline(leaf1).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		s := p.Stats()[0]
		return s.Open == 0 && s.Pipes == 0
	})
	if _, err := p.Pipeline(leaf1).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, f func() bool) {
	t.Helper()
	for range 6000 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("did not come to pass")
}

// A pipeline's connection may have been another's, with statements prepared: their ids must not be taken for the pipeline's.
func TestPipelineForgetsWhatWasPrepared(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	w := Want{Leaf: "leaf-1", Variant: Internal}
	ctx, noParams := t.Context(), []byte{0, 1, 0, 0, 0} // no cursor, one iteration
	c, err := p.Get(ctx, w)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := c.SendExecute(fmt.Sprintf("SELECT %d", 100+n), noParams); err != nil {
			t.Fatal(err)
		}
		if err := c.Drain(); err != nil {
			t.Fatal(err)
		}
	}
	c.Release()
	line := p.Pipeline(w)
	for n := range 4 {
		answer, err := patient(func() ([]byte, error) { return line.Execute(ctx, fmt.Sprintf("SELECT %d", n), noParams, nil) })
		if err != nil {
			t.Fatal(err)
		}
		got, failed, err := rows(w.Variant, wire.ComStmtExecute, answer)
		if err != nil || failed != nil || len(got) != 1 || got[0] != fmt.Sprint(n) {
			t.Errorf("SELECT %d answers %v, %v, %v", n, got, failed, err)
		}
	}
}
