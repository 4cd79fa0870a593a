package shard

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// class groups column types whose canonical forms are one: columns of one class and collation may be joined in place.
type class uint8

const (
	classInt class = iota // integers and BIT
	classYear
	classDecimal
	classString // also ENUM and SET, by their members' text
	classBytes
	classDate // DATE, DATETIME
	classTime
	classUUID
	classInet4
	classInet6
	classFloat     // FLOAT, DOUBLE: no shard keys
	classTimestamp // no shard keys
)

// Tags before canonical values. They are part of what is hashed: they must never change.
const (
	tagNull    = 0
	tagInt     = 1 // fits int64
	tagBigUint = 2
	tagDecimal = 3
	tagString  = 4
	tagBytes   = 5
	tagDate    = 6
	tagTime    = 7
	tagUUID    = 8
	tagInet4   = 9
	tagInet6   = 10
)

// column is one key column, its type read once.
type column struct {
	class    class
	typ      string
	nullable bool
	unsigned bool
	lo       int64 // range of the integer types
	hi       uint64
	prec     int // DECIMAL
	scale    int
	length   int64 // characters, or bytes for binary
	coll     *collate.Collation
	fixed    bool // CHAR, BINARY
	members  [][]byte
	isSet    bool
	isDate   bool // DATE, as against DATETIME
	rounds   bool // FLOAT(7,4)
}

// Reasons of KeyTypeErrors.
const (
	reasonFloat     = "its values have no exact form"
	reasonTimestamp = "the same text means different times in different time zones; use DATETIME or BIGINT"
	reasonBlob      = "it has no bounded length; use VARCHAR or VARBINARY"
	reasonOther     = "the type has no order that a node knows"
	reasonCollation = "the collation is not known to this version"
	reasonTwoDigits = "it shows two digits of a year; use YEAR(4)"
	reasonUnsound   = "the collation's equality is not that of its weights"
)

// newColumn reads the type of a column that may be in a shard key.
func newColumn(t *topo.Column) (column, error) {
	c, err := readColumn(t)
	if err != nil {
		return c, err
	}
	switch {
	case c.class == classFloat:
		return column{}, refusal(t, reasonFloat)
	case c.class == classTimestamp:
		return column{}, refusal(t, reasonTimestamp)
	case c.class == classYear && argument(t.FullType, 0) == 2:
		return column{}, refusal(t, reasonTwoDigits)
	case c.coll != nil && !c.coll.Sound():
		return column{}, refusal(t, reasonUnsound)
	}
	return c, nil
}

func refusal(t *topo.Column, reason string) error {
	typ := t.FullType
	if typ == "" {
		typ = t.Type
	}
	return &KeyTypeError{Column: t.Name, Type: typ, Reason: reason}
}

// readColumn reads the type of a column whose values a node can tell.
func readColumn(t *topo.Column) (column, error) {
	c := column{typ: strings.ToLower(t.Type), nullable: t.Nullable, unsigned: t.Unsigned, scale: t.Scale, length: t.Length}
	refuse := func(reason string) (column, error) { return column{}, refusal(t, reason) }
	integer := func(bits uint) (column, error) {
		c.class = classInt
		if t.Unsigned {
			c.hi = 1<<bits - 1
		} else {
			c.lo, c.hi = -1<<(bits-1), 1<<(bits-1)-1
		}
		return c, nil
	}
	switch c.typ {
	case "tinyint":
		return integer(8)
	case "smallint":
		return integer(16)
	case "mediumint":
		return integer(24)
	case "int", "integer":
		return integer(32)
	case "bigint":
		return integer(64)
	case "bit":
		c.unsigned = true
		bits := argument(t.FullType, 0)
		if bits < 1 || bits > 64 {
			bits = 1
		}
		c.class, c.hi = classInt, 1<<bits-1
		return c, nil
	case "year":
		c.class = classYear
	case "decimal", "numeric":
		c.class, c.prec = classDecimal, argument(t.FullType, 0)
		if c.prec == 0 {
			c.prec = 65
		}
	case "char", "varchar", "enum", "set":
		c.class, c.fixed = classString, c.typ == "char"
		if c.coll = collate.Lookup(strings.ToLower(t.Collation)); c.coll == nil {
			return refuse(reasonCollation)
		}
		if c.coll == collate.Binary { // CHAR … CHARACTER SET binary is BINARY
			c.class = classBytes
		}
		if c.typ == "enum" || c.typ == "set" {
			c.isSet = c.typ == "set"
			c.members = members(t.FullType, c.coll.Charset)
		}
	case "binary", "varbinary":
		c.class, c.fixed, c.coll = classBytes, c.typ == "binary", collate.Binary
	case "date":
		c.class, c.isDate, c.scale = classDate, true, 0
	case "datetime":
		c.class = classDate
	case "time":
		c.class = classTime
	case "uuid":
		c.class = classUUID
	case "inet4":
		c.class = classInet4
	case "inet6":
		c.class = classInet6
	case "float", "double", "real":
		c.class = classFloat
		c.rounds = strings.Contains(t.FullType, "(")
	case "timestamp":
		c.class = classTimestamp
	case "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob", "json":
		return refuse(reasonBlob)
	default:
		return refuse(reasonOther)
	}
	return c, nil
}

