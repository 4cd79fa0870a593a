package gateway

import (
	"context"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// xaOpen says whether the session's XA transaction, if it has one, lets statements be run as ever.
func (s *session) xaOpen() bool { return s.xa == nil || s.xa.state == xaActive }

// xaRefuses is MariaDB's error for a statement that the state of the session's XA transaction does not allow: all that would end the transaction in any of them, all
// that touches tables in any but ACTIVE.
func (s *session) xaRefuses(stmt *sqltext.Stmt) error {
	if s.xa == nil {
		return nil
	}
	refused := false
	switch stmt.Kind {
	case sqltext.KindBegin, sqltext.KindCommit, sqltext.KindRollback, sqltext.KindLock, sqltext.KindAccount, sqltext.KindFlush:
		refused = true
	case sqltext.KindDDL:
		refused = !stmt.DDL.Temporary || s.xa.state != xaActive
	case sqltext.KindAdmin:
		refused = stmt.DDL.Verb != "CHECKSUM"
	case sqltext.KindCluster:
		refused = !stmt.Cluster.Explain && !strings.HasPrefix(stmt.Cluster.Verb, "SHOW")
	case sqltext.KindSavepoint:
		refused = stmt.Savepoint.Verb == "SAVEPOINT" && (s.xa.state == xaIdle || s.xa.state == xaPrepared)
	case sqltext.KindSet:
		if s.xa.state == xaPrepared && stmt.Set.Transaction && nextOnly(stmt.Set) {
			return &wire.ServerError{Code: 1568, State: "25001", Message: "Transaction characteristics can't be changed while a transaction is in progress"}
		}
	}
	if refused || s.xa.state != xaActive && s.opensTables(stmt) {
		return errXAState(s.xa.state)
	}
	return nil
}

// nextOnly says whether SET TRANSACTION is for the next transaction alone.
func nextOnly(set *sqltext.Set) bool {
	for i := range set.Vars {
		if set.Vars[i].Scope != "" {
			return false
		}
	}
	return true
}

// opensTables says whether a statement reads or writes what MariaDB calls a table: derived ones too, and those of information_schema not.
func (s *session) opensTables(stmt *sqltext.Stmt) bool {
	for _, t := range stmt.Tables {
		if !s.inInfoSchema(t) {
			return true
		}
	}
	q := stmt.Query
	return q != nil && q.Select != nil && makesTable(q.Select.From)
}

func makesTable(from []sqltext.TableRef) bool {
	for i := range from {
		r := &from[i]
		if r.Derived != nil || r.Table != nil && r.Table.CTE || makesTable(r.Nested) {
			return true
		}
		if r.Join != nil && (makesTable([]sqltext.TableRef{r.Join.Left}) || makesTable([]sqltext.TableRef{r.Join.Right})) {
			return true
		}
	}
	return false
}

// xaLost notes that a statement, which failed with err, has lost the session's XA transaction: it can only be rolled back from now on.
func (s *session) xaLost(ctx context.Context, err error) {
	if s.xa == nil {
		return
	}
	if s.xa.state == xaPrepared || s.xa.state == xaRollbackOnly {
		if s.tx.InTransaction() { // with autocommit off, by a statement on no table
			_, _ = s.tx.Rollback(ctx, endPlain)
		}
		return
	}
	if s.tx.InTransaction() {
		return
	}
	s.xa.state = xaRollbackOnly
	if err != nil {
		s.xa.cause = serverError(ctx, err).Code
	}
}

// inTransactionNow says whether clients see a transaction: one that is prepared is none of the session's connections' any more.
func (s *session) inTransactionNow() bool { return s.tx.InTransaction() || s.xaState() == xaPrepared }
