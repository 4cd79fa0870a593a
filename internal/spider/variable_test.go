package spider

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// The variables are those of the real Spider: names, types, ranges, defaults and scopes.
func TestVariablesOfSpider(t *testing.T) {
	c := node(t)
	rows, err := c.QueryContext(context.Background(), `SELECT LOWER(VARIABLE_NAME) n, VARIABLE_TYPE, COALESCE(NUMERIC_MIN_VALUE,''), COALESCE(NUMERIC_MAX_VALUE,''),
		COALESCE(DEFAULT_VALUE,''), VARIABLE_SCOPE, READ_ONLY FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME LIKE 'SPIDER\_%' ORDER BY BINARY n`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var theirs, ours strings.Builder
	for rows.Next() {
		var f [7]string
		if err := rows.Scan(&f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6]); err != nil {
			t.Fatal(err)
		}
		f[1] = strings.Replace(f[1], "BIGINT", "INT", 1) // ranges tell
		fmt.Fprintln(&theirs, strings.Join(f[:], "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range Variables {
		v := &Variables[i]
		kind, from, to, scope, only := "INT", fmt.Sprint(v.Min), fmt.Sprint(v.Max), "SESSION", "NO"
		switch {
		case v.Kind == Bool:
			kind, from, to = "BOOLEAN", "", ""
		case v.Kind == Text:
			kind, from, to = "VARCHAR", "", ""
		case v.Unsigned:
			kind = "INT UNSIGNED"
		}
		if v.Global {
			scope = "GLOBAL"
		}
		if v.ReadOnly {
			only = "YES"
		}
		fmt.Fprintln(&ours, strings.Join([]string{v.Name, kind, from, to, v.Default, scope, only}, "|"))
		if FindVariable(v.Name) != v {
			t.Errorf("%s is not found", v.Name)
		}
	}
	if theirs.Len() == 0 || ours.String() != theirs.String() {
		t.Errorf("Spider has\n%s\nwe have\n%s", theirs.String(), ours.String())
	}
}

func TestUnknownVariables(t *testing.T) {
	for _, name := range []string{"", "spider_", "spider_nosuch", "sql_mode", "bgs_mode", "zzz"} {
		if v := FindVariable(name); v != nil {
			t.Errorf("%q is %s", name, v.Name)
		}
	}
}

func TestFit(t *testing.T) {
	for _, x := range []struct {
		name    string
		given   Given
		want    string
		cut, ok bool
	}{
		{"spider_bgs_mode", Given{Integer: true, Value: "2"}, "2", false, true},
		{"spider_bgs_mode", Given{Integer: true, Value: "-1"}, "-1", false, true},
		{"spider_bgs_mode", Given{Integer: true, Value: "-2"}, "-1", true, true},
		{"spider_bgs_mode", Given{Integer: true, Value: "18446744073709551615"}, "3", true, true},
		{"spider_block_size", Given{Integer: true, Value: "-1"}, "0", true, true},
		{"spider_split_read", Given{Integer: true, Value: "9223372036854775807"}, "9223372036854775807", false, true},
		{"spider_semi_trx", Given{Text: true, Value: "of"}, "OFF", false, true},
		{"spider_semi_trx", Given{Text: true, Value: "o"}, "", false, false},
		{"spider_semi_trx", Given{Text: true, Null: true, Value: "NULL"}, "", false, false},
		{"spider_semi_trx", Given{Integer: true, Value: "2"}, "", false, false},
		{"spider_bka_engine", Given{Text: true, Value: "InnoDB"}, "InnoDB", false, true},
	} {
		v := FindVariable(x.name)
		value, cut, ok := v.Fit(x.given)
		if value != x.want || cut != x.cut || ok != x.ok || !v.Takes(x.given) {
			t.Errorf("%s = %+v: %q, %v, %v", x.name, x.given, value, cut, ok)
		}
	}
	for name, given := range map[string]Given{
		"spider_bgs_mode": {Text: true, Value: "1"}, "spider_semi_trx": {Value: "1.0"}, "spider_bka_engine": {Integer: true, Value: "1"},
	} {
		if FindVariable(name).Takes(given) {
			t.Errorf("%s takes %+v", name, given)
		}
	}
}
