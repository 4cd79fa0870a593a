package view

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// translated are the edits that make a view's body mean in the session what it means in the view.
func (s *splicer) translated(v *topo.View, scan *sqltext.Scan) (edits []edit, err error) {
	wide := s.sess.Charset != "utf8mb4" && s.sess.Charset != "utf8mb3"
	foreign := s.sess.Collation != v.Collation
	charset, isDefault := s.sess.Default(v.Collation)
	if s.sess.Mode.Oracle {
		respelled, ok := sqltext.ForOracle(scan)
		if !ok {
			return nil, refuse("'%s' has a DATE, which sql_mode=ORACLE would give a time", v.Name)
		}
		for _, r := range respelled {
			edits = append(edits, edit{r.From, r.To, r.With})
		}
	}
	for i := int32(0); int(i) < len(scan.Tokens); i++ {
		t := scan.Tokens[i]
		text := scan.Bytes(i)
		switch t.Kind {
		case sqltext.String:
			value := sqltext.Unquote(nil, t, scan.Src, scan.Mode())
			introduced := i > 0 && scan.Tokens[i-1].Kind == sqltext.Introducer
			with, ok := string(text), true
			switch plain := ascii(value); {
			case s.sess.EmptyNull && len(value) == 0 && !isWord(scan, i-1, "SEPARATOR"):
				if with = "x''"; !introduced && !isDefault {
					return nil, refuse("'%s' has an empty string, which can't be written under EMPTY_STRING_IS_NULL with a collation that is not its character set's default", v.Name)
				} else if !introduced {
					with = "_" + charset + " x''"
				}
			case introduced && !plain && (wide || s.sess.Mode.NoBackslashEscapes):
				return nil, refuse("'%s' has strings of characters that the session's character_set_client or sql_mode does not let be written; SET NAMES utf8mb4, without NO_BACKSLASH_ESCAPES", v.Name)
			case !introduced && foreign && (!isDefault || !plain && charset != "utf8mb4"):
				return nil, otherCollation(v, "a string")
			case !introduced && foreign && plain:
				with, ok = s.string(value)
				with = "_" + charset + with
			case !introduced && foreign:
				with = "_utf8mb4 x'" + hex.EncodeToString(value) + "'"
			case !plain && wide:
				return nil, refuse("'%s' has strings of characters that the session's character_set_client may not have; SET NAMES utf8mb4", v.Name)
			case s.sess.Mode.NoBackslashEscapes:
				with, ok = s.string(value)
			}
			if !ok {
				return nil, refuse("'%s' has a string with a control character, which can't be written under NO_BACKSLASH_ESCAPES", v.Name)
			}
			if with != string(text) {
				edits = append(edits, edit{i, i + 1, with})
			}
		case sqltext.QuotedID:
			if wide && !ascii(text) {
				return nil, refuse("'%s' reads names of characters that the session's character_set_client may not have; SET NAMES utf8mb4", v.Name)
			}
		case sqltext.Word:
			if !isOp(scan, i+1, '(') || i > 0 && isOp(scan, i-1, '.') {
				continue
			}
			word := strings.ToUpper(string(text))
			if foreign && !steady[word] {
				return nil, otherCollation(v, strings.ToUpper(string(text)))
			}
			if v.Invoker || v.DefinerUser == s.sess.User && v.DefinerHost == s.sess.Host {
				continue
			}
			switch word {
			case "CURRENT_ROLE":
				return nil, refuse("'%s' asks for CURRENT_ROLE(), which is its definer's", v.Name)
			case "CURRENT_USER": // is the definer in it
				if !isOp(scan, i+2, ')') {
					return nil, unread(v)
				}
				edits = append(edits, edit{i, i + 3, "CONVERT(x'" + hex.EncodeToString([]byte(v.DefinerUser+"@"+v.DefinerHost)) + "' USING utf8mb3)"})
			}
		}
	}
	return edits, nil
}

func otherCollation(v *topo.View, what string) error {
	return refuse("'%s' was made under collation_connection=%s, which its use of %s may depend on; SET collation_connection to that, or make the view anew", v.Name, v.Collation, what)
}

// string is a string as a literal of the session's.
func (s *splicer) string(value []byte) (string, bool) {
	text := strings.ReplaceAll(string(value), "'", "''")
	if s.sess.Mode.NoBackslashEscapes {
		return "'" + text + "'", !strings.ContainsAny(text, "\x00\x1a")
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "\x00", `\0`, "\x1a", `\Z`, "\n", `\n`, "\r", `\r`).Replace(text) + "'", true
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// steady are the words before a bracket whose value is the same under every collation_connection: numbers, dates, and what has the collation of its arguments. A function that makes
// a string of what is none is not among them.
var steady = words(`ABS ACOS ASIN ATAN ATAN2 AVG BIT_AND BIT_COUNT BIT_OR BIT_XOR CASE CEIL CEILING COALESCE COS COT COUNT CRC32 CURDATE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
CURRENT_USER CURRENT_ROLE CURTIME DATE DATEDIFF DAY DAYOFMONTH DAYOFWEEK DAYOFYEAR DEGREES DENSE_RANK CUME_DIST EXISTS EXP EXTRACT FIRST_VALUE FLOOR FROM_DAYS HOUR IF IFNULL IN INTERVAL ISNULL
LAG LAST_DAY LAST_VALUE LEAD LN LOG LOG10 LOG2 MAX MICROSECOND MIN MINUTE MOD MONTH NOW NTH_VALUE NTILE NULLIF NVL NVL2 OVER PERCENT_RANK PI POW POWER QUARTER RADIANS RAND RANK ROUND ROWNUM
ROW_NUMBER SECOND SIGN SIN SQRT STD STDDEV STDDEV_POP STDDEV_SAMP SUM TAN TIMESTAMPDIFF TIME_TO_SEC TO_DAYS TO_SECONDS TRUNCATE UNIX_TIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP VARIANCE
VAR_POP VAR_SAMP WEEK WEEKDAY WEEKOFYEAR YEAR YEARWEEK AND OR NOT XOR ON USING WHERE HAVING SELECT FROM JOIN BY AS WHEN THEN ELSE UNION ALL EXCEPT INTERSECT ANY SOME BETWEEN VALUES ROW
LOWER UPPER LCASE UCASE TRIM LTRIM RTRIM SUBSTR SUBSTRING LEFT RIGHT LENGTH CHAR_LENGTH CHARACTER_LENGTH OCTET_LENGTH REVERSE DISTINCT RECURSIVE`)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}
