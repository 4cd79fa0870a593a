package gateway

import (
	"fmt"
	"math/rand"
	"strings"
)

// kind is a type of columns, with values for it. class says what can be done with it: i whole numbers, B bits, d decimals, f floating point, y years, s strings, b binary
// strings, e ENUM and SET, D dates, M dates with times, T times, S timestamps, o others that can decide partitions, and t texts, j JSON, g geometries, which can't.
type kind struct {
	class  byte
	ddl    string
	values string // literals, divided by |
	bounds string // two of them in order, where RANGE COLUMNS and LIST COLUMNS may have them
}

// stringValues fit the narrow character sets, too.
const stringValues = "'a'|'A'|'b'|'b '|'B  '|'c'|'ab'|''|' '|'zz'|'1'|'a\\0'|'ae'|'ss'|'Z'"

// wideValues are for those that have all characters.
const wideValues = stringValues + "|'ä'|'Ä'|'æ'|'ß'|'é'|'e'|'É'|'я'|'Ö '|'日本'|'ch'|'😀'|'İ'|'ı'"

func texts(types, values, bounds string, collations ...string) (out []kind) {
	for i, c := range collations {
		charset, _, _ := strings.Cut(c, "_")
		list := strings.Split(types, "|")
		fit := values
		if strings.Contains(c, "nopad") { // = tells 'a' and 'a\0' apart, ORDER BY does so with an index and does not without
			fit = strings.Replace(values, "|'a\\0'", "", 1)
		}
		out = append(out, kind{list[i%len(list)][0], list[i%len(list)][1:] + " CHARACTER SET " + charset + " COLLATE " + c, fit, bounds})
	}
	return out
}

