package backend

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// A leaf that accepts connections and says nothing, as a paused one does: Break ends what waits for it.
func TestBreakEndsDialsAndWaits(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled := make(chan struct{}, 2)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			dialled <- struct{}{}
		}
	}()
	p := New(Config{MaxPerLeaf: 1, DialTimeout: time.Hour, WaitTimeout: time.Hour, Addr: func(string) (string, bool) { return l.Addr().String(), true }})
	defer p.Close()
	failed := make(chan error, 2)
	get := func() {
		c, err := p.Get(context.Background(), Want{Leaf: "l", Variant: Internal})
		if err == nil {
			c.Release()
		}
		failed <- err
	}
	go get()
	<-dialled
	go get() // waits for the place that the first one has taken
	for p.Stats()[0].Waiting == 0 {
		time.Sleep(time.Millisecond)
	}
	p.Break("l")
	for range 2 {
		var down *LeafDownError
		if err := <-failed; !errors.As(err, &down) || !errors.Is(err, errBroken) {
			t.Errorf("got %v", err)
		}
	}
	if err := p.Kill(context.Background(), "l", 1, false); !errors.Is(err, errBroken) {
		t.Errorf("a KILL at a dead leaf: %v", err)
	}
}
