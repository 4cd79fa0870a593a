package wire

import "encoding/binary"

// Column is a column definition. Its slices point into the payload it was parsed from.
type Column struct {
	Catalog  []byte
	Schema   []byte
	Table    []byte // the alias
	OrgTable []byte
	Name     []byte // the alias
	OrgName  []byte
	// Extended is MariaDB's extended metadata, still encoded: see [Column.ExtendedType].
	Extended  []byte
	Collation uint16
	Length    uint32
	Type      FieldType
	Flags     FieldFlags
	Decimals  uint8
	// Default is the default value that COM_FIELD_LIST's answers carry; HasDefault tells it from NULL.
	Default    []byte
	HasDefault bool
}

// ParseColumn reads a column definition as a peer with caps writes it.
func ParseColumn(payload []byte, caps Caps, c *Column) error {
	r := reader{p: payload}
	*c = Column{
		Catalog: r.lenencBytes(), Schema: r.lenencBytes(), Table: r.lenencBytes(),
		OrgTable: r.lenencBytes(), Name: r.lenencBytes(), OrgName: r.lenencBytes(),
	}
	if caps&MariaDBExtendedMetadata != 0 {
		c.Extended = r.lenencBytes()
	}
	n := r.lenenc()
	if r.bad || n < 12 || n > uint64(len(r.p)) {
		return ErrMalformed
	}
	f := reader{p: r.take(int(n))}
	c.Collation, c.Length, c.Type, c.Flags, c.Decimals = f.u16(), f.u32(), FieldType(f.u8()), FieldFlags(f.u16()), f.u8()
	if len(r.p) > 0 && r.p[0] != nullMark {
		c.Default, c.HasDefault = r.lenencBytes(), true
	}
	return r.err()
}

// AppendColumn appends a column definition as a peer with caps reads it.
func AppendColumn(dst []byte, caps Caps, c *Column) []byte {
	catalog := c.Catalog
	if len(catalog) == 0 {
		catalog = catalogName
	}
	for _, s := range [...][]byte{catalog, c.Schema, c.Table, c.OrgTable, c.Name, c.OrgName} {
		dst = AppendLenencBytes(dst, s)
	}
	if caps&MariaDBExtendedMetadata != 0 {
		dst = AppendLenencBytes(dst, c.Extended)
	}
	dst = append(dst, 12)
	dst = binary.LittleEndian.AppendUint16(dst, c.Collation)
	dst = binary.LittleEndian.AppendUint32(dst, c.Length)
	dst = append(dst, byte(c.Type))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(c.Flags))
	dst = append(dst, c.Decimals, 0, 0)
	if c.HasDefault {
		dst = AppendLenencBytes(dst, c.Default)
	}
	return dst
}

var catalogName = []byte("def")

// ColumnRewrite says how a column definition is changed on its way from a server to a client.
type ColumnRewrite struct {
	From, To       string // the schema name and what takes its place; others stay
	Server, Client Caps   // with which capabilities it was written, and is to be read
}

// Append appends payload with the change. It allocates nothing but what dst grows.
func (w *ColumnRewrite) Append(dst, payload []byte) ([]byte, error) {
	catalog, rest, ok1 := LenencBytes(payload)
	schema, rest, ok2 := LenencBytes(rest)
	if !ok1 || !ok2 {
		return dst, ErrMalformed
	}
	dst = AppendLenencBytes(dst, catalog)
	if len(schema) > 0 && string(schema) == w.From {
		dst = AppendLenencBytes(dst, w.To)
	} else {
		dst = AppendLenencBytes(dst, schema)
	}
	has, wants := w.Server&MariaDBExtendedMetadata != 0, w.Client&MariaDBExtendedMetadata != 0
	if has == wants {
		return append(dst, rest...), nil
	}
	names := rest
	for range 4 { // table, original table, name, original name
		var ok bool
		if _, rest, ok = LenencBytes(rest); !ok {
			return dst, ErrMalformed
		}
	}
	dst = append(dst, names[:len(names)-len(rest)]...)
	if wants {
		dst = append(dst, 0)
	} else {
		var ok bool
		if _, rest, ok = LenencBytes(rest); !ok {
			return dst, ErrMalformed
		}
	}
	return append(dst, rest...), nil
}

// The kinds of [Column.Extended] entries.
const (
	extendedType   = 0
	extendedFormat = 1
)

// ExtendedType returns the name of a MariaDB data type that Type does not tell, such as "uuid", "inet6" or "point"; empty
// where there is none.
func (c *Column) ExtendedType() string { return c.extended(extendedType) }

// ExtendedFormat returns the format of the value, such as "json"; empty where there is none.
func (c *Column) ExtendedFormat() string { return c.extended(extendedFormat) }

func (c *Column) extended(kind byte) string {
	for p := c.Extended; len(p) > 1; {
		s, rest, ok := LenencBytes(p[1:])
		if !ok {
			return ""
		}
		if p[0] == kind {
			return string(s)
		}
		p = rest
	}
	return ""
}

// Unsigned reports whether the column's numbers are unsigned.
func (c *Column) Unsigned() bool { return c.Flags&FlagUnsigned != 0 }
