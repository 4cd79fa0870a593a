package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// others are the catalog and the settler of the tests' sessions: they do what the real ones do, at partitions that never move, and not as fast.
type others struct {
	e *env

	mu       sync.Mutex
	away     bool           // the catalog does not answer
	decided  map[ID]Outcome // in the catalog
	asked    int            // how often it was asked to decide
	calls    []string       // Begin, Prepare and End, and what was to be settled
	unending bool           // nothing can be settled
	left     []Unfinished   // for later
}

func (o *others) say(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls = append(o.calls, fmt.Sprintf(format, args...))
}

func (o *others) Begin(ID)   { o.say("begin") }
func (o *others) Prepare(ID) { o.say("prepare") }
func (o *others) End(ID)     { o.say("end") }
func (o *others) Ended(ID)   { o.say("ended") }

func (o *others) Decide(_ context.Context, id ID, _ []Branch) (Outcome, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if o.away {
		return RolledBack, errors.New("the catalog is away")
	}
	if o.decided[id] == "" {
		o.decided[id] = Committed
	}
	return o.decided[id], nil
}

func (o *others) Settle(ctx context.Context, u Unfinished) (Outcome, error) {
	o.say("settle %q", u.Outcome)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.unending || ctx.Err() != nil {
		o.left = append(o.left, u)
		return u.Outcome, errors.New("it can't be reached")
	}
	return o.settle(u)
}

// later settles what was left.
func (o *others) later() {
	o.e.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, u := range o.left {
		if _, err := o.settle(u); err != nil {
			o.e.t.Error(err)
		}
	}
	o.left = nil
}

func (o *others) settle(u Unfinished) (Outcome, error) {
	if u.Outcome == "" {
		if u.Outcome = o.decided[u.ID]; u.Decider != (topo.PartitionID{}) {
			at := place(u.Decider.Ordinal)
			c := o.e.get(backend.Want{Leaf: at.Leaf, Variant: backend.Internal, Schema: at.Schema, Term: at.Term, Domain: at.Domain})
			defer c.Release()
			values := fmt.Sprintf("'%s', %d, %d", at.Schema, u.ID.Owner, u.ID.Seq)
			if _, err := c.Query(ctx, "INSERT IGNORE INTO orbweaver.decisions VALUES ("+values+", 'rolled back', DEFAULT)"); err != nil {
				return "", err
			}
			res, err := c.Query(ctx, "SELECT outcome FROM orbweaver.decisions WHERE (`partition`, owner, seq) = ("+values+")")
			if err != nil {
				return "", err
			}
			u.Outcome = Outcome(res.Rows[0][0])
		} else if u.Outcome == "" {
			u.Outcome = RolledBack
			o.decided[u.ID] = RolledBack
		}
	}
	for _, b := range u.Branches {
		if err := o.end(b, u.Outcome); err != nil {
			return u.Outcome, err
		}
	}
	return u.Outcome, nil
}

// end ends a branch at a leaf.
func (o *others) end(b Branch, outcome Outcome) error {
	c := o.e.get(backend.Want{Leaf: b.Place.Leaf, Variant: backend.Internal, Schema: b.Place.Schema, Term: b.Place.Term, Domain: b.Place.Domain})
	defer c.Release()
	verb := map[Outcome]string{Committed: "XA COMMIT ", RolledBack: "XA ROLLBACK "}[outcome]
	_, _ = c.Query(ctx, fmt.Sprintf("KILL %d", b.XID.Thread)) // which may be gone
	o.e.ok(c.Outlive(ctx, b.XID.Thread))
	if !slices.Contains(o.e.branchesAt(b.Place.Leaf), b.XID) {
		return nil
	}
	_, err := c.Query(ctx, verb+b.XID.SQL())
	return err
}

// branchesAt lists what is prepared at a leaf.
func (e *env) branchesAt(leaf string) (all []XID) {
	e.t.Helper()
	c := e.get(backend.Want{Leaf: leaf, Variant: backend.Internal})
	defer c.Release()
	res, err := c.Query(ctx, "XA RECOVER")
	e.ok(err)
	for _, r := range res.Rows {
		var format int64
		var g, b int
		if _, err := fmt.Sscan(string(r[0])+" "+string(r[1])+" "+string(r[2]), &format, &g, &b); err != nil {
			e.t.Fatal(err)
		}
		if x, ours := xid.ParseXID(format, r[3][:g], r[3][g:g+b]); ours {
			all = append(all, x)
		}
	}
	return all
}

// prepared counts the branches that are prepared anywhere.
func (e *env) prepared() (n int) {
	e.t.Helper()
	for _, l := range e.farm.Leaves() {
		n += len(e.branchesAt(l.Name))
	}
	return n
}
