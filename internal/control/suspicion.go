package control

import (
	"errors"
	"syscall"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// refusals and silences are how many failures in a row make a leaf down: a port that nobody listens on is no accident, a late answer may be one. Config.Silences is in
// place of silences.
const (
	refusals = 2
	silences = 4
)

// outcome is how one probe of a leaf ended.
type outcome int

const (
	answered outcome = iota
	refused          // nobody listens
	silent           // it did not answer in time
	failed           // it answered with an error, or broke off
	crowded          // it takes no more logins
	stalled          // this process itself was held up: it says nothing of the leaf
)

// outcomeOf judges a probe by its error and by how long after it was due it ended. Pure.
func outcomeOf(err error, took time.Duration) outcome {
	var full *backend.CrowdedError
	switch {
	case err == nil:
		return answered
	case took > probeTimeout+stall:
		return stalled
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case took >= probeTimeout:
		return silent
	case errors.As(err, &full):
		return crowded
	}
	return failed
}

// suspicion is what one node makes of a leaf's answers so far: how many in a row failed, how many of these last ones were refused, and whether it was silent.
type suspicion struct {
	failures, refused int
	silent            bool
}

// after is the suspicion after one more probe, and what the node says of the leaf then; nil: nothing new is known. Pure.
func (s suspicion) after(o outcome, silences int) (suspicion, *observation) {
	if o == crowded && !s.silent {
		// It answers, and serves whom it has: another master would be as crowded soon. After a silence it may be full of those who got no answer.
		o = answered
	}
	switch o {
	case answered:
		return suspicion{}, &observation{}
	case stalled:
		return suspicion{}, nil
	case refused:
		s.refused++
	default:
		s.refused = 0
	}
	s.silent = s.silent || o == silent
	s.failures++
	if s.failures >= silences || s.refused >= refusals {
		return s, &observation{Down: true}
	}
	return s, nil
}
