package main

import (
	"net"
	"os"
	"testing"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
)

// A wire knows whose a connection is, by the process that holds it.
func TestOwner(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	named := make(chan string, 1)
	p, err := faultproxy.StartNamed(l.Addr().String(), func(c net.Conn) string {
		name := owner(c, map[string]int{"nobody": 0, "parent": os.Getppid(), "test": os.Getpid()})
		named <- name
		return name
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := <-named; got != "test" {
		t.Errorf("the connection is %q's", got)
	}
}
