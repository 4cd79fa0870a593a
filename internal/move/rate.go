package move

import (
	"context"
	"sync"
	"time"
)

// notice is how soon a copy that waits for its rate sees a new one.
const notice = 100 * time.Millisecond

// Limit keeps a stream to a rate that may change at any time.
type Limit struct {
	rate func() int64 // bytes a second, 0 for no bound; nil for none ever

	mu   sync.Mutex
	owed float64 // bytes that were copied sooner than the rate allows
	last time.Time
}

// NewLimit asks for the rate, in bytes a second, again and again; 0 is no bound, nil none ever.
func NewLimit(rate func() int64) *Limit { return &Limit{rate: rate} }

// Spend counts bytes, and waits until they were allowed.
func (l *Limit) Spend(ctx context.Context, bytes int) error {
	if l.rate == nil {
		return ctx.Err()
	}
	for {
		pause := l.pause(bytes)
		if pause <= 0 {
			return ctx.Err()
		}
		bytes = 0
		select {
		case <-time.After(min(pause, notice)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// bound says whether there is a rate at present.
func (l *Limit) bound() bool { return l.rate != nil && l.rate() > 0 }

func (l *Limit) pause(bytes int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, rate := time.Now(), float64(l.rate())
	if rate <= 0 {
		l.owed, l.last = 0, now
		return 0
	}
	if !l.last.IsZero() {
		l.owed = max(0, l.owed-now.Sub(l.last).Seconds()*rate)
	}
	l.owed += float64(bytes)
	l.last = now
	return time.Duration(l.owed / rate * float64(time.Second))
}
