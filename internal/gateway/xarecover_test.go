package gateway

import (
	"testing"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

func TestXIDAsSQL(t *testing.T) {
	for _, c := range []struct {
		gtrid, bqual string
		format       int64
		want         string
	}{
		{"a-1_B c", "", 1, "'a-1_B c'"},
		{"a.1", "", 1, "X'612e31'"},
		{"a", "#", 1, "X'61',X'23'"},
		{"a", "", 7, "'a','',7"},
	} {
		if got := string(xidSQL(&catalog.XID{Format: c.format, Gtrid: []byte(c.gtrid), Bqual: []byte(c.bqual)})); got != c.want {
			t.Errorf("%q, %q, %d: %s, want %s", c.gtrid, c.bqual, c.format, got, c.want)
		}
	}
}
