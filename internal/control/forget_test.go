package control

import (
	"context"
	"errors"
	"testing"
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
