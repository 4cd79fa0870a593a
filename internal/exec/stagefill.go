package exec

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Bounds of what is sent of a copy's rows at once: the more there are, the more of an Aria table's keys are made by sorting.
const (
	stageBatch  = 3 << 20  // what leaves take of old with max_allowed_packet=4M, too
	stageMemory = 12 << 20 // of all batches of a fill that is dealt out
	leastBatch  = 1 << 20
	stageRows   = 40000
	stageZeros  = 20000 // warnings are counted up to 65535
)

// writer makes the copyWriter of a fill.
func (s *stage) writer(f *plan.Fill) *copyWriter {
	w := &copyWriter{s: s, f: withShapes(f), caps: s.st.Out.Caps(), status: s.st.Out.Status(), left: -1}
	if f.Deal == nil {
		w.batches = []*batch{{desks: s.desks}}
	} else {
		for _, d := range s.desks {
			w.batches = append(w.batches, &batch{desks: []*desk{d}})
		}
	}
	for _, b := range w.batches {
		for range b.desks {
			bare := -1
			b.bare = append(b.bare, &bare)
		}
	}
	if s.rows != nil {
		w.most = s.r.guesses.most(s.st.guessKey(), f.Table)
	}
	w.batch = max(leastBatch, min(stageBatch, stageMemory/len(w.batches)))
	return w
}

// collect has a writer, that of the fill i, keep what those are told of its rows that will be read after it.
func (w *copyWriter) collect(i int, later func(int) bool) {
	for n := range w.s.fills {
		if n == i || !later(n) {
			continue
		}
		for k := range w.s.fills[n].Keys {
			if key := &w.s.fills[n].Keys[k]; key.From == i && keyable(&w.s.fills[n], key, w.f) {
				w.keys = append(w.keys, newKeySet(w.f, key))
			}
		}
	}
}

// fill reads the rows of a table and stores them in its copy.
func (w *copyWriter) fill(ctx context.Context) error {
	if t := w.f.Deal; t != nil {
		var err error
		if w.shard, err = w.s.r.shard(t, len(w.s.ordinal)); err != nil {
			return err
		}
		for _, c := range t.ShardKey {
			w.dealt = append(w.dealt, slices.Index(w.f.Columns, c))
		}
	}
	if g := w.s.st.given[w.f.Table]; g != nil {
		return w.take(g)
	}
	extra, none := w.wanted()
	if none {
		return nil
	}
	defer w.s.takeRead()()
	w.readOnce = true
	if w.f.Probe {
		return w.probe(ctx, extra)
	}
	warned, err := w.read(ctx, w.f, extra)
	if err != nil || !warned || w.f.Where == nil {
		if err == nil {
			w.rest()
		}
		return err
	}
	w.readOnce, w.most = false, 0
	// The whole statement warns of the rows that it sees, the fill has warned of others, too: which are whose can't be told. Of all rows the whole warns itself.
	all := w.f.All()
	if err := w.empty(ctx); err != nil {
		return err
	}
	if _, err = w.read(ctx, &all, ""); err == nil {
		w.rest()
	}
	return err
}

// read runs the statement that reads the rows of a fill. warned: it gave warnings.
func (w *copyWriter) read(ctx context.Context, f *plan.Fill, extra string) (warned bool, err error) {
	sub, err := w.s.st.reading(f, extra, w.s.clock)
	if err != nil {
		return false, err
	}
	w.text = sub.Scan.Src
	sub.Out = w
	w.left, w.columns = -1, w.columns[:0]
	w.once, w.onceBytes = nil, 0
	for _, b := range w.batches {
		b.rows, b.zeros, b.full, b.fullZeros = 0, 0, 0, 0
	}
	err = w.s.r.run(ctx, sub)
	return sub.out.Warnings > 0, err
}

// rest sends the rows that are left, which others need not wait for.
func (w *copyWriter) rest() {
	w.s.makes.Go(func() {
		for _, b := range w.batches {
			if err := w.flushAll(b); err != nil {
				w.s.fail(err)
				return
			}
		}
	})
}

// flushAll sends all rows that have gathered.
func (w *copyWriter) flushAll(b *batch) error {
	for b.rows > 0 {
		if err := w.flush(b); err != nil {
			return err
		}
	}
	return nil
}

