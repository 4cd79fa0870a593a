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

// What a session has set comes before what the server's links say, without roles, and counts the nodes on its way.
func TestRemoteState(t *testing.T) {
	var base, s *State
	base = base.With("sql_mode", "sql_mode='A'").With("time_zone", "time_zone='B'")
	r := Remote{ID: "server x", Name: "x", User: "u", Base: base}.WithPassword("s3cret")
	text := func(s *State) string {
		set, ok := change(nil, s)
		if !ok {
			t.Fatal("a state that can't be set")
		}
		return set
	}
	if got := text(r.State(nil)); got != "SET @`orbweaver_hops`=1, net_write_timeout=86400, sql_mode='A', time_zone='B'" {
		t.Error(got)
	}
	s = s.With(RoleKey, "ROLE r").With("time_zone", "time_zone='C'").With("@x", "@`x`=1")
	if got := text(r.State(s)); got != "SET @`orbweaver_hops`=1, net_write_timeout=86400, sql_mode='A', time_zone='C', @`x`=1" {
		t.Error(got)
	}
	for hops := range 3 {
		if got := s.Hops(); got != hops {
			t.Error(got, hops)
		}
		s = r.State(s)
	}
	if got := s.With(hopsKey, "@`orbweaver_hops`=-5").Hops(); got != 0 {
		t.Error(got)
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(form, r); strings.Contains(got, "s3cret") {
			t.Error(got)
		}
	}
}

func TestTimeZone(t *testing.T) {
	for text, want := range map[string]string{
		"time_zone='+02:00'": "+02:00",
		"time_zone=_utf8mb3 x'2d30333a3030' COLLATE utf8mb3_general_ci": "-03:00",
		"time_zone=x'555443'": "UTC",
		"time_zone=DEFAULT":   "",
		"time_zone=x'z'":      "",
	} {
		var s *State
		if got := s.With("time_zone", text).TimeZone(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := (*State)(nil).TimeZone(); got != "" {
		t.Error(got)
	}
}

// Pipelines lead to remote servers, too; one that says nothing is cut, and its pool is thrown away in the end.
func TestRemotePipeline(t *testing.T) {
	farm := farmtest.Shared(t, 1)
	p := poolsFor(t, farm, func(c *Config) { c.PipelineWidth, c.IdleTimeout = 1, 100*time.Millisecond })
	schema(t, p, "far", "CREATE OR REPLACE USER link@'%' IDENTIFIED BY 'l'")
	t.Cleanup(func() {
		c := get(t, p, leaf1)
		defer c.Release()
		query(t, c, "DROP USER link@'%'")
	})
	r := Remote{ID: "server far", Name: "far", Network: "tcp", Addr: farm.Leaves()[0].Addr(), User: "link"}.WithPassword("l")
	w := Want{Leaf: r.ID, Remote: r, Variant: Internal, State: r.State(nil)}
	line := p.Pipeline(w)
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			for n := range 50 {
				id := fmt.Sprint(client*100 + n)
				answer, err := patient(func() ([]byte, error) {
					return line.Do(t.Context(), wire.ComQuery, []byte("SELECT CONCAT(USER(), "+id+", DATABASE() IS NULL)"), nil)
				})
				if err != nil {
					t.Error(err)
					return
				}
				if got, failed, err := rows(Internal, wire.ComQuery, answer); err != nil || failed != nil || len(got) != 1 || !strings.HasPrefix(got[0], "link@") || !strings.HasSuffix(got[0], id+"1") {
					t.Errorf("%q %v %v", got, failed, err)
				}
			}
		})
	}
	all.Wait()
	p.mu.RLock()
	pool := p.leaves[r.ID]
	p.mu.RUnlock()
	pool.mu.Lock()
	if pool.pipes != 1 || pool.open != 1 {
		t.Errorf("%d pipes, %d connections", pool.pipes, pool.open)
	}
	pool.mu.Unlock()
	w.Silence = 200 * time.Millisecond
	if p.Pipeline(w) == line {
		t.Error("one pipeline for two ways to wait")
	}
	var lost *LostError
	_, err := p.Pipeline(w).Do(t.Context(), wire.ComQuery, []byte("SELECT SLEEP(60)"), nil)
	if !errors.As(err, &lost) || !lost.Sent || !errors.Is(err, ErrSilent) {
		t.Error(err)
	}
	eventually(t, func() bool {
		p.mu.RLock()
		defer p.mu.RUnlock()
		return p.leaves[r.ID] == nil
	})
	// Its pool is made anew.
	answer, err := patient(func() ([]byte, error) {
		return p.Pipeline(w).Do(context.Background(), wire.ComQuery, []byte("SELECT 1"), nil)
	})
	if got, _, _ := rows(Internal, wire.ComQuery, answer); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
	// What nobody would end any more begins nothing.
	if _, err = line.Do(context.Background(), wire.ComQuery, []byte("SELECT 2"), nil); err != ErrStalled {
		t.Error(err)
	}
}
