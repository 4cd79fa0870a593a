package topo

import "strings"

// Change is what a statement may have done to rows of a table that are there: it deletes some, or gives columns other values.
type Change struct {
	DB, Table string
	Deletes   bool
	All       bool     // any column may have another value
	Columns   []string // these may, unless All
}

// ForeignKey is a foreign key of Child that references Parent. Both are a database and a name; columns are in the key's order.
type ForeignKey struct {
	Child, Parent          [2]string
	Columns, ParentColumns []string
	DeleteRows, DeleteNull bool // ON DELETE CASCADE, SET NULL
	Update, UpdateNull     bool // ON UPDATE CASCADE or SET NULL; the latter
}

// Cascaded are the tables, reference tables apart, of which rows may have been changed by foreign keys because of changes of others: directly, or by way of others again.
func (s *Snapshot) Cascaded(changes []Change, keys []ForeignKey) map[[2]string]bool {
	all := map[[2]string]*spreading{}
	for i := range changes {
		c := &changes[i]
		all[[2]string{c.DB, c.Table}] = all[[2]string{c.DB, c.Table}].with(c.Deletes, c.All, c.Columns)
	}
	out := map[[2]string]bool{}
	for grown := true; grown; {
		grown = false
		for i := range keys {
			k := &keys[i]
			parent := all[k.Parent]
			if parent == nil {
				continue
			}
			var changed []string
			deletes := parent.deletes && k.DeleteRows
			if parent.deletes && k.DeleteNull || k.Update && parent.moves(s.Table(k.Parent[0], k.Parent[1]), k.ParentColumns) {
				changed = k.Columns
			}
			if !deletes && changed == nil {
				continue
			}
			child := all[k.Child]
			before := child.size()
			child = child.with(deletes, false, changed)
			all[k.Child] = child
			grown = grown || child.size() != before
			if t := s.Table(k.Child[0], k.Child[1]); t == nil || t.Kind != Reference {
				out[k.Child] = true
			}
		}
	}
	return out
}

// spreading is what is known to become of a table's rows so far.
type spreading struct {
	deletes, all bool
	columns      map[string]bool
}

// with adds to it; c may be nil.
func (c *spreading) with(deletes, all bool, columns []string) *spreading {
	if c == nil {
		c = &spreading{columns: map[string]bool{}}
	}
	c.deletes, c.all = c.deletes || deletes, c.all || all
	for _, name := range columns {
		c.columns[strings.ToLower(name)] = true
	}
	return c
}

// size grows with what is known.
func (c *spreading) size() int {
	if c == nil {
		return 0
	}
	n := 1 + len(c.columns)
	if c.deletes {
		n++
	}
	return n
}

// moves says whether one of the table's columns may have another value. Some have one although no statement gave it to them: generated ones, and those that tell when a row was changed.
func (c *spreading) moves(t *Table, columns []string) bool {
	if c.all {
		return true
	}
	for _, name := range columns {
		if c.columns[strings.ToLower(name)] {
			return true
		}
		if len(c.columns) == 0 {
			continue
		}
		at := -1
		if t != nil {
			at = t.Column(name)
		}
		if at < 0 || t.Columns[at].Generated || t.Columns[at].Type == "timestamp" || t.Columns[at].Type == "datetime" {
			return true
		}
	}
	return false
}

// Referencing are the tables with foreign keys to a table, or to another of them: the table itself may be one. deletes: only such that delete rows with those that they reference.
func Referencing(table [2]string, keys []ForeignKey, deletes bool) map[[2]string]bool {
	out := map[[2]string]bool{}
	for grown := true; grown; {
		grown = false
		for i := range keys {
			k := &keys[i]
			if (k.Parent == table || out[k.Parent]) && !out[k.Child] && (k.DeleteRows || !deletes) {
				out[k.Child], grown = true, true
			}
		}
	}
	return out
}
