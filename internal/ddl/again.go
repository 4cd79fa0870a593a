package ddl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// retryEvery is how often a statement that waits for a leaf is tried again while the topology stays as it is.
const retryEvery = 50 * time.Millisecond

// Run runs one statement of kind sqltext.KindDDL (not ANALYZE and the like) to its end. Its errors have a method MySQL that tells the client, or are
// MariaDB's own, *wire.ServerError. The statement's tables and databases are the client's, unqualified ones are in s.Schema.
//
// A leaf that is lost is waited for, until it is back or others have its partitions. What the statement had done by then is settled as that of a node that has died is:
// undone, and the statement begins anew, or finished.
func (r *Runner) Run(ctx context.Context, s Session, scan *sqltext.Scan, stmt *sqltext.Stmt) (*Result, error) {
	if stmt.DDL == nil {
		return nil, errors.New("ddl: not a DDL statement")
	}
	var began time.Time // when it first failed: what it waited for before, a lock say, is no leaf's fault
	for {
		changed := r.cfg.Catalog.Changed()
		res, again, err := r.try(ctx, s, scan, stmt)
		if !again {
			return res, sealed(err)
		}
		if began.IsZero() {
			began = time.Now()
		}
		if !r.patient(ctx, err, began, r.cfg.Wait) {
			return nil, r.gaveUp(err)
		}
		pause(ctx, changed)
	}
}

// try runs the statement once. again: nothing of it is in force, and what it failed by may pass.
func (r *Runner) try(ctx context.Context, s Session, scan *sqltext.Scan, stmt *sqltext.Stmt) (res *Result, again bool, err error) {
	if s.Schema != "" && r.cfg.Catalog.Snapshot().Databases[s.Schema] == nil {
		s.Schema = "" // a database that was dropped is no default: MariaDB says 1046
	}
	j := &job{Runner: r, s: s, scan: scan, stmt: stmt, d: stmt.DDL}
	j.settleEngine()
	bound, done := j.bind(ctx)
	defer done()
	res, err = j.run(bound)
	switch {
	case err == nil || !passes(err) && !j.cutOff(err):
		if d := j.d; err == nil && (d.Object == "TABLE" || d.Object == "SEQUENCE" || d.Object == "INDEX") && d.Verb != "TRUNCATE" {
			for _, db := range j.databases() {
				r.heal(ctx, db)
			}
		}
		if e, ok := refused(err); ok && e == j.refusal {
			res = &Result{Notes: j.told}
		}
		return res, false, err
	case !j.open:
		return nil, true, err
	}
	j.loseLocks(ctx)
	return j.seeThrough(ctx, err)
}

// patient says whether waiting has a point still, for up to wait.
func (r *Runner) patient(ctx context.Context, err error, began time.Time, wait time.Duration) bool {
	return ctx.Err() == nil && time.Since(began) < wait && (r.cfg.Hopeless == nil || !r.cfg.Hopeless(err))
}

// pause waits for another topology, for a while.
func pause(ctx context.Context, changed <-chan struct{}) {
	select {
	case <-changed:
	case <-time.After(retryEvery):
	case <-ctx.Done():
	}
}

// cutOffWaits is how many times as long as for a leaf is waited for the outcome of a statement that was cut off: it is, or may be, in force already, and whoever
// is told that it is not finished everywhere can do nothing but wait.
const cutOffWaits = 6

// seeThrough settles a statement that was cut off by the loss of a leaf. It goes without the lock in between: a leaf that comes back needs it to become a member.
func (j *job) seeThrough(ctx context.Context, cause error) (res *Result, again bool, err error) {
	for began := time.Now(); ; {
		changed := j.cfg.Catalog.Changed()
		outcome, err := j.settleMine(ctx)
		switch {
		case err == nil && outcome == finished:
			return cmp.Or(j.res, &Result{}), false, j.verdict
		case err == nil && outcome == undone:
			return nil, true, cause
		case errors.Is(err, errCrash):
			return nil, false, err
		case err == nil || !settlesLater(err) || !j.patient(ctx, err, began, cutOffWaits*j.cfg.Wait):
			j.log.Warn("ddl: a statement that was cut off is left as it stands; it is settled before the next one on the database", "database", j.rec.Databases[0],
				"statement", j.rec.Statement, "tried_for", time.Since(began), "client_gone", ctx.Err() != nil, "cut_off_by", cause, "error", err)
			return nil, false, j.leftOpen(cause, err)
		}
		pause(ctx, changed)
	}
}

