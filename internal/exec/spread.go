package exec

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	// again makes the part for a copy: see Runner.copies.
	again func(clock []byte, place txn.Place) part
	ids   numbering
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
	text := func(clock []byte, p txn.Place) part {
		return part{sql: plan.Render(clock[:len(clock):len(clock)], st.Scan, st.Plan.Forward, st.Plan.Forward, st.target(p)), params: st.Args}
	}
	for i, p := range places {
		jobs[i] = job{place: p, part: text(clock, p), again: text}
	}
	if err := r.group(ctx, st, jobs, st.Plan.Route.Kind == plan.RouteEveryLeaf); err != nil {
		return err
	}
	if st.Plan.Route.Kind == plan.RouteEveryLeaf {
		return st.answer(jobs[:1])
	}
	st.numbered(jobs)
	st.asOneServer(jobs)
	return st.answer(jobs)
}

// asOneServer makes the warnings of parts those of one server that goes through the partitions in order: it counts the rows that it finds, and warns of a constant once.
func (st *Statement) asOneServer(jobs []job) {
	if len(jobs) < 2 || jobs[0].place.Remote == nil {
		return
	}
	var found int64
	parts := make([]partWarnings, len(jobs))
	for i := range jobs {
		res := &jobs[i].res
		for k := range res.notes {
			res.notes[k].Message = laterRow(res.notes[k].Message, found)
		}
		if n := numbers(res.info); len(n) > 0 {
			found += n[0] // Rows matched
		}
		parts[i] = partWarnings{total: res.ok.Warnings, notes: res.notes}
	}
	notes, total := together(parts, 0, false)
	for i := range jobs {
		jobs[i].res.notes, jobs[i].res.ok.Warnings = nil, 0
	}
	jobs[0].res.notes, jobs[0].res.ok.Warnings = notes, total
}

// rowWord stands before the number of a row.
const rowWord = " at row "

// laterRow is a message about a row before which there are so many others.
func laterRow(message string, before int64) string {
	i := strings.LastIndex(message, rowWord)
	if i < 0 || before == 0 {
		return message
	}
	n, err := strconv.ParseInt(message[i+len(rowWord):], 10, 64)
	if err != nil {
		return message
	}
	return message[:i+len(rowWord)] + strconv.FormatInt(n+before, 10)
}

// clock is what goes ahead of a statement's parts so that NOW() is one moment in all of them; empty when one part is all there is.
//
// SET STATEMENT can't be nested: a client's own is left alone, and with it a timestamp that it may set.
func (st *Statement) clock() []byte {
	if st.hasOwnTime() {
		return nil
	}
	if st.hasSettings() {
		return nil
	}
	if st.Plan.Route.Kind != plan.RouteEveryLeaf && !st.Plan.Clocked && !st.copied() {
		return nil
	}
	if st.Moment != "" {
		return st.forMoment()
	}
	return append(appendClock([]byte("SET STATEMENT ")), clockEnd...)
}

// hasSettings says whether the statement is the client's SET STATEMENT … FOR.
func (st *Statement) hasSettings() bool {
	first := st.Scan.Tokens
	return len(first) > 1 && word(st.Scan, first[0], "SET") && word(st.Scan, first[1], "STATEMENT")
}

// hasOwnTime says whether the session has set its time, which all its connections have then.
func (st *Statement) hasOwnTime() bool {
	return st.Tx.State().Timed()
}

// appendClock appends the setting that makes now the time.
func appendClock(dst []byte) []byte {
	return strconv.AppendFloat(append(dst, "timestamp="...), float64(time.Now().UnixMicro())/1e6, 'f', 6, 64)
}

// Clock is the setting that makes now the time, for [Statement.Moment].
func Clock() string { return string(appendClock(nil)) }

// clockEnd ends what goes ahead.
const clockEnd = " FOR "

func word(s *sqltext.Scan, t sqltext.Token, w string) bool {
	return t.Kind == sqltext.Word && strings.EqualFold(string(s.Src[t.Start:t.End]), w)
}

