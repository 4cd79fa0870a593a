package shard

import "strings"

// Block is how a block is written that declares variables like a table's columns. Under sql_mode=ORACLE the declarations come before BEGIN, and a DATE has a time.
type Block struct {
	Oracle bool
	Table  string // whose columns they are, in SQL
}

// Variable is one that a block declares: its name and its type in SQL, and the expression of its value.
type Variable struct{ Name, Type, Value string }

// Begin begins the block, with its variables. The value of a common table expression is set after the declarations: as the DEFAULT of one it ends MariaDB itself.
func (b Block) Begin(dst []byte, vars []Variable) []byte {
	declare, body := "DECLARE ", ""
	if b.Oracle {
		dst, declare, body = append(dst, "DECLARE\n"...), "", "BEGIN\n"
	} else {
		dst = append(dst, "BEGIN NOT ATOMIC\n"...)
	}
	late := func(v *Variable) bool { return strings.Contains(strings.ToUpper(v.Value), "WITH") } // WITH in a name or a string does no harm
	for i := range vars {
		v := &vars[i]
		dst = append(append(append(append(dst, declare...), v.Name...), ' '), v.Type...)
		if !late(v) {
			dst = append(append(append(dst, " DEFAULT ("...), v.Value...), ')')
		}
		dst = append(dst, ";\n"...)
	}
	dst = append(dst, body...)
	for i := range vars {
		if v := &vars[i]; late(v) {
			dst = append(append(append(append(append(dst, "SET "...), v.Name...), " = ("...), v.Value...), ");\n"...)
		}
	}
	return dst
}

// Type is the type of a variable for a column: its COLUMN_TYPE with character set and collation.
func (b Block) Type(name, fullType, charset, collation string) string {
	if b.Oracle && strings.EqualFold(fullType, "date") {
		return b.Table + ".`" + strings.ReplaceAll(name, "`", "``") + "`%TYPE"
	}
	if charset == "" || strings.EqualFold(collation, "binary") {
		return fullType
	}
	return fullType + " CHARACTER SET " + charset + " COLLATE " + collation
}
