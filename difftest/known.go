package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// knownDifferences are those that stay: each with the reason, which README.md has as well.
var knownDifferences = []struct {
	why string
	is  func(t *trial, v *verdict) bool
}{
	{"MariaDB 10.11 forgets the OFFSET of SELECT DISTINCT of constants", func(t *trial, v *verdict) bool {
		return v.what == "rows" && strings.HasPrefix(v.text, "0, want 1\n") && distinctOffset.MatchString(t.st.root.inner())
	}},
	{"whether a subquery of several rows is an error hangs on whether it is looked at", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.Contains(v.text, "ERROR 1242 ") && strings.Contains(v.text, "none")
	}},
	{"whether a value of JSON_TABLE is wrong for a strict write hangs on whether MariaDB looks at the rows of a subquery", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1366 ") && strings.Contains(v.text, "`json_table`") && strings.HasSuffix(v.text, "want none") && subquery.MatchString(t.st.root.inner())
	}},
	{"whether MariaDB finds out that no row can meet a condition with a subquery or LIMIT, and says less of the write then", func(t *trial, v *verdict) bool {
		return v.what == "affected" && strings.HasSuffix(v.text, "; want 0, \"\"") && strings.Contains(v.text, "0 affected, info \"Rows matched: 0 ") && byKeys.MatchString(t.st.root.inner()) ||
			v.what == "columns" && (strings.HasSuffix(v.text, " columns, want 0") || strings.HasPrefix(v.text, "0 columns, want ")) && byKeys.MatchString(t.st.root.inner())
	}},
	{"where MariaDB knows an aggregate's answer before it reads rows, FOUND_ROWS() stays what it was, or is 0", func(t *trial, v *verdict) bool {
		return t.st.follows && v.what == "rows" && oneOfRows.MatchString(v.text) && lastAggregates(t)
	}},
	{"MariaDB counts VALUES in a UNION ALL as one row more or less in FOUND_ROWS(), or as none", func(t *trial, v *verdict) bool {
		return t.st.follows && v.what == "rows" && len(t.before) > 0 && valuesInUnion.MatchString(t.before[len(t.before)-1].root.inner())
	}},
	{"MariaDB takes OVER () beside two other windows for one of the rows so far", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "order" || v.what == "contents") && everyRow.MatchString(t.st.root.inner()) && strings.Count(t.st.root.inner(), " OVER ") > 2
	}},
	{"MariaDB counts comparisons of rows that are NULL, where it takes them for ones that can't be", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "order" || v.what == "contents") && countOfRows.MatchString(t.st.root.inner())
	}},
	{"MariaDB cuts SELECT DISTINCT off at the LIMIT of an INTERSECT that it is in, in a subquery", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "affected" || v.what == "contents") && distinctIntersect.MatchString(t.st.root.inner())
	}},
	{"how many digits a TIME of a subquery has hangs on whether the subquery was looked at, and found a row", func(t *trial, v *verdict) bool {
		return v.what == "columns" && timeDigits.MatchString(v.text) && subquery.MatchString(t.st.root.inner())
	}},
	{"a strict INSERT … SELECT only warns of what is wrong with a constant in its condition, which MariaDB looks at before it does at rows", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1292 ") && strings.HasSuffix(v.text, "want none") && wrongSelected.MatchString(t.st.root.inner())
	}},
	{"whether a value is too much for an index that it is looked up in (1916) hangs on whether the index is used", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.Contains(v.text, "ERROR 1916 ")
	}},
	{"a strict UPDATE only warns of what is wrong with a constant, which MariaDB looks at before it does at rows", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1292 ") && strings.HasSuffix(v.text, "want none") && wrongConstant.MatchString(t.st.root.inner())
	}},
	{"which rows of a derived table, or a join, MariaDB looks at, and warns of, hangs on which condition reaches them first", func(t *trial, v *verdict) bool {
		return v.what == "warnings" && otherRows(v.text) && (underCondition.MatchString(t.st.root.inner()) || severalTables.MatchString(t.st.root.inner()))
	}},
	{"MariaDB forgets the rows of groups for which HAVING asks for STD or VARIANCE beside a window", func(t *trial, v *verdict) bool {
		return v.what == "rows" && strings.Contains(v.text, ", want 0\n") && spreadBesideWindow.MatchString(t.st.root.inner())
	}},
	{"MariaDB counts a constant twice in COUNT(DISTINCT) of groups WITH ROLLUP without WHERE, where it is to be 1", func(t *trial, v *verdict) bool {
		return v.what == "rows" && constantOfRollup.MatchString(t.st.root.inner())
	}},
	{"MariaDB sorts expressions of a TEXT by the first weights alone, where a collation has several", func(t *trial, v *verdict) bool {
		m := firstOfOrder.FindStringSubmatch(v.text)
		return v.what == "order" && m != nil && m[1] == m[2] && textExpression.MatchString(t.st.root.inner())
	}},
	{"a strict UPDATE fails (1264) where MariaDB keeps values of a derived table in a column that is too small for them", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "none, want ERROR 1264 ") && updateOfDerived.MatchString(t.st.root.inner())
	}},
	{"MariaDB finds no rows where an aggregate of a subquery is compared with ALL of, or NOT IN, a subquery that depends on what is around it", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "affected" || v.what == "contents") && aggregateAgainstAll.MatchString(t.st.root.inner())
	}},
	{"whether a truth value in JSON_ARRAYAGG and JSON_OBJECTAGG is true or 1 hangs on whether rows are kept in a temporary table", func(t *trial, v *verdict) bool {
		return v.what == "rows" && strings.Contains(t.st.root.inner(), "AGG(") && equalTruths(v.text)
	}},
	{"a table whose CREATE OR REPLACE … SELECT has failed is there still, where MariaDB has dropped it before", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "none, want ERROR 1146 ") && strings.Contains(v.text, "'d1.made'")
	}},
	{"MariaDB refuses (1140) a prepared INSERT … SELECT of aggregates under ONLY_FULL_GROUP_BY that has an ORDER BY when it is executed again", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.Contains(v.text, "want ERROR 1140 ") && strings.HasPrefix(t.st.root.String(), "EXECUTE ")
	}},
	{"MariaDB stores 0 for the NULL that an UPDATE gives a NOT NULL column by a subquery where the table has a BEFORE INSERT trigger (1048 elsewhere)", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1048 ") && strings.HasSuffix(v.text, "want none") && strings.HasPrefix(t.st.root.inner(), "UPDATE ") && subquery.MatchString(t.st.root.inner())
	}},
	{"which of several errors of one row is told: that it is cut (1260), or can't be NULL (1048)", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1260 ") && strings.Contains(v.text, "want ERROR 1048 ")
	}},
	{"MariaDB rounds a fraction that it looks up in an index of integers, for IN (SELECT …)", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "affected" || v.what == "contents") && indexHint.MatchString(t.st.root.inner()) && inSubquery.MatchString(t.st.root.inner())
	}},
	{"which query of several is told first that it groups by what is none of its columns (1054), or shows what is in no GROUP BY (1055)", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1055 ") && strings.Contains(v.text, "want ERROR 1054 ")
	}},
	{"which of several operations on columns of other collations is told (1267)", func(t *trial, v *verdict) bool {
		return v.what == "message" && strings.HasPrefix(v.text, "ERROR 1267 ")
	}},
	{"MariaDB notes that values of a derived table were rounded, where it is in an UPDATE", func(t *trial, v *verdict) bool {
		return v.what == "warnings" && strings.HasPrefix(v.text, "\nwant Note 1265 ") && !strings.Contains(v.text, ";") && updateOfDerived.MatchString(t.st.root.inner())
	}},
	{"a leaf's first error about a reference table's row may be of a key (1062), where another leaf's rows reference it (1451)", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1062 ") && strings.Contains(v.text, "want ERROR 1451 ") && itemGone.MatchString(t.st.root.inner())
	}},
	{"which of a name that is there twice (1060) and one that is not there (1054) is told", func(t *trial, v *verdict) bool {
		return (v.what == "error" || v.what == "message") && strings.HasPrefix(v.text, "ERROR 1060 ") && strings.Contains(v.text, "want ERROR 1054 ")
	}},
	{"MariaDB finds names in ON DUPLICATE KEY UPDATE ambiguous that tables of the query have, too (1052)", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "none, want ERROR 1052 ") && strings.Contains(t.st.root.inner(), " ON DUPLICATE KEY UPDATE ")
	}},
	{"MariaDB refuses aggregates of subqueries over views that aggregate (1111)", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "none, want ERROR 1111 ") && views.MatchString(t.st.root.inner())
	}},
	{"which of the values that a collation calls equal is shown, where LIMIT, groups or DISTINCT leave one of them", func(t *trial, v *verdict) bool {
		return v.what == "rows" && leavesOne.MatchString(t.st.root.inner()) && equalRows(v.text)
	}},
	{"MariaDB takes a row of a correlated aggregate for NULL once it found no rows", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "affected" || v.what == "contents") && rowOfAggregates.MatchString(t.st.root.inner())
	}},
	{"MariaDB's first look whether a value is IN a subquery with windows finds NULL", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "affected" || v.what == "contents") && inWindow.MatchString(t.st.root.inner())
	}},
	{"MariaDB forgets the values of JSON_ARRAYAGG(… ORDER BY …) in the sums of WITH ROLLUP", func(t *trial, v *verdict) bool {
		return v.what == "rows" && strings.Contains(v.text, "[null") && arrayOfRollup.MatchString(t.st.root.inner())
	}},
	{"MariaDB takes the answer of a JSON function for a string, where it goes to a BIT column by way of a temporary table", func(t *trial, v *verdict) bool {
		return v.what == "contents" && strings.Contains(v.text, "\"\\x01\"") && strings.Contains(t.st.root.inner(), "SELECT JSON_")
	}},
	{"rows whose stored generated columns were cut off by IGNORE are not copied: they would be made anew (1105)", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1105 (HY000): The copy of ") && strings.HasSuffix(v.text, "want none")
	}},
	{"whether an expression fails (1690; in strict writes 1292, 1365) hangs on which rows of a join, or of a query around a subquery, are looked at", func(t *trial, v *verdict) bool {
		return v.what == "error" && rowFails.MatchString(v.text) && strings.Contains(v.text, "none") && (severalTables.MatchString(t.st.root.inner()) || views.MatchString(t.st.root.inner()))
	}},
	{"a strict UPDATE that changes the key by which MariaDB reads the table, or has subqueries, only warns of what is wrong in its condition", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1292 ") && strings.HasSuffix(v.text, "want none") && strings.HasPrefix(t.st.root.inner(), "UPDATE ") && (setsKey.MatchString(t.st.root.inner()) || subquery.MatchString(t.st.root.inner()))
	}},
	{"whether a strict UPDATE of an index's column only warns of what is wrong in its condition hangs on whether that index is used, by each partition", func(t *trial, v *verdict) bool {
		return v.what == "error" && rowFails.MatchString(v.text) && strings.Contains(v.text, "none") && setsIndexed.MatchString(t.st.root.inner())
	}},
	{"which of several columns that are in no GROUP BY is told (1055), where several queries have one", func(t *trial, v *verdict) bool {
		return v.what == "message" && strings.HasPrefix(v.text, "ERROR 1055 ") && strings.Count(t.st.root.inner(), "GROUP BY") > 1
	}},
	{"MariaDB takes groups together that begin with NULL, in GROUP BY of an expression DESC with a DISTINCT aggregate", func(t *trial, v *verdict) bool {
		return v.what == "rows" && groupDescending.MatchString(t.st.root.inner())
	}},
	{"MariaDB gives the sums of WITH ROLLUP NULL for a constant expression in GROUP BY of a prepared statement, and its value elsewhere", func(t *trial, v *verdict) bool {
		return v.what == "rows" && (t.st.prepared || strings.HasPrefix(t.st.root.String(), "EXECUTE ")) && constantRollup.MatchString(t.st.root.inner())
	}},
	{"what MariaDB deletes and counts of tables with a foreign key between them hangs on which it reads first", func(t *trial, v *verdict) bool {
		return (v.what == "affected" || v.what == "contents" || v.what == "error" && strings.Contains(v.text, "ERROR 1451 ")) && t.w.deletesRelated(t.st.root.inner())
	}},
	{"whether rows that an UPDATE of several tables changes meet each other in a unique key (1062) hangs on their order", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.Contains(v.text, "ERROR 1062 ") && strings.Contains(v.text, "none") && updateOfSeveral.MatchString(t.st.root.inner())
	}},
	{"QUOTE(NULL) is no text in the character sets of 2 and 4 bytes", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "order") && strings.Contains(t.st.root.inner(), "QUOTE(")
	}},
	{"MariaDB finds out that a number in GROUP_CONCAT(… ORDER BY) stands for none of its arguments (1054) when it begins to make groups", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.Contains(v.text, "ERROR 1054 ") && strings.Contains(v.text, " in 'ORDER BY'") && strings.Contains(v.text, "none") && orderByNumber.MatchString(t.st.root.inner())
	}},
	{"partitions compute rows that LIMIT leaves out, too: what is an error there is one of the statement's", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.HasPrefix(v.text, "ERROR 1690 ") && strings.HasSuffix(v.text, "want none") && limits.MatchString(t.st.root.inner())
	}},
	{"which of several rows' foreign keys is told: that of what it is (1452), or of what references it (1451)", func(t *trial, v *verdict) bool {
		return v.what == "error" && strings.Contains(v.text, "ERROR 1451 ") && strings.Contains(v.text, "ERROR 1452 ")
	}},
	{"MariaDB stores the digits of a number as text in a BIT column, where it comes by way of a temporary table", func(t *trial, v *verdict) bool {
		return v.what == "contents" && digitsInBits(v.text)
	}},
	{"MariaDB takes <> ALL of the MAX or MIN of versions of no time for true", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "affected" || v.what == "contents") && ofNoTime.MatchString(t.st.root.inner())
	}},
	{"MariaDB puts windows over GROUP BY … DESC in another order than ORDER BY says", func(t *trial, v *verdict) bool {
		return v.what == "order" && windowsDescending.MatchString(t.st.root.inner())
	}},
	{"ROUND of a VARIANCE or STD hangs on the last digits of a DOUBLE, and so on the order of what was added", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "contents") && roundedSpread.MatchString(t.st.root.inner())
	}},
	{"MariaDB compares a row with a subquery of columns around it by what it found for a row before, where it finds NULL", func(t *trial, v *verdict) bool {
		return (v.what == "rows" || v.what == "affected" || v.what == "contents") && rowAgainst.MatchString(t.st.root.inner())
	}},
	{"which rows an UPDATE of several tables changes that it asks for what it sets hangs on which table MariaDB reads first", func(t *trial, v *verdict) bool {
		return (v.what == "affected" || v.what == "contents") && asksForWhatItSets(t.st.root.inner())
	}},
	{"MariaDB gives the sums of WITH ROLLUP values for expressions in GROUP BY of a view's columns, and NULL elsewhere", func(t *trial, v *verdict) bool {
		return v.what == "rows" && views.MatchString(t.st.root.inner()) && rollupOfExpression.MatchString(t.st.root.inner())
	}},
	{"MariaDB takes values of an expression with parameters together that are not the same, in GROUP BY and DISTINCT of a prepared statement", func(t *trial, v *verdict) bool {
		return v.what == "rows" && t.st.prepared && groupsOfParameters.MatchString(t.st.root.inner()) && moreRows(v.text)
	}},
}

