package partition

import (
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// TestAlike compares a scheme with others. What a column is called, and a partition, makes no difference.
func TestAlike(t *testing.T) {
	text := topo.Column{Type: "varchar", FullType: "varchar(9)", Charset: "utf8mb4", Collation: "utf8mb4_general_ci"}
	bin := text
	bin.Collation = "utf8mb4_bin"
	wide := text
	wide.FullType, wide.Length = "varchar(20)", 20
	fixed := text
	fixed.Type, fixed.FullType = "char", "char(9)"
	read := func(by string, columns ...topo.Column) *Scheme {
		t.Helper()
		names := []string{"a", "b"}
		if strings.Contains(by, "B1") {
			names = []string{"A1", "B1"}
		}
		for i := range columns {
			columns[i].Name = names[i]
		}
		s, err := Read([]byte("CREATE TABLE `t` (\n  `x` int(11)\n)\n PARTITION BY "+by), sqltext.Mode{}, columns)
		if err != nil {
			t.Fatal(by, err)
		}
		return s
	}
	integer, unsigned, shown := column("int", "int(11)", "", ""), column("int", "int(10) unsigned", "", ""), column("int", "int(5)", "", "")
	unsigned.Unsigned = true
	big, day := column("bigint", "bigint(20)", "", ""), column("date", "date", "", "")
	dec, dec2 := column("decimal", "decimal(10,2)", "", ""), column("decimal", "decimal(10,3)", "", "")
	ranges := func(names ...string) string {
		return "RANGE (`a`)\n(PARTITION `" + names[0] + "` VALUES LESS THAN (" + names[1] + ") ENGINE = InnoDB,\n PARTITION `" + names[2] + "` VALUES LESS THAN " + names[3] + " ENGINE = InnoDB)"
	}
	lists := func(a, b string) string {
		return "LIST (`a`)\n(PARTITION `p0` VALUES IN (" + a + ") ENGINE = InnoDB,\n PARTITION `p1` " + b + " ENGINE = InnoDB)"
	}
	subs := func(by, n string) string {
		return "RANGE (to_days(`a`))\nSUBPARTITION BY " + by + "\nSUBPARTITIONS " + n + "\n(PARTITION `p0` VALUES LESS THAN (5) ENGINE = InnoDB)"
	}
	for _, c := range []struct {
		x, y *Scheme
		why  string // a part of the reason; "" when they are alike
	}{
		{read("KEY (`a`)\nPARTITIONS 2", integer), read("KEY (`a`)\nPARTITIONS 2", shown), ""},
		{read("KEY (`a`,`b`)\nPARTITIONS 2", integer, text), read("KEY (`A1`,`B1`)\nPARTITIONS 2", integer, wide), ""},
		{read("KEY (`a`)\nPARTITIONS 2", integer), read("KEY (`a`)\nPARTITIONS 3", integer), "numbers of partitions"},
		{read("KEY (`a`)\nPARTITIONS 2", integer), read("LINEAR KEY (`a`)\nPARTITIONS 2", integer), "different ways"},
		{read("KEY (`a`)\nPARTITIONS 2", integer), read("KEY ALGORITHM = 1 (`a`)\nPARTITIONS 2", integer), "different ways"},
		{read("KEY (`a`)\nPARTITIONS 2", integer), read("HASH (`a`)\nPARTITIONS 2", integer), "different ways"},
		{read("KEY (`a`)\nPARTITIONS 2", integer), read("KEY (`a`,`b`)\nPARTITIONS 2", integer, integer), "other columns"},
		{read("KEY (`a`)\nPARTITIONS 2", integer), read("KEY (`a`)\nPARTITIONS 2", big), "types"},
		{read("KEY (`a`)\nPARTITIONS 2", integer), read("KEY (`a`)\nPARTITIONS 2", unsigned), "types"},
		{read("KEY (`a`)\nPARTITIONS 2", text), read("KEY (`a`)\nPARTITIONS 2", bin), "types"},
		{read("KEY (`a`)\nPARTITIONS 2", text), read("KEY (`a`)\nPARTITIONS 2", fixed), "types"},
		{read("KEY (`a`)\nPARTITIONS 2", dec), read("KEY (`a`)\nPARTITIONS 2", dec2), "types"},
		{read("HASH (year(`a`) + 1)\nPARTITIONS 2", day), read("HASH (year(`a`) + 1)\nPARTITIONS 2", day), ""},
		{read("HASH (year(`a`) + 1)\nPARTITIONS 2", day), read("HASH (year(`a`) + 2)\nPARTITIONS 2", day), "different ways"},
		{read("HASH (`a` - `b`)\nPARTITIONS 2", integer, integer), read("HASH (`A1` - `B1`)\nPARTITIONS 2", integer, integer), ""},
		{read("HASH (`a` - `b` * `a`)\nPARTITIONS 2", integer, integer), read("HASH (`A1` - `B1` * `B1`)\nPARTITIONS 2", integer, integer), "different ways"},
		{read(ranges("p0", "5", "p1", "MAXVALUE"), integer), read(ranges("old", "5", "new", "MAXVALUE"), integer), ""},
		{read(ranges("p0", "5", "p1", "MAXVALUE"), integer), read(ranges("p0", "6", "p1", "MAXVALUE"), integer), "values of 'p0'"},
		{read(ranges("p0", "5", "p1", "MAXVALUE"), integer), read(ranges("p0", "-5", "p1", "MAXVALUE"), integer), "values of 'p0'"},
		{read(ranges("p0", "5", "p1", "MAXVALUE"), integer), read(ranges("p0", "5", "p1", "(9)"), integer), "values of 'p1'"},
		{read(lists("1,2", "DEFAULT"), integer), read(lists("2,1", "DEFAULT"), integer), ""},
		{read(lists("1,2", "DEFAULT"), integer), read(lists("1,3", "DEFAULT"), integer), "values of 'p0'"},
		{read(lists("1,2", "DEFAULT"), integer), read(lists("1,2", "VALUES IN (NULL)"), integer), "values of 'p1'"},
		{read(subs("HASH (to_days(`a`))", "2"), day), read(subs("HASH (to_days(`a`))", "2"), day), ""},
		{read(subs("HASH (to_days(`a`))", "2"), day), read(subs("HASH (to_days(`a`))", "3"), day), "numbers of subpartitions"},
		{read(subs("HASH (to_days(`a`))", "2"), day), read(subs("KEY (`a`)", "2"), day), "subpartitions are chosen"},
	} {
		why, turned := Alike(c.x, c.y), Alike(c.y, c.x)
		if (why == "") != (c.why == "") || (turned == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%+v\n%+v\nare %q and %q, not %q", c.x, c.y, why, turned, c.why)
		}
	}
}
