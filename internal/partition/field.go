package partition

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// field is one partition column, its type read once.
type field struct {
	reader *shard.Reader // nil: only a leaf knows this type's values
	typ    string
	size   int // bytes of an integer, ENUM or SET
	prec   int // DECIMAL
	scale  int
	length int64
	// of CHAR and VARCHAR:
	text  textHash
	coll  *collate.Collation
	hash  scale
	order scale
	fixed bool
	nopad bool       // trailing spaces count
	space []byte     // in the character set
	ascii *[128]byte // hashByByte: weights of the ASCII characters
}

func newField(t *topo.Column) *field {
	f := &field{typ: strings.ToLower(t.Type), scale: t.Scale, length: t.Length}
	switch f.typ {
	case "numeric":
		f.typ = "decimal"
	case "integer":
		f.typ = "int"
	case "real":
		f.typ = "double"
	}
	if strings.Contains(t.FullType, "mariadb-5.3") {
		return f // stored in the format of old versions
	}
	r, err := shard.NewReader(t)
	if err != nil {
		return f
	}
	f.reader = r
	switch f.typ {
	case "tinyint", "year":
		f.size = 1
	case "smallint":
		f.size = 2
	case "mediumint":
		f.size = 3
	case "int":
		f.size = 4
	case "bigint":
		f.size = 8
	case "decimal":
		f.prec = precision(t.FullType)
	case "enum":
		f.size = 1
		if r.Members() > 255 {
			f.size = 2
		}
	case "set":
		if f.size = (r.Members() + 7) / 8; f.size > 4 {
			f.size = 8
		}
	case "char", "varchar":
		f.fixed = f.typ == "char"
		f.newText(t.Collation)
	}
	return f
}

// precision is the first number in the brackets of a type's text.
func precision(full string) int {
	_, rest, _ := strings.Cut(full, "(")
	end := strings.IndexAny(rest, ",)")
	n, err := strconv.Atoi(strings.TrimSpace(rest[:max(end, 0)]))
	if err != nil {
		return 10
	}
	return n
}

// appendStored appends the bytes in which MariaDB stores the value of a type that is hashed by them.
func (f *field) appendStored(dst []byte, st *shard.Stored) ([]byte, error) {
	switch st.Kind {
	case shard.StoredInt:
		v := st.U
		if st.Neg {
			v = -v
		}
		switch f.typ {
		case "bit":
			return binary.BigEndian.AppendUint64(dst, v), nil
		case "year":
			if v != 0 {
				v -= 1900
			}
		}
		return appendLittle(dst, v, f.size), nil
	case shard.StoredDecimal:
		return appendDecimal(dst, st, f.prec, f.scale), nil
	case shard.StoredFloat:
		if f.typ == "float" {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(st.F))), nil
		}
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(st.F)), nil
	case shard.StoredBytes:
		dst = append(dst, st.B...)
		for range st.Pad {
			dst = append(dst, 0)
		}
		return dst, nil
	case shard.StoredDate:
		return f.appendDate(dst, st.I), nil
	case shard.StoredTime:
		return f.appendTime(dst, st.I), nil
	case shard.StoredUUID:
		return appendUUID(dst, st.Address), nil
	case shard.StoredInet4:
		return append(dst, st.Address[:4]...), nil
	case shard.StoredInet6:
		return append(dst, st.Address[:]...), nil
	}
	return dst, shard.ErrInexact
}

func appendLittle(dst []byte, v uint64, n int) []byte {
	for range n {
		dst = append(dst, byte(v))
		v >>= 8
	}
	return dst
}

// digitBytes is how many bytes a DECIMAL takes for its digits beyond groups of nine.
var digitBytes = [10]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}

// appendDecimal packs groups of nine digits into four bytes each, counted from the point, the outer ones into as few as they need. All bits of
// a negative number are turned, and the first one of every number.
func appendDecimal(dst []byte, st *shard.Stored, prec, scale int) []byte {
	from := len(dst)
	digit := func(s []byte, i int) uint64 {
		if i < 0 || i >= len(s) {
			return 0
		}
		return uint64(s[i] - '0')
	}
	group := func(s []byte, at, n int) {
		var v uint64
		for i := range n {
			v = v*10 + digit(s, at+i)
		}
		for b := digitBytes[n] - 1; b >= 0; b-- {
			dst = append(dst, byte(v>>(8*b)))
		}
	}
	whole := prec - scale
	at := len(st.B) - whole // where the column's first digit is in the value's
	group(st.B, at, whole%9)
	for i := whole % 9; i < whole; i += 9 {
		group(st.B, at+i, 9)
	}
	for i := 0; i < scale; i += 9 {
		group(st.Frac, i, min(9, scale-i))
	}
	if st.Neg {
		for i := from; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	if len(dst) > from {
		dst[from] ^= 0x80
	}
	return dst
}

// fraction appends microseconds as DATETIME, TIMESTAMP and TIME keep them.
func fraction(dst []byte, micro int64, scale int) []byte {
	switch (scale + 1) / 2 {
	case 1:
		return append(dst, byte(micro/10000))
	case 2:
		return binary.BigEndian.AppendUint16(dst, uint16(micro/100))
	case 3:
		return append(dst, byte(micro>>16), byte(micro>>8), byte(micro))
	}
	return dst
}

// Parts of what shard.PackDateTime packs.
const (
	microBits = 24
	dayBits   = microBits + 17
)

// unpack takes apart what shard.PackDateTime packed. Its highest bit is that of the years from 8192 on.
func unpack(packed int64) (year, month, day, clock, micro int64) {
	u := uint64(packed)
	return int64(u >> (dayBits + 9)), int64(u >> (dayBits + 5) & 15), int64(u >> dayBits & 31), int64(u >> microBits & (1<<17 - 1)), int64(u & (1<<microBits - 1))
}

// appendDate appends a DATE or DATETIME.
func (f *field) appendDate(dst []byte, packed int64) []byte {
	year, month, day, clock, micro := unpack(packed)
	if f.typ == "date" {
		return appendLittle(dst, uint64(year<<9|month<<5|day), 3)
	}
	v := (year*13+month)<<22 | day<<17 | clock | 1<<39
	dst = binary.BigEndian.AppendUint32(append(dst, byte(v>>32)), uint32(v))
	return fraction(dst, micro, f.scale)
}

func (f *field) appendTime(dst []byte, micros int64) []byte {
	abs := max(micros, -micros)
	sec := abs / 1e6
	v := (sec/3600<<12|sec/60%60<<6|sec%60)<<microBits | abs%1e6
	if micros < 0 {
		v = -v
	}
	whole := v>>microBits + 1<<23
	dst = append(dst, byte(whole>>16), byte(whole>>8), byte(whole))
	if f.scale >= 5 {
		return fraction(dst, v&(1<<microBits-1), f.scale)
	}
	return fraction(dst, micros%1e6, f.scale) // below zero where the time is, unlike with six digits
}

// appendUUID appends what is hashed of a UUID. Those of versions 1 to 5 are stored with their parts in the opposite order, and hashed as they are
// written; the others are stored as they are written, and hashed as if they were not.
func appendUUID(dst []byte, u [16]byte) []byte {
	if u[6] > 0 && u[6] < 0x60 && u[8] >= 0x80 {
		return append(dst, u[:]...)
	}
	dst = append(dst, u[12:]...)
	dst = append(dst, u[10:12]...)
	dst = append(dst, u[8:10]...)
	dst = append(dst, u[6:8]...)
	return append(dst, u[:6]...)
}
