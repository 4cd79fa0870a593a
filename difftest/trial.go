package main

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// trial is a statement in a state that can be made again.
type trial struct {
	w      *world
	rows   rows
	before []statement
	st     statement
}

// verdict is what came of a trial.
type verdict struct {
	difference
	refused   string // the reason, where the cluster refused the statement with error 1235
	slow      bool   // the plain server gave it up
	lost      bool   // the plain server did not end, or crashed: it was started anew, without rows
	undecided bool   // MariaDB does not agree with itself
	plain     *reply
}

// try makes the state on both sides and runs the statement there, and at the twin where they differ.
func (s *servers) try(t *trial) (verdict, error) {
	for _, side := range []*side{s.cluster, s.plain} {
		if err := side.prepare(t); err != nil {
			return verdict{}, err
		}
	}
	v, err := s.both(t.w, &t.st)
	if err != nil || v.what == "" {
		return v, err
	}
	v.undecided, err = s.undecided(t, &v)
	return v, err
}

// prepare makes the trial's state. What statements before it answer is of no concern.
func (s *side) prepare(t *trial) error {
	if err := s.reset(t.w, t.rows); err != nil {
		return err
	}
	for i := range t.before {
		if _, _, err := s.run(&t.before[i]); err != nil {
			return err
		}
	}
	return nil
}

// erQueryTimeout is what the plain server says that has its patience lost.
const erQueryTimeout = 1969

// erLockWait is MariaDB's for a lock that did not come. There is one session, so it has the lock itself, on rows of a reference table: the node of a real cluster says so by 1235.
const erLockWait = 1205

// both runs a statement on both sides, in the state in which they are. The cluster goes first where something changes: what it refuses the other side must not do.
func (s *servers) both(w *world, st *statement) (verdict, error) {
	var got, want *reply
	var err error
	ask := func() (*reply, error) { return s.cluster.ask(st) }
	if len(st.tables) > 0 || st.keep {
		if got, err = ask(); err != nil {
			return lost(s.cluster, err)
		}
		if e := got.err(); e != nil && (e.Code == wire.ErNotSupported || e.Code == erLockWait) {
			return verdict{refused: e.Message}, nil
		}
	}
	if want, err = s.plain.ask(st); err != nil {
		return verdict{lost: true}, s.startAnew(s.plain)
	}
	if e := want.err(); e != nil && e.Code == erQueryTimeout {
		return verdict{slow: true}, nil
	}
	if got == nil {
		if got, err = ask(); err != nil {
			return lost(s.cluster, err)
		}
		if e := got.err(); e != nil && e.Code == wire.ErNotSupported && (want.err() == nil || want.err().Code != wire.ErNotSupported) {
			return verdict{refused: e.Message, plain: want}, nil
		}
	}
	v := verdict{difference: compare(st, got, want), plain: want}
	if v.what != "" {
		return v, nil
	}
	for _, name := range st.tables {
		if v.difference, err = s.sameContents(w, name); err != nil || v.what != "" {
			return v, err
		}
	}
	return v, nil
}

// startAnew starts a plain server or the twin anew. MariaDB 10.11 does not end some set operations with ALL, nor heeds it then that their time is up, and some statements crash it.
func (s *servers) startAnew(side *side) error {
	side.hangUp()
	side.w = nil
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	_ = s.plains.Kill(side.server) // where it does not run it is about to start
	return s.plains.AwaitReady(ctx, side.server)
}

// lost is the verdict on a session that broke.
func lost(s *side, err error) (verdict, error) {
	s.hangUp()
	return verdict{difference: difference{"connection", err.Error()}}, nil
}

func (w *world) named(full string) *table {
	all := w.everything()
	return all[slices.IndexFunc(all, func(t *table) bool { return t.full() == full })]
}

