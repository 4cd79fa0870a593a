package exec

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// piece of work of a statement that writes at several places.
type job struct {
	place txn.Place
	part
	rows []int // which of an INSERT's rows these are
	res  reply
}

// reply is what a place answered to a write.
type reply struct {
	ok    wire.OK
	info  []byte
	rows  [][]byte // RETURNING: raw rows
	head  [][]byte // the packets before the rows
	notes []Note
	err   *wire.ServerError
}

// spread runs a write at several partitions and adds up what they answer.
func (r *Runner) spread(ctx context.Context, st *Statement, places []txn.Place) error {
	jobs := make([]job, len(places))
	clock := st.clock()
	for i, p := range places {
		sql := plan.Render(clock[:len(clock):len(clock)], st.Scan, st.Plan.Forward, st.Plan.Forward, p.Schema, 0)
		jobs[i] = job{place: p, part: part{sql: sql, params: st.Args}}
	}
	if err := r.group(ctx, st, jobs, st.Plan.Route.Kind == plan.RouteEveryLeaf); err != nil {
		return err
	}
	if st.Plan.Route.Kind == plan.RouteEveryLeaf {
		return st.answer(jobs[:1])
	}
	return st.answer(jobs)
}

// clock is what goes ahead of a statement's parts so that NOW() is one moment in all of them; empty when one part is all there is.
//
// SET STATEMENT can't be nested: a client's own is left alone, and with it a timestamp that it may set.
func (st *Statement) clock() []byte {
	first := st.Scan.Tokens
	if len(first) > 1 && word(st.Scan, first[0], "SET") && word(st.Scan, first[1], "STATEMENT") {
		return nil
	}
	if st.Plan.Route.Kind != plan.RouteEveryLeaf && st.Plan.Facts&sqltext.HasTimeFunction == 0 {
		return nil
	}
	b := append([]byte(nil), "SET STATEMENT timestamp="...)
	b = strconv.AppendFloat(b, float64(time.Now().UnixMicro())/1e6, 'f', 6, 64)
	return append(b, " FOR "...)
}

func word(s *sqltext.Scan, t sqltext.Token, w string) bool {
	return t.Kind == sqltext.Word && strings.EqualFold(string(s.Src[t.Start:t.End]), w)
}

// group runs jobs as one atomic statement. ordered: the first is run before the others are begun, so that statements that touch the
// same rows of a reference table meet at one leaf first and do not deadlock over several.
func (r *Runner) group(ctx context.Context, st *Statement, jobs []job, ordered bool) error {
	g := st.Tx.Group()
	err := r.jobs(ctx, st, g, jobs, ordered)
	return g.End(ctx, err)
}

func (r *Runner) jobs(ctx context.Context, st *Statement, g *txn.Group, jobs []job, ordered bool) error {
	if ordered && len(jobs) > 1 {
		if err := r.run1(ctx, st, g, &jobs[0]); err != nil {
			return err
		}
		return r.jobs(ctx, st, g, jobs[1:], false)
	}
	if len(jobs) == 1 {
		return r.run1(ctx, st, g, &jobs[0])
	}
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i := range jobs {
		wg.Go(func() { errs[i] = r.run1(ctx, st, g, &jobs[i]) })
	}
	wg.Wait()
	return first(errs)
}

// first picks the error to be told: a statement's own before what followed from it elsewhere.
func first(errs []error) error {
	var other error
	for _, e := range errs {
		var s *wire.ServerError
		if errors.As(e, &s) {
			return e
		}
		if other == nil {
			other = e
		}
	}
	return other
}

// run1 runs one job and keeps its answer.
func (r *Runner) run1(ctx context.Context, st *Statement, g *txn.Group, j *job) error {
	c, err := g.Conn(ctx, j.place)
	if err != nil {
		return err
	}
	stop := c.Watch(ctx)
	err = j.send(c, st.Prepared)
	if err == nil {
		err = j.read(c, st)
	}
	if stop() && err == nil && j.res.err == nil {
		err = ctx.Err()
	}
	if err == nil && j.res.err == nil && c.Warnings > 0 {
		err = j.notes(ctx, c, st)
	}
	if err = g.Done(c, err); err != nil {
		return err
	}
	if j.res.err != nil {
		return j.res.err
	}
	return nil
}

func (j *job) send(c *backend.Conn, prepared bool) error {
	if !prepared {
		return c.Send(wire.ComQuery, j.sql)
	}
	return c.SendExecute(string(j.sql), appendExecuteBody(nil, append([]wire.Param(nil), j.params...)))
}

// read collects a job's answer. Rows (RETURNING) are kept in memory: as many as the statement has written.
func (j *job) read(c *backend.Conn, st *Statement) error {
	caps := st.Out.Caps()
	for {
		p, err := c.Next()
		if err != nil {
			return err
		}
		switch p.Kind {
		case backend.KindOK, backend.KindEnd:
			if err := wire.ParseOK(p.Payload, caps, &j.res.ok); err != nil {
				return err
			}
			j.res.info = append(j.res.info[:0], j.res.ok.Info...)
			j.res.ok.Info, j.res.ok.Track = nil, nil
		case backend.KindErr:
			j.res.err = logical(p.Err(), j.place.Schema, st.logicalDB(j.place))
			j.res.err.Message = j.rowNumber(j.res.err.Message)
		case backend.KindHead, backend.KindColumnsEnd:
			j.res.head = append(j.res.head, bytes.Clone(p.Payload))
		case backend.KindColumn:
			rw := wire.ColumnRewrite{From: j.place.Schema, To: st.logicalDB(j.place), Server: caps, Client: caps}
			b, err := rw.Append(nil, p.Payload)
			if err != nil {
				return err
			}
			j.res.head = append(j.res.head, b)
		case backend.KindRow:
			j.res.rows = append(j.res.rows, bytes.Clone(p.Payload))
		}
		if c.Done() {
			return nil
		}
	}
}

