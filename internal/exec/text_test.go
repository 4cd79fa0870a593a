package exec

import (
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// What a client sends as a DECIMAL may be any bytes: they are no part of the text that a leaf is asked.
func TestArgumentsHoldNoSQL(t *testing.T) {
	for _, typ := range []wire.FieldType{wire.TypeDecimal, wire.TypeNewDecimal, wire.TypeVarString, wire.TypeBlob, wire.TypeGeometry} {
		st := &Statement{Charset: "utf8mb4", Args: []wire.Param{{ParamType: wire.ParamType{Type: typ}, Bytes: []byte("SLEEP(9)")}}}
		if text, err := st.argument(0, true); err != nil || strings.Contains(text, "SLEEP") {
			t.Errorf("type %d: %s, %v", typ, text, err)
		}
	}
	st := &Statement{Args: []wire.Param{{ParamType: wire.ParamType{Type: wire.TypeNewDecimal}, Bytes: []byte("-1.50")}}}
	if text, err := st.argument(0, true); err != nil || text != "-(-1.50)" {
		t.Errorf("%s, %v", text, err)
	}
}

func TestRenamed(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Table 'test_3.x' doesn't exist", "Table 'test.x' doesn't exist"},
		{"(`test_3`.`t`, CONSTRAINT `test_3`)", "(`test`.`t`, CONSTRAINT `test`)"},
		{"Duplicate entry 'test_33' and 'atest_3'", ""},
		{"test_3", "test"},
	} {
		if got := string(renamed([]byte(c.text), "test_3", "test")); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestRecount(t *testing.T) {
	a := numbers([]byte("Records: 3  Duplicates: 1  Warnings: 0"))
	b := numbers([]byte("Records: 12  Duplicates: 0  Warnings: 0"))
	sum := added(a, b)
	sum[2] = 7
	if got := string(recount([]byte("Records: 3  Duplicates: 1  Warnings: 0"), sum)); got != "Records: 15  Duplicates: 1  Warnings: 7" {
		t.Error(got)
	}
}
