package compound

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// armColumn names what tells which condition holds.
const armColumn = "orbweaver arm"

// maxPending bounds what one block of a leaf is asked to do.
const maxPending = 256

// step is something that a leaf computes.
type step struct {
	text    string
	assigns []*variable // what it may change
	users   []string    // user variables that it may change
	names   map[string]bool
	emit    bool
	counts  bool // as a row affected, once it is done
	node    node
}

// namesIn are all words of a text that may be variables.
func namesIn(dst map[string]bool, scan *sqltext.Scan, from, to int32) map[string]bool {
	for i := from; i < to; i++ {
		switch t := scan.Tokens[i]; t.Kind {
		case sqltext.Word, sqltext.QuotedID:
			dst[lower(string(sqltext.Unquote(nil, t, scan.Src, scan.Mode())))] = true
		}
	}
	return dst
}

// assignedIn are the user variables that a text assigns to.
func assignedIn(dst []string, scan *sqltext.Scan, from, to int32) []string {
	for i := from; i < to; i++ {
		if scan.Tokens[i].Kind == sqltext.UserVar && (opAt(scan, i+1, opAssign) || opAt(scan, i+1, '=') && (opAt(scan, i-1, ',') || kwAt(scan, i-1, sqltext.KwSet))) {
			dst = append(dst, string(scan.Bytes(i)))
		}
	}
	return dst
}

// assigning is the step that gives a variable a value.
func (in *interpreter) assigning(v *variable, user, text string, n node) step {
	return in.assigningField(v, "", user, text, n)
}

// assigningField is assigning, to a field of a ROW where one is named.
func (in *interpreter) assigningField(v *variable, field, user, text string, n node) step {
	s := step{node: n, names: map[string]bool{}}
	to := user
	if v != nil {
		if to = ident(v.name); field != "" {
			to += "." + ident(field)
		}
		s.assigns = []*variable{v}
		s.names[lower(v.name)] = true
	} else {
		s.users = []string{user}
	}
	s.text = "SET " + to + " = " + text
	var scan sqltext.Scan
	if scan.Scan([]byte(text), in.prog.mode) == nil {
		namesIn(s.names, &scan, 0, int32(len(scan.Tokens)))
		s.users = assignedIn(s.users, &scan, 0, int32(len(scan.Tokens)))
	}
	return s
}

// storing is the step that gives the variables of SELECT … INTO a row: in these words, since warnings tell of it.
func (in *interpreter) storing(s *statement, row []string) (step, error) {
	row = slices.Clone(row)
	for i := range row {
		if v := in.rowInto(s.into); v != nil && len(v.fields) == len(row) {
			row[i] = v.fields[i].class.takes(row[i])
		} else if i < len(s.into) {
			row[i] = in.classOf(s.into[i]).takes(row[i])
		}
	}
	st := step{node: s, names: map[string]bool{}, counts: true, text: "SELECT " + strings.Join(row, ", ") + " INTO "}
	for i, to := range s.into {
		if i > 0 {
			st.text += ", "
		}
		if to.local == "" {
			st.users = append(st.users, to.user)
			st.text += to.user
			continue
		}
		v := in.scope.lookup(to.local)
		if v == nil {
			return st, &RefusedError{"the variable " + to.local, "it is not declared here"}
		}
		st.assigns = append(st.assigns, v)
		st.names[to.local] = true
		if st.text += ident(v.name); to.field != "" {
			st.text += "." + ident(to.field)
		}
	}
	return st, nil
}

// emitting is the step of a SELECT of variables.
func (in *interpreter) emitting(n *statement) step {
	return step{node: n, emit: true, text: n.text(), names: namesIn(map[string]bool{}, &n.scan, 0, int32(len(n.scan.Tokens)))}
}

// verbatim is a statement that a leaf runs as it is.
func (in *interpreter) verbatim(n node) step {
	at, scan := n.at(), &in.prog.scan
	s := step{node: n, text: string(scan.AppendSpan(nil, sqltext.Span{From: at.from, To: at.to})), names: namesIn(map[string]bool{}, scan, at.from, at.to)}
	for name := range s.names {
		if v := in.scope.lookup(name); v != nil {
			s.assigns = append(s.assigns, v)
		}
	}
	s.users = assignedIn(nil, scan, at.from, at.to)
	return s
}