func (j *job) notes(ctx context.Context, c *backend.Conn, st *Statement) error {
	sub := Statement{Sess: st.Sess}
	if err := sub.notes(ctx, c, j.place.Schema); err != nil {
		return err
	}
	j.res.notes = sub.out.Notes
	for i := range j.res.notes {
		j.res.notes[i].Message = j.rowNumber(j.res.notes[i].Message)
	}
	return nil
}

// rowNumber is a message with the number of the row in the client's statement in place of that in the job's.
func (j *job) rowNumber(message string) string {
	const at = " at row "
	i := strings.LastIndex(message, at)
	if i < 0 || len(j.rows) == 0 {
		return message
	}
	n, err := strconv.Atoi(message[i+len(at):])
	if err != nil || n < 1 || n > len(j.rows) {
		return message
	}
	return message[:i+len(at)] + strconv.Itoa(j.rows[n-1]+1)
}

// answer gives the client one answer for jobs that all succeeded.
func (st *Statement) answer(jobs []job) error {
	o := &st.out
	var sums []int64
	for i := range jobs {
		res := &jobs[i].res
		o.Affected += res.ok.AffectedRows
		o.Warnings += res.ok.Warnings
		o.Status |= res.ok.Status
		o.Notes = append(o.Notes, res.notes...)
		if n := numbers(res.info); n != nil {
			o.Info = append(o.Info[:0], res.info...)
			sums = added(sums, n)
		}
	}
	if !o.Generated {
		o.InsertID = jobs[lastJob(jobs)].res.ok.InsertID
	}
	if sums != nil {
		sums[len(sums)-1] = int64(o.Warnings) // "Warnings: n" is the last
		o.Info = recount(o.Info, sums)
	}
	o.Notes = o.Notes[:min(len(o.Notes), maxNotes)]
	if len(jobs[0].res.head) == 0 {
		return st.writeOK()
	}
	return st.writeRows(jobs)
}

// lastJob is the job with the last of the client's rows: without a generated value the answer tells the one that this row was given.
func lastJob(jobs []job) int {
	last, row := 0, -1
	for i := range jobs {
		if n := len(jobs[i].rows); n > 0 && jobs[i].rows[n-1] > row {
			last, row = i, jobs[i].rows[n-1]
		}
	}
	return last
}

// writeRows gives the client the rows of RETURNING, job after job.
func (st *Statement) writeRows(jobs []job) error {
	l := relay{st: st}
	for i, h := range jobs[0].res.head {
		k := backend.KindColumn
		if i == 0 {
			k = backend.KindHead
		} else if i == len(jobs[0].res.head)-1 && !st.Out.Caps().Has(wire.ClientDeprecateEOF) {
			k = backend.KindColumnsEnd
		}
		if err := l.packet(backend.Packet{Kind: k, Payload: h}); err != nil {
			return err
		}
	}
	for _, row := range inOrder(jobs) {
		st.out.Rows++
		if err := st.Out.Packet(row); err != nil {
			return err
		}
	}
	return st.writeEnd()
}

// inOrder are the rows that the jobs returned: of an INSERT in the order in which the client wrote them, when each returned one.
func inOrder(jobs []job) [][]byte {
	var out [][]byte
	n := 0
	for i := range jobs {
		out = append(out, jobs[i].res.rows...)
		n += len(jobs[i].rows)
		if len(jobs[i].rows) != len(jobs[i].res.rows) {
			n = -1 << 30
		}
	}
	if n != len(out) {
		return out
	}
	for i := range jobs {
		for k, at := range jobs[i].rows {
			out[at] = jobs[i].res.rows[k]
		}
	}
	return out
}

// writeEnd ends the rows.
func (st *Statement) writeEnd() error {
	st.buf = wire.AppendEOF(st.buf[:0], st.Out.Caps(), &wire.OK{
		Warnings: st.out.Warnings,
		Status:   st.out.Status&^sessionBits | st.Out.Status(),
	})
	return st.Out.Packet(st.buf)
}

// numbers reads the numbers of an OK packet's text, "Records: 3  Duplicates: 0  Warnings: 0" or "Rows matched: 3  Changed: 2  Warnings: 0".
func numbers(info []byte) []int64 {
	var out []int64
	in := false
	for _, c := range info {
		if c < '0' || c > '9' {
			in = false
			continue
		}
		if !in {
			out, in = append(out, 0), true
		}
		out[len(out)-1] = out[len(out)-1]*10 + int64(c-'0')
	}
	return out
}

func added(a, b []int64) []int64 {
	if a == nil {
		return b
	}
	for i := range min(len(a), len(b)) {
		a[i] += b[i]
	}
	return a
}

// recount is the text with its numbers replaced, in order.
func recount(info []byte, values []int64) []byte {
	var out []byte
	for i := 0; i < len(info); i++ {
		if c := info[i]; c < '0' || c > '9' {
			out = append(out, c)
			continue
		}
		for i+1 < len(info) && info[i+1] >= '0' && info[i+1] <= '9' {
			i++
		}
		if len(values) > 0 {
			out = strconv.AppendInt(out, values[0], 10)
			values = values[1:]
		}
	}
	return out
}
