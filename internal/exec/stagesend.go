package exec

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Where many rows are stored they are so by groups: only of a statement with more than one row MariaDB (10.11) tells the engine that there will be some, and Aria makes the keys of many rows by
// sorting them. One by one they go to where they belong, and half of each page is moved for that.
const (
	groupRows    = 100 // from which on Aria does so
	groupColumns = 64  // beyond, a group has too many parameters
)

// groupOf is how many rows of so many columns are a group.
func groupOf(columns int) int {
	if columns > groupColumns {
		return 1
	}
	return groupRows
}

// batch gathers rows for some desks.
type batch struct {
	desks []*desk
	bare  []*int // as in load, for each desk
	body  []byte // room for a head, and the rows
	rows  int
	zeros int
	// full is the end of the last row that makes a group whole, fullZeros are the zeros until there.
	full, fullZeros int
	sent            []byte // what is under way
}

// bodies are those of batches that have been sent.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// begin takes room for rows.
func (b *batch) begin(head []byte) {
	if b.body == nil {
		b.body = *bodies.Get().(*[]byte)
	}
	b.body = append(b.body[:0], head...)
}

// end gives the room back: nothing is under way.
func (b *batch) end() {
	for _, body := range [][]byte{b.body, b.sent} {
		if cap(body) > 0 {
			bodies.Put(&body)
		}
	}
	b.body, b.sent = nil, nil
}

// add appends a row.
func (b *batch) add(row []byte, zeros, group int) {
	b.body = append(b.body, row...)
	b.rows++
	if b.zeros += zeros; b.rows%group == 0 {
		b.full, b.fullZeros = len(b.body), b.zeros
	}
}

// load are rows that are under way to a desk.
type load struct {
	w    *copyWriter
	rows int
	odds int  // how often they have an ENUM's value that is none of its members
	bare *int // warnings of a statement there, about columns that get no value; -1 before the first
}

// deal finds the batch of the partition that needs the row at hand; nil when none does.
func (w *copyWriter) deal() (*batch, error) {
	texts := make([][]byte, len(w.dealt))
	var buf [64]byte
	text := buf[:0]
	for i, at := range w.dealt {
		if w.cells[at] == nil {
			continue
		}
		from := len(text)
		if v := wire.BinaryInt(w.cells[at], w.columns[at].unsigned); w.columns[at].unsigned {
			text = strconv.AppendUint(text, v, 10)
		} else {
			text = strconv.AppendInt(text, int64(v), 10)
		}
		texts[i] = text[from:]
	}
	o, err := w.shard.Row(texts, "")
	if err != nil {
		return nil, fmt.Errorf("dealing out %s.%s: %w", w.f.Table.DB, w.f.From().Name, err)
	}
	i := slices.Index(w.s.desks, w.s.ordinal[o])
	if i < 0 {
		return nil, nil
	}
	return w.batches[i], nil
}

// flush sends the rows that have gathered, but for a few where there are many. Those of the batch before have arrived everywhere when it returns.
func (w *copyWriter) flush(b *batch) error {
	rows, end, zeros, head, group := b.rows, len(b.body), b.zeros, w.single, 1
	if rows >= manyRows {
		rows, end, zeros, head, group = rows-rows%w.group, b.full, b.fullZeros, w.grouped, w.group
	}
	s := w.s
	more := int64(end-len(w.grouped)) * int64(len(b.desks))
	w.size += more
	w.total += int64(rows) * int64(len(b.desks))
	if s.size.Add(more) > s.limit {
		return s.tooMuch(w.f)
	}
	from := len(w.grouped) - len(head)
	copy(b.body[from:], head)
	for i, d := range b.desks {
		turn, err := s.takeTurn(d)
		if err != nil {
			return err
		}
		d.flying = &load{w: w, rows: rows, odds: zeros, bare: b.bare[i]}
		err = d.c.SendBulkExecute(w.insert(group), b.body[from:end])
		turn()
		if err != nil {
			return err
		}
	}
	left := b.body[end:]
	b.body, b.sent = b.sent, b.body
	b.begin(w.grouped)
	b.body = append(b.body, left...)
	b.rows, b.zeros, b.full, b.fullZeros = b.rows-rows, b.zeros-zeros, 0, 0
	return nil
}

// insert is the statement that stores rows, so many at once.
func (w *copyWriter) insert(rows int) string {
	text := append(w.name([]byte("INSERT INTO ")), " ("...)
	for i, c := range w.f.Columns {
		if i > 0 {
			text = append(text, ',')
		}
		text = plan.AppendQuoted(text, w.f.Table.Columns[c].Name)
	}
	text = append(text, ") VALUES "...)
	for row := range rows {
		if row > 0 {
			text = append(text, ',')
		}
		for i := range w.f.Columns {
			if i == 0 {
				text = append(text, "(?"...)
			} else {
				text = append(text, ",?"...)
			}
		}
		text = append(text, ')')
	}
	return string(text)
}

// arrived reads the answer to rows that are under way.
func (l *load) arrived(c *backend.Conn) error {
	for {
		p, err := c.Next()
		if err != nil {
			return err
		}
		if p.Kind == backend.KindErr {
			return p.Err()
		}
		if c.Done() {
			break
		}
	}
	if c.Affected != uint64(l.rows) {
		return errorf(wire.ErUnknown, "The copy of '%s.%s' took %d rows of %d", l.w.f.Table.DB, l.w.f.From().Name, c.Affected, l.rows)
	}
	return l.noted(c, int(c.Warnings))
}

// noted sees to it that the leaf has changed no value. It warns of columns that get none and have no default, each time alike, and of each ENUM's value that is no
// member.
func (l *load) noted(c *backend.Conn, warnings int) error {
	if warnings -= l.odds; warnings == max(*l.bare, 0) {
		return nil
	}
	res, err := c.Query(context.Background(), "SHOW WARNINGS") // the connection is watched
	if err != nil {
		return err
	}
	bare := 0
	for _, row := range res.Rows {
		switch string(row[1]) {
		case "1364":
			bare++
		case "1265":
			if l.odds > 0 {
				continue
			}
			fallthrough
		default:
			return l.w.altered(string(row[1]) + ": " + string(row[2]))
		}
	}
	if *l.bare >= 0 || bare != warnings {
		return l.w.altered(strconv.Itoa(warnings) + " warnings")
	}
	*l.bare = bare
	return nil
}

// altered is the error for a copy that is none.
func (w *copyWriter) altered(why string) error {
	return errorf(wire.ErUnknown, "The copy of '%s.%s' would differ from the table: %s", w.f.Table.DB, w.f.From().Name, why)
}
