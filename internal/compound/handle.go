package compound

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// notSupported is what the node says of what it does not do: no handler is for that, or a program would go on as if it had been done.
const notSupported = 1235

// raise adds an error of the program's own to the diagnostics area, whose place it takes, and looks for its handler.
func (in *interpreter) raise(ctx context.Context, c Condition) (flow, error) {
	in.replace([]Condition{c})
	return in.handled(ctx, &c)
}

// handled calls the handler for an error that is in the diagnostics area; without one it is the program's.
func (in *interpreter) handled(ctx context.Context, c *Condition) (flow, error) {
	var h *active
	if c.Code != notSupported && ctx.Err() == nil {
		h = in.scope.find(c)
	}
	if h == nil {
		return goOn, c
	}
	return in.call(ctx, h, c)
}

// warned calls a handler for the last of the warnings and notes that has one.
func (in *interpreter) warned(ctx context.Context) (flow, error) {
	if len(in.conditions) == 0 || !in.scope.handles() {
		return goOn, nil
	}
	if f, err := in.flush(ctx); f != goOn || err != nil {
		return f, err
	}
	for i := len(in.conditions) - 1; i >= 0; i-- {
		c := in.conditions[i]
		if c.Level == "Error" {
			continue
		}
		if h := in.scope.find(&c); h != nil {
			return in.call(ctx, h, &c)
		}
	}
	return goOn, nil
}

// call runs a handler. What was in the diagnostics area when it was called is gone when it ends.
func (in *interpreter) call(ctx context.Context, h *active, c *Condition) (flow, error) {
	outer, fine, epoch, before := in.scope, in.fine, in.epoch, len(in.conditions)
	in.scope = &scope{parent: h.scope, handling: &handled{c, slices.Clone(in.conditions)}}
	in.fine, in.failed = false, 0
	f, err := in.run(ctx, h.body)
	if f == goOn && err == nil {
		f, err = in.flush(ctx)
	}
	in.scope, in.fine = outer, fine
	if err != nil {
		return f, err
	}
	if in.epoch == epoch {
		in.conditions = in.conditions[min(before, len(in.conditions)):]
	}
	if f == goOn && h.exit {
		return flow{kind: exitBlock, scope: h.scope}, nil
	}
	return f, nil
}

// signalItems are what SIGNAL may set and GET DIAGNOSTICS tell, besides what every condition has.
var signalItems = []string{"CLASS_ORIGIN", "SUBCLASS_ORIGIN", "CONSTRAINT_CATALOG", "CONSTRAINT_SCHEMA", "CONSTRAINT_NAME", "CATALOG_NAME", "SCHEMA_NAME", "TABLE_NAME", "COLUMN_NAME", "CURSOR_NAME"}

// kept stands for the message of a condition that is signalled again: it may be longer than SIGNAL takes.
const kept = "orbweaver keeps the message"

// signal is SIGNAL and RESIGNAL. A leaf signals it, and tells what has come of that.
func (in *interpreter) signal(ctx context.Context, s *signal) (flow, error) {
	around := in.scope.handled()
	if s.again && around == nil {
		c := Condition{Level: "Error", Code: 1645, State: "0K000", Message: "RESIGNAL when handler not active"}
		in.replace(append(slices.Clone(in.conditions), c))
		return in.handled(ctx, &c)
	}
	if s.again && s.plain {
		in.replace(slices.Clone(around.all))
		return in.signalled(ctx, *around.condition)
	}
	st := in.verbatim(s)
	st.assigns = nil
	var get, names strings.Builder
	for i, item := range append([]string{"RETURNED_SQLSTATE", "MYSQL_ERRNO", "MESSAGE_TEXT"}, signalItems...) {
		if i > 0 {
			get.WriteString(",")
			names.WriteString(",")
		}
		v := "@`orbweaver " + strconv.Itoa(i) + "`"
		get.WriteString(v + "=" + item)
		names.WriteString(v)
	}
	tell := "BEGIN GET DIAGNOSTICS @`orbweaver n` = NUMBER; GET DIAGNOSTICS CONDITION @`orbweaver n` " + get.String() + "; SELECT '' AS `" + valuesColumn + "`," + names.String() + "; END"
	const every = "DECLARE EXIT HANDLER FOR SQLEXCEPTION, SQLWARNING, NOT FOUND "
	text := st.text
	if s.again {
		c := around.condition
		text = "BEGIN " + every + text + "; SIGNAL SQLSTATE '" + c.State + "' SET MYSQL_ERRNO = " + strconv.Itoa(int(c.Code)) + ", MESSAGE_TEXT = '" + kept + "'"
		for _, item := range signalItems {
			if v := c.Items[item]; v != "" {
				text += ", " + item + " = " + Value{class: classText, text: v, charset: "utf8mb3"}.literal()
			}
		}
		text += "; END"
	}
	st.text = "BEGIN " + every + tell + "; " + text + "; END"
	done, err := in.host.Compute(ctx, in.compound([]step{st}, nil, false), nil)
	if err != nil {
		var c *Condition
		if errors.As(err, &c) {
			in.replace(done.Conditions)
			return in.handled(ctx, c)
		}
		return goOn, err
	}
	if len(done.Results) != 1 || len(done.Results[0].Rows) != 1 || len(done.Results[0].Rows[0]) != 4+len(signalItems) {
		return goOn, errors.New("a leaf did not tell what SIGNAL has come to")
	}
	row := done.Results[0].Rows[0][1:]
	code, err := strconv.ParseUint(string(row[1]), 10, 16)
	if err != nil {
		return goOn, err
	}
	c := Condition{Level: "Error", Code: uint16(code), State: string(row[0]), Message: string(row[2]), Items: map[string]string{}}
	for i, item := range signalItems {
		if v := string(row[3+i]); v != "" {
			c.Items[item] = v
		}
	}
	switch {
	case s.again && !s.named:
		c.Level = around.condition.Level
	case isWarning(c.State):
		c.Level = "Warning"
	}
	if s.again {
		if c.Message == kept {
			c.Message = around.condition.Message
		}
		all := slices.Clone(around.all)
		if s.named {
			in.replace(append(all, c))
		} else {
			for i := range all {
				if all[i].Code == around.condition.Code && all[i].Message == around.condition.Message {
					all[i] = c
				}
			}
			in.replace(all)
		}
		return in.signalled(ctx, c)
	}
	in.replace([]Condition{c})
	return in.signalled(ctx, c)
}