// group runs jobs as one atomic statement. ordered: the first is run before the others are begun, so that statements that touch the
// same rows of a reference table meet at one leaf first and do not deadlock over several.
func (r *Runner) group(ctx context.Context, st *Statement, jobs []job, ordered bool) error {
	if len(st.Plan.Assigned) > 0 {
		return errAssigns
	}
	own := !st.Tx.InTransaction() && st.Tx.Autocommit()
	run := func() error {
		g := st.Tx.Group()
		err := g.End(ctx, r.jobs(ctx, st, g, jobs, ordered))
		if own {
			err = st.undone(err)
		}
		return err
	}
	err := run()
	st.noteFailure(jobs, err)
	if told := (*RemoteError)(nil); !own || !errors.As(err, &told) || !told.again {
		return err // what happens at leaves the session repeats, when it has seen what has become of them
	}
	for i := range jobs {
		jobs[i].res = reply{}
	}
	return secondError(err, run())
}

func (r *Runner) jobs(ctx context.Context, st *Statement, g *txn.Group, jobs []job, ordered bool) error {
	if ordered && len(jobs) > 1 {
		if err := r.runJob(ctx, st, g, &jobs[0]); err != nil {
			return err
		}
		if err := r.jobs(ctx, st, g, jobs[1:], false); err != nil {
			return err
		}
		return st.sameEverywhere(jobs)
	}
	if len(jobs) == 1 {
		return r.runJob(ctx, st, g, &jobs[0])
	}
	if jobs[0].place.Remote != nil {
		ctx, end := context.WithCancel(ctx)
		defer end()
		return atOnce(end, jobs, func(j *job) error { return r.runJob(ctx, st, g, j) })
	}
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i := range jobs {
		wg.Go(func() { errs[i] = r.runJob(ctx, st, g, &jobs[i]) })
	}
	wg.Wait()
	return first(errs)
}

// sameEverywhere says whether a write to a reference table has done the same at all leaves. With IGNORE a leaf leaves out what rows of its partitions reference, which others don't have.
func (st *Statement) sameEverywhere(jobs []job) error {
	for i := range jobs {
		res := &jobs[i].res
		same := res.ok.AffectedRows == jobs[0].res.ok.AffectedRows
		for _, n := range res.notes {
			same = same && (n.Code != strconv.Itoa(erRowIsReferenced) || st.constraint(n.Message) == n.Message)
		}
		if !same {
			return errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support IGNORE for rows of a reference table that rows of sharded tables reference, of which each leaf has others: leave IGNORE out")
		}
	}
	return nil
}

// atOnce does something at remote servers at the same time. The first failure is told, and ends what is done elsewhere: nobody else would see that a server has
// gone away while another is at work.
func atOnce[T any](end func(), parts []T, do func(*T) error) error {
	var failed error
	var once sync.Once
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			if err := do(&parts[i]); err != nil {
				once.Do(func() { failed = err })
				end()
			}
		})
	}
	wg.Wait()
	return failed
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
		return st.unconnected(j.place, err)
	}
	ctx, waits := st.wait(ctx, j.place)
	defer waits.end()
	stop := c.Watch(ctx)
	j.ids.before(c)
	err = j.send(c, st.Prepared)
	if err == nil {
		err = j.read(c, st, waits, r.cfg.SortMemory)
	}
	if stop() && err == nil && j.res.err == nil {
		err = ctx.Err()
	}
	if (err != nil || j.res.err != nil) && silenced(ctx) {
		err, j.res.err = errSilent, nil
	}
	if err == nil && j.res.err == nil && c.Warnings > 0 {
		err = j.notes(ctx, c, st)
	}
	if err == nil && j.res.err != nil {
		err = j.errorNotes(ctx, c, st)
	}
	if err == nil && j.res.err == nil {
		err = j.ids.after(ctx, c)
	}
	if err = g.Done(c, err); err != nil {
		return st.at(j.place, err)
	}
	if j.res.err != nil {
		return j.res.err
	}
	return nil
}

// read collects a job's answer. Rows (RETURNING) are kept in memory, those of all the statement's jobs together up to a limit: past it the answer
// is read to its end, and is an error.
func (j *job) read(c *backend.Conn, st *Statement, waits *patience, limit int64) error {
	caps := st.Out.Caps()
	for {
		p, err := waits.next(c)
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
			j.res.err = st.answered(j.place, p.Err())
			j.res.err.Message = j.rowNumber(j.res.err.Message)
		case backend.KindHead, backend.KindColumnsEnd:
			j.res.head = append(j.res.head, bytes.Clone(p.Payload))
		case backend.KindColumn:
			b, err := st.column(p.Payload, j.place)
			if err != nil {
				return err
			}
			j.res.head = append(j.res.head, b)
		case backend.KindInfile:
			return errAsksFile
		case backend.KindRow:
			if held := atomic.AddInt64(&st.returned, int64(len(p.Payload))+rowHead); held > limit {
				j.res.rows, j.res.err = nil, returnsTooMuch(limit)
				continue
			}
			j.res.rows = append(j.res.rows, bytes.Clone(p.Payload))
		}
		if c.Done() {
			return nil
		}
	}
}

