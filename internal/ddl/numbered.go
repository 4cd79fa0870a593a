package ddl

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// numberedAnew is a query at a partition for a row that an ALTER TABLE gives a new AUTO_INCREMENT value, "" where there can be none: MariaDB numbers all rows for a column
// that comes, and those with 0 or NULL for one that was none before. Each partition would do so from 1.
func (j *job) numberedAnew(t *topo.Table, was *described) string {
	if t.AutoIncrement < 0 || t.Kind == topo.Single || len(j.todo.Places) < 2 {
		return ""
	}
	rows := "SELECT 1 FROM " + id(t.Name)
	at := j.before(was.columns, t.Columns[t.AutoIncrement].Name)
	switch {
	case at < 0:
		return rows + " LIMIT 1"
	case at == was.auto:
		return ""
	}
	name := id(was.columns[at].Name)
	return rows + " WHERE (" + name + " IS NULL OR ABS(" + name + ") < 1) AND NOT FIND_IN_SET('NO_AUTO_VALUE_ON_ZERO', @@sql_mode) LIMIT 1"
}

// numberable looks whether rows would be numbered anew, before the table is locked: it may be gathered first. Under the lock it is looked at again.
func (j *job) numberable(ctx context.Context, t *topo.Table, was, now *described) error {
	query := j.numberedAnew(t, was)
	if query == "" {
		return nil
	}
	if err := j.underLocks("ALTER TABLE that makes a column AUTO_INCREMENT"); err != nil {
		return err
	}
	var found atomic.Bool
	if _, err := each(j.todo.Places, func(p place) error {
		w := j.now(p).want(p.Schema)
		w.State = j.s.State // of which the query asks for sql_mode
		c, err := j.cfg.Pools.Get(ctx, w)
		if err != nil {
			return err
		}
		defer c.Release()
		res, err := c.Query(ctx, query)
		if err == nil && len(res.Rows) > 0 {
			found.Store(true)
		}
		return err
	}); err != nil || !found.Load() {
		return err
	}
	return j.gathering(ctx, t.Name, now, cantNumber(t))
}

// before is which of the columns that a table had has become the one of a name, -1 when that is a new one.
func (j *job) before(columns []topo.Column, name string) int {
	called := func(name string) int {
		return slices.IndexFunc(columns, func(c topo.Column) bool { return strings.EqualFold(c.Name, name) })
	}
	gone := false
	for _, a := range j.d.Actions {
		switch renames := a.Verb == "CHANGE" || a.Verb == "RENAME COLUMN"; {
		case renames && strings.EqualFold(a.NewName.Text, name):
			return called(a.Name.Text)
		case (renames || a.Verb == "DROP COLUMN") && strings.EqualFold(a.Name.Text, name):
			gone = true
		}
	}
	if gone {
		return -1
	}
	return called(name)
}

// numberedAlike refuses to have each leaf number the rows of a reference table that have no order of their own: only a key by which they are stored gives them one.
func (j *job) numberedAlike(ctx context.Context, t *topo.Table, was *described) error {
	if t.AutoIncrement < 0 || was.auto >= 0 || slices.ContainsFunc(was.keys, func(k key) bool {
		return k.unique && !slices.ContainsFunc(k.columns, func(i int) bool { return was.columns[i].Nullable }) && !slices.Contains(k.prefix, true)
	}) {
		return nil
	}
	first := j.todo.Shapes[0]
	res, err := j.asCluster(ctx, first, first.Schema, "SELECT 1 FROM "+id(t.Name)+" LIMIT 2")
	if err != nil || len(res.Rows) < 2 {
		return err
	}
	return refuse(1235, "42000", "Reference table '%s' has no PRIMARY KEY, by which each leaf would give its rows the same values of the AUTO_INCREMENT column '%s': make one of other columns before", t.Name,
		t.Columns[t.AutoIncrement].Name)
}

func cantNumber(t *topo.Table) error {
	return refuse(1235, "42000", "Table '%s' has rows that would get values of the AUTO_INCREMENT column '%s', in each partition from 1: "+
		"ALTER TABLE it to SHARD KEY () before, and to another SHARD KEY afterwards", t.Name, t.Columns[t.AutoIncrement].Name)
}

// begins has the numbers of a new table begin where its table option AUTO_INCREMENT=n says.
func (j *job) begins(ctx context.Context, t *topo.Table) error {
	if t.AutoIncrement < 0 || t.Kind != topo.Sharded && t.Kind != topo.Keyless {
		return nil
	}
	create, err := j.showCounted(ctx, j.todo.Shapes[0], t.Name)
	n := counterOf(create)
	if err != nil || n == 0 {
		return err
	}
	return j.cfg.Catalog.Sequence(t.ID).Reset(ctx, n)
}

// digitsOf is the number that a text begins with: MariaDB reads no more of 19.9 and 2e5 for an option that is a whole number. One that is too large changes nothing.
func digitsOf(text []byte) uint64 {
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(string(text[:end]), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// counter carries ALTER TABLE … AUTO_INCREMENT=n to the sequence, and begins one for a column that was not AUTO_INCREMENT, not below the greatest value in use, as in MariaDB.
func (j *job) counter(ctx context.Context, t *topo.Table) error {
	if t.AutoIncrement < 0 || t.Kind == topo.Reference || t.Kind == topo.Single {
		return nil
	}
	var n uint64
	column := t.Columns[t.AutoIncrement].Name
	switch old := j.snap.Table(t.DB, t.Name); {
	case t.Kind == topo.Linked || old == nil:
	case j.d != nil && j.before(old.Columns, column) != old.AutoIncrement, old.AutoIncrement < 0:
		n = 1
	case j.d == nil && old.Columns[old.AutoIncrement].Name != column: // renamed maybe
		n = max(1, j.cfg.Catalog.Upcoming(ctx, []uint64{t.ID})[t.ID])
	}
	if j.d != nil {
		for _, a := range j.d.Actions {
			if a.Verb != "AUTO_INCREMENT" || a.Span.Empty() {
				continue
			}
			n = max(n, digitsOf(j.scan.Bytes(a.Span.To-1)))
		}
	}
	if n == 0 {
		return nil
	}
	if t.Kind == topo.Linked {
		m, err := j.greatest(ctx, t)
		if err != nil {
			return err
		}
		n = max(n, m+1)
	}
	for _, p := range j.todo.Places {
		res, err := j.asCluster(ctx, p, "", "SELECT MAX("+id(column)+") FROM "+id(p.Schema)+"."+id(j.nameNow(t.Name)))
		if err != nil {
			return err
		}
		if v := res.Rows[0][0]; v != nil {
			if m, err := strconv.ParseUint(string(v), 10, 64); err == nil {
				n = max(n, m+1)
			}
		}
	}
	return j.cfg.Catalog.Sequence(t.ID).Reset(ctx, n)
}
