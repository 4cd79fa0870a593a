package main

// further is one of the seldom functions of a kind; nil where there is none. It comes with its type.
func (g *gen) further(s *scope, k kind, d int) (*node, ty) {
	n := func() *node { return g.of(s, num, d) }
	str_ := func() (*node, ty) { return g.expr(s, ty{kind: str}, d-1) }
	ascii := ty{kind: str}
	switch k {
	case num:
		e, _ := str_()
		return g.furtherNumber(s, d, n, e), ty{kind: num}
	case str:
		e, t := str_()
		switch g.IntN(18) {
		case 0:
			return val(str, "REGEXP_REPLACE(", e, ", '", g.pick("a", "[0-9]", "^."), "', '", g.pick("", "z", "<\\\\0>"), "')"), t
		case 1:
			return val(str, "REGEXP_SUBSTR(", e, ", '", g.pick("[a-c]+", "[0-9]+", ".$"), "')"), t
		case 2:
			return val(str, "QUOTE(", e, ")"), t
		case 3:
			return val(str, "TO_BASE64(", e, ")"), ascii
		case 4:
			return val(str, g.pick("MD5", "SHA1", "HEX"), "(", e, ")"), ascii
		case 5:
			return val(str, "CONV(", n(), ", 10, ", g.pick("2", "16", "36"), ")"), ascii
		case 6:
			return val(str, g.pick("HEX", "OCT", "BIN"), "(", n(), ")"), ascii
		case 7:
			return val(str, "MID(", e, ", ", g.pick("1", "2", "-3"), ", ", g.pick("1", "3", "0"), ")"), t
		case 8:
			return val(str, "CONCAT(", e, ", ", n(), ")"), t
		case 9:
			return val(str, "TIME_FORMAT(", g.of(s, clock, d), ", '%H-%i-%s')"), ascii
		case 10:
			return val(str, "DATE_FORMAT(", g.of(s, day, d), ", '%a %D %M %y', '", g.pick("de_DE", "en_US", "ru_RU"), "')"), ascii
		case 11:
			return val(str, "CAST(", g.of(s, addr, d), " AS CHAR)"), ascii
		case 12:
			return val(str, "CAST(", g.of(s, moment, d), " AS CHAR", g.pick("", "(10)"), ")"), ascii
		case 13:
			return val(str, "NVL2(", n(), ", ", e, ", ", g.literal(str, nil), ")"), t
		case 14:
			return val(str, "LEAST(", e, ", ", g.literal(str, nil), ")"), t
		case 15:
			return val(str, "JSON_QUOTE(", e, ")"), t
		case 16:
			return val(str, "SUBSTR(", e, " FROM 2 FOR 3)"), t
		}
		return val(str, "SPACE(", g.pick("0", "2"), ")"), ascii
	case day:
		switch g.IntN(6) {
		case 0:
			return val(day, "STR_TO_DATE(DATE_FORMAT(", g.of(s, day, d), ", '%d.%m.%Y'), '%d.%m.%Y')"), ty{kind: day}
		case 1:
			return val(day, "FROM_DAYS(TO_DAYS(", g.of(s, day, d), ") + 1)"), ty{kind: day}
		case 2:
			return val(day, "ADDDATE(", g.of(s, day, d), ", ", g.pick("1", "-40", "400"), ")"), ty{kind: day}
		case 3:
			if g.w.fixed {
				return val(day, g.pick("CURDATE()", "CURRENT_DATE", "UTC_DATE()")), ty{kind: day}
			}
		}
		return val(day, "DATE_SUB(", g.of(s, day, d), ", INTERVAL ", g.pick("'1-2' YEAR_MONTH", "1 QUARTER", "10 DAY"), ")"), ty{kind: day}
	case moment:
		switch g.IntN(6) {
		case 0:
			return val(moment, "TIMESTAMPADD(", g.pick("MINUTE", "DAY", "SECOND"), ", ", g.pick("1", "-90", "1000"), ", ", g.of(s, moment, d), ")"), ty{kind: moment}
		case 1:
			return val(moment, "TIMESTAMP(", g.of(s, day, d), ", ", g.pick("'12:00:01'", "'-01:00:00'"), ")"), ty{kind: moment}
		case 2:
			return val(moment, "CONVERT_TZ(", g.of(s, moment, d), ", '+00:00', '", g.pick("+02:00", "-11:30"), "')"), ty{kind: moment}
		case 3:
			return val(moment, "FROM_UNIXTIME(", g.pick("0", "1700000000", "86400.5"), ")"), ty{kind: moment}
		case 4:
			if g.w.fixed {
				return val(moment, g.pick("NOW()", "CURRENT_TIMESTAMP(3)", "UTC_TIMESTAMP()", "LOCALTIME(6)")), ty{kind: moment}
			}
		}
		return val(moment, g.pick("GREATEST", "LEAST"), "(", g.of(s, moment, d), ", TIMESTAMP'2024-01-01 12:30:00')"), ty{kind: moment}
	case clock:
		switch g.IntN(3) {
		case 0:
			return val(clock, "MAKETIME(", g.pick("1", "12", "-3"), ", 30, ", g.pick("0", "15.5"), ")"), ty{kind: clock}
		case 1:
			return val(clock, "CAST(", g.of(s, moment, d), " AS TIME", g.pick("", "(3)"), ")"), ty{kind: clock}
		}
		return val(clock, "SUBTIME(", g.of(s, clock, d), ", '00:10:00.5')"), ty{kind: clock}
	case doc:
		e := func() *node { return g.of(s, doc, d) }
		switch g.IntN(6) {
		case 0:
			return val(doc, "JSON_MERGE_PRESERVE(", e(), ", '[7]')"), ty{kind: doc}
		case 1:
			return val(doc, "JSON_NORMALIZE(", e(), ")"), ty{kind: doc}
		case 2:
			return val(doc, "JSON_ARRAY_APPEND(", e(), ", '$.b', ", n(), ")"), ty{kind: doc}
		case 3:
			return val(doc, "JSON_SEARCH(", e(), ", 'all', 'x')"), ty{kind: doc}
		case 4:
			return val(doc, "JSON_LOOSE(", e(), ")"), ty{kind: doc}
		}
		return val(doc, "JSON_OBJECT('d', ", g.of(s, day, d), ", 'n', ", e(), ")"), ty{kind: doc}
	}
	return nil, ty{}
}