// argument is the n-th number in the brackets of a type's text: decimal(10,2).
func argument(full string, n int) int {
	_, rest, ok := strings.Cut(full, "(")
	if !ok {
		return 0
	}
	rest, _, _ = strings.Cut(rest, ")")
	parts := strings.Split(rest, ",")
	if n >= len(parts) {
		return 0
	}
	v, _ := strconv.Atoi(strings.TrimSpace(parts[n])) // 0 for what is no number
	return v
}

// members reads the members of an ENUM or SET from COLUMN_TYPE, which is UTF-8, and converts them. It is nil when one of them can't be converted:
// then only strings are certain.
func members(full, charset string) [][]byte {
	_, rest, ok := strings.Cut(full, "(")
	if !ok {
		return nil
	}
	var out [][]byte
	for len(rest) > 0 && rest[0] == '\'' {
		var b []byte
		i := 1
		for ; i < len(rest); i++ {
			if rest[i] == '\'' {
				if i+1 < len(rest) && rest[i+1] == '\'' {
					i++
				} else {
					break
				}
			}
			b = append(b, rest[i])
		}
		m, ok := convert(b, "utf8mb4", charset)
		if !ok || i >= len(rest) {
			return nil
		}
		out = append(out, m)
		rest = strings.TrimPrefix(rest[i+1:], ",")
	}
	return out
}

// Canonical forms. Those of unknown length end with it, so that two keys of several columns can't run into each other.

func appendInt(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tagInt), uint64(v))
}

func appendUint(dst []byte, v uint64) []byte {
	if v < 1<<63 {
		return appendInt(dst, int64(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, tagBigUint), v)
}

// begin and end frame a canonical value of unknown length.
func begin(dst []byte, tag byte) ([]byte, int) { return append(dst, tag), len(dst) + 1 }

func end(dst []byte, from int) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(len(dst)-from))
}

// append appends the canonical form of a value: what is hashed.
func (c *column) append(dst []byte, st *Stored, w Weights) ([]byte, error) {
	switch st.Kind {
	case StoredNull:
		return append(dst, tagNull), nil
	case StoredInt:
		return integer{v: st.U, neg: st.Neg}.append(dst), nil
	case StoredDecimal:
		return number{neg: st.Neg, int: st.B, frac: st.Frac}.append(dst), nil
	case StoredText:
		return c.text(dst, st.B, w)
	case StoredBytes:
		dst, from := begin(dst, tagBytes)
		dst = append(dst, st.B...)
		for range st.Pad {
			dst = append(dst, 0)
		}
		return end(dst, from), nil
	case StoredDate:
		return appendInt64(dst, tagDate, st.I), nil
	case StoredTime:
		return appendInt64(dst, tagTime, st.I), nil
	case StoredUUID:
		return append(append(dst, tagUUID), st.Address[:]...), nil
	case StoredInet4:
		return append(append(dst, tagInet4), st.Address[:4]...), nil
	case StoredInet6:
		return append(append(dst, tagInet6), st.Address[:]...), nil
	}
	return dst, ErrInexact
}

func appendInt64(dst []byte, tag byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tag), uint64(v))
}

// text appends the canonical form of a string in the column's own character set.
func (c *column) text(dst, s []byte, w Weights) ([]byte, error) {
	dst, from := begin(dst, tagString)
	// The weights go straight into the key, then the padding is cut off; several levels need a copy.
	out, err := c.coll.AppendWeights(dst, s)
	switch {
	case err == nil:
		return end(c.coll.TrimKey(out, from), from), nil
	case err != collate.ErrAskLeaf:
		return dst, ErrInexact
	case w == nil:
		return dst, ErrAskLeaf
	}
	ws, err := w.Weight(nil, c.coll.Name, s)
	if err != nil {
		return dst, err
	}
	return end(c.coll.AppendKey(dst, ws), from), nil
}

// weighed appends the canonical form of a string whose weights a leaf told.
func (c *column) weighed(dst, ws []byte) []byte {
	dst, from := begin(dst, tagString)
	return end(c.coll.AppendKey(dst, ws), from)
}
