package ddl

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// described is a table as a leaf tells it.
type described struct {
	columns  []topo.Column
	auto     int
	onUpdate []int // columns that an UPDATE of others changes
	period   []int // the two of a period of the application's
	keeps    bool  // topo.Table.KeepsNumber
	keys     []key
	foreign  []foreignKey
	engine   string
	typ      string // BASE TABLE, versioned, …
}

type key struct {
	name    string
	unique  bool
	columns []int
	prefix  []bool // only a prefix of the column is in the key
}

type foreignKey struct {
	name               string
	columns            []string
	refSchema, refName string
	refColumns         []string
}

// describe reads a table back, nil when there is none.
func (r *Runner) describe(ctx context.Context, p place, table string) (*described, error) {
	c, err := r.own(ctx, p, "")
	if err != nil {
		return nil, err
	}
	defer c.Release()
	where := " WHERE TABLE_SCHEMA = " + lit(p.Schema) + " AND TABLE_NAME = " + lit(table)
	res, err := c.Query(ctx, "SELECT IFNULL(ENGINE, ''), TABLE_TYPE FROM information_schema.TABLES"+where)
	if err != nil {
		return nil, err
	}
	if len(res.Rows) == 0 {
		return nil, nil
	}
	d := &described{engine: string(res.Rows[0][0]), typ: string(res.Rows[0][1]), auto: -1}
	res, err = c.Query(ctx, `SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COALESCE(NUMERIC_SCALE, DATETIME_PRECISION, 0), IFNULL(CHARACTER_MAXIMUM_LENGTH, 0),
		IFNULL(CHARACTER_SET_NAME, ''), IFNULL(COLLATION_NAME, ''), IS_NULLABLE, IFNULL(COLUMN_DEFAULT, ''), EXTRA, IS_GENERATED
		FROM information_schema.COLUMNS`+where+" ORDER BY ORDINAL_POSITION")
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, row := range res.Rows {
		s := func(i int) string { return string(row[i]) }
		extra := strings.ToLower(s(9))
		col := topo.Column{
			Name: s(0), Type: strings.ToLower(s(1)), FullType: s(2), Unsigned: strings.Contains(strings.ToLower(s(2)), "unsigned"),
			Charset: s(5), Collation: s(6), Nullable: s(7) == "YES", Default: s(8),
			Generated: s(10) != "NEVER", Invisible: strings.Contains(extra, "invisible"),
		}
		col.Scale, _ = strconv.Atoi(s(3))
		col.Length, _ = strconv.ParseInt(s(4), 10, 64)
		if strings.Contains(extra, "auto_increment") {
			d.auto = i
		}
		if strings.Contains(extra, "on update") {
			d.onUpdate = append(d.onUpdate, i)
		}
		at[col.Name] = i
		d.columns = append(d.columns, col)
	}
	res, err = c.Query(ctx, "SELECT INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS"+where+
		" ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX")
	if err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		name := string(row[0])
		if n := len(d.keys); n == 0 || d.keys[n-1].name != name {
			d.keys = append(d.keys, key{name: name, unique: string(row[1]) == "0"})
		}
		k := &d.keys[len(d.keys)-1]
		k.columns = append(k.columns, at[string(row[2])])
		k.prefix = append(k.prefix, row[3] != nil)
	}
	res, err = c.Query(ctx, "SELECT CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME"+
		" FROM information_schema.KEY_COLUMN_USAGE"+where+" AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY CONSTRAINT_NAME, ORDINAL_POSITION")
	if err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		name := string(row[0])
		if n := len(d.foreign); n == 0 || d.foreign[n-1].name != name {
			d.foreign = append(d.foreign, foreignKey{name: name, refSchema: string(row[2]), refName: string(row[3])})
		}
		f := &d.foreign[len(d.foreign)-1]
		f.columns = append(f.columns, string(row[1]))
		f.refColumns = append(f.refColumns, string(row[4]))
	}
	d.period, err = d.readPeriod(ctx, c, p.Schema, table)
	return d, err
}

