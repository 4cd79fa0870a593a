package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
)

// side is one of the two leaves of a trial's transaction.
type side int

const (
	decider side = iota // has the transaction's first partition, which decides
	branch              // has its second one
)

// wireStep is a command that a node sends while it carries out a transaction over two partitions.
type wireStep struct {
	name string
	at   side
	is   func(text, mark string) bool
}

// wireSteps are all of them, in order, from the first statement of a branch on. Before that there is one partition only.
var wireSteps = []wireStep{
	{"the first statement of a branch", branch, func(text, mark string) bool { return strings.Contains(text, mark) }},
	{"decide", decider, func(text, _ string) bool { return strings.Contains(text, "orbweaver.decide") }},
	{"XA END", branch, func(text, _ string) bool { return strings.HasPrefix(text, "XA END") }},
	{"XA PREPARE", branch, func(text, _ string) bool { return strings.HasPrefix(text, "XA PREPARE") }},
	{"COMMIT", decider, func(text, _ string) bool { return text == "COMMIT" }},
	{"XA COMMIT", branch, func(text, _ string) bool { return strings.HasPrefix(text, "XA COMMIT") }},
}

func stepNamed(name string) wireStep {
	return wireSteps[slices.IndexFunc(wireSteps, func(s wireStep) bool { return s.name == name })]
}

// trial is one transaction, and where it is when the fault comes.
type trial struct {
	b      *batch
	what   string
	step   wireStep
	at     faultproxy.Moment
	end    func(*faultproxy.Stop) // how its connection goes on then
	stall  bool                   // it goes on to wait for the replica, which does not hear of it
	number int64
	a, z   int64 // accounts, at the decider and at the branch
	stop   *faultproxy.Stop
	q      *transaction
	done   chan struct{}
}

// mark is in the trial's statements, so that its connections are known.
func (t *trial) mark() string { return fmt.Sprintf("'trial %d'", t.number) }

// matches finds the step's command: on a connection on which the trial's mark was the last that was seen.
func (t *trial) matches() func(faultproxy.Command) bool {
	mine := map[uint64]bool{}
	return func(c faultproxy.Command) bool {
		if c.Client != t.b.node.name || len(c.Text) == 0 {
			return false
		}
		text := string(c.Text[1:])
		if strings.Contains(text, "'trial ") {
			mine[c.Conn] = strings.Contains(text, t.mark())
		}
		return mine[c.Conn] && t.step.is(text, t.mark())
	}
}

// run carries the transaction out.
func (t *trial) run() {
	defer close(t.done)
	c := t.b.s.c
	t.q = c.within(&t.b.s.tally, t.b.node, t.b.node.text, "trial", func(q *transaction) {
		q.begin("BEGIN")
		q.exec("INSERT INTO steps.journal VALUES (?, ?, -1, "+t.mark()+")", t.a, t.number)
		q.exec("UPDATE steps.account SET n = n - 1 WHERE id = ?", t.a)
		q.exec("INSERT INTO steps.journal VALUES (?, ?, 1, "+t.mark()+")", t.z, t.number)
		q.exec("UPDATE steps.account SET n = n + 1 WHERE id = ?", t.z)
		q.commit()
	})
}

// batch is trials that meet one fault together.
type batch struct {
	s      *steps
	node   *node
	leaves [2]string // of decider and branch
	trials []*trial
}

// steps is a cluster whose wires show each command.
type steps struct {
	tally
	t      *testing.T
	c      *cluster
	number int64
	met    map[string]int
}

const (
	stepParts    = 16
	stepAccounts = 400
	stepReached  = 60 * time.Second // a trial's step comes within that, or never
	stepSettled  = 60 * time.Second // nothing is in doubt after that
)

