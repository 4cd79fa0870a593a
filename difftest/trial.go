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

var indexHint = regexp.MustCompile(` (INDEX|KEY) `)

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