// leftOpen is what is told of a statement that was cut off by cause and could not be settled, for err; nil when somebody else has settled it, and how is not known.
func (j *job) leftOpen(cause, err error) error {
	switch {
	case err == nil:
		return unfinished(fmt.Sprintf("The statement was cut off, and it is not known whether it is in force; look at what it was to change: %v", cause), cause)
	case j.decided == certainly:
		return notEverywhere(err)
	}
	return unfinished(fmt.Sprintf("The statement was cut off (%v) and could not be settled yet; it will be finished or undone: %v", cause, err), err)
}

// What becomes of a statement that was cut off.
const (
	finished = "finished"
	undone   = "undone"
)

// settleMine settles the job's own record. Where somebody else has done so meanwhile, the outcome is what the record left no choice about, "" when it left one.
func (j *job) settleMine(ctx context.Context) (outcome string, err error) {
	wait, cancel := context.WithTimeout(ctx, j.cfg.Wait)
	lock, err := j.cfg.Node.Lock(wait, j.rec.Databases...)
	cancel()
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	ctx, cancel = context.WithTimeout(ctx, undoTime)
	defer cancel()
	recs, err := j.cfg.Catalog.DDLRecords(ctx, j.rec.Databases...)
	if err != nil {
		return "", err
	}
	if err := j.cfg.Catalog.Sync(ctx); err != nil {
		return "", err
	}
	for _, rec := range recs {
		if rec.ID == j.rec.ID && rec.Kind != leftovers { // those are no part of the statement's outcome
			again := &job{Runner: j.Runner, scan: j.scan, stmt: j.stmt, d: j.d, lock: lock, rec: rec, snap: j.cfg.Catalog.Snapshot(), decided: j.decided}
			outcome, err := again.settleOne(ctx)
			j.decided = again.decided
			return outcome, err
		}
	}
	switch {
	case j.decided == certainly:
		return finished, nil
	case j.decided == perhaps, j.rec.Kind == "drop table", j.rec.Kind == "drop database", j.todo.Reference && j.rec.Kind != "rename" && j.rec.Kind != "trigger":
		return "", nil
	}
	return undone, nil
}

// settlesLater says whether a statement that could not be settled may be a moment later: a leaf is away, etcd, the lock is lost or another's, connections are all
// in use, or it took too long. What a leaf refuses it will refuse again.
func settlesLater(err error) bool {
	return passes(err) || backend.SafeToRetry(err) || errors.Is(err, catalog.ErrLockLost) || errors.Is(err, catalog.ErrUnavailable) || errors.Is(err, catalog.ErrUnknown) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// passes says whether an error comes of a leaf that is away, or of a partition that is getting another master: it is over when that is.
func passes(err error) bool {
	var down *backend.LeafDownError
	var lost *backend.LostError
	var prepare *backend.PrepareError
	var rule *topo.Error
	e, isRefused := refused(err)
	switch {
	case errors.Is(err, errCrash):
		return false
	case errors.As(err, &down), errors.As(err, &lost), errors.Is(err, errOtherMaster):
		return true
	case errors.As(err, &prepare):
		return prepare.Err.Code == erNotServed || prepare.Err.Code == wire.ErServerShutdown
	case isRefused:
		return e.Code == wire.ErServerShutdown
	case errors.As(err, &rule):
		return errors.Is(rule.Kind, topo.ErrNoMaster) || errors.Is(rule.Kind, topo.ErrNoOnlineLeaf)
	}
	return false
}

// erNotServed is what a leaf refuses writes to a partition with whose master it is not.
const erNotServed = 1777

// gaveUp is what is told of a statement that has waited for a leaf in vain: nothing of it is in force.
func (r *Runner) gaveUp(err error) error {
	var own *Error
	var down *backend.LeafDownError
	var lost *backend.LostError
	leaf := ""
	switch {
	case errors.As(err, &own) && own.Unfinished: // of an earlier statement
		c := *own
		c.Unfinished, c.cause = false, nil
		return &c
	case errors.As(err, &down):
		leaf = down.Leaf
	case errors.As(err, &lost):
		leaf = lost.Leaf
	default:
		return err
	}
	return refuse(1429, "HY000", "Unable to connect to leaf %s. It was waited for, for up to %s, and no other leaf has taken its place; nothing of the statement is in force: run it again when SHOW LEAVES shows the leaf as online or offline",
		leaf, r.cfg.Wait)
}

// sealed keeps the loss of a leaf to itself, which would have the session say the statement to another leaf: it has been seen to.
func sealed(err error) error {
	var own *Error
	if errors.As(err, &own) && own.cause != nil && (passes(own.cause) || own.Unfinished && backend.SafeToRetry(own.cause)) {
		c := *own
		c.cause = nil
		return &c
	}
	return err
}
