package faultproxy

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// packet is one of MySQL's protocol.
func packet(number int, text string) []byte {
	return append([]byte{byte(len(text)), byte(len(text) >> 8), byte(len(text) >> 16), byte(number)}, text...)
}

func readPacket(c net.Conn) (number int, text string, err error) {
	var head [4]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return 0, "", err
	}
	body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err = io.ReadFull(c, body)
	return int(head[3]), string(body), err
}

const proxyLine = "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"

// talker greets as a MySQL server does, and answers each command with two packets. What it was asked it keeps.
type talker struct {
	mu    sync.Mutex
	asked []string
}

func (s *talker) heard(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.asked, text)
}

func (s *talker) serve(c net.Conn) {
	defer c.Close()
	var line [len(proxyLine)]byte
	if _, err := io.ReadFull(c, line[:]); err != nil || string(line[:]) != proxyLine {
		return
	}
	c.Write(packet(0, "greeting"))
	if _, _, err := readPacket(c); err != nil {
		return
	}
	c.Write(packet(2, "ok"))
	for {
		_, text, err := readPacket(c)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, text)
		s.mu.Unlock()
		if text[0] == 0x19 { // has no answer
			continue
		}
		for _, part := range [][]byte{packet(1, "answer to "+text), packet(2, strings.Repeat("x", 1000))} {
			for _, b := range slices.Collect(slices.Chunk(part, 7)) { // in pieces
				c.Write(b)
			}
		}
	}
}

// startTalking is a proxy that follows packets, and its server.
func startTalking(t *testing.T) (*Proxy, *talker) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &talker{}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	p, err := StartMySQL(l.Addr().String(), func(net.Conn) string { return "somebody" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, s
}

// login dials and goes through the handshake.
func login(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c := dial(t, p)
	send(t, c, proxyLine)
	if _, text, err := readPacket(c); err != nil || text != "greeting" {
		t.Fatal(text, err)
	}
	send(t, c, string(packet(1, "me")))
	if _, text, err := readPacket(c); err != nil || text != "ok" {
		t.Fatal(text, err)
	}
	return c
}

func ask(t *testing.T, c net.Conn, commands ...string) {
	t.Helper()
	var all []byte
	for _, text := range commands {
		all = append(all, packet(0, text)...)
	}
	for part := range slices.Chunk(all, 5) { // in pieces
		send(t, c, string(part))
	}
}

func answered(t *testing.T, c net.Conn, command string) {
	t.Helper()
	number, text, err := readPacket(c)
	if err != nil || number != 1 || text != "answer to "+command {
		t.Fatalf("%d %q, %v", number, text, err)
	}
	if number, text, err = readPacket(c); err != nil || number != 2 || len(text) != 1000 {
		t.Fatalf("%d %q, %v", number, text, err)
	}
}

func is(text string) func(Command) bool {
	return func(c Command) bool { return string(c.Text) == text && c.Client == "somebody" && c.Conn > 0 }
}

func ended(t *testing.T, c net.Conn) {
	t.Helper()
	if _, text, err := readPacket(c); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("%q, %v", text, err)
	}
}

func TestStopBeforeACommand(t *testing.T) {
	p, s := startTalking(t)
	c, other := login(t, p), login(t, p)
	stop := p.Stop(Asked, is("3two"))
	ask(t, c, "3one", "\x19close", "3two", "3three") // at once
	answered(t, c, "3one")
	<-stop.Reached()
	silent(t, c)
	ask(t, other, "3other")
	answered(t, other, "3other")
	if s.heard("3two") || !s.heard("\x19close") {
		t.Error("the server has heard what was stopped, or not what was before")
	}
	stop.Resume()
	answered(t, c, "3two")
	answered(t, c, "3three")
	ask(t, c, "3two") // once only
	answered(t, c, "3two")
}

func TestStopBeforeAnAnswer(t *testing.T) {
	p, s := startTalking(t)
	c := login(t, p)
	stop := p.Stop(Answered, is("3two"))
	ask(t, c, "3one", "\x19close", "3two", "3three")
	answered(t, c, "3one")
	<-stop.Reached()
	silent(t, c)
	if !s.heard("3two") {
		t.Error("an answer has come to what the server has not heard")
	}
	stop.Resume()
	answered(t, c, "3two")
	answered(t, c, "3three")
}

func TestResetAtAStop(t *testing.T) {
	p, s := startTalking(t)
	c := login(t, p)
	stop := p.Stop(Asked, is("3lost"))
	ask(t, c, "3lost")
	<-stop.Reached()
	stop.Reset()
	stop.Resume() // nothing more
	ended(t, c)
	c = login(t, p)
	stop = p.Stop(Answered, is("3done"))
	ask(t, c, "3done")
	<-stop.Reached()
	stop.Reset()
	ended(t, c)
	if s.heard("3lost") || !s.heard("3done") {
		t.Errorf("the server has heard %q", s.asked)
	}
}

func TestDeliver(t *testing.T) {
	p, s := startTalking(t)
	c := login(t, p)
	stop := p.Stop(Asked, is("3there"))
	ask(t, c, "3there")
	<-stop.Reached()
	stop.Deliver()
	ended(t, c)
	for end := time.Now().Add(10 * time.Second); !s.heard("3there"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came")
		}
	}
}

// A stop that is not reached is taken back, and one that is reached ends with the proxy.
func TestStopsThatEnd(t *testing.T) {
	p, _ := startTalking(t)
	c := login(t, p)
	stop := p.Stop(Asked, is("3one"))
	stop.Resume()
	ask(t, c, "3one")
	answered(t, c, "3one")
	stop = p.Stop(Asked, is("3two"))
	late := p.Stop(Answered, is("3three"))
	other := login(t, p)
	ask(t, c, "3two")
	ask(t, other, "3three")
	<-stop.Reached()
	<-late.Reached()
	p.Close()
	ended(t, c)
	ended(t, other)
}
