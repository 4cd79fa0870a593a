package exec

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/merge"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// source is one part of a Merge: the rows of one partition.
type source struct {
	st      *Statement
	place   txn.Place
	conn    *backend.Conn
	ctx     context.Context // that its conn is watched under
	stop    func() bool
	columns [][]byte // definitions as the client sees them
	end     wire.OK  // of the packet after the last row
	warned  partWarnings
	err     *wire.ServerError
	waits   *patience // of a remote server
	ahead   [][]byte  // rows that were read before others were begun
	desk    *desk     // whose connection it is, nil where it is the session's
	share   uint64    // so many rows are asked for, where it is known; else 0
}

// gather runs the parts of a Merge at once, and gives the client one answer.
func (r *Runner) gather(ctx context.Context, st *Statement, places []txn.Place) error {
	if len(places) > 1 && st.Plan.Clocked && st.Query.Empty() && st.Moment == "" && !st.hasOwnTime() && !st.hasSettings() {
		st.Moment = Clock()
		defer func() { st.Moment = "" }()
	}
	inside := st.Tx.InTransaction()
	err := r.gatherOnce(ctx, st, places)
	if err == nil || st.out.Begun || !st.repeatable(err, inside) {
		return err
	}
	st.out = Outcome{}
	return secondError(err, r.gatherOnce(ctx, st, places))
}

func (r *Runner) gatherOnce(ctx context.Context, st *Statement, places []txn.Place) error {
	offset, count, err := st.limit()
	if err != nil {
		return err
	}
	switch {
	case st.shares(offset+count, count):
		return r.gatherShares(ctx, st, places, offset, count)
	case st.skips() && st.fills(count):
		places = fromAny(places)
	}
	sources := make([]*source, len(places))
	for i, p := range places {
		sources[i] = &source{st: st, place: p}
	}
	st.total, st.counted = 0, st.Plan.Merge.Counted != plan.CountedNot
	return r.gatherParts(ctx, st, sources, offset, count)
}

// gatherParts runs the parts that the sources are for.
func (r *Runner) gatherParts(ctx context.Context, st *Statement, sources []*source, offset, count int64) error {
	pushed := uint64(count)
	if count >= 0 {
		pushed += uint64(offset)
	}
	parts, end := context.WithCancel(ctx)
	defer end()
	err := st.open(parts, end, sources, pushed, count)
	if err == nil {
		err = r.gatherFrom(parts, st, sources, offset, count)
	}
	if err != nil {
		end() // what still runs is killed everywhere at once
	}
	if err := r.closeParts(ctx, st, sources, err); err != nil {
		return err
	}
	st.foldWarnings(sources)
	return st.writeEnd()
}

// closeParts gives the parts' connections back, and returns the error that the client should see.
func (r *Runner) closeParts(ctx context.Context, st *Statement, sources []*source, err error) error {
	refused := slices.ContainsFunc(sources, func(s *source) bool { return s.err != nil })
	// Every connection is given back, whatever happened. The first error is the one that caused the others.
	for _, s := range sources {
		err = txn.Graver(err, s.close(ctx, err))
	}
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		if own := (*wire.ServerError)(nil); refused && !st.out.Begun && errors.As(err, &own) {
			return r.ownError(ctx, st, own)
		}
	}
	return err
}

