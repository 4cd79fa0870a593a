package exec

import (
	"context"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/sqltext"
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

// warnsOnly says whether a strict INSERT … SELECT only warns of what its query has warned of: of a value that JSON_TABLE has stored in one of its columns (a CAST may go out of range, too),
// and of an end by LIMIT ROWS EXAMINED.
func (st *Statement) warnsOnly(n Note) bool {
	calls := func(name string) bool {
		return slices.ContainsFunc(st.Scan.Tokens, func(t sqltext.Token) bool { return word(st.Scan, t, name) })
	}
	switch n.Code {
	case "1931": // also of a recursion that max_recursive_iterations ends, which is an error
		return calls("EXAMINED")
	case "1265", "1366":
		return calls("JSON_TABLE")
	case "1264":
		return calls("JSON_TABLE") && !calls("CAST") && !calls("CONVERT")
	}
	return false
}
