package exec

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
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
	places, err := st.targets(l.Table)
	if err != nil {
		return err
	}
	if err := st.room(places...); err != nil {
		return err
	}
	ld := &loader{r: r, st: st, streams: make([]*stream, len(places)), first: 0}
	clock := st.clock()
	for i, p := range places {
		ld.streams[i] = &stream{job: job{place: p, part: part{sql: st.loadText(clock, p.Schema)}}}
	}
	g := st.Tx.Group()
	err = ld.run(ctx, g)
	if err = g.End(ctx, err); err != nil {
		return err
	}
	jobs := make([]job, len(ld.streams))
	for i, s := range ld.streams {
		jobs[i] = s.job
	}
	if l.Table.Kind == topo.Reference {
		jobs = jobs[:1]
	}
	err = st.answer(jobs)
	st.generated(ld.first) // LAST_INSERT_ID() knows it, the answer of LOAD DATA does not tell it
	return err
}

func (st *Statement) loadFile() string {
	t := st.Scan.Tokens[st.Plan.Load.Stmt.File]
	return string(sqltext.Unquote(nil, t, st.Scan.Src, st.Sess.Mode))
}

func (st *Statement) loadText(clock []byte, schema string) []byte {
	l := st.Plan.Load
	splices := l.Forward
	if l.ColumnText != "" {
		splices = withSplice(splices, plan.Splice{From: l.ColumnPoint, To: l.ColumnPoint, Pieces: []plan.Piece{{Text: l.ColumnText}}})
	}
	return plan.Render(append([]byte(nil), clock...), st.Scan, splices, l.Forward, schema, 0)
}

// loader deals a file's lines out to the partitions' streams.
type loader struct {
	r       *Runner
	st      *Statement
	recs    *records
	streams []*stream
	line    []byte
	number  int64
	first   uint64 // first generated value
	highest uint64 // highest given one
}

// stream is one partition's LOAD DATA.
type stream struct {
	job
	conn *backend.Conn
	stop func() bool
	buf  []byte
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
	for _, s := range ld.streams {
		if s.conn == nil {
			continue
		}
		if e := ld.close(ctx, g, s, err); err == nil {
			err = e
		}
	}
	if err == nil && ld.highest > 0 {
		err = ld.r.cfg.Sequences.Observe(ctx, ld.st.Plan.Load.Table, ld.highest)
	}
	return err
}

