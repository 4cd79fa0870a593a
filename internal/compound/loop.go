package compound

import (
	"context"
	"strconv"
)

// ends says what a loop does about where its body has led: whether it ends, and with what.
func (f flow) ends(label string) (flow, bool) {
	switch {
	case f == goOn, f.kind == iterateLabel && label != "" && f.label == label:
		return goOn, false
	case f.kind == leaveLabel && label != "" && f.label == label:
		return goOn, true
	}
	return f, true
}

func (in *interpreter) loop(ctx context.Context, l *loop) (flow, error) {
	for {
		if err := ctx.Err(); err != nil {
			return goOn, context.Cause(ctx)
		}
		if l.while != nil {
			n, f, err := in.decide(ctx, []expr{*l.while}, nil)
			if f != goOn || err != nil || n != 0 {
				return f, err
			}
		}
		f, err := in.list(ctx, l.do)
		if err != nil {
			return f, err
		}
		f, over := f.ends(l.label)
		if over {
			return f, nil
		}
		if l.until != nil {
			n, f, err := in.decide(ctx, []expr{*l.until}, nil)
			if f != goOn || err != nil || n != 1 && n != noArm {
				return f, err
			}
			if n == skipped {
				return goOn, nil
			}
		}
	}
}

// count runs FOR name IN a..b: the bounds are found once.
func (in *interpreter) count(ctx context.Context, c *count) (flow, error) {
	outer := in.scope
	defer func() { in.scope = outer }()
	v := &variable{name: c.name, typ: "BIGINT", class: classInt}
	limit := &variable{name: "orbweaver limit", typ: "BIGINT", class: classInt}
	in.scope = &scope{parent: outer, vars: map[string]*variable{c.name: v, limit.name: limit}}
	first, last := c.lower, c.upper
	if c.reverse {
		first, last = last, first
	}
	for _, to := range []struct {
		v *variable
		e expr
	}{{limit, last}, {v, first}} {
		text, f, err := in.value(ctx, to.e)
		if f != goOn || err != nil {
			return f, err
		}
		if f, err := in.step(ctx, in.assigning(to.v, "", text, c)); f != goOn || err != nil {
			return f, err
		}
	}
	if f, err := in.flush(ctx); f != goOn || err != nil {
		return f, err
	}
	end, ok := limit.value.integer()
	for {
		n, known := v.value.integer()
		if !ok || !known || !c.reverse && n > end || c.reverse && n < end {
			return goOn, nil
		}
		f, err := in.list(ctx, c.do)
		if err != nil {
			return f, err
		}
		f, over := f.ends(c.label)
		if over {
			return f, nil
		}
		if f, err := in.flush(ctx); f != goOn || err != nil {
			return f, err
		}
		n, known = v.value.integer()
		if !known || n == end {
			return goOn, nil
		}
		if n++; c.reverse {
			n -= 2
		}
		v.value = Value{class: classInt, text: strconv.FormatInt(n, 10)}
	}
}

func (v Value) integer() (int64, bool) {
	n, err := strconv.ParseInt(v.text, 10, 64)
	return n, v.class != 0 && err == nil
}
