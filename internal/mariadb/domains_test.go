package mariadb

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func TestStorableDomains(t *testing.T) {
	lost := 0
	for _, step := range []uint32{1, 4, 7, 1000} {
		for n := range 400 {
			domains := make([]uint32, n)
			for i := range domains {
				domains[i] = 1 + step*uint32(i)
			}
			out := storable(domains)
			if !wholly(domains) {
				lost++
			}
			if !wholly(out) || !slices.Equal(out[:n], domains) || !slices.Equal(domainsOf(list(out)), domains) && n > 0 {
				t.Fatalf("%d domains: %v", n, out)
			}
		}
	}
	if lost == 0 {
		t.Error("MariaDB would have kept all of them")
	}
}

// leavesOut says whether MariaDB 10.11.19 leaves a number out of its file.
func leavesOut(domains []uint32) bool {
	length := len(strconv.Itoa(len(domains)))
	room := 25*(1+len(domains)) - length
	for _, d := range domains {
		n := 1 + len(strconv.Itoa(int(d)))
		if room <= 0 {
			return room == 0
		}
		if room-1 < n {
			return true
		}
		length += n
		room -= length
	}
	return false
}

// A link follows more domains than MariaDB tells, and such a number of them as MariaDB can't write into its file. All of them are known, also after a restart and when a change
// is cut off.
func TestManyDomainsOnALink(t *testing.T) {
	farm := farmtest.Start(t, 2)
	s, pools := servers(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	must := fatal(t)
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	var domains []uint32
	for d := uint32(1000); len(domains) < 140 || !leavesOut(domains); d += 3 {
		domains = append(domains, d)
	}
	starts := make([]Start, len(domains))
	for i, d := range domains {
		starts[i].Domain = d
	}
	must(s.Follow(ctx, b.Name, a.Name, a.Addr(), starts...))
	check := func(what string) {
		t.Helper()
		links, err := s.Links(ctx, b.Name)
		must(err)
		if l := links[a.Name]; l == nil || !slices.Equal(sorted(l.Domains), domains) || l.unsure {
			t.Fatalf("%s: %+v", what, l)
		}
	}
	check("followed")
	must(farm.Kill(1))
	must(farm.AwaitReady(ctx, 1))
	pools.Drop(b.Name)
	check("started again")
	must(s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 9000}))
	domains = append(domains, 9000)
	check("one more")
	must(s.Unfollow(ctx, b.Name, a.Name, 1003))
	domains = slices.DeleteFunc(domains, func(d uint32) bool { return d == 1003 })
	check("one less")
	// A change that was noted, and perhaps made: neither what was to come nor what was to go is followed, and the rest is.
	last := domains[len(domains)-2:]
	noted := append(slices.Clone(domains[:len(domains)-2]), last[1], 9003)
	if _, err := s.at(ctx, b.Name, "UPDATE "+followedTable+" SET was = domains, domains = "+lit(list(noted))); err != nil {
		t.Fatal(err)
	}
	domains = slices.DeleteFunc(domains, func(d uint32) bool { return d == last[0] })
	check("cut off")
	res, err := s.at(ctx, b.Name, "SELECT domains, was IS NULL FROM "+followedTable)
	must(err)
	if got := string(res.Rows[0][0]); got != list(domains) || string(res.Rows[0][1]) != "1" {
		t.Errorf("the table has %s, %s", got, res.Rows[0][1])
	}
	must(s.Serve(ctx, a.Name, "p_0", 9000, 1))
	writer(t, pools, a.Name, "p_0", 9000, "CREATE DATABASE p_0", "CREATE TABLE p_0.t (a INT PRIMARY KEY)", "INSERT INTO p_0.t VALUES (1)")
	pos, err := s.BinlogPosition(ctx, a.Name)
	must(err)
	must(s.WaitApplied(ctx, b.Name, pos[9000]))
	if got := count(t, s, b.Name, "p_0.t"); got != "1" {
		t.Errorf("rows that arrived: %s", got)
	}
	must(s.Unlink(ctx, b.Name, a.Name))
	if res, err = s.at(ctx, b.Name, "SELECT COUNT(*) FROM "+followedTable); err != nil || string(res.Rows[0][0]) != "0" {
		t.Errorf("after the link: %s %v", res.Rows[0][0], err)
	}
}