// readPeriod finds the columns of PERIOD FOR, which no table of information_schema tells.
func (d *described) readPeriod(ctx context.Context, c *backend.Conn, schema, table string) ([]int, error) {
	times := 0
	for i := range d.columns {
		if c := &d.columns[i]; !c.Nullable && !c.Generated && (c.Type == "date" || c.Type == "datetime" || c.Type == "timestamp") {
			times++
		}
	}
	if times < 2 || d.typ == "VIEW" {
		return nil, nil
	}
	res, err := c.Query(ctx, "SHOW CREATE TABLE "+id(schema)+"."+id(table))
	if err != nil {
		return nil, err
	}
	var scan sqltext.Scan
	if err := scan.Scan(res.Rows[0][1], sqltext.Mode{}); err != nil {
		return nil, err
	}
	for i := 0; i+6 < len(scan.Tokens); i++ {
		// PERIOD FOR `name` (`from`, `to`); SYSTEM_TIME is written without quotes.
		if t := scan.Tokens[i:]; t[0].KW == sqltext.KwPeriod && t[1].KW == sqltext.KwFor && t[2].Kind == sqltext.QuotedID {
			from, to := sqltext.Unquote(nil, t[4], scan.Src, sqltext.Mode{}), sqltext.Unquote(nil, t[6], scan.Src, sqltext.Mode{})
			d.keeps = d.keepsNumber(&scan, t[7:])
			return []int{d.column(string(from)), d.column(string(to))}, nil
		}
	}
	return nil, nil
}

// keepsNumber looks for what comes behind PERIOD at the first key that begins with the AUTO_INCREMENT column: MariaDB counts by that one, and not where it is WITHOUT OVERLAPS.
func (d *described) keepsNumber(scan *sqltext.Scan, behind []sqltext.Token) bool {
	if d.auto < 0 {
		return false
	}
	name := func(t sqltext.Token) string { return string(sqltext.Unquote(nil, t, scan.Src, sqltext.Mode{})) }
	begins := -1
	for i := 0; i+2 < len(behind); i++ { // KEY `name` (`column`, …; PRIMARY KEY has no name
		if t := behind[i:]; t[0].KW == sqltext.KwKey {
			if begins >= 0 {
				break
			}
			if t[1].Kind == sqltext.QuotedID {
				i, t = i+1, t[1:]
			}
			if t[2].Kind == sqltext.QuotedID && d.column(name(t[2])) == d.auto {
				begins = i
			}
		}
		if begins >= 0 && behind[i].KW == sqltext.KwWithout && behind[i+1].KW == sqltext.KwOverlaps {
			return true
		}
	}
	return false
}

func (d *described) column(name string) int {
	for i := range d.columns {
		if strings.EqualFold(d.columns[i].Name, name) {
			return i
		}
	}
	return -1
}

func (d *described) primary() *key {
	if len(d.keys) > 0 && d.keys[0].name == "PRIMARY" {
		return &d.keys[0]
	}
	return nil
}

// clocked says whether rows get the time when they are written.
func (d *described) clocked() bool {
	return len(d.onUpdate) > 0 || d.typ == versioned || slices.ContainsFunc(d.columns, func(c topo.Column) bool {
		var scan sqltext.Scan
		return c.Default != "" && !c.Generated && scan.Scan([]byte(c.Default), sqltext.Mode{}) == nil && scan.Tells(sqltext.Span{To: int32(len(scan.Tokens))}, sqltext.HasTimeFunction)
	})
}

// table makes the topology's table of a description.
func (d *described) table(db, name string, kind topo.TableKind, shardKey []int, explicit bool, number uint64) *topo.Table {
	t := &topo.Table{
		DB: db, Name: name, Kind: kind, Columns: d.columns, ShardKey: shardKey, Explicit: explicit, AutoIncrement: d.auto, ID: number,
		Clocked: d.clocked(), KeepsNumber: d.keeps,
	}
	for _, k := range d.keys {
		if k.unique {
			t.Unique = append(t.Unique, k.columns)
		}
	}
	return t
}
