package gateway

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// transaction serves BEGIN, COMMIT, ROLLBACK and savepoints.
func (s *session) transaction(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, src source) error {
	switch stmt.Kind {
	case sqltext.KindBegin:
		// What MariaDB would not accept (START TRANSACTION READ ONLY, READ WRITE) is for MariaDB to say.
		if len(scan.Tokens) > 2 {
			if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil {
				return err
			}
		}
		s.tables = false // an implicit UNLOCK TABLES
		return s.done(src, s.tx.Begin(ctx, txn.Modes{ReadOnly: stmt.Tx.ReadOnly, ReadWrite: stmt.Tx.ReadWrite, Snapshot: stmt.Tx.Snapshot}))
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
		err = s.tx.RollbackTo(ctx, name)
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
	ok, err := end(ctx, txn.End{Chain: stmt.Tx.Chain})
	if err != nil {
		return err
	}
	s.last.rowCount = 0
	if err := s.okTo(src, wire.OK{Warnings: ok.Warnings}); err != nil {
		return err
	}
	if stmt.Tx.Release {
		s.released = true
	}
	return nil
}
