package exec

import (
	"context"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// strictly is the error that a strict write by keys makes of what the query for its rows has warned of. Where MariaDB finds all rows before it writes the first it has finished with the
// condition then, and only warns of it, but not of the values that it gives columns: where the query has found values, too, the condition is asked once more by itself.
func (r *Runner) strictly(ctx context.Context, st *Statement, asked *Outcome) error {
	k := st.Plan.ByKey
	warns := func(n Note) bool { return n.Level == "Warning" }
	at := slices.IndexFunc(asked.Notes, warns)
	if at < 0 || !st.Sess.Strict || k.Forgives() {
		return nil
	}
	if k.FindsFirst() {
		if len(k.Values)+len(k.Moves) == 0 {
			return nil
		}
		text, params := k.ConditionText(st.Scan)
		_, sub, err := r.askKeys(ctx, st, text, params)
		if err != nil {
			return err
		}
		if sub.out.Warnings >= asked.Warnings {
			return nil
		}
		if i := slices.IndexFunc(asked.Notes, func(n Note) bool { return warns(n) && !slices.Contains(sub.out.Notes, n) }); i >= 0 {
			at = i
		}
	}
	n := &asked.Notes[at]
	code, err := strconv.ParseUint(n.Code, 10, 16)
	if err != nil {
		return err
	}
	return wire.Errorf(uint16(code), "%s", n.Message)
}
