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
	// lookEvery is how often the leaves are asked.
	lookEvery = 200 * time.Millisecond
	// longestRest bounds a pause: a chunk may have taken long for other reasons.
	longestRest = time.Second
)

// courtesy knows whether the leaves of a copy have other work: then the copy takes half of the time.
type courtesy struct {
	busy atomic.Int32 // leaves that have
	end  context.CancelFunc
	all  sync.WaitGroup
}

// attend begins to ask leaves. The courtesy must be ended.
func (c *Copier) attend(ctx context.Context, leaves ...string) *courtesy {
	k := &courtesy{}
	ctx, k.end = context.WithCancel(ctx)
	for _, leaf := range leaves {
		k.all.Go(func() { k.look(ctx, c.Pools, leaf) })
	}
	return k
}

func (k *courtesy) close() {
	k.end()
	k.all.Wait()
}

// look asks one leaf again and again how many statements it has run. Where it does not tell, the copy is not for that to notice.
func (k *courtesy) look(ctx context.Context, pools *backend.Pools, leaf string) {
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
		if last, at = n, now; err != nil {
			at = time.Time{}
		}
		select {
		case <-time.After(lookEvery):
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

// rest is to be called after so much work; it pauses for as long when the leaves have other work.
func (k *courtesy) rest(ctx context.Context, worked time.Duration) {
	if k.busy.Load() == 0 {
		return
	}
	select {
	case <-time.After(min(worked, longestRest)):
	case <-ctx.Done():
	}
}
