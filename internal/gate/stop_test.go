package gate

import (
	"context"
	"testing"
)

func TestStop(t *testing.T) {
	var s Stop
	if !s.EnterWrite() || !s.EnterEnd() {
		t.Fatal("kept out though nothing is stopped")
	}
	s.LeaveEnd()
	s.Apply(true, false)
	if s.EnterWrite() {
		t.Error("a write began")
	}
	if !s.EnterEnd() { // a write that is under way may wait for it
		t.Error("a commit was kept out while writes may be under way")
	}
	writes, ends, changed := s.Still()
	if !writes || !ends {
		t.Error("nothing is under way")
	}
	s.LeaveWrite()
	<-changed
	s.Apply(true, true)
	if s.EnterEnd() {
		t.Error("a commit began")
	}
	if writes, ends, changed = s.Still(); writes || !ends {
		t.Error("the commit is not under way, or the write is")
	}
	s.LeaveEnd()
	<-changed
	if writes, ends, _ = s.Still(); writes || ends {
		t.Error("something is under way")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if s.Await(ctx) == nil {
		t.Error("not stopped any more")
	}
	waited := make(chan error)
	go func() { waited <- s.Await(context.Background()) }()
	s.Apply(true, false)
	s.Apply(false, false)
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if !s.EnterWrite() || !s.EnterEnd() {
		t.Error("stopped still")
	}
}
