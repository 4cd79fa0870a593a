package deadlock

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// waitsQuery lists transactions and waits in one statement, so that both are of one moment; they are joined here, as MariaDB has no index for that.
const waitsQuery = "SELECT 0, trx_id, trx_mysql_thread_id FROM information_schema.INNODB_TRX UNION ALL " +
	"SELECT 1, requesting_trx_id, blocking_trx_id FROM information_schema.INNODB_LOCK_WAITS"

// waitsAt asks a leaf who waits for whom.
func (d *Detector) waitsAt(ctx context.Context, leaf string) ([]Wait, error) {
	c, err := d.cfg.Pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal}.Urgent())
	if err != nil {
		return nil, err
	}
	defer c.Release()
	r, err := c.Query(ctx, waitsQuery)
	if err != nil {
		return nil, err
	}
	return waitsOf(leaf, r.Rows), nil
}

// waitsOf reads the answer to waitsQuery. A transaction that has locked in share mode alone has no number yet, and shows 0: where several have none, whose the waits are can't be told, and
// they are left out. SERIALIZABLE ones are given theirs when they begin (package txn).
func waitsOf(leaf string, rows [][][]byte) (waits []Wait) {
	threads := map[string]uint64{}
	for _, row := range rows {
		if string(row[0]) == "0" {
			thread, err := strconv.ParseUint(string(row[2]), 10, 64)
			if err != nil {
				continue // XA transactions that are prepared have no thread
			}
			if _, several := threads[string(row[1])]; several {
				thread = 0
			}
			threads[string(row[1])] = thread
		}
	}
	for _, row := range rows {
		if string(row[0]) != "1" {
			continue
		}
		waiter, blocker := Party{Trx: string(row[1])}, Party{Trx: string(row[2])}
		waiter.Thread, blocker.Thread = threads[waiter.Trx], threads[blocker.Trx]
		if waiter.Thread != 0 && blocker.Thread != 0 { // nobody to end otherwise
			waits = append(waits, Wait{leaf, waiter, blocker})
		}
	}
	return waits
}

// waits asks leaves at the same time. One that does not answer has nothing to say.
func (d *Detector) waits(ctx context.Context, leaves map[string]struct{}) []Wait {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	var mu sync.Mutex
	var all []Wait
	var wg sync.WaitGroup
	for leaf := range leaves {
		wg.Go(func() {
			waits, err := d.waitsAt(ctx, leaf)
			if err != nil {
				d.cfg.Log.Debug("a leaf can't say who waits for whom", "leaf", leaf, "error", err)
				return
			}
			mu.Lock()
			all = append(all, waits...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return all
}

// topic is where nodes tell each other of transactions that wait.
const topic = "deadlock"

// exchange tells the other nodes of this one's transactions and returns theirs; others is how many nodes have any.
func (d *Detector) exchange(ctx context.Context, own []Transaction) (theirs []Transaction, others int) {
	if d.cfg.Node == nil || len(d.cfg.Catalog.Nodes()) < 2 || time.Now().Before(d.apart) {
		return nil, 0
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeWithin)
	defer cancel()
	text, err := json.Marshal(own)
	if err == nil {
		d.reported = true
		err = d.cfg.Node.Report(ctx, topic, text)
	}
	var reports map[uint32][]byte
	if err == nil {
		reports, err = d.cfg.Catalog.Reports(ctx, topic)
	}
	if err != nil {
		d.apart = time.Now().Add(apart) // the looks for this node's own must not wait for it each time
		d.cfg.Log.Debug("deadlocks with other nodes' transactions can't be seen now", "error", err)
		return nil, 0
	}
	for node, text := range reports {
		if node == d.self {
			continue
		}
		var list []Transaction
		if err := json.Unmarshal(text, &list); err != nil {
			d.cfg.Log.Debug("another node's report can't be read", "node", node, "error", err)
			continue
		}
		others++
		for i := range list {
			list[i].Node = node
		}
		theirs = append(theirs, list...)
	}
	return theirs, others
}

// retract takes this node's report back.
func (d *Detector) retract(ctx context.Context) {
	if !d.reported {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeWithin)
	defer cancel()
	d.reported = false
	if err := d.cfg.Node.Report(ctx, topic, nil); err != nil {
		// It is not renewed, and so believed by nobody; the next one takes its place.
		d.cfg.Log.Debug("a report of transactions that wait could not be taken back", "error", err)
	}
}
