package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// last carries out transfers that touch all accounts, at each node: when nothing is disturbed none may fail, and no lock may be left.
func (b *bank) last(ctx context.Context) {
	for i, name := range b.c.shape.nodes {
		n := b.c.nodes[name]
		t := &teller{id: clients + i, rand: rand.New(rand.NewPCG(b.seed, uint64(5000+i))), next: int64(clients+i) << 32}
		for range 10 {
			if !b.transfer(t, n, n.text) {
				b.c.story.fail("a transfer fails at %s, and nothing is disturbed", name)
			}
		}
		q := b.c.within(&b.tally, n, n.text, "lock all", func(q *transaction) {
			q.begin("BEGIN")
			if ids := q.ints("SELECT id FROM bank.account FOR UPDATE"); q.err == nil && len(ids) != accounts {
				b.c.story.fail("%d accounts at %s", len(ids), name)
			}
			q.commit()
		})
		if q.err != nil {
			b.c.story.fail("the accounts can't be locked at %s, and nothing is disturbed: %v", name, q.err)
		}
		if !b.audit(t.rand, n, n.text) {
			b.c.story.fail("there is no snapshot at %s, and nothing is disturbed", name)
		}
		b.ask(ctx, n)
	}
}

// finish compares what the clients know with what each node tells.
func (b *bank) finish(ctx context.Context) {
	for id, x := range b.asked {
		b.c.story.fail("nobody can tell what became of transaction %s (transfer %d)", id, x.number)
	}
	counts := map[string]int{}
	for _, name := range b.c.shape.nodes {
		short, cancel := context.WithTimeout(ctx, 2*statementIn)
		rows, err := ints(short, b.c.nodes[name].text, "SELECT transfer, account, delta FROM bank.journal")
		if err != nil {
			b.c.story.fail("the journal at %s: %v", name, err)
		}
		sums, err := ints(short, b.c.nodes[name].text, "SELECT id, n FROM bank.account ORDER BY id")
		cancel()
		if err != nil {
			b.c.story.fail("the accounts at %s: %v", name, err)
			continue
		}
		clear(counts)
		for _, w := range b.ledger.compare(rows, sums, counts) {
			b.c.story.fail("in the end, at %s: %s", name, w)
		}
	}
	b.c.story.say("%d transfers: %v", len(b.transfers), counts)
}

// compare says what is wrong: rows are transfer, account and delta of all the journal, sums id and sum of all accounts.
func (l *ledger) compare(rows, sums []int64, counts map[string]int) (wrong []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	there := map[int64]map[int64]int64{}
	by := map[int64]int64{}
	for i := 0; i+2 < len(rows); i += 3 {
		number, account, delta := rows[i], rows[i+1], rows[i+2]
		if there[number] == nil {
			there[number] = map[int64]int64{}
		}
		there[number][account] = delta
		by[account] += delta
	}
	for number := range there {
		if l.transfers[number] == nil {
			say("the journal has transfer %d, which nobody made", number)
		}
	}
	for number, x := range l.transfers {
		got := there[number]
		whole := len(got) == len(x.deltas)
		for account, delta := range x.deltas {
			if g, ok := got[account]; ok && g != delta {
				say("transfer %d: %d at account %d, not %d", number, g, account, delta)
			}
		}
		state := []string{"acknowledged", "failed", "unknown"}[x.outcome]
		if x.outcome == unknown {
			state += " and " + map[bool]string{true: "there", false: "not there"}[whole]
			if x.told != "" {
				state += ", as was told"
			}
		}
		counts[state]++
		switch {
		case len(got) > 0 && !whole:
			say("transfer %d (%s) is there in part: %v of %v", number, state, got, x.deltas)
		case x.outcome == done && !whole:
			say("transfer %d was acknowledged, and is not there", number)
		case x.outcome == failed && whole:
			say("transfer %d failed, and is there", number)
		case x.told == committedState && !whole:
			say("transfer %d (transaction %s) is not there, and was told to be committed", number, x.id)
		case x.told == rolledBackState && whole:
			say("transfer %d (transaction %s) is there, and was told to be rolled back", number, x.id)
		}
	}
	if len(sums) != 2*accounts {
		say("%d accounts, not %d", len(sums)/2, accounts)
	}
	total := int64(0)
	for i := 0; i+1 < len(sums); i += 2 {
		total += sums[i+1]
		if want := firstSum + by[sums[i]]; sums[i+1] != want {
			say("account %d is %d, by its journal %d", sums[i], sums[i+1], want)
		}
	}
	if total != accounts*firstSum {
		say("the sum is %d, not %d", total, accounts*firstSum)
	}
	slices.Sort(wrong)
	return wrong
}

func (b *bank) summary() { b.tell(b.c.story) }

// settledWithin is how long a branch may stay prepared when nothing is disturbed: they are looked for once a minute.
const settledWithin = 90 * time.Second

// settled wants that no leaf has a branch in doubt.
func (c *cluster) settled(ctx context.Context) {
	for end := time.Now().Add(settledWithin); ; {
		var doubt []string
		for _, leaf := range sorted(c.direct) {
			short, cancel := context.WithTimeout(ctx, 10*time.Second)
			rows, err := texts(short, c.direct[leaf], "XA RECOVER")
			cancel()
			if err != nil {
				doubt = append(doubt, fmt.Sprintf("%s: %v", leaf, err))
			}
			for _, r := range rows {
				doubt = append(doubt, fmt.Sprintf("%s: %v", leaf, r))
			}
		}
		if len(doubt) == 0 {
			c.story.say("no branch is in doubt")
			return
		}
		if time.Now().After(end) || !sleep(ctx, 500*time.Millisecond) {
			c.story.fail("%d branches are in doubt: %s", len(doubt), strings.Join(doubt[:min(len(doubt), 10)], "; "))
			return
		}
	}
}
