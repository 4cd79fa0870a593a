package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// HANDLER reads a table that is at one place whole: temporary, reference and single tables. What is open is MariaDB's own, on the connection that the session has there, which is held until all is closed; as in
// MariaDB what is read is not the transaction's snapshot.

// handler is a table that HANDLER has opened.
type handler struct {
	key   tableKey
	place txn.Place
}

// MariaDB's errors.
const (
	erUnknownTable = 1109
	erNonUnique    = 1066
	erNotBaseTable = 1347
)

// handler serves HANDLER.
func (s *session) handler(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	h := stmt.Handler
	if h == nil {
		return s.unknown(ctx, &w.scan)
	}
	if len(s.handlers) > 0 && !s.tx.Pinned(txn.PinHandler) { // lost with their connections
		s.handlers = nil
	}
	if s.tables {
		return errLocked()
	}
	alias := strings.ToLower(h.Alias.Text)
	open, found := s.handlers[alias]
	switch {
	case h.Table != nil && found:
		return &wire.ServerError{Code: erNonUnique, State: "42000", Message: "Not unique table/alias: '" + h.Alias.Text + "'"}
	case h.Table != nil:
		return s.done(src, s.openHandler(ctx, &w.scan, h, alias, snap))
	case !found:
		return &wire.ServerError{Code: erUnknownTable, State: "42S02", Message: "Unknown table '" + h.Alias.Text + "' in HANDLER"}
	case h.Verb == "CLOSE":
		return s.done(src, s.closeHandler(ctx, alias, open))
	}
	p := &plan.Plan{Route: plan.Route{Kind: plan.RouteAny}, Rows: true, Revision: snap.Revision}
	if open.place.Partition.DB != "" {
		p.Route = plan.Route{Kind: plan.RouteOne, DB: open.key.db}
	}
	home := s.home
	s.home, w.st.Once = open.place.Leaf, true
	s.tx.Reading(true)
	_, err := s.runOnce(ctx, w, p, snap, src, &extras{facts: stmt.Facts})
	s.tx.Reading(false)
	s.home, w.st.Once = home, false
	return err
}

// readsHandler says which table a text reads by HANDLER: what it is prepared for is known where that is open.
func (s *session) readsHandler(text string) (h handler, found bool) {
	if len(s.handlers) == 0 {
		return handler{}, false
	}
	var scan sqltext.Scan
	if scan.Scan([]byte(text), s.mode()) != nil {
		return handler{}, false
	}
	stmt, err := sqltext.Parse(&scan, s.mode())
	if err != nil || stmt.Handler == nil {
		return handler{}, false
	}
	h, found = s.handlers[strings.ToLower(stmt.Handler.Alias.Text)]
	return h, found
}

// openHandler is HANDLER t OPEN.
func (s *session) openHandler(ctx context.Context, scan *sqltext.Scan, h *sqltext.Handler, alias string, snap *topo.Snapshot) error {
	k := s.keyOf(h.Table)
	place, db := s.temporaryPlace(), k.db
	switch {
	case k.db == "":
		return wire.Errorf(wire.ErNoDB, "No database selected")
	case s.isTemporary(h.Table):
		if s.noteLost(); !s.temps.tables[k] {
			return errLostTemporary(k)
		}
	case snap.View(k.db, k.table) != nil:
		return &wire.ServerError{Code: erNotBaseTable, State: "HY000", Message: "'" + k.db + "." + k.table + "' is not of type 'BASE TABLE'"}
	default:
		_, t, err := s.tableOf(h.Table, snap)
		switch {
		case err != nil:
			return err
		case t == nil:
			return unsupported("HANDLER", "of MariaDB's own tables, which tell of one leaf")
		case t.Kind == topo.Reference:
			place = s.place()
		case t.Kind == topo.Single:
			if place, err = partitionPlace(snap.Databases[k.db].Partitions[topo.SingleOrdinal]); err != nil {
				return err
			}
			db = place.Schema
		default:
			return unsupported("HANDLER", "'"+k.table+"' has its rows at several places, which have no order together: use SELECT … ORDER BY … LIMIT. It reads temporary, reference and single tables")
		}
	}
	if err := s.tx.Pin(ctx, place, txn.PinHandler); err != nil {
		return err
	}
	s.tx.Bare(true)
	_, err := s.runAt(ctx, place, string(apply(scan, []edit{{h.Table.Span.From, h.Table.Span.To, quoteName(db) + "." + quoteName(k.table)}})))
	s.tx.Bare(false)
	if err != nil {
		if len(s.handlers) == 0 {
			err = errors.Join(err, s.tx.Unpin(ctx, txn.PinHandler))
		}
		return err
	}
	if s.handlers == nil {
		s.handlers = map[string]handler{}
	}
	s.handlers[alias] = handler{k, place}
	return nil
}

// closeHandler is HANDLER … CLOSE.
func (s *session) closeHandler(ctx context.Context, alias string, h handler) error {
	s.tx.Bare(true)
	_, err := s.runAt(ctx, h.place, "HANDLER "+quoteName(alias)+" CLOSE")
	s.tx.Bare(false)
	if err != nil {
		return err
	}
	if delete(s.handlers, alias); len(s.handlers) == 0 {
		return s.tx.Unpin(ctx, txn.PinHandler)
	}
	return nil
}

// closeHandlersOf closes what is open of tables that a statement defines, and of a database that it drops: it would wait for the session's own.
func (s *session) closeHandlersOf(ctx context.Context, d *sqltext.DDL) error {
	for alias, h := range s.handlers {
		hit := d.Database.Text != "" && d.Database.Text == h.key.db
		for _, t := range d.Tables {
			hit = hit || s.keyOf(t) == h.key
		}
		if hit {
			if err := s.closeHandler(ctx, alias, h); err != nil {
				return err
			}
		}
	}
	return nil
}