// reading is the statement that reads the rows of a fill. clock sets its time.
func (st *Statement) reading(f *plan.Fill, extra, clock string) (*Statement, error) {
	if as := st.lockedAs(f.From()); as != "" && f.As == "" {
		named := *f
		named.As, f = as, &named
	}
	text, params := plan.RenderFill(nil, st.Scan, f, extra)
	scan := new(sqltext.Scan)
	if err := scan.Scan(text, st.Sess.Mode); err != nil {
		return nil, fmt.Errorf("reading %s.%s: %w", f.Table.DB, f.From().Name, err)
	}
	stmt, err := sqltext.Parse(scan, st.Sess.Mode)
	if err != nil {
		return nil, fmt.Errorf("reading %s.%s: %w", f.Table.DB, f.From().Name, err)
	}
	sess := st.Sess
	sess.Unmerged = "" // it is another query
	p, err := plan.Build(stmt, scan, st.Snap, sess)
	if err != nil {
		return nil, err
	}
	if f.Distinct {
		p.Apart()
	}
	tx := st.Tx
	if by := st.readBy[f.From()]; by != nil {
		tx = by
	}
	sub := &Statement{
		Plan: p, Scan: scan, Query: sqltext.Span{To: int32(len(scan.Tokens))}, Snap: st.Snap, Sess: sess, Charset: st.Charset, Tx: tx, Home: st.Home, Links: st.Links,
		Prepared: true, // values are told as they are
		// A string's bytes are those of its column: no character set has all characters of all others.
		prefix: "SET STATEMENT character_set_results=NULL" + clock + clockEnd,
	}
	if f.Table.Kind == topo.Linked { // whose remote columns may have others
		sub.prefix = "SET STATEMENT character_set_results=" + wideCharset + " FOR "
	}
	sub.adjust()
	if len(params) > 0 {
		sub.Args = make([]wire.Param, len(params))
		for i, p := range params {
			sub.Args[i] = st.Args[p]
		}
	}
	return sub, nil
}

