package ddl

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
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
	for began := time.Now(); ; {
		changed := r.cfg.Catalog.Changed()
		res, again, err := r.try(ctx, s, scan, stmt, began)
		if !again {
			return res, sealed(err)
		}
		if !r.patient(ctx, err, began) {
			return nil, r.gaveUp(err)
		}
		pause(ctx, changed)
	}
}

// try runs the statement once. again: nothing of it is in force, and what it failed by may pass.
func (r *Runner) try(ctx context.Context, s Session, scan *sqltext.Scan, stmt *sqltext.Stmt, began time.Time) (res *Result, again bool, err error) {
	if s.Schema != "" && r.cfg.Catalog.Snapshot().Databases[s.Schema] == nil {
		s.Schema = "" // a database that was dropped is no default: MariaDB says 1046
	}
	j := &job{Runner: r, s: s, scan: scan, stmt: stmt, d: stmt.DDL}
	bound, done := j.bind(ctx)
	defer done()
	res, err = j.run(bound)
	switch {
	case err == nil || !passes(err) && !j.cutOff(err):
		return res, false, err
	case !j.open:
		return nil, true, err
	}
	return j.seeThrough(ctx, err, began)
}

// patient says whether waiting has a point still.
func (r *Runner) patient(ctx context.Context, err error, began time.Time) bool {
	return ctx.Err() == nil && time.Since(began) < r.cfg.Wait && (r.cfg.Hopeless == nil || !r.cfg.Hopeless(err))
}

// pause waits for another topology, for a while.
func pause(ctx context.Context, changed <-chan struct{}) {
	select {
	case <-changed:
	case <-time.After(retryEvery):
	case <-ctx.Done():
	}
}

// seeThrough settles a statement that was cut off by the loss of a leaf. It goes without the lock in between: a leaf that comes back needs it to become a member.
func (j *job) seeThrough(ctx context.Context, cause error, began time.Time) (res *Result, again bool, err error) {
	for {
		changed := j.cfg.Catalog.Changed()
		outcome, err := j.settleMine(ctx)
		switch {
		case err == nil && outcome == finished:
			return cmp.Or(j.res, &Result{}), false, j.verdict
		case err == nil && outcome == undone:
			return nil, true, cause
		case err == nil || !passes(err) || !j.patient(ctx, err, began):
			return nil, false, cause // as it stands: whoever settles it says so in the log
		}
		pause(ctx, changed)
	}
}

// What becomes of a statement that was cut off.
const (
	finished = "finished"
	undone   = "undone"
)

// settleMine settles the job's own record. Where somebody else has done so meanwhile, the outcome is what the record left no choice about, "" when it left one.
func (j *job) settleMine(ctx context.Context) (outcome string, err error) {
	ctx, cancel := context.WithTimeout(ctx, j.cfg.Wait)
	defer cancel()
	lock, err := j.cfg.Node.Lock(ctx, j.rec.Databases...)
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	recs, err := j.cfg.Catalog.DDLRecords(ctx, j.rec.Databases...)
	if err != nil {
		return "", err
	}
	if err := j.cfg.Catalog.Sync(ctx); err != nil {
		return "", err
	}
	for _, rec := range recs {
		if rec.ID == j.rec.ID {
			again := &job{Runner: j.Runner, scan: j.scan, stmt: j.stmt, d: j.d, lock: lock, rec: rec, snap: j.cfg.Catalog.Snapshot()}
			return again.settleOne(ctx)
		}
	}
	switch {
	case j.todo.Go:
		return finished, nil
	case j.rec.Kind == "drop table", j.rec.Kind == "drop database", j.todo.Reference && j.rec.Kind != "rename":
		return "", nil
	}
	return undone, nil
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
	if errors.As(err, &own) && own.cause != nil && passes(own.cause) {
		c := *own
		c.cause = nil
		return &c
	}
	return err
}
