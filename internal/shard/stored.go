package shard

import (
	"math"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// StoredKind says what a Stored is.
type StoredKind uint8

// The kinds of stored values.
const (
	StoredNull    StoredKind = iota
	StoredInt                // U with Neg: integers, BIT, YEAR
	StoredDecimal            // digits B before the point and Frac behind it, without zeros that do not count, with Neg
	StoredFloat              // F
	StoredText               // B in the column's character set: CHAR (without its padding), VARCHAR, ENUM, SET
	StoredBytes              // B and Pad zero bytes: BINARY, VARBINARY
	StoredDate               // I, packed by PackDateTime: DATE, DATETIME, TIMESTAMP (in the session's time zone)
	StoredTime               // I in microseconds
	StoredUUID               // Address
	StoredInet4              // Address, the first four bytes
	StoredInet6              // Address
)

// Stored is a value as a column holds it. B and Frac may be parts of what it was read from.
type Stored struct {
	Kind    StoredKind
	Neg     bool
	U       uint64
	I       int64
	F       float64
	B, Frac []byte
	Pad     int
	Address [16]byte
}

func exactly(ok bool) error {
	if !ok {
		return ErrInexact
	}
	return nil
}

func inexact() (Stored, error) { return Stored{}, ErrInexact }

func (i integer) stored() Stored { return Stored{Kind: StoredInt, U: i.v, Neg: i.neg} }

func (n number) stored() Stored {
	return Stored{Kind: StoredDecimal, Neg: n.neg, B: n.int, Frac: n.frac}
}

// Reader reads values of one column for other functions of them than this package's own. It is immutable.
type Reader struct{ c column }

// NewReader makes the reader of a column, which may be of a FLOAT, DOUBLE or TIMESTAMP type too. The error is a *KeyTypeError.
func NewReader(t *topo.Column) (*Reader, error) {
	c, err := readColumn(t)
	if err != nil {
		return nil, err
	}
	return &Reader{c}, nil
}

// Members is how many members the column's ENUM or SET has; 0 when they are not all known.
func (r *Reader) Members() int { return len(r.c.members) }

// Compare is the value that the column's values equal to v have; ErrInexact when that is not certain.
func (r *Reader) Compare(v *Value) (Stored, error) { return r.c.compare(v) }

// Store is what writing v into the column leaves there; w may be nil. ErrInexact or ErrAskLeaf say that that is not certain.
func (r *Reader) Store(v *Value, w Weights) (Stored, error) { return r.c.store(v, w) }

// Row is a stored value, from the text that a leaf printed for it (nil is NULL) in the character set charset.
func (r *Reader) Row(text []byte, charset string) (Stored, error) {
	if text == nil {
		return Stored{}, nil
	}
	return r.c.row(text, charset)
}

// Member is the number that an ENUM or SET keeps for a text: the member's number, or a bit for each of a SET's members.
func (r *Reader) Member(st *Stored, w Weights) (uint64, error) {
	c := &r.c
	for i, m := range c.members {
		if string(m) == string(st.B) {
			if len(m) == 0 && !c.isSet {
				return 0, ErrInexact // or the 0 of a refused value, which has the same text
			}
			if c.isSet {
				return 1 << i, nil
			}
			return uint64(i) + 1, nil
		}
	}
	switch {
	case len(c.members) == 0:
		return 0, ErrInexact
	case len(st.B) == 0:
		return 0, nil
	}
	return c.memberBits(st.B, w)
}

// Holds says whether the column's type can hold a value that Compare gave: nothing equals one that it can't.
func (r *Reader) Holds(st *Stored) bool {
	return st.Kind != StoredInt || r.c.class != classInt || r.c.within(integer{v: st.U, neg: st.Neg})
}

// Append appends bytes that are equal for two values of the column exactly when the column's type and collation call them equal.
func (r *Reader) Append(dst []byte, st *Stored, w Weights) ([]byte, error) {
	return r.c.append(dst, st, w)
}

// storedFloat is v as a FLOAT or DOUBLE column would hold it.
func (c *column) storedFloat(v *Value) (float64, bool) {
	f, ok := 0.0, false
	switch v.Kind {
	case Int:
		f, ok = float64(v.I), true
	case Uint:
		f, ok = float64(v.U), true
	case Float:
		f, ok = v.F, true
	case Number, String:
		f, ok = parseFloat(v.B)
		if v.Neg {
			f = -f
		}
	}
	// The sign of a zero depends on the conversion.
	if !ok || c.rounds || f == 0 && (v.Neg || math.Signbit(f)) || f < 0 && c.unsigned || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, false
	}
	if c.typ == "float" {
		f = float64(float32(f))
		return f, !math.IsInf(f, 0)
	}
	return f, true
}

// comparedFloat is v as a FLOAT or DOUBLE column is compared with it; false too when the column can hold nothing equal.
func (c *column) comparedFloat(v *Value) (float64, bool) {
	f, ok := c.storedFloat(v)
	if !ok || c.typ != "float" {
		return f, ok
	}
	w := *c
	w.typ = "double"
	g, _ := w.storedFloat(v)
	return f, f == g
}

// printedFloat reads what a leaf printed for a DOUBLE; a FLOAT is printed with fewer digits than tell it.
func (c *column) printedFloat(s []byte) (float64, bool) {
	f, ok := parseFloat(s)
	return f, ok && c.typ != "float" && !c.rounds
}

// parseFloat reads a number with or without an exponent; MariaDB, too, rounds to the nearest double.
func parseFloat(b []byte) (float64, bool) {
	for _, d := range b {
		if (d < '0' || d > '9') && d != '.' && d != '-' && d != '+' && d != 'e' && d != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}
