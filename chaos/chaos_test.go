package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// lines hands what is told to the test, line by line.
type lines struct{ t *testing.T }

func (l lines) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if programs.dir != "" {
		os.RemoveAll(programs.dir)
	}
	os.Exit(code)
}

var programs struct {
	sync.Mutex
	dir string
}

// built is the orbweaver that all tests have in common, with the race detector as they have it, or without.
func built(t *testing.T, race bool) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	if programs.dir == "" {
		dir, err := os.MkdirTemp("", "orbweaver-chaos-programs-")
		if err != nil {
			t.Fatal(err)
		}
		programs.dir = dir
	}
	program := filepath.Join(programs.dir, fmt.Sprintf("orbweaver-%t", race))
	if _, err := os.Stat(program); err != nil {
		if err := build(t.Context(), program, race); err != nil {
			t.Fatal(err)
		}
	}
	return program
}

// loaded is held by the one cluster that has a load: two of them would keep a machine busy. Beside it another starts or is looked through, and there are the
// faults at each step, which wait most of the time.
var loaded sync.Mutex

// A minute of `make chaos`, with the race detector in nodes and here.
func TestChaos(t *testing.T) {
	t.Parallel()
	breakCluster(t, keyLoad, "1", "60s")
}

// Some seconds of transactions over several partitions, and of snapshots beside them, with connections that are severed in the midst of them.
func TestBank(t *testing.T) {
	t.Parallel()
	breakCluster(t, bankLoad+" "+historyLoad, "2", "20s")
}

// breakCluster is `make chaos`, as the environment says and else as it is given.
func breakCluster(t *testing.T, load, seed, last string) {
	s, err := readSettings(func(name string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return map[string]string{"CHAOS_SEED": seed, "CHAOS_TIME": last, "CHAOS_RACE": "1", "CHAOS_LOAD": load}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Whole, s.Program, s.Turn = 2*time.Minute, built(t, s.Race), &loaded
	if err := run(context.Background(), s, lines{t}); err != nil {
		t.Fatal(err)
	}
}

func TestSettings(t *testing.T) {
	env := map[string]string{"CHAOS_SEED": "17", "CHAOS_TIME": "90s", "CHAOS_KEEP": "1"}
	s, err := readSettings(func(n string) string { return env[n] })
	if err != nil || s.Seed != 17 || s.Time != 90*time.Second || !s.Keep || s.Race || !slices.Equal(s.Loads, allLoads) {
		t.Errorf("%+v, %v", s, err)
	}
	env = map[string]string{"CHAOS_LOAD": "bank, histories"}
	if s, err := readSettings(func(n string) string { return env[n] }); err != nil || s.Time != 10*time.Minute || !slices.Equal(s.Loads, []string{bankLoad, historyLoad}) {
		t.Errorf("%+v, %v", s, err)
	}
	for name, bad := range map[string]string{"CHAOS_SEED": "x", "CHAOS_TIME": "30", "CHAOS_LOAD": "cards"} {
		if _, err := readSettings(func(n string) string { return map[string]string{name: bad}[n] }); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, bad, err)
		}
	}
}

var testShape = shape{leaves: names("leaf", 4), nodes: names("node", 3), members: names("etcd", 3)}

// A plan is its seed's, and no step takes both leaves of a pair, two nodes or two members of etcd.
func TestPlan(t *testing.T) {
	kinds, whats := map[string]int{}, map[string]int{}
	differ := false
	for seed := range uint64(20) {
		for n := range 200 {
			s := plan(seed, n, testShape)
			if again := plan(seed, n, testShape); s.String() != again.String() {
				t.Fatalf("two plans: %s and %s", s, again)
			}
			differ = differ || s.String() != plan(seed+1, n, testShape).String()
			whats[s.command.what]++
			hit := map[string]bool{}
			for _, f := range s.faults {
				kinds[string(f.kind)+" "+strings.TrimRight(f.target, "-123456")]++
				for _, h := range f.hits() {
					class := strings.TrimRight(h, "-123456")
					switch h {
					case "leaf-1", "leaf-2":
						class = "pair 1"
					case "leaf-3", "leaf-4":
						class = "pair 2"
					case controller:
						class = "node"
					}
					if hit[class] && f.other == "" {
						t.Errorf("%s hits two of %s", s, class)
					}
					hit[class] = true
				}
				if f.lasts <= 0 || f.lasts > time.Minute {
					t.Errorf("%s lasts for %s", f, f.lasts)
				}
			}
		}
	}
	if !differ {
		t.Error("all seeds are one plan")
	}
	if kinds["sever node"] > 0 {
		t.Error("connections are severed and should not be")
	}
	severs := testShape
	severs.severs = true
	for n := range 200 {
		for _, f := range plan(1, n, severs).faults {
			kinds[string(f.kind)+" "+strings.TrimRight(f.target, "-123456")]++
		}
	}
	for _, want := range []string{"kill leaf", "pause leaf", "cut leaf", "kill node", "pause node", "cut node", "kill etcd", "pause etcd", "kill controller", "pause controller", "cut controller", "sever node", "sever controller"} {
		if kinds[want] == 0 {
			t.Errorf("no %s in %v", want, kinds)
		}
	}
	for _, c := range commands {
		if whats[c.what] == 0 {
			t.Errorf("no %s in %v", c.what, whats)
		}
	}
}

