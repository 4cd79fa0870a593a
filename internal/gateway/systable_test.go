package gateway

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// columns are the names of a query's columns.
func (c *client) columns(q string) string {
	c.t.Helper()
	rows, err := c.c.QueryContext(timeout(c.t), q)
	if err != nil {
		c.t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Join(cols, ",")
}

func TestSystemTables(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "stdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, host VARCHAR(100), port INT)")
	leaves := b.farm.Leaves()
	for i, l := range leaves {
		c.exec("INSERT INTO t VALUES (?, ?, ?)", i, l.Host, l.Port)
	}
	n := len(leaves)
	first := leaves[0]
	for q, want := range map[string]string{
		"SELECT * FROM INFORMATION_SCHEMA.DISTRIBUTED_PARTITIONS LIMIT 0": "DATABASE_NAME,ORDINAL,HOST,PORT,ROLE",
		"select * from information_schema.leaves":                         "HOST,PORT,AVAILABILITY_GROUP,PAIR_HOST,PAIR_PORT,STATE,OPENED_CONNECTIONS,AVERAGE_ROUNDTRIP_LATENCY_MS",
		"SELECT * FROM information_schema.AGGREGATORS":                    "HOST,PORT,STATE,OPENED_CONNECTIONS,AVERAGE_ROUNDTRIP_LATENCY_MS,MASTER_AGGREGATOR",
		"SELECT * FROM information_schema.DISTRIBUTED_DATABASES":          "DATABASE_NAME,NUM_PARTITIONS,IS_SYNC",
		"SELECT * FROM information_schema.MV_CLUSTER_STATUS":              "HOST,PORT,DATABASE_NAME,ROLE,STATE,POSITION,DETAILS",
		"SELECT * FROM information_schema.MV_REBALANCE_STATUS":            "DATABASE_NAME,ACTION,ORDINAL,TARGET_HOST,TARGET_PORT,PHASE,STATUS,RUNNING_TIME,COPIED_ROWS,TOTAL_ROWS,PERCENT,ERROR",
		"SELECT * FROM information_schema.MV_EVENTS":                      "ORIGIN_NODE,EVENT_TIME,SEVERITY,EVENT_TYPE,LEAF,DATABASE_NAME,DETAILS",
	} {
		if got := c.columns(q); got != want {
			t.Errorf("%s: columns %s, want %s", q, got, want)
		}
	}
	for q, want := range map[string]string{
		"SELECT COUNT(*) FROM INFORMATION_SCHEMA.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='stdb'": "4",
		"SELECT * FROM INFORMATION_SCHEMA.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='stdb' AND ORDINAL=0": fmt.Sprintf(
			"stdb|0|%s|%s|Master", first.Host, strings.Split(c.rows("SHOW PARTITIONS ON stdb"), "|")[2]),
		"SELECT p.role, p.locked, p.term, p.state FROM information_schema.distributed_partitions p WHERE database_name='stdb' AND ordinal=1":                                                            "Master|0|1|online",
		"SELECT information_schema.leaves.host FROM information_schema.LEAVES LIMIT 1":                                                                                                                  first.Host,
		"SELECT `information_schema`.`Leaves`.* FROM information_schema.LEAVES WHERE Leaves.PORT = 1":                                                                                                   "",
		"SELECT leaves.port FROM information_schema.LEAVES WHERE LEAVES.name = '" + first.Name + "' ORDER BY information_schema.leaves.port":                                                            fmt.Sprint(first.Port),
		"SELECT COUNT(*) FROM information_schema.leaves l JOIN information_schema.DISTRIBUTED_PARTITIONS p ON l.host=p.host AND l.port=p.port WHERE p.database_name='stdb'":                             "4",
		"SELECT NUM_PARTITIONS, IS_SYNC FROM information_schema.distributed_databases WHERE database_name = 'stdb'":                                                                                     "4|0",
		"SELECT s.SCHEMA_NAME, d.NUM_PARTITIONS FROM information_schema.SCHEMATA s JOIN information_schema.DISTRIBUTED_DATABASES d ON d.DATABASE_NAME = s.SCHEMA_NAME WHERE s.SCHEMA_NAME LIKE 'stdb%'": "stdb|4",
		"WITH l AS (SELECT state FROM information_schema.leaves) SELECT DISTINCT state FROM l":                                                                                                          "online",
		"SELECT (SELECT COUNT(*) FROM information_schema.leaves)":                                                                                                                                       fmt.Sprint(n),
		"SELECT 1 WHERE EXISTS (SELECT 1 FROM information_schema.leaves WHERE state = 'ONLINE')":                                                                                                        "1",
		"SELECT COUNT(*) FROM information_schema.leaves WHERE host IN (SELECT host FROM information_schema.DISTRIBUTED_PARTITIONS)":                                                                     fmt.Sprint(n),
		"SELECT state FROM information_schema.leaves UNION SELECT state FROM information_schema.aggregators":                                                                                            "online",
		"SELECT t.id FROM t JOIN information_schema.leaves l ON l.port = t.port WHERE l.name = '" + first.Name + "'":                                                                                    "0",
		"SELECT COUNT(*) FROM stdb.t WHERE port IN (SELECT PORT FROM information_schema.leaves)":                                                                                                        fmt.Sprint(n),
		"SELECT role, COUNT(*) FROM information_schema.MV_CLUSTER_STATUS WHERE database_name LIKE 'stdb%' GROUP BY role ORDER BY role":                                                                  fmt.Sprintf("Master|4/Reference|%d", n),
		"SELECT master_aggregator IN (0, 1) FROM information_schema.aggregators":                                                                                                                        "1",
		"SELECT COUNT(*) FROM information_schema.leaves WHERE port = ?":                                                                                                                                 "1",
		"SELECT HEX(host) = HEX(?) FROM information_schema.leaves WHERE host = ? LIMIT 1":                                                                                                               "1",
		"SELECT SUM(ordinal) FROM information_schema.distributed_partitions WHERE database_name = 'stdb' HAVING SUM(ordinal) > 1":                                                                       "6",
	} {
		var args []any
		switch strings.Count(q, "?") {
		case 1:
			args = []any{first.Port}
		case 2:
			args = []any{first.Host, first.Host}
		}
		c.want(q, want, args...)
		if len(args) == 0 {
			// The same as a prepared statement, of both kinds.
			st, err := c.c.PrepareContext(timeout(t), q)
			if err != nil {
				t.Errorf("prepare %s: %v", q, err)
				continue
			}
			st.Close()
			c.exec("PREPARE s FROM '" + strings.ReplaceAll(q, "'", "''") + "'")
			c.want("EXECUTE s", want)
		}
	}
	if got := c.rows("EXPLAIN SELECT * FROM information_schema.leaves"); !strings.HasPrefix(got, "Forward|") {
		t.Error(got)
	}
	c.exec("INSERT INTO t SELECT 100 + AVAILABILITY_GROUP, HOST, PORT FROM information_schema.leaves WHERE name = '" + first.Name + "'")
	c.want("SELECT port FROM t WHERE id = "+fmt.Sprint(100+first.Group), fmt.Sprint(first.Port))
	c.exec("SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
	c.want(`SELECT "leaves"."name" FROM "information_schema"."leaves" WHERE "port" = `+fmt.Sprint(first.Port), first.Name)
	c.exec("SET sql_mode=DEFAULT")
	c.exec("SET NAMES latin1")
	c.want("SELECT name FROM information_schema.leaves WHERE port = "+fmt.Sprint(first.Port), first.Name)
	c.exec("SET NAMES utf8mb4")
	c.exec("USE information_schema")
	c.want("SELECT COUNT(*) FROM leaves", fmt.Sprint(n))
	c.want("SELECT COUNT(*) FROM Leaves WHERE LEAVES.state = 'online'", fmt.Sprint(n))
	c.want("WITH leaves AS (SELECT 7 AS x) SELECT leaves.x FROM leaves", "7")
	c.want("SELECT COUNT(*) FROM distributed_partitions, schemata WHERE database_name = schema_name AND database_name = 'stdb'", "4")
	c.fails(1054, "SELECT nosuch FROM leaves")
	c.fails(1109, "SELECT * FROM information_schema.nosuch")
}

func TestSystemTablesOfOthers(t *testing.T) {
	b := cluster(t)
	b.database(t, "oneown")
	b.database(t, "onother")
	b.account(t, "'looker'@'%'", "IDENTIFIED BY 'p'")
	b.root(t, "").exec("GRANT SELECT ON oneown.* TO looker")
	c := b.as(t, "looker", "p", "")
	c.want("SELECT DISTINCT DATABASE_NAME FROM information_schema.DISTRIBUTED_PARTITIONS WHERE database_name LIKE 'on%'", "oneown")
	c.want("SELECT DATABASE_NAME FROM information_schema.DISTRIBUTED_DATABASES WHERE database_name LIKE 'on%'", "oneown")
	c.want("SELECT COUNT(*) FROM information_schema.MV_CLUSTER_STATUS WHERE database_name LIKE 'onother%'", "0")
	if got := c.rows("SHOW DATABASES EXTENDED"); !strings.Contains(got, "oneown|") || strings.Contains(got, "onother") {
		t.Error(got)
	}
	if got := c.rows("SELECT COUNT(*) FROM information_schema.LEAVES"); got != fmt.Sprint(len(b.farm.Leaves())) {
		t.Error(got)
	}
}

func TestEventsTable(t *testing.T) {
	b := cluster(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)
	if err := b.node.AddEvent(context.Background(), catalog.Event{
		Time: at, Severity: "warning", Kind: "leaf offline", Leaf: "leaf-1", Detail: "it's “gone”: \\ \x01 \U0001F577",
	}); err != nil {
		t.Fatal(err)
	}
	c := b.root(t, "")
	c.exec("SET time_zone='+02:00'")
	c.want("SELECT ORIGIN_NODE, EVENT_TIME, SEVERITY, EVENT_TYPE, LEAF, DATABASE_NAME, DETAILS FROM information_schema.mv_events WHERE event_type='leaf offline'",
		"node-1|2026-01-02 05:04:05.123456|warning|leaf offline|leaf-1|NULL|it's “gone”: \\ \x01 \U0001F577")
}

func TestUnmappedPartitions(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "unmdb")
	change := func(f func(p *topo.Partition)) {
		t.Helper()
		if _, err := b.cat.Update(context.Background(), func(x *catalog.Txn) error {
			d := x.Database("unmdb")
			copied := *d
			copied.Partitions = append([]*topo.Partition(nil), d.Partitions...)
			p := *d.Partitions[2]
			f(&p)
			copied.Partitions[2] = &p
			x.PutDatabase(&copied)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	var was []topo.Instance
	change(func(p *topo.Partition) { was, p.Instances = p.Instances, nil })
	if got := c.rows("SHOW PARTITIONS"); !strings.Contains(got, "/2|NULL|NULL|NULL|NULL/3|") {
		t.Error(got)
	}
	c.want("SELECT * FROM information_schema.distributed_partitions WHERE database_name = 'unmdb' AND ordinal = 2", "unmdb|2|NULL|NULL|NULL")
	if got := c.rows("SHOW DATABASES EXTENDED LIKE 'unmdb'"); !strings.Contains(got, "|offline|NULL|1 of 4 partitions have no master|") {
		t.Error(got)
	}
	orphan := "Orphan|online|0:1|"
	if got := c.rows("SHOW CLUSTER STATUS LIKE 'unmdb_2'"); !strings.Contains(got, orphan) {
		t.Errorf("%s has no %s", got, orphan)
	}
	other := "leaf-1"
	if was[0].Leaf == other {
		other = "leaf-2"
	}
	change(func(p *topo.Partition) {
		p.Instances = []topo.Instance{{Leaf: other, Role: topo.Replica}, was[0]}
		p.Locked = true
	})
	if got := c.rows("SHOW PARTITIONS WHERE Ordinal = 2"); !strings.Contains(got, "|Master|1/2|") || !strings.HasSuffix(got, "|Slave|1") {
		t.Error(got)
	}
	if got := c.rows("SHOW PARTITIONS EXTENDED ON unmdb WHERE Role = 'Slave'"); !strings.HasPrefix(got, "2|") || !strings.Contains(got, "|replicating|1|") {
		t.Error(got)
	}
	change(func(p *topo.Partition) { p.Instances, p.Locked = was, false })
}

func TestShowLeavesOffline(t *testing.T) {
	b := cluster(t)
	put := func(f func(*topo.Leaf)) {
		t.Helper()
		if _, err := b.cat.Update(context.Background(), func(x *catalog.Txn) error {
			l := *b.cat.Snapshot().Leaves["leaf-2"]
			f(&l)
			x.PutLeaf(&l)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	c := b.root(t, "")
	var was topo.Leaf
	put(func(l *topo.Leaf) { was = *l; l.State, l.Pair = topo.LeafOffline, "" })
	defer put(func(l *topo.Leaf) { *l = was })
	if got := c.rows("SHOW LEAVES"); !strings.Contains(got, fmt.Sprintf("127.0.0.1|%d|%d|NULL|NULL|offline|", was.Port, was.Group)) || !strings.HasSuffix(got, "|NULL") {
		t.Error(got)
	}
}

func TestSystemTablesQuote(t *testing.T) {
	b := cluster(t)
	c := b.root(t, "")
	const name = "d'é\\\"x"
	c.exec("CREATE DATABASE `" + name + "` PARTITIONS 2")
	defer c.exec("DROP DATABASE `" + name + "`")
	c.want("SELECT COUNT(*) FROM information_schema.distributed_partitions WHERE database_name = ?", "2", name)
	for _, mode := range []string{"", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"} {
		c.exec("SET sql_mode = '" + mode + "'")
		c.want("SELECT DISTINCT database_name FROM information_schema.distributed_partitions WHERE database_name LIKE 'd''é%'", name)
	}
	c.exec("SET sql_mode = DEFAULT")
	if got := c.rows("SHOW PARTITIONS ON `" + name + "` WHERE Ordinal = 1"); !strings.HasPrefix(got, "1|127.0.0.1|") {
		t.Error(got)
	}
}

func TestClusterStatusWithoutALeaf(t *testing.T) {
	farm := farmtest.Start(t, 2)
	b, err := newBench(farm, Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	c := b.database(t, "stat")
	ctx := timeout(t)
	if err := farm.Pause(1); err != nil {
		t.Fatal(err)
	}
	resume := sync.OnceFunc(func() {
		if err := farm.Resume(1); err != nil {
			t.Error(err)
		}
	})
	defer resume()
	for silent, heard := 0, 0; silent != 2 || heard != 2; { // a machine that is very busy may have the other one late, too
		if silent, heard = statusOfMasters(ctx, t, c, farm.Leaves()[1].Port); t.Failed() || silent+heard != 4 {
			t.Fatalf("%d masters do not answer, %d do", silent, heard)
		}
	}
	resume()
}

// statusOfMasters counts the masters that are said not to answer, and those that do. The leaf at port must not be among these.
func statusOfMasters(ctx context.Context, t *testing.T, c *client, paused int) (silent, heard int) {
	t.Helper()
	rows, err := c.c.QueryContext(ctx, "SHOW CLUSTER STATUS")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var host, db, role, state, details string
		var port int
		var position *string
		if err := rows.Scan(&host, &port, &db, &role, &state, &position, &details); err != nil {
			t.Fatal(err)
		}
		switch {
		case role != "Master":
		case position == nil && details == "the leaf does not answer":
			silent++
		case port == paused || position == nil:
			t.Errorf("%s: position %v, %q", db, position, details)
		default:
			heard++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return silent, heard
}
