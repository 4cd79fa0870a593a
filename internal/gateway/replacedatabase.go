package gateway

import (
	"bytes"
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// erDatabaseExists is MariaDB's.
const erDatabaseExists = 1007

// replaceDatabase is CREATE OR REPLACE DATABASE: as in MariaDB a DROP and then a CREATE, after which the current database is none if it was that one. A plain CREATE comes first, which says whether the account may
// make it.
func (s *session) replaceDatabase(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	d := stmt.DDL
	if err := s.prepareOnly(ctx, ddl.Plain(scan, stmt), nil); err != nil && serverError(ctx, err).Code != wire.ErUnsupportedPS {
		return err
	}
	if d.IfNotExists {
		return &wire.ServerError{Code: 1221, State: "HY000", Message: "Incorrect usage of OR REPLACE and IF NOT EXISTS"}
	}
	create := apply(scan, []edit{{1, 3, ""}})
	depth := src.depth + 1
	out := &kept{capture: capture{caps: s.out.Caps()}}
	err := s.rewritten(ctx, bytes.Clone(create), source{out: out, depth: depth})
	var own *wire.ServerError
	replaced := errors.As(err, &own) && own.Code == erDatabaseExists && snap.Databases[d.Database.Text] != nil
	if replaced {
		if err = s.rewritten(ctx, []byte("DROP DATABASE "+quoteName(d.Database.Text)), source{out: out, depth: depth}); err == nil {
			err = s.rewritten(ctx, create, source{out: out, depth: depth})
		}
	}
	if err != nil {
		return err
	}
	affected := uint64(1)
	if replaced {
		affected = 2
	}
	s.last.rowCount = int64(affected)
	return s.okTo(src, wire.OK{AffectedRows: affected, Warnings: s.warningCount()})
}
