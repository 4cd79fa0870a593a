package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// countingConn counts the writes of a connection, and hides that it is a socket.
type countingConn struct {
	net.Conn
	writes atomic.Int64
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// socketPair returns both ends of a TCP connection.
func socketPair(t testing.TB) (a, b *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); s.Close() })
	return d.(*net.TCPConn), s.(*net.TCPConn)
}

var randomBytes = sync.OnceValue(func() []byte {
	b := make([]byte, 41<<20)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
})

// pattern returns n bytes, other ones for another n.
func pattern(n int) []byte {
	skip := n % 1021
	return randomBytes()[skip : skip+n : skip+n]
}

// pairs are the kinds of connection that must all behave alike.
func pairs(t *testing.T, f func(t *testing.T, a, b *Conn)) {
	t.Run("socket", func(t *testing.T) {
		a, b := socketPair(t)
		f(t, NewConn(a), NewConn(b))
	})
	t.Run("pipe", func(t *testing.T) {
		a, b := net.Pipe()
		t.Cleanup(func() { a.Close(); b.Close() })
		f(t, NewConn(a), NewConn(b))
	})
	t.Run("compressed", func(t *testing.T) {
		na, nb := socketPair(t)
		a, b := NewConn(na), NewConn(nb)
		a.startCompression()
		b.startCompression()
		f(t, a, b)
	})
}

