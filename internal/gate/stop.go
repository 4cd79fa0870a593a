package gate

import (
	"context"
	"sync"
	"sync/atomic"
)

// Stop keeps statements that write from beginning at a node, and then commits of open transactions, while somebody has stopped all writes: FLUSH TABLES WITH READ LOCK. As in MariaDB there are two steps, since a
// statement that is under way, at any node, may wait for what a transaction has locked. The zero value lets everybody in.
type Stop struct {
	writes, ends           atomic.Int64
	stopsWrites, stopsEnds atomic.Bool

	mu      sync.Mutex
	changed chan struct{} // closed when the steps are others, or somebody has left while there are some
}

// EnterWrite lets a statement in that writes; false while writes are stopped. LeaveWrite must follow.
func (s *Stop) EnterWrite() bool {
	s.writes.Add(1)
	if !s.stopsWrites.Load() {
		return true
	}
	s.LeaveWrite()
	return false
}

// LeaveWrite is what EnterWrite asks for.
func (s *Stop) LeaveWrite() {
	if s.writes.Add(-1) == 0 {
		s.left()
	}
}

// EnterEnd lets in who commits what statements have written before; false while that is stopped. LeaveEnd must follow.
func (s *Stop) EnterEnd() bool {
	s.ends.Add(1)
	if !s.stopsEnds.Load() {
		return true
	}
	s.LeaveEnd()
	return false
}

// LeaveEnd is what EnterEnd asks for.
func (s *Stop) LeaveEnd() {
	if s.ends.Add(-1) == 0 {
		s.left()
	}
}

func (s *Stop) left() {
	if !s.stopsWrites.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announce()
}

// Apply stops writes, and commits, or nothing any more.
func (s *Stop) Apply(writes, ends bool) {
	if s.stopsWrites.Load() == writes && s.stopsEnds.Load() == ends {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopsWrites.Store(writes)
	s.stopsEnds.Store(ends)
	s.announce()
}

// Stopped says whether writes are stopped.
func (s *Stop) Stopped() bool { return s.stopsWrites.Load() }

// Still says whether statements that write, and commits, are under way; changed is closed when that may be otherwise.
func (s *Stop) Still() (writes, ends bool, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.next()
	return s.writes.Load() > 0, s.ends.Load() > 0, next
}

// Await waits until writes are not stopped, or until ctx ends.
func (s *Stop) Await(ctx context.Context) error {
	for {
		s.mu.Lock()
		changed := s.next()
		s.mu.Unlock()
		if !s.stopsWrites.Load() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next is closed by announce. The caller holds mu.
func (s *Stop) next() chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

func (s *Stop) announce() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}
