package compound

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// returned is what the value of a function is called in it, which RETURN sets, and its body's label.
const returned = "orbweaver returns"

// ParseFunction reads CREATE FUNCTION as a server prints it: as a procedure with one parameter more, an OUT one at the end, that takes the value. The errors are Parse's.
func ParseFunction(db, name, text string, mode sqltext.Mode) (*Procedure, error) {
	return parseRoutine(db, name, text, mode, sqltext.KwFunction)
}

// returns reads RETURNS with its type.
func (r *reader) returns() spec {
	if r.word(0) != "RETURNS" {
		r.odd()
	}
	r.pos++
	end := r.pos + 1
	at := func(word string) bool {
		return end < r.end && r.toks[end].Kind == sqltext.Word && lower(string(r.scan.Bytes(end))) == word
	}
	if opAt(r.scan, end, '(') {
		for end < r.end && !opAt(r.scan, end, ')') {
			end++
		}
		end++
	}
	for {
		switch {
		case at("unsigned"), at("signed"), at("zerofill"), at("precision"), at("varying"), at("binary"), at("ascii"), at("unicode"):
			end++
			continue
		case at("charset"), at("collate"):
			end += 2
			continue
		case at("character"):
			end += 3
			continue
		}
		break
	}
	s := r.typeTo(min(end, r.end))
	if s.of != nil || s.fields != nil {
		r.refuse("a function that returns what another thing is", "write its type out")
	}
	return s
}

type (
	// giveBack is RETURN.
	giveBack struct {
		span
		value *set
	}
	// unreturned is the end of a function's body.
	unreturned struct {
		span
		name string
	}
)

// giveBack reads RETURN.
func (r *reader) giveBack(from int32) node {
	if !r.function {
		r.refuse("RETURN", "it is for functions")
	}
	r.pos++
	s := &set{local: returned}
	s.value = r.exprTo(r.semicolon())
	s.span = span{from, r.pos, s.value.alone, false}
	return &giveBack{span{from, r.pos, false, true}, s}
}

// giveBack runs RETURN: what goes wrong with the value is for the handlers around it.
func (in *interpreter) giveBack(ctx context.Context, n *giveBack) (flow, error) {
	f, err := in.set(ctx, n.value)
	if f == goOn && err == nil {
		f, err = in.flush(ctx)
	}
	if f == goOn && err == nil {
		f = flow{kind: leaveLabel, label: returned}
	}
	return f, err
}

// Returns is the type of a function's value, as it is written.
func (p *Procedure) Returns() string {
	if n := len(p.params); n > 0 && p.params[n-1].name == returned {
		return p.params[n-1].text
	}
	return ""
}
