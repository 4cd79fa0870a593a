package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// transcripts are what nodes see of leaves, and what the controller makes of it. A line is one of
//
//	1: a refused b ok …   node 1's next probes of leaves a and b
//	1 gone                node 1's lease has ended, and its report with it
//	elected               another controller begins; settled; grace: as much time as leaves get to answer has passed
//	a offline [in use]    the topology says so of leaf a
//	a held                it has come and gone too often
//	? …                   what is decided now, leaf by leaf; - for nothing
//
// ok, refused, silent, failed, crowded and stalled are outcomes of probes.
var transcripts = map[string]string{
	"a port that nobody listens on": `
		1: a ok
		1: a refused
		? -
		1: a refused
		? lose a`,
	"a leaf that is slow for a moment": `
		1: a ok
		1: a silent
		1: a silent
		1: a silent
		? -
		1: a ok
		1: a silent
		1: a silent
		1: a silent
		? -
		1: a silent
		? lose a`,
	"a leaf that is out of connections": `
		1: a ok
		1: a failed
		1: a crowded
		1: a failed
		1: a crowded
		1: a failed
		1: a crowded
		1: a failed
		? -
		1: a failed
		1: a failed
		1: a failed
		? lose a`,
	"a leaf that hangs, until it is out of connections": `
		1: a ok
		1: a silent
		1: a crowded
		1: a crowded
		? -
		1: a crowded
		? lose a
		1: a ok
		1: a crowded
		? -`,
	"a restart that is over soon": `
		1: a ok
		1: a refused
		1: a ok
		1: a refused
		1: a ok
		? -`,
	"refused and silent in turn is one failure after the other": `
		1: a ok
		1: a refused
		1: a silent
		1: a refused
		? -
		1: a silent
		? lose a`,
	"a node that was stopped blames no leaf": `
		1: a ok b ok
		1: a silent b silent
		1: a silent b silent
		1: a silent b silent
		1: a stalled b stalled
		1: a silent b silent
		1: a silent b silent
		1: a silent b silent
		? -
		1: a ok b silent
		? lose b`,
	"one of three nodes is cut off from a leaf": `
		1: a ok
		2: a ok
		3: a ok
		3: a refused
		3: a refused
		? -
		2: a refused
		2: a refused
		? lose a`,
	"of two nodes both have to see it": `
		1: a ok
		2: a ok
		2: a refused
		2: a refused
		? -
		2 gone
		? -
		1: a refused
		1: a refused
		? lose a`,
	"the node that saw a leaf alive is gone": `
		1: a ok
		2: a ok
		2: a refused
		2: a refused
		1 gone
		? lose a`,
	"at a start leaves have time to come": `
		1: a refused b ok
		1: a refused b ok
		? -
		grace
		? lose a`,
	"a leaf that has answered has had its time": `
		1: a ok b refused
		1: a refused b refused
		1: a refused b refused
		? lose a`,
	"a new controller waits again for those that it has not seen": `
		1: a ok b ok
		elected
		1: a refused b ok
		1: a refused b ok
		? lose a
		1: b refused
		1: b refused
		elected
		? -
		1: b ok
		1: b refused
		1: b refused
		? lose b
		grace
		? lose a, lose b`,
	"a failover comes before what an earlier controller left": `
		1: a ok b ok c ok
		c offline
		elected
		? -
		1: b refused
		1: b refused
		? lose b
		settled
		? lose b, take back c`,
	"a leaf that is away and comes back": `
		1: a ok
		a offline
		1: a refused
		1: a refused
		? -
		1: a ok
		? take back a`,
	"a leaf that is lost while it is taken back": `
		1: a ok
		a attaching
		? take back a
		1: a refused
		1: a refused
		? lose a`,
	"a failover that was begun is ended, also when the leaf is back": `
		1: a ok
		a offline in use
		? lose a
		a offline
		? take back a`,
	"a leaf that comes and goes is held back": `
		1: a ok
		a offline
		a held
		? -`,
	"a detached leaf is left alone": `
		1: a ok
		a detached
		? -
		1: a refused
		1: a refused
		? -`,
	"nobody has said anything yet": `
		grace
		? -`,
}

