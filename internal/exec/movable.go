package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// bonds are what the rows of a table are bound to beside their columns. All of it is within a partition, or in reference tables, which every leaf has.
type bonds struct {
	versioned bool // a row's past stays where it was
	written   bool // triggers of UPDATE write
	// up: rows reference others of their partition. That of a row that moves is where it goes to: so keys are looked at there, not where the row is changed.
	up bool
	// direct are the keys to this table.
	direct []topo.ForeignKey
	// along are the tables whose rows go along, as ON UPDATE CASCADE has given them the row's shard key. No other row where the row was has that, which is another partition's.
	along []*topo.Table
	// stay are keys by which no row may reference one that moves, as it could not be made to do what MariaDB would have it do: why says what is in the way.
	stay []topo.ForeignKey
	why  string
}

// movable finds the bonds, and refuses tables of which a row is more than can be moved. Rows are locked: nobody makes keys or triggers now.
func (m *mover) movable(ctx context.Context) error {
	t, st := m.table, m.st
	first, err := m.to.at(0)
	if err != nil {
		return err
	}
	w := backend.Want{Leaf: first.Leaf, Account: backend.Cluster, Variant: backend.Internal}
	b := &bonds{}
	if !st.unchecked() {
		res, err := m.r.askWanted(ctx, w, []byte(foreignKeysSQL), asSession)
		if err != nil {
			return err
		}
		b.find(st.Snap, t, first.Schema, foreignKeysOf(res.Rows, func(schema string) bool { return schema == first.Schema }))
	}
	names := fmt.Sprintf("x'%x'", t.Name)
	for _, c := range b.along {
		names += fmt.Sprintf(",x'%x'", c.Name)
	}
	res, err := m.r.askWanted(ctx, w, fmt.Appendf(nil, "SELECT TABLE_NAME, TABLE_TYPE, '' FROM information_schema.TABLES WHERE TABLE_SCHEMA=x'%[1]x' AND TABLE_NAME IN (%[2]s)"+
		" UNION ALL SELECT EVENT_OBJECT_TABLE, EVENT_MANIPULATION, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA=x'%[1]x' AND EVENT_OBJECT_TABLE IN (%[2]s)"+
		" UNION ALL SELECT TABLE_NAME, 'UNVERSIONED', '' FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=x'%[1]x' AND TABLE_NAME=x'%[3]x' AND EXTRA LIKE '%%WITHOUT SYSTEM VERSIONING%%'",
		first.Schema, names, t.Name), asSession)
	if err != nil {
		return err
	}
	known := 0
	for _, row := range res.Rows {
		name, what := string(row[0]), string(row[1])
		own := name == t.Name
		switch {
		case what == "BASE TABLE":
			known++
		case what == "SYSTEM VERSIONED" && own:
			known++
			b.versioned = true
		case what == "UPDATE" && own:
			if reason := b.fires(st.Snap, t, string(row[2])); reason != "" {
				return plan.NeedsStage(m.what + reason)
			}
		case what == "UPDATE": // of a child: foreign keys fire none
		case what == "INSERT" || what == "DELETE":
			if own {
				return plan.NeedsStage(m.what + " of a table with triggers of INSERT or DELETE, which would see a DELETE and an INSERT")
			}
			b.lone("the table '" + name + "' that ON UPDATE CASCADE changes has triggers of INSERT or DELETE")
		case what == "UNVERSIONED":
			return plan.NeedsStage(m.what + " of a table with system versioning of some columns only")
		case own:
			return plan.NeedsStage(m.what + " of a table with system versioning")
		default:
			known++
			b.lone("the table '" + name + "' that ON UPDATE CASCADE changes has system versioning")
		}
	}
	ignores := st.Plan.ByKey != nil && st.Plan.ByKey.Ignores()
	bound := b.up || len(b.direct) > 0
	switch {
	case known == 0:
		return errorf(wire.ErUnknown, "the table '%s.%s' was not found", t.DB, t.Name)
	case b.versioned && (m.t == nil || bound || b.written || st.hasOwnTime()):
		return plan.NeedsStage(m.what + " of a table with system versioning, in ON DUPLICATE KEY UPDATE, or beside foreign keys, triggers that write, or a time that the session has set")
	case b.written && (ignores || b.up):
		return plan.NeedsStage(m.what + " of a table with triggers that write, with IGNORE or foreign keys")
	case m.t == nil && len(b.stay) > 0:
		return plan.NeedsStage(m.what + " of a table with foreign keys: " + b.why)
	}
	m.bonds = b
	if len(b.along)+len(b.stay) > 0 { // MariaDB locks them with the table
		return st.notUnderLocks(m.what + " of a table with foreign keys")
	}
	return nil
}

// unchecked says whether foreign keys are not looked at.
func (st *Statement) unchecked() bool {
	text, set := st.Tx.State().Get("foreign_key_checks")
	return set && strings.HasSuffix(text, "=0")
}

