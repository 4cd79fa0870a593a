package gateway

import (
	"cmp"
	"context"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// showLeaves is SHOW LEAVES. Leaves of the two groups are pairs in the order of their names.
func (g *Gateway) showLeaves(snap *topo.Snapshot) *rowset {
	r := &rowset{cols: []colDef{
		text("Host", 255), integer("Port"), integer("Availability_Group"), text("Pair_Host", 255), integer("Pair_Port"), text("State", 16),
		integer("Opened_Connections"), {"Average_Roundtrip_Latency_ms", wire.TypeDouble, 10},
	}}
	stats := map[string]backend.LeafStats{}
	for _, st := range g.cfg.Pools.Stats() {
		stats[st.Leaf] = st
	}
	groups := map[int][]*topo.Leaf{}
	leaves := allLeaves(snap)
	for _, l := range leaves {
		groups[l.Group] = append(groups[l.Group], l)
	}
	for _, l := range leaves {
		var pairHost, pairPort, latency any
		if other := groups[3-l.Group]; len(other) > 0 {
			if i := slices.Index(groups[l.Group], l); i < len(other) {
				pairHost, pairPort = other[i].Host, other[i].Port
			}
		}
		st := stats[l.Name]
		if st.RoundTrip > 0 {
			latency = float64(st.RoundTrip) / float64(time.Millisecond)
		}
		r.add(l.Host, l.Port, l.Group, pairHost, pairPort, string(l.State), st.Open, latency)
	}
	return r
}

// showAggregators is SHOW AGGREGATORS: the nodes.
func (s *session) showAggregators() *rowset {
	r := &rowset{cols: []colDef{
		text("Host", 255), integer("Port"), text("State", 16), integer("Opened_Connections"),
		{"Average_Roundtrip_Latency_ms", wire.TypeDouble, 10}, integer("Master_Aggregator"),
	}}
	controller := s.g.cfg.Catalog.Controller()
	for _, n := range s.g.cfg.Catalog.Nodes() {
		host, portText, err := net.SplitHostPort(n.MySQL)
		if err != nil {
			host = n.MySQL
		}
		var port, opened any
		if p, err := strconv.Atoi(portText); err == nil {
			port = p
		}
		if n.ID == uint32(s.g.cfg.NodeID) { // the others' are not known here
			opened = len(s.g.all())
		}
		master := 0
		if n.Name == controller {
			master = 1
		}
		r.add(host, port, "online", opened, nil, master)
	}
	return r
}

// showPartitions is SHOW PARTITIONS [EXTENDED] [ON db].
func (s *session) showPartitions(scan *sqltext.Scan, snap *topo.Snapshot, src source) error {
	db := s.sess.DB
	for i := range scan.Tokens {
		if (isWord(scan, int32(i), "ON") || isWord(scan, int32(i), "FROM")) && i+1 < len(scan.Tokens) {
			db = nameAt(scan, int32(i)+1, s.mode())
		}
	}
	if db == "" {
		return wire.Errorf(wire.ErNoDB, "No database selected")
	}
	d, err := snap.Database(db)
	if err != nil {
		return err
	}
	r := &rowset{cols: []colDef{integer("Ordinal"), text("Host", 255), integer("Port"), text("Role", 16), integer("Locked")}}
	for _, p := range d.Partitions {
		if len(p.Instances) == 0 {
			r.add(p.ID.Ordinal, nil, nil, nil, nil)
		}
		for _, in := range p.Instances {
			var host, port any
			if l := snap.Leaves[in.Leaf]; l != nil {
				host, port = l.Host, l.Port
			}
			r.add(p.ID.Ordinal, host, port, string(in.Role), 0)
		}
	}
	return r.write(src.out, src.prepared)
}

// nameAt is the name that a token is.
func nameAt(scan *sqltext.Scan, tok int32, mode sqltext.Mode) string {
	t := scan.Tokens[tok]
	if t.Kind == sqltext.Word || t.Kind == sqltext.Number {
		return string(scan.Bytes(tok))
	}
	return string(sqltext.Unquote(nil, t, scan.Src, mode))
}

// positionsWithin bounds how long SHOW CLUSTER STATUS waits for leaves.
const positionsWithin = 2 * time.Second

// showClusterStatus is SHOW CLUSTER STATUS: every instance and every shape, with the position in the leaf's binary log.
func (g *Gateway) showClusterStatus(ctx context.Context, snap *topo.Snapshot) *rowset {
	r := &rowset{cols: []colDef{
		text("Host", 255), integer("Port"), text("Database", 64), text("Role", 16), text("State", 16), text("Position", 64), text("Details", 255),
	}}
	leaves := allLeaves(snap)
	positions := g.positions(ctx, leaves)
	for _, l := range leaves {
		for _, db := range slices.Sorted(maps.Keys(snap.Databases)) {
			d := snap.Databases[db]
			if l.State != topo.LeafDetached {
				r.add(l.Host, l.Port, db, "Reference", string(l.State), nil, "")
			}
			for _, p := range d.Partitions {
				for _, in := range p.Instances {
					if in.Leaf != l.Name {
						continue
					}
					var position any
					if at, ok := positions[l.Name]; ok {
						position = at[p.Domain]
					}
					r.add(l.Host, l.Port, p.ID.Schema(), string(in.Role), string(l.State), position, "")
				}
			}
		}
	}
	return r
}

// positions asks every leaf for its binary log's position, domain by domain. A leaf that does not answer is left out.
func (g *Gateway) positions(ctx context.Context, leaves []*topo.Leaf) map[string]map[uint32]string {
	ctx, cancel := context.WithTimeout(ctx, positionsWithin)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := map[string]map[uint32]string{}
	for _, l := range leaves {
		wg.Go(func() {
			var text string
			err := g.atLeaf(ctx, l.Name, func(c *backend.Conn) error {
				res, err := c.Query(ctx, "SELECT @@GLOBAL.gtid_binlog_pos")
				if err == nil {
					text = string(res.Rows[0][0])
				}
				return err
			})
			if err != nil {
				return
			}
			at := map[uint32]string{}
			for gtid := range strings.SplitSeq(text, ",") {
				domain, rest, ok := strings.Cut(strings.TrimSpace(gtid), "-")
				n, err := strconv.ParseUint(domain, 10, 32)
				if ok && err == nil {
					_, sequence, _ := strings.Cut(rest, "-")
					at[uint32(n)] = "0:" + sequence
				}
			}
			mu.Lock()
			out[l.Name] = at
			mu.Unlock()
		})
	}
	wg.Wait()
	return out
}

// showProcesslist is SHOW [FULL] PROCESSLIST: this node's sessions, all of them for an account with PROCESS, else its own.
func (s *session) showProcesslist(ctx context.Context, out exec.Output, full, prepared bool) error {
	all, err := s.hasRight(ctx, processRight)
	if err != nil {
		return err
	}
	r := &rowset{cols: []colDef{
		integer("Id"), text("User", 128), text("Host", 64), text("db", 64), text("Command", 16), integer("Time"), text("State", 64),
		text("Info", infoBytes), {"Progress", wire.TypeDouble, 7},
	}}
	now := time.Now()
	sessions := s.g.all()
	slices.SortFunc(sessions, func(a, b *session) int { return int(int64(a.id) - int64(b.id)) })
	for _, o := range sessions {
		o.mu.Lock()
		user, db, cmd, info, host := o.shownUser, o.shownDB, o.command, string(o.info), o.accountHost
		o.mu.Unlock()
		if !all && (user != s.user || host != s.login.Host) {
			continue
		}
		var dbValue, infoValue any
		if db != "" {
			dbValue = db
		}
		state := ""
		if info != "" {
			if !full && len(info) > 100 {
				info = info[:100]
			}
			infoValue, state = info, "Executing"
		}
		if user == "" {
			user = "unauthenticated user"
		}
		seconds := max(now.UnixNano()-o.since.Load(), 0) / int64(time.Second)
		r.add(int64(o.id), user, net.JoinHostPort(o.shownHost(), strconv.Itoa(int(o.port))), dbValue, commandName(cmd), seconds, state, infoValue, 0.0)
	}
	return r.write(out, prepared)
}

func commandName(c wire.Command) string {
	switch c {
	case wire.ComQuery:
		return "Query"
	case wire.ComStmtPrepare:
		return "Prepare"
	case wire.ComStmtExecute:
		return "Execute"
	case wire.ComStmtFetch:
		return "Fetch"
	case wire.ComSleep:
		return "Sleep"
	}
	return "Query"
}

// allLeaves lists the leaves by name, leaf-2 before leaf-10.
func allLeaves(snap *topo.Snapshot) []*topo.Leaf {
	return slices.SortedFunc(maps.Values(snap.Leaves), func(a, b *topo.Leaf) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name))
	})
}
