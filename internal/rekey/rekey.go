package rekey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/rowtext"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Side is a connection at a partition that the copying has for itself.
type Side struct {
	Conn   *backend.Conn
	Schema string
}

// Copy is one table's.
type Copy struct {
	// Table is the table as it will be: its kind and shard key say where the rows go.
	Table *topo.Table
	// From are the partitions with rows, as sessions that are Reading; To are all partitions by their ordinals; Into is the name of the tables there, which are empty.
	From, To []Side
	Into     string
	// Period are the columns that say when versions of rows began and ended, which go where their own values put them; "" where there is no system versioning.
	Period [2]string

	to []target
	f  *shard.Func // nil: all rows go to one partition
}

// target is one of To with who is at it.
type target struct {
	mu   sync.Mutex
	rows uint64
}

// DuplicateError is a row that a unique key does not allow in the table as it will be.
type DuplicateError struct{ Message string }

func (e *DuplicateError) Error() string { return e.Message }

// MySQL is 1062 ER_DUP_ENTRY.
func (e *DuplicateError) MySQL() (uint16, string, string) { return 1062, "23000", e.Message }

// batch is how much is gathered for a partition before it is sent.
const batch = 1 << 20

// Reading makes a session one to read rows with, before it locks them.
const Reading = rowtext.Reading

// writing makes a session one to write rows with. unique_checks stays on: what is filled without it does not tell of rows that are there twice.
const writing = "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00', foreign_key_checks=0, check_constraint_checks=0, innodb_strict_mode=0, max_statement_time=0," +
	" system_versioning_insert_history=1"

// Run copies the rows and says how many there are.
func (c *Copy) Run(ctx context.Context) (rows uint64, err error) {
	if c.Table.Kind != topo.Single {
		var key []topo.Column
		for _, i := range c.Table.ShardKey {
			key = append(key, c.Table.Columns[i])
		}
		if c.f, err = shard.New(key, len(c.To)); err != nil {
			return 0, err
		}
	}
	c.to = make([]target, len(c.To))
	if err := together(ctx, c.To, func(ctx context.Context, _ int, s Side) error {
		_, err := s.Conn.Query(ctx, writing)
		return err
	}); err != nil {
		return 0, err
	}
	if err := together(ctx, c.From, func(ctx context.Context, _ int, s Side) error {
		return c.partition(ctx, s)
	}); err != nil {
		return 0, err
	}
	for i := range c.to {
		rows += c.to[i].rows
	}
	return rows, c.compare(ctx)
}

// together runs f for all sides at once; the first failure ends the others.
func together(ctx context.Context, sides []Side, f func(ctx context.Context, i int, s Side) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	for i, s := range sides {
		wg.Go(func() {
			if err := f(ctx, i, s); err != nil {
				once.Do(func() { first = fmt.Errorf("leaf %s: %w", s.Conn.Leaf(), err); cancel() })
			}
		})
	}
	wg.Wait()
	return first
}

// exprs are what is read of a row: its stored columns, and then its key.
func (c *Copy) exprs() (out []string, columns int) {
	for _, i := range c.stored() {
		col := &c.Table.Columns[i]
		e := id(col.Name)
		if as := rowtext.Travel(col.Type); as != "" {
			e = "CAST(" + e + " AS " + as + ")"
		}
		out = append(out, e)
	}
	if c.Period[0] != "" {
		out = append(out, id(c.Period[0]), id(c.Period[1]))
	}
	columns = len(out)
	if c.f != nil {
		var names []string
		for _, i := range c.Table.ShardKey {
			names = append(names, id(c.Table.Columns[i].Name))
		}
		out = append(out, c.f.RowSQL(names)...)
	}
	return out, columns
}

// stored are the columns that are no others' doing.
func (c *Copy) stored() (out []int) {
	for i := range c.Table.Columns {
		if !c.Table.Columns[i].Generated {
			out = append(out, i)
		}
	}
	return out
}

// loadText reads what exprs gives.
func (c *Copy) loadText(schema string) string {
	var names, sets []string
	number := func(i int) bool { return rowtext.Travel(c.Table.Columns[i].Type) == "UNSIGNED" }
	numbers := slices.ContainsFunc(c.stored(), number)
	for n, i := range c.stored() {
		name := id(c.Table.Columns[i].Name)
		switch v := "@c" + strconv.Itoa(n); {
		case number(i):
			sets = append(sets, name+" = CAST("+v+" AS UNSIGNED)")
			name = v
		case i == c.Table.AutoIncrement && numbers: // MariaDB gives a number to the row with 0 when there is a SET without the column
			sets = append(sets, name+" = "+v)
			name = v
		}
		names = append(names, name)
	}
	if c.Period[0] != "" {
		names = append(names, id(c.Period[0]), id(c.Period[1]))
	}
	text := "LOAD DATA LOCAL INFILE 'rows' INTO TABLE " + id(schema) + "." + id(c.Into) + " CHARACTER SET binary (" + strings.Join(names, ", ") + ")"
	if len(sets) > 0 {
		text += " SET " + strings.Join(sets, ", ")
	}
	return text
}

