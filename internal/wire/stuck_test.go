package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"testing"
	"time"
)

// Whoever reads nothing is seen, however it is written to; whoever reads a little is not.
func TestStuck(t *testing.T) {
	look := func(t *testing.T, a, b *Conn) {
		if a.Stuck(time.Now()) != 0 {
			t.Error("stuck before anything was written")
		}
		done := make(chan error, 1)
		go func() {
			payload := make([]byte, 1<<20)
			for i := range payload {
				payload[i] = byte(i*i>>7) ^ byte(i>>3)
			}
			for range 32 {
				if err := a.AppendPacket(payload); err != nil {
					done <- err
					return
				}
			}
			done <- a.Flush()
		}()
		for a.Stuck(time.Now()) < 50*time.Millisecond {
			select {
			case err := <-done:
				t.Fatalf("all was written to a peer that reads nothing: %v", err)
			case <-time.After(time.Millisecond):
			}
		}
		go io.Copy(io.Discard, b.nc)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if stuck := a.Stuck(time.Now()); stuck != 0 {
			t.Errorf("stuck for %v with nothing to write", stuck)
		}
	}
	pairs(t, look)
	t.Run("TLS", func(t *testing.T) {
		na, nb := socketPair(t)
		a, b := NewConn(na), NewConn(nb)
		done := make(chan error, 1)
		go func() {
			done <- b.startTLS(t.Context(), tls.Client(b.withBuffered(), &tls.Config{InsecureSkipVerify: true}))
		}()
		if err := errors.Join(a.startTLS(t.Context(), tls.Server(a.withBuffered(), fuzzCertificate(t))), <-done); err != nil {
			t.Fatal(err)
		}
		look(t, a, b)
	})
}
