package exec

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// maxShares is the greatest LIMIT for which it is found out first how many of the rows each part has.
const maxShares = 1000

// fills says whether a read that locks its rows needs no more parts once some have given as many as LIMIT says: without an order any will do.
func (st *Statement) fills(count int64) bool {
	m := st.Plan.Merge
	return st.Plan.Locks && st.Plan.Linked == nil && count >= 0 && len(m.Sort) == 0 && m.Plain()
}

// shares says whether a read that skips what others have locked would lock rows that LIMIT then leaves out, for as long as its transaction lasts.
func (st *Statement) shares(pushed, count int64) bool {
	m := st.Plan.Merge
	return st.skips() && st.Plan.Linked == nil && count >= 0 && pushed <= maxShares && len(m.Sort) > 0 && m.Plain() &&
		(st.Tx.InTransaction() || !st.Tx.Autocommit()) && !st.Tx.Pinned(txn.PinLocks)
}

// skips says whether rows that others have locked are left out: parts wait for nobody.
func (st *Statement) skips() bool { return st.Plan.Facts&sqltext.HasSkipLocked != 0 }

// fromAny are places of which it does not matter who is asked first, another one each time: or all who look for work would look at the same rows.
func fromAny(places []txn.Place) []txn.Place {
	i := rand.IntN(len(places))
	return slices.Concat(places[i:], places[:i])
}

// gatherShares gives the first rows that nobody has locked, and locks no others. What each part has of them is found out by the same statement on connections that commit at once; then the
// parts that have some give so many. A node does so for one session after another: a row that is locked for that moment is not to be taken for one that somebody works on.
func (r *Runner) gatherShares(ctx context.Context, st *Statement, places []txn.Place, offset, count int64) error {
	end, err := r.takeTurn(ctx, st.Plan)
	if err != nil {
		return err
	}
	defer end()
	of, err := r.countShares(ctx, st, places, offset+count)
	if err != nil {
		return err
	}
	var sources []*source
	for i, n := range of {
		if n > 0 {
			sources = append(sources, &source{st: st, place: places[i], share: n})
		}
	}
	if len(sources) > 0 {
		return r.gatherParts(ctx, st, sources, offset, count)
	}
	d, done, err := st.apart(ctx, places[0])
	if err != nil {
		return err
	}
	defer done()
	return r.gatherParts(ctx, st, []*source{{st: st, place: places[0], desk: d}}, 0, 0)
}

// takeTurn waits until no other session of the node is in the midst of gatherShares at the plan's table.
func (r *Runner) takeTurn(ctx context.Context, p *plan.Plan) (end func(), err error) {
	if len(p.Placed) == 0 {
		return func() {}, nil
	}
	turn, _ := r.looking.LoadOrStore(p.Placed[0], make(chan struct{}, 1))
	select {
	case turn.(chan struct{}) <- struct{}{}:
		return func() { <-turn.(chan struct{}) }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// apart gives a connection at a place that is not the transaction's.
func (st *Statement) apart(ctx context.Context, p txn.Place) (d *desk, done func(), err error) {
	c, done, err := st.Tx.Apart(ctx, p)
	return &desk{place: p, c: c}, done, err
}

// countShares finds out how many of the first rows, which nobody else has locked, are each place's. Where the transaction has a connection already that is asked: it alone tells the
// transaction's own locks from others'.
func (r *Runner) countShares(ctx context.Context, st *Statement, places []txn.Place, pushed int64) ([]uint64, error) {
	parts, end := context.WithCancel(ctx)
	defer end()
	of := make([]uint64, len(places))
	sources := make([]*source, len(places))
	for i, p := range places {
		sources[i] = &source{st: st, place: p}
		if st.Tx.Joined(p) {
			continue
		}
		d, done, err := st.apart(ctx, p)
		if err != nil {
			return nil, err
		}
		defer done()
		sources[i].desk = d
	}
	err := st.openAtOnce(parts, sources, uint64(pushed))
	for _, s := range sources {
		if err == nil {
			err = s.readAhead() // what is read to its end has let go of its locks
		}
	}
	if err == nil {
		err = r.countFrom(parts, st, sources, pushed, of)
	}
	if err != nil {
		end()
	}
	return of, r.closeParts(ctx, st, sources, err)
}

func (r *Runner) countFrom(ctx context.Context, st *Statement, sources []*source, pushed int64, of []uint64) error {
	rows, err := r.merged(ctx, st, sources, 0, pushed)
	if err != nil {
		return err
	}
	for {
		switch _, err := rows.Next(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return mergeError(err)
		}
		of[rows.Part()]++
	}
}
