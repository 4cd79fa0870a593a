package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// database is where the load is. Each client has keys of its own, so that it knows what it should find.
const database = "chaos"

var schema = []string{
	"CREATE DATABASE chaos PARTITIONS 8 WITH SYNC REPLICATION",
	"CREATE TABLE chaos.counter (id BIGINT PRIMARY KEY, n BIGINT NOT NULL, filler VARCHAR(40) NOT NULL DEFAULT 'a counter')",
	"CREATE TABLE chaos.register (id BIGINT PRIMARY KEY, v BIGINT NOT NULL)",
	"CREATE TABLE chaos.log (id BIGINT PRIMARY KEY, client INT NOT NULL, note VARCHAR(40) NOT NULL, KEY (client))",
	"CREATE TABLE chaos.account (owner BIGINT, k INT, n BIGINT NOT NULL, PRIMARY KEY (owner, k), SHARD KEY (owner))",
	"CREATE TABLE chaos.entry (owner BIGINT, seq BIGINT, delta BIGINT NOT NULL, PRIMARY KEY (owner, seq), SHARD KEY (owner))",
	"CREATE REFERENCE TABLE chaos.reference (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
}

const (
	clients     = 8
	keysEach    = 6                      // counters, registers and accounts of one client
	pace        = 4 * time.Millisecond   // between the operations of a client
	missPace    = 100 * time.Millisecond // after a failure
	statementIn = 75 * time.Second       // the longest that any statement may take: failovers wait, and commits for a replica that is cut off
)

// work is what clients do while things fail.
type work interface {
	start(ctx context.Context) // until halt
	halt()                     // waits for what is under way
	last(ctx context.Context)  // once more, when nothing is disturbed and nothing may fail
	finish(ctx context.Context)
	summary()
}

// load is all clients.
type load struct {
	tally
	c       *cluster
	clients []*client
	wg      sync.WaitGroup
	stop    context.CancelFunc
}

// tally counts what clients did.
type tally struct {
	mu     sync.Mutex
	counts map[string]int // by kind of operation and outcome
	errs   map[string]int
	slow   time.Duration
}

// client is one client and what it knows.
type client struct {
	id        int
	l         *load
	rand      *rand.Rand
	counters  map[int64]*counter
	registers map[int64]*register
	log       *rows
	entries   map[int64]*rows // by owner
	deltas    map[int64]map[int64]int64
	reference counter
	nextRow   int64
}

func (l *load) keys(id int) []int64 {
	out := make([]int64, keysEach)
	for i := range out {
		out[i] = int64(i*clients + id)
	}
	return out
}

// newLoad makes the tables and their first rows.
func newLoad(ctx context.Context, c *cluster, seed uint64) (*load, error) {
	l := &load{c: c}
	db := c.nodes[c.shape.nodes[0]].text
	for _, q := range schema {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("%s: %w", q, err)
		}
	}
	var keys, accounts, references []string
	for id := range clients {
		cl := &client{
			id: id, l: l, rand: rand.New(rand.NewPCG(seed, uint64(1000+id))), counters: map[int64]*counter{}, registers: map[int64]*register{}, log: newRows(),
			entries: map[int64]*rows{}, deltas: map[int64]map[int64]int64{}, nextRow: int64(id) << 32,
		}
		for _, key := range l.keys(id) {
			cl.counters[key], cl.registers[key], cl.entries[key], cl.deltas[key] = &counter{}, &register{}, newRows(), map[int64]int64{}
			keys = append(keys, fmt.Sprintf("(%d, 0)", key))
			accounts = append(accounts, fmt.Sprintf("(%d, 1, 0), (%d, 2, 0)", key, key))
		}
		references = append(references, fmt.Sprintf("(%d, 0)", id))
		l.clients = append(l.clients, cl)
	}
	for into, rows := range map[string][]string{"counter (id, n)": keys, "register": keys, "account": accounts, "reference": references} {
		if _, err := db.ExecContext(ctx, "INSERT INTO chaos."+into+" VALUES "+strings.Join(rows, ", ")); err != nil {
			return nil, fmt.Errorf("%s: %w", into, err)
		}
	}
	return l, nil
}

// start lets the clients run until halt.
func (l *load) start(ctx context.Context) {
	running, stop := context.WithCancel(ctx)
	l.stop = stop
	for _, cl := range l.clients {
		l.wg.Go(func() {
			for running.Err() == nil {
				n := l.c.nodes[l.c.shape.nodes[cl.rand.IntN(nodes)]]
				db := n.text
				if cl.rand.IntN(2) == 0 {
					db = n.bin
				}
				wait := pace
				if !cl.operate(context.WithoutCancel(running), n, db, cl.rand.IntN(kinds)) {
					wait = missPace
				}
				sleep(running, wait)
			}
		})
	}
}

