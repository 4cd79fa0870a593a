package ddl

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// notHere is what an event is said to be at the leaves: the nodes run it.
const notHere = "DISABLE ON SLAVE"

// schedulerVariable is MariaDB's, which is the cluster's here. A server that has it off, as leaves have, warns of events.
const (
	schedulerVariable = "event_scheduler"
	erSwitchedOff     = 1105
	// erNotMade is the note that an event was not made, nor one replaced, as its time is over; erDisabledAsPast that it was disabled for that.
	erNotMade        = 1588
	erDisabledAsPast = 1544
)

// event is CREATE, ALTER and DROP EVENT. The first shape takes it from the client, as one that is not to be run; what has become of it there is what all shapes and the topology get. An event holds nothing: it is undone
// by making all shapes what the topology says.
func (j *job) event(ctx context.Context) (*Result, error) {
	db, name, err := j.target(&j.d.Program)
	if err != nil {
		return nil, err
	}
	clauses := sqltext.ReadEvent(j.scan, j.stmt)
	now := name
	if to := clauses.RenameTo; to != nil {
		if to.DB.Tok >= 0 && to.DB.Text != db || to.DB.Tok < 0 && j.s.Schema != db {
			return nil, unsupported("ALTER EVENT … RENAME TO another database")
		}
		now = to.Name.Text
	}
	if err := j.onEvents(ctx, db, name); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	first := j.todo.Shapes[0]
	was, err := j.eventName(ctx, first, name)
	if err != nil {
		return nil, clientError(err, db)
	}
	text := j.spliced()
	if !clauses.Body.Empty() && j.d.Verb == "CREATE" || !clauses.Status.Empty() {
		text = j.spliced(edit{clauses.Status, notHere})
	}
	if was == "" && j.d.Verb != "CREATE" {
		return j.first(ctx, first, text) // MariaDB says it: 1539, or a note
	}
	if err := j.record(ctx, "event"); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, first, text)
	j.switchedOff(res)
	if err != nil {
		return nil, j.abandon(unavailable(err), j.undoIfUnsure(err, j.alignEvents))
	}
	if slices.ContainsFunc(res.Notes, func(n Note) bool { return n.Code == erNotMade }) {
		return res, j.abandon(nil, nil)
	}
	old := j.snap.Event(db, was)
	made, err := j.eventNow(ctx, first, now, old)
	if err == nil && made == nil && old == nil || made != nil && made == old {
		return res, j.abandon(err, nil) // a note: it is there, or is not made as its time has passed
	}
	if err == nil && made != nil {
		made.Status = statusOf(made, old, word(j.scan, clauses.Status))
		if text != j.spliced() && clauses.Schedule && isOver(made) { // MariaDB says it where the event is enabled, which it was not there
			made.Status = topo.EventDisabled
			res.Notes = append(res.Notes, Note{"Note", erDisabledAsPast, "Event execution time is in the past. Event has been disabled"})
			res.Warnings++
		}
	}
	if err == nil {
		err = j.commitEvent(ctx, old, made, clauses.Status.Empty())
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.alignEvents)
	}
	return res, nil
}

// switchedOff has the warning of a CREATE EVENT be about the cluster.
func (j *job) switchedOff(res *Result) {
	if res == nil || j.d.Verb != "CREATE" {
		return
	}
	res.Notes = slices.DeleteFunc(res.Notes, func(n Note) bool { return n.Code == erSwitchedOff })
	made := !slices.ContainsFunc(res.Notes, func(n Note) bool { return n.Code == erNotMade })
	if made && j.cfg.Catalog.Snapshot().Variables[schedulerVariable] == "OFF" {
		res.Notes = append(res.Notes, Note{"Warning", erSwitchedOff, "Event scheduler is switched off, use SET GLOBAL event_scheduler=ON to enable it."})
	}
	res.Warnings = uint16(len(res.Notes))
}

// onEvents prepares a statement on an event.
func (j *job) onEvents(ctx context.Context, db, name string) error {
	if err := j.begin(ctx, db); err != nil {
		return err
	}
	fail := func(err error) error {
		j.lock.Unlock()
		return err
	}
	if _, err := j.snap.Database(db); err != nil {
		return fail(err)
	}
	all, err := shapes(j.snap, db)
	if err != nil {
		return fail(err)
	}
	if err := j.reach(ctx, all); err != nil {
		return fail(err)
	}
	j.todo = todo{DB: db, Tables: []string{name}, Shapes: all}
	return nil
}

func (j *job) eventName(ctx context.Context, p place, name string) (string, error) {
	c, err := j.own(ctx, p, "")
	if err != nil {
		return "", err
	}
	defer c.Release()
	return mariadb.EventName(ctx, c, p.Schema, name)
}

