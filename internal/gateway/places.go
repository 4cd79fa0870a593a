package gateway

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// partitionPlace is where a partition's statements run.
func partitionPlace(p *topo.Partition) (txn.Place, error) {
	leaf, ok := p.Master()
	if !ok {
		return txn.Place{}, topo.NoMaster(p.ID)
	}
	return txn.Place{Leaf: leaf, Partition: p.ID, Schema: p.ID.Schema(), Term: p.Term, Domain: p.Domain}, nil
}

// relayAt runs a text of the client's at a partition, within its transaction, and relays the answer, with the database's name in place of the partition's.
func (s *session) relayAt(ctx context.Context, place txn.Place, text []byte, src source) error {
	c, err := s.tx.Conn(ctx, place)
	if err != nil {
		return err
	}
	out := &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
		for i := range v {
			v[i] = renamed(v[i], place.Schema, place.Partition.DB)
		}
		return v, true
	}}
	stop := c.Watch(ctx)
	var failed error
	if src.prepared {
		err = c.SendExecuteAlone(string(text))
	} else {
		err = c.Send(wire.ComQuery, text)
	}
	for err == nil {
		var p backend.Packet
		if p, err = c.Next(); err != nil {
			break
		}
		switch p.Kind {
		case backend.KindErr:
			failed = p.Err()
		case backend.KindEnd, backend.KindColumnsEnd, backend.KindOK:
			if err = wire.PatchStatus(p.Payload, src.out.Caps(), src.out.Status()); err == nil {
				err = out.Packet(p.Payload)
			}
		default:
			err = out.Packet(p.Payload)
		}
		if c.Done() {
			break
		}
	}
	if err == nil && failed == nil {
		if err = s.fetchWarnings(ctx, c); err == nil {
			for i := range s.warnings {
				s.warnings[i].Message = logicalNames(s.warnings[i].Message, place)
			}
		}
	}
	stop()
	if err := s.tx.Done(c, err); err != nil {
		return err
	}
	return logicalError(failed, place)
}

// runAt runs a text of the client's at a place, within its transaction, and reads the answer whole.
func (s *session) runAt(ctx context.Context, place txn.Place, text string) (res *backend.Result, err error) {
	err = s.usedAt(ctx, place, func(c *backend.Conn) (err error) {
		res, err = c.Query(ctx, text)
		return err
	})
	return res, err
}

// usedAt has f use the connection to a place, within its transaction.
func (s *session) usedAt(ctx context.Context, place txn.Place, f func(*backend.Conn) error) error {
	c, err := s.tx.Conn(ctx, place)
	if err != nil {
		return err
	}
	stop := c.Watch(ctx)
	err = f(c)
	stop()
	// What a leaf says to a statement is no failure of its connection.
	var refused *wire.ServerError
	var unprepared *backend.PrepareError
	failed := err
	if errors.As(err, &refused) && !errors.As(err, &unprepared) {
		err = nil
	}
	if err := s.tx.Done(c, err); err != nil {
		return err
	}
	return logicalError(failed, place)
}

// logicalError is a leaf's error with the database's name in place of its partition's.
func logicalError(err error, p txn.Place) error {
	e, ok := backend.AsPacket(err)
	if !ok || p.Partition.DB == "" || !strings.Contains(e.Message, p.Schema) {
		return err
	}
	return &wire.ServerError{Code: e.Code, State: e.State, Message: logicalNames(e.Message, p)}
}

// logicalNames is a leaf's message with the database's name in place of its partition's.
func logicalNames(m string, p txn.Place) string {
	if p.Partition.DB == "" {
		return m
	}
	for _, q := range [][2]string{{"`", "`"}, {`"`, `"`}, {"'", "'"}, {"'", "."}, {"`", "."}} {
		m = strings.ReplaceAll(m, q[0]+p.Schema+q[1], q[0]+p.Partition.DB+q[1])
	}
	return m
}

// renamed is a text with a database's name in place of one of its partitions', where it qualifies another name.
func renamed(text []byte, from, to string) []byte {
	if from == "" || from == to {
		return text
	}
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(from))
		if i < 0 {
			return text
		}
		i += at
		end := i + len(from)
		at = end
		if end < len(text) && strings.IndexByte("`./", text[end]) >= 0 && (i == 0 || !wordByte(text[i-1])) {
			text = slices.Concat(text[:i], []byte(to), text[end:])
			at = i + len(to)
		}
	}
}

// wordByte says whether a byte may be of a name that needs no quotes.
func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// withoutPartitions is what a leaf says of itself with databases' names in place of all partitions'.
func withoutPartitions(text []byte, snap *topo.Snapshot) []byte {
	for schema, p := range snap.Schemas {
		text = renamed(text, schema, p.DB)
	}
	return text
}

// tryAtShape runs a text of the client's at its leaf's shape: what MariaDB refuses there, in its own words, is not begun at the partitions.
func (s *session) tryAtShape(ctx context.Context, text []byte) error {
	return s.atLeaf(ctx, s.home, s.sess.DB, func(c *backend.Conn) error {
		c.ResetOnRelease()
		stop := c.Watch(ctx)
		defer stop()
		_, err := c.Query(ctx, string(text))
		return err
	})
}

// sortedKeys are a set's members in order.
func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