// startSteps starts a cluster for trials, with or without replicas.
func startSteps(t *testing.T, replicas bool) *steps {
	t.Helper()
	dir, err := os.MkdirTemp("", "orbweaver-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil { // the leaves' account passes through
		t.Fatal(err)
	}
	st := &story{out: lines{t}, began: time.Now()}
	program := built(t, true)
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	replication, n := "WITH SYNC REPLICATION", leaves
	c, err := startCluster(ctx, dir, program, st, func(c *cluster) {
		c.wires.follow, c.spares = true, 0
		if !replicas {
			c.redundancy, c.shape.leaves = 1, names("leaf", 2)
			replication, n = "", 2
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &steps{t: t, c: c, met: map[string]int{}}
	t.Cleanup(func() { // the first cleanup, so that the directory is removed after it
		c.close()
		c.logs()
		for _, broken := range st.failures() {
			t.Error(broken)
		}
	})
	var rows []string
	for id := range stepAccounts {
		rows = append(rows, fmt.Sprintf("(%d, 0)", id))
	}
	for _, q := range []string{
		fmt.Sprintf("CREATE DATABASE steps PARTITIONS %d %s", stepParts*n/leaves, replication),
		"CREATE TABLE steps.account (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
		"CREATE TABLE steps.journal (account BIGINT, trial BIGINT, delta BIGINT NOT NULL, mark VARCHAR(40), PRIMARY KEY (account, trial), SHARD KEY (account))",
		"INSERT INTO steps.account VALUES " + strings.Join(rows, ", "),
	} {
		if _, err := c.nodes["node-2"].text.ExecContext(ctx, q); err != nil {
			t.Fatalf("%.80s: %v", q, err)
		}
	}
	return s
}

// batch makes trials, one for each step and moment: of a fault that hits connections one at a time, or all at once.
func (s *steps) batch(node *node, connections bool) *batch {
	b := &batch{s: s, node: node}
	var accounts [2][]int64
	b.leaves, accounts[decider], accounts[branch] = s.places()
	add := func(t *trial) {
		s.number++
		n := len(b.trials)
		t.b, t.number, t.done = b, s.number, make(chan struct{})
		t.a, t.z = accounts[decider][n], accounts[branch][n]
		b.trials = append(b.trials, t)
	}
	for _, step := range wireSteps {
		if connections {
			add(&trial{what: "lost before " + step.name, step: step, at: faultproxy.Asked, end: (*faultproxy.Stop).Reset})
			add(&trial{what: "lost after " + step.name + " was sent", step: step, at: faultproxy.Asked, end: (*faultproxy.Stop).Deliver})
			add(&trial{what: "lost before the answer to " + step.name, step: step, at: faultproxy.Answered, end: (*faultproxy.Stop).Reset})
			continue
		}
		add(&trial{what: "before " + step.name, step: step, at: faultproxy.Asked, end: (*faultproxy.Stop).Resume})
		add(&trial{what: "before the answer to " + step.name, step: step, at: faultproxy.Answered, end: (*faultproxy.Stop).Resume})
	}
	if !connections && s.c.redundancy > 1 {
		// In this order: what is prepared is confirmed before there is a decision.
		add(&trial{what: "before the decision's replica has it", step: stepNamed("COMMIT"), at: faultproxy.Answered, stall: true})
		add(&trial{what: "before the branch's replica has what is prepared", step: stepNamed("XA PREPARE"), at: faultproxy.Answered, stall: true})
	}
	return b
}

// places finds two leaves that are no pair, with the most masters, and accounts that are there.
func (s *steps) places() (on [2]string, a, z []int64) {
	d := s.c.cat.Snapshot().Databases["steps"]
	by := map[string][]int{}
	for _, p := range d.Partitions {
		master, _ := p.Master() // a whole cluster has one
		by[master] = append(by[master], int(p.ID.Ordinal))
	}
	half := len(s.c.shape.leaves) / 2
	most := func(leaves []string) string {
		return slices.MaxFunc(leaves, func(a, b string) int { return len(by[a]) - len(by[b]) })
	}
	on = [2]string{most(s.c.shape.leaves[:half]), most(s.c.shape.leaves[half:])}
	for i, to := range []*[]int64{&a, &z} {
		for _, part := range by[on[i]] {
			ids, err := ints(context.Background(), s.c.direct[on[i]], fmt.Sprintf("SELECT id FROM steps_%d.account", part))
			if err != nil {
				s.t.Fatal(err)
			}
			*to = append(*to, ids...)
		}
		if len(*to) < 3*len(wireSteps) {
			s.t.Fatalf("%s has %d accounts", on[i], len(*to))
		}
	}
	return on, a, z
}

// other is the second leaf of a pair.
func (s *steps) other(leaf string) string {
	return s.c.shape.leaves[slices.Index(s.c.shape.leaves, leaf)^1]
}

// reach starts all trials, and waits until each is where it is to be.
func (b *batch) reach() {
	c := b.s.c
	b.s.t.Logf("at %s; the decider's leaf is %s, the branch's %s", b.node.name, b.leaves[decider], b.leaves[branch])
	start := func(t *trial) {
		t.stop = c.wires.leaves[b.leaves[t.step.at]].Stop(t.at, t.matches())
		go t.run()
	}
	await := func(t *trial) {
		select {
		case <-t.stop.Reached():
		case <-t.done:
			b.s.t.Errorf("a trial was over before %s (%s): %v", t.step.name, t.what, t.q.err)
		case <-time.After(stepReached):
			c.dump()
			b.s.t.Fatalf("%s never came", t.what)
		}
	}
	for _, t := range b.trials {
		if !t.stall {
			start(t)
		}
	}
	for _, t := range b.trials {
		if !t.stall {
			await(t)
		}
	}
	for _, t := range b.trials {
		if t.stall {
			leaf := b.leaves[t.step.at]
			c.wires.cut(leaf, b.s.other(leaf))
			start(t)
			await(t)
			t.stop.Resume()
		}
	}
}

// release lets the trials go on, or ends their connections, and waits for what their clients are told.
func (b *batch) release() {
	for _, t := range b.trials {
		if !t.stall {
			t.end(t.stop)
		}
	}
	b.heal()
	for _, t := range b.trials {
		<-t.done // each statement has its time
	}
}

// heal lets replicas hear of what they missed.
func (b *batch) heal() {
	if b.s.c.redundancy > 1 {
		for _, leaf := range b.leaves {
			b.s.c.wires.heal(leaf, b.s.other(leaf))
		}
	}
}

// check waits until the cluster is whole, and looks for each trial: everywhere or nowhere, and as its client was told.
func (b *batch) check() {
	ctx, c := context.Background(), b.s.c
	if !c.awaitWhole(ctx, 3*time.Minute) {
		b.s.t.Fatal("the cluster does not become whole")
	}
	b.s.nothingInDoubt()
	for i, t := range b.trials {
		name := fmt.Sprintf("%s (trial %d)", t.what, t.number)
		at := c.nodes[c.shape.nodes[i%nodes]]
		var rows []int64
		q := c.within(&b.s.tally, at, at.text, "check", func(q *transaction) {
			q.begin("BEGIN")
			// Nobody else holds these rows any more.
			q.exec("SET innodb_lock_wait_timeout = 5")
			q.ints("SELECT n FROM steps.account WHERE id IN (?, ?) FOR UPDATE", t.a, t.z)
			rows = q.ints("SELECT delta FROM steps.journal WHERE account IN (?, ?) AND trial = ? ORDER BY delta FOR UPDATE", t.a, t.z, t.number)
			sums := q.ints("SELECT n FROM steps.account WHERE id IN (?, ?) ORDER BY n", t.a, t.z)
			journal := q.ints("SELECT COALESCE(SUM(delta), 0) AS n FROM steps.journal WHERE account = ?", t.a)
			journal = append(journal, q.ints("SELECT COALESCE(SUM(delta), 0) AS n FROM steps.journal WHERE account = ?", t.z)...)
			slices.Sort(journal)
			if q.err == nil && !slices.Equal(sums, journal) {
				b.s.t.Errorf("%s: the accounts are %v, by their journals %v", name, sums, journal)
			}
			q.commit()
		})
		if q.err != nil {
			b.s.t.Errorf("%s: at %s: %v", name, at.name, q.err)
			continue
		}
		whole := slices.Equal(rows, []int64{-1, 1})
		told := []string{"acknowledged", "rolled back", "unknown"}[t.q.outcome()]
		is := map[bool]string{true: "there", false: "not there"}[whole]
		b.s.t.Logf("%s: %s, %s: %v", name, told, is, t.q.err)
		b.s.met[told+", "+is]++
		switch {
		case !whole && len(rows) > 0:
			b.s.t.Errorf("%s: it is there in part: %v", name, rows)
		case told == "acknowledged" && !whole, told == "rolled back" && whole:
			b.s.t.Errorf("%s: the client was told that it is %s, and it is %s: %v", name, told, is, t.q.err)
		}
		if id := t.q.id(); told == "unknown" && id != "" {
			b.status(name, at, id, map[bool]string{true: committedState, false: rolledBackState}[whole])
		}
	}
}

// status asks what became of a transaction of unknown outcome.
func (b *batch) status(name string, at *node, id, want string) {
	ctx, cancel := context.WithTimeout(context.Background(), statementIn)
	defer cancel()
	if state, err := statusOf(ctx, at.text, id); err != nil || state != want {
		b.s.t.Errorf("%s: SHOW TRANSACTION STATUS %s says %q, %v; it is %s", name, id, state, err, want)
	}
}

// prepared are the branches that leaves have in doubt.
func (s *steps) prepared() (out []string, err error) {
	for _, leaf := range s.c.shape.leaves {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		rows, e := texts(ctx, s.c.direct[leaf], "XA RECOVER")
		cancel()
		if e != nil {
			err = e
		}
		for _, r := range rows {
			out = append(out, leaf+" "+strings.Join(r, " "))
		}
	}
	return out, err
}

func (s *steps) nothingInDoubt() {
	for end := time.Now().Add(stepSettled); ; time.Sleep(100 * time.Millisecond) {
		doubt, err := s.prepared()
		if len(doubt) == 0 && err == nil {
			return
		}
		if time.Now().After(end) {
			s.c.dump()
			s.t.Errorf("in doubt after %s: %v, %v", stepSettled, doubt, err)
			return
		}
	}
}

// until waits for something that must come.
func (s *steps) until(what string, ok func() bool) {
	for end := time.Now().Add(stepReached); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.c.dump()
			s.t.Fatalf("%s: not within %s", what, stepReached)
		}
	}
}

// registered says whether the catalog knows a node still, by its lease.
func (s *steps) registered(name string) bool {
	for _, n := range s.c.cat.Nodes() {
		if n.Name == name {
			return true
		}
	}
	return false
}

// lead makes a node the controller.
func (s *steps) lead(n *node) {
	addr, _ := n.mysql.Load().(string)
	host, port, _ := strings.Cut(addr, ":")
	if _, err := strconv.Atoi(port); err != nil {
		s.t.Fatal(addr)
	}
	if s.c.cat.Controller() != n.name {
		if _, err := n.text.Exec(fmt.Sprintf("PROMOTE AGGREGATOR '%s':%s TO MASTER", host, port)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.until(n.name+" is the controller", func() bool { return s.c.cat.Controller() == n.name })
}