func (j *job) notes(ctx context.Context, c *backend.Conn, st *Statement) error {
	sub := Statement{Sess: st.Sess, Plan: st.Plan}
	if err := sub.notes(ctx, c, j.place); err != nil {
		return err
	}
	j.res.notes = sub.out.Notes
	for i := range j.res.notes {
		j.res.notes[i].Message = j.rowNumber(j.res.notes[i].Message)
	}
	return nil
}

// errorNotes fetches what a server has to say beside its error: it has rolled the statement back, and may warn of rows before.
func (j *job) errorNotes(ctx context.Context, c *backend.Conn, st *Statement) error {
	if c.Broken() {
		return nil
	}
	code := c.ErrCode
	c.Warnings = 1 // an error does not tell how many
	if err := j.notes(ctx, c, st); err != nil {
		return err
	}
	c.ErrCode = code // by which the transaction is judged
	j.res.notes = withoutError(j.res.notes, j.res.err, j.place.Remote != nil)
	return nil
}

// withoutError are notes without the one that is an error itself, which the session adds. remote: they may be of what a server has done since; a leaf's have it, or are of another statement, as when an EXECUTE follows
// a PREPARE that has failed.
func withoutError(notes []Note, e *wire.ServerError, remote bool) []Note {
	code := strconv.Itoa(int(e.Code))
	at := slices.IndexFunc(notes, func(n Note) bool { return n.Level == "Error" && n.Code == code && n.Message == e.Message })
	if at < 0 {
		at = slices.IndexFunc(notes, func(n Note) bool { return n.Level == "Error" && n.Code == code })
	}
	switch {
	case at >= 0:
		return slices.Delete(notes, at, at+1)
	case remote:
		return notes
	}
	return nil
}

// noteFailure has SHOW WARNINGS tell what the job has whose error is told.
func (st *Statement) noteFailure(jobs []job, err error) {
	var told *wire.ServerError
	if !errors.As(err, &told) {
		return
	}
	for i := range jobs {
		if jobs[i].res.err == told {
			st.out.Notes = append(st.out.Notes, jobs[i].res.notes...)
		}
	}
}

// rowNumber is a message with the number of the row in the client's statement in place of that in the job's.
func (j *job) rowNumber(message string) string {
	const at = rowWord
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
	if !slices.ContainsFunc(jobs, func(j job) bool { return len(j.res.head) > 0 }) {
		return st.writeOK()
	}
	return st.writeRows(jobs)
}

// lastJob is the job with the last of the client's rows: without a generated value the answer tells the one that this row was given, and what LAST_INSERT_ID(x) was called with. It is that of the last
// job that was given one, where it is not known which rows jobs have.
func lastJob(jobs []job) int {
	last, row := 0, -1
	for i := range jobs {
		switch n := len(jobs[i].rows); {
		case n > 0 && jobs[i].rows[n-1] > row:
			last, row = i, jobs[i].rows[n-1]
		case row < 0 && jobs[i].res.ok.InsertID != 0:
			last = i
		}
	}
	return last
}

// writeRows gives the client the rows of RETURNING, job after job.
func (st *Statement) writeRows(jobs []job) error {
	l := relay{st: st}
	// DELETE … RETURNING of a condition that can't be true has no result set in MariaDB, where others may have rows.
	head := jobs[slices.IndexFunc(jobs, func(j job) bool { return len(j.res.head) > 0 })].res.head
	for i, h := range head {
		k := backend.KindColumn
		if i == 0 {
			k = backend.KindHead
		} else if i == len(head)-1 && !st.Out.Caps().Has(wire.ClientDeprecateEOF) {
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
	type row struct {
		at   int // which of the client's
		data []byte
	}
	rows := make([]row, 0, n)
	for i := range jobs {
		for k, at := range jobs[i].rows {
			rows = append(rows, row{at, jobs[i].res.rows[k]})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return a.at - b.at })
	for i := range rows {
		out[i] = rows[i].data
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