// kinds are the types of MariaDB 10.11.
var kinds = joined([]kind{
	{'i', "TINYINT", "0|1|2|3|-1|-128|127|5", "1|4"},
	{'i', "TINYINT UNSIGNED", "0|1|2|3|200|255|5", "1|4"},
	{'i', "BOOL", "TRUE|FALSE|1|0|2", "1|2"},
	{'i', "SMALLINT", "0|1|-1|2|3|32767|-32768", "0|3"},
	{'i', "SMALLINT(4) ZEROFILL", "0|1|2|3|7|65535|65534", "2|7"},
	{'i', "MEDIUMINT", "0|1|-1|2|8388607|-8388608", "0|2"},
	{'i', "MEDIUMINT UNSIGNED", "0|1|2|3|16777215", "1|3"},
	{'i', "INT", "0|1|2|3|4|5|-1|2147483647|-2147483648", "1|4"},
	{'i', "INT(5) UNSIGNED ZEROFILL", "0|1|2|3|4|4294967295", "1|4"},
	{'i', "BIGINT", "0|1|2|3|-1|-2|9223372036854775807|-9223372036854775808", "1|3"},
	{'i', "BIGINT UNSIGNED", "0|1|2|3|9223372036854775808|18446744073709551615", "1|9223372036854775808"},
	{'d', "DECIMAL(6,2)", "0|1.50|2|-1.25|'1.5'|99.99|-0.01|9999.99", ""},
	{'d', "DECIMAL(10,0) UNSIGNED", "0|1|2|3|9999999999|7", ""},
	{'d', "DECIMAL(20,6)", "0|1.5|0.000001|-12345678901234.5|12345678901234.123456", ""},
	{'d', "DECIMAL(5,1) ZEROFILL", "0|1.5|2|3.5|9999.9", ""},
	{'f', "FLOAT", "0|1.5|-0.25|2|3|1024|0.5", ""},
	{'f', "FLOAT(7,3)", "0|1.5|-0.25|2|3|1024.125", ""},
	{'f', "DOUBLE", "0|1.5|-0.25|2|-0e0|3|1048576.5", ""},
	{'f', "DOUBLE UNSIGNED", "0|1.5|0.25|2|1048576.5", ""},
	{'B', "BIT(1)", "0|1|b'1'|b'0'", ""},
	{'B', "BIT(12)", "0|1|2|b'101'|4095", ""},
	{'B', "BIT(64)", "0|1|2|b'11'|18446744073709551615", ""},
	{'y', "YEAR", "2000|2001|1999|0|1901|2155|'2003'", ""},
	{'D', "DATE", "'2000-01-01'|'2001-06-30'|'2002-12-31'|'2003-01-01'|DATE'2001-06-30'|'2024-02-29'|'1000-01-01'|'9999-12-31'", "'2001-06-30'|'2003-01-01'"},
	{'M', "DATETIME", "'2000-01-01 00:00:00'|'2001-06-30 12:30:01'|'2001-06-30'|'2003-01-01 23:59:59'|TIMESTAMP'2002-02-02 02:02:02'|20010630123001", "'2001-06-30 12:30:01'|'2003-01-01 23:59:59'"},
	{'M', "DATETIME(6)", "'2000-01-01 00:00:00.000001'|'2001-06-30 12:30:01.5'|'2001-06-30 12:30:01.500001'|'2003-01-01'|'2001-06-30 12:30:01'", "'2001-06-30 12:30:01.5'|'2003-01-01'"},
	{'M', "DATETIME(1)", "'2000-01-01 00:00:00.1'|'2001-06-30 12:30:01.5'|'2001-06-30 12:30:01.44'|'2003-01-01'", "'2001-06-30 12:30:01.5'|'2003-01-01'"},
	{'T', "TIME", "'00:00:00'|'10:11:12'|'-10:11:12'|'838:59:59'|101112|TIME'23:59:59'", "'00:00:00'|'10:11:12'"},
	{'T', "TIME(3)", "'00:00:00.001'|'10:11:12.5'|'-10:11:12.250'|'10:11:12'|'10:11:12.5004'", "'00:00:00.001'|'10:11:12.5'"},
	{'S', "TIMESTAMP NULL", "'2000-01-01 00:00:00'|'2001-06-30 12:30:01'|'2001-06-30'|'2037-12-31 23:59:59'|'1971-01-01 00:00:01'", ""},
	{'S', "TIMESTAMP(2) NULL", "'2000-01-01 00:00:00.5'|'2001-06-30 12:30:01.25'|'2001-06-30 12:30:01'|'2037-12-31 23:59:59.99'", ""},
	{'b', "BINARY(4)", "'a'|'A'|'b'|'b '|x'00'|x'61000000'|x'FFFE'|''", "'a'|'b'"},
	{'b', "VARBINARY(8)", "'a'|'A'|'b'|'b '|x'00'|x'6100'|x'FFFE'|''", "'a'|'b'"},
	{'t', "TINYBLOB", "'a'|'A'|'b '|x'00FF'|''", ""},
	{'t', "LONGBLOB", "'a'|'A'|'b '|x'00FF'|REPEAT('x',300)", ""},
	{'t', "TINYTEXT CHARACTER SET latin1", stringValues, ""},
	{'t', "TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_ai_ci", wideValues, ""},
	{'t', "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", wideValues, ""},
	{'t', "LONGTEXT CHARACTER SET ucs2", stringValues, ""},
	{'e', "ENUM('a','b','C','x y')", "'a'|'b'|'c'|'C'|'x y'|1|2", ""},
	{'e', "ENUM('10','9','1') CHARACTER SET latin1 COLLATE latin1_bin", "'10'|'9'|'1'|1|2|3", ""},
	{'e', "SET('x','y','z')", "'x'|'y'|'x,y'|'z,x'|''|7|0|'X'", ""},
	{'j', "JSON", `'{"a": 1}'|'[1,2]'|'"s"'|'null'|'3'`, ""},
	{'o', "UUID", "'01234567-89ab-1def-8123-456789abcdef'|'ffffffff-0000-4000-8000-000000000001'|'00000000-0000-0000-0000-000000000000'|'0123456789AB1DEF8123456789ABCDEF'", ""},
	{'o', "INET4", "'10.0.0.1'|'0.0.0.0'|'255.255.255.255'|'10.0.0.2'", ""},
	{'o', "INET6", "'::1'|'::'|'fe80::1'|'::ffff:10.0.0.1'|'FE80:0::1'", ""},
	{'g', "GEOMETRY", "ST_GeomFromText('POINT(1 2)')|ST_GeomFromText('LINESTRING(0 0,1 1)')|Point(3,4)", ""},
	{'g', "POINT", "ST_GeomFromText('POINT(1 2)')|Point(3,4)", ""},
},
	texts("sVARCHAR(12)|sCHAR(6)", wideValues, "'b'|'d'", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_unicode_nopad_ci",
		"utf8mb4_general_nopad_ci", "utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_as_cs", "utf8mb4_uca1400_nopad_as_ci", "utf8mb4_uca1400_nopad_ai_cs", "utf8mb4_uca1400_german2_ai_ci",
		"utf8mb4_czech_ci", "utf8mb4_german2_ci", "utf8mb4_unicode_520_ci", "utf8mb4_turkish_ci", "utf8mb3_general_ci", "utf8mb3_uca1400_as_ci", "utf16_general_ci", "utf16le_bin", "utf32_unicode_ci"),
	texts("sVARCHAR(12)|sCHAR(6)", stringValues+"|'ä'|'Ä'|'ß'|'é'", "'b'|'d'", "latin1_swedish_ci", "latin1_german2_ci", "latin1_general_cs", "latin1_bin", "latin1_nopad_bin", "latin1_swedish_nopad_ci",
		"ucs2_general_ci", "latin2_general_ci", "cp850_general_ci"),
	texts("sVARCHAR(12)|sCHAR(6)", stringValues+"|'я'|'Я'|'日本'", "'b'|'d'", "cp1251_general_ci", "koi8r_bin", "sjis_japanese_ci", "gbk_chinese_ci", "eucjpms_japanese_ci", "big5_bin", "ascii_general_ci"),
)

