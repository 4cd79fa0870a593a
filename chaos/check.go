package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// calm is for how long it must be whole: what happened last is noticed later.
const calm = 4 * time.Second

// lacking says what a cluster lacks to be whole.
func lacking(s *topo.Snapshot, commands []*catalog.Command, records map[string][]byte) (out []string) {
	for _, name := range sorted(s.Leaves) {
		if l := s.Leaves[name]; l.State != topo.LeafOnline {
			out = append(out, fmt.Sprintf("leaf %s is %s", name, l.State))
		}
	}
	for _, db := range sorted(s.Databases) {
		d := s.Databases[db]
		if d.Locked {
			out = append(out, "database "+db+" is locked")
		}
		for _, p := range d.Partitions {
			copies := 0
			for _, in := range p.Instances {
				if in.Role == topo.Master || in.InSync {
					copies++
				}
			}
			_, ok := p.Master()
			switch {
			case !ok:
				out = append(out, "partition "+p.ID.String()+" has no master")
			case copies < s.Settings.Redundancy:
				out = append(out, fmt.Sprintf("partition %s has %d copies that are whole", p.ID, copies))
			}
			if p.Locked {
				out = append(out, "partition "+p.ID.String()+" is locked")
			}
		}
	}
	for _, c := range commands {
		if c.State != catalog.CommandDone {
			out = append(out, fmt.Sprintf("command %d %s is %s since %s", c.ID, c.Kind, c.State, c.Started.Format(clock)))
		}
	}
	for key := range records {
		if strings.HasPrefix(key, "mend/") {
			out = append(out, "there is still to do "+key)
		}
	}
	return out
}

// awaitWhole waits until the cluster is whole, by itself.
func (c *cluster) awaitWhole(ctx context.Context, within time.Duration) bool {
	began, since := time.Now(), time.Time{} // whole since
	for told := time.Now(); ; {
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := c.cat.Sync(short)
		cancel()
		lacks := lacking(c.cat.Snapshot(), c.cat.Commands(), c.cat.Procedures())
		if err != nil {
			lacks = append(lacks, err.Error())
		}
		switch {
		case len(lacks) > 0:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
		switch {
		case len(lacks) == 0 && time.Since(since) > calm:
			c.story.say("the cluster is whole %s after the last fault", since.Sub(began).Round(time.Millisecond))
			return true
		case ctx.Err() != nil:
			return false
		case time.Since(began) > within:
			c.dump()
			c.story.fail("the cluster is not whole after %s: %s", within, strings.Join(lacks, "; "))
			return false
		case len(lacks) > 0 && time.Since(told) > 20*time.Second:
			told = time.Now()
			c.story.say("not whole yet: %s", strings.Join(lacks[:min(len(lacks), 6)], "; "))
		}
		sleep(ctx, 100*time.Millisecond)
	}
}

// copies compares what lies on the leaves: replicas with their masters, the shapes of all leaves with each other, and who wrote what.
func (c *cluster) copies(ctx context.Context) {
	s := c.cat.Snapshot()
	byAddr := map[string]string{}
	for name := range c.leaves {
		host, port := c.addr(name)
		byAddr[fmt.Sprintf("%s:%d", host, port)] = name
	}
	at := func(leaf string) *sql.DB { return c.direct[byAddr[s.Leaves[leaf].Addr()]] }
	compared := 0
	for _, name := range sorted(s.Databases) {
		d := s.Databases[name]
		for _, p := range d.Partitions {
			master, _ := p.Master() // a whole cluster has one
			var want []string
			if !c.eventually(ctx, func() string {
				var why string
				if want, why = tables(ctx, at(master), p.ID.Schema()); why != "" {
					return why
				}
				for _, r := range p.Replicas() {
					got, why := tables(ctx, at(r), p.ID.Schema())
					if why != "" {
						return why
					}
					if !slices.Equal(got, want) {
						return fmt.Sprintf("%s: on the master %s %v, on the replica %s %v", p.ID, master, want, r, got)
					}
				}
				return ""
			}) {
				continue
			}
			compared += len(want) * len(p.Replicas())
		}
		c.eventually(ctx, func() string {
			var first []string
			var on string
			for _, l := range sorted(s.Leaves) {
				got, why := tables(ctx, at(l), name)
				switch {
				case why != "":
					return why
				case first == nil:
					first, on = got, l
				case !slices.Equal(first, got):
					return fmt.Sprintf("shape of %s: on %s %v, on %s %v", name, on, first, l, got)
				}
			}
			return ""
		})
	}
	c.story.say("%d tables of replicas compared with their masters'", compared)
	c.writers(ctx)
}

// eventually wants something that may take a moment: replicas apply what was written last.
func (c *cluster) eventually(ctx context.Context, why func() string) bool {
	for end := time.Now().Add(15 * time.Second); ; {
		w := why()
		if w == "" {
			return true
		}
		if time.Now().After(end) || !sleep(ctx, 200*time.Millisecond) {
			c.story.fail("%s", w)
			return false
		}
	}
}

// tables are a database's tables, each with its definition and checksum.
func tables(ctx context.Context, db *sql.DB, schema string) (out []string, why string) {
	rows, err := db.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY 1", schema)
	if err != nil {
		return nil, err.Error()
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, err.Error()
		}
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err.Error()
	}
	for _, t := range list {
		var name, text, sum sql.NullString
		table := fmt.Sprintf("`%s`.`%s`", schema, t)
		if err := db.QueryRowContext(ctx, "SHOW CREATE TABLE "+table).Scan(&name, &text); err != nil {
			return nil, err.Error()
		}
		if err := db.QueryRowContext(ctx, "CHECKSUM TABLE "+table).Scan(&name, &sum); err != nil {
			return nil, err.Error()
		}
		out = append(out, fmt.Sprintf("%s checksum %s", text.String, sum.String))
	}
	return out, ""
}

