package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// showCluster is the SHOW statements on the cluster itself.
func (s *session) showCluster(ctx context.Context, scan *sqltext.Scan, c *sqltext.Cluster, snap *topo.Snapshot, src source) error {
	r := &rowset{}
	like := "Host" // the column that LIKE is about
	switch c.Verb {
	case "SHOW LEAVES":
		r.cols = leafColumns
		r.rows = cutTo(s.g.leafRows(snap), len(r.cols))
	case "SHOW AGGREGATORS":
		r.cols = aggregatorColumns
		if c.Extended {
			r.cols = slices.Concat(aggregatorColumns, aggregatorMore)
		}
		r.rows = cutTo(s.aggregatorRows(), len(r.cols))
	case "SHOW PARTITIONS":
		d, err := s.databaseOf(c, snap)
		if err != nil {
			return err
		}
		r = partitionRows(snap, d, c.Extended)
	case "SHOW CLUSTER STATUS":
		like = "Database"
		r.cols = []colDef{
			text("Host", 255), integer("Port"), text("Database", 64), text("Role", 16), text("State", 16), text("Position", 64), text("Details", 1024),
		}
		r.rows = s.g.clusterRows(ctx, snap)
	case "SHOW REBALANCE STATUS":
		like = "Action"
		d, err := s.databaseOf(c, snap)
		if err != nil {
			return err
		}
		if r, err = s.g.rebalanceStatus(snap, d.Name); err != nil {
			return err
		}
	case "SHOW TRANSACTION STATUS":
		return s.showTransaction(ctx, c.Trx.Text, src)
	case "SHOW DATABASES EXTENDED":
		like = "Database"
		var err error
		if r, err = s.databasesExtended(ctx, c, snap); err != nil {
			return err
		}
	}
	if c.Rest.Empty() {
		return r.write(src.out, src.prepared)
	}
	return s.selectFrom(ctx, r, scan, c.Rest, like, src)
}

// selectFrom answers with the rows of r that LIKE or WHERE is true of, for a leaf to say.
func (s *session) selectFrom(ctx context.Context, r *rowset, scan *sqltext.Scan, rest sqltext.Span, like string, src source) error {
	pick := make([]int, len(r.cols))
	for i := range pick {
		pick[i] = i
	}
	where := string(scan.AppendSpan(nil, rest))
	if isWord(scan, rest.From, "LIKE") {
		where = "WHERE " + quoteName(like) + " " + where
	}
	src.args = nil
	return s.rewritten(ctx, []byte("SELECT * FROM "+jsonTable(r.cols, pick, r.rows)+" AS `SHOW` "+where), src)
}

func cutTo(rows [][]any, n int) [][]any {
	for i := range rows {
		rows[i] = rows[i][:n]
	}
	return rows
}

// databaseOf is the database that a statement names, or the current one.
func (s *session) databaseOf(c *sqltext.Cluster, snap *topo.Snapshot) (*topo.Database, error) {
	db := s.sess.DB
	if c.DB.Tok >= 0 {
		db = c.DB.Text
	}
	if db == "" {
		return nil, wire.Errorf(wire.ErNoDB, "No database selected")
	}
	return snap.Database(db)
}

// partitionRows is SHOW PARTITIONS. A partition without an instance is a row of NULLs.
func partitionRows(snap *topo.Snapshot, d *topo.Database, extended bool) *rowset {
	r := &rowset{cols: []colDef{integer("Ordinal"), text("Host", 255), integer("Port"), text("Role", 16), integer("Locked")}}
	if extended {
		r.cols = append(r.cols, text("State", 16), integer("Term"), integer("Gtid_Domain"), integer("In_Sync"), text("Leaf", 64), text("Home", 64))
	}
	for _, p := range d.Partitions {
		if len(p.Instances) == 0 {
			r.add(p.ID.Ordinal, nil, nil, nil, nil, nil, int64(p.Term), int64(p.Domain), nil, nil, orNull(p.Home))
		}
		// The master first, whatever the order of joining.
		for _, in := range slices.SortedStableFunc(slices.Values(p.Instances), func(a, b topo.Instance) int {
			return bitOf(a.Role != topo.Master) - bitOf(b.Role != topo.Master)
		}) {
			var host, port, state any
			if l := snap.Leaves[in.Leaf]; l != nil {
				host, port, state = l.Host, l.Port, instanceState(l, in.Role)
			}
			r.add(p.ID.Ordinal, host, port, string(in.Role), bitOf(p.Locked), state, int64(p.Term), int64(p.Domain), bitOf(in.InSync), in.Leaf, orNull(p.Home))
		}
	}
	cutTo(r.rows, len(r.cols))
	return r
}