// eventNow is the event that the statement has made of old: nil where there is none, old itself where it is what it was.
func (j *job) eventNow(ctx context.Context, p place, name string, old *topo.Event) (*topo.Event, error) {
	c, err := j.own(ctx, p, "")
	if err != nil {
		return nil, err
	}
	defer c.Release()
	if name, err = mariadb.EventName(ctx, c, p.Schema, name); err != nil || name == "" {
		return nil, err
	}
	all, err := mariadb.ReadEvents(ctx, c, p.Schema)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(e *topo.Event) bool { return e.Name == name })
	if at < 0 {
		return nil, nil
	}
	e := all[at]
	if strings.HasPrefix(e.Definer, clusterUser+"@") {
		return nil, refuse(1227, "42000", "Event '%s.%s' can't have the DEFINER %s: the account is the cluster's own", e.DB, e.Name, e.Definer)
	}
	if old != nil && j.d.Verb == "CREATE" && !j.d.OrReplace {
		return old, nil
	}
	if old != nil && j.d.Verb == "ALTER" {
		e.ID, e.Version = old.ID, old.Version+1
		return e, nil
	}
	e.Version = 1
	e.ID, err = j.cfg.Catalog.NewTableID(ctx)
	return e, err
}

// statusOf is whether an event is run that a shape has as SLAVESIDE_DISABLED; one whose time has passed MariaDB disables.
func statusOf(e, old *topo.Event, clause string) topo.EventStatus {
	switch {
	case e.Status == topo.EventDisabled:
		return topo.EventDisabled
	case clause == "ENABLE":
		return topo.EventEnabled
	case clause == "DISABLE":
		return topo.EventDisabled
	case clause != "":
		return topo.EventOnSlave
	case old != nil && e.ID == old.ID:
		return old.Status
	}
	return topo.EventEnabled
}

// isOver says whether an event that is to be run was made, or altered, after the time at which it would be, or until which.
func isOver(e *topo.Event) bool {
	if e.Status != topo.EventEnabled || !e.Preserve {
		return false
	}
	at, err := time.Parse(time.DateTime, cmp.Or(e.At, e.Ends))
	return err == nil && at.Unix() < e.Modified
}

// word is the words of a span, in upper case, with single spaces.
func word(scan *sqltext.Scan, sp sqltext.Span) string {
	var words []string
	for i := sp.From; i < sp.To; i++ {
		words = append(words, strings.ToUpper(string(scan.Bytes(i))))
	}
	return strings.Join(words, " ")
}

// commitEvent gives all shapes made in the place of old, either of which may be nil, and then the topology. as: what the event's status is hangs on that of old, which may be run for the last time meanwhile.
func (j *job) commitEvent(ctx context.Context, old, made *topo.Event, as bool) error {
	var want []*topo.Event
	for _, e := range j.eventsOf(j.todo.DB) {
		if old == nil || e.Name != old.Name {
			want = append(want, e)
		}
	}
	if made != nil {
		want = append(want, made)
	}
	if err := j.putEvents(ctx, want); err != nil {
		return err
	}
	return j.commit(ctx, func(x *catalog.Txn) error {
		if made != nil && old != nil && made.ID == old.ID {
			if now := x.Event(old.DB, old.Name); as && now != nil && made.Status != now.Status && made.Status == old.Status {
				c := *made
				c.Status = now.Status
				made = &c
			}
		}
		switch {
		case made == nil:
			x.DropEvent(old.DB, old.Name)
		case old != nil && old.Name != made.Name:
			x.RenameEvent(old.DB, old.Name, made)
		default:
			x.PutEvent(made)
		}
		return nil
	})
}

// eventsOf are a database's events, by name.
func (j *job) eventsOf(db string) (out []*topo.Event) {
	if d := j.snap.Databases[db]; d != nil {
		for _, e := range d.Events {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *topo.Event) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// putEvents gives all shapes just these events.
func (j *job) putEvents(ctx context.Context, events []*topo.Event) error {
	_, err := each(j.todo.Shapes, func(p place) error {
		if err := j.step("events at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		c, err := j.own(ctx, p, "")
		if err != nil {
			return err
		}
		defer c.Release()
		return mariadb.AlignEvents(ctx, c, p.Schema, events)
	})
	return err
}

// alignEvents gives all shapes those events that the topology has.
func (j *job) alignEvents(ctx context.Context) error { return j.putEvents(ctx, j.eventsOf(j.todo.DB)) }

// EndEvent drops an event that is not run any more, unless it is another one by now.
func (r *Runner) EndEvent(ctx context.Context, e *topo.Event) error {
	j := &job{Runner: r, d: &sqltext.DDL{Verb: "DROP", Object: "EVENT"}, text: "DROP EVENT " + id(e.DB) + "." + id(e.Name)}
	ctx, done := j.bind(ctx)
	defer done()
	same := func(s *topo.Snapshot) bool {
		now := s.Event(e.DB, e.Name)
		return now != nil && now.ID == e.ID && now.Version == e.Version
	}
	if !same(r.cfg.Catalog.Snapshot()) {
		return nil
	}
	if err := j.onEvents(ctx, e.DB, e.Name); err != nil {
		return err
	}
	defer j.lock.Unlock()
	if !same(j.snap) {
		return nil
	}
	if err := j.record(ctx, "event"); err != nil {
		return err
	}
	err := j.commitEvent(ctx, e, nil, false)
	if err != nil && !errors.Is(err, catalog.ErrUnknown) {
		return j.abandon(err, j.alignEvents)
	}
	return err
}