// writers looks who wrote into the terms of partitions: each term has a GTID domain of its own, and one server.
func (c *cluster) writers(ctx context.Context) {
	wrote := map[uint64]map[uint64]string{} // by domain, by server: where that was seen
	for _, leaf := range sorted(c.direct) {
		var state string
		if err := c.direct[leaf].QueryRowContext(ctx, "SELECT @@GLOBAL.gtid_binlog_state").Scan(&state); err != nil {
			c.story.fail("%s: %v", leaf, err)
			continue
		}
		for gtid := range strings.SplitSeq(state, ",") {
			part := strings.Split(strings.TrimSpace(gtid), "-")
			if len(part) != 3 {
				continue
			}
			domain, _ := strconv.ParseUint(part[0], 10, 32) // MariaDB wrote them
			server, _ := strconv.ParseUint(part[1], 10, 32)
			if domain >= uint64(localfarm.OwnDomain) {
				continue
			}
			if wrote[domain] == nil {
				wrote[domain] = map[uint64]string{}
			}
			wrote[domain][server] = leaf
		}
	}
	for domain, by := range wrote {
		if len(by) > 1 {
			c.story.fail("domain %d, which is one term of one partition, was written by servers %v (and found at)", domain, by)
		}
	}
	c.story.say("%d terms were written to, each by one server", len(wrote))
}

// atRest are figures of a node that nobody uses.
type atRest struct{ goroutines, connections float64 }

// rest waits until a node that nobody uses has nothing under way, and says what it keeps.
func (c *cluster) rest(ctx context.Context, n *node) (r atRest, err error) {
	for end := time.Now().Add(30 * time.Second); ; {
		m, err := metrics(ctx, n)
		if err != nil {
			return r, err
		}
		busy := ""
		r = atRest{goroutines: m["go_goroutines"]}
		for name, v := range m {
			switch {
			case strings.HasPrefix(name, "orbweaver_leaf_connections{"):
				r.connections += v
				if strings.Contains(name, `"in use"`) && v > 2 { // what the controller is looking after
					busy = name
				}
			case v > 0 && (name == "orbweaver_clients_connected" || name == "orbweaver_statements_running" || strings.HasPrefix(name, "orbweaver_leaf_connection_waiters")):
				busy = name
			}
		}
		if busy == "" {
			return r, nil
		}
		if time.Now().After(end) || !sleep(ctx, 500*time.Millisecond) {
			return r, fmt.Errorf("%s is %v", busy, m[busy])
		}
	}
}

