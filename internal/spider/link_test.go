package spider

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func servers(list ...Server) func(string) (Server, bool) {
	return func(name string) (Server, bool) {
		for _, s := range list {
			if strings.EqualFold(s.Name, name) {
				return s, true
			}
		}
		return Server{}, false
	}
}

// links reads a comment and resolves the links of its one place.
func links(comment string, list ...Server) ([]Link, error) {
	s, err := Read(&Table{Info: Info{Comment: comment}})
	if err != nil {
		return nil, err
	}
	return s.Places[0].Links("shop", "customer", servers(list...))
}

func TestLinks(t *testing.T) {
	plain := Link{
		Wrapper: "mysql", Host: "localhost", Port: 3306, Database: "shop", Table: "customer", ConnectTimeout: 6, ReadTimeout: 600, WriteTimeout: 600, Balance: 100,
	}
	with := func(change func(*Link)) Link {
		l := plain
		change(&l)
		return l
	}
	b1 := Server{Name: "b1", Wrapper: "mariadb", Host: "10.0.0.1", Port: 3307, Socket: "/s1", User: "u1", Password: "p1", Database: "d1"}
	b2 := Server{Name: "b2", Wrapper: "MYSQL", Host: "10.0.0.2", User: "u2"}
	for _, c := range []struct {
		comment string
		want    []Link
	}{
		{``, []Link{plain}},
		{`host "h", port "0"`, []Link{with(func(l *Link) { l.Host = "h" })}},
		{`srv "B1", table "T"`, []Link{with(func(l *Link) {
			l.Server, l.Wrapper, l.Host, l.Port, l.Socket, l.User, l.Password, l.Database, l.Table = "B1", "mariadb", "10.0.0.1", 3307, "/s1", "u1", "p1", "d1", "T"
		})}},
		{`srv "b2 b1", user "x", password "y", database "z", port "1 2", lst "0 3", abl "5"`, []Link{
			with(func(l *Link) {
				l.Server, l.Wrapper, l.Host, l.Port, l.User, l.Password, l.Database, l.Balance = "b2", "MYSQL", "10.0.0.2", 1, "x", "y", "z", 5
			}),
			with(func(l *Link) {
				l.ID, l.Server, l.Wrapper, l.Host, l.Port, l.Socket, l.User, l.Password, l.Database, l.Status, l.Balance =
					1, "b1", "mariadb", "10.0.0.1", 2, "/s1", "x", "y", "z", 3, 5
			}),
		}},
		{`srv "b2", host "", socket "/x", password ""`, []Link{with(func(l *Link) {
			l.Server, l.Wrapper, l.Host, l.Socket, l.User = "b2", "MYSQL", "", "/x", "u2"
		})}},
		{`sca "/ca", scp "/cap", scr "/cert", sch "X", sky "/key", svc "1", cto "1", nrt "2", nwt "0"`, []Link{with(func(l *Link) {
			l.TLS = TLS{CA: "/ca", CAPath: "/cap", Cert: "/cert", Cipher: "X", Key: "/key", Verify: true}
			l.ConnectTimeout, l.ReadTimeout, l.WriteTimeout = 1, 2, 0
			l.given = [3]bool{true, true, true}
		})}},
		{`host "a b", sli "one"`, []Link{
			with(func(l *Link) { l.Host, l.StaticID = "a", "one" }),
			with(func(l *Link) { l.ID, l.Host = 1, "b" }),
		}},
		{`password "p q"`, []Link{with(func(l *Link) { l.Password = "p" }), with(func(l *Link) { l.ID, l.Password = 1, "q" })}},
	} {
		got, err := links(c.comment, b1, b2)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.comment, err, got, c.want)
		}
	}
	for _, c := range []struct {
		comment string
		kind    error
		code    uint16
		want    string
	}{
		{`srv "b1 b3"`, ErrNoServer, 1477, "The foreign server name you are trying to reference does not exist. Data source error:  b3"},
		{`srv ""`, ErrNoServer, 1477, "The foreign server name you are trying to reference does not exist. Data source error:  "},
		{`srv "odd"`, ErrWrapper, 12521, "Can't use wrapper 'oracle' for SQL connection"},
	} {
		_, err := links(c.comment, b1, Server{Name: "odd", Wrapper: "oracle", Host: "h"})
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, c.kind) || e.Number != c.code || e.Message != c.want {
			t.Errorf("%s: %v", c.comment, err)
		}
	}
}

func TestPlaces(t *testing.T) {
	s, err := Read(&Table{Info: Info{Comment: `host "a b c", alc "2", rom "1"`}, Parts: []Part{
		{Name: "p", Sub: []Part{{Name: "s"}, {Name: "r", Info: Info{Comment: `alc "9", rom "0"`}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	first, second := &s.Places[0], &s.Places[1]
	if first.Active() != 2 || !first.ReadOnly(false) || second.Active() != 3 || second.ReadOnly(false) {
		t.Errorf("%+v", s.Places)
	}
	l, err := first.Links("d", "t", servers())
	if err != nil || l[1].Table != "t#P#p#SP#s" || l[1].Host != "b" || l[1].Local() {
		t.Errorf("%+v, %v", l, err)
	}
	if host, ok := first.Text("host", 2); host != "c" || !ok {
		t.Error(host, ok)
	}
	if user, ok := first.Text("user", 0); ok {
		t.Error(user)
	}
	if (&Link{Host: "localhost"}).Local() != true || (&Link{}).Local() != true {
		t.Error("localhost is not local")
	}
	// A place is kept as JSON.
	doc, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	var back Place
	if err := json.Unmarshal(doc, &back); err != nil || !reflect.DeepEqual(back, *first) {
		t.Errorf("%s: %+v, %v", doc, back, err)
	}
}
