package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// serversName is under what mysql.servers is among the system tables: no table of information_schema is called so.
const serversName = "mysql.servers"

// systemTables are the cluster's own tables of information_schema by their names, and mysql.servers. Of what belongs to a database only those see the rows who see the
// database in SHOW DATABASES.
var systemTables map[string]*systemTable

func init() { // the tables' functions run statements, which look here
	systemTables = map[string]*systemTable{
		"DISTRIBUTED_PARTITIONS": {
			cols: []colDef{text("DATABASE_NAME", 64), integer("ORDINAL"), text("HOST", 255), integer("PORT"), text("ROLE", 16)},
			more: []colDef{
				integer("LOCKED"), text("STATE", 16), integer("TERM"), integer("GTID_DOMAIN"), integer("IN_SYNC"), text("LEAF", 64), text("PARTITION_SCHEMA", 64),
			},
			rows: distributedPartitions,
		},
		"DISTRIBUTED_DATABASES": {
			cols: []colDef{text("DATABASE_NAME", 64), integer("NUM_PARTITIONS"), integer("IS_SYNC")},
			more: []colDef{integer("ONLINE_PARTITIONS"), integer("LOCKED")},
			rows: distributedDatabases,
		},
		"LEAVES": {
			cols: upper(leafColumns), more: append(upper(leafMore), text("NAME", 64), integer("SERVER_ID")),
			rows: func(_ context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
				return s.g.leafRows(snap), nil
			},
		},
		"AGGREGATORS": {
			cols: upper(aggregatorColumns), more: upper(aggregatorMore),
			rows: func(_ context.Context, s *session, _ *topo.Snapshot) ([][]any, error) { return s.aggregatorRows(), nil },
		},
		"MV_CLUSTER_STATUS": {
			cols: []colDef{
				text("HOST", 255), integer("PORT"), text("DATABASE_NAME", 64), text("ROLE", 16), text("STATE", 16), text("POSITION", 64), text("DETAILS", 1024),
			},
			rows: func(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
				return s.seen(ctx, s.g.clusterRows(ctx, snap), func(row []any) string {
					name := valueText(row[2])
					if id, ok := snap.Schemas[name]; ok {
						return id.DB
					}
					return name
				})
			},
		},
		"MV_REBALANCE_STATUS": {
			cols: []colDef{
				text("DATABASE_NAME", 64), text("ACTION", 32), integer("ORDINAL"), text("TARGET_HOST", 255), integer("TARGET_PORT"), integer("PHASE"),
				text("STATUS", 16), integer("RUNNING_TIME"), integer("COPIED_ROWS"), integer("TOTAL_ROWS"), double("PERCENT"), text("ERROR", 1024),
			},
			more: []colDef{integer("COMMAND_ID"), text("COMMAND", 32)},
			rows: func(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
				rows, err := s.g.stepRows(snap, time.Now())
				if err != nil {
					return nil, err
				}
				return s.seen(ctx, rows, func(row []any) string { return valueText(row[0]) })
			},
		},
		"MV_EVENTS": {
			cols: []colDef{
				text("ORIGIN_NODE", 64), {name: "EVENT_TIME", typ: typeInstant, size: 26}, text("SEVERITY", 16), text("EVENT_TYPE", 64), text("LEAF", 64), text("DATABASE_NAME", 64),
				text("DETAILS", 1024),
			},
			rows: events,
		},
		"PROCESSLIST": processlistTable,
		serversName:   serversTable,
	}
	addSpiderTables()
}

func double(name string) colDef { return colDef{name: name, typ: wire.TypeDouble, size: 10} }

// upper is columns with their names as information_schema has them.
func upper(cols []colDef) []colDef {
	cols = slices.Clone(cols)
	for i := range cols {
		cols[i].name = strings.ToUpper(cols[i].name)
	}
	return cols
}

// seen leaves out the rows that belong to databases that the account does not see; of gives a row's database, "" for none.
func (s *session) seen(ctx context.Context, rows [][]any, of func([]any) string) ([][]any, error) {
	if len(rows) == 0 {
		return rows, nil
	}
	see, err := s.visibleDatabases(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(row []any) bool {
		db := of(row)
		return db != "" && !see(db)
	}), nil
}

