package move

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func TestCopyKnowsWhetherItsLeavesHaveOtherWork(t *testing.T) {
	farm := farmtest.Start(t, 2)
	c := copier(t, farm)
	k := c.Attend(t.Context(), "leaf-1", "leaf-2")
	defer k.End()
	becomes := func(busy int32, meanwhile func()) {
		t.Helper()
		for limit := time.Now().Add(time.Minute); k.busy.Load() != busy; meanwhile() {
			if time.Now().After(limit) {
				t.Fatalf("%d leaves are busy, not %d", k.busy.Load(), busy)
			}
		}
	}
	conn, err := c.own(t.Context(), "leaf-2", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	becomes(1, func() { query(t, conn, "DO 1") })
	becomes(0, func() { time.Sleep(10 * time.Millisecond) })
	becomes(1, func() { query(t, conn, "DO 1") })
	if err := farm.Pause(1); err != nil { // it tells nothing any more
		t.Fatal(err)
	}
	c.Pools.Break("leaf-2")
	becomes(0, func() { time.Sleep(10 * time.Millisecond) })
	if err := farm.Resume(1); err != nil {
		t.Fatal(err)
	}
}

func TestCopyRestsForAsLongAsItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &Courtesy{began: time.Now()}
		rests := func(ctx context.Context, worked, want time.Duration) {
			t.Helper()
			began := time.Now()
			k.Rest(ctx, worked)
			if got := time.Since(began); got != want {
				t.Errorf("rested %s after %s of work, not %s", got, worked, want)
			}
		}
		rests(t.Context(), 50*time.Millisecond, 0)
		k.busy.Store(2)
		rests(t.Context(), 50*time.Millisecond, 50*time.Millisecond)
		rests(t.Context(), time.Minute, longestRest)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		rests(over, time.Minute, 0)
		k.rested.Store(int64(50 * time.Millisecond))
		k.began = time.Now().Add(-300 * time.Millisecond) // 50 of them rested, 250 worked
		began := time.Now()
		k.RestAfter(t.Context())
		k.RestAfter(t.Context())
		if got := time.Since(began); got != 200*time.Millisecond {
			t.Errorf("rested %s, not 200ms", got)
		}
	})
}
