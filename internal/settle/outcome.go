package settle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

const (
	// rowsAtOnce is how many decisions one statement reads or takes away, decidedAtOnce how many are made.
	rowsAtOnce    = 250
	decidedAtOnce = 64
	// blockedAtOnce is how many decisions that somebody is in the way of are written at the same time, each on a connection of its own: it is only seen who is in the way of
	// one that waits.
	blockedAtOnce = 32
	// blockedAfter is how long it may take until it is looked who is in the way, and how often then: InnoDB tells nothing new sooner.
	blockedAfter = 120 * time.Millisecond
	// lockWait bounds each wait for a lock, in seconds: nobody waits at a leaf for who has given up.
	lockWait = 4
	// confirmWithin bounds how long replicas of a SYNC database are waited for.
	confirmWithin = 5 * time.Second
)

// ErrMoved: the deciding partition has got another master while it was asked, or this node can't know. Nothing follows from what it has said.
var ErrMoved = errors.New("the partition that decides may have another master by now")

// decide makes transactions that nothing was decided about rolled back, and says what is decided about each, but for those whose decisions have been written by
// transactions that are open. What a partition has said is to be confirmed.
func (s *Settler) decide(ctx context.Context, at Place, ids []txn.ID) (out Outcomes, blocked []txn.ID, err error) {
	c, err := s.at(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	defer c.Release()
	fail := func(err error) (Outcomes, []txn.ID, error) { return nil, nil, fmt.Errorf("%s: %w", at, err) }
	if out, err = s.decided(ctx, c, at, ids); err != nil {
		return fail(err)
	}
	if len(out) == len(ids) {
		return out, nil, nil
	}
	if _, err := s.run(ctx, c, "SET SESSION tx_isolation = 'READ-COMMITTED', innodb_lock_wait_timeout = 0"); err != nil {
		return fail(err)
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id txn.ID) bool { return out[id] != "" })
	if blocked, err = s.write(ctx, c, at, ids, nil); err != nil {
		return fail(err)
	}
	now, err := s.decided(ctx, c, at, ids)
	if err != nil {
		return fail(err)
	}
	maps.Copy(out, now)
	return out, blocked, nil
}

// insert writes that transactions are rolled back. A row that somebody else has written is left as it is.
func insert(at Place, ids []txn.ID) string {
	var sql strings.Builder
	sql.WriteString("INSERT IGNORE INTO " + mariadb.Schema + ".decisions (`partition`, owner, seq, outcome) VALUES ")
	for i, id := range ids {
		if i > 0 {
			sql.WriteString(", ")
		}
		fmt.Fprintf(&sql, "(%s, %d, %d, 'rolled back')", lit(at.Partition.Schema()), id.Owner, id.Seq)
	}
	return sql.String()
}

// write inserts without waiting for locks, and finds those that would.
func (s *Settler) write(ctx context.Context, c *backend.Conn, at Place, ids, blocked []txn.ID) ([]txn.ID, error) {
	_, err := s.run(ctx, c, insert(at, ids))
	switch half := len(ids) / 2; {
	case !refused(err, erLockWait, erDeadlock):
		return blocked, err
	case half == 0:
		return append(blocked, ids...), nil
	default:
		if blocked, err = s.write(ctx, c, at, ids[:half], blocked); err != nil {
			return nil, err
		}
		return s.write(ctx, c, at, ids[half:], blocked)
	}
}

const (
	erLockWait = 1205
	erDeadlock = 1213
)

// decideBlocked is decide for one transaction after the other whose decision an open transaction has written: those connections are ended that are in the way.
func (s *Settler) decideBlocked(ctx context.Context, at Place, ids []txn.ID) (Outcomes, error) {
	out := Outcomes{}
	var failed error
	var mu sync.Mutex
	var writing, watching sync.WaitGroup
	w := &waiting{threads: map[uint64]bool{}}
	done := make(chan struct{})
	watching.Go(func() { s.unblock(ctx, at.Leaf, w, done) })
	turn := make(chan struct{}, blockedAtOnce)
	for _, id := range ids {
		writing.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			now, err := s.decideOne(ctx, at, id, w)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(out, now)
			if err != nil {
				failed = err
			}
		})
	}
	writing.Wait()
	close(done)
	watching.Wait()
	return out, failed
}