// metrics reads a node's.
func metrics(ctx context.Context, n *node) (map[string]float64, error) {
	addr, _ := n.http.Load().(string)
	text, err := get(ctx, "http://"+addr+"/metrics")
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, ok := cutLast(strings.TrimSpace(line))
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil && !strings.HasPrefix(line, "#") {
			out[name] = v
		}
	}
	return out, nil
}

func cutLast(line string) (before, after string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// moreGoroutines is what a node may keep beyond what it began with: of links to leaves and to etcd that were made since.
const moreGoroutines = 60

// leaks compares nodes at rest with what they were before.
func (c *cluster) leaks(ctx context.Context, before map[string]atRest) {
	for _, name := range c.shape.nodes {
		n := c.nodes[name]
		after, err := c.rest(ctx, n)
		if err != nil {
			c.story.fail("%s is not at rest, with no clients: %v", name, err)
			continue
		}
		c.story.say("%s at rest: %v goroutines (%v before), %v connections to leaves (%v before)", name, after.goroutines, before[name].goroutines,
			after.connections, before[name].connections)
		if after.goroutines > before[name].goroutines+moreGoroutines {
			addr, _ := n.http.Load().(string)
			stacks, _ := get(ctx, "http://"+addr+"/debug/pprof/goroutine?debug=1") // the count alone tells enough to fail
			file := n.log + ".goroutines"
			_ = os.WriteFile(file, []byte(stacks), 0o644)
			c.story.fail("%s has %v goroutines at rest, %v before: see %s", name, after.goroutines, before[name].goroutines, file)
		}
	}
}

// logs looks for what no log of ours should hold.
func (c *cluster) logs() {
	for _, name := range sorted(c.nodes) {
		p := c.nodes[name].process
		for _, crash := range p.crashed() {
			c.story.fail("%s", crash)
		}
		text, err := os.ReadFile(p.log)
		if err != nil {
			c.story.fail("%v", err)
			continue
		}
		for _, bad := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
			if n := strings.Count(string(text), bad); n > 0 {
				c.story.fail("%s: %d times %q in %s", name, n, bad, p.log)
			}
		}
	}
}

// dump writes down what nodes and leaves are about, once: what hangs now is gone when everything has ended.
func (c *cluster) dump() {
	c.dumping.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for _, name := range sorted(c.nodes) {
			addr, _ := c.nodes[name].http.Load().(string)
			text, err := get(ctx, "http://"+addr+"/debug/pprof/goroutine?debug=2")
			if err != nil {
				text = err.Error()
			}
			c.keep(name+".stuck", text)
		}
		for _, name := range sorted(c.direct) {
			var b strings.Builder
			for _, q := range []string{"SHOW FULL PROCESSLIST", "SHOW ALL SLAVES STATUS", "SELECT * FROM orbweaver.terms"} {
				if err := list(ctx, c.direct[name], &b, q); err != nil {
					fmt.Fprintf(&b, "%s: %v\n", q, err)
				}
			}
			c.keep(name+".stuck", b.String())
		}
		c.story.say("what nodes and leaves were about is in %s/*.stuck", c.dir)
	})
}

func (c *cluster) keep(file, text string) {
	if err := os.WriteFile(filepath.Join(c.dir, file), []byte(text), 0o644); err != nil {
		c.story.say("%v", err)
	}
}

// list prints what a query finds, a value a line.
func list(ctx context.Context, db *sql.DB, to io.Writer, q string) error {
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		row, at := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range row {
			at[i] = &row[i]
		}
		if err := rows.Scan(at...); err != nil {
			return err
		}
		fmt.Fprintf(to, "%s:\n", q)
		for i, v := range row {
			if v.String != "" {
				fmt.Fprintf(to, "  %s: %s\n", names[i], v.String)
			}
		}
	}
	return rows.Err()
}

// summary are the operations by kind and outcome, and the errors that clients met.
func (l *load) summary() { l.tell(l.c.story) }

func (l *tally) tell(st *story) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(l.counts)) {
		st.say("  %6d %s", l.counts[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(l.errs)) {
		st.say("  %6d error %s", l.errs[k], k)
	}
	st.say("the slowest operation took %s", l.slow.Round(time.Millisecond))
}
