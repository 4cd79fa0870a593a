package control

import (
	"context"
	"errors"
	"testing"

	"github.com/orbweaver/orbweaver/internal/mariadb"
)

// What begins where a leaf's log is and follows it later, as copies do, keeps its domains from being forgotten, and waits where they are being forgotten.
func TestDomainsAreNotForgottenBesideCopies(t *testing.T) {
	t.Parallel()
	l := &leader{busy: map[string]bool{}, held: map[int]held{}}
	ctx := context.Background()
	_, free, err := l.holdAll(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := l.tryForget("a"); ok {
		t.Error("domains may be forgotten at a leaf that is being copied from")
	}
	end, ok := l.tryForget("b")
	if !ok {
		t.Fatal("domains may not be forgotten at a leaf that nothing is copied from")
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := l.holdAll(ended, "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("a copy began while domains were being forgotten: %v", err)
	}
	held := make(chan error, 1)
	go func() {
		_, free, err := l.holdAll(ctx, "b")
		if err == nil {
			free()
		}
		held <- err
	}()
	end()
	if err := <-held; err != nil {
		t.Error(err)
	}
	free()
	if _, ok := l.tryForget("a"); !ok {
		t.Error("domains may not be forgotten once a copy has ended")
	}
}

// A link that follows a domain is started from what its leaf has of it. That may be less than the leaf's position says, which other links move, too.
func TestLogsAreKeptForWhatLinksAreStartedFrom(t *testing.T) {
	t.Parallel()
	at := func(d uint32, n uint64) mariadb.Position {
		return mariadb.Position{d: {Domain: d, Server: 1, Sequence: n}}
	}
	link := &mariadb.Link{Domains: []uint32{7}, Receiving: true, Applying: true, Received: at(7, 9)}
	f := &follower{leaf: "b", links: map[string]*mariadb.Link{"a": link}, at: at(7, 9), has: at(7, 5)}
	for n, want := range map[uint64]bool{5: false, 6: true} {
		if got := f.needs("a", at(7, n)); got != want {
			t.Errorf("a log that begins at %d is needed: %v", n, got)
		}
	}
	// What it leaves out counts as far as it was received.
	link.Domains = []uint32{8}
	if f.needs("a", at(7, 9)) || !f.needs("a", at(7, 10)) {
		t.Error("what a link leaves out")
	}
}
