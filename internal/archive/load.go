package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// exprs are what is selected of a table. One that has nothing but generated columns still has rows.
func (t *Table) exprs() []string {
	if len(t.Columns) == 0 {
		return []string{"1"}
	}
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = id(c.Name)
		if c.As != "" {
			out[i] = "CAST(" + out[i] + " AS " + c.As + ")"
		}
	}
	return out
}

// from is what they are selected from.
func (t *Table) from(schema string) string {
	if t.Versions {
		return id(schema) + "." + id(t.Name) + " FOR SYSTEM_TIME ALL"
	}
	return id(schema) + "." + id(t.Name)
}

// loadText reads what exprs has written.
func (t *Table) loadText(schema string) string {
	var names, sets []string
	numbers := slices.ContainsFunc(t.Columns, func(c Column) bool { return c.As == "UNSIGNED" })
	for i, c := range t.Columns {
		name := id(c.Name)
		switch v := fmt.Sprintf("@c%d", i); {
		case c.As == "UNSIGNED":
			sets = append(sets, name+" = CAST("+v+" AS UNSIGNED)")
			name = v
		case c.Auto && numbers: // MariaDB gives a number to the row with 0 when there is a SET without the column
			sets = append(sets, name+" = "+v)
			name = v
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		names = []string{"@none"}
	}
	text := "LOAD DATA LOCAL INFILE 'rows' INTO TABLE " + id(schema) + "." + id(t.Name) + " CHARACTER SET binary (" + strings.Join(names, ", ") + ")"
	if len(sets) > 0 {
		text += " SET " + strings.Join(sets, ", ")
	}
	return text
}

// Target is a schema at a leaf that a backup is loaded into: a partition's, or, with Ordinal -1, a shape for its reference tables.
type Target struct {
	Leaf    string
	Schema  string
	Ordinal int
}

// Loader loads a backup.
type Loader struct {
	Pools    *backend.Pools
	Dir      string
	Manifest *Manifest
	// May is asked before each table: its error ends the loading.
	May func() error
	// Tell is told of rows as they are loaded.
	Tell func(rows uint64)
	// Rate is the most that is loaded into a target, in bytes a second; 0 is no bound. It may change.
	Rate func() int64
}

// Load loads rows into a schema whose tables are there and empty, and compares what is there then with what was saved. Nothing of it reaches the leaf's binary log.
// The sessions that do it have the schema as their default database.
func (l *Loader) Load(ctx context.Context, to Target) error {
	m, dir := l.Manifest, l.Dir
	conn, err := l.Pools.Get(ctx, backend.Want{Leaf: to.Leaf, Account: backend.Cluster, Variant: backend.Internal, Schema: to.Schema})
	if err != nil {
		return err
	}
	defer conn.Release()
	conn.ResetOnRelease()
	if _, err := conn.Query(ctx, "SET SESSION sql_log_bin=0, sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00', foreign_key_checks=0, unique_checks=0, check_constraint_checks=0,"+
		" innodb_strict_mode=0, max_statement_time=0, "+move.InsertHistory); err != nil {
		return fmt.Errorf("leaf %s: %w", to.Leaf, err)
	}
	limit := move.NewLimit(l.Rate)
	for i := range m.Tables {
		t := &m.Tables[i]
		at := to.Ordinal
		switch {
		case t.Kind == topo.Sequence, (t.Kind == topo.Reference) != (at < 0):
			continue
		case at < 0:
			at = 0
		}
		part := t.Parts[at]
		if err := l.May(); err != nil {
			return err
		}
		// A server without unique_checks fills an empty table in bulk, and hangs for good when anybody reads it meanwhile (seen with MariaDB 10.11.19). Behind this
		// lock they wait.
		if _, err := conn.Query(ctx, "LOCK TABLES "+id(to.Schema)+"."+id(t.Name)+" WRITE"); err != nil {
			return fmt.Errorf("leaf %s: %w", to.Leaf, err)
		}
		rows, err := loadFile(ctx, conn, dir, part, t.loadText(to.Schema), l.Tell, limit)
		if err != nil {
			return fmt.Errorf("loading table %s.%s at leaf %s: %w", to.Schema, t.Name, to.Leaf, err)
		}
		if _, err := conn.Query(ctx, "UNLOCK TABLES"); err != nil { // where it does not come to this, the connection's end or reset unlocks them
			return fmt.Errorf("leaf %s: %w", to.Leaf, err)
		}
		sum, err := t.sum(ctx, conn, to.Schema)
		if err != nil {
			return err
		}
		if rows != part.Rows || sum != part.Sum {
			return &Error{ErrDiffers, erNotFormFile, fmt.Sprintf("Table %s.%s at leaf %s has %d rows and the sum of values %s after it was loaded from '%s', it had %d and %s when it was saved", to.Schema,
				t.Name, to.Leaf, rows, sum, filepath.Join(dir, part.File), part.Rows, part.Sum), nil}
		}
	}
	return nil
}

func loadFile(ctx context.Context, conn *backend.Conn, dir string, part Part, sql string, tell func(rows uint64), limit *move.Limit) (rows uint64, err error) {
	r, err := read(dir, part)
	if err != nil {
		return 0, err
	}
	defer r.close()
	if err := conn.Send(wire.ComQuery, []byte(sql)); err != nil {
		return 0, err
	}
	stop := conn.Watch(ctx)
	defer func() {
		if stop() && err == nil {
			err = ctx.Err()
		}
	}()
	p, err := conn.Next()
	if err != nil {
		return 0, err
	}
	if p.Kind != backend.KindInfile {
		if e := p.Err(); e != nil {
			return 0, e
		}
		return 0, fmt.Errorf("leaf %s did not ask for the rows", conn.Leaf())
	}
	if bad := send(ctx, conn, r, tell, limit); bad != nil {
		return 0, bad // the data has no end: the connection is closed when it is released, and the leaf rolls back what came
	}
	if err := conn.SendData(nil); err != nil {
		return 0, err
	}
	if p, err = conn.Next(); err != nil {
		return 0, err
	}
	if e := p.Err(); e != nil {
		return 0, e
	}
	// Warnings are no failure: an ENUM's error value gives one. The sum decides.
	return conn.Affected, nil
}

// send gives a file's rows to a leaf.
func send(ctx context.Context, conn *backend.Conn, r io.Reader, tell func(rows uint64), limit *move.Limit) error {
	buf := make([]byte, chunk)
	told, rows := time.Now(), uint64(0)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := conn.SendData(buf[:n]); err != nil {
				return err
			}
			rows += uint64(bytes.Count(buf[:n], []byte{'\n'})) // about: a value may have a line break
		}
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return err
		}
		if end || time.Since(told) > 200*time.Millisecond {
			told = time.Now()
			tell(rows)
			rows = 0
		}
		if err := limit.Spend(ctx, n); err != nil || end {
			return err
		}
	}
}
