package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// settings come from the environment, as make passes it on.
type settings struct {
	Seed  uint64        // CHAOS_SEED
	Time  time.Duration // CHAOS_TIME
	Race  bool          // CHAOS_RACE: nodes with the race detector
	Keep  bool          // CHAOS_KEEP: the directory stays also when all is well
	Dir   string        // CHAOS_DIR, below which it is made
	Loads []string      // CHAOS_LOAD
	// Program is an orbweaver that was built before; "" has one built.
	Program string
	Whole   time.Duration // how long a cluster that nothing disturbs any more may take until it is whole
	Turn    sync.Locker   // held while there are faults and loads, by one of several clusters; nil for a lone one
}

// The loads: clients with keys of their own, and transactions over partitions.
const (
	keyLoad     = "keys"
	bankLoad    = "bank"
	historyLoad = "histories"
)

var (
	allLoads   = []string{keyLoad, bankLoad, historyLoad}
	databaseOf = map[string]string{keyLoad: database, bankLoad: "bank", historyLoad: "histories"}
)

func readSettings(env func(string) string) (s settings, err error) {
	s = settings{
		Seed: rand.Uint64N(1_000_000), Time: 30 * time.Minute, Race: env("CHAOS_RACE") != "", Keep: env("CHAOS_KEEP") != "", Dir: env("CHAOS_DIR"),
		Whole: 7 * time.Minute, // a leaf that came and went is held back for up to 5
	}
	s.Loads = strings.FieldsFunc(env("CHAOS_LOAD"), func(r rune) bool { return r == ' ' || r == ',' })
	for _, l := range s.Loads {
		if !slices.Contains(allLoads, l) {
			return s, fmt.Errorf("CHAOS_LOAD: %q is none of %s", l, strings.Join(allLoads, ", "))
		}
	}
	if len(s.Loads) == 0 {
		s.Loads = allLoads
	} else if !slices.Contains(s.Loads, keyLoad) {
		s.Time = 10 * time.Minute
	}
	if v := env("CHAOS_SEED"); v != "" {
		if s.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return s, fmt.Errorf("CHAOS_SEED=%q: must be a number", v)
		}
	}
	if v := env("CHAOS_TIME"); v != "" {
		if s.Time, err = time.ParseDuration(v); err != nil || s.Time < time.Second {
			return s, fmt.Errorf("CHAOS_TIME=%q: must be a time as 30m or 90s", v)
		}
	}
	return s, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := readSettings(os.Getenv)
	if err == nil {
		err = run(ctx, s, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// startWithin is what a cluster's start may take: a limit for what hangs.
const startWithin = 10 * time.Minute

// errBroken says that promises were not kept.
var errBroken = errors.New("promises were not kept")

// run plays the plan of a seed and checks everything. What it finds is told; the error says that there was something.
func run(ctx context.Context, s settings, out io.Writer) (err error) {
	dir, err := os.MkdirTemp(s.Dir, "orbweaver-chaos-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // the leaves' account passes through
		return err
	}
	file, err := os.Create(filepath.Join(dir, "story.log"))
	if err != nil {
		return err
	}
	defer file.Close()
	st := &story{out: io.MultiWriter(out, file), began: time.Now()}
	again := fmt.Sprintf("CHAOS_SEED=%d CHAOS_TIME=%s CHAOS_LOAD=%q", s.Seed, s.Time, strings.Join(s.Loads, " "))
	st.say("%s, in %s", again, dir)
	defer func() {
		if err == nil && !s.Keep {
			err = os.RemoveAll(dir)
			return
		}
		st.say("logs and data are in %s; the plan again: %s make chaos", dir, again)
	}()
	program := s.Program
	if program == "" {
		program = filepath.Join(dir, "orbweaver")
		if err := build(ctx, program, s.Race); err != nil {
			return err
		}
	}
	starting, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	c, err := startCluster(starting, dir, program, st)
	if err != nil {
		return err
	}
	defer c.close()
	var works []work
	for _, name := range s.Loads {
		w, err := newWork(starting, c, name, s.Seed)
		if err != nil {
			return err
		}
		works = append(works, w)
	}
	play(ctx, c, works, s)
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range c.events(ctx) {
		fmt.Fprintf(file, "%s event %s %s %s %s %s: %s\n", e.Time.Format(clock), e.Node, e.Severity, e.Kind, e.Leaf, e.Database, e.Detail)
	}
	if broken := st.failures(); len(broken) > 0 {
		for _, b := range broken[:min(len(broken), 20)] {
			st.say("  %s", b)
		}
		return fmt.Errorf("%w: %d times, seed %d", errBroken, len(broken), s.Seed)
	}
	return nil
}

func newWork(ctx context.Context, c *cluster, name string, seed uint64) (work, error) {
	switch name {
	case bankLoad:
		return newBank(ctx, c, seed)
	case historyLoad:
		return newHistories(ctx, c, seed)
	}
	return newLoad(ctx, c, seed)
}

// play runs loads and faults, lets the cluster become whole, and checks.
func play(ctx context.Context, c *cluster, works []work, s settings) {
	st := c.story
	before := map[string]atRest{}
	for name, n := range c.nodes {
		var err error
		if before[name], err = c.rest(ctx, n); err != nil {
			st.say("%s before: %v", name, err)
		}
	}
	w := newWatch(c)
	watching, stop := context.WithCancel(ctx)
	w.start(watching)
	if s.Turn != nil {
		s.Turn.Lock()
	}
	for _, l := range works {
		l.start(ctx)
	}
	op := &operator{c: c, database: database, table: database + ".log"}
	for _, l := range s.Loads {
		op.loaded = append(op.loaded, databaseOf[l])
	}
	if !slices.Contains(s.Loads, keyLoad) {
		op.database, op.table = s.Loads[0], map[string]string{bankLoad: "bank.journal", historyLoad: "histories.list"}[s.Loads[0]]
	}
	c.shape.severs = !slices.Equal(s.Loads, []string{keyLoad})
	n := &nemesis{c: c, op: op, seed: s.Seed, disturbed: map[string]int{}}
	faults, end := context.WithTimeout(ctx, s.Time)
	n.run(faults)
	end()
	st.say("no more faults")
	c.backing.Wait()
	op.wait()
	op.last(ctx, s.Whole)
	whole := c.awaitWhole(ctx, s.Whole)
	for _, l := range works {
		l.halt()
	}
	if s.Turn != nil {
		s.Turn.Unlock()
	}
	if ctx.Err() == nil {
		c.settled(ctx)
		for _, l := range works {
			l.last(ctx)
			l.finish(ctx)
		}
		if whole {
			c.copies(ctx)
		}
		for _, n := range c.nodes {
			n.text.SetMaxIdleConns(-1) // closes them
			n.bin.SetMaxIdleConns(-1)
		}
		c.leaks(ctx, before)
	}
	stop()
	w.wait()
	st.say("%d terms seen, one master each", w.terms)
	for _, l := range works {
		l.summary()
	}
	for _, name := range c.shape.nodes {
		if !c.nodes[name].stop() {
			st.fail("%s did not end when it was asked to", name)
		}
	}
	c.logs()
}

// last runs each operation once more, at each node: when nothing is disturbed none may fail.
func (l *load) last(ctx context.Context) {
	for _, name := range l.c.shape.nodes {
		n := l.c.nodes[name]
		for _, cl := range l.clients {
			for kind := range kinds {
				if !cl.operate(ctx, n, n.text, kind) {
					l.c.story.fail("client %d: %s fails at %s, and nothing is disturbed", cl.id, kindNames[kind], name)
				}
			}
		}
	}
}

// finish compares what the clients know with what each node tells.
func (l *load) finish(ctx context.Context) {
	for _, name := range l.c.shape.nodes {
		for _, cl := range l.clients {
			for _, err := range cl.finish(&query{ctx: ctx, db: l.c.nodes[name].text}) {
				l.c.story.fail("in the end, client %d at %s: %v", cl.id, name, err)
			}
		}
	}
}
