package gateway

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/view"
)

// lockTables is LOCK TABLES: sharded tables are locked at every partition of their database, reference tables at every leaf. The
// connections are held until UNLOCK TABLES.
//
// Linked tables are locked at their servers.
//
// Reference tables are also needed by joins at the partitions, on connections of their own: READ locks do not exclude each other, but a WRITE
// lock would lock the session out from itself.
func (s *session) lockTables(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	if len(stmt.Lock) == 0 {
		return s.unknown(ctx, scan)
	}
	// Like in MariaDB: what was locked is unlocked, the transaction committed.
	if s.tables {
		if err := s.unlockTables(ctx); err != nil {
			return err
		}
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
	var remote remoteLocks
	sharded := map[string]bool{}
	locks, err := s.underViews(stmt.Lock, snap)
	if err != nil {
		return err
	}
	s.locked, s.tableLocks = s.locked[:0], tableLocks{write: map[tableKey]bool{}}
	for i := range locks {
		n := plan.NamedTable{DB: s.keyOf(locks[i].Table).db, Table: locks[i].Table.Name.Text, As: locks[i].Table.Name.Text}
		if locks[i].Alias.Text != "" {
			n.As = locks[i].Alias.Text
		}
		s.locked = append(s.locked, n)
		k := s.keyOf(locks[i].Table)
		s.tableLocks.write[k] = s.tableLocks.write[k] || !strings.HasPrefix(locks[i].Mode, "READ")
	}
	var views []string // locked at the shapes, where their definitions are asked for, under names that no table has, as tables are locked by theirs
	for i := range stmt.Lock {
		if k := s.keyOf(stmt.Lock[i].Table); snap.View(k.db, k.table) != nil && !s.isTemporary(stmt.Lock[i].Table) {
			views = append(views, quoteName(k.db)+"."+quoteName(k.table)+" AS "+quoteName("orbweaver view "+strconv.Itoa(i))+" READ")
		}
	}
	for i := range locks {
		db, t, err := s.tableOf(locks[i].Table, snap)
		if err != nil {
			return err
		}
		if write := !strings.HasPrefix(locks[i].Mode, "READ"); t == nil && write && isSystemSchema(db) && !s.isTemporary(locks[i].Table) { // replicas, and whoever logs in, would wait
			return unsupported("LOCK TABLES … WRITE", "of a table of '"+db+"', which each leaf has for itself: READ")
		}
		if t != nil && t.Kind == topo.Linked {
			if !strings.HasPrefix(locks[i].Mode, "READ") {
				if err := s.g.exec.Count(ctx, snap, t); err != nil {
					return err
				}
			}
			if err := remote.add(s.g, snap, t, &locks[i]); err != nil {
				return err
			}
			continue
		}
		all = append(all, locked{&locks[i], db, t})
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
			case l.table.Kind == topo.Sequence && p.Partition.DB == l.db && p.Partition.Ordinal != topo.SequenceOrdinal:
			case p.Partition.DB == l.db:
				items = append(items, item(p.Schema, l))
			case p.Partition.DB == "":
				items = append(items, item(l.db, l)) // SHOW CREATE TABLE asks on this connection
			}
		}
		if p.Partition.DB == "" {
			items = append(items, views...)
			others += len(views)
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
	// The order of all sessions, as that of lockPlaces is: two that name the same tables in another order meet at the first of the servers.
	slices.SortStableFunc(remote.list, func(a, b *remoteLock) int {
		return cmp.Or(strings.Compare(a.place.Leaf, b.place.Leaf), cmp.Compare(a.place.Slot, b.place.Slot))
	})
	for _, l := range remote.list {
		err := s.tx.Pin(ctx, l.place, txn.PinLocks)
		if err == nil {
			s.tables = true
			if _, err = s.runAt(ctx, l.place, "LOCK TABLES "+strings.Join(l.items, ", ")+patience(scan)); err != nil {
				err = exec.AnswerError(l.place.Remote, l.link, err)
			}
		} else {
			err = exec.ConnectError(l.place.Remote, err)
		}
		if err != nil {
			s.tables = false
			return errors.Join(err, s.tx.Unpin(ctx, txn.PinLocks))
		}
	}
	s.tableLocks.places = s.tx.PinnedPlaces(txn.PinLocks)
	s.lockSequences(locks, snap)
	return nil
}

// underViews puts in the place of views the tables that they read, by the names that they have there: statements on views name them so.
func (s *session) underViews(locks []sqltext.LockTable, snap *topo.Snapshot) ([]sqltext.LockTable, error) {
	var out []sqltext.LockTable
	at := map[view.Ref]int{}
	add := func(l sqltext.LockTable) {
		r := view.Ref{DB: s.keyOf(l.Table).db, Table: l.Table.Name.Text, Alias: l.Table.Name.Text}
		if l.Alias.Tok >= 0 && l.Alias.Text != "" {
			r.Alias = l.Alias.Text
		}
		if i, found := at[r]; found {
			if strings.HasPrefix(out[i].Mode, "READ") {
				out[i].Mode = l.Mode
			}
			return
		}
		at[r] = len(out)
		out = append(out, l)
	}
	for _, l := range locks {
		k := s.keyOf(l.Table)
		v := snap.View(k.db, k.table)
		if v == nil || s.isTemporary(l.Table) {
			add(l)
			continue
		}
		reads, err := view.Reads(v, snap)
		if err != nil {
			return nil, err
		}
		for _, r := range reads {
			if isSystemSchema(r.DB) {
				continue
			}
			under := sqltext.LockTable{Table: &sqltext.TableName{DB: sqltext.Name{Text: r.DB}, Name: sqltext.Name{Text: r.Table}}, Alias: sqltext.Name{Tok: -1}, Mode: l.Mode}
			if r.Alias != r.Table {
				under.Alias = sqltext.Name{Text: r.Alias}
			}
			add(under)
			if len(reads) == 1 && !strings.HasPrefix(l.Mode, "READ") { // writes name the table as the view
				under.Alias = sqltext.Name{Text: k.table}
				if l.Alias.Tok >= 0 && l.Alias.Text != "" {
					under.Alias = l.Alias
				}
				add(under)
			}
		}
	}
	return out, nil
}

// remoteLocks are the locks that a LOCK TABLES takes at the servers of linked tables, on the connections that statements on these tables will run on.
type remoteLocks struct{ list []*remoteLock }

type remoteLock struct {
	place txn.Place
	link  *spider.Link
	items []string
	names []string // of remote tables, to see when two of the statement's tables are one
}

// add takes a linked table's places in.
func (r *remoteLocks) add(g *Gateway, snap *topo.Snapshot, t *topo.Table, lock *sqltext.LockTable) error {
	places, err := g.linkPlaces(snap, t)
	if err != nil {
		return err
	}
	for _, p := range places {
		same := func(l *remoteLock) bool { return l.place.Leaf == p.place.Leaf && l.place.Slot == p.place.Slot }
		at := slices.IndexFunc(r.list, same)
		if at < 0 {
			at = len(r.list)
			r.list = append(r.list, &remoteLock{place: p.place, link: p.link})
		}
		l, name := r.list[at], p.name()
		key := p.place.Leaf + " " + name
		if !strings.HasPrefix(lock.Mode, "READ") && slices.ContainsFunc(r.list, func(o *remoteLock) bool { return o != l && slices.Contains(o.names, key) }) {
			return unsupported("LOCK TABLES … WRITE", "of a remote table, "+name+", that several partitions lead to: they would wait for each other")
		}
		l.names = append(l.names, key)
		// Statements call it by its own name where the syntax has no alias, and by ours elsewhere.
		aliases := []string{p.link.Table, t.Name}
		if lock.Alias.Tok >= 0 && lock.Alias.Text != "" {
			aliases = []string{lock.Alias.Text}
		}
		for _, alias := range slices.Compact(aliases) {
			l.items = append(l.items, name+" AS "+quoteName(alias)+" "+lock.Mode)
		}
	}
	return nil
}

// linkPlace is where statements on one of a linked table's places run.
type linkPlace struct {
	place txn.Place
	link  *spider.Link
	copy  bool // not the one that is read
}

// name is the remote table's.
func (p *linkPlace) name() string { return quoteName(p.link.Database) + "." + quoteName(p.link.Table) }

// linkPlaces are a linked table's places, each with all links that are in use: those that lead to one account have connections of their own, by slots that are the
// planner's.
func (g *Gateway) linkPlaces(snap *topo.Snapshot, t *topo.Table) ([]linkPlace, error) {
	slots, err := spider.Slots(snap, t)
	if err != nil {
		return nil, err
	}
	var out []linkPlace
	for i := range t.Places {
		links, _, err := spider.UsedLinks(snap, t, i)
		if err != nil {
			return nil, err
		}
		for n := range links {
			remote, err := g.remote(links[n : n+1])
			if err != nil {
				return nil, err
			}
			out = append(out, linkPlace{txn.Place{Leaf: remote.ID, Remote: remote, Slot: slots[i][links[n].ID]}, &links[n], n > 0})
		}
	}
	return out, nil
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
	s.endStop()
	if !s.tables {
		return nil
	}
	s.tables, s.lockedSequences = false, nil
	if s.tx.InTransaction() {
		leave, err := s.enterEnd(ctx)
		if err != nil {
			return errors.Join(err, s.tx.Unpin(ctx, txn.PinLocks))
		}
		defer leave()
		if _, err := s.tx.Commit(ctx, endPlain); err != nil {
			return err
		}
	}
	return s.tx.Unpin(ctx, txn.PinLocks)
}
