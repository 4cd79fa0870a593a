package move

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRateMayChangeWhileACopyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rate atomic.Int64
		rate.Store(1000)
		l := NewLimit(rate.Load)
		took := func(bytes int) time.Duration {
			began := time.Now()
			if err := l.Spend(t.Context(), bytes); err != nil {
				t.Error(err)
			}
			return time.Since(began).Round(10 * time.Millisecond)
		}
		if got := took(2000); got != 2*time.Second {
			t.Errorf("2000 bytes at 1000 a second took %v", got)
		}
		time.Sleep(time.Hour) // saves nothing up
		if got := took(500); got != 500*time.Millisecond {
			t.Errorf("500 bytes after a rest took %v", got)
		}
		time.AfterFunc(time.Second, func() { rate.Store(100_000) })
		if got := took(100_000); got > 2*time.Second+2*notice || got < 2*time.Second-2*notice {
			t.Errorf("99000 bytes at 100000 a second, after a second at 1000, took %v", got)
		}
		time.AfterFunc(time.Second, func() { rate.Store(0) })
		if got := took(1_000_000_000); got > time.Second+notice {
			t.Errorf("the limit was lifted, but it took %v", got)
		}
		rate.Store(1)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := l.Spend(ctx, 1000); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
