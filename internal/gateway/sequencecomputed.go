package gateway

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// computable says whether an expression that asks sequences, maybe, is one that a leaf can evaluate before the statement: it depends on nothing but the session.
func computable(scan *sqltext.Scan, e sqltext.Expr, uses []sequenceUse) bool {
	span, fit := e.ExprSpan(), true
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		switch x := x.(type) {
		case *sqltext.Column, *sqltext.Subquery:
			fit = fit && slices.ContainsFunc(uses, func(u sequenceUse) bool { return u.Span.From <= x.ExprSpan().From && x.ExprSpan().To <= u.Span.To }) // a sequence's name
		case *sqltext.In:
			fit = fit && x.Sub == nil
		}
		return fit
	})
	for i := span.From; i < span.To; i++ {
		fit = fit && scan.Tokens[i].Kind != sqltext.Param // whose place among the others would be lost
	}
	return fit && !slices.ContainsFunc(uses, func(u sequenceUse) bool {
		return span.From <= u.Span.From && u.Span.To <= span.To && (u.of.Temporary || u.Name == "LASTVAL")
	})
}

// withComputed is withDrawn where it is not known which values will be asked for: one after the other, in the order in which MariaDB would.
func (s *session) withComputed(ctx context.Context, scan *sqltext.Scan, all []request, src *source) ([]byte, error) {
	fill := make([]filled, len(all))
	for i, r := range all {
		fill[i].request = r
		switch {
		case r.computed != nil:
			digits := plan.AllDigitsOf(r.computed)
			last, warnings := s.last, s.warnings
			s.warnings = nil
			value, err := s.expressionLiteral(ctx, plan.RenderSpan(nil, scan, r.computed.ExprSpan(), digits, nil, plan.Target{}), len(digits) > 0)
			s.last, s.warnings = last, warnings
			if err != nil {
				return nil, err
			}
			fill[i].value = value
		case r.of == nil:
		case r.last:
			value, known, err := s.lastOf(ctx, r.of)
			if err != nil {
				return nil, err
			}
			if fill[i].value = value; !known {
				fill[i].value = "NULL"
			}
		default:
			values, err := s.draw(ctx, r.of, 1, src.depth)
			if err != nil {
				return nil, err
			}
			fill[i].value = values[0]
		}
	}
	return filledIn(scan, fill, src)
}

// filled is a request with its value.
type filled struct {
	request
	value string
}

// filledIn is a statement's text with values of sequences in it.
func filledIn(scan *sqltext.Scan, fill []filled, src *source) ([]byte, error) {
	slices.SortStableFunc(fill, func(a, b filled) int { return int(a.from - b.from) })
	var edits []edit
	var args []wire.Param
	given := src.args
	tok, params := int32(0), 0
	for _, f := range fill {
		text := f.value
		if f.item {
			var err error
			if text, err = givenItem(strings.TrimPrefix(f.value, "NULL"), f.value != "NULL"); err != nil {
				return nil, err
			}
		} else if f.of != nil && src.prepared {
			for ; tok < f.from; tok++ {
				if scan.Tokens[tok].Kind == sqltext.Param && params < len(given) {
					args = append(args, given[params])
					params++
				}
			}
			p := wire.Param{ParamType: wire.ParamType{Type: wire.TypeLongLong}, Null: f.value == "NULL"}
			if !p.Null {
				v, err := strconv.ParseInt(f.value, 10, 64)
				if err != nil {
					return nil, err
				}
				p.Int = uint64(v)
			}
			args, text = append(args, p), "?"
		} else if strings.HasPrefix(text, "-") {
			text = "(" + text + ")"
		}
		text = f.before + text + f.behind
		if n := len(edits); n > 0 && f.from == f.to && edits[n-1].from == f.from && edits[n-1].to == f.to {
			edits[n-1].with += text
			continue
		}
		edits = append(edits, edit{f.from, f.to, text})
	}
	if src.prepared {
		src.args = append(args, given[params:]...)
	}
	return bytes.Clone(apply(scan, edits)), nil
}
