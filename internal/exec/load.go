package exec

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// load runs LOAD DATA LOCAL: each partition runs the client's statement with its own lines of the client's file.
func (r *Runner) load(ctx context.Context, st *Statement) error {
	l := st.Plan.Load
	places, err := r.targets(st, l.Table)
	if err != nil {
		return err
	}
	if err := st.across(len(places), l.Table.Kind == topo.Reference); err != nil {
		return err
	}
	ld := &loader{r: r, st: st, streams: make([]*stream, len(places))}
	if l.Table.Kind != topo.Linked { // of which a place may be read only that gets no line
		err = st.room(places...)
	} else {
		ld.to, err = r.rowPlaces(st, l.Table)
	}
	if err != nil {
		return err
	}
	clock := st.clock()
	for i, p := range places {
		ld.streams[i] = ld.stream(clock, p)
		if !st.copied() {
			continue
		}
		for _, o := range st.Plan.Linked.Copies[i] {
			p, err := r.linkedPlace(st, o)
			if err != nil {
				return err
			}
			ld.streams[i].copies = append(ld.streams[i].copies, ld.stream(clock, p))
		}
	}
	own := !st.Tx.InTransaction() && st.Tx.Autocommit()
	g := st.Tx.Group()
	err = ld.run(ctx, g)
	if err = g.End(ctx, err); err != nil && own {
		err = st.undone(err)
	}
	if err != nil {
		return err
	}
	jobs := make([]job, len(ld.streams))
	for i, s := range ld.streams {
		jobs[i] = s.job
	}
	if l.Table.Kind == topo.Reference {
		jobs = jobs[:1]
	}
	ld.countSkipped(jobs)
	err = st.answer(jobs)
	st.generated(ld.first) // LAST_INSERT_ID() knows it, the answer of LOAD DATA does not tell it
	return err
}

func (st *Statement) loadFile() string {
	t := st.Scan.Tokens[st.Plan.Load.Stmt.File]
	return string(sqltext.Unquote(nil, t, st.Scan.Src, st.Sess.Mode))
}

func (st *Statement) loadText(clock []byte, to plan.Target) []byte {
	l := st.Plan.Load
	splices := l.Forward
	if l.ColumnText != "" {
		splices = withSplice(splices, plan.Splice{From: l.ColumnPoint, To: l.ColumnPoint, Pieces: []plan.Piece{{Text: l.ColumnText}}})
	}
	return plan.Render(append([]byte(nil), clock...), st.Scan, splices, l.Forward, to)
}

// loader deals a file's lines out to the partitions' streams.
type loader struct {
	r       *Runner
	st      *Statement
	recs    *records
	streams []*stream
	to      *insertPlaces // of sharded and linked tables
	skipped int64         // lines that have no place
	line    []byte
	drawn   *drawn   // values of sequences for lines that have been read
	given   [][]byte // those of the line at hand
	number  int64
	first   uint64 // first generated value
	highest uint64 // highest given one
	seen    uint64 // and up to which the table's numbers go on behind it
}

// stream is one partition's LOAD DATA.
type stream struct {
	job
	conn  *backend.Conn
	ctx   context.Context // that its conn is watched under
	waits *patience
	stop  func() bool
	buf   []byte
	// sent: the leaf was given the statement. begun: it has answered, by asking for the file or with an error.
	sent, begun bool
	// copies get the same lines.
	copies []*stream
}

func (ld *loader) stream(clock []byte, p txn.Place) *stream {
	return &stream{job: job{place: p, part: part{sql: ld.st.loadText(clock, ld.st.target(p))}}}
}

// all are the streams with their copies.
func (ld *loader) all() (out []*stream) {
	for _, s := range ld.streams {
		out = append(append(out, s), s.copies...)
	}
	return out
}

// streamChunk is how much is gathered for a partition before it is sent.
const streamChunk = 64 << 10

func (ld *loader) run(ctx context.Context, g *txn.Group) error {
	err := ld.open(ctx, g)
	if err == nil {
		// Only now: a partition that can't be had yet is waited for before the client is asked, as the file can't be had twice.
		var done func()
		if done, err = ld.ask(); err == nil {
			defer done()
			err = ld.deal(ctx)
		}
	}
	for _, s := range ld.all() {
		if s.conn == nil {
			continue
		}
		if e := ld.close(ctx, g, s, err); err == nil {
			err = e
		}
	}
	if err == nil {
		err = ld.observe(ctx)
	}
	return err
}