func (s *servers) sameContents(w *world, name string) (difference, error) {
	t := w.named(name)
	a, err := s.cluster.contents(t)
	var refused *wire.ServerError
	if errors.As(err, &refused) && refused.Code == wire.ErNotSupported { // a foreign key has changed it with a reference table
		return difference{}, nil
	}
	if err != nil {
		return difference{"contents", name + ": " + err.Error()}, nil
	}
	b, err := s.plain.contents(t)
	if err != nil {
		return difference{}, err
	}
	if !slices.Equal(a, b) {
		return difference{"contents", name + unlike(a, b)}, nil
	}
	return difference{}, nil
}

// undecided asks the twin whether MariaDB answers the same with rows in another order, and other choices of its optimizer: then without indexes, where the statement names none.
func (s *servers) undecided(t *trial, v *verdict) (bool, error) {
	if v.plain == nil {
		return false, nil
	}
	if other, err := s.wavers(t, v); err != nil || other {
		return other, err
	}
	other, err := s.twinDiffers(t, v)
	if err != nil || other || indexHint.MatchString(t.st.root.String()) {
		return other, err
	}
	if err := s.twin.ignoreIndexes(t.w, true); err != nil {
		return false, err
	}
	if other, err = s.twinDiffers(t, v); err != nil {
		return false, err
	}
	return other, s.twin.ignoreIndexes(t.w, false)
}

// askedAgain is how often a query is asked anew that differs.
const askedAgain = 5

// wavers says whether the plain server itself gives a query another answer when it is asked again: MariaDB reads of some windows what it has left in memory.
func (s *servers) wavers(t *trial, v *verdict) (bool, error) {
	if t.st.root.form != query || strings.Contains(t.st.root.String(), ":=") {
		return false, nil
	}
	if loose, err := s.loose(t); err != nil || loose {
		return loose, err
	}
	for range askedAgain {
		r, err := s.plain.ask(&t.st)
		if err != nil {
			return false, err
		}
		if compare(&t.st, r, v.plain).what != "" {
			return true, nil
		}
	}
	return false, nil
}

// loose says whether a query shows columns that are in no GROUP BY, whose values are any row's.
func (s *servers) loose(t *trial) (bool, error) {
	if !strings.Contains(t.st.root.inner(), "GROUP BY") {
		return false, nil
	}
	if err := s.plain.must("SET @orbweaver_mode = @@sql_mode, sql_mode = CONCAT(@@sql_mode, ',ONLY_FULL_GROUP_BY')"); err != nil {
		return false, err
	}
	res, err := s.plain.client.Query(t.st.root.inner())
	if err != nil {
		return false, err
	}
	e := res[len(res)-1].Err
	return e != nil && e.Code == 1055, s.plain.must("SET sql_mode = @orbweaver_mode")
}

var indexHint = regexp.MustCompile(` (INDEX|KEY) `)

// twinDiffers says whether the twin's answer is another one than the plain server's in what the cluster's is.
func (s *servers) twinDiffers(t *trial, v *verdict) (bool, error) {
	if err := s.twin.prepare(t); err != nil {
		return false, err
	}
	r, err := s.twin.ask(&t.st)
	if err != nil { // a statement that crashes one of two servers has no answer that counts
		return true, s.startAnew(s.twin)
	}
	d := compare(&t.st, r, v.plain)
	if d.what != "" && d.what != "columns" {
		return d.what == v.what || v.what != "columns", nil
	}
	for _, name := range t.st.tables {
		a, err := s.twin.contents(t.w.named(name))
		if err != nil {
			return false, err
		}
		b, err := s.plain.contents(t.w.named(name))
		if err != nil {
			return false, err
		}
		if !slices.Equal(a, b) {
			return true, nil
		}
	}
	return d.what == v.what && d.what != "", nil
}

// names tells whether a text names a table.
func names(text string, t *table) bool { return namesWord(text, t.name) }

func namesWord(text, name string) bool {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_') }) {
		if word == name {
			return true
		}
	}
	return false
}
