package compound

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// class says how a variable's value is asked for, and written.
type class uint8

const (
	classInt class = iota + 1
	classUnsigned
	classDecimal
	classDouble
	classFloat
	classText  // with a character set
	classDate  // DATE
	classTime  // TIME
	classStamp // DATETIME, TIMESTAMP
	classBit
	classEnum     // ENUM, SET: a string, and a number where one is needed
	classNamed    // UUID, INET4, INET6
	classGeometry // POINT and its kin
)

// classes are those of the types that variables may have, by their first words.
var classes = map[string]class{
	"TINYINT": classInt, "SMALLINT": classInt, "MEDIUMINT": classInt, "INT": classInt, "INTEGER": classInt, "BIGINT": classInt, "BOOL": classInt, "BOOLEAN": classInt,
	"INT1": classInt, "INT2": classInt, "INT3": classInt, "INT4": classInt, "INT8": classInt, "MIDDLEINT": classInt, "YEAR": classInt,
	"DECIMAL": classDecimal, "NUMERIC": classDecimal, "DEC": classDecimal, "FIXED": classDecimal, "NUMBER": classDecimal,
	"DOUBLE": classDouble, "REAL": classDouble, "FLOAT8": classDouble, "FLOAT": classFloat, "FLOAT4": classFloat,
	"CHAR": classText, "CHARACTER": classText, "VARCHAR": classText, "VARCHARACTER": classText, "NCHAR": classText, "NVARCHAR": classText, "NATIONAL": classText, "BINARY": classText, "VARBINARY": classText,
	"TINYTEXT": classText, "TEXT": classText, "MEDIUMTEXT": classText, "LONGTEXT": classText, "TINYBLOB": classText, "BLOB": classText, "MEDIUMBLOB": classText,
	"LONGBLOB": classText, "JSON": classText, "LONG": classText,
	"DATE": classDate, "TIME": classTime, "DATETIME": classStamp, "TIMESTAMP": classStamp,
	"BIT": classBit, "ENUM": classEnum, "SET": classEnum, "UUID": classNamed, "INET4": classNamed, "INET6": classNamed,
	"GEOMETRY": classGeometry, "POINT": classGeometry, "LINESTRING": classGeometry, "POLYGON": classGeometry, "MULTIPOINT": classGeometry, "MULTILINESTRING": classGeometry,
	"MULTIPOLYGON": classGeometry, "GEOMETRYCOLLECTION": classGeometry,
}

// Value is what a variable holds.
type Value struct {
	class class // 0: NULL
	text  string
	// charset and collation are a string's, which text is in as bytes. charset is the spatial reference of a geometry, whose bytes are text, too.
	charset, collation string
}

// asked are the columns by which a leaf tells a variable's value.
func (c class) asked(name string) string {
	switch c {
	case classFloat: // which is printed with six digits
		return "CAST(" + name + " AS DOUBLE)"
	case classBit:
		return name + "+0"
	case classGeometry:
		return "HEX(ST_AsWKB(" + name + ")),ST_SRID(" + name + ")"
	case classText, classEnum:
		return "HEX(" + name + "),CHARSET(" + name + "),COLLATION(" + name + ")"
	}
	return name
}

// columns is how many those are.
func (c class) columns() int {
	switch c {
	case classText, classEnum:
		return 3
	case classGeometry:
		return 2
	}
	return 1
}

// told is the value that a leaf tells in these columns.
func (c class) told(cells [][]byte) (Value, error) {
	if cells[0] == nil {
		return Value{}, nil
	}
	v := Value{class: c, text: string(cells[0])}
	if n := c.columns(); n > 1 {
		b, err := hex.DecodeString(v.text)
		if err != nil {
			return Value{}, err
		}
		v.text, v.charset = string(b), string(cells[1])
		if n > 2 {
			v.collation = string(cells[2])
		}
	}
	return v, nil
}

// literal is the value as it can be given to a variable of its type.
func (v Value) literal() string {
	switch v.class {
	case 0:
		return "NULL"
	case classInt, classUnsigned, classDecimal, classBit:
		return v.text
	case classGeometry:
		return "ST_GeomFromWKB(x'" + hex.EncodeToString([]byte(v.text)) + "'," + v.charset + ")"
	case classDouble, classFloat:
		if strings.ContainsAny(v.text, "eE") {
			return v.text
		}
		return v.text + "e0"
	case classText, classEnum:
		if v.charset == "binary" {
			return "x'" + hex.EncodeToString([]byte(v.text)) + "'"
		}
		return "_" + v.charset + " x'" + hex.EncodeToString([]byte(v.text)) + "'"
	}
	return "'" + v.text + "'" // digits and what is between them
}

// Env is what the session's literals are read by.
type Env struct {
	Charset, Collation string // of the connection
	// Multibyte: a character's second byte may look like a quote or a backslash.
	Multibyte bool
}

// bare says where a value is put: an integer that is compared or stored need not bring its sign's type along.
func (v Value) spliced(name string, env Env, bare bool) string {
	named := func(lit string) string { return "NAME_CONST(" + quoted(name) + "," + lit + ")" }
	switch v.class {
	case 0:
		return named("NULL")
	case classInt:
		if n, err := strconv.ParseInt(v.text, 10, 64); err == nil && n == -1<<63 {
			return "(-9223372036854775807-1)" // its digits alone are a DECIMAL
		}
		return named(v.text)
	case classUnsigned:
		if n, err := strconv.ParseUint(v.text, 10, 64); err == nil && n < 1<<63 && !bare {
			return "CAST(" + v.text + " AS UNSIGNED)"
		}
		return named(v.text)
	case classDecimal:
		if !strings.Contains(v.text, ".") {
			return named(v.text + ".") // or it would be an integer
		}
		return named(v.text)
	case classDouble:
		return named(v.literal())
	case classFloat:
		return "CAST(" + v.literal() + " AS FLOAT)"
	case classDate:
		return named("DATE'" + v.text + "'")
	case classTime:
		return named("TIME'" + v.text + "'")
	case classStamp:
		return named("TIMESTAMP'" + v.text + "'")
	case classGeometry:
		return v.literal()
	}
	if v.charset == env.Charset && v.collation == env.Collation && !env.Multibyte && plainText(v.text) {
		return named("'" + strings.ReplaceAll(v.text, "'", "''") + "'") // by which the node knows a key's value, too
	}
	if v.charset == "binary" {
		return named(v.literal())
	}
	return named(v.literal() + " COLLATE " + v.collation)
}

// plainText says whether a string reads the same under every sql_mode, but for its quotes.
func plainText(s string) bool {
	return !strings.ContainsAny(s, "\\\x00\x1a")
}

// quoted is a string literal of a variable's name.
func quoted(name string) string {
	if !plainText(name) {
		return "x'" + hex.EncodeToString([]byte(name)) + "'"
	}
	return "'" + strings.ReplaceAll(name, "'", "''") + "'"
}

// ident is a name in quotes that every sql_mode takes.
func ident(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
