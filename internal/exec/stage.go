package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// DefaultStageLimit bounds the rows of one staged statement, in bytes.
const DefaultStageLimit = 1 << 30

// stage is a statement that is run as it is by one leaf, on temporary tables with the rows that it needs. They stand before the tables that the statement names, on a
// connection of the session's account that is the statement's alone; package mariadb says how an account comes to have them. Or it is one that partitions answer by parts, with
// such tables at each of them (bring.go). Each of these connections is a desk.
//
// What the rows are is decided by the reads of the tables, which are statements of their own: they go to the partitions, through the session's transaction, under the
// client's account. So whether the account may run the statement is asked before: the copies ask for no rights.
type stage struct {
	r     *Runner
	st    *Statement
	desks []*desk
	fills []plan.Fill
	rows  map[*topo.Table]int64 // how many the fills are thought to have; nil when nobody knows
	// definitions make the fills' copies; "" where they are made like their tables. writers are of the fills.
	definitions []string
	writers     []*copyWriter
	order       *order

	// clock sets the time of the statement and of its fills; empty when it names none, or the session has set it.
	clock string

	reading sync.Mutex    // of the fill that reads, where the session holds connections
	fail    func(error)   // ends the filling
	made    chan struct{} // closed when the copies are there, or the desks' makeErrs say why not
	makes   sync.WaitGroup
	size    atomic.Int64
	limit   int64
	ordinal []*desk // of a partition; nil where a row for it is not needed
}

// desk is a connection with copies.
type desk struct {
	place     txn.Place
	aside     *txn.Aside
	c         *backend.Conn
	makeErr   error
	ticketErr error

	turn   sync.Mutex // of who uses the connection, and guards what follows
	flying *load
}

// loading are the settings under which copies are filled: what arrives is stored as it is, and nothing ends the connection meanwhile. otherwise is what a variable is when the session
// has not set it.
var loading = []struct{ name, value, otherwise string }{
	{"sql_mode", "'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'", "DEFAULT"},
	{"time_zone", "'+00:00'", "DEFAULT"},
	{"check_constraint_checks", "0", "DEFAULT"},
	{"innodb_strict_mode", "0", "DEFAULT"}, // a compressed table's copy is none
	{"tx_read_only", "0", "DEFAULT"},
	{"max_statement_time", "0", "DEFAULT"},
	{"max_error_count", "4096", "DEFAULT"}, // a table's columns: see noted
	{"wait_timeout", "86400", "DEFAULT"},
	{"net_read_timeout", "86400", "DEFAULT"},
	{"character_set_client", wideCharset, wideCharset}, // with which connections are made
}

// staged runs a statement on copies of its tables.
func (r *Runner) staged(ctx context.Context, st *Statement) error {
	if done, err := r.solved(ctx, st); done {
		return err
	}
	inside := st.Tx.InTransaction()
	err := r.stagedOnce(ctx, st)
	if errors.Is(err, errUnforeseen) {
		r.guesses.forget(st.guessKey())
		st.out = Outcome{}
		err = r.stagedOnce(ctx, st)
	}
	if err == nil || st.out.Begun || !st.repeatable(err, inside) {
		return err
	}
	st.out = Outcome{}
	return secondError(err, r.stagedOnce(ctx, st))
}

