package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/history"
)

const (
	historyParts   = 4
	historyClients = 4 // that write
	historyReaders = 2 // of snapshots
	listKeys       = 8
	registerKeys   = 4
	keysOfRound    = listKeys + registerKeys
	roundTime      = 12 * time.Second
	roundTxns      = 600
)

var historySchema = []string{
	fmt.Sprintf("CREATE DATABASE histories PARTITIONS %d WITH SYNC REPLICATION", historyParts),
	"CREATE TABLE histories.list (id BIGINT PRIMARY KEY, v TEXT NOT NULL)",
	"CREATE TABLE histories.register (id BIGINT PRIMARY KEY, v BIGINT NOT NULL)",
}

// roundLevels are what a round's writers run at, by turns.
var roundLevels = []history.Level{history.Serializable, history.RepeatableRead, history.ReadCommitted}

// histories is clients whose transactions are recorded, and looked through for anomalies: in rounds, each with keys of its own.
type histories struct {
	tally
	c    *cluster
	seed uint64
	wg   sync.WaitGroup
	stop context.CancelFunc

	rounds  int64
	checked int // transactions
	met     map[string]int
}

// recording is one round.
type recording struct {
	level history.Level
	first int64 // key

	mu    sync.Mutex
	txns  []history.Txn
	value int64
}

func (rec *recording) add(x history.Txn) (count int) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.txns = append(rec.txns, x)
	return len(rec.txns)
}

// unique is a value that nobody else writes.
func (rec *recording) unique() int64 {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.value++
	return rec.value
}

// lists are the keys of lists, as SQL has them.
func (rec *recording) lists() string {
	return fmt.Sprintf("BETWEEN %d AND %d", rec.first, rec.first+listKeys-1)
}

func newHistories(ctx context.Context, c *cluster, seed uint64) (*histories, error) {
	for _, q := range historySchema {
		if _, err := c.nodes[c.shape.nodes[0]].text.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("%s: %w", q, err)
		}
	}
	return &histories{c: c, seed: seed, met: map[string]int{}}, nil
}

func (h *histories) start(ctx context.Context) {
	running, stop := context.WithCancel(ctx)
	h.stop = stop
	h.wg.Go(func() {
		for running.Err() == nil {
			h.round(running)
		}
	})
}

// halt waits for the round, which is still looked at.
func (h *histories) halt() {
	h.stop()
	h.wg.Wait()
}

// round records transactions until it is over or ctx ends, and looks at them.
func (h *histories) round(ctx context.Context) {
	rec := &recording{first: h.rounds * keysOfRound, level: roundLevels[h.rounds%int64(len(roundLevels))]}
	h.rounds++
	if !h.insist(rec, "new keys", func(q *transaction) {
		for i := range int64(keysOfRound) {
			if key := rec.first + i; i < listKeys {
				q.exec("INSERT IGNORE INTO histories.list (id, v) VALUES (?, '')", key)
			} else {
				q.exec("INSERT IGNORE INTO histories.register (id, v) VALUES (?, ?)", key, history.Initial)
			}
		}
	}) {
		return
	}
	within, end := context.WithTimeout(ctx, roundTime)
	defer end()
	var running sync.WaitGroup
	for id := range historyClients + historyReaders {
		running.Go(func() {
			r := rand.New(rand.NewPCG(h.seed, uint64(rec.first*100)+uint64(id)+6000))
			for within.Err() == nil {
				done, count := h.transact(rec, r, id >= historyClients)
				if count > roundTxns {
					end()
				}
				wait := pace
				if !done {
					wait = missPace
				}
				sleep(within, wait)
			}
		})
	}
	running.Wait()
	h.look(rec)
}

// insist repeats what a round itself needs until it is done.
func (h *histories) insist(rec *recording, what string, do func(q *transaction)) bool {
	r := rand.New(rand.NewPCG(h.seed, uint64(rec.first)+7000))
	for end := time.Now().Add(3 * statementIn); ; time.Sleep(missPace) {
		n, db := h.c.at(r)
		q := h.c.within(&h.tally, n, db, what, do)
		if q.err == nil {
			return true
		}
		if time.Now().After(end) {
			h.c.story.fail("%s: no success for %s: %v", what, 3*statementIn, q.err)
			return false
		}
	}
}

// clock is what a recording's times are measured by.
func (h *histories) clock() int64 { return int64(time.Since(h.c.story.began)) }

// transact carries out a random transaction, a snapshot if it is to read only, and notes what it saw. It says how many there are by now, too.
func (h *histories) transact(rec *recording, r *rand.Rand, snapshot bool) (done bool, count int) {
	began := time.Now()
	x := &recorded{Txn: history.Txn{Began: h.clock(), Snapshot: snapshot}, rec: rec, r: r}
	n, db := h.c.at(r)
	what := strings.ToLower(string(rec.level))
	if snapshot {
		what = "snapshot"
	}
	x.q = h.c.within(&h.tally, n, db, what, func(q *transaction) {
		x.q = q
		if snapshot {
			q.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ") // a writer's level may be left, of a transaction that could not begin
			q.begin("START TRANSACTION WITH CONSISTENT SNAPSHOT")
			for key := range int64(keysOfRound) {
				x.read(rec.first + (key+rec.first)%keysOfRound)
			}
		} else {
			q.exec("SET TRANSACTION ISOLATION LEVEL " + string(rec.level))
			q.begin("START TRANSACTION")
			for range 1 + r.IntN(4) {
				x.operate()
			}
		}
		q.commit()
	})
	x.Outcome = []history.Outcome{history.Committed, history.RolledBack, history.Unknown}[x.q.outcome()]
	x.Ended = h.clock()
	if !n.sees(began) { // it may have read what was true before: that is no part of what it wrote
		x.Ops = writes(x.Ops)
	}
	return x.q.err == nil, rec.add(x.Txn)
}

