package backend

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// poolsFor makes pools over a farm and checks at the test's end that nothing of them is left.
func poolsFor(t testing.TB, f *localfarm.Farm, change ...func(*Config)) *Pools {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	cfg := Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		for _, l := range f.Leaves() {
			if l.Name == leaf {
				return l.Addr(), true
			}
		}
		return "", false
	}}
	for _, c := range change {
		c(&cfg)
	}
	p := New(cfg)
	t.Cleanup(func() {
		p.Close()
		for _, s := range p.Stats() {
			if s.Open != 0 || s.Idle != 0 || s.Pipes != 0 || s.Waiting != 0 {
				t.Errorf("left after Close: %+v", s)
			}
		}
		if err := goleak.Find(ignore); err != nil {
			t.Error(err)
		}
	})
	return p
}

func get(t testing.TB, p *Pools, w Want) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := p.Get(ctx, w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// query runs a statement and gives its rows, columns joined by a bar, NULL as ∅.
func query(t testing.TB, c *Conn, sql string) []string {
	t.Helper()
	r, err := c.Query(context.Background(), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var rows []string
	for _, row := range r.Rows {
		s := ""
		for i, v := range row {
			if i > 0 {
				s += "|"
			}
			if v == nil {
				s += "∅"
			} else {
				s += string(v)
			}
		}
		rows = append(rows, s)
	}
	return rows
}

func one(t testing.TB, c *Conn, sql string) string {
	t.Helper()
	rows := query(t, c, sql)
	if len(rows) != 1 {
		t.Fatalf("%s: %q", sql, rows)
	}
	return rows[0]
}

var leaf1 = Want{Leaf: "leaf-1", Variant: Internal}

// schema makes a database on leaf-1 for one test.
func schema(t testing.TB, p *Pools, name string, more ...string) {
	t.Helper()
	w := leaf1
	w.Schema = "mysql"
	c := get(t, p, w)
	defer c.Release()
	query(t, c, "CREATE OR REPLACE DATABASE "+name)
	for _, s := range more {
		query(t, c, s)
	}
	c.ResetOnRelease()
	t.Cleanup(func() {
		c := get(t, p, leaf1)
		defer c.Release()
		query(t, c, "DROP DATABASE IF EXISTS "+name)
	})
}

func clientIP() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

func tenNet() netip.Addr { return netip.AddrFrom4([4]byte{10, 1, 2, 3}) }
