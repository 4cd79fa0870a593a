package settle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/settle"
)

// An owner ends, or goes silent with its connections open, after each step of its commit. What it goes on with afterwards changes nothing any more.
func TestOwnersEndAtEachStep(t *testing.T) {
	w := newWorld(t, 2, 4)
	value := 0
	for _, byCatalog := range []bool{false, true} {
		for _, silent := range []bool{false, true} {
			for stop := 0; ; stop++ {
				value++
				o := w.owner(fmt.Sprint("owner-", value))
				x := o.begin(byCatalog, value, 0, 1, 2, 3)
				steps := x.steps()
				if stop > len(steps) {
					x.cut()
					o.dies()
					break
				}
				committed := false
				after := "begin"
				for _, st := range steps[:stop] {
					if err := st.do(); err != nil {
						t.Fatalf("%s: %v", st.name, err)
					}
					committed = committed || st.name == "commit"
					after = st.name
				}
				what := fmt.Sprintf("by catalog %v, silent %v, after %q", byCatalog, silent, after)
				if !silent {
					x.cut()
				}
				o.dies()
				w.settled()
				if left := w.prepared(); len(left) > 0 {
					t.Errorf("%s: %q", what, left)
				}
				if silent {
					late := committed
					for _, st := range steps[stop:] {
						err := st.do()
						if st.name == "commit" && !committed && stop > 0 && err == nil && x.anyPrepared(steps[:stop]) {
							t.Errorf("%s: the late commit did not fail", what)
						}
						late = late || st.name == "commit" && err == nil
						if err != nil && !committed {
							break // what a coordinator does then is to roll back
						}
					}
					x.cut()
					w.settled()
					committed = late
				}
				want := 0
				if committed {
					want = 4
				}
				for deadline := time.Now().Add(10 * time.Second); x.rows() != want && time.Now().Before(deadline); { // a connection's end rolls back a moment later
					time.Sleep(10 * time.Millisecond)
				}
				if n := x.rows(); n != want {
					t.Errorf("%s: the row is at %d of 4 partitions, want %d", what, n, want)
				}
				if left := w.prepared(); len(left) > 0 {
					t.Errorf("%s, in the end: %q", what, left)
				}
			}
		}
	}
}

// anyPrepared says whether one of the steps has prepared a branch: what has none is nobody's to settle.
func (x *tx) anyPrepared(steps []step) bool {
	return slices.ContainsFunc(steps, func(s step) bool { return strings.HasPrefix(s.name, "prepare") })
}

func TestThousandInDoubt(t *testing.T) {
	w := newWorld(t, 4, 8)
	o := w.owner("owner")
	const n = 1000
	var all []*tx
	want := map[*tx]int{}
	for i := range n {
		x := o.begin(false, i, i%8, (i+1+i%5)%8)
		x.prepare(i%2 == 0)
		if i%2 == 0 {
			want[x] = 2
		}
		all = append(all, x)
		if i%3 > 0 { // a third is held by connections that stay
			x.cut()
		}
	}
	o.dies()
	if got := len(w.prepared()); got != n {
		t.Fatalf("%d are prepared", got)
	}
	began := time.Now()
	w.settled()
	took := time.Since(began)
	t.Logf("%d transactions in doubt at 4 leaves were settled in %s", n, took.Round(time.Millisecond))
	if left := w.prepared(); len(left) > 0 {
		t.Errorf("%d are left", len(left))
	}
	for i, x := range all {
		if i%3 == 0 {
			x.cut()
		}
		if got := x.rows(); got != want[x] {
			t.Errorf("transaction %d is at %d partitions, want %d", x.value, got, want[x])
		}
	}
	if st := w.s.Stats(); st != (settle.Stats{Committed: n / 2, RolledBack: n / 2}) {
		t.Errorf("%+v", st)
	}
	if took > 2*time.Minute {
		t.Errorf("it took %s", took)
	}
}
