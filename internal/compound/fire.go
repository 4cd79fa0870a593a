package compound

import (
	"context"
	"encoding/hex"
)

// A trigger is run as a procedure whose parameters are the columns of the row that it names. Their values are those that are stored: nothing converts them, or finds one wrong.

// Asked is the item of a query by which a column of a type is told to Stored; "" where there is none.
func Asked(typ, column string) string {
	switch c := classOfType(typ); c {
	case 0, classGeometry:
		return ""
	case classText, classEnum:
		return "HEX(" + column + ")"
	default:
		return c.asked(column)
	}
}

// Stored is a column's value as it was told, nil for NULL. charset and collation are the column's, "" for one of bytes.
func Stored(typ string, cell []byte, charset, collation string) (Value, error) {
	if cell == nil {
		return Value{}, nil
	}
	v := Value{class: classOfType(typ), text: string(cell)}
	if v.class == classText || v.class == classEnum {
		b, err := hex.DecodeString(v.text)
		if err != nil {
			return v, err
		}
		if v.text, v.charset, v.collation = string(b), charset, collation; charset == "" {
			v.charset, v.collation = "binary", "binary"
		}
	}
	return v, nil
}

// Literal is the value as one that a column of its type is compared with.
func (v Value) Literal() string { return v.literal() }

// Fire runs a procedure with values for its parameters, which become those that it has left in them.
func Fire(ctx context.Context, p *Procedure, host Host, values []Value) (Done, error) {
	frame := &scope{vars: map[string]*variable{}}
	for i, a := range p.params {
		frame.vars[lower(a.name)] = &variable{name: a.name, typ: a.text, class: a.class, value: values[i]}
	}
	in := &interpreter{host: host, prog: p.prog, scope: frame, called: p.routineName(), depth: []*Procedure{p}}
	leave, err := host.Enter(p)
	if err == nil {
		err = in.whole(ctx)
		if over := leave(err); err == nil {
			err = over
		}
	}
	for i, a := range p.params {
		values[i] = frame.vars[lower(a.name)].value
	}
	if err != nil {
		in.where = append(in.where, in.failedAt())
	}
	return Done{Affected: in.affected, Conditions: in.conditions, Failed: in.where}, err
}
