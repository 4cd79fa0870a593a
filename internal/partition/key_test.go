package partition

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// literals makes values for a column type, as SQL.
func literals(r *rand.Rand, typ string, n int) []string {
	out := []string{"NULL"}
	add := func(format string, a ...any) { out = append(out, fmt.Sprintf(format, a...)) }
	kind, _, _ := strings.Cut(strings.ToLower(typ), " ")
	kind, _, _ = strings.Cut(kind, "(")
	for len(out) < n {
		switch kind {
		case "tinyint", "smallint", "mediumint", "int", "bigint", "bit", "year":
			bits := []int{8, 16, 24, 32, 63, 64}[r.IntN(6)]
			v := r.Uint64() >> (64 - 1 - r.IntN(bits))
			switch r.IntN(8) {
			case 0:
				v = []uint64{0, 1, 1901, 1970, 2155, 0x20, 0x2020, 0x202020, 0x20202020, 0x2020202020202020, 1 << 63, 1<<64 - 1}[r.IntN(12)]
			case 1:
				v = 1901 + r.Uint64N(255)
			case 2:
				v = 0x6161616161616161 & (1<<(8*(1+r.IntN(8)%8)) - 1)
			}
			if r.IntN(3) == 0 && kind != "bit" && v < 1<<63 {
				add("-%d", v)
			} else {
				add("%d", v)
			}
		case "decimal":
			s := fmt.Sprintf("%d", r.Uint64()>>r.IntN(64))
			if r.IntN(4) == 0 {
				s += fmt.Sprintf("%018d", r.Uint64N(1e18))
			}
			if r.IntN(2) == 0 {
				s += fmt.Sprintf(".%d", r.Uint64()>>r.IntN(64))
			}
			add("%s%s", []string{"", "-"}[r.IntN(2)], s)
		case "float", "double":
			switch r.IntN(4) {
			case 0:
				add("%d", r.Int64N(1e6)-5e5)
			case 1:
				add("%d.%d", r.Int64N(2000)-1000, r.Int64N(10000))
			case 2:
				add("%.17ge%d", r.NormFloat64(), r.IntN(60)-30)
			default:
				add("%.3f", r.NormFloat64()*1000)
			}
		case "date", "datetime", "timestamp":
			y := []int{1970, 1999, 2000, 2024, 1000 + r.IntN(8999), 1971 + r.IntN(60)}[r.IntN(6)]
			s := fmt.Sprintf("%04d-%02d-%02d", y, 1+r.IntN(12), 1+r.IntN(28))
			if kind != "date" && r.IntN(5) > 0 {
				s += fmt.Sprintf(" %02d:%02d:%02d", r.IntN(24), r.IntN(60), r.IntN(60))
				if r.IntN(2) == 0 {
					s += fmt.Sprintf(".%06d", r.IntN(1e6))
				}
			}
			if r.IntN(40) == 0 {
				s = "0000-00-00"
			}
			add("'%s'", s)
		case "time":
			s := fmt.Sprintf("%s%02d:%02d:%02d", []string{"", "-"}[r.IntN(2)], r.IntN(839)>>r.IntN(9), r.IntN(60), r.IntN(60))
			if r.IntN(2) == 0 {
				s += fmt.Sprintf(".%06d", r.IntN(1e6))
			}
			add("'%s'", s)
		case "uuid":
			b := r.Uint64()
			if r.IntN(3) == 0 {
				b = 1<<63 | b>>2
			}
			add("'%08x-%04x-%04x-%04x-%012x'", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), b>>48, b&(1<<48-1))
		case "inet6":
			add("'%x:%x::%x:%x'", r.IntN(1<<16), r.IntN(1<<16), 1+r.IntN(1<<15), r.IntN(1<<16))
		case "inet4":
			add("'%d.%d.%d.%d'", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256))
		case "binary", "varbinary":
			add("x'%x'", randomBytes(r, r.IntN(9)))
		case "enum", "set":
			add("%d", 1+r.IntN(600))
			if kind == "set" {
				add("%d", r.Uint64()>>r.IntN(64))
			}
		default:
			add("_utf8mb4 x'%x'", randomText(r))
		}
	}
	return out
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.IntN(256))
		if r.IntN(4) == 0 {
			b[i] = " aA0\x00"[r.IntN(5)]
		}
	}
	return b
}

// letters are what random texts are made of: plain ones, such as are equal to others, ignorable, in several scripts, contractions, and what is
// not in Unicode's basic plane.
var letters = []rune("aAbBzZ09 _-äÄöÖßssßéÉèñçåÅøæœłŁčČřŽďťůşğıİőűchCHllLLdzijаАбЯёґאבابتثกขคเกไทあいうアイウｱ漢字電腦网络가나다힣＠ａＡ　\u00a0\u00ad\u0301\u0308\u200b😀😎𝐀𠀀~\t")

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(9) {
		switch r.IntN(4) {
		case 0:
			b.WriteRune(rune('a' + r.IntN(26)))
		case 1:
			b.WriteRune(rune(' ' + r.IntN(95)))
		default:
			b.WriteRune(letters[r.IntN(len(letters))])
		}
	}
	for range []int{0, 0, 1, 3}[r.IntN(4)] {
		b.WriteByte(' ')
	}
	return b.String()
}