// A lone member of etcd is the majority: it is away for a short time only.
func TestLoneMember(t *testing.T) {
	sh := testShape
	sh.members = names("etcd", 1)
	for n := range 500 {
		for _, f := range plan(3, n, sh).faults {
			if f.target == "etcd-1" && f.lasts > 4*time.Second {
				t.Error(f)
			}
		}
	}
}

// partition is one with a master and a replica.
func partition(term uint64, master string) *topo.Partition {
	return &topo.Partition{ID: topo.PartitionID{DB: "d", Ordinal: 0}, Term: term, Domain: uint32(100 + term), Instances: []topo.Instance{
		{Leaf: master, Role: topo.Master}, {Leaf: "other", Role: topo.Replica, InSync: true},
	}}
}

func snapshot(p *topo.Partition) *topo.Snapshot {
	b := topo.NewBuilder(nil)
	b.PutSettings(topo.Settings{Redundancy: 2})
	b.PutLeaf(&topo.Leaf{Name: "leaf-1", State: topo.LeafOnline})
	b.PutDatabase(&topo.Database{Name: "d", Partitions: []*topo.Partition{p}})
	return b.Build(1)
}

func TestWatchWantsOneMasterATerm(t *testing.T) {
	w := newWatch(nil)
	for i, c := range []struct {
		p    *topo.Partition
		errs int
	}{{partition(1, "leaf-1"), 0}, {partition(1, "leaf-1"), 0}, {partition(2, "leaf-2"), 0}, {partition(1, "leaf-2"), 1}, {partition(2, "leaf-2"), 0}} {
		if errs := w.look(snapshot(c.p)); len(errs) != c.errs {
			t.Errorf("%d: %v", i, errs)
		}
	}
	two := partition(3, "leaf-1")
	two.Instances[1].Role = topo.Master
	if errs := w.look(snapshot(two)); len(errs) == 0 {
		t.Error("two masters at once pass")
	}
}

func TestLacking(t *testing.T) {
	done := []*catalog.Command{{ID: 1, State: catalog.CommandDone}}
	if l := lacking(snapshot(partition(1, "leaf-1")), done, map[string][]byte{"db/d": nil}); len(l) > 0 {
		t.Errorf("a whole cluster lacks %v", l)
	}
	locked, alone, lost, behind := partition(1, "leaf-1"), partition(1, "leaf-1"), partition(1, "leaf-1"), partition(1, "leaf-1")
	locked.Locked = true
	alone.Instances = alone.Instances[:1]
	lost.Instances = nil
	behind.Instances[1].InSync = false
	for _, p := range []*topo.Partition{locked, alone, lost, behind} {
		if l := lacking(snapshot(p), nil, nil); len(l) != 1 {
			t.Errorf("%+v: %v", p, l)
		}
	}
	whole := snapshot(partition(1, "leaf-1"))
	if l := lacking(whole, []*catalog.Command{{ID: 2, State: catalog.CommandRunning}}, map[string][]byte{"mend/leaf-1/d:0": nil}); len(l) != 2 {
		t.Errorf("a command and a replica that are under way: %v", l)
	}
	whole.Leaves["leaf-1"].State = topo.LeafAttaching
	if l := lacking(whole, nil, nil); fmt.Sprint(l) != "[leaf leaf-1 is attaching]" {
		t.Error(l)
	}
}
