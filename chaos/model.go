package main

import "fmt"

// outcome is what a client knows of a write.
type outcome int

const (
	done    outcome = iota // acknowledged: it is there, for ever
	failed                 // it is not there, and never will be
	unknown                // it is there or not, or will be there later
)

// breach is a promise that was not kept. A stale one shows what was true before; any other what never was.
type breach struct {
	stale bool
	what  string
}

func (b *breach) Error() string { return b.what }

func broken(stale bool, format string, args ...any) *breach {
	return &breach{stale: stale, what: fmt.Sprintf(format, args...)}
}

// counter is what is known of a number that is only added to, by one client.
type counter struct{ low, high int64 }

func (c *counter) added(o outcome) {
	switch o {
	case done:
		c.low++
		c.high++
	case unknown:
		c.high++
	}
}

func (c *counter) read(n int64) error {
	if err := c.within(n); err != nil {
		return err
	}
	c.low = n
	return nil
}

// within is read where several copies may answer, each with its own share of the writes of unknown outcome.
func (c *counter) within(n int64) error {
	switch {
	case n < c.low:
		return broken(true, "a counter is %d, at least %d was acknowledged or read before", n, c.low)
	case n > c.high:
		return broken(false, "a counter is %d, at most %d was added", n, c.high)
	}
	return nil
}

// register is what is known of a value that one client replaces by greater and greater ones, on condition that it is still the one that the client
// believes in. So a write of unknown outcome that comes late changes nothing that was acknowledged since.
type register struct {
	base    int64
	lost    bool    // it is base no more: one of pending has replaced it
	pending []int64 // values that may replace base, now or later
	last    int64   // the greatest value ever written
}

// next is the value to write, in place of base.
func (r *register) next() int64 {
	r.last++
	return r.last
}

// certain says whether base can be written over: it is the value, as far as is known.
func (r *register) certain() bool { return !r.lost }

// wrote tells of a write of v in place of base; changed says whether the server found base.
func (r *register) wrote(v int64, o outcome, changed bool) error {
	switch {
	case o == unknown:
		r.pending = append(r.pending, v)
	case o == failed:
	case changed && r.lost:
		return broken(false, "%d was replaced, which had been replaced before", r.base)
	case changed:
		r.base, r.pending = v, nil
	case len(r.pending) == 0:
		return broken(true, "the value is not %d, which was acknowledged or read before", r.base)
	default:
		r.lost = true
	}
	return nil
}

func (r *register) read(v int64) error {
	if v == r.base && !r.lost {
		return nil
	}
	for _, p := range r.pending {
		if v == p {
			*r = register{base: v, last: r.last}
			return nil
		}
	}
	return broken(v <= r.base, "the value is %d, it was %d and may be %v", v, r.base, r.pending)
}

// rows is what is known of rows that one client inserts and deletes, each once.
type rows struct {
	state   map[int64]rowState
	present []int64 // some of those that are certainly there, to be deleted
}

type rowState byte

const (
	absent  rowState = iota // never known, refused, or deleted
	present                 // certainly there
	maybe                   // an insert or a delete of unknown outcome
	refused                 // it was never there
)

func newRows() *rows { return &rows{state: map[int64]rowState{}} }

func (r *rows) inserted(id int64, o outcome) {
	switch o {
	case done:
		r.state[id] = present
		r.present = append(r.present, id)
	case failed:
		r.state[id] = refused
	case unknown:
		r.state[id] = maybe
	}
}

// take chooses a row to delete, the n-th of those that are there.
func (r *rows) take(n int) (id int64, ok bool) {
	if len(r.present) == 0 {
		return 0, false
	}
	i := n % len(r.present)
	id = r.present[i]
	r.present[i] = r.present[len(r.present)-1]
	r.present = r.present[:len(r.present)-1]
	return id, true
}

func (r *rows) deleted(id int64, o outcome, found bool) error {
	switch {
	case o == unknown:
		r.state[id] = maybe
	case o == failed:
		r.present = append(r.present, id)
	case !found:
		return broken(true, "row %d was acknowledged, and is not there to be deleted", id)
	default:
		r.state[id] = absent
	}
	return nil
}

// read tells what a query of one row found.
func (r *rows) read(id int64, found bool) error {
	switch s := r.state[id]; {
	case found && s == refused:
		return broken(false, "row %d is there, and its insert failed", id)
	case found && s == absent:
		return broken(true, "row %d is there, and was deleted", id)
	case !found && s == present:
		return broken(true, "row %d was acknowledged, and is not there", id)
	}
	return nil
}

// all tells what is there in the end, each row once.
func (r *rows) all(ids []int64) (errs []error) {
	there := make(map[int64]bool, len(ids))
	for _, id := range ids {
		if there[id] {
			errs = append(errs, broken(false, "row %d is there twice", id))
		}
		if _, known := r.state[id]; !known {
			errs = append(errs, broken(false, "row %d is there, and nobody wrote it", id))
		}
		there[id] = true
	}
	for id := range r.state {
		if err := r.read(id, there[id]); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