// visibleDatabases asks a leaf which databases the account sees. Databases that are nowhere any more, or on some leaf by mistake, are for those who
// see mysql.
func (s *session) visibleDatabases(ctx context.Context) (func(db string) bool, error) {
	names := map[string]bool{}
	err := s.atAnyLeaf(ctx, func(c *backend.Conn) error {
		res, err := c.Query(ctx, "SHOW DATABASES")
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			names[string(row[0])] = true
		}
		return nil
	})
	snap := s.g.cfg.Catalog.Snapshot()
	return func(db string) bool { return names[db] || snap.Databases[db] == nil && names["mysql"] }, err
}

func distributedPartitions(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
	var rows [][]any
	for _, name := range slices.Sorted(maps.Keys(snap.Databases)) {
		d := snap.Databases[name]
		for _, p := range d.Partitions {
			if len(p.Instances) == 0 {
				rows = append(rows, []any{name, p.ID.Ordinal, nil, nil, nil, bitOf(p.Locked), "offline", int64(p.Term), int64(p.Domain), nil, nil, p.ID.Schema()})
			}
			for _, in := range p.Instances {
				var host, port, state any
				if l := snap.Leaves[in.Leaf]; l != nil {
					host, port, state = l.Host, l.Port, string(l.State)
				}
				rows = append(rows, []any{
					name, p.ID.Ordinal, host, port, string(in.Role), bitOf(p.Locked), state, int64(p.Term), int64(p.Domain), bitOf(in.InSync), in.Leaf, p.ID.Schema(),
				})
			}
		}
	}
	return s.seen(ctx, rows, func(row []any) string { return valueText(row[0]) })
}

func distributedDatabases(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
	var rows [][]any
	for _, name := range slices.Sorted(maps.Keys(snap.Databases)) {
		d := snap.Databases[name]
		rows = append(rows, []any{name, len(d.Partitions), bitOf(d.Replication == topo.Sync), mastered(snap, d), bitOf(d.Locked || d.Held)})
	}
	return s.seen(ctx, rows, func(row []any) string { return valueText(row[0]) })
}

// mastered counts the partitions that can be read and written.
func mastered(snap *topo.Snapshot, d *topo.Database) int {
	n := 0
	for _, p := range d.Partitions {
		if leaf, ok := p.Master(); ok && snap.Leaves[leaf] != nil && snap.Leaves[leaf].State == topo.LeafOnline {
			n++
		}
	}
	return n
}

func bitOf(on bool) int {
	if on {
		return 1
	}
	return 0
}

func events(ctx context.Context, s *session, _ *topo.Snapshot) ([][]any, error) {
	list, err := s.g.cfg.Catalog.Events(ctx)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for _, e := range list {
		at := strconv.FormatFloat(float64(e.Time.UnixMicro())/1e6, 'f', 6, 64)
		rows = append(rows, []any{e.Node, at, e.Severity, e.Kind, orNull(e.Leaf), orNull(e.Database), e.Detail})
	}
	return s.seen(ctx, rows, func(row []any) string { return valueText(row[5]) })
}

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

var leafColumns = []colDef{
	text("Host", 255), integer("Port"), integer("Availability_Group"), text("Pair_Host", 255), integer("Pair_Port"), text("State", 16),
	integer("Opened_Connections"), double("Average_Roundtrip_Latency_ms"),
}

// leafMore follow them in the table, where they are named.
var leafMore = []colDef{integer("Disk_Free"), integer("Memory_Free"), text("Short_Of", 64)}

// leafRows are the leaves: the columns of SHOW LEAVES, then name and server id.
func (g *Gateway) leafRows(snap *topo.Snapshot) [][]any {
	stats := map[string]backend.LeafStats{}
	for _, st := range g.cfg.Pools.Stats() {
		stats[st.Leaf] = st
	}
	room := g.room()
	var rows [][]any
	for _, l := range allLeaves(snap) {
		var pairHost, pairPort, latency, disk, memory, short any
		if pair := snap.Leaves[l.Pair]; pair != nil {
			pairHost, pairPort = pair.Host, pair.Port
		}
		st := stats[l.Name]
		if st.RoundTrip > 0 && l.State != topo.LeafOffline { // what it was is no news of a leaf that does not answer
			latency = float64(st.RoundTrip) / float64(time.Millisecond)
		}
		if r := room[l.Name]; l.State != topo.LeafOffline {
			if r.DiskTotal > 0 {
				disk = r.DiskLeft
			}
			if r.MemoryTotal > 0 {
				memory = r.MemoryLeft
			}
		}
		switch {
		case l.Disk.Full:
			short = "disk, full"
		case l.Disk.Short() && l.Memory.Short():
			short = "disk, memory"
		case l.Disk.Short():
			short = "disk"
		case l.Memory.Short():
			short = "memory"
		}
		rows = append(rows, []any{l.Host, l.Port, l.Group, pairHost, pairPort, string(l.State), st.Open, latency, disk, memory, short, l.Name, int64(l.ServerID)})
	}
	return rows
}

