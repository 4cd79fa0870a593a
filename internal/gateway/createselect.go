package gateway

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// making is a table that is at all leaves, and known to the session alone. Or it is some temporary tables.
type making struct {
	table *topo.Table
	temps []*topo.Table
	// dry: its rows are planned, and no more.
	dry bool
	// moment is the time of the statement that puts rows into them, as a setting.
	moment string
	// with is base with the table.
	base, with *topo.Snapshot
}

// topology is what the session plans by: the catalog's, with the table that it is making.
func (s *session) topology() *topo.Snapshot {
	now := s.g.cfg.Catalog.Snapshot()
	m := s.making
	if m == nil {
		return now
	}
	if m.base != now {
		b := topo.NewBuilder(now)
		if m.table != nil {
			b.PutTable(m.table)
		}
		for _, t := range m.temps {
			b.PutTable(t)
		}
		m.base, m.with = now, b.Build(now.Revision)
	}
	return m.with
}

// filler is what puts the rows of CREATE TABLE … SELECT into the table: INSERT … SELECT of the client's query, in a transaction of its own. What it answers is kept.
func (s *session) filler(scan *sqltext.Scan, stmt *sqltext.Stmt, from source, filled *wire.OK) func(context.Context, *topo.Table, bool) (*ddl.Result, error) {
	query := insertable(scan, stmt.DDL.AsSelect.Span)
	if ddl.OfValues(scan, stmt.DDL.AsSelect) { // an INSERT's own VALUES know other things
		query = slices.Concat([]byte("SELECT * FROM ("), query, []byte(") AS `values`"))
	}
	duplicates := stmt.DDL.Duplicates
	args := ddl.QueryArgs(scan, stmt.DDL, from.args)
	return func(ctx context.Context, t *topo.Table, dry bool) (*ddl.Result, error) {
		n, err := s.width(ctx, string(query))
		if err != nil {
			return nil, err
		}
		text, err := insertInto(t, n, duplicates, query)
		if err != nil {
			return nil, err
		}
		s.making = &making{table: t, dry: dry}
		defer func() { s.making = nil }()
		got := kept{capture: capture{caps: s.out.Caps()}}
		err = s.rewritten(ctx, text, source{out: &got, permitted: dry, prepared: len(args) > 0, args: args}) // else leaves that have the old table would be asked of it
		if s.tx.InTransaction() {
			end := s.tx.Commit
			if err != nil {
				end = s.tx.Rollback
			}
			if _, failed := end(ctx, endPlain); err == nil {
				err = failed
			}
		}
		if err != nil {
			var planned *plan.Error
			if errors.As(err, &planned) {
				return nil, serverError(ctx, err)
			}
			return nil, err
		}
		*filled = got.ok
		return &ddl.Result{Affected: got.ok.AffectedRows, Warnings: got.ok.Warnings}, nil
	}
}

// insertable is a query's text as INSERT takes it: WITH in brackets it does not.
func insertable(scan *sqltext.Scan, span sqltext.Span) []byte {
	with := span.From
	for isOp(scan, with, "(") {
		with++
	}
	if with < span.To && scan.Tokens[with].KW == sqltext.KwWith {
		for span.From < with && closing(scan, span.From) == span.To-1 {
			span.From, span.To = span.From+1, span.To-1
		}
	}
	return scan.AppendSpan(nil, span)
}

// insertInto is the INSERT of a query's rows of n columns into a table that was made of it. duplicates is IGNORE, REPLACE or "".
func insertInto(t *topo.Table, n int, duplicates string, query []byte) ([]byte, error) {
	if n > len(t.Columns) {
		return nil, wire.Errorf(wire.ErUnknown, "the query has %d columns, and the table that was made of it %d", n, len(t.Columns))
	}
	var names []string
	for _, c := range t.Columns[len(t.Columns)-n:] { // behind those that have definitions alone
		if c.Invisible {
			return nil, unsupported("CREATE TABLE … SELECT into an INVISIBLE column", "make the table, then use INSERT … SELECT")
		}
		names = append(names, quoteName(c.Name))
	}
	verb := "INSERT INTO "
	switch duplicates {
	case "IGNORE":
		verb = "INSERT IGNORE INTO "
	case "REPLACE":
		verb = "REPLACE INTO "
	}
	return append([]byte(verb+quoteName(t.DB)+"."+quoteName(t.Name)+" ("+strings.Join(names, ", ")+") "), query...), nil
}

// width asks a leaf how many columns a query has.
func (s *session) width(ctx context.Context, query string) (n int, err error) {
	err = s.prepareOnly(ctx, query, func(p backend.Packet) error {
		if p.Kind != backend.KindPrepared {
			return nil
		}
		ok, err := wire.ParsePrepareOK(p.Payload)
		n = int(ok.Columns)
		return err
	})
	return n, err
}

// kept is an output that keeps an answer without rows.
type kept struct {
	capture
	ok wire.OK
}

// Packet keeps an OK.
func (a *kept) Packet(p []byte) error {
	if !wire.IsOK(p) {
		return wire.ErrMalformed
	}
	return wire.ParseOK(bytes.Clone(p), a.caps, &a.ok)
}
