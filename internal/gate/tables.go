package gate

import (
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// ClosedError is ErrMoving for a table whose rows are getting other places, or have got them since the statement was planned.
type ClosedError struct{ DB, Table string }

func (e *ClosedError) Error() string {
	return "Lock wait timeout exceeded; the shard key of table '" + e.DB + "." + e.Table + "' is being changed; try again"
}

// Unwrap lets errors.Is find ErrMoving.
func (e *ClosedError) Unwrap() error { return ErrMoving }

// SafeToRetry is true: nothing was sent.
func (e *ClosedError) SafeToRetry() bool { return true }

// MySQL is 1205 ER_LOCK_WAIT_TIMEOUT.
func (e *ClosedError) MySQL() (uint16, string, string) { return 1205, "HY000", e.Error() }

// tables are the gates of tables: statements are inside of those that they name while they run.
type tables struct {
	inside map[uint64]*within // by topo.Table.ID, under Gates.mu
	closed map[string][]*topo.Table
}

// within counts who is inside of a table.
type within struct{ reads, writes atomic.Int64 }

func (w *within) of(writes bool) *atomic.Int64 {
	if writes {
		return &w.writes
	}
	return &w.reads
}

// close notes which tables of a database are closed.
func (t *tables) close(d *topo.Database) {
	delete(t.closed, d.Name)
	for _, x := range d.Tables {
		if x.Closed != "" {
			t.closed[d.Name] = append(t.closed[d.Name], x)
		}
	}
}

// forget lets go of tables that are in a database no more; now is nil where the database is not there either.
func (t *tables) forget(before, now *topo.Database) {
	var gone []uint64
	for name, x := range before.Tables {
		if now == nil || now.Tables[name] == nil || now.Tables[name].ID != x.ID {
			gone = append(gone, x.ID)
		}
	}
	if len(gone) == 0 {
		return
	}
	there := map[uint64]bool{} // under another name, maybe
	if now != nil {
		for _, x := range now.Tables {
			there[x.ID] = true
		}
	}
	for _, id := range gone {
		if w := t.inside[id]; w != nil && !there[id] && w.reads.Load() == 0 && w.writes.Load() == 0 {
			delete(t.inside, id)
		}
	}
}

func (t *tables) held() (out []topo.PartitionID) {
	for db, closed := range t.closed {
		for _, x := range closed {
			if w := t.inside[x.ID]; w != nil && (w.writes.Load() > 0 || x.Closed == topo.ClosedToAll && w.reads.Load() > 0) {
				out = append(out, Tables(db))
				break
			}
		}
	}
	return out
}

// Tables stands for the closed tables of a database.
func Tables(db string) topo.PartitionID {
	return topo.PartitionID{DB: db, Ordinal: topo.TablesOrdinal}
}

// EnterTables lets in a statement that was planned by a snapshot and names tables of it: LeaveTables must follow. *ClosedError where one is closed to it, or has its rows in other places by
// now than the plan says. It allocates nothing.
func (g *Gates) EnterTables(named []*topo.Table, writes bool, snap *topo.Snapshot) error {
	if len(named) == 0 {
		return nil
	}
	for {
		g.mu.RLock()
		for _, t := range named {
			now := t
			if g.applied != nil && g.applied != snap {
				if x := g.applied.Table(t.DB, t.Name); x != nil { // else it is being made, or is gone
					now = x
				}
			}
			if now.Closed.To(writes) || !now.SamePlaces(t) {
				g.mu.RUnlock()
				return &ClosedError{t.DB, t.Name}
			}
		}
		known, unknown := true, uint64(0)
		for _, t := range named {
			if g.tables.inside[t.ID] == nil {
				known, unknown = false, t.ID
			}
		}
		if known {
			for _, t := range named {
				g.tables.inside[t.ID].of(writes).Add(1)
			}
			g.mu.RUnlock()
			return nil
		}
		g.mu.RUnlock()
		g.mu.Lock()
		if g.tables.inside[unknown] == nil {
			g.tables.inside[unknown] = &within{}
		}
		g.mu.Unlock()
	}
}

// LeaveTables is what EnterTables asks for.
func (g *Gates) LeaveTables(named []*topo.Table, writes bool) {
	if len(named) == 0 {
		return
	}
	g.mu.RLock()
	closed := len(g.tables.closed) > 0
	last := false
	for _, t := range named {
		last = g.tables.inside[t.ID].of(writes).Add(-1) == 0 || last
	}
	g.mu.RUnlock()
	if closed && last {
		g.sayLeft()
	}
}