func joined(lists ...[]kind) (out []kind) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// oddValues are of another type than most columns.
var oddValues = strings.Split("'abc'|'3x'|0|1|-1|2.5|1e2|TRUE|x'41'|''|' 1'|'1 '|18446744073709551615|9223372036854775808|-9223372036854775808|DATE'2001-06-30'|TIME'10:11:12'|"+
	"TIMESTAMP'2001-06-30 12:30:01'|'2001-06-30'|20010630|'10:11:12'|1e300|-1e300|_latin1'a'|_binary'b'|b'101'|'ä'|'2001-02-30'|'0000-00-00'|'25:61:61'|99999999|'1.5'|'1e1'|"+
	"'-0'|'fe80::1'|'[1,2]'|1.005|300|70000|'aaaaaaaaaaaaaaaaaaaaaa'|'a,b'|'😀'", "|")

// collated are strings under a collation of their own.
var collated = []string{"'a' COLLATE utf8mb4_bin", "'A' COLLATE utf8mb4_general_ci", "'b ' COLLATE utf8mb4_nopad_bin", "'ä' COLLATE utf8mb4_uca1400_as_ci"}

func (k *kind) literals() []string { return strings.Split(k.values, "|") }

// exact says whether equal values are the same: then any of them may stand for all.
func (k *kind) exact() bool { return strings.IndexByte("idBybDMTSo", k.class) >= 0 }

// decides says whether a column may decide the partition.
func (k *kind) decides() bool { return strings.IndexByte("tjg", k.class) < 0 }

func (k *kind) numeric() bool { return strings.IndexByte("idfBy", k.class) >= 0 }

// shown is a column as a value that clients see alike.
func (k *kind) shown(name string) string {
	switch k.class {
	case 'g':
		return "ST_AsText(" + name + ")"
	case 'B': // whose type depends on whether MariaDB makes a temporary table
		return name + " + 0"
	}
	return name
}

// randomTable is a table of random columns: id, k, which decides, and x, y and z.
type randomTable struct {
	name    string
	columns []randomColumn
	by      string // PARTITION BY, with @ behind partitions that are at the second server; "" for none
	unique  bool
	copied  bool     // each place has a link to both servers
	remote  []string // its remote tables
}

type randomColumn struct {
	name string
	*kind
	required bool
}

func (c *randomColumn) define() string {
	null := " NULL"
	if c.required {
		null = " NOT NULL"
	}
	return c.name + " " + strings.TrimSuffix(c.ddl, " NULL") + null
}

