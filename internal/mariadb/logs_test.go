package mariadb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// followed makes a source that serves p_0 in domain 21 and p_1 in domain 22, with tables, and a replica of p_0 alone.
func followed(t *testing.T, s *Servers, pools *backend.Pools, a, b, addr string) {
	t.Helper()
	ctx := context.Background()
	for i, d := range []uint32{21, 22} {
		schema := fmt.Sprintf("p_%d", i)
		if err := s.Serve(ctx, a, schema, d, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Follow(ctx, b, a, addr, Start{Domain: 21}); err != nil {
		t.Fatal(err)
	}
	for i, d := range []uint32{21, 22} {
		schema := fmt.Sprintf("p_%d", i)
		writer(t, pools, a, schema, d, "CREATE DATABASE "+schema, "CREATE TABLE "+schema+".t (a INT PRIMARY KEY)", "INSERT INTO "+schema+".t VALUES (1)")
	}
}

// purged leaves the source its newest log alone, once the replica has it all.
func purged(t *testing.T, ctx context.Context, s *Servers, leaf string) {
	t.Helper()
	if err := s.Rotate(ctx, leaf); err != nil {
		t.Fatal(err)
	}
	for {
		logs, err := s.Logs(ctx, leaf)
		if err != nil {
			t.Fatal(err)
		}
		if len(logs) == 1 {
			return
		}
		if err := s.Purge(ctx, leaf, logs[len(logs)-1].Name); err != nil {
			t.Fatal(err)
		}
	}
}

func reached(t *testing.T, ctx context.Context, s *Servers, source, target string) {
	t.Helper()
	pos, err := s.BinlogPosition(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range pos {
		advanced(ctx, t, s, target, at)
	}
}

func TestSourcesWithPurgedLogsAreFollowed(t *testing.T) {
	farm := farmtest.Start(t, 3)
	s, pools := servers(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	a, b, c := farm.Leaves()[0], farm.Leaves()[1], farm.Leaves()[2]
	followed(t, s, pools, a.Name, b.Name, a.Addr())
	reached(t, ctx, s, a.Name, b.Name)
	purged(t, ctx, s, a.Name)

	// A server that has nothing of what was purged: only what it follows must be there.
	if err := s.Serve(ctx, a.Name, "p_2", 23, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Follow(ctx, c.Name, a.Name, a.Addr(), Start{Domain: 23}); err != nil {
		t.Fatal(err)
	}
	writer(t, pools, a.Name, "p_2", 23, "CREATE DATABASE p_2", "CREATE TABLE p_2.t (a INT PRIMARY KEY)", "INSERT INTO p_2.t VALUES (1), (2)")
	reached(t, ctx, s, a.Name, c.Name)
	if got := count(t, s, c.Name, "p_2.t"); got != "2" {
		t.Errorf("a new domain of a source with purged logs: %s", got)
	}

	// One that stands before what is left, or ahead of it, in what it does not follow.
	if err := s.Unlink(ctx, c.Name, a.Name); err != nil {
		t.Fatal(err)
	}
	conn, err := s.conn(ctx, c.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := setPosition(ctx, conn, func(p Position) {
		p[21], p[22] = GTID{21, 1, 1}, GTID{22, 1, 1000}
	}); err != nil {
		t.Fatal(err)
	}
	conn.Release()
	pos, err := s.AppliedPosition(ctx, c.Name)
	if err != nil {
		t.Fatal(err)
	}
	writer(t, pools, a.Name, "p_2", 23, "INSERT INTO p_2.t VALUES (3)")
	if err := s.Follow(ctx, c.Name, a.Name, a.Addr(), Start{Domain: 23, After: pos[23]}); err != nil {
		t.Fatal(err)
	}
	reached(t, ctx, s, a.Name, c.Name)
	if got := count(t, s, c.Name, "p_2.t"); got != "3" {
		t.Errorf("after it had stood elsewhere: %s", got)
	}

	// What is to be followed from before the purge is refused, and does not count as followed.
	if keeps, err := s.Keeps(ctx, a.Name, Start{Domain: 21}); err != nil || keeps {
		t.Errorf("a purged start is said to be there: %v", err)
	}
	if keeps, err := s.Keeps(ctx, a.Name, Start{Domain: 23}); err != nil || !keeps {
		t.Errorf("a start is said to be purged: %v", err)
	}
	if err := s.Follow(ctx, c.Name, a.Name, a.Addr(), Start{Domain: 21}); err != nil {
		t.Fatal(err)
	}
	for {
		links, err := s.Links(ctx, c.Name)
		if err != nil {
			t.Fatal(err)
		}
		if l := links[a.Name]; l.Refused && l.Error != "" {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("a start whose logs are purged was not refused: %+v", links[a.Name])
		}
		time.Sleep(10 * time.Millisecond)
	}
	// Without that one, and from a copy on, it goes on.
	if err := s.Unfollow(ctx, c.Name, a.Name, 21); err != nil {
		t.Fatal(err)
	}
	if err := s.Follow(ctx, c.Name, a.Name, a.Addr(), Start{Domain: 22, After: must(s.BinlogPosition(ctx, a.Name))(t)[22]}); err != nil {
		t.Fatal(err)
	}
	writer(t, pools, a.Name, "p_2", 23, "INSERT INTO p_2.t VALUES (4)")
	reached(t, ctx, s, a.Name, c.Name)
	if got := count(t, s, c.Name, "p_2.t"); got != "4" {
		t.Errorf("after a refused link: %s", got)
	}
	if _, err := s.LogStart(ctx, a.Name, "binlog.999999"); !errors.Is(err, ErrNoLog) {
		t.Errorf("a log that is not there: %v", err)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestDomainsAreForgotten(t *testing.T) {
	farm := farmtest.Start(t, 2)
	s, pools := servers(t, farm)
	s.behind, s.asked = time.Minute, 0 // its replica is a second behind by intent
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	followed(t, s, pools, a.Name, b.Name, a.Addr())
	reached(t, ctx, s, a.Name, b.Name)
	if err := s.ForgetLogged(ctx, a.Name, []uint32{22}); err == nil {
		t.Error("a domain was forgotten that a log has")
	}
	purged(t, ctx, s, a.Name)
	// Its replica is a little behind, and its link is about to be made anew. What the source has followed itself it strikes out of what a link names.
	own, err := s.conn(ctx, a.Name)
	if err != nil {
		t.Fatal(err)
	}
	at22 := must(s.BinlogPosition(ctx, a.Name))(t)[22]
	if err := setPosition(ctx, own, func(p Position) { p[22] = at22 }); err != nil {
		t.Fatal(err)
	}
	own.Release()
	slow, err := s.conn(ctx, b.Name)
	if err != nil {
		t.Fatal(err)
	}
	release := sync.OnceFunc(slow.Release)
	defer release() // a test that fails must not wait for it
	for _, q := range []string{"STOP SLAVE 'leaf-1'", "CHANGE MASTER 'leaf-1' TO MASTER_DELAY=1", "START SLAVE 'leaf-1'"} {
		if err := do(ctx, slow, q); err != nil {
			t.Fatal(err)
		}
	}
	writer(t, pools, a.Name, "p_0", 21, "INSERT INTO p_0.t VALUES (11)")
	reached(t, ctx, s, a.Name, b.Name)
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // the delay is counted in whole seconds
	writer(t, pools, a.Name, "p_0", 21, "INSERT INTO p_0.t VALUES (12)")
	forgotten := make(chan error, 1)
	go func() { forgotten <- s.ForgetLogged(ctx, a.Name, []uint32{22}, b.Name) }()
	for len(must(s.Logs(ctx, a.Name))(t)) == 1 {
		select {
		case err := <-forgotten:
			t.Fatalf("nothing is forgotten: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if err := s.Serve(ctx, a.Name, "p_2", 24, 1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 24}), <-forgotten); err != nil {
		t.Fatal(err)
	}
	release()
	writer(t, pools, a.Name, "p_0", 21, "INSERT INTO p_0.t VALUES (13)")
	reached(t, ctx, s, a.Name, b.Name)
	// One that does not follow now is waited for.
	if _, err := s.at(ctx, b.Name, "STOP SLAVE 'leaf-1'"); err != nil {
		t.Fatal(err)
	}
	if err := s.ForgetLogged(ctx, a.Name, []uint32{4711}, b.Name); !errors.Is(err, ErrBehind) {
		t.Errorf("forgotten beside a replica that does not follow: %v", err)
	}
	if err := s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 25}); err != nil {
		t.Fatal(err)
	}
	purged(t, ctx, s, a.Name)
	if pos := must(s.BinlogPosition(ctx, a.Name))(t); pos[22].Sequence != 0 || pos[21].Sequence == 0 {
		t.Errorf("the log stands at %s", pos)
	}
	// Read while it is set: that is what makes the server crash.
	reading, stop := context.WithCancel(ctx)
	read := make(chan error, 1)
	go func() {
		for reading.Err() == nil {
			if _, err := s.AppliedPosition(ctx, b.Name); err != nil {
				read <- err
				return
			}
		}
		read <- nil
	}()
	if err := s.ForgetApplied(ctx, b.Name, []uint32{22}); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-read; err != nil {
		t.Error(err)
	}
	if pos := must(s.AppliedPosition(ctx, b.Name))(t); pos[22].Sequence != 0 || pos[21].Sequence == 0 {
		t.Errorf("the replica stands at %s", pos)
	}
	// What is still followed goes on, also when the link connects anew.
	writer(t, pools, a.Name, "p_0", 21, "INSERT INTO p_0.t VALUES (2)")
	reached(t, ctx, s, a.Name, b.Name)
	if err := farm.Kill(1); err != nil {
		t.Fatal(err)
	}
	for err := s.Tune(ctx, b.Name, func(string) bool { return true }); err != nil; err = s.Tune(ctx, b.Name, func(string) bool { return true }) {
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	writer(t, pools, a.Name, "p_0", 21, "INSERT INTO p_0.t VALUES (3)")
	at := must(s.BinlogPosition(ctx, a.Name))(t)[21]
	for {
		pos, err := s.AppliedPosition(ctx, b.Name)
		if err == nil && pos[21].Sequence >= at.Sequence {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the replica does not go on: %s, %v", pos, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got := count(t, s, b.Name, "p_0.t"); got != "6" {
		t.Errorf("the replica has %s rows", got)
	}
	links := must(s.Links(ctx, b.Name))(t)
	if l := links[a.Name]; l == nil || !slices.Equal(l.Domains, []uint32{21, 24, 25}) {
		t.Errorf("%+v", l)
	}
	// A domain that nobody knows is no error.
	if err := s.ForgetLogged(ctx, a.Name, []uint32{4711}); err != nil {
		t.Error(err)
	}
	// Not beside links that were begun just now: they say so before the source has looked at them.
	s.asked = time.Hour
	if err := s.ForgetLogged(ctx, a.Name, []uint32{4711}); !errors.Is(err, ErrBehind) {
		t.Errorf("forgotten beside a link that was begun just now: %v", err)
	}
	s.asked = 0
	// What a server follows itself stays: its log says from where.
	purged(t, ctx, s, b.Name)
	if err := s.ForgetLogged(ctx, b.Name, []uint32{21}); err != nil {
		t.Error(err)
	}
	if pos := must(s.BinlogPosition(ctx, b.Name))(t); pos[21] != at {
		t.Errorf("the log of a replica stands at %s and not at %s", pos, at)
	}
}

// Domains are forgotten between the moment at which a source is asked what it names and the beginning of a link that names that, by a server of which nobody knew that it follows.
func TestLinksBeginBesideTheForgettingOfDomains(t *testing.T) {
	farm := farmtest.Start(t, 2)
	s, pools := servers(t, farm)
	s.asked = 0
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	for i, d := range []uint32{21, 22, 23} {
		if err := s.Serve(ctx, a.Name, fmt.Sprintf("p_%d", i), d, 1); err != nil {
			t.Fatal(err)
		}
	}
	writer(t, pools, a.Name, "p_0", 21, "CREATE DATABASE p_0", "CREATE TABLE p_0.t (a INT PRIMARY KEY)")
	writer(t, pools, a.Name, "p_1", 22, "CREATE DATABASE p_1")
	purged(t, ctx, s, a.Name)
	// What the source has followed itself it strikes out of what a link names. The link's position will be set: it is elsewhere.
	for leaf, at := range map[string]GTID{a.Name: must(s.BinlogPosition(ctx, a.Name))(t)[22], b.Name: {99, 1, 1}} {
		c, err := s.conn(ctx, leaf)
		if err != nil {
			t.Fatal(err)
		}
		if err := setPosition(ctx, c, func(p Position) { p[at.Domain] = at }); err != nil {
			t.Fatal(err)
		}
		c.Release()
	}
	// The link waits before it sets the position that it is to begin from.
	position, err := s.conn(ctx, b.Name)
	if err != nil {
		t.Fatal(err)
	}
	release := sync.OnceFunc(position.Release)
	defer release()
	if err := do(ctx, position, "DO "+TakePosition); err != nil {
		t.Fatal(err)
	}
	followed := make(chan error, 1)
	go func() { followed <- s.Follow(ctx, b.Name, a.Name, a.Addr(), Start{Domain: 23}) }()
	for {
		res, err := s.at(ctx, b.Name, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = "+lit("DO "+TakePosition))
		if err != nil {
			t.Fatal(err)
		}
		if string(res.Rows[0][0]) == "1" {
			break
		}
		time.Sleep(time.Millisecond)
	}
	writer(t, pools, a.Name, "p_0", 21, "INSERT INTO p_0.t VALUES (1)")
	if err := s.ForgetLogged(ctx, a.Name, []uint32{22}); err != nil && !errors.Is(err, ErrBehind) {
		t.Fatal(err)
	}
	if err := do(ctx, position, "DO "+GivePosition); err != nil {
		t.Fatal(err)
	}
	release()
	if err := <-followed; err != nil {
		t.Fatal(err)
	}
	writer(t, pools, a.Name, "p_2", 23, "CREATE DATABASE p_2")
	to := must(s.BinlogPosition(ctx, a.Name))(t)[23]
	for must(s.Stands(ctx, b.Name))(t)[23].Sequence < to.Sequence {
		if l := must(s.Links(ctx, b.Name))(t)[a.Name]; l.Refused {
			t.Fatalf("the link was refused: %s", l.Error)
		}
		time.Sleep(5 * time.Millisecond)
	}
	// It is done afterwards.
	if err := s.ForgetLogged(ctx, a.Name, []uint32{22}, b.Name); err != nil {
		t.Fatal(err)
	}
	if pos := must(s.BinlogPosition(ctx, a.Name))(t); pos[22].Sequence != 0 {
		t.Errorf("the log stands at %s", pos)
	}
}
