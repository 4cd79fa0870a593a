package gate

import (
	"errors"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestClosedTables(t *testing.T) {
	with := func(tables ...topo.Table) *topo.Snapshot {
		b := topo.NewBuilder(nil)
		b.PutDatabase(&topo.Database{Name: "d"})
		for i := range tables {
			b.PutTable(&tables[i])
		}
		return b.Build(1)
	}
	table := func(closed topo.Closed, key ...int) topo.Table {
		return topo.Table{DB: "d", Name: "t", ID: 7, Kind: topo.Sharded, Columns: []topo.Column{{Name: "a"}, {Name: "b"}}, ShardKey: key, Closed: closed}
	}
	g := New()
	enter := func(s *topo.Snapshot, writes, want bool) {
		t.Helper()
		err := g.EnterTables([]*topo.Table{s.Table("d", "t")}, writes, s)
		if want != (err == nil) || err != nil && !errors.Is(err, ErrMoving) {
			t.Errorf("writes %v: %v", writes, err)
		}
	}
	held := func(want int) {
		t.Helper()
		if is := g.Held(); len(is) != want || want > 0 && is[0] != Tables("d") {
			t.Errorf("held are %v, want %d", is, want)
		}
	}
	leave := func(s *topo.Snapshot, writes bool) { g.LeaveTables([]*topo.Table{s.Table("d", "t")}, writes) }

	open := with(table("", 0))
	enter(open, true, true) // before any topology
	g.Apply(open)
	enter(open, false, true)
	held(0)
	closed := with(table(topo.ClosedToWrites, 0))
	if !g.Apply(closed) {
		t.Error("nothing is locked")
	}
	held(1)
	enter(open, true, false) // planned before
	enter(closed, true, false)
	enter(closed, false, true)
	leave(open, true)
	held(0)
	g.Apply(with(table(topo.ClosedToAll, 0)))
	enter(open, false, false)
	held(1)
	leave(open, false)
	held(1)
	leave(closed, false)
	held(0)
	select {
	case <-g.Left():
	default:
		t.Error("nobody says that the last one has left")
	}
	now := with(table("", 1))
	g.Apply(now)
	enter(open, false, false) // by the key before
	enter(now, true, true)
	leave(now, true)
	g.Apply(with())
	enter(now, true, true) // it is gone: the leaf says so
	leave(now, true)
	g.Apply(topo.NewBuilder(nil).Build(2))
	if len(g.tables.inside) != 1 || len(g.tables.closed) != 0 { // of the statement that came when the table was gone
		t.Errorf("left are %v and %v", g.tables.inside, g.tables.closed)
	}
}
