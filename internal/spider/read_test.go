package spider

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// show prints what was read in one line a place: its name and parameters in order.
func show(s *Spec) string {
	var out strings.Builder
	for i := range s.Places {
		p := &s.Places[i]
		fmt.Fprintf(&out, "%s %d:", p.Name("t"), p.Count)
		for _, name := range slices.Sorted(maps.Keys(p.Params)) {
			fmt.Fprintf(&out, " %s=%q", name, p.Params[name])
		}
		for _, w := range p.Passwords {
			fmt.Fprintf(&out, " password %s", w.Reveal())
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// What Spider of MariaDB 10.11.19 wrote into mysql.spider_tables for the same texts, but where a line says ours.
func TestTexts(t *testing.T) {
	for _, c := range []struct{ info, want string }{
		{``, `t 1:`},
		{`host "127.0.0.1", port "3306"`, `t 1: host=["127.0.0.1"] port=["3306"]`},
		{`host 'a', user "b"`, `t 1: host=["a"] user=["b"]`},
		{"host\t\"a\"\r\n,\nport \"1\"", `t 1: host=["a"] port=["1"]`},
		{` host "a" `, `t 1: host=["a"]`},
		{`host "a" , port "2" ,`, `t 1: host=["a"] port=["2"]`},
		{`HOST "a"`, `t 1: host=["a"]`},
		{`host "a", host "b"`, `t 1: host=["a"]`},
		{`table "x", tbl "y"`, `t 1: table=["x"]`},
		{`host ""`, `t 1: host=[""]`},
		{`host " "`, `t 1: host=[""]`},
		{`host "a'b", user 'c"d'`, `t 1: host=["a'b"] user=["c\"d"]`},
		{"host \"a\nb\"", `t 1: host=["a\nb"]`},
		{`host " a  b"`, `t 2: host=["a" "b"]`},
		{`host "a b", user "c"`, `t 2: host=["a" "b"] user=["c"]`},
		{`host "a b", user "c d", port "1  2"`, `t 2: host=["a" "b"] port=["1" "2"] user=["c" "d"]`},
		{`user "a\ b c"`, `t 2: user=["a b" "c"]`},
		{`user "a\ b"`, `t 1: user=["a b"]`},
		{`user "a\"b"`, `t 1: user=["a\\\"b"]`},
		{`user "a\nb"`, `t 1: user=["a\\nb"]`},
		{`user "a\\b"`, `t 1: user=["a\\\\b"]`},
		{`user "a\\"`, `t 1: user=["a\\\\"]`},
		{`user "c a\nb"`, `t 2: user=["c" "a\\nb"]`},
		{`user "a\nc b\td"`, `t 2: user=["a\nc" "b\td"]`},
		{`user "a\ b c\nd"`, `t 2: user=["a b" "c\\nd"]`},
		{`user "a\\ b"`, `t 2: user=["a\\" "b"]`},
		{`user "a\b\rz \qx"`, `t 2: user=["a\b\rz" "qx"]`},
		{`user "a\ \ b c"`, `t 2: user=["a  b" "c"]`},
		{`port ""`, `t 1:`},
		{`port "  ", port "7"`, `t 1: port=["7"]`},
		{`port "99999"`, `t 1: port=["65535"]`},
		{`port "-1"`, `t 1: port=["0"]`},
		{"port \"\t+80\"", `t 1: port=["80"]`},
		{`mlt "99999999999999999999"`, `t 1: monitoring_limit=["9223372036854775807"]`},
		{`prt "-99999999999999999999"`, `t 1: priority=["0"]`},
		{`lst "9 1"`, `t 2: link_status=["3" "1"]`},
		{`alc "0", smd "0"`, `t 1: active_link_count=["1"] sts_mode=["1"]`},
		{`sli "a b", host "x y z"`, `t 3: host=["x" "y" "z"] static_link_id=["a" "b"]`},
		{`sli "\ ", host "x y"`, `t 2: host=["x" "y"] static_link_id=[" "]`},
		{`sli "a", host "x y"`, `t 2: host=["x" "y"] static_link_id=["a"]`},
		{`wrapper "MySQL MariaDB"`, `t 2: wrapper=["MySQL" "MariaDB"]`},
		{`bke "a b", siv "1.5", idx000 "f PRIMARY", SKC001 "5"`, `t 1: bka_engine=["a b"] idx000=["f PRIMARY"] static_key_cardinality001=["5"] sts_interval=["1.5"]`},
		{`host "` + strings.Repeat("h", 64) + `"`, `t 1: host=["` + strings.Repeat("h", 64) + `"]`},
		{`socket "/` + strings.Repeat("h", 511) + `"`, `t 1: socket=["/` + strings.Repeat("h", 511) + `"]`},
		{`password "p\\q"`, `t 1: password p\\q`},
		{`password "a b", host "h"`, `t 2: host=["h"] password a password b`},
		// ours
		{`host "a" port "1"`, `t 1: host=["a"] port=["1"]`},
		{`srv "b1 b2"  mbk "2", mkd "2", msi "5054", link_status "2 0"`,
			`t 2: link_status=["2" "0"] monitoring_bg_kind=["2"] monitoring_kind=["2"] monitoring_server_id=["5054"] server=["b1" "b2"]`},
		{"  \n", `t 1:`},
		{`host "a", `, `t 1: host=["a"]`},
		{`uhd "1", internal_delayed "1"`, `t 1: internal_delayed=["1"] use_handler=["1"]`},
	} {
		s, err := Read(&Table{Info: Info{Comment: c.info}, Keys: 2})
		if err != nil {
			t.Errorf("%s: %v", c.info, err)
		} else if got := strings.TrimSuffix(show(s), "\n"); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.info, got, c.want)
		}
	}
}

func TestTextsInvalid(t *testing.T) {
	h65 := strings.Repeat("h", 65)
	for _, c := range []struct {
		info string
		kind error
		code uint16
		want string
	}{
		{`foo "1"`, ErrInvalid, 12501, `The connect info 'foo' is invalid: there is no such parameter`},
		{`Hos "a"`, ErrInvalid, 12501, `The connect info 'Hos' is invalid: there is no such parameter`},
		{`hello world`, ErrInvalid, 12501, `The connect info 'hello' is invalid: no value in quotes behind it`},
		{`host`, ErrInvalid, 12501, `The connect info 'host' is invalid: no value in quotes behind it`},
		{`host a`, ErrInvalid, 12501, `The connect info 'host' is invalid: no value in quotes behind it`},
		{`host="a"`, ErrInvalid, 12501, `The connect info 'host' is invalid: no space before its value`},
		{`host= "a"`, ErrInvalid, 12501, `The connect info 'host' is invalid: there is no such parameter`},
		{`host"a"`, ErrInvalid, 12501, `The connect info 'host' is invalid: no space before its value`},
		{`host \"a\"`, ErrInvalid, 12501, `The connect info 'host' is invalid: no value in quotes behind it`},
		{`host "a`, ErrInvalid, 12501, `The connect info 'host' is invalid: the quote is not closed`},
		{`user "a\"`, ErrInvalid, 12501, `The connect info 'user' is invalid: the quote is not closed`},
		{`user "ab\`, ErrInvalid, 12501, `The connect info 'user' is invalid: the quote is not closed`},
		{`host "a" x`, ErrInvalid, 12501, `The connect info 'host' is invalid: no value in quotes behind it`},
		{`host "a" "b"`, ErrInvalid, 12501, `The connect info 'host' is invalid: no name before it`},
		{`host "a""b"`, ErrInvalid, 12501, `The connect info 'host' is invalid: something behind its value`},
		{`host "a",,port "1"`, ErrInvalid, 12501, `The connect info '' is invalid: no name before it`},
		{`, host "a"`, ErrInvalid, 12501, `The connect info '' is invalid: no name before it`},
		{`host "a" ;port "1"`, ErrInvalid, 12501, `The connect info '' is invalid: there is no such parameter`},
		{`mysql://u:secret@h:1/d/t`, ErrInvalid, 12501, `The connect info 'mysql' is invalid: no value in quotes behind it`},
		{`port "abc"`, ErrInvalid, 12501, `The connect info 'port' is invalid: not a number`},
		{`port "1 x"`, ErrInvalid, 12501, `The connect info 'port' is invalid: not a number`},
		{`port "+-1"`, ErrInvalid, 12501, `The connect info 'port' is invalid: not a number`},
		{`port "1 2 "`, ErrInvalid, 12501, `The connect info 'port' is invalid: a space at the end of a list`},
		{`host "a "`, ErrInvalid, 12501, `The connect info 'host' is invalid: a space at the end of a list`},
		{`bmd ""`, ErrInvalid, 12501, `The connect info 'bmd' is invalid: not a number`},
		{`bmd "1 2"`, ErrInvalid, 12501, `The connect info 'bmd' is invalid: not a number`},
		{`siv "NaN"`, ErrInvalid, 12501, `The connect info 'siv' is invalid: not a number`},
		{`idx002 "f PRIMARY"`, ErrInvalid, 12501, `The connect info 'idx002' is invalid: no such key`},
		{`idx "f PRIMARY"`, ErrInvalid, 12501, `The connect info 'idx' is invalid: there is no such parameter`},
		{`wrapper "mysql odbc"`, ErrWrapper, 12501, `The connect info 'odbc' is invalid: the wrapper is mysql or mariadb`},
		{`host "` + h65 + `"`, ErrTooLong, 12502, `The connect info '` + h65[1:] + `' for host is too long: it may have 64 bytes`},
		{`tbl "` + strings.Repeat("é", 33) + `"`, ErrTooLong, 12502, `The connect info '` + strings.Repeat("é", 33) + `' for table is too long: it may have 64 bytes`},
		{`ssl_ca "` + strings.Repeat("h", 513) + `"`, ErrTooLong, 12502, `The connect info '` + h65[1:] + `' for ssl_ca is too long: it may have 512 bytes`},
		{`lst "1 2", host "a b c"`, ErrLinkCount, 12504, `Different multiple table link parameter's count: link_status has 2 values, and there are 3 links`},
		{`sli "a b c", host "x y"`, ErrLinkCount, 12504, `Different multiple table link parameter's count: host has 2 values, and there are 3 links`},
		{`sli "1a"`, ErrStaticID, 12526, `The connect info '1a' for static_link_id cannot start with number`},
		{`sli "", host "x y"`, ErrStaticID, 12527, `The connect info '' for static_link_id cannot use same name in same table`},
		{`sli "\\ b b\ "`, ErrStaticID, 12527, `The connect info 'b' for static_link_id cannot use same name in same table`},
		{`sli "a b a", host "x y z"`, ErrStaticID, 12527, `The connect info 'a' for static_link_id cannot use same name in same table`},
	} {
		s, err := Read(&Table{Info: Info{Comment: c.info}, Keys: 2})
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, c.kind) {
			t.Errorf("%s: %v, %+v", c.info, err, s)
			continue
		}
		if code, state, message := e.MySQL(); code != c.code || state != "HY000" || message != c.want {
			t.Errorf("%s: %d %s", c.info, code, message)
		}
	}
}

// Wherever a password's quotes are wrong, no piece of it may be printed.
func TestErrorsShowNoPassword(t *testing.T) {
	const secret = "s3cret"
	for _, info := range []string{
		`password "s3cret`, `password s3cret`, `password=s3cret`, `password="s3cret"`, `password "a" s3cret`, `password "a" s3cret"`, `password "a"s3cret"`,
		`password "a"s3cret "`, `password 's3cret'', host "x"`, `password "s3cret" "x"`, `password "s3cret ", host "h"`, `mysql://root:s3cret@h/d/t`,
		`host "h", password "` + strings.Repeat(secret, 11) + `"`, `password "s3cret s3cret", host "a b c"`, `password "s3cret", foo "1"`, `host:s3cret`,
		`"s3cret"`, `user "a", "s3cret"`,
	} {
		_, err := Read(&Table{Info: Info{Comment: info}})
		var e *Error
		if !errors.As(err, &e) || strings.Contains(e.Error(), secret) {
			t.Errorf("%s: %v", info, err)
		}
	}
	s, err := Read(&Table{Info: Info{Comment: `password "s3cret"`}})
	if err != nil {
		t.Fatal(err)
	}
	links, err := s.Places[0].Links("d", "t", nil)
	if err != nil || links[0].Password.Reveal() != secret {
		t.Fatal(links, err)
	}
	doc, err := json.Marshal([]any{s, links, Server{Password: secret}})
	if text := fmt.Sprintf("%s %v %+v %#v %v %+v %#v %v", doc, s, s, s, links, links, links, links[0].Password); err != nil || strings.Contains(text, secret) {
		t.Error(text, err)
	}
}

// Every parameter is known by both its names, whatever stands around it, and listed when it changes nothing.
func TestNames(t *testing.T) {
	if len(params) < 100 {
		t.Errorf("%d parameters", len(params))
	}
	for i := range params {
		p := &params[i]
		for _, name := range []string{p.name, p.alias} {
			if name == "" {
				continue
			}
			written, value := strings.ToUpper(name), "1"
			switch {
			case p.kind == perKey:
				written += "000"
			case p.name == "wrapper":
				value = "mysql"
			case p.name == "static_link_id":
				value = "a"
			}
			s, err := Read(&Table{Info: Info{Connection: `host "h", ` + written + ` '` + value + `'`}, Keys: 1})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if want := map[bool][]string{true: nil, false: {written}}[p.effect]; !slices.Equal(s.Unused, want) {
				t.Errorf("%s: without effect %v", name, s.Unused)
			}
		}
	}
}

func TestUnusedOnceInOrder(t *testing.T) {
	s, err := Read(&Table{
		Info:  Info{Comment: `bmd "1", host "h", bgs_mode "2"`, Connection: `bmd "2", qmd "1"`},
		Parts: []Part{{Name: "p0", Info: Info{Comment: `csr "1", bmd "1"`}}, {Name: "p1", Info: Info{Comment: `csr "2"`}}},
	})
	if want := []string{"bmd", "bgs_mode", "qmd", "csr"}; err != nil || !slices.Equal(s.Unused, want) {
		t.Errorf("%v, %v", s, err)
	}
}

func text1(s string) *string { return &s }

func TestPrecedence(t *testing.T) {
	info := func(comment, connection string) Info { return Info{Comment: comment, Connection: connection} }
	option := func(name, value string, in Info) Info {
		switch name {
		case "server":
			in.Server = text1(value)
		case "database":
			in.Database = text1(value)
		case "table":
			in.Table = text1(value)
		}
		return in
	}
	for _, c := range []struct {
		name  string
		table Table
		want  string
	}{
		{"comment over connection", Table{Info: info(`user "u"`, `host "x", user "y"`)}, `t 1: host=["x"] user=["u"]`},
		{"an empty text is a value", Table{Info: info(`host ""`, `host "x"`)}, `t 1: host=[""]`},
		{"what is overridden may be too long", Table{Info: info(`host "h"`, "host '"+strings.Repeat("h", 65)+"', wrapper 'mysql', wrapper 'x'")}, `t 1: host=["h"] wrapper=["mysql"]`},
		{"no number is none", Table{Info: info(`port ""`, `port "7"`)}, `t 1: port=["7"]`},
		{"partition over table", Table{Info: info(`table "T", user "tu", host "th"`, ``), Parts: []Part{
			{Name: "p1", Info: info(`host "h1"`, ``)}, {Name: "p2", Info: info(`host "h2", user "pu"`, ``)},
		}}, "t#P#p1 1: host=[\"h1\"] table=[\"T\"] user=[\"tu\"]\nt#P#p2 1: host=[\"h2\"] table=[\"T\"] user=[\"pu\"]"},
		{"comment of the table over connection of the partition", Table{Info: info(`host "th"`, `host "tc", user "tu"`), Parts: []Part{
			{Name: "p1", Info: info(``, `host "pc", port "5"`)}, {Name: "p2"},
		}}, "t#P#p1 1: host=[\"th\"] port=[\"5\"] user=[\"tu\"]\nt#P#p2 1: host=[\"th\"] user=[\"tu\"]"},
		{"numbers of links differ by partition", Table{Info: info(`host "a b"`, ``), Parts: []Part{{Name: "p1", Info: info(`host "h"`, ``)}, {Name: "p2"}}},
			"t#P#p1 1: host=[\"h\"]\nt#P#p2 2: host=[\"a\" \"b\"]"},
		{"subpartitions", Table{Info: info(`table "T"`, ``), Parts: []Part{
			{Name: "p1", Info: info(`host "pp",user "pu"`, ``), Sub: []Part{{Name: "s1", Info: info(`host "s1"`, ``)}, {Name: "s2"}}},
			{Name: "p2", Sub: []Part{{Name: "s3"}, {Name: "s4", Info: info(`host "s4"`, ``)}}},
		}}, "t#P#p1#SP#s1 1: host=[\"s1\"] table=[\"T\"] user=[\"pu\"]\nt#P#p1#SP#s2 1: host=[\"pp\"] table=[\"T\"] user=[\"pu\"]\n" +
			"t#P#p2#SP#s3 1: table=[\"T\"]\nt#P#p2#SP#s4 1: host=[\"s4\"] table=[\"T\"]"},
		{"options", Table{Info: option("table", "rt ru", option("database", "rd", info(`host "h"`, ``)))}, `t 2: database=["rd"] host=["h"] table=["rt" "ru"]`},
		{"an option may be empty", Table{Info: option("table", "", Info{})}, `t 1: table=[""]`},
		{"options of partitions", Table{Info: option("table", "rt", option("database", "rd", Info{})), Parts: []Part{
			{Name: "p1", Info: option("table", "r1", Info{})}, {Name: "p2"},
		}}, "t#P#p1 1: database=[\"rd\"] table=[\"r1\"]\nt#P#p2 1: database=[\"rd\"] table=[\"rt\"]"},
		{"options of subpartitions' partition", Table{Info: option("database", "D", Info{}), Parts: []Part{
			{Name: "p1", Info: option("table", "pt", Info{}), Sub: []Part{{Name: "s1"}, {Name: "s2"}}},
		}}, "t#P#p1#SP#s1 1: database=[\"D\"] table=[\"pt\"]\nt#P#p1#SP#s2 1: database=[\"D\"] table=[\"pt\"]"},
		{"an option and a parameter in different partitions", Table{Parts: []Part{
			{Name: "p1", Info: option("table", "r1", Info{})}, {Name: "p2", Info: info(`table "x"`, ``)},
		}}, "t#P#p1 1: table=[\"r1\"]\nt#P#p2 1: table=[\"x\"]"},
	} {
		s, err := Read(&c.table)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := strings.TrimSuffix(show(s), "\n"); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name  string
		table Table
		want  string
	}{
		{"what is overridden is checked", Table{Info: info(`host "a"`, `bad`)}, `The connect info 'bad' is invalid: no value in quotes behind it`},
		{"option and parameter", Table{Info: option("table", "x", info(``, `tbl "y"`))}, `The connect info 'tbl' is invalid: REMOTE_TABLE is given, too`},
		{"option of a partition and parameter of the table", Table{Info: info(`server "y"`, ``), Parts: []Part{{Name: "p1", Info: option("server", "x", Info{})}}},
			`The connect info 'server' is invalid: REMOTE_SERVER is given, too (partition p1)`},
		{"option of the table and parameter of a subpartition", Table{Info: option("database", "y", Info{}), Parts: []Part{
			{Name: "p1", Sub: []Part{{Name: "s1", Info: info(`database "x"`, ``)}}},
		}}, `The connect info 'database' is invalid: REMOTE_DATABASE is given, too (subpartition s1)`},
		{"a list in an option", Table{Info: option("server", "x ", Info{})}, `The connect info 'REMOTE_SERVER' is invalid: a space at the end of a list`},
		{"long option", Table{Info: option("table", strings.Repeat("x", 65), Info{})},
			`The connect info '` + strings.Repeat("x", 64) + `' for table is too long: it may have 64 bytes`},
		{"counts across table and partition", Table{Info: info(`user "a b"`, ``), Parts: []Part{{Name: "p1", Info: info(`host "h1 h2 h3"`, ``)}}},
			`Different multiple table link parameter's count: user has 2 values, and there are 3 links (partition p1)`},
		{"partition's comment", Table{Parts: []Part{{Name: "p1"}, {Name: "p2", Info: info(`x "1"`, ``)}}},
			`The connect info 'x' is invalid: there is no such parameter (partition p2)`},
		{"subpartition's comment", Table{Parts: []Part{{Name: "p1", Sub: []Part{{Name: "s", Info: info(``, `x "1"`)}}}}},
			`The connect info 'x' is invalid: there is no such parameter (subpartition s)`},
	} {
		if s, err := Read(&c.table); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, %v", c.name, s, err)
		}
	}
}
