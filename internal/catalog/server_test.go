package catalog

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Servers are kept beside databases: seen by all, found whatever their case, and changed by one at a time.
func TestServers(t *testing.T) {
	e := startEtcd(t, filepath.Join(t.TempDir(), "etcd"))
	defer func() { _ = e.Close() }()
	a, b := open(t, e), open(t, e)
	first := &topo.Server{Name: "Shard/1 ä", Wrapper: "mysql", Host: "h", Port: 1, User: "u", Password: []byte{0, 1, 255}}
	update := func(f func(*Txn) error) int64 {
		t.Helper()
		rev, err := a.Update(within(t, time.Minute), f)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.WaitRevision(within(t, time.Minute), rev); err != nil {
			t.Fatal(err)
		}
		return rev
	}
	update(func(x *Txn) error {
		if x.Server(first.Name) != nil {
			return errors.New("it is there already")
		}
		x.PutServer(first)
		x.PutServer(&topo.Server{Name: "other", Wrapper: "mysql", Socket: "/s"})
		return nil
	})
	got := b.Snapshot().Server("SHARD/1 Ä")
	if got == nil || got.Name != first.Name || got.Host != "h" || !slices.Equal(got.Password, first.Password) || len(b.Snapshot().Servers) != 2 {
		t.Fatalf("%+v", got)
	}
	update(func(x *Txn) error {
		s := *x.Server("shard/1 ä")
		s.Host = "g"
		x.PutServer(&s)
		x.DropServer("OTHER")
		return nil
	})
	for _, c := range []*Catalog{b, open(t, e)} {
		if s := c.Snapshot(); len(s.Servers) != 1 || s.Server(first.Name).Host != "g" {
			t.Errorf("%+v", s.Servers)
		}
	}
	// Two that change the same server: the second begins again.
	runs := 0
	update(func(x *Txn) error {
		s := *x.Server(first.Name)
		if runs++; runs == 1 {
			if _, err := b.Update(within(t, time.Minute), func(y *Txn) error {
				o := *y.Server(first.Name)
				o.Port = 7
				y.PutServer(&o)
				return nil
			}); err != nil {
				return err
			}
		}
		s.Host = "f"
		x.PutServer(&s)
		return nil
	})
	if s := b.Snapshot().Server(first.Name); runs != 2 || s.Port != 7 || s.Host != "f" {
		t.Errorf("%d runs, %+v", runs, s)
	}
}
