package gateway

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// transaction serves BEGIN, COMMIT, ROLLBACK and savepoints.
func (s *session) transaction(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, src source) error {
	if stmt.Tx != nil && stmt.Tx.Odd || stmt.Savepoint != nil && stmt.Savepoint.Odd { // it is for MariaDB to say what it does not accept: START TRANSACTION READ ONLY, READ WRITE
		if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil {
			return err
		}
	}
	switch stmt.Kind {
	case sqltext.KindBegin:
		if err := s.setMode(ctx); err != nil {
			return err
		}
		s.tables, s.lockedSequences = false, nil // an implicit UNLOCK TABLES
		leave, err := s.enterEnd(ctx)
		if err != nil {
			return err
		}
		defer leave()
		modes := txn.Modes{ReadOnly: stmt.Tx.ReadOnly, ReadWrite: stmt.Tx.ReadWrite, Snapshot: stmt.Tx.Snapshot}
		if modes.Snapshot {
			return s.done(src, s.beginSnapshot(ctx, modes))
		}
		return s.done(src, s.tx.Begin(ctx, modes))
	case sqltext.KindCommit, sqltext.KindRollback:
		return s.endTransaction(ctx, stmt, src)
	}
	sp := stmt.Savepoint
	name := sp.Name.Text
	var err error
	switch sp.Verb {
	case "SAVEPOINT":
		err = s.tx.Savepoint(ctx, name)
	case "ROLLBACK":
		var ok txn.OK
		ok, err = s.tx.RollbackTo(ctx, name)
		s.notes(ok.Notes)
	case "RELEASE":
		err = s.tx.ReleaseSavepoint(ctx, name)
	default:
		return s.unknown(ctx, scan)
	}
	return s.done(src, err)
}

func (s *session) endTransaction(ctx context.Context, stmt *sqltext.Stmt, src source) error {
	end := s.tx.Commit
	if stmt.Kind == sqltext.KindRollback {
		end = s.tx.Rollback
	}
	chain, release := stmt.Tx.Chain, stmt.Tx.Release
	switch completion, _ := s.spiderValue(findVariable(completionType), false); {
	case completion == "CHAIN":
		chain = !stmt.Tx.NoChain
	case completion == "RELEASE":
		release = !stmt.Tx.NoRelease
	}
	if stmt.Kind == sqltext.KindCommit {
		leave, err := s.enterEnd(ctx)
		if err != nil {
			return err
		}
		defer leave()
	}
	ok, err := end(ctx, txn.End{Chain: chain})
	if err != nil {
		return err
	}
	s.notes(ok.Notes)
	if !s.tx.InTransaction() {
		s.tx.EndStatement() // a SET TRANSACTION ends with it
	}
	if chain && !s.tx.InTransaction() { // MariaDB begins one although none has ended
		if err := s.tx.Begin(ctx, txn.Modes{}); err != nil {
			return err
		}
	}
	s.last.rowCount = 0
	if err := s.okTo(src, wire.OK{Warnings: ok.Warnings}); err != nil {
		return err
	}
	if release {
		s.released = true
	}
	return nil
}
