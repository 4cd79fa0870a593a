package exec

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// batch gathers rows for some desks.
type batch struct {
	desks []*desk
	bare  []*int // as in load, for each desk
	body  []byte
	rows  int
	zeros int
	sent  []byte // what is under way
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

// flush sends the rows that have gathered. Those of the batch before have arrived everywhere when it returns.
func (w *copyWriter) flush(b *batch) error {
	s := w.s
	more := int64(len(b.body)-w.head) * int64(len(b.desks))
	w.size += more
	w.total += int64(b.rows) * int64(len(b.desks))
	if s.size.Add(more) > s.limit {
		return s.tooMuch(w.f)
	}
	for i, d := range b.desks {
		end, err := s.takeTurn(d)
		if err != nil {
			return err
		}
		d.flying = &load{w: w, rows: b.rows, odds: b.zeros, bare: b.bare[i]}
		err = d.c.SendBulkExecute(w.insert(), b.body)
		end()
		if err != nil {
			return err
		}
	}
	b.body, b.sent = append(b.sent[:0], b.body[:w.head]...), b.body
	b.rows, b.zeros = 0, 0
	return nil
}

// insert is the statement that stores rows.
func (w *copyWriter) insert() string {
	text := append(w.name([]byte("INSERT INTO ")), " ("...)
	for i, c := range w.f.Columns {
		if i > 0 {
			text = append(text, ',')
		}
		text = plan.AppendQuoted(text, w.f.Table.Columns[c].Name)
	}
	text = append(text, ") VALUES ("...)
	for i := range w.f.Columns {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, '?')
	}
	return string(append(text, ')'))
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
