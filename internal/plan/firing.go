package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Firing is what a write fires that nodes run.
type Firing struct {
	// Table is the one whose triggers they are; Triggers are all of its that a statement of these events fires.
	Table    *topo.Table
	Triggers []*topo.Trigger
	// Several: other tables that the statement writes have such triggers, too.
	Several bool
}

// atNode adds those of a table that the statement writes, inserts: also by rows of what is left of those that it changes.
func (f *fired) atNode(t *topo.Table, events map[string]bool, inserts bool) {
	var all []*topo.Trigger
	for i := range t.Triggers {
		if tr := &t.Triggers[i]; tr.AtNode && (events[tr.Event] || inserts && tr.Event == "INSERT") {
			all = append(all, tr)
		}
	}
	switch {
	case len(all) == 0:
	case f.here == nil:
		f.here = &Firing{Table: t, Triggers: all}
	default:
		f.here.Several = true
	}
}

// unfired is the error of a write whose triggers nodes run, unless the session does so.
func (f *fired) unfired(sess *Session) error {
	switch {
	case f.beyond != nil:
		return NeedsStage("a write whose triggers fire '" + f.beyond.Name + "', which nodes run")
	case f.here == nil || sess.Fires:
		return nil
	}
	err := NeedsStage("a write of this form to table '" + f.here.Table.Name + "', whose trigger '" + f.here.Triggers[0].Name + "' writes or reads what is elsewhere")
	err.fires = f.here
	return err
}

// Reach is what triggers and functions touch, by themselves and by what that fires: tables by database and name.
type Reach struct {
	Reads, Writes map[[2]string]bool
	// Variables: they name user variables. Assigns: and set some.
	Variables, Assigns bool
	// Names are the user variables of those that set some.
	Names  []string
	snap   *topo.Snapshot
	called map[*topo.Routine]bool
}

// NewReach is that of nothing.
func NewReach(s *topo.Snapshot) *Reach {
	return &Reach{Reads: map[[2]string]bool{}, Writes: map[[2]string]bool{}, snap: s, called: map[*topo.Routine]bool{}}
}

// Trigger adds a trigger of a database.
func (r *Reach) Trigger(db string, tr *topo.Trigger) {
	r.Variables, r.Assigns = r.Variables || tr.Variables, r.Assigns || len(tr.Assigns) > 0
	r.Names = append(r.Names, tr.Assigns...)
	for _, n := range tr.Reads {
		r.Reads[[2]string{db, n}] = true
	}
	for _, n := range tr.Writes {
		r.writes([2]string{db, n})
	}
	for _, n := range tr.Calls {
		r.Function(db, n)
	}
}

func (r *Reach) writes(at [2]string) {
	if r.Writes[at] {
		return
	}
	r.Writes[at] = true
	if t := r.snap.Table(at[0], at[1]); t != nil {
		for i := range t.Triggers {
			r.Trigger(at[0], &t.Triggers[i])
		}
	}
}

// Function adds a function of a database, where it is one.
func (r *Reach) Function(db, name string) {
	f := r.snap.Routine(topo.Function, db, name)
	if f == nil || r.called[f] {
		return
	}
	r.called[f] = true
	for _, n := range f.Reads {
		r.Reads[[2]string{db, n}] = true
	}
	for i, names := range [][]string{f.Touches, f.Writes} {
		for _, n := range names {
			for d := range r.snap.Databases { // of a name with a dot it is not known where the database's ends
				if len(n) <= len(d) || n[:len(d)+1] != d+"." {
					continue
				}
				if at := [2]string{d, n[len(d)+1:]}; i == 0 {
					r.Reads[at] = true
				} else {
					r.writes(at)
				}
			}
		}
	}
	for _, n := range f.Calls {
		r.Function(db, n)
	}
}

// Meets says whether what one does hangs on whether the other was done before it; "" where it does not.
func (r *Reach) Meets(o *Reach) string {
	var all []string
	for _, x := range []struct{ a, b map[[2]string]bool }{{r.Writes, o.Writes}, {r.Writes, o.Reads}, {r.Reads, o.Writes}} {
		for at := range x.a {
			if x.b[at] {
				all = append(all, "table '"+at[1]+"'")
			}
		}
	}
	switch {
	case len(all) > 0:
		return slices.Min(all)
	case r.Variables && o.Variables && (r.Assigns || o.Assigns):
		return "user variables"
	}
	return ""
}
