package compound

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// callProcedure is CALL: the arguments are found under what holds where it stands, the procedure runs under its own.
func (in *interpreter) callProcedure(ctx context.Context, c *call) (flow, error) {
	p, err := in.host.Procedure(ctx, c.db, c.name, len(c.args))
	var cond *Condition
	if errors.As(err, &cond) {
		return in.raise(ctx, *cond)
	}
	if err != nil {
		return goOn, err
	}
	for i, a := range p.params {
		if to := &c.args[i]; a.out && to.to == (target{}) && !to.placeholder {
			return in.raise(ctx, Condition{Level: "Error", Code: 1414, State: "42000", Message: "OUT or INOUT argument " + strconv.Itoa(i+1) + " for routine " + p.routineName() +
				" is not a variable or NEW pseudo-variable in BEFORE trigger"})
		}
	}
	if f, err := in.recursion(ctx, p); f != goOn || err != nil {
		return f, err
	}
	frame, f, err := in.arguments(ctx, p, c)
	if f != goOn || err != nil {
		return f, err
	}
	inner := &interpreter{host: in.host, prog: p.prog, scope: frame, called: p.routineName(), depth: append(slices.Clone(in.depth), p), conditions: in.conditions}
	leave, err := in.host.Enter(p)
	if err == nil {
		err = inner.whole(ctx)
		if over := leave(err); err == nil {
			err = over
		}
	}
	in.affected += inner.affected
	if inner.epoch > 0 {
		in.replace(inner.conditions)
	}
	if err != nil {
		in.where = append(inner.where, inner.failedAt())
		if errors.As(err, &cond) {
			return in.handled(ctx, cond)
		}
		return goOn, err
	}
	if f, err := in.results(ctx, p, c, frame); f != goOn || err != nil {
		return f, err
	}
	return in.warned(ctx)
}

// recursion refuses a procedure that is called by itself more often than the session allows.
func (in *interpreter) recursion(ctx context.Context, p *Procedure) (flow, error) {
	n := 0
	for _, d := range in.depth {
		if d.DB == p.DB && strings.EqualFold(d.Name, p.Name) {
			n++
		}
	}
	if n == 0 {
		return goOn, nil
	}
	lit, _, err := in.host.Evaluate(ctx, "@@max_sp_recursion_depth", in.conditions)
	if err != nil {
		return goOn, err
	}
	most, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(lit, "CAST("), " AS UNSIGNED)"))
	if err != nil {
		return goOn, err
	}
	if n > most {
		return in.raise(ctx, Condition{Level: "Error", Code: 1456, State: "HY000", Message: "Recursive limit " + strconv.Itoa(most) +
			" (as set by the max_sp_recursion_depth variable) was exceeded for routine " + p.Name})
	}
	return goOn, nil
}

// arguments makes the parameters, with the values of those that take one.
func (in *interpreter) arguments(ctx context.Context, p *Procedure, c *call) (*scope, flow, error) {
	frame := &scope{vars: map[string]*variable{}}
	for i, a := range p.params {
		v, f, err := in.typed(ctx, a.name, &a.spec)
		if v == nil || f != goOn || err != nil {
			return nil, f, err
		}
		frame.vars[lower(a.name)] = v
		given := ""
		if c.args[i].placeholder {
			if len(in.values) == 0 {
				return nil, goOn, errors.New("a parameter without a value")
			}
			given, in.values = in.values[0], in.values[1:]
		}
		if !a.in {
			continue
		}
		if given != "" {
			if f, err := in.with(ctx, frame, in.assigning(v, "", given, c)); f != goOn || err != nil {
				return nil, f, err
			}
			continue
		}
		text, f, err := in.value(ctx, c.args[i].expr)
		if f != goOn || err != nil {
			return nil, f, err
		}
		if c.args[i].alone { // a variable of the caller may be called as a parameter is
			in.env = in.host.Env()
			if text, err = in.spliced(c.args[i].piece); err != nil {
				return nil, goOn, err
			}
		}
		if f, err := in.with(ctx, frame, in.assigning(v, "", text, c)); f != goOn || err != nil {
			return nil, f, err
		}
	}
	return frame, goOn, nil
}

// with does a step where other variables are known.
func (in *interpreter) with(ctx context.Context, s *scope, st step) (flow, error) {
	outer := in.scope
	// Handlers are those around the CALL; its variables are not.
	in.scope = &scope{parent: outer, vars: s.vars}
	defer func() { in.scope = outer }()
	f, err := in.step(ctx, st)
	if f != goOn || err != nil {
		return f, err
	}
	return in.flush(ctx)
}

// results gives the values of OUT parameters to the variables that the CALL names.
func (in *interpreter) results(ctx context.Context, p *Procedure, c *call, frame *scope) (flow, error) {
	asked := ""
	for i, a := range p.params {
		v := frame.vars[lower(a.name)]
		switch to := c.args[i]; {
		case !a.out:
		case to.placeholder:
			asked += "," + ident(a.name) + " AS " + ident(a.name)
		case to.to.user != "":
			if f, err := in.with(ctx, frame, in.assigning(nil, to.to.user, ident(a.name), c)); f != goOn || err != nil {
				return f, err
			}
		default:
			if f, err := in.handBack(ctx, to.to, v, c); f != goOn || err != nil {
				return f, err
			}
		}
	}
	if asked == "" {
		return in.flush(ctx)
	}
	st := step{text: "SELECT " + asked[1:], names: map[string]bool{}}
	for name := range frame.vars {
		st.names[name] = true
	}
	outer := in.scope
	in.scope = frame
	done, err := in.host.Compute(ctx, in.compound([]step{st}, nil, false), nil)
	in.scope = outer
	if err == nil && len(done.Results) == 1 {
		done.Results[0].Out = p
		err = in.host.Send(done.Results[0])
	}
	return goOn, err
}

// handBack gives a variable the value of an OUT parameter.
func (in *interpreter) handBack(ctx context.Context, to target, v *variable, c *call) (flow, error) {
	if v.fields == nil {
		return in.assign(ctx, to, v.typed(), c)
	}
	row := in.rowInto([]target{to})
	if row == nil || len(row.fields) != len(v.fields) {
		n := 1
		if row != nil {
			n = len(row.fields)
		}
		return in.raise(ctx, Condition{Level: "Error", Code: 1241, State: "21000", Message: "Operand should contain " + strconv.Itoa(n) + " column(s)"})
	}
	values := make([]string, len(v.fields))
	for i, f := range v.fields {
		values[i] = f.typed()
	}
	return in.nextRow(ctx, &rows{rows: [][]string{values}}, row, c)
}
