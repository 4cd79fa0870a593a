package catalog

import (
	"errors"
	"testing"
	"time"
)

func TestReports(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a, b := register(t, ca, "a"), register(t, cb, "b")
	ctx := within(t, time.Minute)
	said := func(want map[uint32]string) {
		t.Helper()
		got, err := ca.Reports(ctx, "x")
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Errorf("%d reports, want %d", len(got), len(want))
		}
		for id, w := range want {
			if string(got[id]) != w {
				t.Errorf("node %d says %q, want %q", id, got[id], w)
			}
		}
	}
	said(nil)
	for _, err := range []error{
		a.Report(ctx, "x", []byte("one")), b.Report(ctx, "x", []byte("two")), a.Report(ctx, "x", []byte("three")), a.Report(ctx, "y", []byte("four")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	said(map[uint32]string{a.ID(): "three", b.ID(): "two"})
	if err := a.Report(ctx, "x", nil); err != nil {
		t.Fatal(err)
	}
	said(map[uint32]string{b.ID(): "two"})
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	said(nil) // it went with the node
	if err := b.Report(ctx, "x", []byte("late")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a closed node reports: %v", err)
	}
}