// halt waits for the operations under way.
func (l *load) halt() {
	l.stop()
	l.wg.Wait()
}

// The kinds of operations.
const (
	opCount = iota
	opCounted
	opReplace
	opRead
	opInsert
	opInsertMany
	opDelete
	opFind
	opTransfer
	opBalance
	opReference
	opReferenced
	kinds
)

var kindNames = [kinds]string{
	"count", "read counter", "replace", "read register", "insert", "insert many", "delete", "find row", "transfer", "read accounts", "write reference", "read reference",
}

// operate runs one operation at a node and checks what it tells. false: it failed, or its outcome is unknown.
func (cl *client) operate(ctx context.Context, n *node, db *sql.DB, kind int) bool {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, statementIn)
	defer cancel()
	q := &query{ctx: ctx, db: db}
	err := cl.run(q, kind)
	took := time.Since(began)
	var b *breach
	if errors.As(err, &b) {
		if b.stale && !n.sees(began) {
			cl.l.count(kindNames[kind]+" stale while cut off", took, nil)
		} else {
			cl.l.c.story.fail("client %d, %s at %s, begun %s ago: %v", cl.id, kindNames[kind], n.name, took.Round(time.Millisecond), b)
		}
	}
	if ctx.Err() != nil {
		cl.l.c.dump()
		cl.l.c.story.fail("client %d, %s at %s: no answer after %s: %v", cl.id, kindNames[kind], n.name, took.Round(time.Millisecond), q.err)
	}
	o := "done"
	if q.err != nil {
		o = []string{"done", "failed", "unknown"}[q.outcome()]
	}
	cl.l.count(kindNames[kind]+" "+o, took, q.err)
	return q.err == nil
}

func (l *tally) count(what string, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts, l.errs = map[string]int{}, map[string]int{}
	}
	l.counts[what]++
	l.slow = max(l.slow, took)
	if err == nil {
		return
	}
	text := fmt.Sprintf("%T", err)
	var refused *mysql.MySQLError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		text = fmt.Sprintf("%d %.60s", refused.Number, refused.Message)
	case errors.As(err, &op):
		text = op.Op
	}
	l.errs[text]++
}

// query is statements of one operation, on a connection or in a transaction; err is of the first that failed.
type query struct {
	ctx context.Context
	db  *sql.DB
	tx  *sql.Tx
	err error
	// committing: the statement that failed was a COMMIT, or one outside of a transaction.
	committing bool
}

func (q *query) exec(text string, args ...any) (affected int64) {
	if q.err != nil {
		return 0
	}
	var res sql.Result
	if q.tx != nil {
		res, q.err = q.tx.ExecContext(q.ctx, text, args...)
	} else {
		q.committing = true
		res, q.err = q.db.ExecContext(q.ctx, text, args...)
	}
	if q.err == nil {
		affected, q.err = res.RowsAffected()
	}
	return affected
}

// ints reads the numbers of all rows.
func (q *query) ints(text string, args ...any) (out []int64) {
	if q.err != nil {
		return nil
	}
	out, q.err = ints(q.ctx, q.db, text, args...)
	return out
}

func ints(ctx context.Context, db querier, text string, args ...any) (out []int64, err error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row, to := make([]int64, len(cols)), make([]any, len(cols))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		out = append(out, row...)
	}
	return out, rows.Err()
}

func (q *query) begin() {
	if q.err == nil {
		q.tx, q.err = q.db.BeginTx(q.ctx, nil)
	}
}

func (q *query) commit() {
	if q.err != nil {
		if q.tx != nil {
			_ = q.tx.Rollback() // what it is about has failed already
		}
		return
	}
	q.committing = true
	q.err = q.tx.Commit()
}

// outcome is what is known of a write.
func (q *query) outcome() outcome {
	var refused *mysql.MySQLError
	var op *net.OpError
	switch {
	case q.err == nil:
		return done
	case !q.committing: // it died with its transaction
		return failed
	case errors.As(q.err, &refused):
		if refused.Number == 12701 || refused.Number == 1180 {
			return unknown
		}
		return failed
	case errors.As(q.err, &op) && op.Op == "dial":
		return failed
	}
	return unknown
}
