package topo

import (
	"errors"
	"strings"
	"testing"
)

func TestReserve(t *testing.T) {
	for _, c := range []struct {
		text, canonical string
		total, of       int64
	}{
		{"1G,5%", "1G,5%", 100 << 30, 1 << 30},
		{" 5 % , 1g ", "1G,5%", 10 << 30, 512 << 20},
		{"300M", "300M", 1 << 30, 300 << 20},
		{"2.5%", "2.5%", 1000, 25},
		{"1536k", "1536K", 1, 1536 << 10},
		{"1000", "1000", 1, 1000},
		{"0", "0", 1 << 40, 0},
		{"0,5%", "0", 1 << 40, 0},
		{"1G,0%", "0", 1 << 40, 0},
		{"0%", "0", 1 << 40, 0},
	} {
		r, err := ParseReserve(c.text)
		if err != nil || r.String() != c.canonical || r.Of(c.total) != c.of {
			t.Errorf("%q: %s, %d of %d, %v", c.text, r, r.Of(c.total), c.total, err)
		}
		if again, err := ParseReserve(r.String()); err != nil || again != r {
			t.Errorf("%q reads as %s, and that as %s, %v", c.text, r, again, err)
		}
	}
	for _, bad := range []string{"", "x", "1P", "-1", "100%", "-1%", "NaN%", "1G,2G", "1%,2%", "1G 5%", "9223372036854775807K", "1,"} {
		if r, err := ParseReserve(bad); err == nil {
			t.Errorf("%q was read as %s", bad, r)
		}
	}
}

func TestShortageBeginsAndEndsApart(t *testing.T) {
	r := Reserve{Bytes: 800}
	var s Shortage
	for i, step := range []struct {
		left  int64
		short bool
		told  int64
	}{
		{900, false, 0}, {800, false, 0}, {799, true, 799},
		{750, true, 799}, // what is told changes seldom
		{690, true, 690}, {0, true, 0}, {50, true, 0}, {400, true, 400},
		{899, true, 899}, {900, false, 0}, {899, false, 0},
	} {
		if s = s.Judge(r, step.left, 10000); s.Short() != step.short || s.Left != step.told {
			t.Errorf("step %d: %+v", i, s)
		}
	}
	s = s.Judge(r, 1, 10000)
	if s = s.Judge(Reserve{}, 1, 10000); s.Short() {
		t.Errorf("without a reserve: %+v", s)
	}
}

func TestNoRoomIsToldByBothCopies(t *testing.T) {
	leaf := func(disk, memory Shortage) *Leaf {
		return &Leaf{Name: "leaf-2", Host: "10.0.0.2", Port: 3307, State: LeafOnline, Disk: disk, Memory: memory}
	}
	p := &Partition{Instances: []Instance{{Leaf: "leaf-1", Role: Master}, {Leaf: "leaf-2", Role: Replica}}}
	for _, c := range []struct {
		leaf        *Leaf
		code, freed uint16
		say         string
	}{
		{leaf(Shortage{}, Shortage{}), 0, 0, ""},
		{leaf(Shortage{Left: 800 << 20, Reserve: 1 << 30}, Shortage{}), 1021, 0, "leaf leaf-2 (10.0.0.2:3307): 800.0 MiB are left, disk_reserve keeps 1.0 GiB free"},
		{leaf(Shortage{}, Shortage{Left: 512, Reserve: 2048}), 1041, 0, "512 bytes of its machine's are left, memory_reserve keeps 2.0 KiB free"},
		{leaf(Shortage{Left: 0, Reserve: 1 << 30, Full: true}, Shortage{}), 1021, 1021, "Disk full at leaf leaf-2"},
	} {
		b := NewBuilder(cluster(1))
		b.PutLeaf(c.leaf)
		s := b.Build(2)
		for frees, want := range map[bool]uint16{false: c.code, true: c.freed} {
			for _, err := range []error{s.RoomFor(p, frees), s.RoomEverywhere(frees)} {
				var e *Error
				switch {
				case want == 0 && err != nil:
					t.Errorf("%+v, frees %v: %v", c.leaf, frees, err)
				case want != 0 && (!errors.As(err, &e) || !errors.Is(err, ErrNoRoom) || e.Code() != want || !strings.Contains(e.Error(), c.say)):
					t.Errorf("%+v, frees %v: %v", c.leaf, frees, err)
				}
			}
		}
	}
}
