package txn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// LostError: the transaction lost a part of itself and was rolled back everywhere. The client may run it again.
type LostError struct {
	Place Place
	Err   error // what happened; nil when the partition has moved to another master
}

func (e *LostError) Error() string {
	if e.Place == (Place{}) {
		return fmt.Sprintf("the transaction was rolled back: %v; try restarting transaction", e.Err)
	}
	if e.Err == nil {
		return fmt.Sprintf("the transaction was rolled back: %s has a new master; try restarting transaction", e.Place)
	}
	return fmt.Sprintf("the transaction was rolled back: %s was lost (%v); try restarting transaction", e.Place, e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// SafeToRetry is true for the transaction as a whole: nothing of it has been committed.
func (e *LostError) SafeToRetry() bool { return true }

// MySQL is 1213 ER_LOCK_DEADLOCK, which clients answer by running the transaction again.
func (e *LostError) MySQL() (uint16, string, string) { return 1213, "40001", e.Error() }

// Graver is the one of two errors of a statement that its client must hear of, either may be nil: the first, unless only the other one says that
// the transaction is over. Who does not hear that takes what follows for a part of it.
func Graver(first, other error) error {
	if first == nil || !Over(first) && Over(other) {
		return other
	}
	return first
}

// Over says whether an error is one with which a transaction has ended.
func Over(err error) bool {
	var lost *LostError
	var deadlock *DeadlockError
	var ended *EndedError
	var own *wire.ServerError
	return errors.As(err, &lost) || errors.As(err, &deadlock) || errors.As(err, &ended) || errors.As(err, &own) && own.Code == wire.ErDeadlock
}

// OutsideError: a place is no part of the transaction's consistent snapshot: it was not there when that was opened, or had no master.
type OutsideError struct{ Place Place }

func (e *OutsideError) Error() string {
	return fmt.Sprintf("%s is no part of the transaction's consistent snapshot: it was not there when that was opened, or had no master; please retry transaction", e.Place)
}

// MySQL is 1412 ER_TABLE_DEF_CHANGED, MariaDB's own for tables that are younger than a snapshot.
func (e *OutsideError) MySQL() (uint16, string, string) { return 1412, "HY000", e.Error() }

// EndedError: a statement (a procedure's COMMIT, for example) ended the transaction at one partition while it spanned several. It was rolled back
// at the others.
type EndedError struct{ Place Place }

func (e *EndedError) Error() string {
	return fmt.Sprintf("the statement ended the transaction at %s by itself; it was rolled back at the other partitions", e.Place)
}

// OutcomeUnknown is true for the partition that ended it: it may have committed.
func (e *EndedError) OutcomeUnknown() bool { return true }

// MySQL is 1180 ER_ERROR_DURING_COMMIT.
func (e *EndedError) MySQL() (uint16, string, string) { return 1180, "HY000", e.Error() }

// PartialCommitError: a transaction over several partitions that was not atomic was committed at some of them only. Each place that it may have
// written to is in exactly one of the lists.
type PartialCommitError struct {
	Committed  []Place
	RolledBack []Place
	Unknown    []Place // COMMIT was sent, its answer never came
	Err        error   // of the first commit that failed
}

func (e *PartialCommitError) Error() string {
	var b strings.Builder
	b.WriteString("the transaction was committed only in part: committed at ")
	list(&b, e.Committed)
	if len(e.RolledBack) > 0 {
		b.WriteString("; rolled back at ")
		list(&b, e.RolledBack)
	}
	if len(e.Unknown) > 0 {
		b.WriteString("; unknown at ")
		list(&b, e.Unknown)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

func (e *PartialCommitError) Unwrap() error { return e.Err }

// OutcomeUnknown is true when it is unknown for at least one partition.
func (e *PartialCommitError) OutcomeUnknown() bool { return len(e.Unknown) > 0 }

// MySQL is 1180 ER_ERROR_DURING_COMMIT.
func (e *PartialCommitError) MySQL() (uint16, string, string) { return 1180, "HY000", e.Error() }

// PendingCommitError: the transaction is committed for good, and some places do not show it yet.
type PendingCommitError struct {
	ID     ID
	Places []Place // those, or some of them
	Err    error   // why; it is no part of the error: nothing is to be tried again
}

func (e *PendingCommitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "transaction %s is committed, but not yet to be seen at ", e.ID)
	list(&b, e.Places)
	fmt.Fprintf(&b, ", where it will be as soon as possible: %v; SHOW TRANSACTION STATUS '%s' tells when it is", e.Err, e.ID)
	return b.String()
}

// MySQL is 1180 ER_ERROR_DURING_COMMIT.
func (e *PendingCommitError) MySQL() (uint16, string, string) { return 1180, "HY000", e.Error() }

// UnknownCommitError: COMMIT was sent, its answer never came, and nothing else was committed: the transaction was committed or not.
type UnknownCommitError struct {
	// ID is the transaction's when it is atomic: all of it was committed, or nothing. Zero: it is about one place.
	ID         ID
	Place      Place
	RolledBack []Place
	Err        error
}

func (e *UnknownCommitError) Error() string {
	var b strings.Builder
	if !e.ID.IsZero() {
		fmt.Fprintf(&b, "it is unknown whether transaction %s was committed, at all of its places or at none: %s has not answered (%v); SHOW TRANSACTION STATUS '%s' tells what became of it",
			e.ID, e.Place, e.Err, e.ID)
		return b.String()
	}
	fmt.Fprintf(&b, "it is unknown whether the transaction was committed at %s", e.Place)
	if len(e.RolledBack) > 0 {
		b.WriteString("; it was rolled back at ")
		list(&b, e.RolledBack)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

func (e *UnknownCommitError) Unwrap() error { return e.Err }

// OutcomeUnknown is true.
func (e *UnknownCommitError) OutcomeUnknown() bool { return true }

// MySQL is 1180 ER_ERROR_DURING_COMMIT.
func (e *UnknownCommitError) MySQL() (uint16, string, string) { return 1180, "HY000", e.Error() }

func list(b *strings.Builder, places []Place) {
	for i, p := range places {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.String())
	}
}
