package compound

import (
	"errors"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// What a leaf may run as a whole, and what the interpreter walks through.
func TestPure(t *testing.T) {
	for text, want := range map[string]bool{
		"BEGIN NOT ATOMIC DECLARE i INT DEFAULT 0; WHILE i < 10 DO SET i = i + 1; END WHILE; END":               true,
		"BEGIN NOT ATOMIC DECLARE i INT; l: LOOP IF i > 3 THEN LEAVE l; END IF; SET i = i + 1; END LOOP l; END": true,
		"BEGIN NOT ATOMIC CASE 1 WHEN CASE 2 WHEN 2 THEN 1 END THEN SET @a = 1; ELSE SET @a = 2; END CASE; END": true,
		"BEGIN NOT ATOMIC FOR i IN 1..3 DO SET @a = i; END FOR; END":                                            true,
		"BEGIN NOT ATOMIC SET @a = (SELECT COUNT(*) FROM t); END":                                               false,
		"BEGIN NOT ATOMIC SET @a = LAST_INSERT_ID(); END":                                                       false,
		"BEGIN NOT ATOMIC SET @a = f(1); END":                                                                   false,
		"BEGIN NOT ATOMIC SET @a = @@sql_mode; END":                                                             false,
		"BEGIN NOT ATOMIC IF 1 THEN INSERT INTO t VALUES (1); END IF; END":                                      false,
		"BEGIN NOT ATOMIC SELECT 1; END":                                                                        false,
		"BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLEXCEPTION SET @a = 1; SET @a = 2; END":                    false,
		"BEGIN NOT ATOMIC SIGNAL SQLSTATE '45000'; END":                                                         false,
	} {
		p, err := Parse([]byte(text), sqltext.Mode{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := p.body.at().whole(); got != want {
			t.Errorf("%s: pure is %v", text, got)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{
		"BEGIN NOT ATOMIC DECLARE x INT; SET SESSION sql_mode = '', x = 1; END",
		"BEGIN NOT ATOMIC DECLARE x NOPE; END",
		"BEGIN NOT ATOMIC DECLARE x ROW (a INT, b NOPE); END",
		"BEGIN NOT ATOMIC SELECT 1 INTO OUTFILE 'x'; END",
	} {
		var refused *RefusedError
		if _, err := Parse([]byte(text), sqltext.Mode{}); !errors.As(err, &refused) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"BEGIN NOT ATOMIC SELECT 1", "BEGIN NOT ATOMIC LEAVE; END", "IF 1 SELECT 1; END IF"} {
		if _, err := Parse([]byte(text), sqltext.Mode{}); !errors.Is(err, sqltext.ErrText) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A variable's value takes the place of its name where an expression may be, and nowhere else.
func TestSpliced(t *testing.T) {
	vars := map[string]*variable{
		"x": {name: "x", class: classInt, value: Value{class: classInt, text: "5"}},
		"u": {name: "u", class: classUnsigned, value: Value{class: classUnsigned, text: "7"}},
		"s": {name: "s", class: classText, value: Value{class: classText, text: "it's", charset: "utf8mb4", collation: "utf8mb4_general_ci"}},
		"l": {name: "l", class: classText, value: Value{class: classText, text: "\xe9", charset: "latin1", collation: "latin1_swedish_ci"}},
		"d": {name: "d", class: classDate, value: Value{class: classDate, text: "2020-01-01"}},
		"n": {name: "n", class: classInt},
	}
	in := &interpreter{prog: &Program{}, scope: &scope{vars: vars}, env: Env{Charset: "utf8mb4", Collation: "utf8mb4_general_ci"}}
	for text, want := range map[string]string{
		"SELECT a FROM t WHERE id = x":                                       "SELECT a FROM t WHERE id = NAME_CONST('x',5)",
		"SELECT X, t.x FROM x WHERE x.x = n":                                 "SELECT NAME_CONST('X',5) AS `X` , t.x FROM x WHERE x.x = NAME_CONST('n',NULL)",
		"SELECT x + 1, 2 x FROM t LIMIT x, 3":                                "SELECT NAME_CONST('x',5) + 1 AS `x + 1` , 2 x FROM t LIMIT 5 , 3",
		"INSERT INTO t (x, a) VALUES (x, u)":                                 "INSERT INTO t (x, a) VALUES ( NAME_CONST('x',5) , CAST(7 AS UNSIGNED) )",
		"UPDATE t SET x = x WHERE a = u":                                     "UPDATE t SET x = NAME_CONST('x',5) WHERE a = NAME_CONST('u',7)",
		"SELECT (SELECT d) FROM t WHERE s = l":                               "SELECT (SELECT NAME_CONST('d',DATE'2020-01-01') AS `d` ) AS `(SELECT d)` FROM t WHERE NAME_CONST('s','it''s') = NAME_CONST('l',_latin1 x'e9' COLLATE latin1_swedish_ci)",
		"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE x = VALUES(x) + x": "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE x = VALUES(x) + NAME_CONST('x',5)",
		"INSERT INTO t (a) VALUES (x)":                                       "INSERT INTO t (a) VALUES ( NAME_CONST('x',5) )",
		"SELECT 1 FROM t WHERE a = EXTRACT(d FROM d)":                        "SELECT 1 FROM t WHERE a = EXTRACT(d FROM NAME_CONST('d',DATE'2020-01-01') )",
		"CREATE TABLE x (x INT DEFAULT 1)":                                   "CREATE TABLE x (x INT DEFAULT 1)",
	} {
		p, err := Parse([]byte("BEGIN NOT ATOMIC "+text+"; END"), sqltext.Mode{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := in.spliced(p.body.(*block).items[0].(*statement).piece)
		if err != nil || strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", text, err, got, want)
		}
	}
}

// Of the handlers of the innermost block that has any for a condition the one that names most of it is chosen; a handler's own block is passed over.
func TestHandlerIsChosen(t *testing.T) {
	handlerFor := func(name string, m match) *active {
		return &active{handler: &handler{names: []string{name}}, for_: []match{m}}
	}
	outer := &scope{handlers: []*active{handlerFor("outer number", match{kind: forCode, code: 1062}), handlerFor("outer warning", match{kind: forWarning})}}
	inner := &scope{parent: outer, handlers: []*active{
		handlerFor("class", match{kind: forException}), handlerFor("state", match{kind: forState, state: "23000"}), handlerFor("not found", match{kind: forNotFound})}}
	body := &scope{parent: &scope{parent: inner, handling: &handled{}}}
	for _, c := range []struct {
		at   *scope
		c    Condition
		want string
	}{
		{inner, Condition{"Error", 1062, "23000", "", nil}, "state"},
		{inner, Condition{"Error", 1146, "42S02", "", nil}, "class"},
		{inner, Condition{"Error", 1329, "02000", "", nil}, "not found"},
		{inner, Condition{"Warning", 1365, "22012", "", nil}, "outer warning"},
		{inner, Condition{"Note", 1051, "42S02", "", nil}, ""},
		{outer, Condition{"Error", 1062, "23000", "", nil}, "outer number"},
		{outer, Condition{"Error", 1146, "42S02", "", nil}, ""},
		{body, Condition{"Error", 1062, "23000", "", nil}, "outer number"},
		{body, Condition{"Error", 1146, "42S02", "", nil}, ""},
	} {
		got := ""
		if h := c.at.find(&c.c); h != nil {
			got = h.names[0]
		}
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.c, got, c.want)
		}
	}
}

// A procedure's text is read as a server prints it.
func TestProcedure(t *testing.T) {
	p, err := ParseProcedure("d", "p", "CREATE DEFINER=`root`@`%` PROCEDURE `p`(a INT, OUT `b c` DECIMAL(10,2), INOUT s VARCHAR(20) CHARSET latin1)\n    MODIFIES SQL DATA\n    COMMENT 'x ; y'\nBEGIN SET `b c` = a; SELECT s; END", sqltext.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.params) != 3 || p.params[1].name != "b c" || p.params[1].text != "DECIMAL(10,2)" || p.params[1].in || !p.params[2].in || !p.params[2].out || p.params[0].out {
		t.Errorf("%+v", p.params)
	}
	if b, ok := p.prog.body.(*block); !ok || len(b.items) != 2 {
		t.Errorf("%+v", p.prog.body)
	}
}