func (g *gen) furtherNumber(s *scope, d int, n func() *node, text *node) *node {
	if len(g.w.functions) > 0 && !g.flat && g.chance(40) {
		f := g.w.functions[g.IntN(len(g.w.functions))]
		return val(num, "d1."+f.name+"(", n(), ")")
	}
	switch g.IntN(20) {
	case 0:
		return val(num, "ROUND(SQRT(ABS(", n(), ")), 4)")
	case 1:
		return val(num, "ROUND(", g.pick("POW", "MOD", "ATAN2"), "(", n(), ", 2), 3)")
	case 2:
		return val(num, "JSON_EXISTS(", g.of(s, doc, d), ", '", g.pick("$.a", "$.b[1]", "$[0]"), "')")
	case 3:
		return val(num, "JSON_OVERLAPS(", g.of(s, doc, d), ", '", g.pick("[1]", "{\"a\": 1}", "5"), "')")
	case 4:
		return val(num, "REGEXP_INSTR(", text, ", '", g.pick("a", "[0-9]", ".$"), "')")
	case 5:
		return val(num, "YEARWEEK(", g.of(s, day, d), ", ", g.pick("0", "3"), ")")
	case 6:
		return val(num, "PERIOD_DIFF(EXTRACT(YEAR_MONTH FROM ", g.of(s, day, d), "), 202401)")
	case 7:
		return val(num, "MICROSECOND(", g.of(s, moment, d), ")")
	case 8:
		return val(num, "TIMESTAMPDIFF(SECOND, ", g.of(s, moment, d), ", ", g.of(s, moment, d), ")")
	case 9:
		return val(num, "INET_ATON('10.0.0.", g.pick("1", "9"), "')")
	case 10:
		return val(num, "(", n(), " BETWEEN ", n(), " AND ", n(), ")")
	case 11:
		return val(num, "ISNULL(", g.of(s, kinds[g.IntN(len(kinds))], d), ")")
	case 12:
		return val(num, "CHAR_LENGTH(", g.of(s, kinds[g.IntN(len(kinds))], d), ")")
	case 13:
		return val(num, "LENGTH(", g.of(s, kinds[g.IntN(len(kinds))], d), ")")
	case 14:
		return val(num, "COERCIBILITY(", text, ")")
	case 15:
		return val(num, "(", n(), g.pick(" << ", " >> "), g.pick("1", "3"), ")")
	case 16:
		return val(num, "CAST(", n(), " AS ", g.pick("FLOAT", "UNSIGNED", "DECIMAL(6,0)", "DECIMAL(30,10)"), ")")
	case 17:
		return val(num, "TIME_TO_SEC(", g.of(s, clock, d), ")")
	case 18:
		return val(num, "(", g.of(s, day, d), " + 0)")
	}
	return val(num, "NULLIF(", n(), ", ", n(), ")")
}

// stored is a stored function of a number, which gives one.
type stored struct{ name, rest string }

func (f *stored) create() string { return "CREATE FUNCTION d1." + f.name + "(a INT) " + f.rest }

// storedFunctions compute, or look something up in a reference table.
var storedFunctions = []stored{
	{"ftwice", "RETURNS INT DETERMINISTIC RETURN a * 2"},
	{"fdigits", "RETURNS INT DETERMINISTIC BEGIN DECLARE n INT DEFAULT 0; IF a IS NULL THEN RETURN -1; END IF; WHILE a > 0 DO SET a = a DIV 10, n = n + 1; END WHILE; RETURN n; END"},
	{"fcat", "RETURNS INT READS SQL DATA RETURN (SELECT MAX(cat) FROM d1.item WHERE id = a)"},
}
