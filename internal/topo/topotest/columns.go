package topotest

import (
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Columns are those of a table of the session's current database.
func Columns(s *farmtest.Session, table string) []topo.Column {
	s.Helper()
	var out []topo.Column
	for _, r := range s.Rows(`SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IFNULL(NUMERIC_SCALE, IFNULL(DATETIME_PRECISION, 0)),
		IFNULL(CHARACTER_MAXIMUM_LENGTH, 0), IFNULL(CHARACTER_SET_NAME, ''), IFNULL(COLLATION_NAME, ''), IS_NULLABLE
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='` + table + `' ORDER BY ORDINAL_POSITION`) {
		scale, err := strconv.Atoi(string(r[3]))
		if err != nil {
			s.Fatal(err)
		}
		length, err := strconv.ParseInt(string(r[4]), 10, 64)
		if err != nil {
			s.Fatal(err)
		}
		full := string(r[2])
		out = append(out, topo.Column{Name: string(r[0]), Type: string(r[1]), FullType: full, Scale: scale, Length: length,
			Charset: string(r[5]), Collation: string(r[6]), Nullable: string(r[7]) == "YES", Unsigned: strings.Contains(full, "unsigned")})
	}
	return out
}
