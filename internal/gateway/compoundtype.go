package gateway

import (
	"context"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Fields are the columns of a table, or one of them, as variables may be declared like them. A leaf says whether the account may know.
func (h *programHost) Fields(ctx context.Context, db, table, column string) ([]compound.Field, error) {
	s := h.s
	if db == "" {
		db = s.sess.DB
	}
	if db == "" {
		return nil, h.condition(ctx, wire.Errorf(wire.ErNoDB, "No database selected"))
	}
	name := quoteName(db) + "." + quoteName(table)
	t := s.topology().Table(db, table)
	if t == nil || s.temps.tables[tableKey{db, table}] {
		what := "*"
		if column != "" {
			what = quoteName(column)
		}
		return h.Describe(ctx, "SELECT "+what+" FROM "+name)
	}
	declared := "ROW TYPE OF " + name
	if column != "" {
		declared = "TYPE OF " + name + "." + quoteName(column)
	}
	if _, err := h.Compute(ctx, "BEGIN NOT ATOMIC DECLARE x "+declared+"; END", nil); err != nil {
		return nil, err
	}
	var out []compound.Field
	for i := range t.Columns {
		if c := &t.Columns[i]; column == "" || strings.EqualFold(c.Name, column) {
			out = append(out, compound.Field{Name: c.Name, Type: declaredAs(c)})
		}
	}
	if len(out) == 0 {
		return nil, unsupported("a variable of the type of "+name+"."+column, "the column is not known yet; try again")
	}
	return out, nil
}

// declaredAs is a column's type as a variable's.
func declaredAs(c *topo.Column) string {
	typ, _, _ := strings.Cut(c.FullType, "/*") // COMPRESSED, which is the column's alone
	if c.Charset == "" || strings.Contains(typ, "blob") || strings.Contains(typ, "binary") {
		return typ
	}
	return typ + " CHARACTER SET " + c.Charset + " COLLATE " + c.Collation
}

// Describe tells a query's columns, as a leaf does when it prepares it.
func (h *programHost) Describe(ctx context.Context, query string) ([]compound.Field, error) {
	var cols []wire.Column
	caps := h.s.out.Caps()
	err := h.s.prepareOnly(ctx, query, func(p backend.Packet) error {
		if p.Kind != backend.KindColumn {
			return nil
		}
		var c wire.Column
		err := wire.ParseColumn(p.Payload, caps, &c)
		cols = append(cols, c)
		return err
	})
	if err != nil {
		return nil, h.condition(ctx, err)
	}
	return h.fieldsOf(ctx, cols)
}

// fieldsOf are variables that could hold the columns of a result: as the table's column where it is one's, else by what clients are told of it.
func (h *programHost) fieldsOf(ctx context.Context, cols []wire.Column) ([]compound.Field, error) {
	snap := h.s.topology()
	out := make([]compound.Field, len(cols))
	for i := range cols {
		c := &cols[i]
		out[i].Name = string(c.Name)
		if t := snap.Table(string(c.Schema), string(c.OrgTable)); t != nil && !h.s.temps.tables[tableKey{t.DB, t.Name}] {
			for j := range t.Columns {
				if strings.EqualFold(t.Columns[j].Name, string(c.OrgName)) {
					out[i].Type = declaredAs(&t.Columns[j])
				}
			}
		}
		if out[i].Type == "" {
			out[i].Type = toldType(c)
		}
		if out[i].Type == "" && len(c.Schema) > 0 {
			out[i].Type = h.shownType(ctx, c)
		}
		if out[i].Type == "" {
			return nil, unsupported("a row with the ENUM or SET column "+out[i].Name+" whose table is not known here", "DECLARE a variable for it, and FETCH into that")
		}
	}
	return out, nil
}

// shownType is the type of a view's column, as a leaf shows it; "" where it does not.
func (h *programHost) shownType(ctx context.Context, c *wire.Column) (typ string) {
	err := h.s.atLeaf(ctx, h.s.home, "", func(conn *backend.Conn) error {
		res, err := conn.Query(ctx, "SHOW FULL COLUMNS FROM "+quoteName(string(c.OrgTable))+" FROM "+quoteName(string(c.Schema))+" WHERE Field = "+stringLiteral(string(c.OrgName)))
		if err == nil && len(res.Rows) == 1 && res.Rows[0][2] != nil {
			coll := wire.CollationByName(string(res.Rows[0][2]))
			if coll != nil {
				typ = string(res.Rows[0][1]) + " CHARACTER SET " + coll.Charset + " COLLATE " + coll.Name
			}
		}
		return err
	})
	if err != nil {
		return ""
	}
	return typ
}

// integers are the names of integer types.
var integers = map[wire.FieldType]string{wire.TypeTiny: "TINYINT", wire.TypeShort: "SMALLINT", wire.TypeInt24: "MEDIUMINT", wire.TypeLong: "INT", wire.TypeLongLong: "BIGINT"}

// maxVarchar is how many characters a VARCHAR of any character set may have.
const maxVarchar = 16000

// toldType is the type that a column's description tells of; "" for ENUM and SET, whose members it does not tell.
func toldType(c *wire.Column) string {
	if c.Flags&(wire.FlagEnum|wire.FlagSet) != 0 {
		return ""
	}
	switch ext := strings.ToUpper(c.ExtendedType()); ext {
	case "UUID", "INET4", "INET6":
		return ext
	}
	digits := func(most uint8) string {
		if c.Decimals == 0 || c.Decimals > most {
			return ""
		}
		return "(" + strconv.Itoa(int(c.Decimals)) + ")"
	}
	fixed := func() string {
		if c.Decimals > 30 || c.Length < uint32(c.Decimals) || c.Length > 255 {
			return ""
		}
		return "(" + strconv.Itoa(int(c.Length)) + "," + strconv.Itoa(int(c.Decimals)) + ")"
	}
	unsigned := ""
	if c.Flags&wire.FlagUnsigned != 0 {
		unsigned = " UNSIGNED"
	}
	if name := integers[c.Type]; name != "" {
		return name + unsigned
	}
	switch c.Type {
	case wire.TypeYear:
		return "YEAR"
	case wire.TypeNewDecimal, wire.TypeDecimal:
		precision := c.Length
		if c.Decimals > 0 {
			precision--
		}
		if unsigned == "" && precision > 1 {
			precision--
		}
		return "DECIMAL(" + strconv.Itoa(int(max(min(precision, 65), uint32(c.Decimals), 1))) + "," + strconv.Itoa(int(c.Decimals)) + ")" + unsigned
	case wire.TypeFloat:
		return "FLOAT" + fixed()
	case wire.TypeDouble:
		return "DOUBLE" + fixed()
	case wire.TypeDate, wire.TypeNewDate:
		return "DATE"
	case wire.TypeTime:
		return "TIME" + digits(6)
	case wire.TypeDateTime:
		return "DATETIME" + digits(6)
	case wire.TypeTimestamp:
		return "TIMESTAMP" + digits(6)
	case wire.TypeBit:
		return "BIT(" + strconv.Itoa(int(max(c.Length, 1))) + ")"
	case wire.TypeGeometry:
		return "GEOMETRY"
	}
	coll := wire.CollationByID(c.Collation)
	if coll == nil || coll.Charset == "binary" {
		if c.Length > maxVarchar {
			return "LONGBLOB"
		}
		return "VARBINARY(" + strconv.Itoa(int(c.Length)) + ")"
	}
	as := " CHARACTER SET " + coll.Charset + " COLLATE " + coll.Name
	n := c.Length / uint32(max(coll.MaxLen, 1))
	switch {
	case n > maxVarchar || c.Type == wire.TypeBlob || c.Type == wire.TypeLongBlob || c.Type == wire.TypeMediumBlob || c.Type == wire.TypeTinyBlob:
		return "LONGTEXT" + as
	case c.Type == wire.TypeString && n <= 255:
		return "CHAR(" + strconv.Itoa(int(n)) + ")" + as
	}
	return "VARCHAR(" + strconv.Itoa(int(n)) + ")" + as
}

// Column is the type of a column of one of some tables, "" where tables or types are not known or not the same.
func (h *programHost) Column(tables []*sqltext.TableName, name string) (typ string) {
	snap := h.s.topology()
	for _, n := range tables {
		_, t, err := h.s.tableOf(n, snap)
		if err != nil || t == nil {
			return ""
		}
		for i := range t.Columns {
			if c := &t.Columns[i]; strings.EqualFold(c.Name, name) {
				if typ != "" && typ != c.Type {
					return ""
				}
				typ = c.Type
			}
		}
	}
	return typ
}

// floats says whether a text's tables may have columns of the type FLOAT: of which clients are told six digits, but in the binary protocol.
func (h *programHost) floats(text string) bool {
	var scan sqltext.Scan
	if scan.Scan([]byte(text), h.s.mode()) != nil {
		return false
	}
	stmt, err := sqltext.Parse(&scan, h.s.mode())
	if err != nil || stmt.Kind != sqltext.KindSelect {
		return false
	}
	snap := h.s.topology()
	for _, n := range stmt.Tables {
		_, t, err := h.s.tableOf(n, snap)
		if err != nil || t == nil {
			return true // a view's, or a temporary table's
		}
		for i := range t.Columns {
			if t.Columns[i].Type == "float" {
				return true
			}
		}
	}
	return false
}

// typed is a captured value as a literal of its type: a DATE goes into a number as one does.
func (c *capture) typed(row, col int) (string, error) {
	cell := string(c.rows[row][col])
	if c.rows[row][col] != nil && !strings.HasPrefix(cell, "0000-") && !strings.Contains(cell, "-00") { // which an sql_mode may refuse as a literal
		switch c.cols[col].Type {
		case wire.TypeDate, wire.TypeNewDate:
			return "DATE'" + cell + "'", nil
		case wire.TypeTime:
			return "TIME'" + cell + "'", nil
		case wire.TypeDateTime, wire.TypeTimestamp:
			return "TIMESTAMP'" + cell + "'", nil
		}
	}
	return c.literal(row, col)
}

// ColumnAt is the type of a table's column by its place among those that an INSERT without names of columns fills; "" where that is not known.
func (h *programHost) ColumnAt(table *sqltext.TableName, at int) string {
	_, t, err := h.s.tableOf(table, h.s.topology())
	if err != nil || t == nil {
		return ""
	}
	for i := range t.Columns {
		if t.Columns[i].Invisible {
			continue
		}
		if at--; at < 0 {
			return t.Columns[i].Type
		}
	}
	return ""
}
