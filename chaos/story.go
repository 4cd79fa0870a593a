package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const clock = "15:04:05.000"

// story is what happened, in order, for people: it is printed as it happens, and kept.
type story struct {
	out   io.Writer
	began time.Time

	mu     sync.Mutex
	broken []string
}

// say tells something.
func (s *story) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%s %7.3f %s\n", time.Now().Format(clock), time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// maxTold is how many broken promises are told one by one.
const maxTold = 200

// fail tells of a promise that was not kept.
func (s *story) fail(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	s.mu.Lock()
	s.broken = append(s.broken, time.Now().Format(clock)+" "+what)
	n := len(s.broken)
	s.mu.Unlock()
	if n <= maxTold {
		s.say("BROKEN: %s", what)
	}
}

// failures are all broken promises.
func (s *story) failures() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.broken...)
}
