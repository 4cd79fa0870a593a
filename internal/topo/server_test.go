package topo

import (
	"errors"
	"slices"
	"testing"
)

func TestServers(t *testing.T) {
	names := func(s *Snapshot) []string {
		var out []string
		for _, v := range s.ServerList() {
			out = append(out, v.Name)
		}
		return out
	}
	b := NewBuilder(cluster(1))
	for _, name := range []string{"shard2", "Archive", "shard1"} {
		b.PutServer(&Server{Name: name, Host: "h"})
	}
	old := b.Build(1)
	b = NewBuilder(old)
	b.PutServer(&Server{Name: "SHARD1", Host: "g"})
	b.DropServer("archive ")
	b.DropServer("nosuch")
	s := b.Build(2)
	if got := names(old); !slices.Equal(got, []string{"Archive", "shard1", "shard2"}) || old.Server("shard1").Host != "h" {
		t.Errorf("the old snapshot has changed: %v", got)
	}
	if got := names(s); !slices.Equal(got, []string{"SHARD1", "shard2"}) || s.Server("Shard1 ").Host != "g" || s.Server("archive") != nil {
		t.Errorf("the new snapshot: %v", got)
	}
	if NewBuilder(nil).Build(1).Server("x") != nil {
		t.Error("a server without servers")
	}
}

func TestServerPurpose(t *testing.T) {
	s := Server{Name: "S", Host: "h", Port: 1, Socket: "/s", User: "u", Database: "d", Owner: "o", Wrapper: "mysql"}
	for what, change := range map[string]func(*Server){
		"name": func(s *Server) { s.Name = "t" }, "host": func(s *Server) { s.Host = "g" }, "port": func(s *Server) { s.Port = 2 },
		"socket": func(s *Server) { s.Socket = "/t" }, "user": func(s *Server) { s.User = "v" },
	} {
		other := s
		if change(&other); other.Purpose() == s.Purpose() {
			t.Errorf("the password of one %s opens for another", what)
		}
	}
	same := s
	same.Name, same.Database, same.Owner = "s ", "e", "p"
	if same.Purpose() != s.Purpose() {
		t.Error("a change of database would lose the password")
	}
}

func TestServerPort(t *testing.T) {
	for port, good := range map[int]bool{0: true, 3306: true, 65535: true, 65536: false, -1: false} {
		err := (&Server{Name: "s", Port: port}).Check()
		var e *Error
		if good != (err == nil) || !good && (!errors.As(err, &e) || !errors.Is(err, ErrServer) || e.Code() != 1690) {
			t.Errorf("port %d: %v", port, err)
		}
	}
	if err := NoServer("s"); !errors.Is(err, ErrNoServer) || err.Code() != 1477 {
		t.Error(err)
	}
}