// lines are rows for one partition.
type lines struct {
	text []byte
	rows uint64
}

// partition deals out one partition's rows.
func (c *Copy) partition(ctx context.Context, from Side) error {
	exprs, columns := c.exprs()
	text := "SELECT " + strings.Join(exprs, ", ") + " FROM " + id(from.Schema) + "." + id(c.Table.Name)
	if c.Period[0] != "" {
		text += " FOR SYSTEM_TIME ALL"
	}
	if err := from.Conn.Send(wire.ComQuery, []byte(text)); err != nil {
		return err
	}
	stop := from.Conn.Watch(ctx)
	err := c.deal(ctx, from.Conn, len(exprs), columns)
	if stop() && err == nil {
		err = ctx.Err()
	}
	return err
}

func (c *Copy) deal(ctx context.Context, from *backend.Conn, width, columns int) error {
	gathered := make([]lines, len(c.To))
	key := make([][]byte, width-columns)
	for {
		pkt, err := from.Next()
		if err != nil {
			return err
		}
		switch pkt.Kind {
		case backend.KindErr:
			return pkt.Err()
		case backend.KindRow:
			at := topo.SingleOrdinal
			if c.f != nil {
				if err := last(pkt.Payload, columns, key); err != nil {
					return err
				}
				if at, err = c.f.Answer(key); err != nil {
					return err
				}
			}
			g := &gathered[at]
			if g.text, err = rowtext.AppendLine(g.text, pkt.Payload, columns); err != nil {
				return err
			}
			if g.rows++; len(g.text) >= batch {
				if err := c.send(ctx, at, g); err != nil {
					return err
				}
			}
		}
		if from.Done() {
			break
		}
	}
	for at := range gathered {
		if err := c.send(ctx, at, &gathered[at]); err != nil {
			return err
		}
	}
	return nil
}

// last are a row's values behind the first columns.
func last(row []byte, columns int, key [][]byte) error {
	r := wire.TextRow(row)
	for i := range columns + len(key) {
		v, null, ok := r.Next()
		switch {
		case !ok:
			return wire.ErrMalformed
		case i < columns:
		case null:
			key[i-columns] = nil
		default:
			if key[i-columns] = v; v == nil {
				key[i-columns] = []byte{}
			}
		}
	}
	return nil
}

// send puts rows into a partition.
func (c *Copy) send(ctx context.Context, at int, g *lines) error {
	if g.rows == 0 {
		return nil
	}
	t, s := &c.to[at], c.To[at]
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := s.Conn.Send(wire.ComQuery, []byte(c.loadText(s.Schema))); err != nil {
		return err
	}
	stop := s.Conn.Watch(ctx)
	err := load(s.Conn, g.text)
	if stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	if taken := s.Conn.Affected; taken != g.rows {
		return c.leftOut(ctx, s, g.rows-taken)
	}
	t.rows += g.rows
	g.text, g.rows = g.text[:0], 0
	return nil
}

// load sends the data that a server asks for, and gets its answer.
func load(c *backend.Conn, text []byte) error {
	pkt, err := c.Next()
	if err != nil {
		return err
	}
	if e := pkt.Err(); e != nil {
		return e
	}
	if pkt.Kind != backend.KindInfile {
		return errors.New("it did not ask for the rows")
	}
	if err := c.SendData(text); err != nil {
		return err
	}
	if err := c.SendData(nil); err != nil {
		return err
	}
	if pkt, err = c.Next(); err != nil {
		return err
	}
	if e := pkt.Err(); e != nil {
		return e
	}
	return nil
}

// leftOut is why a partition has taken some rows only.
func (c *Copy) leftOut(ctx context.Context, s Side, n uint64) error {
	res, err := s.Conn.Query(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		if string(row[1]) == "1062" {
			return &DuplicateError{strings.ReplaceAll(string(row[2]), c.Into, c.Table.Name)}
		}
	}
	return fmt.Errorf("%d rows of table '%s.%s' were not taken where its shard key puts them", n, c.Table.DB, c.Table.Name)
}

// compare fails unless the rows are what they were: the sum of a table's checksums is the same wherever its rows are.
func (c *Copy) compare(ctx context.Context) error {
	before, err := sum(ctx, c.From, c.Table.Name)
	if err != nil {
		return err
	}
	after, err := sum(ctx, c.To, c.Into)
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("the rows of table '%s.%s' are others where its shard key puts them; the table stays as it was", c.Table.DB, c.Table.Name)
	}
	return nil
}

func sum(ctx context.Context, sides []Side, table string) (total uint32, err error) {
	var mu sync.Mutex
	err = together(ctx, sides, func(ctx context.Context, _ int, s Side) error {
		res, err := s.Conn.Query(ctx, "CHECKSUM TABLE "+id(s.Schema)+"."+id(table)+" EXTENDED")
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(res.Rows[0][1]), 10, 32)
		mu.Lock()
		defer mu.Unlock()
		total += uint32(n)
		return err
	})
	return total, err
}

func id(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