// ownError is what MariaDB says to the client's own text, where it refuses that already when it is prepared: a part's text has more in it than the
// client wrote, and an error in a part may name a clause that the client did not put it into. A name that only parts do not know is that of an expression in the select list, as `COUNT(*)`.
func (r *Runner) ownError(ctx context.Context, st *Statement, part *wire.ServerError) error {
	w := st.Tx.Want(txn.Place{Leaf: st.Home, Schema: st.Sess.DB})
	c, err := r.cfg.Pools.Get(ctx, w)
	if err != nil {
		return part
	}
	defer c.Release()
	text := st.Scan.Src[:st.Scan.End]
	if !st.Query.Empty() {
		text = plan.RenderSpan(nil, st.Scan, st.Query, nil, nil, plan.Target{})
	}
	if err := c.SendPrepare(string(text)); err != nil {
		return part
	}
	known := false
	for {
		p, err := c.Next()
		if err != nil {
			return part
		}
		switch p.Kind {
		case backend.KindErr:
			return p.Err()
		case backend.KindPrepared:
			c.CloseStatement(c.Statement)
			known = true
		}
		switch {
		case !c.Done():
		case known && part.Code == wire.ErBadField:
			return plan.NeedsStage("a name that a column of the answer has of MariaDB")
		default:
			return part
		}
	}
}

// open sends all parts and reads their answers up to the first rows. end ends ctx, under which they are read to their ends.
func (st *Statement) open(ctx context.Context, end func(), sources []*source, pushed uint64, count int64) error {
	if sources[0].place.Remote != nil { // to which connections may take long to make, too
		return atOnce(end, sources, func(s **source) error {
			if err := (*s).begin(ctx, pushed); err != nil {
				return err
			}
			return (*s).open()
		})
	}
	if st.Plan.Locks {
		return st.openInTurn(ctx, sources, pushed, st.fills(count))
	}
	return st.openAtOnce(ctx, sources, pushed)
}

