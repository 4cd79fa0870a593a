package shard

import "math"

// ValueKind says what a Value is.
type ValueKind uint8

// The kinds of values.
const (
	Null     ValueKind = iota
	Int                // I, a signed integer
	Uint               // U, an unsigned integer
	Number             // B is the text of a number literal: 12, 1.50, 1e3; Neg when a minus stood before it
	Float              // F, a double
	String             // B in Charset, unquoted and unescaped
	Bytes              // B, a byte string: x'41', _binary'a', a BLOB parameter
	Hybrid             // B, the bytes of 0x41 and b'01', which are numbers among numbers and strings among strings
	Date               // I, packed by PackDateTime: a typed parameter
	DateTime           // I, packed by PackDateTime
	Time               // I in microseconds, signed
)

// Value is a literal, or a parameter of the binary protocol.
type Value struct {
	Kind ValueKind
	Neg  bool // Number only
	I    int64
	U    uint64
	F    float64
	B    []byte
	// Charset is that of a String as the server sees it: character_set_connection, or the introducer's. When character_set_client is another
	// one, the literal is converted on the way, and Charset must be "" (only ASCII is certain then).
	Charset string
}

// IntValue, UintValue, FloatValue, NumberValue, StringValue make values of their kinds.
func IntValue(v int64) Value { return Value{Kind: Int, I: v} }

// UintValue is an unsigned integer.
func UintValue(v uint64) Value { return Value{Kind: Uint, U: v} }

// FloatValue is a FLOAT or DOUBLE parameter.
func FloatValue(v float64) Value {
	if math.IsNaN(v) {
		return Value{Kind: Null}
	}
	return Value{Kind: Float, F: v}
}

// NumberValue is a number literal's text.
func NumberValue(text []byte, neg bool) Value { return Value{Kind: Number, B: text, Neg: neg} }

// StringValue is a string literal's content.
func StringValue(b []byte, charset string) Value { return Value{Kind: String, B: b, Charset: charset} }

// PackDateTime packs a date and time so that order and equality of the numbers are those of the times.
func PackDateTime(year, month, day, hour, minute, second, micro int) int64 {
	ymd := int64(year)<<9 | int64(month)<<5 | int64(day)
	hms := int64(hour)<<12 | int64(minute)<<6 | int64(second)
	return (ymd<<17|hms)<<24 | int64(micro)
}

// timeOfDay masks what PackDateTime holds below the day.
const timeOfDay = 1<<41 - 1
