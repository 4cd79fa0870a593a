package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// choose says how the rows of a new table are placed whose statement does not: by its primary key, or without one anywhere, as long as its unique and foreign keys can be kept
// so. Otherwise by columns that all unique keys have, or that reference a shard key; and if that does not do either, in one partition, where MariaDB keeps all keys. What
// is not the first of these the note tells, and SHOW CREATE TABLE prints.
func choose(s *topo.Snapshot, db, name string, d *described, number uint64, by []child) (*topo.Table, *Note, error) {
	usual, why := byPrimary(db, name, d, number)
	if why == nil {
		why = check(s, usual, d)
	}
	if why == nil {
		why = referredRule(s, usual, by)
	}
	if why == nil {
		return usual, nil, nil
	}
	single := d.table(db, name, topo.Single, nil, false, number)
	whySingle := check(s, single, d)
	keys := [][]int{commonColumns(d)}
	for _, f := range d.foreign {
		if parent := s.Table(f.refSchema, f.refName); parent != nil && parent.Kind == topo.Sharded {
			keys = append(keys, d.referring(f, parent))
		}
	}
	for _, key := range keys {
		if len(key) == 0 {
			continue
		}
		t := d.table(db, name, topo.Sharded, key, true, number)
		t.Chosen = true
		if check(s, t, d) != nil || referredRule(s, t, by) != nil {
			continue
		}
		names := make([]string, len(key))
		for i, c := range key {
			names[i] = id(d.columns[c].Name)
		}
		return t, placed(why, "Table '%s' has SHARD KEY (%s), as its primary key would not do for all its unique and foreign keys. SHARD KEY () makes a table whose rows are all in one partition,"+
			" CREATE REFERENCE TABLE one whose rows every leaf has", name, strings.Join(names, ", ")), nil
	}
	if whySingle == nil {
		reason := "no shard key would do for its keys"
		for _, f := range d.foreign {
			parent := s.Table(f.refSchema, f.refName)
			if f.refSchema == db && f.refName == name {
				reason = "its foreign key '" + f.name + "' leads from row to row"
			} else if parent == nil {
				reason = "its foreign key '" + f.name + "' leads to '" + f.refName + "', which is yet to be made"
			} else if parent.Kind == topo.Single {
				reason = "its foreign key '" + f.name + "' leads to '" + f.refName + "', which is there"
			}
		}
		if slices.ContainsFunc(by, func(c child) bool { return c.t.Kind == topo.Single }) {
			reason = "a foreign key of '" + by[0].t.Name + "' leads to it, which is there"
		}
		if keysFail(usual, d) {
			reason = "no column could be the shard key of all its unique keys"
		}
		return single, placed(why, "Table '%s' has all its rows in one partition, as %s: SHARD KEY () says so. Large tables are better spread by SHARD KEY (…), without the keys that keep them"+
			" from it; CREATE REFERENCE TABLE makes one whose rows every leaf has", name, reason), nil
	}
	if usual != nil && !keysFail(usual, d) {
		return nil, nil, why
	}
	return nil, nil, whySingle
}

// placed is a note about where a table is that could not be where why says.
func placed(why error, format string, args ...any) *Note {
	n := &Note{Level: "Note", Code: 1235, Message: fmt.Sprintf(format, args...)}
	var own *Error
	if errors.As(why, &own) {
		n.Code = own.Code
	}
	return n
}

// byPrimary is a table that is placed by its primary key, but for columns of a period, or that has none.
func byPrimary(db, name string, d *described, number uint64) (*topo.Table, error) {
	pk := d.primary()
	if pk == nil {
		return d.table(db, name, topo.Keyless, nil, false, number), nil
	}
	for i, prefix := range pk.prefix {
		if prefix {
			return nil, refuse(1503, "HY000", "The PRIMARY KEY of table '%s' can't be the shard key: of column '%s' it has only a prefix", name, d.columns[pk.columns[i]].Name)
		}
	}
	columns := slices.DeleteFunc(slices.Clone(pk.columns), func(c int) bool { return slices.Contains(d.period, c) })
	if len(columns) == 0 {
		columns = pk.columns // which check refuses
	}
	return d.table(db, name, topo.Sharded, columns, false, number), nil
}

// keysFail says whether it is the unique keys that keep a table from where it would be, or the columns of its primary key.
func keysFail(t *topo.Table, d *described) bool {
	return t == nil || slices.ContainsFunc(t.ShardKey, func(c int) bool { return !d.placeable(c) }) ||
		slices.ContainsFunc(d.keys, func(k key) bool { return uniqueKeyRule(t, k, d) != nil })
}

// placeable says whether a column may be in a shard key.
func (d *described) placeable(c int) bool {
	return !d.columns[c].Generated && !slices.Contains(d.onUpdate, c) && !slices.Contains(d.period, c) && shard.CheckKeyType(&d.columns[c]) == nil
}

// commonColumns are those that all unique keys have, and that may be in a shard key, in the order of the first key; nil where there is no unique key.
func commonColumns(d *described) (out []int) {
	first := slices.IndexFunc(d.keys, func(k key) bool { return k.unique })
	if first < 0 {
		return nil
	}
	for _, c := range d.keys[first].columns {
		if d.placeable(c) && !slices.ContainsFunc(d.keys, func(k key) bool {
			at := slices.Index(k.columns, c)
			return k.unique && (at < 0 || k.prefix[at])
		}) {
			out = append(out, c)
		}
	}
	return out
}

// referring are the columns by which a foreign key references its parent's shard key; nil where it does not.
func (d *described) referring(f foreignKey, parent *topo.Table) (out []int) {
	for _, c := range parent.ShardKey {
		at := slices.IndexFunc(f.refColumns, func(n string) bool { return strings.EqualFold(n, parent.Columns[c].Name) })
		if at < 0 {
			return nil
		}
		out = append(out, d.column(f.columns[at]))
	}
	return out
}
