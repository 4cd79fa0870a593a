package ddl

import (
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// check judges a table by the cluster's rules. t was made from d.
func check(s *topo.Snapshot, t *topo.Table, d *described) error {
	if d.typ == "SEQUENCE" && t.Kind != topo.Sequence {
		return unsupported("CREATE TABLE … SEQUENCE=1: use CREATE SEQUENCE")
	}
	if t.Kind != topo.Sequence && d.typ != "BASE TABLE" && d.typ != versioned {
		return unsupported("a " + strings.ToLower(d.typ) + " in a sharded database")
	}
	if !strings.EqualFold(d.engine, "InnoDB") {
		return refuse(1235, "42000", "Table '%s' can't have ENGINE=%s: tables of a sharded database are transactional: leave ENGINE out, or ENGINE=InnoDB", t.Name, d.engine)
	}
	if err := sequenceRule(t); err != nil {
		return err
	}
	for _, i := range t.ShardKey {
		c := &t.Columns[i]
		if c.Generated {
			return refuse(1235, "42000", "Column '%s' can't be in the shard key: it is generated", c.Name)
		}
		if t.Kind == topo.Linked { // whose partitions MariaDB chooses
			continue
		}
		if slices.Contains(d.onUpdate, i) {
			return refuse(1235, "42000", "Column '%s' can't be in the shard key: ON UPDATE would change it in any UPDATE of a row, which would have to move then", c.Name)
		}
		if slices.Contains(d.period, i) {
			return refuse(1235, "42000", "Column '%s' can't be in the shard key: it is of the table's PERIOD, and UPDATE and DELETE FOR PORTION OF make rows with other values of it,"+
				" and WITHOUT OVERLAPS compares them", c.Name)
		}
		var no *shard.KeyTypeError
		if err := shard.CheckKeyType(c); errors.As(err, &no) {
			what := "type " + c.Type
			if c.Collation != "" {
				what += ", collation " + c.Collation
			}
			return refuse(1235, "42000", "Column '%s' (%s) can't be in the shard key: %s", c.Name, what, no.Reason)
		} else if err != nil {
			return err
		}
	}
	if t.Kind == topo.Linked {
		if len(d.foreign) > 0 {
			return topo.IsLinked("FOREIGN KEY", t.DB, t.Name)
		}
		return nil
	}
	if t.Kind == topo.Reference {
		if err := alikeRule(t); err != nil {
			return err
		}
	} else {
		for _, k := range d.keys {
			if err := uniqueKeyRule(t, k, d); err != nil {
				return err
			}
		}
	}
	for _, f := range d.foreign {
		if err := foreignKeyRule(s, t, f); err != nil {
			return err
		}
	}
	return nil
}

// alikeRule: each leaf would give a reference table's row a value of its own.
func alikeRule(t *topo.Table) error {
	const differs = sqltext.HasNondeterministic | sqltext.HasLockFunction | sqltext.HasStoredCall
	for i := range t.Columns {
		c := &t.Columns[i]
		if _, _, drawn := c.Sequence(); drawn || c.Default == "" || c.Generated {
			continue
		}
		scan := new(sqltext.Scan)
		if err := scan.Scan([]byte(c.Default), sqltext.Mode{}); err != nil {
			return refuse(1235, "42000", "Column '%s' of reference table '%s' can't have a default that can't be read: %s", c.Name, t.Name, c.Default)
		}
		if scan.Tells(sqltext.Span{To: int32(len(scan.Tokens))}, differs) {
			return refuse(1235, "42000", "Column '%s' of reference table '%s' can't have DEFAULT %s: each leaf would give another value. Give the column's values in the statements", c.Name, t.Name, c.Default)
		}
	}
	return nil
}

// uniqueKeyRule: rows that are equal in a unique key must meet in one partition, or nobody would see that they are equal.
func uniqueKeyRule(t *topo.Table, k key, d *described) error {
	if !k.unique || t.Kind == topo.Single {
		return nil
	}
	if t.Kind == topo.Keyless {
		return refuse(1503, "HY000", "UNIQUE key '%s' of table '%s': a table without a shard key can't have one; ALTER TABLE it to one with a SHARD KEY, which may be SHARD KEY (), before", k.name, t.Name)
	}
	for _, i := range t.ShardKey {
		at := slices.Index(k.columns, i)
		what := "UNIQUE key '" + k.name + "'"
		if k.name == "PRIMARY" {
			what = "The PRIMARY KEY"
		}
		if at < 0 {
			return refuse(1503, "HY000", "%s of table '%s' must include all columns of the shard key: column '%s' is missing; %s", what, t.Name, t.Columns[i].Name, insteadOf(t, d))
		}
		if k.prefix[at] {
			return refuse(1503, "HY000", "%s of table '%s' must include all columns of the shard key: of column '%s' it has only a prefix; %s", what, t.Name, t.Columns[i].Name, insteadOf(t, d))
		}
	}
	return nil
}

// insteadOf says how to make a table whose unique keys do not fit its shard key: by a column that all of them have, if there is one.
func insteadOf(t *topo.Table, d *described) string {
	for i := range t.Columns {
		if d.placeable(i) && !slices.ContainsFunc(d.keys, func(k key) bool {
			at := slices.Index(k.columns, i)
			return k.unique && (at < 0 || k.prefix[at])
		}) {
			return "make the table with SHARD KEY (" + t.Columns[i].Name + "), which all its unique keys have, with SHARD KEY (), so that all its rows are in one partition, or by CREATE REFERENCE TABLE"
		}
	}
	return "no column could be the SHARD KEY of all its unique keys: make it with SHARD KEY (), so that all its rows are in one partition, by CREATE REFERENCE TABLE, or without UNIQUE" + installed
}

// installed is where applications go that make such keys.
const installed = "; applications that know nothing of shard keys are at home in databases with DEFAULT SHARD KEY ()"

// placedSo is how foreign keys can be had that shard keys can't keep.
const placedSo = ". Tables that are made with SHARD KEY (), whose rows are all in one partition, may reference each other as they like, and any table one that is made by CREATE REFERENCE TABLE" + installed

// foreignKeyRule: what a row references must be on its leaf.
func foreignKeyRule(s *topo.Snapshot, t *topo.Table, f foreignKey) error {
	parent := s.Table(f.refSchema, f.refName)
	if f.refSchema == t.DB && f.refName == t.Name {
		parent = t
	}
	if parent == nil && (t.Kind == topo.Single || t.Kind == topo.Sharded && t.Written()) && f.refSchema == t.DB { // MariaDB took it, without foreign_key_checks; the table will have to be there, too
		return nil
	}
	if parent == nil {
		return refuse(1235, "42000", "Foreign key '%s' of table '%s' references '%s.%s', which is not a table of a sharded database", f.name, t.Name, f.refSchema, f.refName)
	}
	if parent.Kind == topo.Linked {
		return topo.IsLinked("FOREIGN KEY to a row", parent.DB, parent.Name)
	}
	if parent.Kind == topo.Reference {
		return nil
	}
	refused := func(why string) error {
		return refuse(1235, "42000", "Foreign key '%s' of table '%s' can't reference table '%s': %s", f.name, t.Name, f.refName, why)
	}
	switch {
	case t.Kind == topo.Reference:
		return refused("a reference table can only reference reference tables")
	case parent.DB != t.DB:
		return refused("it is in another database")
	case t.Kind == topo.Single && parent.Kind == topo.Single:
		return nil
	case parent.Kind == topo.Single:
		return refused("all its rows are in one partition: make this table with SHARD KEY (), too, or that one by CREATE REFERENCE TABLE")
	case t.Kind == topo.Single:
		return refused("its rows are in several partitions, those of this table in one: make that one with SHARD KEY (), too, or by CREATE REFERENCE TABLE")
	case t.Kind == topo.Keyless || parent.Kind == topo.Keyless:
		return refused("tables without a shard key can't reference sharded tables, nor be referenced")
	case len(parent.ShardKey) != len(t.ShardKey):
		return refused("the shard keys of the two tables differ" + placedSo)
	}
	for n, i := range t.ShardKey {
		mine, theirs := &t.Columns[i], &parent.Columns[parent.ShardKey[n]]
		at := slices.IndexFunc(f.columns, func(c string) bool { return strings.EqualFold(c, mine.Name) })
		if at < 0 || !strings.EqualFold(f.refColumns[at], theirs.Name) {
			return refused("shard key column '" + mine.Name + "' does not reference the other table's shard key column '" + theirs.Name + "'" + placedSo)
		}
		if mine.Type != theirs.Type || mine.Collation != theirs.Collation {
			return refused("the shard keys of the two tables differ in type or collation")
		}
	}
	return nil
}

// intSize orders the integer types.
var intSize = map[string]int{"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8}

// widens says whether a column that is changed keeps each value that it had, so that all rows stay in their partitions.
func widens(was, is *topo.Column) bool {
	from, to := intSize[was.Type], intSize[is.Type]
	switch {
	case was.Type == is.Type && was.FullType == is.FullType && was.Collation == is.Collation:
		return true
	case from > 0 && to > 0:
		return was.Unsigned == is.Unsigned && to >= from || was.Unsigned && to > from
	case was.Type == "varchar" || was.Type == "varbinary":
		return was.Type == is.Type && was.Collation == is.Collation && is.Length >= was.Length
	}
	return false
}

// merged is the table after an ALTER: what it was, with what MariaDB describes now. The shard key must have stayed.
func merged(old *topo.Table, name string, d *described) (*topo.Table, error) {
	var shardKey []int
	for _, i := range old.ShardKey {
		was := &old.Columns[i]
		at := d.column(was.Name)
		if at < 0 {
			return nil, refuse(1235, "42000", "Column '%s' can't be dropped or renamed: it is in the shard key of table '%s'", was.Name, old.Name)
		}
		is := &d.columns[at]
		if !widens(was, is) {
			return nil, refuse(1235, "42000", "The type of column '%s' can't be changed from %s to %s: it is in the shard key of table '%s'", was.Name, was.FullType, is.FullType, old.Name)
		}
		shardKey = append(shardKey, at)
	}
	t := d.table(old.DB, name, old.Kind, shardKey, old.Explicit, old.ID)
	t.Chosen = old.Chosen
	t.Triggers = old.Triggers
	return t, nil
}
