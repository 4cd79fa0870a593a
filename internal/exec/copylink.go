package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// ErrNoKey is what CopyLink fails with for a table without a primary key, or a unique one without NULLs.
var ErrNoKey = errors.New("the table has no primary key")

// copyRows is how many rows CopyLink copies at a time: writers of those wait meanwhile.
const copyRows = 500

// CopyLink makes the rows of a remote table those of another one. Both are in use meanwhile: whoever writes does so at the first, then at the second. Some rows are
// locked at the first one at a time, the same range is emptied at the second and filled again, and both transactions end.
func (r *Runner) CopyLink(ctx context.Context, t *topo.Table, from, to spider.Link) error {
	c := linkCopy{r: r, t: t, key: keyOf(t), from: linkEnd{link: from}, to: linkEnd{link: to}}
	if c.key == nil {
		return ErrNoKey
	}
	for _, e := range []*linkEnd{&c.from, &c.to} {
		if err := c.open(ctx, e); err != nil {
			return err
		}
		defer e.conn.Release()
	}
	next, err := c.some(ctx, nil)
	for err == nil && next != nil {
		next, err = c.some(ctx, next)
	}
	if err != nil {
		return err
	}
	return c.compare(ctx)
}

// keyOf is a key by which rows can be walked.
func keyOf(t *topo.Table) []int {
	for _, k := range t.Unique {
		fits := len(k) > 0
		for _, col := range k {
			fits = fits && !t.Columns[col].Nullable
		}
		if fits {
			return k
		}
	}
	return nil
}

// linkEnd is one side of a copy.
type linkEnd struct {
	link   spider.Link
	remote *backend.Remote
	conn   *backend.Conn
}

func (e *linkEnd) name() string { return quotedName(e.link.Database) + "." + quotedName(e.link.Table) }

func quotedName(name string) string { return string(plan.AppendQuoted(nil, name)) }

type linkCopy struct {
	r        *Runner
	t        *topo.Table
	key      []int
	from, to linkEnd
}

func (c *linkCopy) open(ctx context.Context, e *linkEnd) (err error) {
	if e.remote, err = c.r.cfg.Remote([]spider.Link{e.link}); err != nil {
		return err
	}
	if e.conn, err = c.r.cfg.Pools.Get(ctx, backend.Want{Leaf: e.remote.ID, Remote: e.remote, Variant: backend.Internal, State: e.remote.State(nil)}); err != nil {
		return ConnectError(e.remote, err)
	}
	e.conn.ResetOnRelease()
	_, err = c.ask(ctx, e, "SET sql_mode='STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', foreign_key_checks=0, "+
		"tx_isolation='REPEATABLE-READ', NAMES utf8mb4")
	if err != nil {
		e.conn.Release()
	}
	return err
}

func (c *linkCopy) ask(ctx context.Context, e *linkEnd, sql string) (*backend.Result, error) {
	res, err := c.r.askRemote(ctx, e.conn, []spider.Link{e.link}, sql)
	if err != nil {
		return nil, AnswerError(e.remote, &e.link, err)
	}
	return res, nil
}

// within runs something in a transaction at both servers.
func (c *linkCopy) within(ctx context.Context, do func() error) error {
	ends := []*linkEnd{&c.to, &c.from} // in this order they end: rows are let go of when they are there
	for _, e := range ends {
		if _, err := c.ask(ctx, e, "START TRANSACTION"); err != nil {
			return err
		}
	}
	err := do()
	for _, e := range ends {
		end := "COMMIT"
		if err != nil {
			end = "ROLLBACK"
		}
		if _, failed := c.ask(ctx, e, end); err == nil {
			err = failed
		}
	}
	return err
}

// some copies rows that follow the one with a key; the first ones for nil. The key of the last one comes back, nil when there are no more.
func (c *linkCopy) some(ctx context.Context, last []string) (next []string, err error) {
	err = c.within(ctx, func() error {
		res, err := c.ask(ctx, &c.from, c.query(last))
		if err != nil {
			return err
		}
		if len(res.Rows) == copyRows {
			for _, v := range res.Rows[copyRows-1][1:] {
				next = append(next, string(v))
			}
		}
		return c.put(ctx, last, next, res.Rows)
	})
	return next, err
}

// query locks rows and reads them as SQL, with their keys.
func (c *linkCopy) query(last []string) string {
	var values, order []string
	for i := range c.t.Columns {
		if col := &c.t.Columns[i]; !col.Generated {
			values = append(values, literalOf(col))
		}
	}
	sql := "SELECT CONCAT_WS(',', " + strings.Join(values, ", ") + ")"
	for _, k := range c.key {
		sql += ", " + literalOf(&c.t.Columns[k])
		order = append(order, quotedName(c.t.Columns[k].Name))
	}
	sql += " FROM " + c.from.name()
	if last != nil {
		sql += " WHERE " + c.beyond(last, ">", ">")
	}
	return fmt.Sprint(sql, " ORDER BY ", strings.Join(order, ", "), " LIMIT ", copyRows, " LOCK IN SHARE MODE")
}