// empty takes back what was stored.
func (w *copyWriter) empty(ctx context.Context) error {
	s := w.s
	s.size.Add(-w.size)
	w.size, w.total = 0, 0
	for i := range w.keys {
		w.keys[i].reset()
	}
	for _, d := range s.desks {
		end, err := s.takeTurn(d)
		if err != nil {
			return err
		}
		// With a LIMIT, for which sql_safe_updates asks.
		d.c.Queue("DELETE FROM " + string(w.name(nil)) + " LIMIT 18446744073709551615")
		err = d.c.SendQueued(ctx)
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

// name appends the table's name.
func (w *copyWriter) name(dst []byte) []byte {
	return plan.AppendQuoted(append(plan.AppendQuoted(dst, w.f.Table.DB), '.'), w.f.Table.Name)
}

// withShapes adds the geometries that must be there and have no default, implicit or not.
func withShapes(f *plan.Fill) *plan.Fill {
	if f.Lean {
		return f
	}
	var more []int
	for i := range f.Table.Columns {
		switch c := &f.Table.Columns[i]; c.Type {
		case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
			if !c.Nullable && !c.Generated && !slices.Contains(f.Columns, i) {
				more = append(more, i)
			}
		}
	}
	if more == nil {
		return f
	}
	g := *f
	g.Columns = append(slices.Clone(f.Columns), more...)
	return &g
}

// copyWriter is the Output that stores the rows of a fill in its copy: each row of the binary protocol becomes one of COM_STMT_BULK_EXECUTE. While the leaf stores some, the
// next ones are read.
type copyWriter struct {
	s      *stage
	f      *plan.Fill
	caps   wire.Caps
	status wire.Status
	keys   []*keySet // what others want of the rows
	cells  [][]byte  // of the row at hand, for them; nil is NULL

	left    int // column definitions still to come; -1 before the head
	columns []cell
	// single and grouped are the heads of a body: before the rows, where these are stored one by one, and where a group of them is.
	single, grouped []byte
	group           int
	text            []byte // of the statement that reads the rows
	size            int64  // of all rows, at all desks, and how many they are
	total           int64

	batch   int      // how many bytes are sent at once
	batches []*batch // one for all desks; one for each when rows are dealt out
	line    []byte   // the row at hand
	zeros   int      // how often it has an ENUM's value that is none of its members
	// readOnce: the fill was read, as it is. narrowed is how many of its rows, each by all of a unique key, were asked for; 0 for all, negative when that is not known.
	readOnce bool
	// count is how many rows came, most how many may; 0 is any number.
	count, most int64
	narrowed    int64
	dealt       []int               // where the columns that shard reads are in a row
	once        map[string]struct{} // rows that were stored, where none need be so twice
	onceBytes   int
	probed      int // rows that were read for their keys alone
	shard       *shard.Func
}

// cell says how a column's values go over.
type cell struct {
	kind     cellKind
	size     int // of sized
	typ      wire.FieldType
	unsigned bool
	member   bool // of an ENUM without the member ''
	number   bool // of a member of an ENUM, instead of its name
}

type cellKind uint8

const (
	sized     cellKind = iota // so many bytes
	prefixed                  // a length before it
	moment                    // seconds since 1970, as a text
	momentInt                 // the same, as an integer
)

func (w *copyWriter) Caps() wire.Caps     { return w.caps }
func (w *copyWriter) Status() wire.Status { return w.status }

func (w *copyWriter) File(string) (io.Reader, error) { return nil, errAsksFile }

// Packet takes the head, the definitions, the rows; the packets that end them are told apart by where they stand.
func (w *copyWriter) Packet(p []byte) error {
	switch {
	case w.left < 0:
		n, _, err := wire.ParseColumnCount(p, w.caps)
		w.left = n
		return err
	case w.left > 0:
		var d wire.Column
		if err := wire.ParseColumn(p, w.caps, &d); err != nil {
			return err
		}
		for i := range w.keys {
			w.keys[i].define(len(w.columns), &d)
		}
		c, err := w.cell(&d)
		if err != nil {
			return err
		}
		w.columns = append(w.columns, c)
		if w.left--; w.left == 0 {
			w.begin()
		}
		return nil
	case wire.IsEOF(p, w.caps):
		return nil
	}
	return w.row(p)
}

// cell finds out how the values of a column go over.
func (w *copyWriter) cell(d *wire.Column) (cell, error) {
	if len(w.columns) >= len(w.f.Columns) {
		return cell{}, wire.ErrMalformed
	}
	own := &w.f.Table.Columns[w.f.Columns[len(w.columns)]]
	unsigned := d.Flags&wire.FlagUnsigned != 0
	if own.Type == "timestamp" {
		kind := moment
		if d.Type == wire.TypeLongLong {
			kind = momentInt
		}
		return cell{kind: kind, size: 8, typ: wire.TypeDateTime}, nil
	}
	told := own.EmptyMember() && w.f.Table.Kind != topo.Linked // as a number
	number := told && own.Type == "enum"
	switch d.Type {
	case wire.TypeNull:
		return cell{kind: sized, typ: wire.TypeNull}, nil
	case wire.TypeTiny:
		return cell{kind: sized, size: 1, typ: d.Type, unsigned: unsigned}, nil
	case wire.TypeShort, wire.TypeYear:
		return cell{kind: sized, size: 2, typ: wire.TypeShort, unsigned: unsigned}, nil
	case wire.TypeLong, wire.TypeInt24:
		return cell{kind: sized, size: 4, typ: wire.TypeLong, unsigned: unsigned, number: number}, nil
	case wire.TypeLongLong:
		return cell{kind: sized, size: 8, typ: d.Type, unsigned: unsigned, number: number}, nil
	case wire.TypeFloat:
		return cell{kind: sized, size: 4, typ: d.Type}, nil
	case wire.TypeDouble:
		return cell{kind: sized, size: 8, typ: d.Type, number: number}, nil
	case wire.TypeDate, wire.TypeNewDate:
		return cell{kind: prefixed, typ: wire.TypeDate}, nil
	case wire.TypeDateTime, wire.TypeTimestamp, wire.TypeTime:
		return cell{kind: prefixed, typ: d.Type}, nil
	case wire.TypeDecimal, wire.TypeNewDecimal:
		return cell{kind: prefixed, typ: wire.TypeNewDecimal}, nil
	}
	if told {
		return cell{}, wire.ErrMalformed
	}
	typ := wire.TypeBlob // bytes, which are stored as they are
	switch {
	case own.Type == "uuid" || own.Type == "inet6" || own.Type == "inet4": // told as text, whose bytes would be taken for the value's
		typ = wire.TypeString
	case d.Collation == binaryCollation || d.Type == wire.TypeBit || d.Type == wire.TypeGeometry:
	case w.f.Table.Kind == topo.Linked:
		typ = wire.TypeString
	default:
		if col := wire.CollationByID(d.Collation); col == nil || col.Charset != own.Charset {
			return cell{}, errorf(wire.ErUnknown, "Column '%s' of '%s.%s' is told in the character set of collation %d, not in %s", own.Name, w.f.Table.DB, w.f.From().Name, d.Collation, own.Charset)
		}
	}
	return cell{kind: prefixed, typ: typ, member: own.Type == "enum" && !own.EmptyMember()}, nil
}

// binaryCollation is the number of the collation of bytes.
const binaryCollation = 63

// begin writes what a body has before its rows: flags (types follow), types.
func (w *copyWriter) begin() {
	const typesFollow = 128
	head := []byte{typesFollow, 0}
	for _, c := range w.columns {
		var flag byte
		if c.unsigned {
			flag = 0x80
		}
		head = append(head, byte(c.typ), flag)
	}
	w.single, w.group = head, groupOf(len(w.columns))
	w.grouped = append(slices.Clone(head[:2]), bytes.Repeat(head[2:], w.group)...)
	for _, b := range w.batches {
		b.begin(w.grouped)
	}
}

// row takes a row over.
func (w *copyWriter) row(p []byte) error {
	if w.count++; w.most > 0 && w.count > w.most {
		return errUnforeseen
	}
	nulls := (len(w.columns) + 9) / 8 // the first two bits are unused
	if len(p) < 1+nulls || p[0] != 0 {
		return wire.ErrMalformed
	}
	bits, rest := p[1:1+nulls], p[1+nulls:]
	body := w.line[:0]
	w.zeros = 0
	for i := range w.columns {
		c := &w.columns[i]
		if bits[(i+2)>>3]&(1<<((i+2)&7)) != 0 {
			body = append(body, 1)
			w.note(i, nil)
			continue
		}
		body = append(body, 0)
		at := len(body)
		switch c.kind {
		case sized:
			if len(rest) < c.size {
				return wire.ErrMalformed
			}
			body, rest = append(body, rest[:c.size]...), rest[c.size:]
			if c.number && !slices.ContainsFunc(body[at:], func(b byte) bool { return b != 0 }) {
				w.zeros++
			}
			w.note(i, body[at:])
		case momentInt:
			if len(rest) < c.size {
				return wire.ErrMalformed
			}
			body, rest = appendMoment(body, int64(wire.BinaryInt(rest[:c.size], false)), 0), rest[c.size:]
		default:
			value, after, ok := wire.LenencBytes(rest)
			if !ok {
				return wire.ErrMalformed
			}
			if c.kind == prefixed {
				if c.member && len(value) == 0 {
					w.zeros++
				}
				body = append(body, rest[:len(rest)-len(after)]...)
				w.note(i, value)
			} else {
				seconds, micros, err := readMoment(value)
				if err != nil {
					return err
				}
				body = appendMoment(body, seconds, micros)
			}
			rest = after
		}
	}
	w.line = body
	for i := range w.keys {
		if err := w.keys[i].add(w.cells); err != nil {
			return err
		}
	}
	if w.f.Probe {
		w.probed++
		return nil
	}
	b := w.batches[0]
	if w.shard != nil {
		var err error
		if b, err = w.deal(); b == nil || err != nil {
			return err
		}
	}
	if w.f.Distinct && w.known(body) {
		return nil
	}
	if len(body) > leastBatch {
		if err := w.flushAll(b); err != nil {
			return err
		}
	}
	b.add(body, w.zeros, w.group)
	if len(b.body) > w.batch || b.rows == stageRows || b.zeros > stageZeros {
		return w.flush(b)
	}
	return nil
}

// Bounds of the rows that are remembered of a fill of which nobody sees how often a row is there. Each partition gives a row once.
const (
	maxKnown      = 100000
	maxKnownBytes = 4 << 20
)

// known says whether a row was there before. Of those that are not remembered nobody knows.
func (w *copyWriter) known(row []byte) bool {
	if _, ok := w.once[string(row)]; ok {
		return true
	}
	if len(w.once) < maxKnown && w.onceBytes < maxKnownBytes {
		if w.once == nil {
			w.once = make(map[string]struct{})
		}
		w.once[string(row)] = struct{}{}
		w.onceBytes += len(row)
	}
	return false
}

// note keeps a value for those who want keys.
func (w *copyWriter) note(column int, value []byte) {
	if len(w.keys) == 0 && w.shard == nil {
		return
	}
	if w.cells == nil {
		w.cells = make([][]byte, len(w.columns))
	}
	w.cells[column] = value
}

// readMoment reads seconds since 1970 with a fraction.
func readMoment(text []byte) (seconds int64, micros uint32, err error) {
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	if seconds, err = strconv.ParseInt(string(whole), 10, 64); err != nil {
		return 0, 0, wire.ErrMalformed
	}
	for i := range 6 {
		micros *= 10
		if i < len(fraction) {
			micros += uint32(fraction[i] - '0')
		}
	}
	return seconds, micros, nil
}

// appendMoment appends a DATETIME of the binary protocol: the time in UTC, and the zero date for 0, which is none.
func appendMoment(dst []byte, seconds int64, micros uint32) []byte {
	if seconds == 0 && micros == 0 {
		return append(dst, 0)
	}
	t := time.Unix(seconds, 0).UTC()
	return wire.Temporal{
		Year: uint16(t.Year()), Month: uint8(t.Month()), Day: uint8(t.Day()), Hour: uint8(t.Hour()), Minute: uint8(t.Minute()), Second: uint8(t.Second()), Micro: micros,
	}.AppendBinary(dst, wire.TypeDateTime)
}
