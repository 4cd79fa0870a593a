package gateway

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// linkedEngine is what MariaDB calls Spider where it lists tables.
const linkedEngine = "SPIDER"

// unknownOfLinked are the columns of information_schema.TABLES that tell of rows, of which the shape has none.
var unknownOfLinked = []string{"TABLE_ROWS", "AVG_ROW_LENGTH", "DATA_LENGTH", "MAX_DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE", "AUTO_INCREMENT", "UPDATE_TIME", "CHECK_TIME",
	"CHECKSUM", "MAX_INDEX_LENGTH"}

// tablesColumns is the list of columns of information_schema.TABLES by which linked tables are told as tables of Spider; "*" where there are none.
func (g *Gateway) tablesColumns(snap *topo.Snapshot) string {
	var keys, comments strings.Builder
	for _, db := range slices.Sorted(maps.Keys(snap.Databases)) { // in order: a leaf keeps prepared statements by their text
		tables := snap.Databases[db].Tables
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			t := tables[name]
			if t.Kind != topo.Linked {
				continue
			}
			key := "x'" + hex.EncodeToString([]byte(t.DB+"\x00"+t.Name)) + "'"
			if keys.Len() > 0 {
				keys.WriteByte(',')
			}
			keys.WriteString(key)
			if l := t.Info("", ""); l != nil && l.Comment != "" {
				comments.WriteString(" WHEN " + key + " THEN CONVERT(_utf8mb4 x'" + hex.EncodeToString([]byte(l.Comment)) + "' USING utf8mb3)")
			}
		}
	}
	if keys.Len() == 0 {
		return "*"
	}
	const key = "CONCAT(TABLE_SCHEMA,x'00',TABLE_NAME)"
	linked := key + " IN (" + keys.String() + ")"
	cols := slices.Clone(g.tables)
	for i, c := range cols {
		value := ""
		switch {
		case c == "ENGINE":
			value = "IF(" + linked + ",CONVERT('" + linkedEngine + "' USING utf8mb3),ENGINE)"
		case c == "TABLE_COMMENT" && comments.Len() > 0:
			value = "CASE " + key + comments.String() + " ELSE TABLE_COMMENT END"
		case slices.Contains(unknownOfLinked, c):
			value = "IF(" + linked + ",NULL," + c + ")"
		default:
			continue
		}
		cols[i] = value + " AS " + c
	}
	return strings.Join(cols, ",")
}

// statusOfLinked makes a row of SHOW TABLE STATUS one of a table of Spider where it is a linked table's.
func statusOfLinked(snap *topo.Snapshot, db string, v [][]byte) [][]byte {
	t := snap.Table(db, string(v[0]))
	if t == nil || t.Kind != topo.Linked || len(v) < 18 {
		return v
	}
	v[1] = []byte(linkedEngine)
	for _, i := range []int{4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 18} { // unknownOfLinked
		if i < len(v) {
			v[i] = nil
		}
	}
	if l := t.Info("", ""); l != nil {
		v[17] = []byte(l.Comment)
	}
	return v
}
