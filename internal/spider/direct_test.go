package spider

import (
	"errors"
	"strings"
	"testing"
)

func TestReadDirect(t *testing.T) {
	find := func(name string) (Server, []byte, string, bool) {
		return Server{Name: name, Host: "h", Port: 7, User: "u", Database: "sd"}, []byte("sealed"), "purpose", name == "s"
	}
	d, err := ReadDirect(`SRV "s", user 'v', rto "9", tlm "7", urt "1" erwm "1", iop000 "1"`)
	if err != nil {
		t.Fatal(err)
	}
	if d.Loop != 2 || !d.Real || !d.Quiet {
		t.Errorf("%+v", d)
	}
	l, err := d.Link("cur", find)
	if err != nil || l.Host != "h" || l.Port != 7 || l.User != "v" || l.Database != "sd" || l.ReadTimeout != 9 || string(l.Sealed) != "sealed" || l.Purpose != "purpose" || l.Password != "" {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err = ReadDirect(`server "s", password "own", port ""`); err == nil {
		t.Error("a number that is none was taken")
	}
	if d, err = ReadDirect(`server "s", password "own"`); err != nil {
		t.Fatal(err)
	}
	if l, err = d.Link("cur", find); err != nil || l.Password.Reveal() != "own" || l.Sealed != nil {
		t.Errorf("%+v, %v", l, err)
	}
	if d, err = ReadDirect(""); err != nil {
		t.Fatal(err)
	}
	if l, err = d.Link("cur", find); err != nil || l.Host != DefaultHost || l.Database != "cur" || d.Real || d.Quiet || d.Loop != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	for info, code := range map[string]uint16{
		`nosuch "x"`: 12503, `srv s1`: 12503, `table "x"`: 12503, `port "x"`: 12503, `srv "s" x`: 12503, `iop "1"`: 12503,
		`user "` + strings.Repeat("u", 65) + `"`: 12502,
	} {
		_, err := ReadDirect(info)
		var e *Error
		if !errors.As(err, &e) || e.Number != code {
			t.Errorf("%s: %v", info, err)
		}
	}
	if _, err := ReadDirect(`password "geheim`); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Error(err)
	}
	for info, want := range map[string]error{`srv "nosuch"`: ErrNoServer, `wrapper "odbc"`: ErrWrapper} {
		d, err := ReadDirect(info)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Link("", find); !errors.Is(err, want) {
			t.Errorf("%s: %v", info, err)
		}
	}
}