// find finds what foreign keys bind the rows of a table to.
func (b *bonds) find(s *topo.Snapshot, t *topo.Table, schema string, keys []topo.ForeignKey) {
	own := [2]string{schema, t.Name}
	for _, k := range keys {
		b.up = b.up || k.Child == own && k.Parent[0] == schema
		if k.Parent == own {
			b.direct = append(b.direct, k)
		}
	}
	if b.up {
		b.lone("it references another table by its shard key, and is referenced itself")
		return
	}
	bound := map[[2]string]bool{own: true}
	for grown := true; grown; {
		grown = false
		for _, k := range keys {
			if !bound[k.Parent] || bound[k.Child] || !k.Update {
				continue
			}
			c := s.Table(t.DB, k.Child[1])
			if k.UpdateNull || c == nil || len(c.ShardKey) != len(t.ShardKey) {
				b.lone("ON UPDATE SET NULL changes the shard key of rows of '" + k.Child[1] + "'")
				return
			}
			bound[k.Child], grown = true, true
			b.along = append(b.along, c)
		}
	}
	for _, k := range keys {
		if bound[k.Child] && !bound[k.Parent] && k.Parent[0] == schema {
			b.lone("rows of '" + k.Child[1] + "', which ON UPDATE CASCADE changes, reference '" + k.Parent[1] + "', too")
			return
		}
	}
}

// lone: no rows can go along.
func (b *bonds) lone(why string) {
	b.stay, b.along, b.why = nil, nil, why
	for _, k := range b.direct {
		if k.Update || b.up { // of others MariaDB says so where the row is
			b.stay = append(b.stay, k)
		}
	}
}

// fires judges a trigger that the UPDATE of a row fires where the row is: what it reads and writes must not hang on the partition. It gives the reason why not.
func (b *bonds) fires(s *topo.Snapshot, t *topo.Table, name string) string {
	at := slices.IndexFunc(t.Triggers, func(tr topo.Trigger) bool { return tr.Name == name && tr.Event == "UPDATE" })
	if at < 0 {
		return " of a table with the trigger '" + name + "', which is being made"
	}
	tr := &t.Triggers[at]
	for _, n := range tr.Reads {
		if r := s.Table(t.DB, n); r == nil || r.Kind != topo.Reference {
			return " of a table with the trigger '" + name + "', which reads '" + n + "' in the row's partition"
		}
	}
	for _, n := range tr.Writes {
		if w := s.Table(t.DB, n); w == nil || w.Kind != topo.Keyless || len(w.Triggers) > 0 {
			return " of a table with the trigger '" + name + "', which writes '" + n + "' in the row's partition"
		}
		b.written = true
	}
	return ""
}

// stays refuses a row that is to move and that others reference that can't go along. It is found by where.
func (m *mover) stays(ctx context.Context, at txn.Place, where []byte) error {
	for _, k := range m.bonds.stay {
		columns := func(names []string) (out []byte) {
			for i, n := range names {
				if i > 0 {
					out = append(out, ',')
				}
				out = plan.AppendQuoted(out, n)
			}
			return out
		}
		rows, err := m.ask(ctx, at, string(fmt.Appendf(nil, "SELECT 1 FROM %s WHERE (%s) IN (SELECT %s FROM %s WHERE %s) LIMIT 1 LOCK IN SHARE MODE",
			named(at, &topo.Table{Name: k.Child[1]}), columns(k.Columns), columns(k.ParentColumns), named(at, m.table), where)))
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return plan.NeedsStage(m.what + " of a row that rows of '" + k.Child[1] + "' reference: " + m.bonds.why)
		}
	}
	return nil
}

// children reads the rows that go along with one that has got these values of the shard key.
func (m *mover) children(ctx context.Context, from txn.Place, stored [][]byte) ([]*carried, error) {
	var out []*carried
	for _, t := range m.bonds.along {
		c, err := m.read(ctx, from, t, stored)
		if err != nil {
			return nil, err
		}
		if len(c.values) > 0 {
			out = append(out, c)
		}
	}
	return out, nil
}

// forgiven says whether IGNORE leaves a row as it was because of an error that it meets where it goes to.
func forgiven(code uint16) bool {
	return code == wire.ErDupEntry || code == erNoReferencedRow
}

// stays makes a job's answer that of a row that IGNORE has left as it was. MariaDB does not warn of that.
func (j *job) stays(found bool) {
	if !found {
		j.res.ok.AffectedRows = 0
	}
	if n := numbers(j.res.info); len(n) > 2 { // with versions there is a third one, before that of warnings
		for i := range n[1 : len(n)-1] {
			n[1+i] = 0
		}
		j.res.info = recount(j.res.info, n)
	}
}

// elsewhere is an error of an INSERT that may have changed a row that it met: that its new shard key references no row is known only where it would go to.
func (m *mover) elsewhere(ctx context.Context, err error) error {
	var e *wire.ServerError
	if !errors.As(err, &e) || e.Code != erNoReferencedRow {
		return err
	}
	if known := m.movable(ctx); known != nil {
		return known
	}
	if m.bonds.up {
		return plan.NeedsStage(m.what + " of a table that references another one by its shard key")
	}
	return err
}