func TestTranscripts(t *testing.T) {
	for name, text := range transcripts {
		t.Run(name, func(t *testing.T) { replay(t, text) })
	}
}

func replay(t *testing.T, text string) {
	doubts := map[uint32]map[string]suspicion{}
	seen := map[uint32]map[string]observation{}
	answered, held := map[string]bool{}, map[string]bool{}
	states, inUse := map[string]topo.LeafState{}, map[string]bool{}
	grace, settled := false, true
	var said map[string]verdict
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "?":
			var out []string
			for _, leaf := range slices.Sorted(maps.Keys(said)) {
				now := circumstances{
					verdict: said[leaf], state: topo.LeafOnline, inUse: inUse[leaf], settled: settled, known: answered[leaf] || grace, mayReturn: !held[leaf],
				}
				if s, ok := states[leaf]; ok {
					now.state = s
				}
				switch decide(now) {
				case loseIt:
					out = append(out, "lose "+leaf)
				case takeItBack:
					out = append(out, "take back "+leaf)
				}
			}
			if len(out) == 0 {
				out = []string{"-"}
			}
			if got, want := strings.Join(out, ", "), strings.Join(words[1:], " "); got != want {
				t.Fatalf("line %d: %s is decided, not %s", i, got, want)
			}
		case words[0] == "elected":
			answered, grace, settled = map[string]bool{}, false, false
		case words[0] == "settled":
			settled = true
		case words[0] == "grace":
			grace = true
		case strings.HasSuffix(words[0], ":"):
			node := number(t, strings.TrimSuffix(words[0], ":"))
			if doubts[node] == nil {
				doubts[node], seen[node] = map[string]suspicion{}, map[string]observation{}
			}
			for leaf := range slices.Chunk(words[1:], 2) {
				var o *observation
				if doubts[node][leaf[0]], o = doubts[node][leaf[0]].after(outcomes[leaf[1]], silences); o != nil {
					seen[node][leaf[0]] = *o
				}
			}
		case words[1] == "gone":
			delete(seen, number(t, words[0]))
		case words[1] == "held":
			held[words[0]] = true
		default:
			states[words[0]], inUse[words[0]] = topo.LeafState(words[1]), len(words) > 2
		}
		reports := map[uint32][]byte{}
		for node, leaves := range seen {
			reports[node], _ = json.Marshal(leaves)
		}
		var err error
		if said, err = verdicts(reports); err != nil {
			t.Fatal(err)
		}
		for leaf, v := range said {
			answered[leaf] = answered[leaf] || !v.down
		}
	}
}

// While no leaf answers none is taken for dead, for a while; and then as long as it may be the next one that does.
func TestDarkness(t *testing.T) {
	const limit = 4 * time.Second
	var d darkness
	start := time.Now()
	for _, c := range []struct {
		after time.Duration
		dark  bool
		wait  bool
	}{
		{0, false, false}, {0, true, true}, {3 * time.Second, true, true}, {4 * time.Second, true, false}, {9 * time.Second, false, false},
	} {
		var wait bool
		if d, wait = d.after(start.Add(c.after), c.dark, limit); wait != c.wait {
			t.Errorf("after %s, dark %v: waits %v", c.after, c.dark, wait)
		}
	}
	d, _ = darkness{}.after(start, true, limit)
	for after, want := range map[time.Duration]bool{time.Second: true, 2 * time.Second: false} {
		if _, wait := d.after(start.Add(after), false, limit); wait != want {
			t.Errorf("%s after dark: waits %v", after, wait)
		}
	}
	s := &topo.Snapshot{Leaves: map[string]*topo.Leaf{"a": {State: topo.LeafOnline}}}
	if dark(s, "a", nil, start) {
		t.Error("a leaf alone is in the dark")
	}
	s.Leaves["b"], s.Leaves["c"] = &topo.Leaf{State: topo.LeafAttaching}, &topo.Leaf{State: topo.LeafOffline}
	heard := map[string]time.Time{"c": start}
	if !dark(s, "a", heard, start) {
		t.Error("it is not dark")
	}
	heard["b"] = start.Add(-lately / 2)
	if dark(s, "a", heard, start) || !dark(s, "a", heard, start.Add(lately)) {
		t.Error("another leaf has answered")
	}
}

