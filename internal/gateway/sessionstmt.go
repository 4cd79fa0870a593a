package gateway

import (
	"bytes"
	"context"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// sessionStatement serves the statements that are no queries and change no rows.
func (s *session) sessionStatement(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	if writesByItself(stmt) && !(s.stop != nil && s.xa != nil) { // its own XA transaction has written nothing
		return s.aloneWriting(ctx, func() error { return s.ownStatement(ctx, w, stmt, snap, src) })
	}
	err := s.ownStatement(ctx, w, stmt, snap, src)
	if err == nil && (stmt.Kind == sqltext.KindShow || stmt.Kind == sqltext.KindExplain || stmt.Kind == sqltext.KindAdmin) {
		s.last.rowCount = -1 // as after all that gives rows
	}
	return err
}

// ownStatement serves a session's statement by what it is.
func (s *session) ownStatement(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	scan := &w.scan
	switch stmt.Kind {
	case sqltext.KindEmpty:
		return s.done(src, s.nothing(ctx, scan))
	case sqltext.KindUse:
		return s.done(src, s.useDB(stmt.Name.Text))
	case sqltext.KindSet:
		return s.done(src, s.set(ctx, scan, stmt))
	case sqltext.KindSetRole:
		return s.done(src, s.setRole(ctx, scan))
	case sqltext.KindShow:
		return s.showStatement(ctx, w, stmt, snap, src)
	case sqltext.KindExplain:
		return s.explain(ctx, w, stmt, snap, src)
	case sqltext.KindBegin, sqltext.KindCommit, sqltext.KindRollback, sqltext.KindSavepoint:
		return s.transaction(ctx, scan, stmt, src)
	case sqltext.KindPrepare, sqltext.KindExecute, sqltext.KindDeallocate:
		return s.namedStatement(ctx, scan, stmt, src)
	case sqltext.KindLock:
		err := s.lockTables(ctx, scan, stmt, snap)
		if err == nil {
			s.lockWrites(stmt)
		}
		return s.done(src, err)
	case sqltext.KindUnlock:
		return s.done(src, s.unlockTables(ctx))
	case sqltext.KindAccount:
		return s.done(src, s.setAccount(ctx, scan, stmt, snap))
	case sqltext.KindKill:
		return s.killStatement(ctx, scan, stmt, src)
	case sqltext.KindFlush:
		return s.done(src, s.flush(ctx, scan, stmt, snap))
	case sqltext.KindCluster:
		return s.clusterStatement(ctx, scan, stmt, snap, src)
	case sqltext.KindAdmin:
		return s.admin(ctx, scan, stmt, snap, src)
	case sqltext.KindDDL:
		if stmt.DDL != nil && programs[stmt.DDL.Object].why != "" && !s.onOwnProgram(scan, stmt.DDL, snap) {
			return s.program(ctx, w, stmt, snap, src)
		}
		return s.ddl(ctx, scan, stmt, snap, src)
	case sqltext.KindXA:
		return s.xaStatement(ctx, w, stmt, src)
	case sqltext.KindSignal:
		return s.done(src, s.signal(ctx, scan))
	case sqltext.KindDiagnostics:
		added, err := s.diagnostics(ctx, scan, stmt)
		if err != nil {
			return err
		}
		return s.okTo(src, wire.OK{Warnings: uint16(added)})
	case sqltext.KindHelp:
		return s.forwardAny(ctx, w, snap, src)
	case sqltext.KindHandler:
		return s.handler(ctx, w, stmt, snap, src)
	}
	if words := leadingWords(scan, 2); len(words) == 2 && words[1] == "INDEX" && (words[0] == "CACHE" || words[0] == "LOAD") { // which is about MyISAM's keys: InnoDB says so
		return s.forwardAny(ctx, w, snap, src)
	}
	return s.done(src, s.other(ctx, scan, snap))
}

// done answers a statement without rows, unless it failed.
func (s *session) done(src source, err error) error {
	if err != nil {
		return err
	}
	s.last.rowCount = 0
	return s.okTo(src, wire.OK{Warnings: s.warningCount()})
}

// okTo gives an OK to where the statement's answer goes.
func (s *session) okTo(src source, ok wire.OK) error {
	ok.Status |= src.out.Status()
	ok.Track = s.out.track
	s.out.track = nil
	return src.out.Packet(wire.AppendOK(nil, src.out.Caps(), &ok))
}

// unknown refuses a statement that the node does not know: it might write, and on one leaf only. MariaDB's own error comes first, where
// the text is none of its statements.
func (s *session) unknown(ctx context.Context, scan *sqltext.Scan) error {
	return s.unknownFor(ctx, scan, "it can't be told what it would change, and where")
}

// unknownFor is unknown for a reason.
func (s *session) unknownFor(ctx context.Context, scan *sqltext.Scan, why string) error {
	if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil {
		if e := serverError(ctx, err); e.Code != wire.ErUnsupportedPS {
			return err
		}
	}
	return unsupported(firstWords(scan, 3), why)
}

// nothing is the error of a statement without tokens: none where it has a comment, as in MariaDB. Dumps have comments for servers of other versions.
func (s *session) nothing(ctx context.Context, scan *sqltext.Scan) error {
	switch {
	case scan.More:
		return s.textError(ctx, scan.Src, sqltext.ErrText)
	case len(bytes.Trim(scan.Src[:scan.End], " \t\n\v\f\r\x00")) == 0:
		return wire.Errorf(wire.ErEmptyQuery, "Query was empty")
	}
	return nil
}
