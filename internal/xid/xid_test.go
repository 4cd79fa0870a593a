package xid_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/xid"
)

func TestXIDIsReadAsItWasWritten(t *testing.T) {
	number := func() uint64 { return rand.Uint64() >> rand.IntN(64) }
	for range 10_000 {
		id := xid.ID{Owner: number(), Seq: number()}
		if back, err := xid.ParseID(id.String()); err != nil || back != id {
			t.Fatalf("%s is read as %v, %v", id, back, err)
		}
		x := xid.XID{ID: id, Decider: number(), Place: number(), Thread: number()}
		format, gtrid, bqual := parts(t, x.SQL())
		if back, ok := xid.ParseXID(format, gtrid, bqual); !ok || back != x {
			t.Fatalf("%s is read as %+v, %v", x.SQL(), back, ok)
		}
		if len(gtrid) > 64 || len(bqual) > 64 {
			t.Fatalf("%s is too long for a server", x.SQL())
		}
	}
}

// parts takes an identifier's SQL apart.
func parts(t *testing.T, sql string) (format int64, gtrid, bqual []byte) {
	var at [4]int
	found := 0
	for i := range sql {
		if sql[i] == '\'' && found < 4 {
			at[found] = i
			found++
		}
	}
	if found != 4 || sql[at[1]:at[2]+1] != "','" || sql[at[3]:] != "',20311" {
		t.Fatalf("%s is no identifier", sql)
	}
	return 20311, []byte(sql[at[0]+1 : at[1]]), []byte(sql[at[2]+1 : at[3]])
}

func TestXIDText(t *testing.T) {
	x := xid.XID{ID: xid.ID{Owner: 35, Seq: 36}, Decider: 0, Place: xid.PlaceShape, Thread: 7}
	if got := x.SQL(); got != "'ow1.z.10.0','s.7',20311" {
		t.Error(got)
	}
	x.Place = xid.PlaceRemote
	if got := x.SQL(); got != "'ow1.z.10.0','r.7',20311" {
		t.Error(got)
	}
	if got := (xid.ID{Owner: 0x694d, Seq: math.MaxUint64}).String(); got != "694d-ffffffffffffffff" {
		t.Error(got)
	}
}

func TestForeignXIDs(t *testing.T) {
	for _, x := range []struct {
		format       int64
		gtrid, bqual string
	}{
		{1, "ow1.1.2.3", "4.5"}, {20311, "ow2.1.2.3", "4.5"}, {20311, "ow1.1.2", "4.5"}, {20311, "ow1.1.2.3.4", "4.5"}, {20311, "ow1.1.2.3", "4"},
		{20311, "ow1.1.2.3", ""}, {20311, "", ""}, {20311, "ow1.A.2.3", "4.5"}, {20311, "ow1.01.2.3", "4.5"}, {20311, "ow1.1.2.+3", "4.5"},
		{20311, "ow1.1.2.3", "4.5."}, {20311, "ow1.1.2.zzzzzzzzzzzzzzzzzz", "4.5"},
	} {
		if got, ours := xid.ParseXID(x.format, []byte(x.gtrid), []byte(x.bqual)); ours || got != (xid.XID{}) {
			t.Errorf("%+v is taken for ours: %+v", x, got)
		}
	}
	for _, text := range []string{"", "-", "1", "1-", "-1", "1-2-3", "1-G", "01-2", "1-2 ", "1-10000000000000000"} {
		if id, err := xid.ParseID(text); !errors.Is(err, xid.ErrNoID) || !id.IsZero() {
			t.Errorf("%q is taken for an id: %v, %v", text, id, err)
		}
	}
}

func TestPlaceHash(t *testing.T) {
	// The leaves' logs keep it: it must not change.
	if got := xid.PlaceHash(topo.PartitionID{DB: "test", Ordinal: 3}); got != 0x8d2a7ddc855d4b7a {
		t.Errorf("%#x", got)
	}
	seen := map[uint64]topo.PartitionID{}
	for _, db := range []string{"test", "a", "shop_1", "ü"} {
		for i := range 1000 {
			p := topo.PartitionID{DB: db, Ordinal: i}
			h := xid.PlaceHash(p)
			if other, twice := seen[h]; twice || h < 64 {
				t.Fatalf("%s has hash %d, as has %s", p, h, other)
			}
			seen[h] = p
		}
	}
}