// step has something computed: later, with what comes, or now where each is to be by itself.
func (in *interpreter) step(ctx context.Context, s step) (flow, error) {
	if in.fine {
		_, f, err := in.single(ctx, s)
		return f, err
	}
	in.pending = append(in.pending, s)
	if len(in.pending) >= maxPending {
		return in.flush(ctx)
	}
	return goOn, nil
}

// flush has all computed that is pending.
func (in *interpreter) flush(ctx context.Context) (flow, error) {
	if len(in.pending) == 0 {
		return goOn, nil
	}
	_, f, err := in.flushDeciding(ctx, "")
	return f, err
}

// flushDeciding has all computed that is pending, and then which way to go.
//
// What is pending changes nothing but variables. So it is computed in one go; where something happens that a handler may be for, it is forgotten, and done once more step by step.
func (in *interpreter) flushDeciding(ctx context.Context, decide string) (int, flow, error) {
	steps := in.pending
	in.pending = nil
	if decide != "" {
		d := step{text: decide, names: map[string]bool{}}
		var scan sqltext.Scan
		if err := scan.Scan([]byte(decide), in.prog.mode); err != nil {
			return skipped, goOn, err
		}
		d.names = namesIn(d.names, &scan, 0, int32(len(scan.Tokens)))
		d.users = assignedIn(nil, &scan, 0, int32(len(scan.Tokens)))
		steps = append(steps, d)
	}
	if len(steps) == 0 {
		return noArm, goOn, nil
	}
	guarded := in.scope.handles()
	if guarded && in.fine {
		return in.singly(ctx, steps)
	}
	vars := in.assignedBy(steps)
	done, err := in.host.Compute(ctx, in.compound(steps, vars, false), usersOf(steps))
	var c *Condition
	switch {
	case errors.As(err, &c) && guarded, err == nil && guarded && len(done.Conditions) > 0:
		return in.singly(ctx, steps)
	case errors.As(err, &c):
		for i := range done.Results { // what came before it
			if isEmitted(&done.Results[i]) {
				if err := in.host.Send(done.Results[i]); err != nil {
					return skipped, goOn, err
				}
			}
		}
		if err := done.keep(); err != nil {
			return skipped, goOn, err
		}
		in.replace(done.Conditions)
		return skipped, goOn, c
	case err != nil:
		return skipped, goOn, err
	}
	arm, err := in.take(done.Results, vars)
	if err == nil && len(done.Conditions) > 0 {
		in.replace(done.Conditions)
	}
	if err == nil {
		err = done.keep()
	}
	for i := range steps {
		if steps[i].counts {
			in.affected++
		}
	}
	return arm, goOn, err
}

func (c *Computed) keep() error {
	if c.Keep == nil {
		return nil
	}
	return c.Keep()
}

// singly does steps one by one.
func (in *interpreter) singly(ctx context.Context, steps []step) (arm int, f flow, err error) {
	before := in.fine
	in.fine = true
	defer func() { in.fine = before }()
	arm = noArm
	for i := range steps {
		s := steps[i]
		if isCompound(s.node) {
			f, err = in.run(ctx, s.node)
		} else {
			arm, f, err = in.single(ctx, s)
		}
		if f != goOn || err != nil {
			return arm, f, err
		}
	}
	return arm, goOn, nil
}

// isCompound says whether a step's node has statements of its own.
func isCompound(n node) bool {
	switch n := n.(type) {
	case *block, *choice, *loop:
		return true
	case *count:
		return n.whole()
	}
	return false
}

// single does one step, and what handlers are for when it fails or warns.
func (in *interpreter) single(ctx context.Context, s step) (int, flow, error) {
	vars := in.assignedBy([]step{s})
	done, err := in.host.Compute(ctx, in.compound([]step{s}, vars, true), s.users)
	if err != nil {
		var c *Condition
		if errors.As(err, &c) {
			in.replace(done.Conditions)
			f, err := in.handled(ctx, c)
			return skipped, f, err
		}
		return skipped, goOn, err
	}
	var failed []Condition
	results := done.Results
	for i := range done.Results {
		if done.Results[i].Name == failedColumn && i+1 < len(done.Results) {
			failed = ConditionsOf(done.Results[i+1].Rows)
			results = slices.Concat(done.Results[:i], done.Results[i+2:])
			break
		}
	}
	arm, err := in.take(results, vars)
	if err == nil {
		err = done.keep()
	}
	if err != nil {
		return arm, goOn, err
	}
	if len(failed) > 0 {
		in.replace(failed)
		f, err := in.handled(ctx, lastError(failed))
		return skipped, f, err
	}
	if s.counts {
		in.affected++
	}
	if len(done.Conditions) > 0 {
		in.replace(done.Conditions)
		f, err := in.warned(ctx)
		return arm, f, err
	}
	return arm, goOn, nil
}

