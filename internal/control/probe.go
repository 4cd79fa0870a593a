package control

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/mariadb"
)

const (
	probeEvery   = 150 * time.Millisecond
	probeTimeout = 600 * time.Millisecond
	// stall is how late a probe may come: when this process itself was held up, its failures say nothing of the leaf.
	stall = 400 * time.Millisecond
	// topicLeaves is where nodes say what they see of leaves.
	topicLeaves = "leaves"
)

// observation is what a node says of one leaf.
type observation struct {
	Down bool   `json:"down,omitempty"`
	Why  string `json:"why,omitempty"`
}

// observe probes all leaves until Close, and reports what changes.
func (c *Control) observe() {
	var mu sync.Mutex
	seen := map[string]observation{}
	news := make(chan struct{}, 1)
	tell := func(leaf string, o *observation) {
		mu.Lock()
		old, known := seen[leaf]
		if o == nil {
			delete(seen, leaf)
		} else {
			seen[leaf] = *o
		}
		mu.Unlock()
		if o == nil || !known || old != *o {
			select {
			case news <- struct{}{}:
			default: // said already
			}
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	probing := map[string]context.CancelFunc{}
	defer func() {
		for _, cancel := range probing {
			cancel()
		}
	}()
	for {
		changed := c.cat.Changed()
		leaves := c.cat.Snapshot().Leaves
		for name, cancel := range probing {
			if leaves[name] == nil {
				cancel()
				delete(probing, name)
			}
		}
		for name := range leaves {
			if probing[name] == nil {
				ctx, cancel := context.WithCancel(c.ctx)
				probing[name] = cancel
				wg.Go(func() {
					c.probe(ctx, name, func(o observation) { tell(name, &o) })
					tell(name, nil)
				})
			}
		}
		lease := c.node.Alive()
		select {
		case <-changed:
			continue
		case <-news:
		case <-lease.Done(): // the report went with it
			select {
			case <-time.After(100 * time.Millisecond):
			case <-c.ctx.Done():
				return
			}
		case <-c.ctx.Done():
			return
		}
		mu.Lock()
		now := maps.Clone(seen)
		mu.Unlock()
		doc, err := json.Marshal(now)
		if err == nil {
			ctx, cancel := context.WithTimeout(c.ctx, time.Second)
			err = c.node.Report(ctx, topicLeaves, doc)
			cancel()
		}
		if err != nil {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-c.ctx.Done():
				return
			}
			select {
			case news <- struct{}{}:
			default:
			}
		}
	}
}

// probe asks one leaf again and again. Writing a row shows what a mere answer does not: a disk that has
// failed, a server that was made read-only. A disk that is merely full is no reason to take a leaf for dead: its copies elsewhere are as large, and reads go on.
func (c *Control) probe(ctx context.Context, leaf string, tell func(observation)) {
	var doubts suspicion
	due, answers := time.Now(), false
	for ctx.Err() == nil {
		err := c.ask(ctx, leaf)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			c.mu.Lock()
			if !answers {
				c.back[leaf] = true
			}
			c.heard[leaf] = time.Now()
			c.mu.Unlock()
		}
		answers = err == nil
		var said *observation
		if doubts, said = doubts.after(outcomeOf(err, time.Since(due)), c.cfg.Silences); said != nil {
			if said.Down {
				said.Why = err.Error()
			}
			tell(*said)
		}
		due = time.Now().Add(probeEvery)
		select {
		case <-time.After(probeEvery):
		case <-ctx.Done():
			return
		}
	}
}

// ask probes a leaf once. A leaf that is stopped holds no probe for longer than probeTimeout.
func (c *Control) ask(ctx context.Context, leaf string) error {
	cut := time.AfterFunc(probeTimeout, func() { c.probes.Break(leaf) })
	defer cut.Stop()
	short, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := c.probes.Get(short, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return err
	}
	defer conn.Release()
	// Without ctx: the cut ends it, where a KILL would have to be dialled.
	const read = "SELECT COUNT(*) FROM " + mariadb.Schema + ".probe"
	if l := c.cat.Snapshot().Leaves[leaf]; l != nil && l.Disk.Short() {
		// That it can't write is no news, and its reads go on.
		_, err := conn.Query(context.Background(), read)
		return err
	}
	for _, sql := range []string{"SET SESSION sql_log_bin=0", fmt.Sprintf("REPLACE INTO %s.probe VALUES (%d, NOW(6))", mariadb.Schema, c.node.ID())} {
		if _, err := conn.Query(context.Background(), sql); err != nil {
			switch {
			case missing(err): // a server that is being made a leaf
				_, err = conn.Query(context.Background(), "SELECT 1")
			case mariadb.NoRoom(err):
				_, err = conn.Query(context.Background(), read)
			}
			return err
		}
	}
	return nil
}