// signalled goes on with a condition that is in the diagnostics area.
func (in *interpreter) signalled(ctx context.Context, c Condition) (flow, error) {
	if c.Level != "Error" {
		return in.warned(ctx)
	}
	return in.handled(ctx, &c)
}

// diagnose is GET DIAGNOSTICS: the node knows what a leaf does not.
func (in *interpreter) diagnose(ctx context.Context, d *diagnostics) (flow, error) {
	at := 0
	if d.number != nil {
		n := &variable{name: "orbweaver number", typ: "BIGINT", class: classInt}
		text, f, err := in.value(ctx, *d.number)
		if f != goOn || err != nil || text == "" {
			return f, err
		}
		outer := in.scope
		in.scope = &scope{parent: outer, vars: map[string]*variable{n.name: n}}
		f, err = in.step(ctx, in.assigning(n, "", text, d))
		if f == goOn && err == nil {
			f, err = in.flush(ctx)
		}
		in.scope = outer
		if f != goOn || err != nil {
			return f, err
		}
		no, ok := n.value.integer()
		if !ok || no < 1 || no > int64(len(in.conditions)) {
			// It is told, but no handler is for it, and the program goes on.
			in.conditions = append(slices.Clone(in.conditions), Condition{Level: "Error", Code: 1758, State: "35000", Message: "Invalid condition number"})
			return goOn, nil
		}
		at = int(no)
	}
	for _, it := range d.items {
		text := ""
		switch {
		case at == 0 && it.what == "NUMBER":
			text = "CAST(" + strconv.Itoa(len(in.conditions)) + " AS UNSIGNED)"
		case at == 0 && it.what == "ROW_COUNT":
			lit, _, err := in.host.Evaluate(ctx, "ROW_COUNT()", in.conditions)
			if err != nil {
				return goOn, err
			}
			text = lit
		case at > 0:
			c := &in.conditions[at-1]
			switch it.what {
			case "MYSQL_ERRNO":
				text = "CAST(" + strconv.Itoa(int(c.Code)) + " AS UNSIGNED)"
			case "RETURNED_SQLSTATE":
				text = literalText(c.State)
			case "MESSAGE_TEXT":
				text = literalText(c.Message)
			case "ROW_NUMBER": // partitions number the rows that they get
			default:
				text = literalText(c.Items[it.what])
			}
		}
		if text == "" {
			return goOn, &RefusedError{"GET DIAGNOSTICS of " + it.what, "ask for another item"}
		}
		if f, err := in.assign(ctx, it.to, text, d); f != goOn || err != nil {
			return f, err
		}
	}
	return goOn, nil
}

func literalText(s string) string {
	return Value{class: classText, text: s, charset: "utf8mb3"}.literal()
}

// onCursor is OPEN and CLOSE.
func (in *interpreter) onCursor(ctx context.Context, o *open) (flow, error) {
	c := in.scope.cursor(o.cursor)
	switch {
	case c == nil:
		return in.raise(ctx, Condition{Level: "Error", Code: 1324, State: "42000", Message: "Undefined CURSOR: " + o.cursor})
	case o.close && !c.open:
		return in.raise(ctx, cursorNotOpen)
	case o.close:
		c.close()
		return goOn, nil
	}
	_, f, err := in.open(ctx, c, o.args)
	return f, err
}

var (
	cursorNotOpen  = Condition{Level: "Error", Code: 1326, State: "24000", Message: "Cursor is not open"}
	fetchVariables = Condition{Level: "Error", Code: 1328, State: "HY000", Message: "Incorrect number of FETCH variables"}
)

// fetch is FETCH.
func (in *interpreter) fetch(ctx context.Context, n *fetch) (flow, error) {
	c := in.scope.cursor(n.cursor)
	switch {
	case c == nil:
		return in.raise(ctx, Condition{Level: "Error", Code: 1324, State: "42000", Message: "Undefined CURSOR: " + n.cursor})
	case !c.open:
		return in.raise(ctx, cursorNotOpen)
	case in.rowInto(n.into) != nil:
		v := in.rowInto(n.into)
		switch {
		case c.cols == 1 && len(v.fields) > 1: // which MariaDB takes for the ROW's value
			return in.raise(ctx, Condition{Level: "Error", Code: 1241, State: "21000", Message: "Operand should contain " + strconv.Itoa(len(v.fields)) + " column(s)"})
		case c.cols != len(v.fields):
			return in.raise(ctx, fetchVariables)
		case len(c.rows) == 0:
			return in.raise(ctx, noData("Error"))
		}
		return in.nextRow(ctx, c, v, n)
	case c.cols != len(n.into):
		return in.raise(ctx, fetchVariables)
	case len(c.rows) == 0:
		return in.raise(ctx, noData("Error"))
	}
	row := c.rows[0]
	c.rows = c.rows[1:]
	for i, to := range n.into {
		if f, err := in.assign(ctx, to, in.classOf(to).takes(row[i]), n); f != goOn || err != nil {
			return f, err
		}
	}
	return goOn, nil
}