// put makes rows those of the range between two keys; nil is an end.
func (c *linkCopy) put(ctx context.Context, last, next []string, rows [][][]byte) error {
	var where, names []string
	if last != nil {
		where = append(where, "("+c.beyond(last, ">", ">")+")")
	}
	if next != nil {
		where = append(where, "("+c.beyond(next, "<", "<=")+")")
	}
	sql := "DELETE FROM " + c.to.name()
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	if _, err := c.ask(ctx, &c.to, sql); err != nil {
		return err
	}
	for i := range c.t.Columns {
		if col := &c.t.Columns[i]; !col.Generated {
			names = append(names, quotedName(col.Name))
		}
	}
	head := "REPLACE INTO " + c.to.name() + " (" + strings.Join(names, ", ") + ") VALUES "
	text := []byte(head)
	for i, row := range rows {
		if row[0] == nil {
			return errorf(wire.ErUnknown, "A row of '%s.%s' at %s, written as SQL, is longer than max_allowed_packet there", c.from.link.Database, c.from.link.Table, c.from.link.Name())
		}
		if len(text) > len(head) {
			text = append(text, ',')
		}
		text = append(append(append(text, '('), row[0]...), ')')
		if len(text) > insertBatch || i == len(rows)-1 {
			if _, err := c.ask(ctx, &c.to, string(text)); err != nil {
				return err
			}
			text = text[:len(head)]
		}
	}
	return nil
}

// beyond is the condition that a row's key lies behind (op >) or before (<) another: as MariaDB looks it up in an index.
func (c *linkCopy) beyond(key []string, op, lastOp string) string {
	var either []string
	for n := range c.key {
		var all []string
		for i := range n {
			all = append(all, quotedName(c.t.Columns[c.key[i]].Name)+" = "+key[i])
		}
		o := op
		if n == len(c.key)-1 {
			o = lastOp
		}
		all = append(all, quotedName(c.t.Columns[c.key[n]].Name)+" "+o+" "+key[n])
		either = append(either, strings.Join(all, " AND "))
	}
	return strings.Join(either, " OR ")
}

// literalOf is an expression for a column's value as SQL: written by one server it means the same at another.
func literalOf(col *topo.Column) string {
	name, text := quotedName(col.Name), ""
	switch {
	case col.Charset != "":
		text = `CONCAT("_utf8mb4 x'", HEX(CONVERT(` + name + ` USING utf8mb4)), "'")`
	case strings.HasSuffix(col.Type, "int"), col.Type == "decimal", col.Type == "year":
		text = "CONCAT(" + name + ")"
	case col.Type == "float", col.Type == "double":
		text = "CONCAT(" + name + "+0e0)" // a FLOAT's text is not all of it
	case col.Type == "date", col.Type == "time", col.Type == "datetime", col.Type == "timestamp", col.Type == "uuid", col.Type == "inet4", col.Type == "inet6":
		text = "QUOTE(" + name + ")"
	default:
		text = `CONCAT("x'", HEX(` + name + `), "'")`
	}
	if col.Type == "bit" {
		text = "CONCAT(" + name + "+0)"
	}
	return "IFNULL(" + text + ", 'NULL')"
}

// compare has both servers reckon a sum over all rows, which nobody writes to meanwhile.
func (c *linkCopy) compare(ctx context.Context) error {
	var values []string
	for i := range c.t.Columns {
		values = append(values, literalOf(&c.t.Columns[i]))
	}
	var sums [2]string
	err := c.within(ctx, func() error {
		for i, e := range []*linkEnd{&c.from, &c.to} {
			res, err := c.ask(ctx, e, "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS(',', "+strings.Join(values, ", ")+"))) FROM "+e.name()+" LOCK IN SHARE MODE")
			if err != nil {
				return err
			}
			sums[i] = string(res.Rows[0][0]) + " rows with the sum " + string(res.Rows[0][1])
		}
		return nil
	})
	if err == nil && sums[0] != sums[1] {
		return errorf(wire.ErUnknown, "The copy of '%s.%s' differs: %s at %s, %s at %s. Something else has written to one of the remote tables meanwhile; call spider_copy_tables again",
			c.t.DB, c.t.Name, sums[0], c.from.link.Name(), sums[1], c.to.link.Name())
	}
	return err
}
