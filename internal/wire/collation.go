package wire

import "sync"

// Collation is a collation that MariaDB knows. Its id is what handshakes and column definitions carry.
type Collation struct {
	ID      uint16
	Name    string
	Charset string
	MaxLen  uint8 // bytes of its longest character
	Default bool  // the character set's default
}

// Collation ids that the node itself names.
const (
	CollationLatin1  uint16 = 8  // latin1_swedish_ci
	CollationUTF8MB3 uint16 = 33 // utf8mb3_general_ci
	CollationUTF8MB4 uint16 = 45 // utf8mb4_general_ci
	CollationBinary  uint16 = 63 // binary
)

var collationIndex = sync.OnceValues(func() (map[uint16]*Collation, map[string]*Collation) {
	ids, names := make(map[uint16]*Collation, len(collationTable)), make(map[string]*Collation, len(collationTable))
	for i := range collationTable {
		c := &collationTable[i]
		ids[c.ID], names[c.Name] = c, c
	}
	return ids, names
})

// CollationByID returns the collation with an id, nil for an unknown one.
func CollationByID(id uint16) *Collation {
	ids, _ := collationIndex()
	return ids[id]
}

// CollationByName returns the collation with a full name in lower case, nil for an unknown one.
func CollationByName(name string) *Collation {
	_, names := collationIndex()
	return names[name]
}

// DefaultCollation returns the default collation of a character set in lower case, nil for an unknown one. utf8 is utf8mb3,
// as with MariaDB's default old_mode.
func DefaultCollation(charset string) *Collation {
	if charset == "utf8" {
		charset = "utf8mb3"
	}
	for i := range collationTable {
		if c := &collationTable[i]; c.Default && c.Charset == charset {
			return c
		}
	}
	return nil
}
