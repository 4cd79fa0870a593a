package shard

import "strings"

// Block is how a block is written that declares variables like a table's columns. Under sql_mode=ORACLE the declarations come before BEGIN, and a DATE has a time.
type Block struct {
	Oracle bool
	Table  string // whose columns they are, in SQL
}

// Open begins the block.
func (b Block) Open() string {
	if b.Oracle {
		return "DECLARE\n"
	}
	return "BEGIN NOT ATOMIC\n"
}

// Declare begins a declaration.
func (b Block) Declare() string {
	if b.Oracle {
		return ""
	}
	return "DECLARE "
}

// Body stands between the declarations and the statements.
func (b Block) Body() string {
	if b.Oracle {
		return "BEGIN\n"
	}
	return ""
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
