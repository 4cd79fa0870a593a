package exec

import (
	"context"
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// turns is the order in which the targets of a write by key are changed. Of a DELETE it is that in which foreign keys neither keep rows nor delete, uncounted, what is a target itself: those
// that reference others come first. In MariaDB the order is that of the join.
func (r *Runner) turns(ctx context.Context, st *Statement) ([]int, error) {
	k := st.Plan.ByKey
	turns := k.Turns()
	if k.Updates() || len(turns) == 1 && !st.deletesSome() {
		return turns, nil
	}
	keys, err := r.foreignKeys(ctx, st)
	if err != nil || len(keys) == 0 {
		return turns, err
	}
	name := func(target int) [2]string {
		t := k.Targets[target].Table
		return [2]string{t.DB, t.Name}
	}
	if own := name(turns[0]); st.deletesSome() && topo.Referencing(own, keys, true)[own] {
		return nil, plan.NeedsStage("DELETE with LIMIT of a table whose foreign keys delete other rows of the table with a row, which do not count")
	}
	var out []int
	for len(turns) > 0 {
		next := slices.IndexFunc(turns, func(i int) bool {
			of := topo.Referencing(name(i), keys, false)
			return !slices.ContainsFunc(turns, func(o int) bool { return o != i && of[name(o)] })
		})
		next = max(next, 0) // in a circle nobody is first
		out, turns = append(out, turns[next]), slices.Delete(turns, next, next+1)
	}
	return out, nil
}

// keptRows refuses a DELETE of so many rows at most of which some were found and not deleted.
func (st *Statement) keptRows(t *plan.KeyTarget, jobs []job) error {
	if t.All || !st.deletesSome() { // of the former changedAlike tells
		return nil
	}
	for i := range jobs {
		j := &jobs[i]
		done := int(j.res.ok.AffectedRows)
		if len(j.res.head) > 0 { // of RETURNING
			done = len(j.res.rows)
		}
		if done < len(j.rows) {
			return keptRows()
		}
	}
	return nil
}

// deletesSome says whether the statement is a DELETE with LIMIT.
func (st *Statement) deletesSome() bool {
	k := st.Plan.ByKey
	return !k.Updates() && k.Limit.Kind != plan.OperandNone
}

func keptRows() error {
	return plan.NeedsStage("DELETE with LIMIT of rows of which foreign keys or triggers keep some, in the places of which others would be deleted")
}
