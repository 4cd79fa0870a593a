package main

import (
	"errors"
	"net"
	"os"
	"testing"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
)

// A wire knows whose a connection is, by the process that holds it; the kernel and its table say the same of it.
func TestOwner(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	named, peers := make(chan string, 1), make(chan net.Conn, 1)
	p, err := faultproxy.StartNamed(l.Addr().String(), func(c net.Conn) string {
		name := owner(c, map[string]int{"nobody": 0, "parent": os.Getppid(), "test": os.Getpid()})
		named <- name
		peers <- c
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
	peer := <-peers
	from, to := peer.RemoteAddr().(*net.TCPAddr), peer.LocalAddr().(*net.TCPAddr)
	found, err := findSocket(from.Port, to.Port)
	if err != nil {
		t.Fatal(err)
	}
	if asked, err := askSocket(from, to); err != nil || asked != found {
		t.Errorf("the kernel says %q, %v; its table %q", asked, err, found)
	}
	nobody := &net.TCPAddr{IP: from.IP, Port: to.Port}
	if inode, err := askSocket(nobody, &net.TCPAddr{IP: from.IP, Port: 1}); !errors.Is(err, errNoSocket) {
		t.Errorf("of a connection that is none the kernel says %q, %v", inode, err)
	}
}
