package localetcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/supervise"
)

// Most is the largest number of members.
const Most = 3

// socketPath is the longest path that a unix socket can have everywhere.
const socketPath = 100

// Config says what etcd to run.
type Config struct {
	Dir     string // of all members; it is made when missing, readable to its owner only
	Members int    // how many there are to be, from 1 to Most
	// Run is the program that runs a member, with its first arguments; Args of catalog.MemberConfig follow.
	Run       []string
	Heartbeat time.Duration // see catalog.MemberConfig
	Stderr    io.Writer     // of the members; nil discards it
	Log       *slog.Logger  // slog.Default() when nil
}

// Etcd are the running members.
type Etcd struct {
	c       Config
	sockets string // where clients' sockets are
	temp    bool   // that directory is to be removed
	members map[int]*supervise.Process
}

// Several says whether a directory is that of more members than one, which an etcd of one in a process of its own can't go on with.
func Several(dir string) bool {
	for n := 2; n <= Most; n++ {
		if catalog.MemberHasData(dir, n) {
			return true
		}
	}
	return false
}

// Start runs the members and returns when there are as many as there are to be, and all answer. ctx bounds the start only; Close ends them.
func Start(ctx context.Context, c Config) (*Etcd, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Members < 1 || c.Members > Most {
		return nil, fmt.Errorf("an etcd on one machine can't have %d members, only 1 to %d", c.Members, Most)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	c.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	e := &Etcd{c: c, sockets: dir, members: map[int]*supervise.Process{}}
	if len(e.socket(Most)) > socketPath {
		if e.sockets, err = os.MkdirTemp("", "orbweaver-etcd-"); err != nil {
			return nil, err
		}
		e.temp = true
	}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Etcd) start(ctx context.Context) error {
	fresh := true
	for n := 1; n <= Most; n++ {
		if catalog.MemberHasData(e.c.Dir, n) {
			fresh = false
			if err := e.run(n, nil); err != nil {
				return err
			}
		}
	}
	if fresh {
		if err := e.run(1, nil); err != nil {
			return err
		}
		if err := e.members[1].AwaitReady(ctx); err != nil {
			return err
		}
	}
	if err := e.arrange(ctx); err != nil {
		return err
	}
	for _, p := range e.members {
		if err := p.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// arrange makes the members as many as they are to be.
func (e *Etcd) arrange(ctx context.Context) error {
	var all []string
	for n := 1; n <= Most; n++ {
		all = append(all, e.endpoint(n))
	}
	m, err := catalog.OpenMembers(all)
	if err != nil {
		return err
	}
	defer m.Close()
	there, err := m.List(ctx)
	if err != nil {
		return err
	}
	// What an earlier start did not end, or what was lost.
	for n := range e.members {
		if _, ok := there[n]; !ok {
			if err := e.forget(n); err != nil {
				return err
			}
		}
	}
	for n := range there {
		if e.members[n] == nil {
			if err := m.Remove(ctx, n, e.favourite(n)); err != nil {
				return err
			}
			delete(there, n)
		}
	}
	for n, learner := range there {
		if learner {
			if err := m.Promote(ctx, n, e.endpoint(n)); err != nil {
				return err
			}
		}
	}
	for n := 1; n <= e.c.Members; n++ {
		if _, ok := there[n]; ok {
			continue
		}
		if err := e.join(ctx, m, n); err != nil {
			return err
		}
	}
	for n := Most; n > e.c.Members; n-- {
		if e.members[n] == nil {
			continue
		}
		if err := m.Remove(ctx, n, 1); err != nil {
			return err
		}
		if err := e.forget(n); err != nil {
			return err
		}
	}
	return nil
}

// join adds a member.
func (e *Etcd) join(ctx context.Context, m *catalog.Members, n int) error {
	if err := catalog.RemoveMemberData(e.c.Dir, n); err != nil {
		return err
	}
	if err := m.Add(ctx, n); err != nil {
		return err
	}
	there, err := m.List(ctx)
	if err != nil {
		return err
	}
	if err := e.run(n, slices.Sorted(maps.Keys(there))); err != nil {
		return err
	}
	if err := e.members[n].AwaitReady(ctx); err != nil {
		return err
	}
	return m.Promote(ctx, n, e.endpoint(n))
}

// forget ends a member that the others have removed.
func (e *Etcd) forget(n int) error {
	err := e.members[n].Close()
	delete(e.members, n)
	return errors.Join(err, catalog.RemoveMemberData(e.c.Dir, n))
}

// favourite is a member that runs, another one than n.
func (e *Etcd) favourite(n int) int {
	for _, k := range slices.Sorted(maps.Keys(e.members)) {
		if k != n {
			return k
		}
	}
	return 0
}

// run starts a member's process.
func (e *Etcd) run(n int, join []int) error {
	home := e.Home(n)
	args := append(slices.Clone(e.c.Run), MemberArgs(catalog.MemberConfig{
		Number: n, Client: e.socket(n), Join: join, Heartbeat: e.c.Heartbeat,
	})...)
	p, err := supervise.Start(supervise.Config{
		Name: "etcd-" + strconv.Itoa(n), Args: args, Dir: e.c.Dir, Home: home, Stderr: e.c.Stderr, Log: e.c.Log, StopTimeout: 5 * time.Second,
	})
	if err != nil {
		return err
	}
	e.members[n] = p
	return nil
}

// MemberArgs are the arguments that tell the program what member to run: flags of its own command for that.
func MemberArgs(c catalog.MemberConfig) []string {
	args := []string{"--number=" + strconv.Itoa(c.Number), "--client=" + c.Client}
	if c.Heartbeat > 0 {
		args = append(args, "--heartbeat="+c.Heartbeat.String())
	}
	for _, n := range c.Join {
		args = append(args, "--join="+strconv.Itoa(n))
	}
	return args
}

// Home is the directory of what the supervisor keeps of a member: supervise.PIDFile and supervise.HoldFile.
func (e *Etcd) Home(n int) string { return filepath.Join(e.c.Dir, "member-"+strconv.Itoa(n)) }

func (e *Etcd) socket(n int) string {
	if n == 1 {
		return filepath.Join(e.sockets, "client.sock") // as that of one that stands alone
	}
	return filepath.Join(e.sockets, "client-"+strconv.Itoa(n)+".sock")
}

func (e *Etcd) endpoint(n int) string { return "unix://" + e.socket(n) }

// Endpoints are the URLs for clients of all members.
func (e *Etcd) Endpoints() []string {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(e.members)) {
		out = append(out, e.endpoint(n))
	}
	return out
}

// Close ends all members.
func (e *Etcd) Close() error {
	var wg sync.WaitGroup
	errs := make([]error, Most)
	for n, p := range e.members {
		wg.Go(func() { errs[n-1] = p.Close() })
	}
	wg.Wait()
	if e.temp {
		errs = append(errs, os.RemoveAll(e.sockets))
	}
	return errors.Join(errs...)
}
