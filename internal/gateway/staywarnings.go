package gateway

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// stay is what SHOW WARNINGS shows before a statement that names no tables: as in MariaDB it is shown afterwards, too, unless the statement has something of its own to tell.
type stay struct {
	notes    []exec.Note
	prepared bool // what counts is the text that PREPARE or EXECUTE names
	name     string
}

// staying looks at a statement that is about to run. Where nothing was warned of before, it costs nothing.
func (s *session) staying(scan *sqltext.Scan) stay {
	if len(s.warnings) == 0 || isCompound(scan) {
		return stay{}
	}
	stmt, err := sqltext.Parse(scan, s.mode())
	if err != nil {
		return stay{}
	}
	switch {
	case (stmt.Kind == sqltext.KindPrepare || stmt.Kind == sqltext.KindExecute) && stmt.Prepared != nil && !stmt.Prepared.Immediate:
		return stay{notes: slices.Clone(s.warnings), prepared: true, name: strings.ToLower(stmt.Prepared.Name.Text)}
	case namesNone(stmt):
		return stay{notes: slices.Clone(s.warnings)}
	}
	return stay{}
}

// stayed puts back what the statement has left.
func (s *session) stayed(before stay) {
	if before.notes == nil || len(s.warnings) > 0 {
		return
	}
	if before.prepared {
		var w worker
		kept := s.named[before.name]
		if w.scan.Scan([]byte(kept.text), kept.mode) != nil {
			return
		}
		if stmt, err := sqltext.Parse(&w.scan, kept.mode); err != nil || !namesNone(stmt) {
			return
		}
	}
	s.warnings = before.notes
}

// namesNone says whether a statement is one for which MariaDB does not look at tables, derived ones included.
func namesNone(stmt *sqltext.Stmt) bool {
	if len(stmt.Tables) > 0 || stmt.Facts&sqltext.HasSubquery != 0 {
		return false
	}
	switch stmt.Kind {
	case sqltext.KindSelect, sqltext.KindSet, sqltext.KindUse, sqltext.KindBegin, sqltext.KindCommit, sqltext.KindRollback, sqltext.KindSavepoint,
		sqltext.KindDeallocate, sqltext.KindUnlock, sqltext.KindDo, sqltext.KindFlush, sqltext.KindHelp, sqltext.KindXA:
		return true
	case sqltext.KindAccount:
		return stmt.Account != nil && (stmt.Account.On == nil || stmt.Account.On.Name.Text == "*")
	case sqltext.KindExplain:
		return stmt.Inner != nil && stmt.Inner.Kind == sqltext.KindSelect
	case sqltext.KindDDL:
		return stmt.DDL != nil && slices.Contains([]string{"DATABASE", "PROCEDURE", "FUNCTION"}, stmt.DDL.Object)
	}
	return false
}