// bits is a row's value of a BIT column, and the text that MariaDB has there.
var bits = regexp.MustCompile(`\n  (got |want) "(\\x0\d|\d)"`)

// digitsInBits says whether the first column of the rows that differ is of bits here, and of their digits there.
func digitsInBits(text string) bool {
	found := bits.FindAllStringSubmatch(text, -1)
	return len(found) > 1 && slices.ContainsFunc(found, func(m []string) bool { return m[1] == "got " && len(m[2]) == 4 }) &&
		slices.ContainsFunc(found, func(m []string) bool { return m[1] == "want" && len(m[2]) == 1 })
}

var ofNoTime = regexp.MustCompile(`(<>|!=) ALL \(SELECT (MAX|MIN)\(.* FOR SYSTEM_TIME (FROM|BETWEEN) `)

var rowAgainst = regexp.MustCompile(`\([^()]+(\([^()]*\))?, [^()]+(\([^()]*\))?\) (<|<=|>|>=) \((SELECT|WITH) `)

// setAndAsked are the parts of an UPDATE of several tables.
var setAndAsked = regexp.MustCompile(`^UPDATE (.* JOIN .*) SET (.*?)( WHERE .*|$)`)

var assignedColumn = regexp.MustCompile(`(\w+\.\w+) = `)

