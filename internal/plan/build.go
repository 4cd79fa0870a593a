package plan

import (
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Build plans SELECT, INSERT, REPLACE, UPDATE, DELETE, LOAD DATA, DO and CALL. Errors are *Error.
func Build(stmt *sqltext.Stmt, scan *sqltext.Scan, snap *topo.Snapshot, sess Session) (*Plan, error) {
	return nil, NeedsStage("not planned")
}
