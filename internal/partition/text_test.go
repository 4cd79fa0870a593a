package partition

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/shard"
)

// collations are all that the server has, with their character sets; of the many tailored ones of UCA 14, and of those for UTF-16 and the like, some:
// they are alike.
func (s *session) collations() (out [][2]string) {
	skipped := 0
	for _, r := range s.Rows("SELECT FULL_COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY ORDER BY 2, 1") {
		name, charset := string(r[0]), string(r[1])
		if charset == "binary" {
			continue
		}
		parts := strings.Count(strings.Replace(name, "_nopad_", "_", 1), "_")
		uca := strings.Contains(name, "_uca1400_") && parts > 3
		wide := manyBytes[charset] == hashSwapped && !strings.Contains(name, "_bin") && !strings.Contains(name, "_general_") && !strings.Contains(name, "_unicode_")
		if skipped++; (uca || wide) && skipped%17 != 0 {
			continue
		}
		out = append(out, [2]string{name, charset})
	}
	return out
}

// TestKeyOfTexts compares row by row with what a server chose, for random strings under its collations: the texts as a client gets them, and as they
// are; without and with weights that the server tells.
func TestKeyOfTexts(t *testing.T) {
	s := connect(t)
	r := random()
	values := literals(r, "VARCHAR", 200)
	s.Exec("CREATE TABLE v (id INT AUTO_INCREMENT PRIMARY KEY, k VARCHAR(20) CHARACTER SET utf8mb4) ENGINE=MyISAM")
	s.fill("v", values)
	total, all := 0, s.collations()
	builtIn := 0
	for _, c := range all {
		for _, typ := range []string{"VARCHAR(20)", "CHAR(12)"} {
			what := c[0] + " " + typ
			// Not LINEAR: the low bits hardly depend on spaces.
			s.Exec(fmt.Sprintf("CREATE OR REPLACE TABLE t (id INT, k %s CHARACTER SET %s COLLATE %s) ENGINE=MEMORY PARTITION BY KEY (k) PARTITIONS 31", typ, c[1], c[0]))
			s.Exec("INSERT INTO t SELECT id, k FROM v")
			f := s.function("t")
			places := s.places("t", f)
			printed, raw := s.Rows("SELECT id, k FROM t"), s.Rows("SELECT id, CAST(k AS BINARY) FROM t")
			s.compare(what+" in utf8mb4", places, printed, f, "utf8mb4")
			known, _ := s.compare(what, places, raw, f, c[1])
			if known > len(values)/2 {
				builtIn++
			}
			taught, _ := s.compare(what+" with weights", places, raw, s.taught(f, raw, c[1]), c[1])
			if taught != len(values) && !strange[c[0]] {
				t.Errorf("%s: %d of %d known with the weights", what, taught, len(values))
			}
			total += taught
		}
	}
	t.Logf("%d rows under %d collations; for %d of %d columns most weights are built in", total, len(all), builtIn, 2*len(all))
}

// TestKeyOfCharacters compares the place of every character.
func TestKeyOfCharacters(t *testing.T) {
	s := connect(t)
	s.Exec("CREATE TABLE v (id INT PRIMARY KEY, k VARCHAR(4) CHARACTER SET utf8mb4) ENGINE=MyISAM")
	s.Exec("INSERT INTO v SELECT seq, CONCAT('a', CONVERT(CHAR(seq USING utf32) USING utf8mb4)) FROM seq_0_to_66000 WHERE seq NOT BETWEEN 0xd800 AND 0xdfff")
	for _, name := range []string{
		"latin1_swedish_ci", "latin1_german2_ci", "cp1250_general_ci", "utf8mb3_general_ci", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_uca1400_ai_ci",
		"utf8mb4_bin", "utf8mb4_unicode_520_nopad_ci", "ucs2_general_ci", "ucs2_unicode_ci", "utf16_general_ci", "utf16le_general_ci", "utf32_general_ci", "utf32_bin",
		"sjis_japanese_ci", "cp932_japanese_ci", "gbk_chinese_ci", "big5_chinese_ci", "gb2312_chinese_ci", "euckr_korean_ci", "ujis_japanese_ci", "eucjpms_japanese_ci",
	} {
		charset, _, _ := strings.Cut(name, "_")
		s.Exec("CREATE OR REPLACE TABLE t (id INT, k VARCHAR(4) CHARACTER SET " + charset + " COLLATE " + name + ") ENGINE=MEMORY PARTITION BY KEY (k) PARTITIONS 7")
		s.Exec("INSERT INTO t SELECT MIN(id), k2 FROM (SELECT id, CONVERT(k USING " + charset + ") k2 FROM v) x GROUP BY HEX(k2)")
		f := s.function("t")
		exact, asked := s.compare(name, s.places("t", f), s.Rows("SELECT id, CAST(k AS BINARY) FROM t"), f, charset)
		if asked*10 > exact {
			t.Errorf("%s: %d exact, %d asked", name, exact, asked)
		}
	}
}

// taught is the function after a server has told all weights that it lacks for rows (id, values in a character set).
func (s *session) taught(f *Func, rows [][][]byte, charset string) *Func {
	s.Helper()
	learned := shard.NewCache(1 << 22)
	r := &shard.Recorder{Known: learned}
	g := f.WithWeights(r)
	for _, row := range rows {
		_, _ = g.Row(row[1:], charset) // only the questions are wanted
	}
	g.askBounds()
	for qs := r.Questions; len(qs) > 0; {
		n := min(len(qs), 100)
		sql := []byte("SELECT ")
		for i, q := range qs[:n] {
			if i > 0 {
				sql = append(sql, ',')
			}
			sql = shard.WeightSQL(sql, q)
		}
		for i, w := range s.Rows(string(sql))[0] {
			learned.Learn(qs[i].Collation, qs[i].S, w)
		}
		qs = qs[n:]
	}
	return f.WithWeights(learned)
}