// ask asks the client for the file. done reads what nobody wanted of it: the client sends it to its end, and reads an answer only then.
func (ld *loader) ask() (done func(), err error) {
	ld.st.out.Begun = true
	in, err := ld.st.Out.File(ld.st.loadFile())
	if err != nil {
		return nil, err
	}
	done = func() { _, _ = io.Copy(io.Discard, in) }
	if ld.recs, err = newRecords(in, ld.st.Plan.Load.Stmt); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// open starts the statement everywhere, up to the point where a leaf asks for the file. A leaf that refuses it answers in place.
func (ld *loader) open(ctx context.Context, g *txn.Group) error {
	for _, s := range ld.streams {
		c, err := g.Conn(ctx, s.place)
		if err != nil {
			return err
		}
		s.conn, s.stop = c, c.Watch(ctx)
		if err := c.Send(wire.ComQuery, s.sql); err != nil {
			return err
		}
	}
	for _, s := range ld.streams {
		p, err := s.conn.Next()
		if err != nil {
			return err
		}
		if p.Kind == backend.KindErr {
			s.res.err = logical(p.Err(), s.place.Schema, ld.st.logicalDB(s.place))
			return s.res.err
		}
		if p.Kind != backend.KindInfile {
			return errorf(wire.ErUnknown, "leaf %s did not ask for the file of LOAD DATA LOCAL", s.place.Leaf)
		}
	}
	return nil
}

// close ends a partition's data and reads its answer. After a failure elsewhere its transaction is rolled back by the group.
func (ld *loader) close(ctx context.Context, g *txn.Group, s *stream, failed error) error {
	var err error
	if !s.conn.Done() {
		if len(s.buf) > 0 && failed == nil {
			err = s.conn.SendData(s.buf)
		}
		if err == nil {
			err = s.conn.SendData(nil)
		}
		if err == nil {
			err = s.read(s.conn, ld.st)
		}
	}
	if s.stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil && failed == nil && s.res.err == nil && s.conn.Warnings > 0 {
		err = s.notes(ctx, s.conn, ld.st)
	}
	if err = g.Done(s.conn, err); err != nil {
		return err
	}
	if s.res.err != nil {
		return s.res.err
	}
	return nil
}

// deal reads the file.
func (ld *loader) deal(ctx context.Context) error {
	l := ld.st.Plan.Load
	var f *shard.Func
	if l.Table.Kind == topo.Sharded {
		var err error
		if f, err = ld.r.shard(l.Table, len(ld.streams)); err != nil {
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
		if err := ld.dealLine(ctx, f); err != nil {
			return err
		}
	}
}

func (ld *loader) dealLine(ctx context.Context, f *shard.Func) error {
	l := ld.st.Plan.Load
	ld.line = ld.recs.raw
	auto, err := ld.auto(ctx)
	if err != nil {
		return err
	}
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
	}
	o, err := ld.ordinal(ctx, f, auto)
	if err != nil {
		return err
	}
	return ld.streams[o].add(ld.line)
}

// ordinal is the partition of the line that was read.
func (ld *loader) ordinal(ctx context.Context, f *shard.Func, auto uint64) (int, error) {
	l, st := ld.st.Plan.Load, ld.st
	st.vals = st.vals[:0]
	for k, n := range l.Key {
		if auto != 0 && l.Table.ShardKey[k] == l.Table.AutoIncrement {
			st.vals = append(st.vals, shard.UintValue(auto))
			continue
		}
		if n < 0 || n >= len(ld.recs.fields) {
			return 0, errorf(1261, "Row %d doesn't contain data for all columns: it has no shard key", ld.number)
		}
		fd := &ld.recs.fields[n]
		if fd.null {
			st.vals = append(st.vals, shard.Value{Kind: shard.Null})
		} else {
			st.vals = append(st.vals, shard.StringValue(fd.value, ld.charset()))
		}
	}
	o, err := f.Store(st.vals)
	if errors.Is(err, shard.ErrAskLeaf) {
		if err := ld.r.learn(ctx, st, f.Ask(st.vals, true)); err != nil {
			return 0, err
		}
		o, err = f.Store(st.vals)
	}
	if errors.Is(err, shard.ErrInexact) {
		return 0, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support the shard key of row %d of LOAD DATA: its text is not of the column's type", ld.number)
	}
	return o, err
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
	if l.Table.AutoIncrement < 0 {
		return 0, nil
	}
	start, end := 0, 0
	if l.ColumnText == "" {
		if l.Auto < 0 || l.Auto >= len(ld.recs.fields) {
			return 0, nil
		}
		fd := &ld.recs.fields[l.Auto]
		v, err := strconv.ParseInt(string(fd.value), 10, 64)
		if !fd.null && (err != nil || v != 0 || ld.st.Sess.NoAutoValueOnZero) {
			if err == nil && v > 0 {
				ld.highest = max(ld.highest, uint64(v))
			}
			return 0, nil
		}
		start, end = fd.start, fd.end
	}
	v, err := ld.r.cfg.Sequences.Next(ctx, l.Table, 1)
	if err != nil {
		return 0, err
	}
	if ld.first == 0 {
		ld.first = v
	}
	line := append([]byte(nil), ld.recs.raw[:start]...)
	line = strconv.AppendUint(line, v, 10)
	if l.ColumnText != "" {
		line = append(line, ld.recs.fieldTerm...)
	}
	ld.line = append(line, ld.recs.raw[end:]...)
	return v, nil
}

func (s *stream) add(line []byte) error {
	s.buf = append(s.buf, line...)
	if len(s.buf) < streamChunk {
		return nil
	}
	err := s.conn.SendData(s.buf)
	s.buf = s.buf[:0]
	return err
}
