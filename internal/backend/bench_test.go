package backend

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// BenchmarkPointSelect compares the ways of a short statement: a connection a client, one from the pool a statement, and a pipeline.
func BenchmarkPointSelect(b *testing.B) {
	f := farmtest.Shared(b, 1)
	p := poolsFor(b, f)
	schema(b, p, "bench", "CREATE TABLE bench.t (id bigint primary key, c char(120)) ENGINE=InnoDB",
		"INSERT INTO bench.t SELECT seq, repeat('x', 119) FROM seq_1_to_10000")
	w := Want{Leaf: "leaf-1", Schema: "bench", Variant: VariantOf(wire.ServerCaps &^ wire.MariaDBExtendedMetadata)}
	const text = "SELECT c FROM t WHERE id=?"
	body := func(dst []byte, n uint64) []byte {
		return binary.LittleEndian.AppendUint64(append(dst[:0], 0, 1, 0, 0, 0, 0, 1, byte(wire.TypeLongLong), 0), n)
	}
	read := func(c *Conn) error {
		for !c.Done() {
			if kind, _, err := c.Frame(); err != nil || kind == KindErr {
				return fmt.Errorf("%v %v", kind, err)
			}
		}
		return nil
	}
	type client func(n uint64) error
	ways := []struct {
		name string
		make func() (client, func())
	}{
		{"straight", func() (client, func()) {
			c := get(b, p, w)
			var buf []byte
			return func(n uint64) error {
				buf = body(buf, n)
				if err := c.SendExecute(text, buf); err != nil {
					return err
				}
				return read(c)
			}, c.Release
		}},
		{"pool", func() (client, func()) {
			var buf []byte
			return func(n uint64) error {
				c, err := p.Get(context.Background(), w)
				if err != nil {
					return err
				}
				defer c.Release()
				buf = body(buf, n)
				if err := c.SendExecute(text, buf); err != nil {
					return err
				}
				return read(c)
			}, func() {}
		}},
		{"pipeline", func() (client, func()) {
			var buf, answer []byte
			return func(n uint64) error {
				var err error
				buf = body(buf, n)
				answer, err = p.Pipeline(w).Execute(context.Background(), text, buf, answer[:0])
				return err
			}, func() {}
		}},
	}
	for _, clients := range []int{1, 8, 64, 256} {
		for _, way := range ways {
			b.Run(fmt.Sprintf("%s/%d", way.name, clients), func(b *testing.B) {
				run := make([]client, clients)
				for i := range run {
					c, release := way.make()
					defer release()
					if err := c(1); err != nil {
						b.Fatal(err)
					}
					run[i] = c
				}
				b.ReportAllocs()
				own0, leaf0 := cpu(b, "self"), cpu(b, fmt.Sprint(f.PID(0)))
				b.ResetTimer()
				var next atomic.Int64
				var all sync.WaitGroup
				for _, c := range run {
					all.Go(func() {
						for {
							n := next.Add(1)
							if n > int64(b.N) {
								return
							}
							if err := c(uint64(n)%10000 + 1); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stmt/s")
				// On a machine that is busy with other things only the processor time says something.
				own, leaf := cpu(b, "self"), cpu(b, fmt.Sprint(f.PID(0)))
				b.ReportMetric(float64((own-own0).Nanoseconds())/float64(b.N), "cpu-ns/stmt")
				b.ReportMetric(float64((leaf-leaf0).Nanoseconds())/float64(b.N), "leaf-cpu-ns/stmt")
			})
		}
	}
}

// cpu is the processor time that a process has used, in steps of 10 ms.
func cpu(b *testing.B, process string) time.Duration {
	text, err := os.ReadFile("/proc/" + process + "/stat")
	if err != nil {
		b.Skip("no /proc here")
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