// asksForWhatItSets says whether a text is an UPDATE of several tables whose conditions name a column that it gives a value.
func asksForWhatItSets(sql string) bool {
	m := setAndAsked.FindStringSubmatch(sql)
	return m != nil && slices.ContainsFunc(assignedColumn.FindAllStringSubmatch(m[2], -1), func(c []string) bool { return namesWord(m[1]+m[3], strings.SplitN(c[1], ".", 2)[1]) })
}

var rollupOfExpression = regexp.MustCompile(`GROUP BY .*\(.* WITH ROLLUP`)

var groupsOfParameters = regexp.MustCompile(`(IF|IFNULL|NULLIF|COALESCE|CASE|ELT)\b.*(GROUP BY|UNION)|DISTINCT.* (IF|IFNULL|NULLIF|COALESCE|CASE|ELT)\b`)

var counts = regexp.MustCompile(`^(\d+), want (\d+)`)

// moreRows says whether an answer has more rows than the wanted one.
func moreRows(text string) bool {
	m := counts.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	got, _ := strconv.Atoi(m[1])
	want, _ := strconv.Atoi(m[2])
	return got > want
}

var roundedSpread = regexp.MustCompile(`ROUND\((VARIANCE|VAR_|STD)`)

var windowsDescending = regexp.MustCompile(` OVER .* GROUP BY .* DESC`)