// procedureDoc is what the controller stores of the steps that it runs, as far as they are shown.
type procedureDoc struct {
	ID      uint64    `json:"id"`
	Kind    string    `json:"kind"`
	Command uint64    `json:"command"`
	Started time.Time `json:"started"`
	Steps   []stepDoc `json:"steps"`
	Hides   []string  `json:"hides"` // the leaves' databases that it makes and that are not whole yet
}

type stepDoc struct {
	Action    string    `json:"action"`
	DB        string    `json:"db"`
	Ordinal   int       `json:"ordinal"`
	Leaf      string    `json:"leaf"`
	Phase     int       `json:"phase"`
	Status    string    `json:"status"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
	Rows      int64     `json:"rows"`
	RowsTotal int64     `json:"rows_total"`
	Error     string    `json:"error"`
}

// partitionSteps says whether a step is about one partition; the others are about a leaf or a database.
func (d *stepDoc) ofPartition() bool { return strings.HasSuffix(d.Action, " PARTITION") }

// procedures are the operations that run and the last ended ones, oldest first.
func (g *Gateway) procedures() ([]*procedureDoc, error) {
	docs := g.cfg.Catalog.Procedures()
	var out []*procedureDoc
	for _, key := range slices.Sorted(maps.Keys(docs)) {
		p := new(procedureDoc)
		if err := json.Unmarshal(docs[key], p); err != nil {
			return nil, wire.Errorf(wire.ErUnknown, "the record %s of an operation can't be read: %s", key, err)
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b *procedureDoc) int { return int(int64(a.ID) - int64(b.ID)) })
	return out, nil
}

// unborn are databases on leaves that nobody can use yet, or any more: a RESTORE fills them, or a CREATE or DROP DATABASE is under way.
func (g *Gateway) unborn(snap *topo.Snapshot) ([]string, error) {
	all, err := g.procedures()
	if err != nil {
		return nil, err
	}
	under, err := g.cfg.Catalog.UnderWay()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, rec := range under {
		names = append(names, ddl.Unsettled(rec)...)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return snap.Databases[name] != nil })
	if now := g.cfg.Catalog.Snapshot(); now != snap { // in which one may have ended
		names = slices.AppendSeq(names, maps.Keys(now.Schemas))
	}
	for _, p := range all {
		if len(p.Hides) > 0 && snap.Databases[p.Hides[0]] == nil {
			names = append(names, p.Hides...)
		}
	}
	return names, nil
}

// stepRows are the steps of the last operation of each database, and of those on leaves alone: the columns of MV_REBALANCE_STATUS.
func (g *Gateway) stepRows(snap *topo.Snapshot, now time.Time) ([][]any, error) {
	all, err := g.procedures()
	if err != nil {
		return nil, err
	}
	last := map[string]uint64{}
	for _, p := range all {
		for _, st := range p.Steps {
			last[st.DB] = max(last[st.DB], p.ID)
		}
	}
	var rows [][]any
	for _, p := range all {
		for i := range p.Steps {
			st := &p.Steps[i]
			if last[st.DB] != p.ID {
				continue
			}
			rows = append(rows, st.row(snap, p, now))
		}
	}
	return rows, nil
}

func (d *stepDoc) row(snap *topo.Snapshot, p *procedureDoc, now time.Time) []any {
	var ordinal, host, port, running, copied, total, percent, command any
	if d.ofPartition() {
		ordinal = d.Ordinal
	}
	if l := snap.Leaves[d.Leaf]; l != nil {
		host, port = l.Host, l.Port
	} else {
		host = orNull(d.Leaf) // it has been removed since
	}
	if !d.Started.IsZero() {
		end := d.Ended
		if end.IsZero() {
			end = now
		}
		running = max(end.Sub(d.Started).Milliseconds(), 0)
	}
	if d.RowsTotal > 0 || d.Rows > 0 {
		copied, total = d.Rows, d.RowsTotal
	}
	switch {
	case d.Status == "success":
		percent = 100.0
	case d.RowsTotal > 0:
		percent = min(float64(d.Rows)/float64(d.RowsTotal)*100, 100)
	}
	if p.Command != 0 {
		command = int64(p.Command)
	}
	return []any{orNull(d.DB), d.Action, ordinal, host, port, d.Phase, d.Status, running, copied, total, percent, orNull(d.Error), command, p.Kind}
}

// rebalanceStatus is SHOW REBALANCE STATUS of a database: the steps of the operation that runs, or of the last one.
func (g *Gateway) rebalanceStatus(snap *topo.Snapshot, db string) (*rowset, error) {
	rows, err := g.stepRows(snap, time.Now())
	if err != nil {
		return nil, err
	}
	r := &rowset{cols: []colDef{
		text("Action", 32), integer("Ordinal"), text("Target_Host", 255), integer("Target_Port"), integer("Phase"), text("Status", 16), integer("Running_Time"),
		integer("Rows"), integer("Total_Rows"), double("Percent"), text("Error", 1024), integer("Command"),
	}}
	for _, row := range rows {
		if valueText(row[0]) == db {
			r.add(row[1:13]...)
		}
	}
	return r, nil
}

// databasesExtended is SHOW DATABASES EXTENDED: with FOR LEAF of what a leaf holds, else of the databases as a whole.
func (s *session) databasesExtended(ctx context.Context, c *sqltext.Cluster, snap *topo.Snapshot) (*rowset, error) {
	r := &rowset{cols: []colDef{
		text("Database", 64), integer("Commits"), text("Role", 16), text("State", 16), text("Position", 64), text("Details", 1024), integer("AsyncSlaves"),
		integer("SyncSlaves"),
	}}
	see, err := s.visibleDatabases(ctx)
	if err != nil {
		return nil, err
	}
	if c.Host.Tok < 0 {
		views := s.g.views(ctx, allLeaves(snap))
		r.add("information_schema", nil, nil, nil, nil, nil, nil, nil)
		for _, name := range slices.Sorted(maps.Keys(snap.Databases)) {
			if see(name) {
				r.rows = append(r.rows, wholeDatabase(snap, snap.Databases[name], views))
			}
		}
		return r, nil
	}
	l, err := leafAt(snap, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	v, err := s.g.viewOf(ctx, l.Name)
	if err != nil {
		return nil, err
	}
	for _, name := range v.schemas {
		if row := v.database(l, name, snap); row != nil && see(logicalOf(snap, name)) {
			r.rows = append(r.rows, row)
		}
	}
	return r, nil
}

// logicalOf is the database that a leaf's database belongs to.
func logicalOf(snap *topo.Snapshot, name string) string {
	if id, ok := snap.Schemas[name]; ok {
		return id.DB
	}
	return name
}

// wholeDatabase is a database's row over all of its partitions.
func wholeDatabase(snap *topo.Snapshot, d *topo.Database, views map[string]*leafView) []any {
	commits, known := uint64(0), true
	async, sync := 0, 0
	for _, p := range d.Partitions {
		leaf, ok := p.Master()
		if v := views[leaf]; ok && v != nil {
			n, _ := v.number(p, topo.Master)
			commits += n
		} else {
			known = false
		}
		for _, in := range p.Instances {
			if in.Role == topo.Replica && in.InSync && d.Replication == topo.Sync {
				sync++
			} else if in.Role == topo.Replica {
				async++
			}
		}
	}
	state, details := "online", ""
	if n := len(d.Partitions) - mastered(snap, d); n > 0 {
		state, details = "offline", valueText(n)+" of "+valueText(len(d.Partitions))+" partitions have no master"
	}
	var count any
	if known {
		count = commits
	}
	return []any{d.Name, count, "master", state, nil, details, async, sync}
}

// database is a row of what a leaf holds; nil for the cluster's own database.
func (v *leafView) database(l *topo.Leaf, name string, snap *topo.Snapshot) []any {
	if isOwn(name) {
		return nil
	}
	if isSystemSchema(name) {
		return []any{name, nil, nil, nil, nil, nil, nil, nil}
	}
	if snap.Databases[name] != nil {
		return []any{name, nil, "reference", string(l.State), nil, "", 0, 0}
	}
	id, ok := snap.Schemas[name]
	if !ok {
		return []any{name, nil, "orphan", string(l.State), nil, "", 0, 0}
	}
	d, p := snap.Databases[id.DB], snap.Partition(id)
	i := slices.IndexFunc(p.Instances, func(in topo.Instance) bool { return in.Leaf == l.Name })
	in := topo.Instance{Leaf: l.Name, Role: topo.Replica}
	role, state, details := "orphan", string(l.State), ""
	if v.masters[name] != 0 { // by its own account: it was, when the cluster last spoke to it
		role, state, in.Role = "master", "online", topo.Master
	}
	async, sync := 0, 0
	if i >= 0 {
		in = p.Instances[i]
		state, details = instanceState(l, in.Role), v.details(p, in, d)
		switch {
		case in.Role == topo.Master:
			role = "master"
			for _, other := range p.Instances {
				if other.Role == topo.Replica && other.InSync && d.Replication == topo.Sync {
					sync++
				} else if other.Role == topo.Replica {
					async++
				}
			}
		case in.InSync && d.Replication == topo.Sync:
			role = "sync slave"
		default:
			role = "async slave"
		}
	}
	n, _ := v.number(p, in.Role)
	return []any{name, n, role, state, v.position(p, in.Role), details, async, sync}
}

// leafAt is the leaf that a statement names.
func leafAt(snap *topo.Snapshot, c *sqltext.Cluster) (*topo.Leaf, error) {
	port := leafPort(snap, c)
	for _, l := range snap.Leaves {
		if strings.EqualFold(l.Host, c.Host.Text) && l.Port == port {
			return l, nil
		}
	}
	return nil, topo.NoLeaf(address(c.Host.Text, port))
}
