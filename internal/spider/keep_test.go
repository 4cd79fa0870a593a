package spider

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestMask(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{`host "h", password "p"`, `host "h", password "***"`},
		{`password 'a "b"' ,user "u"`, `password '***' ,user "u"`},
		{`PASSWORD "p\"q" password "r"`, `PASSWORD "***" password "***"`},
		{`password "a b c", user "password"`, `password "***", user "password"`},
		{`password "", host "h"`, `password "", host "h"`},
		{`password p`, `***`},
		{`password "p`, `***`},
	} {
		if got := Mask(c.in); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

// A place comes back from the catalog with its links, and its passwords only sealed: those of the parameters before those of the servers.
func TestLinksOf(t *testing.T) {
	spec, err := Read(&Table{Info: Info{Comment: `srv "S1", user "u v", tbl "far"`}})
	if err != nil {
		t.Fatal(err)
	}
	snap := topo.NewBuilder(nil)
	server := topo.Server{Name: "s1", Wrapper: "mysql", Host: "h", Port: 7, Database: "d", Password: []byte("sealed")}
	snap.PutServer(&server)
	table := &topo.Table{DB: "db", Name: "t", ID: 9, Places: []topo.LinkPlace{spec.Places[0].Keep()}}
	text, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	var back topo.Table
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	now := snap.Build(1)
	links, err := LinksOf(now, &back, 0)
	if err != nil || len(links) != 2 {
		t.Fatal(links, err)
	}
	for i, user := range []string{"u", "v"} {
		l := &links[i]
		if l.User != user || l.Host != "h" || l.Port != 7 || l.Database != "d" || l.Table != "far" || string(l.Sealed) != "sealed" || l.Purpose != server.Purpose() || l.Name() != "S1" {
			t.Errorf("%+v", l)
		}
	}
	if links[0].SameAccount(&links[1]) || !links[0].SameAccount(&links[0]) {
		t.Error("accounts are told apart by their names")
	}
	back.Places[0].Passwords = [][]byte{[]byte("own")}
	if links, err = LinksOf(now, &back, 0); err != nil || string(links[1].Sealed) != "own" || links[1].Purpose != back.LinkPurpose(&back.Places[0], 0) {
		t.Error(links, err)
	}
	// It is sealed for where it leads to.
	purpose := back.LinkPurpose(&back.Places[0], 0)
	back.Places[0].Params["host"] = []string{"elsewhere"}
	if other := back.LinkPurpose(&back.Places[0], 0); other == purpose || !strings.Contains(other, "elsewhere") {
		t.Error(other)
	}
	delete(back.Places[0].Params, "server")
	back.Places[0].Params["server"] = []string{"nosuch"}
	if _, err := LinksOf(now, &back, 0); err == nil {
		t.Error("a server that is not there")
	}
}

// A name that is written into a definition is read again, or the definition can't be read.
func TestNameTable(t *testing.T) {
	d := "x"
	for _, name := range []string{"t", "T#P#p0#SP#s0", "a b", " a  b ", `a\b`, `a\ b`, `it's`, `"q"`, "a,b", "ü", "a\tb", "***", `'"`, `a\`, `' "`} {
		for _, in := range []Info{{}, {Comment: `srv "a"`}, {Comment: `srv "a", `}, {Connection: `srv "a"`}, {Comment: `host "h"`, Connection: `user "u"`}, {Database: &d}} {
			NameTable(&in, name)
			s, err := Read(&Table{Info: in, Keys: -1})
			if err != nil {
				if strings.ContainsAny(name, `'"\`) {
					continue
				}
				t.Errorf("%q: %q: %v", name, in.Comment, err)
				continue
			}
			got, _ := s.Places[0].Text("table", 0)
			if odd := strings.Contains(name, `'`) && strings.Contains(name, `"`) || strings.HasPrefix(name, " "); got != name && !odd {
				t.Errorf("%q: %q is read as %q", name, in.Comment, got)
			}
			if in.Comment != "" && in.Connection != "" && in.Connection != `user "u"` {
				t.Errorf("%q: %+v", name, in)
			}
		}
	}
}
