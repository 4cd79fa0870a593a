package move

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

const (
	// busyRate is from how many statements a second on a leaf has other work. The nodes' own probes are some ten.
	busyRate = 200
	// lookEvery is how often the leaves are asked, after the first time.
	lookEvery = 200 * time.Millisecond
	lookSoon  = 40 * time.Millisecond
	// longestRest bounds a pause: a chunk may have taken long for other reasons.
	longestRest = time.Second
)

// Courtesy knows whether the leaves that something is done at have other work: then that takes half of the time.
type Courtesy struct {
	began  time.Time
	busy   atomic.Int32 // leaves that have
	rested atomic.Int64 // ns
	end    context.CancelFunc
	all    sync.WaitGroup
}

// Attend begins to ask leaves, when what is to be courteous begins. The courtesy must be ended.
func (c *Copier) Attend(ctx context.Context, leaves ...string) *Courtesy {
	k := &Courtesy{began: time.Now()}
	ctx, k.end = context.WithCancel(ctx)
	for _, leaf := range leaves {
		k.all.Go(func() { k.look(ctx, c.Pools, leaf) })
	}
	return k
}

// End stops asking.
func (k *Courtesy) End() {
	k.end()
	k.all.Wait()
}

// look asks one leaf again and again how many statements it has run. Where it does not tell, the copy is not for that to notice.
func (k *Courtesy) look(ctx context.Context, pools *backend.Pools, leaf string) {
	var busy bool
	var last uint64
	var at time.Time
	for ctx.Err() == nil {
		n, err := questions(ctx, pools, leaf)
		now := time.Now()
		is := err == nil && !at.IsZero() && n > last && float64(n-last) > busyRate*now.Sub(at).Seconds()
		if is != busy {
			busy = is
			k.busy.Add(map[bool]int32{true: 1, false: -1}[is])
		}
		pause := lookEvery
		if at.IsZero() {
			pause = lookSoon
		}
		if last, at = n, now; err != nil {
			at, pause = time.Time{}, lookEvery
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// questions is how many statements of clients a leaf has run since it was started.
func questions(ctx context.Context, pools *backend.Pools, leaf string) (uint64, error) {
	c, err := pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return 0, err
	}
	defer c.Release()
	res, err := run(ctx, c, "SHOW GLOBAL STATUS LIKE 'Questions'")
	if err != nil || len(res.Rows) != 1 {
		return 0, err
	}
	return strconv.ParseUint(string(res.Rows[0][1]), 10, 64)
}

// Rest is to be called after so much work; it pauses for as long when the leaves have other work.
func (k *Courtesy) Rest(ctx context.Context, worked time.Duration) {
	if k.busy.Load() == 0 {
		return
	}
	began := time.Now()
	select {
	case <-time.After(min(worked, longestRest)):
	case <-ctx.Done():
	}
	k.rested.Add(int64(time.Since(began)))
}

// RestAfter is Rest after all that has been done since Attend, and has not been rested for.
func (k *Courtesy) RestAfter(ctx context.Context) {
	rested := time.Duration(k.rested.Load())
	if owed := time.Since(k.began) - 2*rested; owed > 0 {
		k.Rest(ctx, owed)
	}
}