func writes(ops []history.Op) (out []history.Op) {
	for _, op := range ops {
		if op.Kind == history.Append || op.Kind == history.Write {
			out = append(out, op)
		}
	}
	return out
}

// recorded is a transaction and its record.
type recorded struct {
	history.Txn
	rec *recording
	r   *rand.Rand
	q   *transaction
}

// operate does one of the things that a transaction is made of. A register is read before it is replaced, and its writer appends to a list as well, so that the end
// tells whether it was there.
func (x *recorded) operate() {
	key := x.rec.first + x.r.Int64N(keysOfRound)
	switch write := x.r.IntN(2) == 0; {
	case !write:
		x.read(key)
	case key < x.rec.first+listKeys:
		x.append(key)
	default:
		x.read(key)
		v := x.rec.unique()
		x.note(history.Op{Kind: history.Write, Key: key, Value: v})
		x.q.exec("UPDATE histories.register SET v = ? WHERE id = ?", v, key)
		x.append(x.rec.first + x.r.Int64N(listKeys))
	}
}

func (x *recorded) note(op history.Op) {
	if x.q.err == nil {
		x.Ops = append(x.Ops, op)
	}
}

func (x *recorded) append(key int64) {
	v := x.rec.unique()
	x.note(history.Op{Kind: history.Append, Key: key, Value: v}) // before it is known: what fails must not be there
	x.q.exec("UPDATE histories.list SET v = CONCAT(v, ?) WHERE id = ?", fmt.Sprintf(" %d", v), key)
}

func (x *recorded) read(key int64) {
	if key >= x.rec.first+listKeys {
		if v := x.q.ints("SELECT v FROM histories.register WHERE id = ?", key); len(v) == 1 {
			x.note(history.Op{Kind: history.Read, Key: key, Value: v[0]})
		}
		return
	}
	if rows := x.q.rows("SELECT v FROM histories.list WHERE id = ?", key); len(rows) == 1 {
		x.note(history.Op{Kind: history.List, Key: key, List: listed(rows[0][0])})
	}
}

// listed are the values of a list's text.
func listed(text string) (out []int64) {
	for word := range strings.FieldsSeq(text) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			n = -1 // nobody has written it
		}
		out = append(out, n)
	}
	return out
}

// look reads a round's lists as they are in the end, and checks everything.
func (h *histories) look(rec *recording) {
	final := map[int64][]int64{}
	at := map[int64]int{} // key to partition
	if !h.insist(rec, "last lists", func(q *transaction) {
		clear(final)
		q.begin("BEGIN")
		// A lock waits for what is still in doubt.
		for _, row := range q.rows("SELECT id, v FROM histories.list WHERE id " + rec.lists() + " LOCK IN SHARE MODE") {
			key, _ := strconv.ParseInt(row[0], 10, 64) // a BIGINT
			final[key] = listed(row[1])
		}
		q.commit()
	}) || !h.locate(rec, at) {
		return
	}
	if len(final) != listKeys {
		h.c.story.fail("round %d: %d lists, not %d", h.rounds, len(final), listKeys)
	}
	h.checked += len(rec.txns)
	h.judge(rec, "", rec.txns, final)
	if rec.level != history.RepeatableRead {
		return
	}
	// On each partition, what only reads is of one moment.
	for part := range historyParts {
		there := func(key int64) bool { p, known := at[key]; return known && p == part }
		own := map[int64][]int64{}
		for key, list := range final {
			if there(key) {
				own[key] = list
			}
		}
		h.judge(rec, fmt.Sprintf(", partition %d", part), history.Project(rec.txns, there), own)
	}
}

func (h *histories) judge(rec *recording, where string, txns []history.Txn, final map[int64][]int64) {
	for _, a := range history.Check(txns, final) {
		h.met[fmt.Sprintf("%s%s: %s", rec.level, strings.TrimRight(where, "0123456789"), a.Name)]++
		if !rec.level.Forbids(a.Name) {
			continue
		}
		h.c.story.fail("round %d, %s%s: %s", h.rounds, rec.level, where, a)
		for _, i := range a.Txns[:min(len(a.Txns), 4)] {
			h.c.story.say("  T%d: %s", i, txns[i])
		}
	}
}

// locate finds the partitions of a round's keys, as the leaves have them.
func (h *histories) locate(rec *recording, at map[int64]int) bool {
	for end := time.Now().Add(2 * statementIn); ; time.Sleep(missPace) {
		clear(at)
		for part := range historyParts {
			for _, leaf := range sorted(h.c.direct) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				for _, table := range []string{"list", "register"} {
					q := fmt.Sprintf("SELECT id FROM histories_%d.%s WHERE id BETWEEN %d AND %d", part, table, rec.first, rec.first+keysOfRound-1)
					keys, err := ints(ctx, h.c.direct[leaf], q)
					if err != nil { // it does not run, or does not have the partition
						break
					}
					for _, key := range keys {
						at[key] = part
					}
				}
				cancel()
			}
		}
		if len(at) == keysOfRound {
			return true
		}
		if time.Now().After(end) {
			h.c.story.fail("round %d: the leaves have %d keys of %d", h.rounds, len(at), keysOfRound)
			return false
		}
	}
}

// last records a round when nothing is disturbed.
func (h *histories) last(ctx context.Context) {
	short, end := context.WithTimeout(ctx, 2*time.Second)
	defer end()
	h.round(short)
}

// finish has nothing left: each round was looked at.
func (h *histories) finish(context.Context) {
	h.c.story.say("%d transactions in %d rounds looked through for anomalies; found: %v", h.checked, h.rounds, h.met)
}

func (h *histories) summary() { h.tell(h.c.story) }
