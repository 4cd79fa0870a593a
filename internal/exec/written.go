package exec

import "github.com/orbweaver/orbweaver/internal/topo"

// wideCharset has all characters.
const wideCharset = "utf8mb4"

// asStored has strings arrive in their own character sets.
const asStored = "NULL"

// keepsBytes says whether a column keeps the bytes of the strings that it is given, whatever their character set is.
func keepsBytes(c *topo.Column) bool {
	switch c.Type {
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit":
		return true
	}
	return false
}

// arriving is in which character set values are to arrive that are then written to columns: in their own where one of these keeps bytes, else in one that has all characters, whatever the client can read.
func arriving(bytes bool) string {
	if bytes {
		return asStored
	}
	return wideCharset
}