// observe has the table's numbers go on behind those that lines have given.
func (ld *loader) observe(ctx context.Context) error {
	if ld.highest <= ld.seen {
		return nil
	}
	ld.seen = ld.highest
	return ld.r.cfg.Sequences.Observe(ctx, ld.st.Plan.Load.Table, ld.highest)
}

// asksID says whether it is the remote server that generates AUTO_INCREMENT values.
func (ld *loader) asksID() bool {
	t := ld.st.Plan.Load.Table
	return t.AutoIncrement >= 0 && !t.Numbered()
}

// ask asks the client for the file. done reads what nobody wanted of it: the client sends it to its end, and reads an answer only then.
func (ld *loader) ask() (done func(), err error) {
	ld.st.out.Begun = true
	in, err := ld.st.Out.File(ld.st.loadFile())
	if err != nil {
		return nil, err
	}
	done = func() { _, _ = io.Copy(io.Discard, in) }
	if ld.recs, err = newRecords(in, ld.st.Plan.Load.Stmt, ld.r.cfg.SortMemory); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// open starts the statement everywhere, up to the point where a leaf asks for the file. A leaf that refuses it answers in place.
func (ld *loader) open(ctx context.Context, g *txn.Group) error {
	for _, s := range ld.all() {
		c, err := g.Conn(ctx, s.place)
		if err != nil {
			return ld.st.unconnected(s.place, err)
		}
		s.conn = c
		s.ctx, s.waits = ld.st.wait(ctx, s.place)
		s.stop = c.Watch(s.ctx)
		if ld.asksID() {
			c.Queue("SET last_insert_id=0")
		}
		if err := c.Send(wire.ComQuery, s.sql); err != nil {
			return ld.st.at(s.place, err)
		}
		s.sent = true
	}
	for _, s := range ld.all() {
		if err := ld.begun(s); err != nil {
			return err
		}
	}
	return nil
}

// begun reads a leaf's first answer: that it asks for the file, or refuses the statement.
func (ld *loader) begun(s *stream) error {
	p, err := s.waits.next(s.conn)
	s.begun = true
	switch {
	case err != nil:
		return ld.st.at(s.place, s.silenced(err))
	case p.Kind == backend.KindErr:
		s.res.err = ld.st.answered(s.place, p.Err())
		return s.res.err
	case p.Kind != backend.KindInfile:
		return errorf(wire.ErUnknown, "%s did not ask for the file of LOAD DATA LOCAL", s.place)
	}
	return nil
}

// close ends a partition's data and reads its answer. After a failure elsewhere its transaction is rolled back by the group.
func (ld *loader) close(ctx context.Context, g *txn.Group, s *stream, failed error) error {
	var err error
	if s.sent && !s.begun { // another has refused before this one was looked at
		if err = ld.begun(s); s.res.err != nil {
			err = nil
		}
	}
	if err == nil && !s.conn.Done() {
		if len(s.buf) > 0 && failed == nil {
			err = s.conn.SendData(s.buf)
		}
		if err == nil {
			err = s.conn.SendData(nil)
		}
		if err == nil {
			err = s.read(s.conn, ld.st, s.waits, ld.r.cfg.SortMemory)
		}
	}
	if s.stop() && err == nil {
		err = ctx.Err()
	}
	err = s.silenced(err)
	s.waits.end()
	if err == nil && failed == nil && s.res.err == nil && s.conn.Warnings > 0 {
		err = s.notes(ctx, s.conn, ld.st)
	}
	if err == nil && failed == nil && s.res.err == nil && ld.asksID() {
		ld.first, err = lastInsertID(ctx, s.conn)
	}
	if err = g.Done(s.conn, err); err != nil {
		return ld.st.at(s.place, err)
	}
	if s.res.err != nil {
		return s.res.err
	}
	return nil
}

// deal reads the file.
func (ld *loader) deal(ctx context.Context) error {
	l := ld.st.Plan.Load
	if l.Table.Kind == topo.Sharded {
		var err error
		if ld.to, err = ld.r.rowPlaces(ld.st, l.Table); err != nil {
			return err
		}
	}
	// The leaves skip the first lines themselves: each must get them.
	for range l.Stmt.IgnoreLines {
		err := ld.recs.skip()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, s := range ld.streams {
			if err := s.add(ld.recs.raw); err != nil {
				return err
			}
		}
	}
	for {
		if err := ld.draw(ctx); err != nil {
			return err
		}
		err := ld.recs.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		ld.number++
		if ld.number&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := ld.dealLine(ctx); err != nil {
			return err
		}
	}
}

func (ld *loader) dealLine(ctx context.Context) error {
	l := ld.st.Plan.Load
	ld.line = ld.recs.raw
	auto, err := ld.auto(ctx)
	if err != nil {
		return err
	}
	ld.deals()
	switch l.Table.Kind {
	case topo.Reference:
		for _, s := range ld.streams {
			if err := s.add(ld.line); err != nil {
				return err
			}
		}
		return nil
	case topo.Keyless:
		return ld.streams[ld.number%int64(len(ld.streams))].add(ld.line)
	case topo.Single:
		return ld.streams[0].add(ld.line)
	}
	o, err := ld.ordinal(ctx, auto)
	if err == nil {
		err = ld.to.in(o)
	}
	if homeless(err) {
		return ld.leftOut(ctx, err)
	}
	if err == nil && l.Table.Kind == topo.Linked {
		err = ld.st.room(ld.streams[o].place)
	}
	if err != nil {
		return err
	}
	return ld.streams[o].add(ld.line)
}

// ordinal is the partition of the line that was read.
func (ld *loader) ordinal(ctx context.Context, auto uint64) (int, error) {
	l, st := ld.st.Plan.Load, ld.st
	if len(l.Key) == 0 {
		return 0, nil
	}
	st.vals = st.vals[:0]
	for k, n := range l.Key {
		if auto != 0 && l.Table.ShardKey[k] == l.Table.AutoIncrement {
			st.vals = append(st.vals, shard.UintValue(auto))
			continue
		}
		if i := slices.IndexFunc(l.Draws, func(d plan.Draw) bool { return d.Column == l.Table.ShardKey[k] }); i >= 0 {
			st.vals = append(st.vals, shard.StringValue(ld.given[i], ld.charset()))
			continue
		}
		if n < 0 || n >= len(ld.recs.fields) {
			v, ok := missingField(&l.Table.Columns[l.Table.ShardKey[k]], n < 0)
			if !ok || l.Table.Kind == topo.Linked { // whose server has defaults of its own
				return 0, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support row %d of LOAD DATA, which has no shard key column '%s': give it a field", ld.number, l.Table.Columns[l.Table.ShardKey[k]].Name)
			}
			st.vals = append(st.vals, v)
			continue
		}
		fd := &ld.recs.fields[n]
		if fd.null {
			st.vals = append(st.vals, shard.Value{Kind: shard.Null})
		} else {
			st.vals = append(st.vals, shard.StringValue(fd.value, ld.charset()))
		}
	}
	o, err := ld.to.f.Store(st.vals)
	if errors.Is(err, shard.ErrAskLeaf) && ld.to.split == nil {
		if err := ld.r.learn(ctx, st, ld.to.f.Ask(st.vals, true)); err != nil {
			return 0, err
		}
		o, err = ld.to.f.Store(st.vals)
	}
	if f, ok := ld.to.f.(*partition.Func); ok && (errors.Is(err, shard.ErrAskLeaf) || errors.Is(err, shard.ErrInexact)) {
		o, _, err = ld.r.storedRow(ctx, st, l.Table, f, ld.keyExpressions(), asWarned, int(ld.number)-1)
	}
	if errors.Is(err, shard.ErrInexact) {
		return 0, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support the shard key of row %d of LOAD DATA: its text is not of the column's type", ld.number)
	}
	return o, err
}

// missingField is what a column has that a line gives no field. One that no line has a field for has its default; one whose line ends before has the type's own, unless it is NULL.
func missingField(c *topo.Column, always bool) (v shard.Value, ok bool) {
	none := c.Default == "" || strings.EqualFold(c.Default, "NULL")
	text, isText := stringDefault(c)
	switch {
	case none && c.Nullable:
		return shard.Value{Kind: shard.Null}, true
	case always && isText:
		return shard.StringValue(text, "utf8mb4"), !slices.ContainsFunc(text, func(b byte) bool { return b >= 0x80 })
	case always && !none:
		return shard.StringValue([]byte(c.Default), "utf8mb4"), constant(c.Default)
	case c.Type == "char" || c.Type == "varchar":
		return shard.StringValue(nil, "utf8mb4"), true
	}
	return shard.StringValue([]byte("0"), "utf8mb4"), strings.HasSuffix(c.Type, "int")
}

// charset is the file's: the statement's CHARACTER SET, else the default database's.
func (ld *loader) charset() string {
	if c := ld.st.Plan.Load.Stmt.Charset; c != "" {
		return c
	}
	if d := ld.st.Snap.Databases[ld.st.Sess.DB]; d != nil {
		return d.Charset
	}
	return ""
}

// auto generates the line's AUTO_INCREMENT value where it asks for one, and writes it into the line; 0 when it does not.
func (ld *loader) auto(ctx context.Context) (uint64, error) {
	l := ld.st.Plan.Load
	if !l.Table.Numbered() {
		return 0, nil
	}
	start, end := 0, 0
	if !l.AutoFirst {
		if l.Auto < 0 || l.Auto >= len(ld.recs.fields) {
			return 0, nil
		}
		fd := &ld.recs.fields[l.Auto]
		if given, err := ld.numbered(ctx, fd); given || err != nil {
			return 0, err
		}
		start, end = fd.start, fd.end
	}
	if err := ld.observe(ctx); err != nil {
		return 0, err
	}
	v, err := ld.r.nextAuto(ctx, ld.st.Snap, l.Table, 1)
	if err != nil {
		return 0, err
	}
	if ld.first == 0 {
		ld.first = v
	}
	line := append([]byte(nil), ld.recs.raw[:start]...)
	line = strconv.AppendUint(line, v, 10)
	if l.AutoFirst {
		line = append(line, ld.recs.fieldTerm...)
	}
	ld.line = append(line, ld.recs.raw[end:]...)
	return v, nil
}

// numbered says whether a field is a value of the AUTO_INCREMENT column's, and does not ask for one.
func (ld *loader) numbered(ctx context.Context, fd *field) (bool, error) {
	if fd.null {
		return false, nil
	}
	t := ld.st.Plan.Load.Table
	v, err := strconv.ParseInt(string(fd.value), 10, 64)
	u, odd := uint64(max(v, 0)), err != nil
	if odd {
		e := "x'" + hex.EncodeToString(fd.value) + "'"
		if c := ld.charset(); c != "" {
			e = "_" + c + " " + e
		}
		if v, u, _, err = ld.r.storedInt(ctx, ld.st, t, e, true, int(ld.number)-1); err != nil {
			return false, err
		}
	}
	switch {
	case v != 0 || ld.st.Sess.NoAutoValueOnZero:
		ld.highest = max(ld.highest, u)
		return true, nil
	case odd: // of which MariaDB warns
		return false, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support row %d of LOAD DATA, whose field for the AUTO_INCREMENT column '%s' is no number: write \\N or 0 for one that is to be generated", ld.number, t.Columns[t.AutoIncrement].Name)
	}
	return false, nil
}

// keyExpressions are the key of the line at hand as SQL.
func (ld *loader) keyExpressions() []string {
	exprs := make([]string, len(ld.st.vals))
	for k := range ld.st.vals {
		switch v := &ld.st.vals[k]; v.Kind {
		case shard.Null:
			exprs[k] = "NULL"
		case shard.Uint:
			exprs[k] = strconv.FormatUint(v.U, 10)
		default:
			exprs[k] = "_" + ld.charset() + " x'" + hex.EncodeToString(v.B) + "'"
		}
	}
	return exprs
}

// leftOut is for a line that has no place, which LOCAL makes a warning of.
func (ld *loader) leftOut(ctx context.Context, err error) error {
	if len(ld.st.out.Notes) < maxNotes { // others have no text
		err := ld.r.noPartition(ctx, ld.st, ld.to.split, err, ld.keyExpressions(), asWarned)
		note, ok := ignored(err)
		if !ok {
			return err
		}
		ld.st.out.Notes = append(ld.st.out.Notes, note)
	}
	if ld.skipped++; ld.st.out.Warnings < 1<<16-1 {
		ld.st.out.Warnings++
	}
	return nil
}

// countSkipped adds the lines that were left out to one of the answers.
func (ld *loader) countSkipped(jobs []job) {
	if n := numbers(jobs[0].res.info); ld.skipped > 0 && len(n) == 4 { // Records, Deleted, Skipped, Warnings
		n[0] += ld.skipped
		n[2] += ld.skipped
		jobs[0].res.info = recount(jobs[0].res.info, n)
	}
}

// silenced is an error of the stream's, or that the server was silent.
func (s *stream) silenced(err error) error {
	if (err != nil || s.res.err != nil) && silenced(s.ctx) {
		s.res.err = nil
		return errSilent
	}
	return err
}

func (s *stream) add(line []byte) error {
	for _, c := range s.copies {
		if err := c.add(line); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, line...)
	if len(s.buf) < streamChunk {
		return nil
	}
	err := s.conn.SendData(s.buf)
	s.buf = s.buf[:0]
	return err
}