// oneOfRows is an answer to FOUND_ROWS() where one side says 1, as there was one row.
var oneOfRows = regexp.MustCompile(`^1, want 1\n(  got  "1".*|  got  .*\n  want "1".*)`)

var valuesInUnion = regexp.MustCompile(`UNION ALL \(?VALUES `)

var countOfRows = regexp.MustCompile(`COUNT\((DISTINCT )?\(+[^()]*,[^()]*\) (<>|!=|=|<|>|<=|>=) \(`)

var everyRow = regexp.MustCompile(` OVER \( ?\)`)

var oneRow = regexp.MustCompile(`GROUP BY|UNION|INTERSECT|EXCEPT| OVER `)

// lastAggregates says whether the statement before is a query of one aggregated row.
func lastAggregates(t *trial) bool {
	if len(t.before) == 0 {
		return false
	}
	sql := t.before[len(t.before)-1].root.inner()
	return aggregate.MatchString(sql) && !oneRow.MatchString(outside(sql))
}

var innermost = regexp.MustCompile(`\([^()]*\)`)

// outside is a statement without what stands in brackets.
func outside(sql string) string {
	for {
		less := innermost.ReplaceAllString(sql, "")
		if less == sql {
			return sql
		}
		sql = less
	}
}

// firstOfOrder are the first values of the rows of which the wrong one came, without accents.
var firstOfOrder = regexp.MustCompile(`^\n  at \d+ got  ("[^"]*") .*\n  at \d+ want ("[^"]*") `)

