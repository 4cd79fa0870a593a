package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	accounts  = 48
	firstSum  = 1000 // of each account
	auditors  = 2
	auditPace = 300 * time.Millisecond
	askPace   = time.Second
)

var bankSchema = []string{
	"CREATE DATABASE bank PARTITIONS 8 WITH SYNC REPLICATION",
	"CREATE TABLE bank.account (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
	// At the account's partition: a transfer leaves a row at each side.
	"CREATE TABLE bank.journal (account BIGINT, transfer BIGINT, delta BIGINT NOT NULL, PRIMARY KEY (account, transfer), SHARD KEY (account))",
}

// bank is clients that move money between accounts of all partitions, and auditors who count it.
type bank struct {
	tally
	c       *cluster
	tellers []*teller
	seed    uint64
	wg      sync.WaitGroup
	stop    context.CancelFunc

	ledger
}

// teller is one client. Accounts are everybody's; transfers have numbers of its own.
type teller struct {
	id   int
	rand *rand.Rand
	next int64
}

// ledger is what the clients know.
type ledger struct {
	mu        sync.Mutex
	transfers map[int64]*transfer
	recent    []*transfer // acknowledged, some of the last
	asked     map[string]*transfer
}

// transfer moves money between accounts.
type transfer struct {
	number  int64
	deltas  map[int64]int64 // by account; the sum is 0
	outcome outcome
	id      string // of the transaction, as an error of unknown outcome told it
	told    string // what SHOW TRANSACTION STATUS said became of it
}

// newBank makes the accounts.
func newBank(ctx context.Context, c *cluster, seed uint64) (*bank, error) {
	b := &bank{c: c, seed: seed, ledger: ledger{transfers: map[int64]*transfer{}, asked: map[string]*transfer{}}}
	var rows []string
	for id := range accounts {
		rows = append(rows, fmt.Sprintf("(%d, %d)", id, firstSum))
	}
	for _, q := range append(slices.Clone(bankSchema), "INSERT INTO bank.account VALUES "+strings.Join(rows, ", ")) {
		if _, err := c.nodes[c.shape.nodes[0]].text.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("%s: %w", q, err)
		}
	}
	for id := range clients {
		b.tellers = append(b.tellers, &teller{id: id, rand: rand.New(rand.NewPCG(seed, uint64(2000+id))), next: int64(id) << 32})
	}
	return b, nil
}

// at is a node and one of its two protocols.
func (c *cluster) at(r *rand.Rand) (*node, *sql.DB) {
	n := c.nodes[c.shape.nodes[r.IntN(nodes)]]
	if r.IntN(2) == 0 {
		return n, n.bin
	}
	return n, n.text
}

// start lets the clients run until halt.
func (b *bank) start(ctx context.Context) {
	running, stop := context.WithCancel(ctx)
	b.stop = stop
	for _, t := range b.tellers {
		b.wg.Go(func() {
			for running.Err() == nil {
				n, db := b.c.at(t.rand)
				wait := pace
				if !b.transfer(t, n, db) {
					wait = missPace
				}
				sleep(running, wait)
			}
		})
	}
	for id := range auditors {
		b.wg.Go(func() {
			r := rand.New(rand.NewPCG(b.seed, uint64(3000+id)))
			for running.Err() == nil {
				n, db := b.c.at(r)
				b.audit(r, n, db)
				sleep(running, auditPace)
			}
		})
	}
	b.wg.Go(func() {
		r := rand.New(rand.NewPCG(b.seed, 4000))
		for sleep(running, askPace) {
			n, _ := b.c.at(r)
			b.ask(running, n)
		}
	})
}

func (b *bank) halt() {
	b.stop()
	b.wg.Wait()
}

// draw is a transfer between two or three accounts.
func (t *teller) draw() *transfer {
	t.next++
	x := &transfer{number: t.next, deltas: map[int64]int64{}}
	sum := int64(0)
	for n := 1 + t.rand.IntN(2); len(x.deltas) < n; {
		if id := t.rand.Int64N(accounts); x.deltas[id] == 0 {
			x.deltas[id] = 1 + t.rand.Int64N(20)
			sum += x.deltas[id]
		}
	}
	for {
		if id := t.rand.Int64N(accounts); x.deltas[id] == 0 {
			x.deltas[id] = -sum
			return x
		}
	}
}

