package main

import (
	"errors"
	"testing"
)

// wants compares what a model says with what it should: "" for nothing, "stale" or "wrong".
func wants(t *testing.T, what string, err error, want string) {
	t.Helper()
	got := ""
	var b *breach
	if errors.As(err, &b) {
		got = map[bool]string{true: "stale", false: "wrong"}[b.stale]
	}
	if got != want {
		t.Errorf("%s: %q (%v), not %q", what, got, err, want)
	}
}

func TestCounter(t *testing.T) {
	var c counter
	c.added(done)
	c.added(done)
	c.added(failed)
	wants(t, "as acknowledged", c.read(2), "")
	wants(t, "one is lost", c.read(1), "stale")
	wants(t, "one that failed is there", c.read(3), "wrong")
	c.added(unknown)
	wants(t, "without the unknown one", c.read(2), "")
	wants(t, "the unknown one came late", c.read(3), "")
	wants(t, "and went again", c.read(2), "stale")
	c.added(done)
	wants(t, "the next", c.read(4), "")
	wants(t, "added twice", c.read(5), "wrong")
}

func TestRegister(t *testing.T) {
	var r register
	one, two, three := r.next(), r.next(), r.next()
	wants(t, "write", r.wrote(one, done, true), "")
	wants(t, "read", r.read(one), "")
	wants(t, "what was before", r.read(0), "stale")
	wants(t, "what nobody wrote", r.read(two), "wrong")
	wants(t, "a write that failed", r.wrote(two, failed, false), "")
	wants(t, "is there", r.read(two), "wrong")
	wants(t, "an acknowledged write is gone", r.wrote(three, done, false), "stale")
	wants(t, "an unknown one", r.wrote(two, unknown, false), "")
	wants(t, "not yet", r.read(one), "")
	wants(t, "meanwhile another found another value", r.wrote(three, done, false), "")
	if r.certain() {
		t.Error("the value is known, and was replaced by one of unknown outcome")
	}
	wants(t, "then the old value is gone", r.read(one), "stale")
	wants(t, "it is the unknown one", r.read(two), "")
	four := r.next()
	wants(t, "and is replaced", r.wrote(four, done, true), "")
	wants(t, "for good", r.read(two), "stale")
}

func TestRows(t *testing.T) {
	r := newRows()
	r.inserted(1, done)
	r.inserted(2, failed)
	r.inserted(3, unknown)
	r.inserted(4, done)
	wants(t, "acknowledged", r.read(1, true), "")
	wants(t, "lost", r.read(1, false), "stale")
	wants(t, "failed and there", r.read(2, true), "wrong")
	wants(t, "failed", r.read(2, false), "")
	wants(t, "unknown", r.read(3, true), "")
	wants(t, "unknown", r.read(3, false), "")
	id, ok := r.take(3)
	if !ok || id != 4 {
		t.Fatalf("took %d, %v", id, ok)
	}
	wants(t, "it is not there to be deleted", r.deleted(4, done, false), "stale")
	wants(t, "delete", r.deleted(4, done, true), "")
	wants(t, "deleted and there", r.read(4, true), "stale")
	if errs := r.all([]int64{1, 3}); len(errs) > 0 {
		t.Error(errs)
	}
	if errs := r.all([]int64{3, 3, 4, 5}); len(errs) != 4 { // 1 is missing, 3 is twice, 4 was deleted, 5 is nobody's
		t.Error(errs)
	}
}
