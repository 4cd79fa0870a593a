package gateway

import (
	"context"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// erNotLocked is MariaDB's number for a table that LOCK TABLES has left out.
const erNotLocked = 1100

// checksums is CHECKSUM TABLE. MariaDB's checksum of a table is the sum of its rows', modulo 2^32: that of a sharded table is the sum of its partitions', that of a linked one
// the sum of its remote tables'. All else, what is refused and what is NULL, a leaf says at the shapes, where reference tables have their rows. It reads as a SELECT does,
// within the transaction.
func (s *session) checksums(ctx context.Context, scan *sqltext.Scan, d *sqltext.DDL, snap *topo.Snapshot, src source) error {
	s.tx.Reading(true)
	defer s.tx.Reading(false)
	var r *rowset
	sum := func(snap *topo.Snapshot) (err error) {
		s.warnings = s.warnings[:0]
		r, err = s.checksumRows(ctx, scan, d, snap)
		return err
	}
	var err error
	if s.tx.InTransaction() || s.tables { // what is lost takes the transaction, or the locks, with it
		err = sum(snap)
	} else {
		err = s.repeated(ctx, snap, sum)
	}
	if err != nil {
		return err
	}
	r.warnings = s.warningCount()
	return r.write(src.out, src.prepared)
}

func (s *session) checksumRows(ctx context.Context, scan *sqltext.Scan, d *sqltext.DDL, snap *topo.Snapshot) (*rowset, error) {
	rows, notes, err := s.notedAt(ctx, s.place(), string(scan.Src[:scan.End]))
	if err != nil {
		return nil, err
	}
	if len(rows) != len(d.Tables) {
		return nil, wire.Errorf(wire.ErUnknown, "a leaf gave %d rows for %d tables", len(rows), len(d.Tables))
	}
	if !s.tables { // else that leaf need not know what is locked
		s.notes(notes)
	}
	r := &rowset{cols: []colDef{text("Table", 384), integer("Checksum")}, nullable: true}
	for i, n := range d.Tables {
		k := s.keyOf(n)
		t := snap.Table(k.db, k.table)
		var value any
		switch {
		case s.tables && !s.inInfoSchema(n) && !slices.ContainsFunc(s.locked, func(l plan.NamedTable) bool { return l.DB == k.db && l.As == k.table }):
			s.noteError(errNotLocked(k.table))
		case rows[i][1] == nil: // a view, or none, or QUICK
		case t == nil || t.Kind == topo.Reference:
			value, err = strconv.ParseUint(string(rows[i][1]), 10, 64)
		default:
			value, err = s.checksumOf(ctx, scan, d, i, t, snap)
		}
		if err != nil {
			return nil, err
		}
		r.add(string(rows[i][0]), value)
	}
	return r, nil
}

// checksumOf adds up the checksums of one of the tables at its places. It is nil when that of a place is.
func (s *session) checksumOf(ctx context.Context, scan *sqltext.Scan, d *sqltext.DDL, table int, t *topo.Table, snap *topo.Snapshot) (any, error) {
	var sum uint32
	add := func(rows [][][]byte) (known bool, err error) {
		if len(rows) != 1 || len(rows[0]) != 2 {
			return false, wire.Errorf(wire.ErUnknown, "a server gave no checksum of '%s'", t.Name)
		}
		if rows[0][1] == nil {
			return false, nil
		}
		n, err := strconv.ParseUint(string(rows[0][1]), 10, 64)
		sum += uint32(n)
		return true, err
	}
	if t.Kind == topo.Linked {
		places, err := s.g.linkPlaces(snap, t)
		if err != nil {
			return nil, err
		}
		for i := range places {
			if places[i].copy {
				continue
			}
			rows, err := s.checksumRemote(ctx, scan, d, table, &places[i])
			if err != nil && (ctx.Err() != nil || s.tx.InTransaction()) {
				return nil, err
			}
			if err != nil { // as of a table that can't be opened
				s.noteError(serverError(ctx, err))
				return nil, nil
			}
			if known, err := add(rows); !known || err != nil {
				return nil, err
			}
		}
		return uint64(sum), nil
	}
	for _, p := range snap.Databases[t.DB].Partitions {
		if !t.In(p.ID.Ordinal) {
			continue
		}
		place, err := partitionPlace(p)
		if err != nil {
			return nil, err
		}
		rows, notes, err := s.notedAt(ctx, place, onlyTable(scan, d.Tables, table, quoteName(place.Schema)+"."+quoteName(t.Name)))
		if err != nil {
			return nil, err
		}
		if known, err := add(rows); !known || err != nil {
			s.notes(notes)
			return nil, err
		}
	}
	return uint64(sum), nil
}

// checksumRemote asks for the checksum of a remote table.
func (s *session) checksumRemote(ctx context.Context, scan *sqltext.Scan, d *sqltext.DDL, table int, p *linkPlace) ([][][]byte, error) {
	text := onlyTable(scan, d.Tables, table, p.name())
	var res *backend.Result
	var err error
	if s.tables || s.tx.InTransaction() || !s.tx.Autocommit() {
		if res, err = s.runAt(ctx, p.place, text); err != nil {
			err = exec.AnswerError(p.place.Remote, p.link, err)
		}
	} else {
		res, err = s.g.exec.AtRemote(ctx, []spider.Link{*p.link}, s.tx.State(), text)
	}
	if err != nil {
		return nil, err
	}
	return res.Rows, nil
}

// onlyTable is a statement's text with one of its tables, under another name.
func onlyTable(scan *sqltext.Scan, tables []*sqltext.TableName, table int, name string) string {
	var edits []edit
	for i, n := range tables {
		with := dropped
		if i == table {
			with = name
		}
		edits = append(edits, edit{n.Span.From, n.Span.To, with})
	}
	return string(withoutDropped(scan, edits))
}

// notedAt runs a text of the client's at a place, as runAt does, and reads the warnings, too.
func (s *session) notedAt(ctx context.Context, place txn.Place, text string) (rows, notes [][][]byte, err error) {
	err = s.usedAt(ctx, place, func(c *backend.Conn) error {
		res, err := c.Query(ctx, text)
		if err != nil {
			return err
		}
		rows = res.Rows
		if res.Warnings > 0 {
			if res, err = c.Query(ctx, "SHOW WARNINGS"); err != nil {
				return err
			}
			notes = res.Rows
		}
		return nil
	})
	for _, n := range notes {
		n[2] = []byte(logicalNames(string(n[2]), place))
	}
	return rows, notes, err
}
