package exec

import (
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// A lean copy has what is read, and the keys that are shown or by which rows are sought.
func TestLeanDefinition(t *testing.T) {
	const create = "CREATE TABLE `t` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `a` int(11) DEFAULT NULL COMMENT 'KEY (`b`)',\n  `b` varchar(10) COLLATE utf8mb4_bin WITHOUT SYSTEM VERSIONING,\n" +
		"  `c` int(11) DEFAULT (`a` + 1),\n  `tx` text,\n  `fulltext` varchar(300),\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `u` (`a`,`b`),\n  KEY `k` (`c`,`a`,`b`(3)) USING BTREE COMMENT 'x',\n" +
		"  KEY `l` (`fulltext`),\n  KEY `m` (`tx`(9),`fulltext`),\n  FULLTEXT KEY `f` (`tx`),\n  CONSTRAINT `x` CHECK (`a` > 0)\n) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci ROW_FORMAT=COMPRESSED " +
		"COMMENT='COLLATE=x' WITH SYSTEM VERSIONING\n PARTITION BY HASH (`id`)\nPARTITIONS 4"
	const (
		id, a, b, c, tx, ft = 0, 1, 2, 3, 4, 5
		aria                = " CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=PAGE PAGE_CHECKSUM=0"
		columnID            = "`id` int(11) NOT NULL AUTO_INCREMENT"
		columnA             = "`a` int(11) DEFAULT NULL COMMENT 'KEY (`b`)'"
		columnB             = "`b` varchar(10) COLLATE utf8mb4_bin "
	)
	table := &topo.Table{DB: "d", Name: "t", AutoIncrement: 0, Columns: []topo.Column{{Name: "id", Type: "int"}, {Name: "a", Type: "int"}, {Name: "b", Type: "varchar", Length: 10},
		{Name: "c", Type: "int"}, {Name: "tx", Type: "text", Length: 65535}, {Name: "fulltext", Type: "varchar", Length: 300}}}
	for _, x := range []struct {
		columns, shown, sought []int
		want                   string
	}{
		{[]int{a}, nil, nil, "(" + columnA + ")" + aria},
		{[]int{id}, nil, nil, "(" + columnID + ",KEY(`id`))" + aria},
		{[]int{id}, []int{id}, nil, "(" + columnID + ",PRIMARY KEY(`id`))" + aria},
		{[]int{a}, nil, []int{a}, "(" + columnA + ",KEY(`a`))" + aria},
		{[]int{a, b}, []int{b}, nil, "(" + columnA + "," + columnB + ",`c` int(11) DEFAULT (`a` + 1),UNIQUE KEY `u`(`a`,`b`),KEY `k`(`c`,`a`,`b`(3)))" + aria},
		{[]int{c}, nil, []int{c}, "(" + columnA + ",`c` int(11) DEFAULT (`a` + 1),KEY `k`(`c`))" + aria},
		{[]int{tx}, nil, nil, "(`tx` text)" + aria},
		{[]int{ft}, []int{ft}, nil, "(`fulltext` varchar(300),KEY `l`(`fulltext`)) CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci ENGINE=InnoDB"}, // m would tell no more
		{[]int{ft}, nil, []int{ft}, "(`fulltext` varchar(300),KEY `l`(`fulltext`)) CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci ENGINE=InnoDB"},
	} {
		got, err := leanDefinition([]byte(create), &plan.Fill{Table: table, Columns: x.columns, Lean: true, Shown: x.shown, Sought: x.sought}, manyRows)
		if err != nil || got != x.want {
			t.Errorf("%v, shown %v, sought %v:\n got %s, %v\nwant %s", x.columns, x.shown, x.sought, got, err, x.want)
		}
	}
	if got, err := leanDefinition([]byte(create), &plan.Fill{Table: table, Columns: []int{a}, Lean: true}, manyRows-1); err != nil || got != "("+columnA+")"+strings.Replace(aria, ariaOptions, "ENGINE=InnoDB", 1) {
		t.Errorf("of few rows: %s, %v", got, err)
	}
	for _, bad := range []string{"", "CREATE TABLE `t` (", "CREATE TABLE `t` (`x` int)", "CREATE TABLE `t` (`a` int, KEY `k` (lower(`a`)))"} {
		if got, err := leanDefinition([]byte(bad), &plan.Fill{Table: table, Columns: []int{a}}, manyRows); err == nil {
			t.Errorf("%q is understood: %s", bad, got)
		}
	}
}