// transfer carries one out, in one of several ways. false: it failed, or its outcome is unknown.
func (b *bank) transfer(t *teller, n *node, db *sql.DB) bool {
	x := t.draw()
	var ids []int64
	for id := range x.deltas {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if t.rand.IntN(2) == 0 { // or two of them may wait for each other
		t.rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	}
	way := t.rand.IntN(8)
	q := b.c.within(&b.tally, n, db, "transfer", func(q *transaction) {
		q.begin([]string{"BEGIN", "START TRANSACTION", "START TRANSACTION READ WRITE"}[way%3])
		switch way {
		case 0: // with statements that write several partitions each
			sum := "0"
			var which, journal []any
			for _, id := range ids {
				sum = "IF(id = ?, ?, " + sum + ")" // the last one is the outermost
				which, journal = append([]any{id, x.deltas[id]}, which...), append(journal, id, x.number, x.deltas[id])
			}
			got := q.exec("UPDATE bank.account SET n = n + "+sum+" WHERE id IN ("+list64(ids)+")", which...)
			if q.err == nil && got != int64(len(ids)) {
				b.c.story.fail("transfer %d at %s: %d accounts of %d were changed", x.number, n.name, got, len(ids))
			}
			q.exec("INSERT INTO bank.journal (account, transfer, delta) VALUES (?, ?, ?)"+strings.Repeat(", (?, ?, ?)", len(ids)-1), journal...)
		default:
			if way == 1 {
				q.ints("SELECT n FROM bank.account WHERE id IN (" + list64(ids) + ") FOR UPDATE")
			}
			for i, id := range ids {
				if way == 2 && i == 1 { // what is undone leaves no trace
					q.exec("SAVEPOINT earlier")
					q.exec("UPDATE bank.account SET n = n + 7 WHERE id IN (" + list64(ids) + ")")
					q.exec("INSERT INTO bank.journal (account, transfer, delta) VALUES (?, ?, 7)", ids[len(ids)-1], -x.number-1)
					q.exec("ROLLBACK TO SAVEPOINT earlier")
				}
				q.exec("UPDATE bank.account SET n = n + ? WHERE id = ?", x.deltas[id], id)
				q.exec("INSERT INTO bank.journal (account, transfer, delta) VALUES (?, ?, ?)", id, x.number, x.deltas[id])
			}
		}
		if way != 3 { // else it is rolled back
			q.commit()
		}
	})
	x.outcome, x.id = q.outcome(), q.id()
	if way == 3 && q.err == nil {
		x.outcome = failed
	}
	b.ledger.note(x)
	return q.err == nil
}

func list64(ids []int64) string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = fmt.Sprint(id)
	}
	return strings.Join(s, ", ")
}

// recents is how many of the last acknowledged transfers auditors choose from.
const recents = 64

func (l *ledger) note(x *transfer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transfers[x.number] = x
	switch {
	case x.outcome == done:
		if len(l.recent) == recents {
			l.recent = l.recent[1:]
		}
		l.recent = append(l.recent, x)
	case x.outcome == unknown && x.id != "":
		l.asked[x.id] = x
	}
}

// one is a transfer that has been acknowledged; nil when there is none yet.
func (l *ledger) one(r *rand.Rand) *transfer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.recent) == 0 {
		return nil
	}
	return l.recent[r.IntN(len(l.recent))]
}

// audit counts the money in a snapshot, which may show no half of a transfer, and everything that was acknowledged before it began.
func (b *bank) audit(r *rand.Rand, n *node, db *sql.DB) bool {
	known := b.ledger.one(r)
	id := r.Int64N(accounts)
	var wrong []string
	q := b.c.within(&b.tally, n, db, "audit", func(q *transaction) {
		check := func(what string, got []int64, want ...int64) {
			if q.err == nil && !slices.Equal(got, want) {
				wrong = append(wrong, fmt.Sprintf("%s: %v, not %v", what, got, want))
			}
		}
		q.begin("START TRANSACTION WITH CONSISTENT SNAPSHOT")
		check("accounts and their sum", q.ints("SELECT COUNT(*), SUM(n) FROM bank.account"), accounts, accounts*firstSum)
		check("the journal's sum", q.ints("SELECT COALESCE(SUM(delta), 0) FROM bank.journal"), 0)
		sum := q.ints("SELECT COALESCE(SUM(delta), 0) FROM bank.journal WHERE account = ?", id)
		if got := q.ints("SELECT n FROM bank.account WHERE id = ?", id); q.err == nil {
			check(fmt.Sprintf("account %d, by its journal", id), got, firstSum+sum[0])
		}
		if known != nil {
			for a, delta := range known.deltas {
				check(fmt.Sprintf("transfer %d, acknowledged before, at account %d", known.number, a),
					q.ints("SELECT delta FROM bank.journal WHERE account = ? AND transfer = ?", a, known.number), delta)
			}
		}
		check("the sum, once more", q.ints("SELECT SUM(n) FROM bank.account"), accounts*firstSum)
		q.commit()
	})
	for _, w := range wrong {
		b.c.story.fail("a snapshot at %s: %s", n.name, w)
	}
	return q.err == nil
}

// ask asks what became of transactions of unknown outcome.
func (b *bank) ask(ctx context.Context, n *node) {
	b.ledger.mu.Lock()
	var open []*transfer
	for _, x := range b.asked {
		open = append(open, x)
	}
	b.ledger.mu.Unlock()
	for _, x := range open {
		short, cancel := context.WithTimeout(ctx, statementIn)
		state, err := statusOf(short, n.text, x.id)
		cancel()
		b.ledger.mu.Lock()
		switch {
		case err != nil:
			var refused *mysql.MySQLError
			if errors.As(err, &refused) && !slices.Contains(passing, refused.Number) {
				b.c.story.fail("SHOW TRANSACTION STATUS %s at %s: %v", x.id, n.name, err)
				delete(b.asked, x.id)
			}
		case state == committedState || state == rolledBackState:
			x.told = state
			delete(b.asked, x.id)
		}
		b.ledger.mu.Unlock()
	}
}

// What SHOW TRANSACTION STATUS calls an end.
const (
	committedState  = "committed"
	rolledBackState = "rolled back"
)

// passing are errors that go away by themselves: a partition without a master, etcd away, a node that ends.
var passing = []uint16{1429, 1205, 1213, 1053, 12701, 1105, 1180}

// statusOf is what became of a transaction, as a node says.
func statusOf(ctx context.Context, db querier, id string) (state string, err error) {
	rows, err := texts(ctx, db, "SHOW TRANSACTION STATUS '"+id+"'")
	if err != nil {
		return "", err
	}
	if len(rows) != 1 || len(rows[0]) < 2 {
		return "", fmt.Errorf("SHOW TRANSACTION STATUS answers %v", rows)
	}
	return strings.ToLower(rows[0][1]), nil
}
