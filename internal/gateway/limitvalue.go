package gateway

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// ofLimit says whether a parameter is a number of LIMIT, OFFSET, FETCH or ROWS EXAMINED. What an aggregate's LIMIT takes is not made a number.
func ofLimit(scan *sqltext.Scan, i int32) bool {
	if isOp(scan, i-1, ",") {
		i -= 2
	}
	is := func(i int32, words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return isWord(scan, i, w) })
	}
	return (is(i-1, "LIMIT", "OFFSET", "EXAMINED") || is(i-1, "FIRST", "NEXT") && is(i-2, "FETCH")) && !inAggregate(scan, i-1)
}

// inAggregate says whether a token stands between the brackets of a function that takes a LIMIT.
func inAggregate(scan *sqltext.Scan, i int32) bool {
	for depth := 0; i > 0; i-- {
		switch {
		case isOp(scan, i, ")"):
			depth++
		case isOp(scan, i, "("):
			if depth == 0 {
				return isWord(scan, i-1, "GROUP_CONCAT") || isWord(scan, i-1, "JSON_ARRAYAGG")
			}
			depth--
		}
	}
	return false
}

// limitLiteral is the whole number that MariaDB makes of a value that EXECUTE … USING gives to LIMIT, where no literal but such a number may be.
// Of a variable's DOUBLE it takes the fraction away, which it rounds elsewhere.
func (v *value) limitLiteral(variable bool) (string, error) {
	text := v.text
	switch {
	case v.null:
		return "0", nil
	case v.typ.IsTemporal():
		return v.literal(), nil
	case v.typ.IsInteger():
	case v.typ == wire.TypeNewDecimal, v.typ == wire.TypeDecimal, v.typ == wire.TypeDouble, v.typ == wire.TypeFloat:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f >= 1<<62 {
			return "", errExecuteArguments()
		}
		switch {
		case v.typ == wire.TypeNewDecimal || v.typ == wire.TypeDecimal:
			f = math.Round(f)
		case !variable:
			f = math.RoundToEven(f)
		}
		text = strconv.FormatInt(int64(f), 10)
	default:
		text = "0"
		if m := leadingInteger.FindStringSubmatch(v.text); m != nil {
			text = m[1]
		}
	}
	if strings.HasPrefix(text, "-") {
		return "", errExecuteArguments()
	}
	return text, nil
}

// leadingInteger is what MariaDB reads of a string.
var leadingInteger = regexp.MustCompile(`^[ \t\r\n]*\+?(-?[0-9]+)`)

func errExecuteArguments() error {
	return wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to EXECUTE")
}