func (s *Settler) decideOne(ctx context.Context, at Place, id txn.ID, w *waiting) (Outcomes, error) {
	c, err := s.at(ctx, at)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	if _, err = s.run(ctx, c, fmt.Sprintf("SET SESSION tx_isolation = 'READ-COMMITTED', innodb_lock_wait_timeout = %d", lockWait)); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	w.set(c.Thread(), true)
	_, err = s.run(ctx, c, insert(at, []txn.ID{id}))
	w.set(c.Thread(), false)
	var out Outcomes
	if err == nil {
		out, err = s.decided(ctx, c, at, []txn.ID{id})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: transaction %s: %w", at, id, err)
	}
	return out, nil
}

// waiting are threads that may wait for locks.
type waiting struct {
	mu      sync.Mutex
	threads map[uint64]bool
}

func (w *waiting) set(thread uint64, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if on {
		w.threads[thread] = true
	} else {
		delete(w.threads, thread)
	}
}

func (w *waiting) has(thread uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.threads[thread]
}

// decided reads decisions.
func (s *Settler) decided(ctx context.Context, c *backend.Conn, at Place, ids []txn.ID) (Outcomes, error) {
	res, err := s.run(ctx, c, "SELECT owner, seq, outcome FROM "+mariadb.Schema+".decisions WHERE `partition` = "+lit(at.Partition.Schema())+" AND "+named(ids))
	if err != nil {
		return nil, err
	}
	return outcomesOf(res)
}

