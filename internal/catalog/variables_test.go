package catalog

import (
	"maps"
	"path/filepath"
	"testing"
	"time"
)

// Global variables are seen by all, and changed by one at a time.
func TestVariables(t *testing.T) {
	e := startEtcd(t, filepath.Join(t.TempDir(), "etcd"))
	defer func() { _ = e.Close() }()
	a, b := open(t, e), open(t, e)
	if len(a.Snapshot().Variables) != 0 {
		t.Error(a.Snapshot().Variables)
	}
	set := func(c *Catalog, name, value string, meanwhile func()) int64 {
		t.Helper()
		rev, err := c.Update(within(t, time.Minute), func(x *Txn) error {
			all := maps.Clone(x.Variables())
			if all == nil {
				all = map[string]string{}
			}
			all[name] = value
			if meanwhile != nil {
				meanwhile()
				meanwhile = nil
			}
			x.PutVariables(all)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return rev
	}
	old := a.Snapshot()
	rev := set(a, "x", "1", func() { set(b, "y", "2", nil) })
	if err := b.WaitRevision(within(t, time.Minute), rev); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"x": "1", "y": "2"}
	for _, c := range []*Catalog{a, b, open(t, e)} {
		if got := c.Snapshot().Variables; !maps.Equal(got, want) {
			t.Error(got)
		}
	}
	if len(old.Variables) != 0 {
		t.Error("the old snapshot has changed")
	}
}
