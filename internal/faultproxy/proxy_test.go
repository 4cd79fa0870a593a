package faultproxy

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// echo answers every connection with what it sends, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { defer c.Close(); io.Copy(c, c) })
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().String()
}

// start is a proxy before an echo server. It is closed, and must end, before the server.
func start(t *testing.T) *Proxy {
	t.Helper()
	p, err := Start(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v, not %q", got, err, text)
	}
}

// silent makes sure that nothing comes. A passing proxy would only be missed by a machine that stands still meanwhile.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v, from a black hole", n, err)
	}
	c.SetReadDeadline(time.Time{})
}

func TestPassesBytesAndEnds(t *testing.T) {
	c := dial(t, start(t))
	send(t, c, "one")
	expect(t, c, "one")
	send(t, c, "two")
	c.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(c); err != nil || string(rest) != "two" {
		t.Fatalf("%q, %v", rest, err)
	}
}

func TestPassesToAUnixSocket(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start("unix:" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	t.Cleanup(func() { l.Close() })
	c := dial(t, p)
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, "there")
	expect(t, s, "there")
	send(t, s, "back")
	expect(t, c, "back")
	c.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(s); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	p.Cut()
	if _, err := s.Write([]byte("x")); err == nil {
		if _, err = s.Read(make([]byte, 1)); err == nil {
			t.Error("it goes on after a cut")
		}
	}
}

func TestBlackHole(t *testing.T) {
	p := start(t)
	old := dial(t, p)
	send(t, old, "before")
	expect(t, old, "before")
	p.BlackHole()
	fresh := dial(t, p) // opens, as a paused server's backlog would
	send(t, old, "held")
	send(t, fresh, "fresh")
	silent(t, old)
	silent(t, fresh)
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	expect(t, old, "held")
	expect(t, fresh, "fresh")
}

// One client of several is cut off, the others go on.
func TestBlackHoleFromOneClient(t *testing.T) {
	var mu sync.Mutex
	names := map[string]string{}
	target := echo(t)
	p, err := StartNamed(target, func(client net.Conn) string {
		mu.Lock() // until the test knows the address
		defer mu.Unlock()
		return names[client.RemoteAddr().String()]
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	as := func(name string) net.Conn {
		mu.Lock()
		defer mu.Unlock()
		c := dial(t, p)
		names[c.LocalAddr().String()] = name
		return c
	}
	a, b := as("a"), as("b")
	for _, c := range []net.Conn{a, b} {
		send(t, c, "before")
		expect(t, c, "before")
	}
	p.BlackHoleFrom("a")
	fresh := as("a")
	send(t, a, "held")
	send(t, fresh, "fresh")
	send(t, b, "passed")
	expect(t, b, "passed")
	silent(t, a)
	silent(t, fresh)
	p.HealFrom("b") // which was not cut off
	silent(t, a)
	p.HealFrom("a")
	expect(t, a, "held")
	expect(t, fresh, "fresh")
	p.BlackHoleFrom("b")
	send(t, b, "again")
	silent(t, b)
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	expect(t, b, "again")
}

func TestCut(t *testing.T) {
	p := start(t)
	c := dial(t, p)
	send(t, c, "x")
	expect(t, c, "x")
	p.Cut()
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("a cut ended a connection with %v", err)
	}
	if c, err := net.Dial("tcp", p.Addr()); err == nil {
		c.Close()
		t.Fatal("connected while cut")
	}
	p.Cut() // twice is once
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	c = dial(t, p)
	send(t, c, "again")
	expect(t, c, "again")
}

// The connections of one client end, those of others go on, and new ones are served.
func TestResetFromOneClient(t *testing.T) {
	var mu sync.Mutex
	names := map[string]string{}
	p, err := StartNamed(echo(t), func(client net.Conn) string {
		mu.Lock() // until the test knows the address
		defer mu.Unlock()
		return names[client.RemoteAddr().String()]
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	as := func(name string) net.Conn {
		mu.Lock()
		defer mu.Unlock()
		c := dial(t, p)
		names[c.LocalAddr().String()] = name
		return c
	}
	a, b := as("a"), as("b")
	for _, c := range []net.Conn{a, b} {
		send(t, c, "before")
		expect(t, c, "before")
	}
	p.ResetFrom("a")
	if _, err := a.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("a reset ended a connection with %v", err)
	}
	send(t, b, "after")
	expect(t, b, "after")
	a = as("a")
	send(t, a, "again")
	expect(t, a, "again")
}

func TestCutEndsABlackHolesConnections(t *testing.T) {
	p := start(t)
	p.BlackHole()
	c := dial(t, p)
	send(t, c, "x")
	p.Cut()
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("a cut ended a connection with %v", err)
	}
}

func TestDelay(t *testing.T) {
	p := start(t)
	c := dial(t, p)
	send(t, c, "x")
	expect(t, c, "x")
	const late = 20 * time.Millisecond
	p.Delay(late)
	began := time.Now()
	send(t, c, "y")
	expect(t, c, "y")
	if took := time.Since(began); took < 2*late { // there and back
		t.Fatalf("%v", took)
	}
}

func TestNoTarget(t *testing.T) {
	p, err := Start("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil { // reset before the dial had returned
		return
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatal("read from nobody")
	}
}

func TestClosed(t *testing.T) {
	p := start(t)
	c := dial(t, p)
	p.Close()
	p.Close()
	if err := p.Heal(); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatal("read after Close")
	}
}

// Everything at once: faults while connections come, talk and go. What arrives is what was sent, in its order, or the connection ends.
func TestFaultsUnderTraffic(t *testing.T) {
	p := start(t)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for b := byte(0); ; b++ {
				select {
				case <-stop:
					return
				default:
				}
				c, err := net.Dial("tcp", p.Addr())
				if err != nil { // cut
					continue
				}
				got := []byte{0}
				if _, err := c.Write([]byte{b}); err == nil {
					if _, err := io.ReadFull(c, got); err == nil && got[0] != b {
						t.Errorf("sent %d, got %d", b, got[0])
					}
				}
				c.Close()
			}
		})
	}
	for range 20 {
		p.BlackHole()
		p.Cut()
		if err := p.Heal(); err != nil {
			t.Error(err)
		}
		p.Delay(time.Millisecond)
		time.Sleep(5 * time.Millisecond)
		if err := p.Heal(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	clients.Wait()
}
