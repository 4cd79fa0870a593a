package gateway

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// rowset is a small answer made at the node.
type rowset struct {
	cols []colDef
	rows [][]any // nil, string, int, int64, uint64 or float64
	// warnings are how many the statement has.
	warnings uint16
	// nullable: its columns are, whatever they hold.
	nullable bool
}

// colDef is a column of a rowset.
type colDef struct {
	name string
	typ  wire.FieldType
	size uint32
	// unsigned is for integers.
	unsigned bool
}

func text(name string, size uint32) colDef {
	return colDef{name: name, typ: wire.TypeVarString, size: size}
}

func integer(name string) colDef { return colDef{name: name, typ: wire.TypeLongLong, size: 21} }

// count is what @@warning_count and its like are.
func count(name string) colDef {
	return colDef{name: name, typ: wire.TypeLongLong, size: 21, unsigned: true}
}

func number(name string) colDef { return colDef{name: name, typ: wire.TypeLong, size: 4} }

func (r *rowset) add(values ...any) { r.rows = append(r.rows, values) }

// write gives the rowset to out, in the binary protocol when prepared.
func (r *rowset) write(out exec.Output, prepared bool) error {
	caps := out.Caps()
	buf := wire.AppendColumnCount(nil, caps, len(r.cols))
	if err := out.Packet(buf); err != nil {
		return err
	}
	for i, c := range r.cols {
		def := wire.Column{Name: []byte(c.name), Collation: wire.CollationUTF8MB4, Length: c.size * 4, Type: c.typ, Decimals: 39}
		switch c.typ {
		case wire.TypeLong:
			def.Collation, def.Length, def.Flags, def.Decimals = wire.CollationBinary, c.size, wire.FlagBinary|wire.FlagUnsigned, 0
		case wire.TypeLongLong:
			def.Collation, def.Length, def.Flags, def.Decimals = wire.CollationBinary, c.size, wire.FlagBinary, 0
		case wire.TypeDouble:
			def.Collation, def.Length, def.Flags, def.Decimals = wire.CollationBinary, c.size, wire.FlagBinary, 3
		}
		if c.unsigned {
			def.Flags |= wire.FlagUnsigned
		}
		if !r.nullable && !slices.ContainsFunc(r.rows, func(row []any) bool { return row[i] == nil }) {
			def.Flags |= wire.FlagNotNull
		}
		buf = wire.AppendColumn(buf[:0], caps, &def)
		if err := out.Packet(buf); err != nil {
			return err
		}
	}
	end := &wire.OK{Status: out.Status(), Warnings: r.warnings}
	if caps&wire.ClientDeprecateEOF == 0 {
		buf = wire.AppendEOF(buf[:0], caps, &wire.OK{Status: out.Status()})
		if err := out.Packet(buf); err != nil {
			return err
		}
	}
	for _, row := range r.rows {
		if prepared {
			buf = r.binaryRow(buf[:0], row)
		} else {
			buf = textRow(buf[:0], row)
		}
		if err := out.Packet(buf); err != nil {
			return err
		}
	}
	return out.Packet(wire.AppendEOF(buf[:0], caps, end))
}

// inCharset puts what the node tells in UTF-8 into the character set in which the client wants results.
func (s *session) inCharset(r *rowset) *rowset {
	for _, row := range r.rows {
		for i, v := range row {
			if v, ok := v.(string); ok {
				row[i] = s.forClient(v)
			}
		}
	}
	return r
}

func textRow(dst []byte, row []any) []byte {
	for _, v := range row {
		if v == nil {
			dst = wire.AppendNull(dst)
			continue
		}
		dst = wire.AppendLenencBytes(dst, valueText(v))
	}
	return dst
}

func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return ""
}

// binaryRow makes a row of COM_STMT_EXECUTE's answer: a null bitmap, then the values by their columns' types.
func (r *rowset) binaryRow(dst []byte, row []any) []byte {
	dst = append(dst, 0)
	nulls := len(dst)
	for range (len(row) + 9) / 8 {
		dst = append(dst, 0)
	}
	for i, v := range row {
		if v == nil {
			dst[nulls+(i+2)>>3] |= 1 << ((i + 2) & 7)
			continue
		}
		switch r.cols[i].typ {
		case wire.TypeLong:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(toUint64(v)))
		case wire.TypeLongLong:
			dst = binary.LittleEndian.AppendUint64(dst, toUint64(v))
		case wire.TypeDouble:
			f, _ := v.(float64)
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
		default:
			dst = wire.AppendLenencBytes(dst, valueText(v))
		}
	}
	return dst
}

func toUint64(v any) uint64 {
	switch v := v.(type) {
	case int:
		return uint64(v)
	case int64:
		return uint64(v)
	case uint64:
		return v
	}
	return 0
}