func (r *Runner) stagedOnce(ctx context.Context, st *Statement) error {
	switch {
	case len(st.Plan.Fills) == 0:
		return plan.NeedsStage(st.Plan.Stage)
	case st.OneShard:
		return ErrAcross
	}
	if err := st.underLocks(); err != nil {
		return err
	}
	if st.Permit != nil {
		if err := st.Permit(ctx); err != nil {
			return err
		}
	}
	done, err := st.readers(ctx)
	if err != nil {
		return err
	}
	defer done()
	if st.Plan.Drawing != nil {
		return r.stagedAtSequence(ctx, st)
	}
	if !st.Tx.Pinned(txn.PinLocks) { // a desk at a partition would wait for the session's own locks
		if done, err := r.brought(ctx, st); done {
			return err
		}
		if done, err := r.condensed(ctx, st); done {
			return err
		}
	}
	rows, err := r.worth(ctx, st)
	if err != nil {
		return err
	}
	s, err := r.stageOf(ctx, st, st.Plan.Fills, []txn.Place{{Leaf: st.Home, Schema: st.Sess.DB}}, rows)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// stagedAtSequence runs a staged statement where the sequences are that it asks. What they give is given outside of the session's transaction, in which the copies are read.
func (r *Runner) stagedAtSequence(ctx context.Context, st *Statement) error {
	if st.Tx.Pinned(txn.PinLocks) { // which it would wait for
		return st.notUnderLocks(st.Plan.Stage)
	}
	rows, err := r.worth(ctx, st)
	if err != nil {
		return err
	}
	whole := st.Plan
	at := *whole
	at.Sequence, at.Route, at.Forward, at.Names = true, whole.Drawing.Route, whole.Drawing.Forward, whole.Drawing.Names
	st.Plan = &at
	defer func() { st.Plan = whole }()
	places, err := r.places(ctx, st)
	if err != nil {
		return err
	}
	s, err := r.stageOf(ctx, st, at.Fills, slices.Clone(places[:1]), rows)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// worth is guess where it can be made; else nil. Nobody but the session sees its temporary tables.
func (r *Runner) worth(ctx context.Context, st *Statement) (map[*topo.Table]int64, error) {
	if len(st.readBy) > 0 {
		return nil, nil
	}
	for i := range st.Plan.Fills {
		if f := &st.Plan.Fills[i]; f.Table.Temporary && st.given[f.Table] == nil || f.Table.Kind == topo.Linked {
			return nil, nil
		}
	}
	if st.Tx.InTransaction() || !st.Tx.Autocommit() || st.Tx.Pinned(txn.PinLocks) {
		return nil, nil
	}
	return r.guess(ctx, st)
}

// stageOf opens the desks of a staged statement at some places, which are in this order. clear must follow. rows are how many the fills are thought to have; nil when nobody knows.
func (r *Runner) stageOf(ctx context.Context, st *Statement, fills []plan.Fill, places []txn.Place, rows map[*topo.Table]int64) (*stage, error) {
	s := &stage{r: r, st: st, fills: fills, rows: rows, limit: st.StageLimit, made: make(chan struct{})}
	if s.limit == 0 {
		s.limit = DefaultStageLimit
	}
	if s.inside() { // it sees rows of reference tables that nobody else does
		s.fills = make([]plan.Fill, len(fills), len(fills)+len(st.Plan.References))
		for i := range fills {
			s.fills[i] = fills[i].Alone()
		}
		s.fills = append(s.fills, st.Plan.References...)
	}
	if st.Moment != "" {
		s.clock = ", " + st.Moment
	} else if !st.hasOwnTime() && st.Plan.Facts&sqltext.HasTimeFunction != 0 {
		s.clock = string(appendClock([]byte(", ")))
	}
	errs := s.open(ctx, places)
	if err := s.define(ctx, places[0]); err != nil {
		errs()
		s.clear()
		return nil, st.at(places[0], err)
	}
	s.order = newOrder(s.fills, rowsOf(s.fills, rows))
	s.order.told = s.told
	for i, err := range errs() {
		if err != nil {
			s.clear()
			return nil, st.unconnected(places[i], err)
		}
	}
	st.out.Staged = true
	return s, nil
}

// open gets the desks' connections and tickets. errs waits for that, and tells which connections there are none of.
func (s *stage) open(ctx context.Context, places []txn.Place) (errs func() []error) {
	desks, failed := make([]*desk, len(places)), make([]error, len(places))
	var all sync.WaitGroup
	for i, p := range places {
		all.Go(func() {
			a, err := s.st.Tx.Aside(ctx, p)
			if failed[i] = err; err == nil {
				desks[i] = &desk{place: p, aside: a, c: a.Conn, makeErr: a.Ticket(ctx)}
			}
		})
	}
	errs = sync.OnceValue(func() []error {
		all.Wait()
		s.desks = slices.DeleteFunc(desks, func(d *desk) bool { return d == nil })
		return failed
	})
	if slices.ContainsFunc(s.fills, func(f plan.Fill) bool { return f.From().Temporary && s.st.given[f.Table] == nil }) { // its definition is asked for through the session
		errs()
	}
	return errs
}

// clear gives the desks' connections back.
func (s *stage) clear() {
	var all sync.WaitGroup
	for _, d := range s.desks {
		all.Go(d.aside.Done)
	}
	all.Wait()
}

// inside says whether the tables are read in a transaction, or under locks, which the desks' connections have none of.
func (s *stage) inside() bool {
	return s.st.Tx.InTransaction() || !s.st.Tx.Autocommit() || s.st.Tx.Pinned(txn.PinLocks)
}

// run fills the copies and runs the statement.
func (s *stage) run(ctx context.Context) error {
	st, d := s.st, s.desks[0]
	l := relay{st: st, place: d.place, schema: d.place.Schema, db: st.logicalDB(d.place), verbatim: !st.Plan.Sequence, hold: st.Head != nil}
	stop := s.watch(ctx)
	err := s.prepare(ctx)
	if err == nil && st.Plan.Sequence { // not before: no master need wait for the copies
		if err = st.Tx.Enter(d.place); err == nil {
			defer st.Tx.Leave(d.place)
		}
	}
	if err == nil {
		d.c.Queue(s.settingsBack(d))
		if st.Before != "" {
			d.c.Queue(st.Before)
		}
		if err = st.send(d.c, st.verbatimPart(d.place)); err == nil {
			err = l.drain(d.c)
		}
	}
	if stop() && err == nil && l.err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = st.notes(ctx, d.c, d.place)
	}
	if err == nil && l.err == nil && st.After != nil {
		err = st.After(ctx, d.c)
	}
	if err == nil && l.err == nil {
		s.learn()
	}
	s.clear()
	switch {
	case err != nil:
		return st.at(d.place, err)
	case l.err != nil:
		return l.err
	case !st.out.HasRows:
		return st.writeOK()
	case st.Head != nil:
		s.tell()
		return st.writeEnd()
	}
	return nil
}

// takeRead waits until a fill may read. Those of a session that holds connections, as for temporary tables, may need the same one.
func (s *stage) takeRead() (end func()) {
	if !s.st.Tx.Pinned(txn.PinTemporary | txn.PinNamed | txn.PinOther | txn.PinHandler) {
		return func() {}
	}
	s.reading.Lock()
	return s.reading.Unlock
}

// watch has all desks' connections end what they do when ctx ends. stop says whether that has happened.
func (s *stage) watch(ctx context.Context) (stop func() bool) {
	var stops []func() bool
	for _, d := range s.desks {
		stops = append(stops, d.c.Watch(ctx))
	}
	return func() bool {
		hit := false
		for _, stop := range stops {
			hit = stop() || hit
		}
		return hit
	}
}

// codeNote is MariaDB's number of what EXPLAIN notes.
const codeNote = "1003"

// tell adds what was copied to the statement's notes.
func (s *stage) tell() {
	o := &s.st.out
	for i, w := range s.writers {
		if s.order.skipped[i] {
			continue
		}
		if s.fills[i].Probe {
			o.Notes = append(o.Notes, Note{Level: "Note", Code: codeNote, Message: fmt.Sprintf("read %d rows of '%s.%s': %s", w.probed, s.fills[i].Table.DB, s.fills[i].Table.Name, w.text)})
			o.Warnings++
			continue
		}
		o.Notes = append(o.Notes, Note{Level: "Note", Code: codeNote, Message: fmt.Sprintf("copied %d rows, %d bytes of '%s.%s': %s",
			w.total, w.size, s.fills[i].Table.DB, s.fills[i].From().Name, w.text)})
		o.Warnings++
	}
}

// verbatimPart is the statement as the client wrote it, but for what copies have none of; at a partition it names the tables there.
func (st *Statement) verbatimPart(at txn.Place) part {
	edits := st.Plan.Copies
	switch {
	case st.Head != nil && at.Partition.DB != "":
		return part{sql: append(slices.Clip(st.Head), plan.Render(nil, st.Scan, st.Plan.Forward, st.Plan.Forward, st.target(at))...)}
	case st.Head != nil:
		return part{sql: plan.Render(slices.Clip(st.Head), st.Scan, edits, nil, plan.Target{})}
	case st.Plan.Sequence:
		return st.forwardPart(at)
	case st.Query.Empty() && len(edits) == 0:
		return part{sql: st.Scan.Src[:st.Scan.End], text: st.Text, params: st.Args}
	case st.Query.Empty():
		p := part{sql: plan.Render(nil, st.Scan, edits, nil, plan.Target{})}
		if st.Prepared {
			p.params = st.pick(plan.ParamOrder(st.Scan, edits, nil))
		}
		return p
	}
	return part{sql: plan.RenderSpan([]byte(st.prefix), st.Scan, st.Query, edits, nil, plan.Target{}), params: st.editedArgs(edits, nil)}
}

// prepare makes and fills all copies. Outside of a transaction tables are read at once that have no keys for each other.
func (s *stage) prepare(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.makes.Go(func() { s.make(ctx) })
	s.writers = make([]*copyWriter, len(s.fills))
	for i := range s.fills {
		s.writers[i] = s.writer(&s.fills[i])
	}
	var once sync.Once
	var first error
	s.fail = func(err error) {
		once.Do(func() { first = err }) // it is the cause of the others
		cancel()
	}
	groups := s.order.groups()
	s.each(len(groups), func(n int) {
		if ctx.Err() != nil {
			return
		}
		if err := s.fillGroup(ctx, groups[n]); err != nil {
			s.fail(err)
		}
	})
	s.makes.Wait()
	if err := cmp.Or(first, ctx.Err()); err != nil {
		return err
	}
	for _, d := range s.desks {
		for _, err := range []error{d.makeErr, d.ticketErr} {
			if err != nil {
				return err
			}
		}
	}
	for _, d := range s.desks {
		if err := d.settle(); err != nil {
			return err
		}
	}
	for _, w := range s.writers {
		for _, b := range w.batches {
			b.end()
		}
	}
	return nil
}

// each calls f with all numbers below n: at once, but for in a transaction.
func (s *stage) each(n int, f func(int)) {
	if s.inside() || n == 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// fillGroup fills copies that have keys for each other, in the order that does best.
func (s *stage) fillGroup(ctx context.Context, group []int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for now := s.order.next(group); now != nil; now = s.order.next(group) {
		for _, i := range now {
			s.writers[i].collect(i, func(n int) bool { return slices.Contains(group, n) && !s.order.done[n] && !slices.Contains(now, n) })
		}
		var first error
		var once sync.Once
		s.each(len(now), func(n int) {
			if err := s.writers[now[n]].fill(ctx); err != nil {
				once.Do(func() { first = err })
				cancel()
			}
		})
		if first != nil {
			return first
		}
		for _, i := range now {
			s.order.done[i] = true
		}
	}
	return nil
}

// make makes the copies at all desks. The tickets for that end at once.
func (s *stage) make(ctx context.Context) {
	var made sync.WaitGroup
	for _, d := range s.desks {
		made.Add(1)
		s.makes.Go(func() {
			if d.makeErr == nil {
				d.makeErr = s.makeAll(ctx, d)
			}
			made.Done()
			d.ticketErr = d.aside.EndTicket()
		})
	}
	made.Wait()
	close(s.made)
}

func (s *stage) makeAll(ctx context.Context, d *desk) error {
	d.c.Queue(settings())
	for i := range s.fills {
		if !s.fills[i].Probe {
			d.c.Queue(s.create(i))
		}
	}
	if s.probes() {
		for _, text := range steady {
			d.c.Queue(text)
		}
	}
	return d.c.SendQueued(ctx)
}

// settings is the SET that begins loading.
func settings() string {
	text := "SET "
	for i, v := range loading {
		if i > 0 {
			text += ", "
		}
		text += v.name + "=" + v.value
	}
	return text
}

// create is the statement that makes a fill's copy.
func (s *stage) create(i int) string {
	t, definition := s.fills[i].Table, "NULL"
	if text := s.definitions[i]; text != "" {
		definition = fmt.Sprintf("x'%x'", text)
	}
	return fmt.Sprintf("CALL orbweaver.stage(x'%x', x'%x', %s)", t.DB, t.Name, definition)
}

// settingsBack is the SET that ends loading at a desk.
func (s *stage) settingsBack(d *desk) string {
	text := "SET "
	for i, v := range loading {
		if i > 0 {
			text += ", "
		}
		text += v.name + "=" + v.otherwise
	}
	for fragment := range s.st.Tx.Want(d.place).State.Settings() {
		text += ", " + fragment
	}
	return text + s.clock
}

// takeTurn waits until the copies are there, and for a desk's connection, on which nothing is under way then.
func (s *stage) takeTurn(d *desk) (end func(), err error) {
	<-s.made
	d.turn.Lock()
	if err = d.makeErr; err == nil {
		err = d.settle()
	}
	if err != nil {
		d.turn.Unlock()
		return nil, err
	}
	return d.turn.Unlock, nil
}

// settle waits for the rows that are under way. The caller has the turn, or nobody else is left.
func (d *desk) settle() error {
	l := d.flying
	if l == nil {
		return nil
	}
	d.flying = nil
	return l.arrived(d.c)
}

// tooMuch is the error for a statement that would copy more than it may.
func (s *stage) tooMuch(f *plan.Fill) error {
	return &Error{Code: 1038, State: "HY001", Message: fmt.Sprintf(
		"Out of memory: the statement runs on copies of its tables (%s), which with the rows of '%s.%s' have more than the %d bytes that stage_max_bytes allows: narrow the statement, or SET stage_max_bytes to more",
		s.st.Plan.Stage, f.Table.DB, f.From().Name, s.limit)}
}
