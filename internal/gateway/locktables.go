package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// lockTables is LOCK TABLES: sharded tables are locked at every partition of their database, reference tables at every leaf. The
// connections are held until UNLOCK TABLES.
//
// Reference tables are also needed by joins at the partitions, on connections of their own: READ locks do not exclude each other, but a WRITE
// lock would lock the session out from itself.
func (s *session) lockTables(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	if len(stmt.Lock) == 0 {
		return s.unknown(ctx, scan)
	}
	// Like in MariaDB: what was locked is unlocked, the transaction committed.
	if err := s.unlockTables(ctx); err != nil {
		return err
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	if err := s.tryAtShape(ctx, scan.Src[:scan.End]); err != nil {
		return err
	}
	type locked struct {
		*sqltext.LockTable
		db    string
		table *topo.Table
	}
	var all []locked
	sharded := map[string]bool{}
	for i := range stmt.Lock {
		db, t, err := s.tableOf(stmt.Lock[i].Table, snap)
		if err != nil {
			return err
		}
		all = append(all, locked{&stmt.Lock[i], db, t})
		if t != nil && t.Kind != topo.Reference {
			sharded[db] = true
		}
	}
	for _, l := range all {
		if (l.table == nil || l.table.Kind == topo.Reference) && len(sharded) > 0 && !strings.HasPrefix(l.Mode, "READ") {
			return unsupported("LOCK TABLES … WRITE", "of a reference table together with sharded tables")
		}
	}
	item := func(db string, l locked) string {
		b := quoteName(db) + "." + quoteName(l.Table.Name.Text)
		if l.Alias.Tok >= 0 && l.Alias.Text != "" {
			b += " AS " + quoteName(l.Alias.Text)
		}
		return b + " " + l.Mode
	}
	text := func(p txn.Place) string {
		var items []string
		others := 0
		for _, l := range all {
			switch {
			case l.table == nil || l.table.Kind == topo.Reference:
				items = append(items, item(l.db, l))
				others++
			case p.Partition.DB == l.db:
				items = append(items, item(p.Schema, l))
			case p.Partition.DB == "":
				items = append(items, item(l.db, l)) // SHOW CREATE TABLE asks on this connection
			}
		}
		if len(items) == 0 || p.Partition.DB == "" && others == 0 {
			return ""
		}
		return "LOCK TABLES " + strings.Join(items, ", ") + patience(scan)
	}
	places, err := s.lockPlaces(snap, sharded)
	if err != nil {
		return err
	}
	for _, p := range places {
		sql := text(p)
		if sql == "" {
			continue
		}
		err := s.tx.Pin(ctx, p, txn.PinLocks)
		if err == nil {
			s.tables = true
			_, err = s.runAt(ctx, p, sql)
		}
		if err != nil {
			s.tables = false
			return errors.Join(err, s.tx.Unpin(ctx, txn.PinLocks))
		}
	}
	return nil
}

// patience is WAIT n or NOWAIT at the end of a LOCK TABLES.
func patience(scan *sqltext.Scan) string {
	last := int32(len(scan.Tokens)) - 1
	switch {
	case isWord(scan, last, "NOWAIT"):
		return " NOWAIT"
	case isWord(scan, last-1, "WAIT"):
		return " WAIT " + string(scan.Bytes(last))
	}
	return ""
}

// lockPlaces are the partitions of the databases, in an order that is the same for all sessions, then every leaf's shape.
func (s *session) lockPlaces(snap *topo.Snapshot, sharded map[string]bool) ([]txn.Place, error) {
	var out []txn.Place
	for _, db := range sortedKeys(sharded) {
		for _, p := range snap.Databases[db].Partitions {
			place, err := partitionPlace(p)
			if err != nil {
				return nil, err
			}
			out = append(out, place)
		}
	}
	for _, leaf := range s.leaves() {
		out = append(out, txn.Place{Leaf: leaf, Schema: s.sess.DB})
	}
	return out, nil
}

// unlockTables is UNLOCK TABLES.
func (s *session) unlockTables(ctx context.Context) error {
	if !s.tables {
		return nil
	}
	s.tables = false
	if s.tx.InTransaction() {
		if _, err := s.tx.Commit(ctx, endPlain); err != nil {
			return err
		}
	}
	return s.tx.Unpin(ctx, txn.PinLocks)
}
