package gateway

import (
	"cmp"
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

// asLinked changes values, which are those of columns of information_schema.TABLES where they are not the leaf's own, so that linked tables are told as tables of Spider.
func asLinked(snap *topo.Snapshot, values map[string]string) {
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
		return
	}
	const key = "CONCAT(TABLE_SCHEMA,x'00',TABLE_NAME)"
	linked := key + " IN (" + keys.String() + ")"
	values["ENGINE"] = "IF(" + linked + ",CONVERT('" + linkedEngine + "' USING utf8mb3),ENGINE)"
	if comments.Len() > 0 {
		values["TABLE_COMMENT"] = "CASE " + key + comments.String() + " ELSE TABLE_COMMENT END"
	}
	for _, c := range unknownOfLinked {
		values[c] = "IF(" + linked + ",NULL," + cmp.Or(values[c], c) + ")"
	}
}