// named is a condition that rows of transactions fulfil: by ranges of the primary key.
func named(ids []txn.ID) string {
	by := map[uint64][]string{}
	var owners []uint64
	for _, id := range ids {
		if by[id.Owner] == nil {
			owners = append(owners, id.Owner)
		}
		by[id.Owner] = append(by[id.Owner], strconv.FormatUint(id.Seq, 10))
	}
	slices.Sort(owners)
	var parts []string
	for _, o := range owners {
		parts = append(parts, fmt.Sprintf("owner = %d AND seq IN (%s)", o, strings.Join(by[o], ", ")))
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

func outcomesOf(res *backend.Result) (Outcomes, error) {
	out := Outcomes{}
	for _, row := range res.Rows {
		id, o, err := outcomeOf(row)
		if err != nil {
			return nil, err
		}
		out[id] = o
	}
	return out, nil
}

// outcomeOf reads a decision: owner, seq, outcome.
func outcomeOf(row [][]byte) (id txn.ID, out catalog.Outcome, err error) {
	owner, err1 := strconv.ParseUint(string(row[0]), 10, 64)
	seq, err2 := strconv.ParseUint(string(row[1]), 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return id, "", err
	}
	id, out = txn.ID{Owner: owner, Seq: seq}, catalog.Outcome(row[2])
	if out != catalog.Committed && out != catalog.RolledBack {
		return id, "", fmt.Errorf("transaction %s: %q is no decision", id, out)
	}
	return id, out, nil
}

// unblock ends the connections that hold what threads wait for, until done. Only a transaction that has written the same decision does: its owner has gone silent
// between that and COMMIT.
func (s *Settler) unblock(ctx context.Context, leaf string, w *waiting, done <-chan struct{}) {
	for {
		select {
		case <-time.After(blockedAfter):
		case <-done:
			return
		case <-ctx.Done():
			return
		}
		if err := s.endBlockers(ctx, leaf, w); err != nil && ctx.Err() == nil {
			s.log.Info("settle: who is in the way can't be ended yet", "leaf", leaf, "error", err)
		}
	}
}

func (s *Settler) endBlockers(ctx context.Context, leaf string, w *waiting) error {
	c, err := s.at(ctx, Place{Leaf: leaf})
	if err != nil {
		return err
	}
	defer c.Release()
	now, err := s.blockers(ctx, c, w)
	if err != nil {
		return err
	}
	for _, t := range now {
		s.log.Info("settle: the connection of a transaction is ended whose owner has not committed what it had decided", "leaf", leaf, "thread", t)
		if _, err := s.run(ctx, c, "KILL CONNECTION "+strconv.FormatUint(t, 10)); err != nil && !refused(err, erNoSuchThread) {
			return err
		}
	}
	return nil
}

// waits lists transactions and who waits for whom, in one statement, so that both are of one moment.
const waits = "SELECT 0, trx_id, trx_mysql_thread_id, trx_state FROM information_schema.INNODB_TRX UNION ALL " +
	"SELECT 1, requesting_trx_id, blocking_trx_id, '' FROM information_schema.INNODB_LOCK_WAITS"

// blockers are the threads that others wait for. Behind one that waits itself, as who settles the same does, are those that it waits for.
func (s *Settler) blockers(ctx context.Context, c *backend.Conn, w *waiting) ([]uint64, error) {
	res, err := s.run(ctx, c, waits)
	if err != nil {
		return nil, err
	}
	threads, waits, behind := map[string]uint64{}, map[string]bool{}, map[string][]string{}
	var next []string
	for _, row := range res.Rows {
		first, second := string(row[1]), string(row[2])
		if string(row[0]) == "1" {
			behind[first] = append(behind[first], second)
			continue
		}
		t, err := strconv.ParseUint(second, 10, 64)
		if err != nil {
			continue
		}
		threads[first], waits[first] = t, string(row[3]) == "LOCK WAIT"
		if w.has(t) {
			next = append(next, first)
		}
	}
	var out []uint64
	for met := map[string]bool{}; len(next) > 0; next = next[1:] {
		trx := next[0]
		switch {
		case met[trx]:
		case waits[trx]:
			next = append(next, behind[trx]...)
		case threads[trx] != 0 && !w.has(threads[trx]):
			out = append(out, threads[trx])
		}
		met[trx] = true
	}
	return out, nil
}

// confirm makes sure that what a deciding partition has said will be said by its next masters, too: in a SYNC database all replicas have it, and the topology is
// what it was when it was asked, as far as this node may believe what it knows.
func (s *Settler) confirm(ctx context.Context, at Place) error {
	snap := s.cfg.Catalog.Snapshot()
	p, d := snap.Partition(at.Partition), snap.Databases[at.Partition.DB]
	if p == nil || p.Term != at.Term {
		return fmt.Errorf("%s: %w", at, ErrMoved)
	}
	if replicas := p.Replicas(); d.Replication == topo.Sync && len(replicas) > 0 {
		ctx, cancel := context.WithTimeout(ctx, confirmWithin)
		defer cancel()
		pos, err := s.servers.BinlogPosition(ctx, at.Leaf)
		if err != nil {
			return err
		}
		for _, leaf := range replicas {
			if err := s.servers.WaitApplied(ctx, leaf, pos[at.Domain]); err != nil {
				return fmt.Errorf("%s: the decision is not at its replica yet: %w", at, err)
			}
		}
	}
	if p := s.cfg.Catalog.Snapshot().Partition(at.Partition); p == nil || p.Term != at.Term || s.cfg.Node != nil && !s.cfg.Node.Valid() {
		return fmt.Errorf("%s: %w", at, ErrMoved)
	}
	return nil
}

// catalogAtOnce is how many decisions are made in the catalog at the same time.
const catalogAtOnce = 16

// decideInCatalog is decide where the catalog decides.
func (s *Settler) decideInCatalog(ctx context.Context, ids []txn.ID) (Outcomes, error) {
	out := Outcomes{}
	var mu sync.Mutex
	var failed error
	var deciding sync.WaitGroup
	turn := make(chan struct{}, catalogAtOnce)
	for _, id := range ids {
		deciding.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			d, err := s.cfg.Catalog.Decide(ctx, &catalog.Decision{ID: id.String(), Owner: int64(id.Owner), Outcome: catalog.RolledBack})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed = fmt.Errorf("transaction %s: %w", id, err)
			case d.Outcome != catalog.Prepared:
				out[id] = d.Outcome
			}
		})
	}
	deciding.Wait()
	return out, failed
}
