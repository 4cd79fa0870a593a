package spider

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// FuzzRead reads any texts as a table's and a partition's. What is read must make sense in itself, and must be read again from the same parameters written
// in another way.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		``, `host "127.0.0.1", port "3306"`, `srv "a b"  lst '0 3'`, `user "a\ b c", password 'x"y'`, "host\n\"a\",", `wrapper "mysql",idx000 "f PRIMARY"`,
		`port "99999 1"`, `sli "a b", host "x y"`, `host "a`, `host "a" "b"`, `,`, `siv "1e3"`, `host "a "`, `port " "`, `alc "7", rom "1"`,
	} {
		f.Add(s, `host "h", user "u"`)
		f.Add(`table "t"`, s)
	}
	f.Fuzz(func(t *testing.T, table, part string) {
		statement := func(rewrite func(string) string) *Table {
			return &Table{Info: Info{Comment: rewrite(table)}, Parts: []Part{{Name: "p", Info: Info{Connection: rewrite(part)}}, {Name: "q"}}, Keys: -1}
		}
		s, err := Read(statement(strings.Clone))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || !slices.Contains([]uint16{12501, 12502, 12504, 12526, 12527}, e.Number) || e.Message == "" {
				t.Fatalf("%q, %q: %v", table, part, err)
			}
			return
		}
		if len(s.Places) != 2 {
			t.Fatalf("%q, %q: %+v", table, part, s)
		}
		for i := range s.Places {
			checkPlace(t, &s.Places[i])
		}
		again, err := Read(statement(rewritten))
		if err != nil || !reflect.DeepEqual(again.Places, s.Places) {
			t.Errorf("%q, %q: %+v, written as %q, %q: %+v, %v", table, part, s.Places, rewritten(table), rewritten(part), again, err)
		}
	})
}

// checkPlace looks at what holds for every place.
func checkPlace(t *testing.T, p *Place) {
	t.Helper()
	for name, values := range p.Params {
		q, _ := lookup(name)
		if q == nil || len(values) == 0 || len(values) > 1 && (!q.each() || len(values) > p.Count) {
			t.Errorf("%s=%q of %d links", name, values, p.Count)
		}
	}
	links, err := p.Links("d", "t", func(name string) (Server, bool) { return Server{Name: name, Host: "h"}, true })
	if err != nil || len(links) != p.Count || p.Count < 1 || p.Active() < 1 || p.Active() > p.Count {
		t.Errorf("%+v: %+v, %v", p, links, err)
	}
	for i := range links {
		if l := &links[i]; l.ID != i || l.Port < 1 || l.Port > 65535 || l.Status < 0 || l.Status > 3 || l.ConnectTimeout < 0 {
			t.Errorf("%+v", l)
		}
	}
}

// rewritten says the same with commas, line ends, and names in upper case.
func rewritten(info string) string {
	list, err := pairs(info)
	if err != nil {
		return info
	}
	var out strings.Builder
	for _, p := range list {
		quote := `"`
		if plain := strings.NewReplacer(`\\`, ``, `\"`, ``).Replace(p.value); strings.Contains(plain, `"`) {
			quote = `'`
		}
		out.WriteString("\r\n " + strings.ToUpper(p.name) + "\t" + quote + p.value + quote + "\n,")
	}
	return out.String()
}
