package gateway

import (
	"context"
	"slices"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

const erTableNotLockedForWrite = 1099

// tableLocks are what LOCK TABLES has locked, and where.
type tableLocks struct {
	write  map[tableKey]bool // for WRITE, under one of its names at least
	places []txn.Place
}

// errNotLocked is MariaDB's for a table that LOCK TABLES has left out.
func errNotLocked(table string) *wire.ServerError {
	return &wire.ServerError{Code: erNotLocked, State: "HY000", Message: "Table '" + table + "' was not locked with LOCK TABLES"}
}

// errLocked is MariaDB's for what is not done while tables are locked, or in a transaction.
func errLocked() error {
	return wire.Errorf(erLockOrActiveTx, "Can't execute the given command because you have active locked tables or an active transaction")
}

// locksHeld fails when a connection was lost that had tables locked: what the session does would meet others' writes.
func (s *session) locksHeld() error {
	if !s.tables || len(s.tx.PinnedPlaces(txn.PinLocks)) >= len(s.tableLocks.places) {
		return nil
	}
	return &wire.ServerError{Code: erNotLocked, State: "HY000", Message: "The tables of LOCK TABLES are locked no more, as a connection to a leaf was lost: UNLOCK TABLES, or LOCK TABLES anew"}
}

// lentLocks are the connections with locked tables, as package ddl uses them.
type lentLocks struct{ *session }

// At has f use the connection that has tables locked in a partition's database.
func (s lentLocks) At(ctx context.Context, schema string, f func(*backend.Conn) error) (bool, error) {
	at := slices.IndexFunc(s.tableLocks.places, func(p txn.Place) bool { return p.Partition.DB != "" && p.Schema == schema })
	if at < 0 {
		return false, nil
	}
	if err := s.locksHeld(); err != nil {
		return true, err
	}
	return true, s.usedAt(ctx, s.tableLocks.places[at], f)
}

// Lose gives the locks back. The session's next statement says so, until UNLOCK TABLES.
func (s lentLocks) Lose(ctx context.Context) {
	_ = s.tx.Unpin(ctx, txn.PinLocks) // what can't be told to unlock is closed
}

// ddlUnderLocks says whether a statement that defines something may be run while the session has tables locked: as in MariaDB it may change those that are locked for WRITE.
func (s *session) ddlUnderLocks(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	d := stmt.DDL
	switch {
	case d.Object == "TABLE" && d.Verb == "RENAME":
		return errLocked()
	case d.Object == "TABLE", d.Object == "INDEX", d.Object == "SEQUENCE", d.Object == "TRIGGER":
	default:
		return errLocked()
	}
	if err := s.prepareOnly(ctx, ddl.Plain(scan, stmt), nil); err != nil && serverError(ctx, err).Code == wire.ErParse {
		return err
	}
	for _, t := range d.Tables {
		k := s.keyOf(t)
		write, found := s.tableLocks.write[k]
		switch {
		case !found:
			return errNotLocked(k.table)
		case !write:
			return wire.Errorf(erTableNotLockedForWrite, "Table '%s' was locked with a READ lock and can't be updated", k.table)
		}
	}
	if err := s.locksHeld(); err != nil {
		return err
	}
	what := d.Verb + " " + d.Object
	instead := "under LOCK TABLES: UNLOCK TABLES before"
	switch {
	case d.OrReplace && d.Verb == "CREATE" && d.Object == "TABLE":
		return unsupported("CREATE OR REPLACE TABLE", instead)
	case d.Object == "TRIGGER", d.Object == "SEQUENCE":
		return unsupported(what, instead)
	case slices.ContainsFunc(s.tableLocks.places, func(p txn.Place) bool { return p.Partition.DB == "" }):
		return unsupported(what, "while reference tables, views or linked tables are locked, too: UNLOCK TABLES before")
	}
	return nil
}

// unlocked forgets locks of tables that are gone, or have another name: as in MariaDB these are locked no more, and with the last that is dropped LOCK TABLES has ended.
func (s *session) unlocked(ctx context.Context, d *sqltext.DDL) error {
	renamed := slices.ContainsFunc(d.Actions, func(a sqltext.AlterAction) bool { return a.Verb == "RENAME TO" })
	if d.Object != "TABLE" || d.Verb != "DROP" && !renamed {
		return nil
	}
	for _, t := range d.Tables {
		k := s.keyOf(t)
		delete(s.tableLocks.write, k)
		s.locked = slices.DeleteFunc(s.locked, func(n plan.NamedTable) bool { return n.DB == k.db && n.Table == k.table })
	}
	if len(s.locked) > 0 || renamed {
		return nil
	}
	return s.unlockTables(ctx)
}