// ConditionsOf are the rows of SHOW WARNINGS, without SQLSTATEs.
func ConditionsOf(rows [][][]byte) (out []Condition) {
	for _, r := range rows {
		if len(r) != 3 {
			continue
		}
		code, err := strconv.ParseUint(string(r[1]), 10, 16)
		if err != nil {
			continue
		}
		out = append(out, Condition{Level: string(r[0]), Code: uint16(code), State: wire.SQLState(uint16(code)), Message: string(r[2])})
	}
	return out
}

func lastError(list []Condition) *Condition {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Level == "Error" {
			c := list[i]
			return &c
		}
	}
	c := list[len(list)-1]
	return &c
}

func usersOf(steps []step) (out []string) {
	for i := range steps {
		for _, u := range steps[i].users {
			if !slices.Contains(out, u) {
				out = append(out, u)
			}
		}
	}
	return out
}

// assignedBy are the variables that steps may change.
func (in *interpreter) assignedBy(steps []step) (out []*variable) {
	for i := range steps {
		for _, v := range steps[i].assigns {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// compound is the compound statement for a leaf: the variables with their values, what is to be done, and the values afterwards.
func (in *interpreter) compound(steps []step, vars []*variable, guarded bool) string {
	var b strings.Builder
	b.WriteString("BEGIN NOT ATOMIC ")
	seen, given := map[*variable]bool{}, ""
	declare := func(v *variable) {
		if !seen[v] {
			seen[v] = true
			b.WriteString("DECLARE " + ident(v.name) + " " + v.typ + " DEFAULT " + v.value.literal() + "; ")
			given += v.given()
		}
	}
	for i := range steps {
		for _, name := range sortedNames(steps[i].names) {
			if v := in.scope.lookup(name); v != nil {
				declare(v)
			}
		}
	}
	for _, v := range vars {
		declare(v)
	}
	conds := map[string]bool{}
	for i := range steps {
		for _, name := range sortedNames(steps[i].names) {
			if c := in.scope.condition(name); c != nil && !conds[name] {
				conds[name] = true
				b.WriteString("DECLARE " + ident(c.name) + " CONDITION FOR " + c.text + "; ")
			}
		}
	}
	b.WriteString(given)
	if guarded {
		b.WriteString("BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN SELECT '' AS `" + failedColumn + "`; SHOW WARNINGS; END; ")
	}
	for i := range steps {
		b.WriteString(steps[i].text)
		b.WriteString("; ")
	}
	if guarded {
		b.WriteString("END; ")
	}
	if len(vars) > 0 {
		b.WriteString("SELECT '' AS `" + valuesColumn + "`")
		for _, v := range vars {
			b.WriteString(v.asked())
		}
		b.WriteString("; ")
	}
	b.WriteString("END")
	return b.String()
}

// valuesColumn names the result that tells variables, failedColumn that before an error's conditions.
const (
	valuesColumn = "orbweaver values"
	failedColumn = "orbweaver failed"
)

func sortedNames(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func isEmitted(r *Result) bool { return r.Name != armColumn && r.Name != valuesColumn }

// take takes over what a leaf has computed, and gives the client what is the client's.
func (in *interpreter) take(results []Result, vars []*variable) (int, error) {
	arm := noArm
	for i := range results {
		r := &results[i]
		switch r.Name {
		case armColumn:
			n, err := strconv.Atoi(string(r.Rows[0][0]))
			if err != nil {
				return skipped, err
			}
			arm = n
		case valuesColumn:
			row := r.Rows[0][1:]
			for _, v := range vars {
				var err error
				if row, err = v.told(row); err != nil {
					return skipped, err
				}
			}
		default:
			if err := in.host.Send(*r); err != nil {
				return skipped, err
			}
		}
	}
	return arm, nil
}