// openAtOnce sends all parts before it waits for the first answer.
func (st *Statement) openAtOnce(ctx context.Context, sources []*source, pushed uint64) error {
	for _, s := range sources {
		if err := s.begin(ctx, pushed); err != nil {
			return err
		}
	}
	for _, s := range sources {
		if err := s.open(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) gatherFrom(ctx context.Context, st *Statement, sources []*source, offset, count int64) error {
	skip, left := int64(0), int64(math.MaxInt64)
	if st.Plan.Merge.Counted == plan.CountedMerged { // what LIMIT leaves out is looked at, too
		skip, left, offset, count = offset, count, 0, -1
	}
	rows, err := r.merged(ctx, st, sources, offset, count)
	if err != nil {
		return err
	}
	columns := sources[0].columns
	if st.Plan.Merge.Totals != nil {
		if columns, err = r.described(ctx, st, sources[0]); err != nil {
			return err
		}
	}
	// Not before there is a row: it may tell that the parts make no answer.
	row, err := rows.Next()
	if err == nil || errors.Is(err, io.EOF) {
		if failed := st.writeHead(columns, st.Plan.Merge.Hidden); failed != nil {
			return failed
		}
	}
	for n := int64(0); ; n++ {
		if n > 0 {
			row, err = rows.Next()
		}
		if errors.Is(err, io.EOF) {
			if st.Plan.Merge.Counted == plan.CountedMerged {
				st.total = uint64(n)
			}
			return nil
		}
		if err != nil {
			return mergeError(err)
		}
		if n < skip || n-skip >= left {
			continue
		}
		st.out.Rows++
		if err := st.Out.Packet(row); err != nil {
			return err
		}
	}
}

// merged sets up the stages between the sources and the client.
func (r *Runner) merged(ctx context.Context, st *Statement, sources []*source, offset, count int64) (*merge.Rows, error) {
	format := value.Text
	if st.Prepared {
		format = value.Binary
	}
	defs := make([]wire.Column, len(sources[0].columns))
	for i, d := range sources[0].columns {
		if err := wire.ParseColumn(d, st.Out.Caps(), &defs[i]); err != nil {
			return nil, err
		}
	}
	fin := &finals{r: r, st: st, defs: defs, cols: make([]value.Column, len(defs))}
	for i := range defs {
		fin.cols[i] = value.Of(&defs[i], format)
	}
	cfg := merge.Config{
		Plan: st.Plan.Merge, Columns: defs, Format: format, Sources: make([]merge.Source, len(sources)),
		Offset: offset, Count: count, SortMemory: r.cfg.SortMemory, SortLength: st.Sess.SortLength,
		Eval: func(b *merge.Batch) error {
			if b.Len() > 0 {
				return fin.evaluate(ctx, b)
			}
			if st.Plan.Merge.Having == nil {
				return nil
			}
			_, _, err := r.emptyOf(ctx, st, sources[0]) // parts have seen all but HAVING
			return err
		},
		Empty: func() ([]byte, error) { return r.emptyRow(ctx, st, sources[0]) },
	}
	for i, s := range sources {
		cfg.Sources[i] = s
	}
	rows, err := merge.New(cfg)
	if err != nil {
		return nil, mergeError(err)
	}
	return rows, nil
}

// mergeError is a failure to merge as the client sees it.
func mergeError(err error) error {
	var refused *merge.NotMergeableError
	var order *merge.OrderError
	var memory *merge.SortMemoryError
	switch {
	case errors.As(err, &refused):
		return plan.NeedsStage(refused.Error())
	case errors.As(err, &order):
		return plan.NeedsStage(order.Error() + " (leaves compare the first max_sort_length bytes of long values)")
	case errors.As(err, &memory):
		return &Error{Code: 1038, State: "HY001", Message: memory.Error()}
	}
	return err
}

// begin sends the part.
func (s *source) begin(ctx context.Context, pushed uint64) error {
	var c *backend.Conn
	if s.desk != nil {
		c = s.desk.c
	} else {
		var err error
		if c, err = s.st.Tx.Conn(ctx, s.place); err != nil {
			return s.st.unconnected(s.place, err)
		}
	}
	ctx, s.waits = s.st.wait(ctx, s.place)
	s.ctx, s.conn, s.stop = ctx, c, c.Watch(ctx)
	if s.share > 0 {
		pushed = s.share
	}
	p := s.st.mergePart(s.place, pushed)
	return s.failed(p.send(c, s.st.Prepared))
}

// failed is an error of the part's connection as the client is told it.
func (s *source) failed(err error) error {
	if err != nil && silenced(s.ctx) {
		err = errSilent
	}
	return s.st.at(s.place, err)
}

// refused is the part's error as the client is told it.
func (s *source) refused(e *wire.ServerError) error {
	if silenced(s.ctx) {
		return s.failed(e)
	}
	s.err = s.st.answered(s.place, e)
	return s.err
}

// open reads up to the first row.
func (s *source) open() error {
	for {
		p, err := s.waits.next(s.conn)
		if err != nil {
			return s.failed(err)
		}
		switch p.Kind {
		case backend.KindErr:
			return s.refused(p.Err())
		case backend.KindColumn:
			d, err := s.st.column(p.Payload, s.place)
			if err != nil {
				return err
			}
			s.columns = append(s.columns, d)
			if s.conn.InRows() { // DEPRECATE_EOF: nothing stands between columns and rows
				return nil
			}
		case backend.KindColumnsEnd:
			return nil
		case backend.KindHead:
		default:
			return errorf(wire.ErUnknown, "%s gave no rows for a part of the statement", s.place)
		}
	}
}

// Next is the next row of the part.
func (s *source) Next() ([]byte, error) {
	if len(s.ahead) > 0 {
		row := s.ahead[0]
		s.ahead = s.ahead[1:]
		return row, nil
	}
	if s.conn == nil { // others had enough
		return nil, io.EOF
	}
	return s.read()
}

// read is the next row that the place sends.
func (s *source) read() ([]byte, error) {
	if s.conn.Done() {
		return nil, io.EOF
	}
	p, err := s.waits.next(s.conn)
	if err != nil {
		return nil, s.failed(err)
	}
	switch p.Kind {
	case backend.KindRow:
		s.warned.rows++
		return p.Payload, nil
	case backend.KindEnd:
		if err := wire.ParseOK(p.Payload, s.st.Out.Caps(), &s.end); err != nil {
			return nil, err
		}
		s.end.Info, s.end.Track = nil, nil
		s.st.out.Status |= s.end.Status
		return nil, io.EOF
	case backend.KindErr:
		return nil, s.refused(p.Err())
	}
	return nil, errorf(wire.ErUnknown, "%s sent a packet that is no row", s.place)
}

// close gives the connection back. What was not read is thrown away: after LIMIT there is little of it; after an error the statement has been
// killed. The connection is kept, as it may hold a transaction.
func (s *source) close(ctx context.Context, failed error) error {
	if s.conn == nil {
		return nil
	}
	var err error
	if !s.conn.Done() && !s.conn.Broken() {
		if failed != nil {
			err = s.conn.Drain()
		} else {
			err = s.drain()
		}
	}
	s.stop()
	if err == nil && failed == nil && s.st.Plan.Merge.Counted == plan.CountedByParts {
		err = s.countRows(ctx) // which leaves the warnings
	}
	if err == nil && failed == nil && s.end.Warnings > 0 {
		err = s.fetchWarnings(ctx)
	}
	s.waits.end()
	if s.desk != nil {
		return err
	}
	return s.st.at(s.place, s.st.Tx.Done(s.conn, err))
}

// countRows adds the part's rows, without its LIMIT, to the statement's.
func (s *source) countRows(ctx context.Context) error {
	res, err := s.conn.Query(ctx, "SELECT FOUND_ROWS()")
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
	s.st.total += n
	return err
}

// called is the definition of a column that MariaDB has called as a hidden one, under the client's name.
func (st *Statement) called(def []byte) ([]byte, error) {
	var d wire.Column
	if err := wire.ParseColumn(def, st.Out.Caps(), &d); err != nil {
		return nil, err
	}
	name, hidden := st.Plan.Merge.Called[string(d.Name)]
	if !hidden {
		return def, nil
	}
	d.Name = []byte(name)
	return wire.AppendColumn(nil, st.Out.Caps(), &d), nil
}

// writeHead gives the client the column definitions, without the hidden ones.
func (st *Statement) writeHead(columns [][]byte, hidden int) error {
	caps := st.Out.Caps()
	st.out.Begun, st.out.HasRows = true, true
	visible := columns[:len(columns)-hidden]
	st.buf = wire.AppendColumnCount(st.buf[:0], caps, len(visible))
	if err := st.Out.Packet(st.buf); err != nil {
		return err
	}
	for i, d := range visible {
		d, err := st.named(d, i, len(visible))
		if err == nil && len(st.Plan.Merge.Called) > 0 {
			d, err = st.called(d)
		}
		if err != nil {
			return err
		}
		if err := st.Out.Packet(d); err != nil {
			return err
		}
	}
	if caps.Has(wire.ClientDeprecateEOF) {
		return nil
	}
	st.buf = wire.AppendEOF(st.buf[:0], caps, &wire.OK{Status: st.Out.Status()})
	return st.Out.Packet(st.buf)
}

// limit is the statement's LIMIT as numbers; count is negative when there is none.
func (st *Statement) limit() (offset, count int64, err error) {
	l := &st.Plan.Merge.Limit
	if l.Count.Kind == plan.OperandNone {
		return 0, -1, nil
	}
	if count, err = st.number(&l.Count); err != nil {
		return 0, 0, err
	}
	if l.Offset.Kind != plan.OperandNone {
		if offset, err = st.number(&l.Offset); err != nil {
			return 0, 0, err
		}
	}
	return offset, count, nil
}

func (st *Statement) number(o *plan.Operand) (int64, error) {
	v, err := st.value(o)
	if err == nil {
		switch v.Kind {
		case shard.Int:
			if v.I >= 0 {
				return v.I, nil
			}
		case shard.Uint:
			return int64(min(v.U, 1<<62)), nil
		case shard.Float:
			if v.F >= 0 && v.F < 1<<62 {
				return int64(math.RoundToEven(v.F)), nil
			}
		case shard.Number:
			if n, err := strconv.ParseUint(string(v.B), 10, 64); err == nil && !v.Neg {
				return int64(min(n, 1<<62)), nil
			}
		case shard.String: // of a parameter: MariaDB reads its digits
			n := int64(0)
			for _, c := range bytes.TrimLeft(v.B, " ") {
				if c < '0' || c > '9' || n > 1<<58 {
					break
				}
				n = n*10 + int64(c-'0')
			}
			return n, nil
		}
	}
	return 0, &Error{Code: 1210, State: "HY000", Message: "Incorrect arguments to LIMIT"}
}

// described are the definitions of the answer's columns, hidden ones too, as MariaDB has them for the client's own statement: a part's tell that what it groups by is never NULL.
func (r *Runner) described(ctx context.Context, st *Statement, s *source) ([][]byte, error) {
	_, own, err := r.emptyOf(ctx, st, s)
	if err != nil {
		return nil, err
	}
	if len(own) != len(s.columns)-st.Plan.Merge.Hidden {
		return nil, errorf(wire.ErUnknown, "leaf %s describes %d columns of %d", st.Home, len(own), len(s.columns)-st.Plan.Merge.Hidden)
	}
	for i := range own {
		var a, b wire.Column
		if err := errors.Join(wire.ParseColumn(own[i], st.Out.Caps(), &a), wire.ParseColumn(s.columns[i], st.Out.Caps(), &b)); err != nil {
			return nil, err
		}
		if a.Type != b.Type {
			return nil, plan.NeedsStage("column '" + string(a.Name) + "', which is of another type in rows of totals")
		}
	}
	return append(own, s.columns[len(own):]...), nil
}

// emptyRow is the row of the client's own statement over no rows: what aggregates are over nothing.
func (r *Runner) emptyRow(ctx context.Context, st *Statement, s *source) ([]byte, error) {
	row, _, err := r.emptyOf(ctx, st, s)
	if err == nil && row == nil {
		err = io.EOF
	}
	return row, err
}

// emptyOf is the answer to the client's own statement over no rows: a shape's tables have none, whoever writes meanwhile. A remote server is asked for those that s has read, in the same transaction: another one sees
// rows that this one has deleted.
func (r *Runner) emptyOf(ctx context.Context, st *Statement, s *source) (row []byte, columns [][]byte, err error) {
	if place := s.place; place.Remote == nil {
		place = txn.Place{Leaf: st.Home, Schema: place.Partition.DB}
		return r.emptyAnswer(ctx, st, place, st.forwardPart(place))
	}
	return st.answerOf(s.conn, s.waits, s.place, st.forwardPart(s.place))
}

// emptyAnswer is a part's answer where all tables are shapes: its row, nil when there is none, and its columns.
func (r *Runner) emptyAnswer(ctx context.Context, st *Statement, place txn.Place, p part) (row []byte, columns [][]byte, err error) {
	c, err := r.cfg.Pools.Get(ctx, st.Tx.Want(place))
	if err != nil {
		return nil, nil, st.unconnected(place, err)
	}
	defer c.Release()
	ctx, waits := st.wait(ctx, place)
	defer waits.end()
	defer c.Watch(ctx)()
	return st.answerOf(c, waits, place, p)
}

func (st *Statement) answerOf(c *backend.Conn, waits *patience, place txn.Place, p part) (row []byte, columns [][]byte, err error) {
	if err := st.send(c, p); err != nil {
		return nil, nil, st.at(place, err)
	}
	for {
		p, err := waits.next(c)
		if err != nil {
			return nil, nil, st.at(place, err)
		}
		switch p.Kind {
		case backend.KindColumn:
			d, err := st.column(p.Payload, place)
			if err != nil {
				return nil, nil, err
			}
			columns = append(columns, d)
		case backend.KindRow:
			row = bytes.Clone(p.Payload)
		case backend.KindErr:
			return nil, nil, st.answered(place, p.Err())
		}
		if c.Done() {
			return row, columns, nil
		}
	}
}