var textExpression = regexp.MustCompile(`\w\([^()]*\btx\b.* ORDER BY `)

var updateOfDerived = regexp.MustCompile(`^UPDATE .* JOIN \(SELECT .*(AVG\(|VARIANCE\(|STD|VAR_|/)`)

var distinctIntersect = regexp.MustCompile(`\(SELECT DISTINCT.* INTERSECT .* LIMIT \d+\)`)

var timeDigits = regexp.MustCompile(`^(\.\(\)|d1\.made\(made\))\.(\S+) type (11|12) .*\nwant (\.\(\)|d1\.made\(made\))\.(\S+) type (11|12) |^\.\(\)\.\S+ type 253 length (76|104) .*\nwant \.\(\)\.\S+ type 253 length (76|104) `)

// wrongSelected is an INSERT … SELECT with a condition on a constant.
var wrongSelected = regexp.MustCompile(`^(INSERT|REPLACE) .* SELECT .* (WHERE|AND|OR) (NOT )?\(*((CAST|CONCAT)\()?'[^']*'`)

var leavesOne = regexp.MustCompile(`(MIN|MAX)\(|LIMIT |FETCH |GROUP BY |DISTINCT|UNION|INTERSECT|EXCEPT`)

// aggregateAgainstAll is such a comparison.
var aggregateAgainstAll = regexp.MustCompile(`\(SELECT [^()]*(COUNT|SUM|AVG|MIN|MAX)\(.*\) (<> ALL|NOT IN|!= ALL) \((SELECT|WITH) `)