// room is what the leaves have left, as the controller tells.
func (g *Gateway) room() map[string]topo.Room {
	heard := g.cfg.Catalog.Heard(catalog.TopicRoom)
	for _, n := range g.cfg.Catalog.Nodes() {
		if n.Name != g.cfg.Catalog.Controller() {
			continue
		}
		var room map[string]topo.Room
		if err := json.Unmarshal(heard[n.ID], &room); err != nil { // it has told nothing yet
			return nil
		}
		return room
	}
	return nil
}

var (
	aggregatorColumns = []colDef{
		text("Host", 255), integer("Port"), text("State", 16), integer("Opened_Connections"), double("Average_Roundtrip_Latency_ms"), integer("Master_Aggregator"),
	}
	aggregatorMore = []colDef{text("Name", 64), integer("Node_Id"), text("Http", 255)}
)

// aggregatorRows are the nodes: the columns of SHOW AGGREGATORS, then those that EXTENDED adds.
func (s *session) aggregatorRows() [][]any {
	controller := s.g.cfg.Catalog.Controller()
	var rows [][]any
	for _, n := range s.g.cfg.Catalog.Nodes() {
		host, port := hostPort(n.MySQL)
		var opened any
		if n.ID == uint32(s.g.cfg.NodeID) { // the others' are not known here
			opened = len(s.g.all())
		}
		rows = append(rows, []any{host, port, "online", opened, nil, bitOf(n.Name == controller), n.Name, int64(n.ID), orNull(n.HTTP)})
	}
	return rows
}

// hostPort takes an address apart; the port is nil when it has none.
func hostPort(addr string) (host string, port any) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, nil
	}
	if p, err := strconv.Atoi(text); err == nil {
		port = p
	}
	return host, port
}

// clusterRows are every shape, every instance and every orphan, leaf by leaf: the columns of SHOW CLUSTER STATUS.
func (g *Gateway) clusterRows(ctx context.Context, snap *topo.Snapshot) [][]any {
	leaves := allLeaves(snap)
	views := g.views(ctx, leaves)
	held := map[string][][]any{}
	for _, name := range slices.Sorted(maps.Keys(snap.Databases)) {
		d := snap.Databases[name]
		for _, l := range leaves {
			if l.State != topo.LeafDetached {
				held[l.Name] = append(held[l.Name], []any{l.Host, l.Port, name, "Reference", string(l.State), nil, ""})
			}
		}
		for _, p := range d.Partitions {
			for _, in := range p.Instances {
				l := snap.Leaves[in.Leaf]
				if l == nil {
					continue
				}
				v := views[l.Name]
				held[l.Name] = append(held[l.Name], []any{
					l.Host, l.Port, p.ID.Schema(), string(in.Role), instanceState(l, in.Role), v.position(p, in.Role), v.details(p, in, d),
				})
			}
		}
	}
	var rows [][]any
	for _, l := range leaves {
		rows = append(rows, held[l.Name]...)
		v := views[l.Name]
		if v == nil {
			continue
		}
		for _, name := range v.orphans(l.Name, snap) {
			var position any
			if p := snap.Partition(snap.Schemas[name]); p != nil {
				position = v.position(p, topo.Replica)
			}
			rows = append(rows, []any{l.Host, l.Port, name, "Orphan", string(l.State), position, ""})
		}
	}
	return rows
}

func instanceState(l *topo.Leaf, role topo.Role) string {
	if role == topo.Replica && l.State == topo.LeafOnline {
		return "replicating"
	}
	return string(l.State)
}
