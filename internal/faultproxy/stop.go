package faultproxy

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync"
)

// Moment is when a command is stopped.
type Moment int

// The moments.
const (
	Asked    Moment = iota // before it reaches the server
	Answered               // when the server has answered it, and its answer has not been passed on
)

// Command is one that a client sends by MySQL's protocol.
type Command struct {
	Client string // its name
	Conn   uint64 // the number of its connection
	Text   []byte // the command's byte, 3 for a query, and what follows it
}

// Stop waits for one command, and stops its connection there. Its methods may be called concurrently.
type Stop struct {
	p       *Proxy
	match   func(Command) bool
	at      Moment
	reached chan struct{}
	decided chan struct{}
	once    sync.Once
	verdict verdict
}

// verdict is how a stopped connection goes on.
type verdict int

const (
	goOn    verdict = iota
	end             // both sides are reset, and what was held back is lost
	deliver         // the command reaches the server, which finds then that its client has gone
)

// StartMySQL is StartNamed for a server that speaks MySQL's protocol, neither compressed nor by TLS: its clients' commands can be stopped.
func StartMySQL(target string, name func(client net.Conn) string) (*Proxy, error) {
	return startNamed(target, name, true)
}

// Stop stops the next command that match chooses. It is asked for all commands of all connections, one after the other, so that it may remember what
// was said before on a connection; it must not keep Text.
func (p *Proxy) Stop(at Moment, match func(Command) bool) *Stop {
	s := &Stop{p: p, match: match, at: at, reached: make(chan struct{}), decided: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stops = append(p.stops, s)
	return s
}

// Reached is closed when the command has been stopped.
func (s *Stop) Reached() <-chan struct{} { return s.reached }

// Resume lets the connection go on. A command that has not come yet will not be stopped.
func (s *Stop) Resume() { s.decide(goOn) }

// Reset ends the connection: the command never arrives, or the answer never does.
func (s *Stop) Reset() { s.decide(end) }

// Deliver hands the command to the server, and ends the connection at once. The answer never arrives.
func (s *Stop) Deliver() { s.decide(deliver) }

func (s *Stop) decide(v verdict) {
	s.once.Do(func() {
		s.p.mu.Lock()
		for i, o := range s.p.stops {
			if o == s {
				s.p.stops = append(s.p.stops[:i:i], s.p.stops[i+1:]...)
				break
			}
		}
		s.p.mu.Unlock()
		s.verdict = v
		close(s.decided)
	})
}

// await waits for what has been decided; ok is false when the connection has ended first.
func (s *Stop) await(c net.Conn) (v verdict, ok bool) {
	close(s.reached)
	for {
		s.p.mu.Lock()
		_, lives := s.p.conns[c]
		changed := s.p.changed
		s.p.mu.Unlock()
		if !lives {
			return end, false
		}
		select {
		case <-s.decided:
			return s.verdict, true
		case <-changed:
		}
	}
}

// tap follows the packets of one connection, both ways.
type tap struct {
	p      *Proxy
	client net.Conn
	number uint64

	mu       sync.Mutex
	asked    int // commands that are answered
	answered int
	waiting  map[int]*Stop // by the number of the command whose answer they wait for
}

// stopped finds the stop of a command, which is noted.
func (t *tap) stopped(text []byte) (now *Stop) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(text) > 0 && text[0] != 1 && text[0] != 0x18 && text[0] != 0x19 { // COM_QUIT, COM_STMT_SEND_LONG_DATA and COM_STMT_CLOSE have no answer
		t.asked++
	}
	for i := 0; i < len(t.p.stops); i++ {
		s := t.p.stops[i]
		if !s.match(Command{Client: t.p.conns[t.client], Conn: t.number, Text: text}) || now != nil || t.waiting[t.asked] != nil {
			continue
		}
		t.p.stops = append(t.p.stops[:i:i], t.p.stops[i+1:]...)
		i--
		if s.at == Asked {
			now = s
		} else {
			t.waiting[t.asked] = s
		}
	}
	return now
}

// answer notes that an answer begins.
func (t *tap) answer() *Stop {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answered++
	s := t.waiting[t.answered]
	delete(t.waiting, t.answered)
	return s
}

// packets takes a stream apart.
type packets struct {
	held []byte // of a packet that is not whole yet
	left int    // of a packet that was begun to be passed on
}

const headerSize = 4

// next takes one piece off data: a packet's beginning with its number, or more of it. whole says that a packet is wanted with all its bytes. ok is false when there
// is too little of it.
func (s *packets) next(data []byte, whole bool) (piece, rest []byte, number int, ok bool) {
	if s.left > 0 {
		n := min(s.left, len(data))
		s.left -= n
		return data[:n], data[n:], -1, n > 0
	}
	if len(s.held) > 0 {
		data = append(s.held, data...)
		s.held = nil
	}
	if len(data) < headerSize {
		s.held = append([]byte(nil), data...)
		return nil, nil, -1, false
	}
	size := headerSize + int(binary.LittleEndian.Uint32(data)&0xffffff)
	number = int(data[3])
	if len(data) < size && whole {
		s.held = append([]byte(nil), data...)
		return nil, nil, -1, false
	}
	n := min(size, len(data))
	s.left = size - n
	return data[:n], data[n:], number, true
}

// A client may begin by a line that says for whom it is, in one write.
var proxied, lineEnd = []byte("PROXY "), []byte("\r\n")

// forth passes on what the client says, whole packets at a time.
func (t *tap) forth() write {
	var s packets
	begun := false
	return func(server, client net.Conn, data []byte) bool {
		if !begun {
			begun = true
			if line, rest, ok := bytes.Cut(data, lineEnd); ok && bytes.HasPrefix(line, proxied) {
				if !t.p.passOn(server, client, data[:len(line)+len(lineEnd)]) {
					return false
				}
				data = rest
			}
		}
		for len(data) > 0 {
			piece, rest, number, ok := s.next(data, true)
			if !ok {
				return true
			}
			data = rest
			if number == 0 { // a command; the handshake and the rest of long ones have higher numbers
				if stop := t.stopped(piece[headerSize:]); stop != nil {
					switch v, ok := stop.await(client); {
					case !ok:
						return false
					case v == deliver:
						t.hangUp(server, client, piece)
						return false
					case v == end:
						reset(client)
						reset(server)
						return false
					}
				}
			}
			if !t.p.passOn(server, client, piece) {
				return false
			}
		}
		return true
	}
}

// hangUp ends a connection whose server still reads what was sent last.
func (t *tap) hangUp(server, client net.Conn, last []byte) {
	t.p.mu.Lock()
	delete(t.p.conns, client)
	delete(t.p.conns, server)
	t.p.mu.Unlock()
	reset(client)             // first, so that no answer comes through
	_, _ = server.Write(last) // it has gone otherwise
	server.Close()
}

// back passes on what the server says.
func (t *tap) back() write {
	var s packets
	return func(client, server net.Conn, data []byte) bool {
		for len(data) > 0 {
			piece, rest, number, ok := s.next(data, false)
			if !ok {
				return true
			}
			data = rest
			if number == 1 {
				if stop := t.answer(); stop != nil {
					if v, ok := stop.await(server); !ok || v != goOn {
						reset(client)
						reset(server)
						return false
					}
				}
			}
			if !t.p.passOn(client, server, piece) {
				return false
			}
		}
		return true
	}
}
