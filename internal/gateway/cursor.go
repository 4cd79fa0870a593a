package gateway

import (
	"io"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// cursor is a read-only cursor: the rows of a prepared statement, kept at the node until they are fetched. It is what the execution writes
// to: the columns go to the client, the rows stay.
type cursor struct {
	s    *session
	n    int // columns
	cols int // of these seen
	body bool
	open bool
	over bool
	rows [][]byte
	size int64 // of the rows
	room int64 // what they may take: what the session's other cursors leave
}

// newCursor is a cursor beside those that the session has. All together hold what one statement may.
func (s *session) newCursor() *cursor {
	c := &cursor{s: s, room: s.g.cfg.SortMemory}
	for _, p := range s.stmts {
		if p.cursor != nil {
			c.room -= p.cursor.size
		}
	}
	return c
}

func (c *cursor) Caps() wire.Caps                     { return c.s.out.Caps() }
func (c *cursor) Status() wire.Status                 { return c.s.out.Status() }
func (c *cursor) File(name string) (io.Reader, error) { return c.s.out.File(name) }

// Packet follows the packets of one result.
func (c *cursor) Packet(p []byte) error {
	caps := c.Caps()
	switch {
	case c.over:
		return c.s.out.Packet(p)
	case c.n == 0:
		if len(p) == 0 || wire.IsOK(p) || wire.IsError(p) {
			c.over = true
			return c.s.out.Packet(p)
		}
		n, _, err := wire.ParseColumnCount(p, caps)
		if err != nil {
			return err
		}
		c.n = n
		return c.s.out.Packet(p)
	case c.cols < c.n:
		c.cols++
		c.body = c.cols == c.n && caps.Has(wire.ClientDeprecateEOF)
		return c.s.out.Packet(p)
	case !c.body:
		c.body = true // the EOF after the columns: it is sent with the cursor's status once the rows are here
		return nil
	case wire.IsEOF(p, caps):
		c.over, c.open = true, true
		return c.s.out.Packet(wire.AppendEOF(nil, caps, &wire.OK{Status: c.Status() | wire.StatusCursorExists}))
	}
	if c.size += int64(len(p)); c.size > c.room {
		return wire.Errorf(wire.ErOutOfResources, "The rows of the session's cursors take more than %d bytes at the node: read them without a cursor, or close others", c.s.g.cfg.SortMemory)
	}
	c.rows = append(c.rows, append([]byte(nil), p...))
	return nil
}

// stmtFetch serves COM_STMT_FETCH.
func (s *session) stmtFetch(packet []byte) error {
	_, n, err := wire.ParseFetch(packet)
	if err != nil {
		return s.malformed()
	}
	p, err := s.statementOf(packet, "mysqld_stmt_fetch")
	if err != nil {
		return s.failed(s.query(), err)
	}
	if p.cursor == nil {
		return s.failed(s.query(), wire.Errorf(wire.ErStmtHasNoOpenCursor, "The statement (%d) has no open cursor.", p.id))
	}
	c := p.cursor
	status := s.out.Status() | wire.StatusCursorExists
	k := min(int(n), len(c.rows))
	for i, row := range c.rows[:k] {
		if err := s.out.Packet(row); err != nil {
			return err
		}
		c.rows[i] = nil
		c.size -= int64(len(row))
	}
	c.rows = c.rows[k:]
	if k < int(n) {
		status = s.out.Status() | wire.StatusLastRowSent
		p.cursor = nil
	}
	return s.out.Packet(wire.AppendEOF(nil, s.out.Caps(), &wire.OK{Status: status}))
}
