package merge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// numbers gives rows of two BIGINTs and a string, in the text protocol, from one buffer that is used again.
type numbers struct {
	at, step, end int
	buf           []byte
	err           error
}

func (n *numbers) Next() ([]byte, error) {
	if n.at >= n.end {
		if n.err != nil {
			return nil, n.err
		}
		return nil, io.EOF
	}
	var digits [20]byte
	d := strconv.AppendInt(digits[:0], int64(n.at), 10)
	n.buf = wire.AppendLenencBytes(n.buf[:0], d)
	n.buf = wire.AppendLenencBytes(n.buf, d[len(d)-1:])
	n.buf = append(n.buf, 3, 'a', 'b', 'c')
	n.at += n.step
	return n.buf, nil
}

func numberColumns() []wire.Column {
	return []wire.Column{{Name: []byte("id"), Type: wire.TypeLongLong, Collation: 63}, {Name: []byte("d"), Type: wire.TypeLongLong, Collation: 63}, {Name: []byte("s"), Type: wire.TypeVarString, Collation: 63}}
}

func merged(t testing.TB, m *plan.Merge, change func(*Config), sources ...Source) *Rows {
	t.Helper()
	c := Config{Plan: m, Columns: numberColumns(), Sources: sources, Count: -1}
	if change != nil {
		change(&c)
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestManySources(t *testing.T) {
	for k := range 40 {
		sources := make([]Source, k)
		r := rand.New(rand.NewPCG(uint64(k), 0))
		var want []int
		for i := range sources {
			n := &numbers{at: r.IntN(10), step: 1 + r.IntN(7), end: r.IntN(60)}
			for v := n.at; v < n.end; v += n.step {
				want = append(want, v)
			}
			sources[i] = n
		}
		slices.Sort(want)
		rows := merged(t, &plan.Merge{Sort: []plan.SortKey{{Col: 0}}}, nil, sources...)
		for i := range want {
			p, err := rows.Next()
			if err != nil {
				t.Fatal(err)
			}
			if d, _, _ := wire.LenencBytes(p); string(d) != fmt.Sprint(want[i]) {
				t.Fatalf("%d sources, row %d: %s, not %d", k, i, d, want[i])
			}
		}
		for range 2 {
			if _, err := rows.Next(); err != io.EOF {
				t.Fatal(err)
			}
		}
	}
}

func TestSourceErrorIsGiven(t *testing.T) {
	broken := errors.New("lost")
	for _, m := range []*plan.Merge{{}, {Sort: []plan.SortKey{{Col: 0}}}, {Sort: []plan.SortKey{{Col: 0}}, Grouped: true, GroupKeys: 1}, {Order: []plan.SortKey{{Col: 0}}}} {
		rows := merged(t, m, nil, &numbers{end: 5, step: 1, err: broken}, &numbers{end: 5, step: 1})
		var err error
		for err == nil {
			_, err = rows.Next()
		}
		if err != broken {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

func TestOrderedMergeDoesNotAllocate(t *testing.T) {
	for name, m := range map[string]*plan.Merge{
		"ordered":         {Sort: []plan.SortKey{{Col: 0}}},
		"hidden":          {Sort: []plan.SortKey{{Col: 0}}, Hidden: 1},
		"distinct":        {Sort: []plan.SortKey{{Col: 0}}, Distinct: true, DistinctKeys: 1},
		"in any order":    {},
		"grouped, counts": {Sort: []plan.SortKey{{Col: 0}}, Grouped: true, GroupKeys: 1, Aggs: []plan.Agg{{Col: 1}}},
	} {
		rows := merged(t, m, nil, &numbers{at: 100, step: 2, end: 1 << 30}, &numbers{at: 101, step: 2, end: 1 << 30})
		for range 50 {
			if _, err := rows.Next(); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(1000, func() { rows.Next() }); n != 0 {
			t.Errorf("%s: %v allocations a row", name, n)
		}
	}
}

// TestMillionsOfRowsStream merges five million rows (fewer under the slow race detector) and looks at the heap.
func TestMillionsOfRowsStream(t *testing.T) {
	const n = 5_000_000 / slowness
	rows := merged(t, &plan.Merge{Sort: []plan.SortKey{{Col: 0}}, Hidden: 1}, nil, &numbers{at: 0, step: 2, end: n}, &numbers{at: 1, step: 2, end: n})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	count := 0
	for {
		_, err := rows.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc - before.TotalAlloc); count != n || grown > 1<<20 {
		t.Errorf("%d rows took %d bytes", count, grown)
	}
}

func TestSortMemory(t *testing.T) {
	order := &plan.Merge{Order: []plan.SortKey{{Col: 0, Desc: true}}}
	bound := func(c *Config) { c.SortMemory = 100_000 }
	rows := merged(t, order, bound, &numbers{end: 10_000, step: 1})
	_, err := rows.Next()
	var memory *SortMemoryError
	if !errors.As(err, &memory) || memory.Limit != 100_000 {
		t.Errorf("an unbounded sort: %v", err)
	}
	// A LIMIT needs few rows, whatever comes.
	rows = merged(t, order, func(c *Config) { bound(c); c.Offset, c.Count = 2, 3 }, &numbers{end: 10_000, step: 2}, &numbers{at: 1, end: 10_000, step: 2})
	for _, want := range []string{"9997", "9996", "9995"} {
		p, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		if d, _, _ := wire.LenencBytes(p); string(d) != want {
			t.Errorf("%s, not %s", d, want)
		}
	}
	if _, err := rows.Next(); err != io.EOF {
		t.Error(err)
	}
}

func TestBatches(t *testing.T) {
	m := &plan.Merge{Sort: []plan.SortKey{{Col: 0}}, Hidden: 1, Having: &plan.Final{}, Finals: []plan.Final{{Into: 1}}}
	batches := 0
	rows := merged(t, m, func(c *Config) {
		c.Eval = func(b *Batch) error {
			batches++
			for i := range b.Len() {
				v, err := strconv.Atoi(string(b.Cell(i, 0)))
				if err != nil {
					return err
				}
				if v%3 == 0 {
					b.Drop(i)
				}
				b.Set(i, 1, []byte("x"+string(b.Cell(i, -1))))
			}
			return nil
		}
	}, &numbers{at: 0, step: 2, end: 1000}, &numbers{at: 1, step: 2, end: 1000})
	for v := range 1000 {
		if v%3 == 0 {
			continue
		}
		p, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		want := wire.AppendLenencBytes(wire.AppendLenencBytes(nil, []byte(fmt.Sprint(v))), []byte("xabc"))
		if !bytes.Equal(p, want) {
			t.Fatalf("%q, not %q", p, want)
		}
	}
	if _, err := rows.Next(); err != io.EOF || batches != 5 {
		t.Errorf("%v after %d batches", err, batches)
	}
	if _, err := New(Config{Plan: m, Columns: numberColumns()}); !errors.Is(err, ErrConfig) {
		t.Errorf("nobody evaluates: %v", err)
	}
}

func TestEmptyGroup(t *testing.T) {
	m := &plan.Merge{Grouped: true, Aggs: []plan.Agg{{Col: 0}}, Hidden: 1, Order: []plan.SortKey{{Col: 0}}}
	asked := false
	rows := merged(t, m, func(c *Config) { c.Empty = func() ([]byte, error) { asked = true; return []byte("row"), nil } }, &numbers{})
	p, err := rows.Next()
	if err != nil || string(p) != "row" || !asked {
		t.Errorf("%q, %v", p, err)
	}
	if _, err := rows.Next(); err != io.EOF {
		t.Error(err)
	}
	rows = merged(t, m, nil, &numbers{})
	if _, err := rows.Next(); !errors.Is(err, ErrConfig) {
		t.Errorf("a row made of nothing: %v", err)
	}
}

func TestPlanThatDoesNotFit(t *testing.T) {
	for _, m := range []*plan.Merge{
		{Hidden: 4}, {Sort: []plan.SortKey{{Col: 3}}}, {Sort: []plan.SortKey{{Col: -4}}}, {Grouped: true, GroupKeys: 1}, {Distinct: true, DistinctKeys: 1},
		{Grouped: true, Aggs: []plan.Agg{{Col: 9}}}, {Grouped: true, Aggs: []plan.Agg{{Op: plan.AggCountDistinct, Keys: []plan.SortKey{{Col: 0}}}}},
		{Grouped: true, Aggs: []plan.Agg{{Op: 99}}},
	} {
		if _, err := New(Config{Plan: m, Columns: numberColumns(), Sources: []Source{&numbers{}, &numbers{}}, Count: -1}); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// TestMalformedRows must not panic.
func TestMalformedRows(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 3000 {
		junk := make([]byte, r.IntN(20))
		for i := range junk {
			junk[i] = byte(r.IntN(256))
		}
		f := value.Format(r.IntN(2))
		if f == value.Binary && len(junk) > 0 {
			junk[0] = 0
		}
		m := &plan.Merge{Hidden: 1, Sort: []plan.SortKey{{Col: 0}, {Col: 1}}, Grouped: true, GroupKeys: 1, Aggs: []plan.Agg{{Col: 1}, {Col: 2, Op: plan.AggMax}}}
		rows := merged(t, m, func(c *Config) { c.Format = f }, &result{rows: [][]byte{junk, junk}}, &result{rows: [][]byte{junk}})
		for {
			if _, err := rows.Next(); err != nil {
				break
			}
		}
	}
}

func BenchmarkOrderedMerge(b *testing.B) {
	rows := merged(b, &plan.Merge{Sort: []plan.SortKey{{Col: 0}}, Hidden: 1}, nil, &numbers{at: 0, step: 2, end: 1 << 40}, &numbers{at: 1, step: 2, end: 1 << 40})
	for b.Loop() {
		if _, err := rows.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

// Values of a DISTINCT aggregate that do not come in order.
func TestGatheredDistinct(t *testing.T) {
	ask := func(by plan.Col, memory int64) (string, error) {
		keys := []plan.SortKey{{Col: by}}
		r := merged(t, &plan.Merge{Grouped: true, Aggs: []plan.Agg{
			{Col: 0, Op: plan.AggCountDistinct, Keys: keys, Gather: true},
			{Col: 1, Op: plan.AggSumDistinct, Keys: keys, Gather: true},
		}}, func(c *Config) { c.SortMemory = memory }, &numbers{at: 0, step: 3, end: 9000}, &numbers{at: 1, step: 3, end: 9000}, &numbers{at: 2, step: 3, end: 9000})
		p, err := r.Next()
		if err != nil {
			return "", err
		}
		cells := make([][]byte, 3)
		if err := wire.SplitTextRow(p, cells); err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprintf("%s %s", cells[0], cells[1])
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("after the only group: %v", err)
		}
		return out, nil
	}
	for _, c := range []struct {
		by     plan.Col
		memory int64
		want   string
	}{
		{1, 0, "10 45"}, {0, 0, "9000 40495500"}, {1, 400 << 10, "10 45"}, {1, 50 << 10, "10 45"}, // fewer than wait for being looked at have room
	} {
		if got, err := ask(c.by, c.memory); got != c.want || err != nil {
			t.Errorf("by column %d in %d bytes: %q, %v", c.by, c.memory, got, err)
		}
	}
	var full *SortMemoryError
	if _, err := ask(0, 400<<10); !errors.As(err, &full) {
		t.Errorf("9000 values in too little memory: %v", err)
	}
}