// plainTypes have values whose bytes are hashed.
var plainTypes = []string{
	"TINYINT", "TINYINT UNSIGNED", "SMALLINT", "SMALLINT UNSIGNED", "MEDIUMINT", "MEDIUMINT UNSIGNED", "INT", "INT UNSIGNED", "INT(5) ZEROFILL", "BIGINT", "BIGINT UNSIGNED",
	"BIT(1)", "BIT(7)", "BIT(8)", "BIT(12)", "BIT(33)", "BIT(64)", "YEAR",
	"DECIMAL", "DECIMAL(1,0)", "DECIMAL(10,2)", "DECIMAL(9,9)", "DECIMAL(18,9)", "DECIMAL(30,10)", "DECIMAL(5,0) UNSIGNED", "DECIMAL(65,30)", "DECIMAL(38,38)", "DECIMAL(20,4) ZEROFILL",
	"DOUBLE",
	"DATE", "DATETIME", "DATETIME(1)", "DATETIME(2)", "DATETIME(3)", "DATETIME(4)", "DATETIME(5)", "DATETIME(6)",
	"TIME", "TIME(1)", "TIME(2)", "TIME(3)", "TIME(4)", "TIME(5)", "TIME(6)",
	"TIMESTAMP NULL", "TIMESTAMP(1) NULL", "TIMESTAMP(2) NULL", "TIMESTAMP(3) NULL", "TIMESTAMP(4) NULL", "TIMESTAMP(5) NULL", "TIMESTAMP(6) NULL",
	"UUID", "INET4", "INET6",
	"BINARY(4)", "BINARY(1)", "VARBINARY(8)", "CHAR(8) CHARACTER SET binary", "VARCHAR(5) CHARACTER SET binary",
	"ENUM('a','B','ö','2','it''s','x,y')", "SET('a','B','ö','2','it''s')", "ENUM('a','ss','z') CHARACTER SET latin1", manyMembers("ENUM", 300), manyMembers("SET", 9), manyMembers("SET", 20),
	manyMembers("SET", 32), manyMembers("SET", 33), manyMembers("SET", 64), "ENUM('ch','h') COLLATE utf8mb4_czech_ci",
}

func manyMembers(kind string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",'m%d'", i)
	}
	return kind + "(" + b.String()[1:] + ")"
}

func short(typ string) string {
	if len(typ) > 40 {
		return fmt.Sprintf("%s… (%d)", typ[:12], strings.Count(typ, ",")+1)
	}
	return typ
}

// keyKinds are the forms of KEY that a type is tried with.
var keyKinds = []string{"KEY (k) PARTITIONS 31", "LINEAR KEY (k) PARTITIONS 13", "KEY ALGORITHM=1 (k) PARTITIONS 29"}

func (s *session) fill(table string, values []string) {
	s.Helper()
	for len(values) > 0 {
		n := min(len(values), 500)
		s.Exec("INSERT IGNORE INTO " + table + " (k) VALUES (" + strings.Join(values[:n], "),(") + ")")
		values = values[n:]
	}
}

// TestKeyOfPlainTypes compares row by row with what a server chose.
func TestKeyOfPlainTypes(t *testing.T) {
	s := connect(t)
	r := random()
	total := 0
	for _, typ := range plainTypes {
		s.Exec("CREATE OR REPLACE TABLE v (id INT AUTO_INCREMENT PRIMARY KEY, k " + typ + ") ENGINE=MyISAM")
		s.fill("v", literals(r, typ, 700))
		for _, kind := range keyKinds {
			s.Exec("CREATE OR REPLACE TABLE t (id INT, k " + typ + ") ENGINE=MEMORY PARTITION BY " + kind)
			s.Exec("INSERT INTO t SELECT id, k FROM v")
			exact, asked := s.check(short(typ)+" "+kind, "t", s.function("t"), []string{"k"})
			if exact < 300 {
				t.Errorf("%s %s: only %d exact, %d asked", short(typ), kind, exact, asked)
			}
			total += exact
		}
	}
	t.Logf("%d rows of %d types", total, len(plainTypes))
}

// TestTimestampZones reads TIMESTAMPs in sessions of several time zones.
func TestTimestampZones(t *testing.T) {
	s := connect(t)
	s.Exec("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k TIMESTAMP(3) NULL)")
	s.fill("t", literals(random(), "TIMESTAMP", 100))
	s.Exec("ALTER TABLE t DROP PRIMARY KEY, MODIFY id INT, ENGINE=MEMORY PARTITION BY KEY (k) PARTITIONS 31")
	f := s.function("t")
	for _, zone := range []string{"+00:00", "+5:30", "-11:45", "+13:00", "-03:00"} {
		s.Exec("SET time_zone='" + zone + "'")
		if exact, asked := s.check("in "+zone, "t", f.WithZone(zone), []string{"k"}); exact < 90 || asked > 0 {
			t.Errorf("%s: %d exact, %d asked", zone, exact, asked)
		}
	}
	for _, zone := range []string{"SYSTEM", "Europe/Berlin", "+1", "", "+0x:00"} {
		if exact, _ := s.check("in "+zone, "t", f.WithZone(zone), []string{"k"}); exact > 20 { // NULLs
			t.Errorf("%d exact in %q", exact, zone)
		}
	}
}
