package mariadb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

func servers(t *testing.T, farm *localfarm.Farm, change ...func(*backend.Config)) (*Servers, *backend.Pools) {
	t.Helper()
	cfg := backend.Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		for _, l := range farm.Leaves() {
			if l.Name == leaf {
				return l.Addr(), true
			}
		}
		return "", false
	}}
	for _, f := range change {
		f(&cfg)
	}
	pools := backend.New(cfg)
	t.Cleanup(pools.Close)
	s := New(pools)
	for _, l := range farm.Leaves() {
		if err := s.Install(context.Background(), l.Name); err != nil {
			t.Fatal(err)
		}
	}
	return s, pools
}

// writer runs statements in a partition's domain.
func writer(t *testing.T, pools *backend.Pools, leaf, schema string, domain uint32, sql ...string) {
	t.Helper()
	c, err := pools.Get(context.Background(), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	c.ResetOnRelease()
	for _, q := range append([]string{fmt.Sprintf("CALL orbweaver.serve('%s', %d)", schema, domain)}, sql...) {
		if _, err := c.Query(context.Background(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func count(t *testing.T, s *Servers, leaf, table string) string {
	t.Helper()
	res, err := s.at(context.Background(), leaf, "SELECT COUNT(*) FROM "+table)
	if err != nil {
		return err.Error()
	}
	return string(res.Rows[0][0])
}

func TestFenceKeepsOthersOut(t *testing.T) {
	farm := farmtest.Shared(t, 2)
	s, pools := servers(t, farm)
	ctx := context.Background()
	leaf := farm.Leaves()[0].Name
	if err := s.Install(ctx, leaf); err != nil { // again
		t.Fatal(err)
	}
	if err := s.Serve(ctx, leaf, "f_0", 71, 1); err != nil {
		t.Fatal(err)
	}
	writer(t, pools, leaf, "f_0", 71, "CREATE DATABASE f_0")
	c, err := pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, Schema: "f_0"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	var refused *wire.ServerError
	if _, err := c.Query(ctx, "CALL orbweaver.serve('f_0', 72)"); !errors.As(err, &refused) || refused.Code != 1777 {
		t.Errorf("another term's domain: %v", err)
	}
	if err := s.Fence(ctx, leaf, "f_0"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query(ctx, "SELECT 1"); err == nil {
		t.Error("a session of the partition has survived the fence")
	}
	served, err := s.Served(ctx, leaf)
	if err != nil || served["f_0"] != 0 {
		t.Errorf("%v %v", served, err)
	}
	if err := s.Drop(ctx, leaf, "f_0"); err != nil {
		t.Fatal(err)
	}
}

func TestFollowByDomain(t *testing.T) {
	farm := farmtest.Start(t, 2)
	s, pools := servers(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	for i, d := range []uint32{11, 12} {
		schema := fmt.Sprintf("p_%d", i)
		if err := s.Serve(ctx, a.Name, schema, d, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 11}); err != nil {
		t.Fatal(err)
	}
	for i, d := range []uint32{11, 12} {
		schema := fmt.Sprintf("p_%d", i)
		writer(t, pools, a.Name, schema, d, "CREATE DATABASE "+schema, "CREATE TABLE "+schema+".t (a INT PRIMARY KEY)", "INSERT INTO "+schema+".t VALUES (1), (2)")
	}
	pos, err := s.BinlogPosition(ctx, a.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WaitApplied(ctx, b.Name, pos[11]); err != nil {
		t.Fatal(err)
	}
	if got := count(t, s, b.Name, "p_0.t"); got != "2" {
		t.Errorf("followed domain: %s", got)
	}
	// The other domain is left out, and its position advances all the same: this is why a Start is set when it is added.
	advanced(ctx, t, s, b.Name, pos[12])
	if got := count(t, s, b.Name, "p_1.t"); got == "2" {
		t.Errorf("a domain that was left out arrived")
	}
	if err := s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 12}); err != nil {
		t.Fatal(err)
	}
	writer(t, pools, a.Name, "p_1", 12, "INSERT INTO p_1.t VALUES (3)")
	if pos, err = s.BinlogPosition(ctx, a.Name); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitApplied(ctx, b.Name, pos[12]); err != nil {
		t.Fatal(err)
	}
	if got := count(t, s, b.Name, "p_1.t"); got != "3" {
		t.Errorf("a domain from its start: %s", got)
	}
	links, err := s.Links(ctx, b.Name)
	if err != nil || links[a.Name] == nil || !links[a.Name].Applying || !links[a.Name].Receiving || len(links[a.Name].Domains) != 2 {
		t.Errorf("%+v %v", links[a.Name], err)
	}
	// The source dies: what was received is applied.
	if err := farm.Kill(0); err != nil {
		t.Fatal(err)
	}
	if err := s.DrainReceived(ctx, b.Name, a.Name, []uint32{11, 12}); err != nil {
		t.Error(err)
	}
	if err := s.Unfollow(ctx, b.Name, a.Name, 11, 12); err != nil {
		t.Error(err)
	}
	if links, err = s.Links(ctx, b.Name); err != nil || len(links) != 0 {
		t.Errorf("%v %v", links, err)
	}
}

// fatal ends the test at an error.
func fatal(t *testing.T) func(error) {
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// advanced waits until a server's replication position has passed a transaction, applied or not.
func advanced(ctx context.Context, t *testing.T, s *Servers, leaf string, at GTID) {
	t.Helper()
	for {
		pos, err := s.AppliedPosition(ctx, leaf)
		if err != nil {
			t.Fatal(err)
		}
		if pos[at.Domain].Sequence >= at.Sequence {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A server that follows a domain from one source, and something else from another one that has that domain too, lacks nothing when its links are stopped and started:
// what the second link leaves out has moved the position of the first.
func TestLinksStartFromWhatIsApplied(t *testing.T) {
	farm := farmtest.Start(t, 3)
	s, pools := servers(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	a, b, c := farm.Leaves()[0], farm.Leaves()[1], farm.Leaves()[2]
	must := fatal(t)
	for had, want := range map[string]string{"1073741824": "33554432", "1048576": "1048576"} { // binary logs are kept small, and not made larger
		_, err := s.at(ctx, a.Name, "SET GLOBAL max_binlog_size="+had)
		must(err)
		must(s.Tune(ctx, a.Name, func(string) bool { return true }))
		res, err := s.at(ctx, a.Name, "SELECT @@GLOBAL.max_binlog_size")
		must(err)
		if got := string(res.Rows[0][0]); got != want {
			t.Errorf("max_binlog_size is %s after %s", got, had)
		}
	}
	must(s.Serve(ctx, a.Name, "p_1", 21, 1))
	must(s.Serve(ctx, a.Name, "p_2", 41, 1))
	must(s.Serve(ctx, c.Name, "q_1", 31, 1))
	must(s.Follow(ctx, c.Name, a.Name, a.Addr(), Start{Domain: 21}))
	writer(t, pools, a.Name, "p_1", 21, "CREATE DATABASE p_1", "CREATE TABLE p_1.t (a INT PRIMARY KEY)")
	writer(t, pools, c.Name, "q_1", 31, "CREATE DATABASE q_1")
	// b has a copy, made where the domain is now: its own binary log does not tell.
	at, err := s.BinlogPosition(ctx, a.Name)
	must(err)
	_, err = s.at(ctx, b.Name, unlogged, "CREATE DATABASE p_1", "CREATE TABLE p_1.t (a INT PRIMARY KEY)")
	must(err)
	must(s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{21, at[21]}))
	must(s.WaitApplied(ctx, b.Name, at[21])) // so commits wait for nothing that was before the copy
	must(s.Follow(ctx, b.Name, c.Name, c.Addr(), Start{Domain: 31}))
	rows := 0
	behind := func(threads string) {
		t.Helper()
		_, err := s.at(ctx, b.Name, "STOP SLAVE "+lit(a.Name)+threads)
		must(err)
		for range 3 {
			rows++
			writer(t, pools, a.Name, "p_1", 21, fmt.Sprintf("INSERT INTO p_1.t VALUES (%d)", rows))
		}
		pos, err := s.BinlogPosition(ctx, a.Name)
		must(err)
		advanced(ctx, t, s, b.Name, pos[21]) // by c's link
		if stand, err := s.Stands(ctx, b.Name); err != nil || stand[21].Sequence != pos[21].Sequence-3 {
			t.Errorf("b stands at %v of %v, %v", stand[21], pos[21], err)
		}
	}
	whole := func(what string) {
		t.Helper()
		pos, err := s.BinlogPosition(ctx, a.Name)
		must(err)
		must(s.WaitReached(ctx, b.Name, pos[21]))
		if got := count(t, s, b.Name, "p_1.t"); got != fmt.Sprint(rows) {
			t.Fatalf("%s: %s of %d rows have arrived", what, got, rows)
		}
	}
	behind("")
	must(s.Tune(ctx, b.Name, func(string) bool { return true }))
	whole("a link that was stopped, of a copy that has applied nothing yet")
	behind(" SQL_THREAD")
	must(s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 41}))
	whole("another domain")
	behind("")
	must(s.Unfollow(ctx, b.Name, a.Name, 41))
	whole("a domain less")
	behind(" SQL_THREAD")
	must(s.ForgetApplied(ctx, b.Name, []uint32{99}))
	must(s.Tune(ctx, b.Name, func(string) bool { return true }))
	whole("forgotten domains")
	behind(" SQL_THREAD")
	must(farm.Kill(1))
	for err = s.Tune(ctx, b.Name, func(string) bool { return true }); err != nil; err = s.Tune(ctx, b.Name, func(string) bool { return true }) {
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	whole("a server that was killed")
	behind("")
	must(s.Unlink(ctx, b.Name, a.Name))
	stand, err := s.Stands(ctx, b.Name)
	must(err)
	must(s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{21, stand[21]}))
	whole("a link made anew")
}

// A source that has an early part of a domain, from when it held a copy, goes on to be followed in something else when another source has more of that domain.
func TestLinksOfSourcesThatHaveUnlikeParts(t *testing.T) {
	farm := farmtest.Start(t, 3)
	s, pools := servers(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	a, b, c := farm.Leaves()[0], farm.Leaves()[1], farm.Leaves()[2]
	must := fatal(t)
	position := func(leaf string) Position {
		t.Helper()
		pos, err := s.BinlogPosition(ctx, leaf)
		must(err)
		return pos
	}
	for _, p := range []struct {
		leaf, schema string
		domain       uint32
	}{{b.Name, "b_1", 21}, {a.Name, "a_1", 51}, {a.Name, "a_2", 52}, {c.Name, "c_1", 61}} {
		must(s.Serve(ctx, p.leaf, p.schema, p.domain, 1))
		writer(t, pools, p.leaf, p.schema, p.domain, "CREATE DATABASE "+p.schema, "CREATE TABLE "+p.schema+".t (a INT PRIMARY KEY)")
	}
	for _, leaf := range []string{a.Name, c.Name} {
		must(s.Follow(ctx, leaf, b.Name, b.Addr(), Start{Domain: 21}))
		must(s.WaitReached(ctx, leaf, position(b.Name)[21]))
	}
	must(s.Unlink(ctx, c.Name, b.Name))
	must(s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 51}))
	must(s.Follow(ctx, b.Name, c.Name, c.Addr(), Start{Domain: 61}))
	for i, domain := range []uint32{52, 0} {
		writer(t, pools, b.Name, "b_1", 21, fmt.Sprintf("INSERT INTO b_1.t VALUES (%d)", i))
		advanced(ctx, t, s, b.Name, position(b.Name)[21]) // it comes back by a's link
		if domain > 0 {
			must(s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: domain}))
		} else {
			must(s.ForgetApplied(ctx, b.Name, []uint32{99}))
		}
		writer(t, pools, c.Name, "c_1", 61, fmt.Sprintf("INSERT INTO c_1.t VALUES (%d)", i))
		wait, stop := context.WithTimeout(ctx, time.Minute)
		if err := s.WaitReached(wait, b.Name, position(c.Name)[61]); err != nil {
			all, _ := s.Links(ctx, b.Name)
			t.Errorf("%v: %+v", err, all[c.Name])
		}
		stop()
	}
}

// A source that gets a copy of what one of its replicas has held before goes on to be followed by it in something else.
func TestSourceGetsACopyOfWhatItsReplicaHadHeld(t *testing.T) {
	farm := farmtest.Start(t, 3)
	s, pools := servers(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	a, b, c := farm.Leaves()[0], farm.Leaves()[1], farm.Leaves()[2]
	must := fatal(t)
	end := func(leaf string, domain uint32) GTID {
		t.Helper()
		pos, err := s.BinlogPosition(ctx, leaf)
		must(err)
		return pos[domain]
	}
	must(s.Serve(ctx, a.Name, "p_1", 21, 1))
	must(s.Serve(ctx, c.Name, "q_1", 31, 1))
	writer(t, pools, a.Name, "p_1", 21, "CREATE DATABASE p_1", "CREATE TABLE p_1.t (a INT PRIMARY KEY)")
	writer(t, pools, c.Name, "q_1", 31, "CREATE DATABASE q_1", "CREATE TABLE q_1.t (a INT PRIMARY KEY)")
	must(s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 21}))
	must(s.WaitApplied(ctx, b.Name, end(a.Name, 21)))
	must(s.Unfollow(ctx, b.Name, a.Name, 21))
	writer(t, pools, a.Name, "p_1", 21, "INSERT INTO p_1.t VALUES (1)", "INSERT INTO p_1.t VALUES (2)")
	must(s.Follow(ctx, b.Name, c.Name, c.Addr(), Start{Domain: 31}))
	_, err := s.at(ctx, c.Name, unlogged, "CREATE DATABASE p_1", "CREATE TABLE p_1.t (a INT PRIMARY KEY)")
	must(err)
	must(s.Follow(ctx, c.Name, a.Name, a.Addr(), Start{21, end(a.Name, 21)}))
	writer(t, pools, a.Name, "p_1", 21, "INSERT INTO p_1.t VALUES (3)")
	must(s.WaitApplied(ctx, c.Name, end(a.Name, 21)))
	writer(t, pools, c.Name, "q_1", 31, "INSERT INTO q_1.t VALUES (1)")
	wait, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	if err := s.WaitApplied(wait, b.Name, end(c.Name, 31)); err != nil {
		all, _ := s.Links(ctx, b.Name)
		t.Errorf("%v: %+v", err, all[c.Name])
	}
}

func TestPositions(t *testing.T) {
	p, err := ParsePosition("12-3-4, 1-2-3\n,")
	if err != nil || p.String() != "1-2-3,12-3-4" {
		t.Errorf("%v %v", p, err)
	}
	for _, bad := range []string{"1-2", "x-1-1", "1-2-3-4"} {
		if _, err := ParsePosition(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