var truths = strings.NewReplacer("false", "0", "true", "1")

// equalTruths says whether the rows that an answer has and lacks are equal but for how truth values are told.
func equalTruths(text string) bool {
	return truths.Replace(text) != text && equalRows(truths.Replace(text))
}

// inSubquery is a value that is looked for in a subquery.
var inSubquery = regexp.MustCompile(`\w (NOT )?IN \((SELECT|WITH) `)

// equalRows says whether the rows that an answer has and lacks are equal in a collation that ignores accents.
func equalRows(text string) bool {
	var got, want []string
	for _, l := range strings.Split(equals.Replace(strings.ToLower(text)), "\n")[1:] {
		if row, ok := strings.CutPrefix(l, "  got  "); ok {
			got = append(got, row)
		} else {
			want = append(want, strings.TrimPrefix(l, "  want "))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	return slices.Equal(got, want)
}

// rowOfAggregates is a row that is compared with a subquery's of aggregates.
var rowOfAggregates = regexp.MustCompile(`\(([^()]|\((\([^()]*\)|[^()])*\))+, ([^()]|\((\([^()]*\)|[^()])*\))+\) (=|<>|<|<=|>|>=|<=>) \(SELECT ([^()]+, )*(COUNT|SUM|MIN|MAX|AVG|STD|VAR|BIT_|GROUP_)`)

var inWindow = regexp.MustCompile(` IN \((SELECT|WITH) .* OVER \(`)

var rowFails = regexp.MustCompile("ERROR (1690|1292|1365) ")

var arrayOfRollup = regexp.MustCompile(`JSON_ARRAYAGG\(.* ORDER BY .* WITH ROLLUP`)

var severalTables = regexp.MustCompile(`[ _]JOIN |\(SELECT |\(WITH | FROM \S+( AS)? \w+, `)

// setsKey is SET of a column that is in a primary key.
var setsKey = regexp.MustCompile(` SET (.*, )?(\w+\.)?(id|k|n|a|b|acc|lid|seq) = `)

// setsIndexed is SET of a column that is in a key that is not unique.
var setsIndexed = regexp.MustCompile(`^UPDATE .* SET (.*, )?(\w+\.)?(grp|amt|name|item|day|x|st|u|v) = .* WHERE `)

var groupDescending = regexp.MustCompile(`(SUM|AVG|COUNT|GROUP_CONCAT)\(DISTINCT .* GROUP BY .* DESC`)

var constantRollup = regexp.MustCompile(`GROUP BY .*'[^']*'.* WITH ROLLUP`)

// itemGone is a write that may delete rows of the reference table which others reference.
var itemGone = regexp.MustCompile(`^(REPLACE( INTO)?|DELETE( \w+)? FROM|UPDATE( IGNORE)?) (d1\.)?item\b`)

// deletesRelated says whether a text is a DELETE of several tables, and one that it names references another.
func (w *world) deletesRelated(text string) bool {
	if !deleteOfSeveral.MatchString(text) {
		return false
	}
	return slices.ContainsFunc(w.tables, func(t *table) bool {
		return names(text, t) && slices.ContainsFunc(t.foreign, func(f foreign) bool { return names(text, f.to) })
	})
}

var deleteOfSeveral = regexp.MustCompile(`^DELETE (IGNORE )?(\w+, \w+ FROM|FROM \w+, \w+ USING) `)

// rowWarnings are of values that were cut off, divided by 0, or too large for a virtual column.
var rowWarnings = []string{"Warning 1292 ", "Warning 1365 ", "Warning 1264 "}

// otherRows says whether the warnings that one side has alone may be of rows that the other one did not look at.
func otherRows(text string) bool {
	got, want, ok := strings.Cut(text, "\nwant ")
	alone := func(of, other string) {
		for w := range strings.SplitSeq(of, "; ") {
			ok = ok && (w == "" || strings.Contains(other, w) || slices.ContainsFunc(rowWarnings, func(code string) bool { return strings.HasPrefix(w, code) }))
		}
	}
	alone(got, want)
	alone(want, got)
	return ok
}

var updateOfSeveral = regexp.MustCompile(`^UPDATE .* JOIN .* SET `)

// orderByNumber is a GROUP_CONCAT in the order of an argument that is told by a number.
var orderByNumber = regexp.MustCompile(`GROUP_CONCAT\(.* ORDER BY (.*, )?\d+`)

// wrongConstant is such a condition, when it is small.
var wrongConstant = regexp.MustCompile(`^UPDATE .* (WHERE|AND|OR) (NOT )?\(*(\d+ \S+ )?\(*((CAST|CONCAT)\()?'[^']*'`)

var constantOfRollup = regexp.MustCompile(`(COUNT|SUM|AVG)\(DISTINCT (\d+|'[^']*')\).* WITH ROLLUP`)

var spreadBesideWindow = regexp.MustCompile(` OVER \(.* HAVING .*(STD|VARIANCE|STDDEV_SAMP|VAR_SAMP)\(`)

// underCondition is a derived table or a common table expression with a condition of its own, and one around it.
var underCondition = regexp.MustCompile(`(^WITH |(FROM|JOIN) \(SELECT ).* WHERE .*\).* WHERE `)

// byKeys is an UPDATE or DELETE whose rows a cluster finds by a query of its own.
var byKeys = regexp.MustCompile(`^(UPDATE|DELETE) .*(\(SELECT |\(WITH | LIMIT )`)

var subquery = regexp.MustCompile(`\(SELECT |\(WITH `)

var distinctOffset = regexp.MustCompile(`(^|\) )SELECT DISTINCT.* (LIMIT \d+, \d+|LIMIT \d+ OFFSET \d+|OFFSET \d+ ROWS .*)$`)

// known tells why a difference is expected; "" when it is not.
func known(t *trial, v *verdict) string {
	for _, k := range knownDifferences {
		if k.is(t, v) {
			return k.why
		}
	}
	return ""
}