// ways are those in which MariaDB might partition rows by column k, and x where it decides, too.
func (t *randomTable) ways(r *rand.Rand) []string {
	k, x := t.columns[1], t.columns[2]
	const three = "(PARTITION p0, PARTITION p1@, PARTITION p2)"
	out := []string{"KEY (k) " + three, "LINEAR KEY (k) " + three, "KEY ALGORITHM=1 (k) " + three}
	if x.decides() {
		out = append(out, "KEY (k, x) "+three, "LINEAR KEY (x, k) "+three)
	}
	sub := ""
	if r.Intn(3) == 0 && x.decides() {
		sub = " SUBPARTITION BY " + []string{"KEY (x)", "LINEAR KEY (x, k)"}[r.Intn(2)] + " SUBPARTITIONS 2"
	}
	ranges := func(by, a, b string) string {
		return by + sub + " (PARTITION p0 VALUES LESS THAN (" + a + "), PARTITION p1 VALUES LESS THAN (" + b + ")@, PARTITION p2 VALUES LESS THAN " + "MAXVALUE)"
	}
	exprs := map[byte][]string{
		'i': {"k", "ABS(k)", "k MOD 7"}, 'B': {"k"}, 'y': {"k"}, 'd': {"FLOOR(k)", "CEILING(k)"}, 'D': {"YEAR(k)", "TO_DAYS(k)", "MONTH(k)", "DAYOFWEEK(k)", "TO_SECONDS(k)", "QUARTER(k)"},
		'M': {"YEAR(k)", "TO_DAYS(k)", "HOUR(k)", "MICROSECOND(k)", "DAYOFYEAR(k)"}, 'T': {"HOUR(k)", "TIME_TO_SEC(k)", "SECOND(k)"}, 'S': {"UNIX_TIMESTAMP(k)", "FLOOR(UNIX_TIMESTAMP(k))"},
	}[k.class]
	bound := map[byte][2]string{'i': {"1", "4"}, 'B': {"1", "3"}, 'y': {"2000", "2002"}, 'd': {"1", "4"}, 'D': {"2000", "2003"}, 'M': {"2000", "2003"}, 'T': {"5", "12"}, 'S': {"980000000", "1000000000"}}[k.class]
	for _, e := range exprs {
		out = append(out, "HASH ("+e+") "+three, "LINEAR HASH ("+e+") "+three)
		a, b := bound[0], bound[1]
		if strings.HasPrefix(e, "TO_DAYS") {
			a, b = "730700", "731400"
		}
		out = append(out, ranges("RANGE ("+e+")", a, b))
		if k.class != 'B' { // of which MariaDB forgets those in the DEFAULT partition
			out = append(out, t.lists("LIST ("+e+")", sub, a, b, r))
		}
		if k.class == 'i' && !strings.HasPrefix(k.ddl, "BIGINT") { // where it may overflow
			out = append(out, "HASH (k + 3) "+three)
		}
	}
	if a, b, ok := strings.Cut(k.bounds, "|"); ok {
		out = append(out, ranges("RANGE COLUMNS (k)", a, b), t.lists("LIST COLUMNS (k)", sub, a, b, r))
		if xa, xb, ok := strings.Cut(x.bounds, "|"); ok {
			out = append(out, fmt.Sprintf("RANGE COLUMNS (k, x)%s (PARTITION p0 VALUES LESS THAN (%s, %s)@, PARTITION p1 VALUES LESS THAN (%s, MAXVALUE), PARTITION p2 VALUES LESS THAN (MAXVALUE, MAXVALUE))",
				sub, a, xb, b),
				fmt.Sprintf("LIST COLUMNS (k, x)%s (PARTITION p0 VALUES IN ((%s, %s), (%s, %s))@, PARTITION p1 VALUES IN ((%s, %s)), PARTITION p2 DEFAULT)", sub, a, xa, b, xa, b, xb))
		}
	}
	return out
}

// lists is LIST partitioning; now and then some values have no place.
func (t *randomTable) lists(by, sub, a, b string, r *rand.Rand) string {
	null := ", NULL"
	if t.columns[1].required {
		null = ""
	}
	last := ", PARTITION p2 DEFAULT"
	if r.Intn(4) == 0 {
		last = ", PARTITION p2 VALUES IN (7)"
	}
	return by + sub + " (PARTITION p0 VALUES IN (" + a + null + ")@, PARTITION p1 VALUES IN (" + b + ")" + last + ")"
}