var outcomes = map[string]outcome{"ok": answered, "refused": refused, "silent": silent, "failed": failed, "crowded": crowded, "stalled": stalled}

func number(t *testing.T, s string) uint32 {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func TestOutcomesOfProbes(t *testing.T) {
	nobody := fmt.Errorf("leaf a: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	for _, x := range []struct {
		err  error
		took time.Duration
		want outcome
	}{
		{nil, time.Millisecond, answered},
		{nil, time.Hour, answered},
		{nobody, time.Millisecond, refused},
		{errors.New("read only"), time.Millisecond, failed},
		{&backend.CrowdedError{Leaf: "a"}, probeTimeout / 2, crowded},
		{errors.New("no answer"), probeTimeout, silent},
		{errors.New("no answer"), probeTimeout + stall + 1, stalled},
		{nobody, time.Minute, stalled},
	} {
		if got := outcomeOf(x.err, x.took); got != x.want {
			t.Errorf("%v after %s: %d, want %d", x.err, x.took, got, x.want)
		}
	}
}

func TestHeirs(t *testing.T) {
	master := func(leaf string) topo.Instance { return topo.Instance{Leaf: leaf, Role: topo.Master} }
	replica := func(leaf string, inSync bool) topo.Instance {
		return topo.Instance{Leaf: leaf, Role: topo.Replica, InSync: inSync}
	}
	for _, x := range []struct {
		name  string
		mode  topo.Replication
		parts [][]topo.Instance
		want  string
	}{
		{"each partition's replica", topo.Sync, [][]topo.Instance{{master("a"), replica("b", true)}, {master("a"), replica("c", true)}}, "b:0 c:1"},
		{"not those of other masters", topo.Sync, [][]topo.Instance{{master("b"), replica("a", true)}, {master("a"), replica("b", true)}}, "b:1"},
		{"none in a SYNC database that may lack what was acknowledged", topo.Sync, [][]topo.Instance{{master("a"), replica("b", false)}}, ""},
		{"any in an ASYNC database", topo.Async, [][]topo.Instance{{master("a"), replica("b", false)}}, "b:0"},
		{"none on a leaf that is offline itself", topo.Sync, [][]topo.Instance{{master("a"), replica("off", true)}}, ""},
		{"the next one that can", topo.Sync, [][]topo.Instance{{master("a"), replica("off", true), replica("b", false), replica("c", true)}}, "c:0"},
		{"none where there is no replica", topo.Async, [][]topo.Instance{{master("a")}, {}}, ""},
		{"a leaf that is being taken in has replicas already", topo.Sync, [][]topo.Instance{{master("a"), replica("back", true)}}, "back:0"},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := topo.NewBuilder(nil)
			for leaf, state := range map[string]topo.LeafState{"a": topo.LeafOnline, "b": topo.LeafOnline, "c": topo.LeafOnline, "off": topo.LeafOffline, "back": topo.LeafAttaching} {
				b.PutLeaf(&topo.Leaf{Name: leaf, State: state})
			}
			d := &topo.Database{Name: "d", Replication: x.mode}
			for i, in := range x.parts {
				d.Partitions = append(d.Partitions, &topo.Partition{ID: topo.PartitionID{DB: "d", Ordinal: i}, Term: 1, Instances: in})
			}
			b.PutDatabase(d)
			by, n := heirs(b.Build(1), "a")
			var out []string
			for _, leaf := range slices.Sorted(maps.Keys(by)) {
				for _, s := range by[leaf] {
					out = append(out, fmt.Sprintf("%s:%d", leaf, s.part.ID.Ordinal))
					n--
				}
			}
			if got := strings.Join(out, " "); got != x.want || n != 0 {
				t.Errorf("got %q (counted %+d), want %q", got, n, x.want)
			}
		})
	}
}
