package wire

import (
	"io"
	"testing"
)

// BenchmarkRelay sends a point select's answer through a relay: five small frames.
func BenchmarkRelay(b *testing.B) {
	na, nb := socketPair(b)
	nc, nd := socketPair(b)
	leaf, back, front := NewConn(na), NewConn(nb), NewConn(nc)
	go io.Copy(io.Discard, nd)
	payload := pattern(60)
	b.ReportAllocs()
	for b.Loop() {
		for range 5 {
			leaf.AppendPacket(payload)
		}
		leaf.Flush()
		for range 5 {
			f, _, err := back.ReadFrame()
			if err != nil {
				b.Fatal(err)
			}
			front.AppendFrame(f)
		}
		front.Flush()
	}
}

// BenchmarkRelayBulk relays the rows of a large result.
func BenchmarkRelayBulk(b *testing.B) {
	na, nb := socketPair(b)
	nc, nd := socketPair(b)
	leaf, back, front := NewConn(na), NewConn(nb), NewConn(nc)
	go io.Copy(io.Discard, nd)
	payload := pattern(100)
	go func() {
		for leaf.AppendPacket(payload) == nil {
		}
	}()
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		f, _, err := back.ReadFrame()
		if err != nil {
			b.Fatal(err)
		}
		if err := front.AppendFrame(f); err != nil {
			b.Fatal(err)
		}
	}
}