func TestPacketsOfAllSizes(t *testing.T) {
	sizes := []int{
		0, 1, 49, 50, 51, 1000, smallBlock - 5, smallBlock - 4, smallBlock, direct - 1, direct, flushAt,
		largeBlock - 5, largeBlock - 4, largeBlock - 3, largeBlock, hugeBlock, hugeBlock + 1, 3<<20 + 7,
		MaxPayload, MaxPayload + 1, 40 << 20,
	}
	pairs(t, func(t *testing.T, a, b *Conn) {
		sizes := sizes
		if a.raw == nil {
			sizes = sizes[:len(sizes)-1] // these take their time under the race detector
		}
		done := make(chan error, 1)
		go func() {
			for i, n := range sizes {
				a.ResetSeq()
				var err error
				if i%2 == 0 {
					err = a.AppendPacket(pattern(n))
				} else {
					err = a.FinishPacket(append(a.StartPacket(), pattern(n)...))
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- a.Flush()
		}()
		for _, n := range sizes {
			b.ResetSeq()
			p, err := b.ReadPacket()
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			if !bytes.Equal(p, pattern(n)) {
				t.Fatalf("%d bytes: something else came, of %d bytes", n, len(p))
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestRelayOfAllSizes(t *testing.T) {
	sizes := []int{0, 10, smallBlock, largeBlock, 2 << 20, MaxPayload}
	pairs(t, func(t *testing.T, a, b *Conn) {
		nc, nd := socketPair(t)
		c, d := NewConn(nc), NewConn(nd)
		go func() {
			for _, n := range sizes {
				a.AppendPacket(pattern(n))
			}
			a.Flush()
		}()
		relayed := make(chan error, 1)
		go func() {
			for range sizes {
				for first := true; ; first = false {
					f, cont, err := b.ReadFrame()
					if err == nil && cont == first {
						err = errors.New("continuation told wrongly")
					}
					if err == nil {
						err = c.AppendFrame(f)
					}
					if err != nil {
						relayed <- err
						return
					}
					if f.Last() {
						break
					}
				}
			}
			relayed <- c.Flush()
		}()
		for _, n := range sizes {
			p, err := d.ReadPacket()
			if err != nil || !bytes.Equal(p, pattern(n)) {
				t.Fatalf("%d bytes: %d came, %v", n, len(p), err)
			}
		}
		if err := <-relayed; err != nil {
			t.Fatal(err)
		}
	})
}

func TestTooLargePacketIsDrained(t *testing.T) {
	pairs(t, func(t *testing.T, a, b *Conn) {
		b.SetMaxPacket(1000)
		go func() {
			for _, n := range []int{1000, 1001, 100 << 10, 17 << 20, 5} {
				a.ResetSeq()
				a.AppendPacket(pattern(n))
			}
			a.Flush()
		}()
		for _, n := range []int{1000, 1001, 100 << 10, 17 << 20, 5} {
			b.ResetSeq()
			p, err := b.ReadPacket()
			if n <= 1000 {
				if err != nil || !bytes.Equal(p, pattern(n)) {
					t.Fatalf("%d bytes: %v", n, err)
				}
				continue
			}
			var large *PacketTooLargeError
			if !errors.Is(err, ErrPacketTooLarge) || !errors.As(err, &large) || large.Size != int64(n) || large.Max != 1000 {
				t.Fatalf("%d bytes: %v", n, err)
			}
		}
	})
}

func TestSequence(t *testing.T) {
	na, nb := socketPair(t)
	a, b := NewConn(na), NewConn(nb)
	a.AppendPacket([]byte("q"))
	a.Flush()
	if _, err := b.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	b.AppendPacket([]byte("r1"))
	b.AppendPacket([]byte("r2"))
	b.Flush()
	for want := range 2 {
		f, _, err := a.ReadFrame()
		if err != nil || int(f.Seq()) != want+1 {
			t.Fatalf("%v %v", f, err)
		}
	}
	a.ResetSeq()
	a.AppendPacket([]byte("q"))
	a.AppendPacket([]byte("q"))
	a.Flush()
	b.ResetSeq()
	b.ReadPacket()
	b.ResetSeq()
	if _, err := b.ReadPacket(); !errors.Is(err, ErrSequence) {
		t.Fatal(err)
	}
	if _, err := b.ReadPacket(); !errors.Is(err, ErrBroken) || !errors.Is(err, ErrSequence) {
		t.Fatal(err)
	}
}

func TestPipelined(t *testing.T) {
	na, nb := socketPair(t)
	a, b := NewConn(na), NewConn(nb)
	a.SetPipelined(true)
	const n = 1000
	go func() {
		for range n {
			_, p, err := b.ReadCommand()
			if err != nil {
				return
			}
			b.AppendPacket(p)
			b.AppendPacket(p)
			if !b.Buffered() {
				b.Flush()
			}
		}
	}()
	go func() {
		for i := range n {
			a.FinishPacket(append(a.StartCommand(), byte(ComQuery), byte(i)))
			if i%10 == 9 {
				a.Flush()
			}
		}
		a.Flush()
	}()
	for i := range n {
		for seq := range 2 {
			f, _, err := a.ReadFrame()
			if err != nil || f[5] != byte(i) || int(f.Seq()) != seq+1 {
				t.Fatalf("%d: %v %v", i, f, err)
			}
		}
	}
}

func TestTruncated(t *testing.T) {
	for _, s := range []string{"\x05", "\x05\x00\x00", "\x05\x00\x00\x00", "\x05\x00\x00\x00abcd", "\xff\xff\xff\x00abcd", "\x00\x00\x10\x00ab"} {
		for _, packet := range []bool{true, false} {
			na, nb := socketPair(t)
			c := NewConn(nb)
			na.Write([]byte(s))
			na.Close()
			var err error
			if packet {
				_, err = c.ReadPacket()
			} else {
				_, _, err = c.ReadFrame()
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v", s, err)
			}
		}
	}
	na, nb := socketPair(t)
	na.Close()
	if _, err := NewConn(nb).ReadPacket(); err != io.EOF {
		t.Error(err)
	}
}

func TestTimeoutIsNoEnd(t *testing.T) {
	pairs(t, func(t *testing.T, a, b *Conn) {
		for range 2 {
			b.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			if _, err := b.ReadPacket(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			b.SetReadDeadline(time.Time{})
			sent := make(chan error, 1)
			go func() {
				a.AppendPacket([]byte("hello"))
				sent <- a.Flush()
			}()
			if p, err := b.ReadPacket(); err != nil || string(p) != "hello" {
				t.Fatalf("%q %v", p, err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCloseEndsRead(t *testing.T) {
	_, nb := socketPair(t)
	c := NewConn(nb)
	time.AfterFunc(10*time.Millisecond, func() { c.Close() })
	if _, err := c.ReadPacket(); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}

func TestWriteErrorSticks(t *testing.T) {
	na, nb := socketPair(t)
	c := NewConn(nb)
	na.SetLinger(0)
	na.Close()
	var err error
	for range 1000 {
		if err = c.AppendPacket(pattern(1 << 20)); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("no error")
	}
	if c.Flush() != err || c.AppendPacket(nil) != err || c.FinishPacket(c.StartPacket()) != err {
		t.Fatal("error forgotten")
	}
}

func TestCheckIdle(t *testing.T) {
	na, nb := socketPair(t)
	c := NewConn(nb)
	if err := c.CheckIdle(); err != nil {
		t.Fatal(err)
	}
	await := func(want error) {
		t.Helper()
		var err error
		for range 100 {
			if err = c.CheckIdle(); errors.Is(err, want) {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Fatal(err)
	}
	na.Write([]byte("\x01\x00\x00\x00a\x01"))
	await(ErrUnexpectedData)
	if _, err := c.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	if err := c.CheckIdle(); err != ErrUnexpectedData {
		t.Fatal(err)
	}
	c.r = c.w
	na.Close()
	await(io.EOF)
}

// TestWaitingHoldsNoBuffer is the promise that idle clients cost little.
func TestWaitingHoldsNoBuffer(t *testing.T) {
	na, nb := socketPair(t)
	c := NewConn(nb)
	for range 3 {
		done := make(chan error)
		go func() {
			_, err := c.ReadPacket()
			done <- err
		}()
		time.Sleep(20 * time.Millisecond)
		// The reader is parked in the poller: nothing else touches its fields until the next write below.
		if err := nb.SetReadDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		nb.SetReadDeadline(time.Time{})
		if c.block != nil || c.wblock != nil || c.wbuf != nil || c.big != nil {
			t.Fatal("a waiting connection holds a buffer")
		}
		na.Write([]byte("\x01\x00\x00\x00a"))
		c.ResetSeq()
		if _, err := c.ReadPacket(); err != nil {
			t.Fatal(err)
		}
		c.AppendPacket([]byte("answer"))
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		c.ResetSeq()
	}
}

// A socket takes some of what is written, and the rest when its peer has read; or never.
func TestWritesWaitForRoom(t *testing.T) {
	na, nb := socketPair(t)
	c := NewConn(na)
	sent := make([]byte, 24<<20)
	for i := range sent {
		sent[i] = byte(i>>16) ^ byte(i)
	}
	done := make(chan error)
	go func() { done <- c.Write(sent) }()
	got := make([]byte, len(sent))
	for n := 0; n < len(got); {
		m, err := nb.Read(got[n:min(n+1<<20, len(got))])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if err := <-done; err != nil || !bytes.Equal(got, sent) {
		t.Fatal("what came is not what was sent", err)
	}
	c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	if err := c.Write(sent); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	c.SetWriteDeadline(time.Time{})
	nb.SetLinger(0)
	nb.Close()
	time.Sleep(20 * time.Millisecond)
	if err := c.Write(sent); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
}

func TestFewWrites(t *testing.T) {
	na, nb := socketPair(t)
	cc := &countingConn{Conn: na}
	a, b := NewConn(cc), NewConn(nb)
	for range 100 {
		a.AppendPacket([]byte("a row of a small response"))
	}
	if n := cc.writes.Load(); n != 0 {
		t.Fatalf("%d writes before the flush", n)
	}
	a.Flush()
	if n := cc.writes.Load(); n != 1 {
		t.Fatalf("%d writes", n)
	}
	for i := range 100 {
		if _, err := b.ReadPacket(); err != nil {
			t.Fatal(err)
		}
		if b.Buffered() != (i < 99) {
			t.Fatalf("after %d packets Buffered says %v: one read was to get all", i+1, b.Buffered())
		}
	}
}

func TestRelayDoesNotAllocate(t *testing.T) {
	for _, size := range []int{10, 1000, smallBlock + 1000, direct + 1000, 200 << 10} {
		nServer, nLeaf := socketPair(t)
		nClient, nFront := socketPair(t)
		leaf, back, front := NewConn(nServer), NewConn(nLeaf), NewConn(nFront)
		go io.Copy(io.Discard, nClient)
		payload := pattern(size)
		round := func() {
			leaf.ResetSeq()
			back.ResetSeq()
			front.ResetSeq()
			for range 5 {
				if err := leaf.AppendPacket(payload); err != nil {
					t.Fatal(err)
				}
			}
			if err := leaf.Flush(); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				f, _, err := back.ReadFrame()
				if err != nil {
					t.Fatal(err)
				}
				if err := front.AppendFrame(f); err != nil {
					t.Fatal(err)
				}
			}
			if err := front.FinishPacket(append(front.StartPacket(), 0, 0, 0, 2, 0, 0, 0)); err != nil {
				t.Fatal(err)
			}
			if err := front.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if raceEnabled {
			round() // sync.Pool drops at random under the race detector
			continue
		}
		if n := testing.AllocsPerRun(200, round); n > 0 {
			t.Errorf("%d bytes: %v allocations a round", size, n)
		}
	}
}
