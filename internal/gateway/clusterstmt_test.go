package gateway

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// controller plays the controller: it answers commands with what do says, and keeps them.
type controller struct {
	mu   sync.Mutex
	seen []string
	args []json.RawMessage
	do   func(*catalog.Command) (done bool)
}

func (b *bench) controller(t *testing.T, do func(*catalog.Command) bool) *controller {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := b.node.Campaign(ctx); err != nil {
		t.Fatal(err)
	}
	k := &controller{do: do}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		known := map[uint64]bool{}
		for {
			changed := b.cat.BoardChanged()
			for _, cmd := range b.cat.Commands() {
				if cmd.State == catalog.CommandDone {
					continue
				}
				if !known[cmd.ID] {
					known[cmd.ID] = true
					k.mu.Lock()
					k.seen = append(k.seen, cmd.Kind+" "+string(cmd.Args))
					k.args = append(k.args, cmd.Args)
					k.mu.Unlock()
				}
				if k.do == nil || k.do(cmd) {
					cmd.State, cmd.Ended, cmd.Affected = catalog.CommandDone, time.Now(), 1
					if err := b.node.SaveCommand(ctx, cmd); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err := b.node.Resign(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return k
}

func (k *controller) last() (text string, args json.RawMessage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.seen) == 0 {
		return "", nil
	}
	return k.seen[len(k.seen)-1], k.args[len(k.args)-1]
}

// unpaired does something while redundancy is 2 and all leaves are in one group.
func (b *bench) unpaired(t *testing.T, do func()) {
	t.Helper()
	was := b.cat.Snapshot()
	set := func(s topo.Settings, group func(*topo.Leaf) int) {
		t.Helper()
		_, err := b.cat.Update(timeout(t), func(x *catalog.Txn) error {
			x.PutSettings(s)
			for _, l := range was.Leaves {
				changed := *l
				changed.Group = group(l)
				x.PutLeaf(&changed)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	two := was.Settings
	two.Redundancy = 2
	set(two, func(*topo.Leaf) int { return 1 })
	defer set(was.Settings, func(l *topo.Leaf) int { return l.Group })
	do()
}

func TestClusterCommands(t *testing.T) {
	b := cluster(t)
	k := b.controller(t, nil)
	c := b.database(t, "cmddb")
	leaf := b.farm.Leaves()[0]
	port := func(s string) string { return strings.ReplaceAll(s, "PORT", valueText(leaf.Port)) }
	for q, want := range map[string]string{
		"add leaf root@'10.9.9.9' INTO GROUP 2;":                    `ADD LEAF {"host":"10.9.9.9","port":3306,"group":2,"user":"root"}`,
		"REMOVE LEAF '127.0.0.1':PORT FORCE KILL":                   `REMOVE LEAF {"host":"127.0.0.1","port":PORT,"force":true,"kill":true}`,
		"attach leaf 'leaf-4': 3306":                                `ATTACH LEAF {"host":"leaf-4","port":3306}`,
		"attach leaf 'leaf-8':3306 FORCE NO REBALANCE":              `ATTACH LEAF {"host":"leaf-8","port":3306,"force":true,"no_rebalance":true}`,
		"ATTACH LEAF ALL":                                           `ATTACH ALL LEAVES {}`,
		"DETACH LEAF 127.0.0.1:PORT":                                `DETACH LEAF {"host":"127.0.0.1","port":PORT}`,
		"REBALANCE PARTITIONS ON cmddb FULL FORCE":                  `REBALANCE {"database":"cmddb","force":true,"full":true}`,
		"rebalance all databases":                                   `REBALANCE ALL {}`,
		"RESTORE REDUNDANCY ON `cmddb`":                             `RESTORE REDUNDANCY {"database":"cmddb"}`,
		"CLEAR ORPHAN DATABASES":                                    `CLEAR ORPHANS {}`,
		"COPY PARTITION cmddb:3 ON '127.0.0.1':PORT":                `COPY PARTITION {"database":"cmddb","ordinal":3,"host":"127.0.0.1","port":PORT}`,
		"PROMOTE PARTITION cmddb:0 ON 'x':1":                        `PROMOTE PARTITION {"database":"cmddb","ordinal":0,"host":"x","port":1}`,
		"PROMOTE AGGREGATOR '127.0.0.1':3306 TO MASTER":             `PROMOTE AGGREGATOR {"host":"127.0.0.1","port":3306}`,
		"AGGREGATOR SET AS MASTER":                                  `PROMOTE AGGREGATOR {"host":"127.0.0.1","port":3306}`,
		"RESTART LEAVES":                                            `RESTART LEAVES {}`,
		"BACKUP DATABASE cmddb TO '/b'":                             `BACKUP {"database":"cmddb","path":"/b"}`,
		"RESTORE DATABASE gone AS back FROM '/b'":                   `RESTORE {"database":"gone","as":"back","path":"/b"}`,
		"PREPARE s FROM 'RESTART LEAVES'; EXECUTE s; ATTACH LEAF x": `ATTACH LEAF {"host":"x","port":3306}`,
	} {
		res := c.exec(port(q))
		if n, err := res.RowsAffected(); n != 1 || err != nil {
			t.Errorf("%s: %d rows affected, %v", q, n, err)
		}
		if got, _ := k.last(); got != port(want) {
			t.Errorf("%s is %s, want %s", q, got, port(want))
		}
	}
	b.unpaired(t, func() {
		c.exec("RESTORE REDUNDANCY ON cmddb")
		c.want("SHOW WARNINGS", "Warning|1105|4 partitions of 'cmddb' have no second copy, as their leaf has no pair, the first of them 0: "+
			"add a leaf to the other group, or move them to pairs by REBALANCE PARTITIONS ON `cmddb`")
	})
	for q, code := range map[string]uint16{
		"REBALANCE PARTITIONS ON nosuch":                    1049,
		"COPY PARTITION cmddb:4 ON 'x'":                     1735,
		"COPY PARTITION nosuch:4 ON 'x'":                    1049,
		"PROMOTE AGGREGATOR 'x':3306 TO MASTER":             1477,
		"SHOW DATABASES EXTENDED FOR LEAF 'x':1":            1477,
		"CANCEL 999999":                                     1094,
		"CANCEL REBALANCE ON cmddb":                         1094,
		"SHOW PARTITIONS ON nosuch":                         1049,
		"SHOW REBALANCE STATUS ON nosuch":                   1049,
		"SET GLOBAL redundancy_level = 3":                   1231,
		"SET GLOBAL auto_attach = maybe":                    1231,
		"SET GLOBAL single_tables = 2":                      1231,
		"SET GLOBAL copy_rate = -1":                         1231,
		"SET GLOBAL copy_rate = 1048577":                    1231,
		"SET GLOBAL copy_rate = 1.5":                        1231,
		"SET copy_rate = 1":                                 1229,
		"SET redundancy_level = 2":                          1229,
		"SET GLOBAL binlog_keep_seconds = -1":               1231,
		"SET GLOBAL binlog_keep_seconds = 99999999999":      1231,
		"SET GLOBAL binlog_keep_bytes = 'many'":             1231,
		"SET GLOBAL redundancy_level = 2, auto_attach = ON": 1235,
	} {
		c.fails(code, q)
	}
	k.do = func(cmd *catalog.Command) bool {
		cmd.Error = &catalog.CommandError{Code: 1811, State: "HY000", Message: "Unable to attach leaf 'leaf-8':3306."}
		return true
	}
	if got := c.fails(1811, "ATTACH LEAF 'leaf-8':3306"); !strings.Contains(got, "Unable to attach leaf 'leaf-8':3306.") {
		t.Error(got)
	}
}

func TestCommandsEndTransactions(t *testing.T) {
	b := cluster(t)
	b.controller(t, nil)
	c := b.database(t, "cmdtx")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	c.exec("BEGIN")
	c.exec("INSERT INTO t VALUES (1)")
	c.exec("REBALANCE PARTITIONS ON cmdtx")
	c.want("SELECT @@in_transaction", "0")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM t", "1")
}

func TestCommandRights(t *testing.T) {
	b := cluster(t)
	b.controller(t, nil)
	b.database(t, "rgtdb")
	b.account(t, "'plain'@'%'", "IDENTIFIED BY 'p'")
	b.account(t, "'boss'@'%'", "IDENTIFIED BY 'p'")
	r := b.root(t, "")
	r.exec("GRANT ALL ON rgtdb.* TO plain")
	r.exec("GRANT SUPER ON *.* TO boss")
	c := b.as(t, "plain", "p", "")
	for _, q := range []string{
		"REBALANCE PARTITIONS ON rgtdb", "EXPLAIN REBALANCE PARTITIONS ON rgtdb", "ADD LEAF root:'x'@'y'", "CANCEL 1", "CLEAR ORPHAN DATABASES",
		"SET GLOBAL redundancy_level = 2", "RESTART LEAVES", "AGGREGATOR SET AS MASTER",
	} {
		if got := c.fails(1227, q); !strings.Contains(got, "SUPER") {
			t.Error(got)
		}
	}
	for _, q := range []string{"SHOW LEAVES", "SHOW PARTITIONS ON rgtdb", "SHOW CLUSTER STATUS", "SHOW AGGREGATORS", "SHOW REBALANCE STATUS ON rgtdb"} {
		if _, err := c.query(q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	b.as(t, "boss", "p", "").exec("REBALANCE PARTITIONS ON rgtdb")
}

func TestLeafSecrets(t *testing.T) {
	b := cluster(t)
	hold := make(chan struct{})
	k := b.controller(t, func(*catalog.Command) bool {
		select {
		case <-hold:
			return true
		default:
			return false
		}
	})
	c, other := b.root(t, ""), b.root(t, "")
	done := make(chan error, 1)
	go func() {
		_, err := c.c.ExecContext(timeout(t), "SELECT 1; /* add */ ADD /* x */ LEAF root:'s3cret'@'10.9.9.8':3307")
		done <- err
	}()
	for {
		if text, _ := k.last(); strings.HasPrefix(text, "ADD LEAF") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	list := other.rows("SHOW FULL PROCESSLIST")
	if strings.Contains(list, "s3cret") || !strings.Contains(list, "ADD /* x */ LEAF …") {
		t.Error(list)
	}
	text, args := k.last()
	if strings.Contains(text, "s3cret") {
		t.Errorf("the catalog has %s", text)
	}
	l, err := order.Read[order.Leaf](args)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := order.NewSealer("not the cluster's")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealer.Open(l.Secret, l.Context()); err == nil {
		t.Error("anybody can open the secret")
	}
	close(hold)
	// Another command wakes the controller.
	other.exec("RESTART LEAVES")
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, q := range []string{
		"ADD LEAF root:s3cret@'h'", "ADD LEAF root's3cret'@'h'", "ADD LEAF root:'s3cret", "ADD LEAF root@'h':'s3cret'", "EXPLAIN ADD LEAF root:'s3cret'@'h'",
		"ADD LEAF root:'s3cret'@'h' INTO GROUP 9", "ADD LEAF (root:'s3cret'@'h'", "PREPARE s FROM 'ADD LEAF root:''s3cret'", "ADD LEAF root:'s3cret'@",
	} {
		if got := c.fails(1064, q); strings.Contains(got, "s3cret") {
			t.Errorf("%s: %s", q, got)
		}
		if got := c.rows("SHOW WARNINGS"); strings.Contains(got, "s3cret") {
			t.Errorf("%s: %s", q, got)
		}
	}
}

func TestBadForms(t *testing.T) {
	b := cluster(t)
	c := b.root(t, "")
	for q, near := range map[string]string{
		"REBALANCE PARTITIONS test":        "near 'test' at line 1",
		"ATTACH LEAF 'h':3306\nNOW PLEASE": "near 'NOW PLEASE' at line 2",
		"DETACH LEAF":                      "near '' at line 1",
		"PROMOTE PARTITION d:x ON 'h'":     "near 'x ON 'h'' at line 1",
		"ADD LEAF root@'h' INTO GROUP 3":   "at line 1, character 30",
		"REBALANCE EVERYTHING":             "near 'REBALANCE EVERYTHING' at line 1",
		"SHOW PARTITIONS OF x":             "near 'OF x' at line 1",
		"SHOW CLUSTER":                     "near '",
	} {
		if got := c.fails(1064, q); !strings.Contains(got, near) {
			t.Errorf("%s: %s", q, got)
		}
	}
}

func TestCancelAndDisconnect(t *testing.T) {
	b := cluster(t)
	b.controller(t, func(cmd *catalog.Command) bool {
		if cmd.Canceled {
			cmd.Error = &catalog.CommandError{Code: 1317, State: "70100", Message: "Query execution was interrupted"}
		}
		return cmd.Canceled
	})
	c, other := b.database(t, "candb"), b.root(t, "candb")
	rebalance := func() chan error {
		done := make(chan error, 1)
		go func() {
			_, err := c.c.ExecContext(timeout(t), "REBALANCE PARTITIONS ON candb")
			done <- err
		}()
		return done
	}
	running := func() *catalog.Command {
		for {
			for _, cmd := range b.cat.Commands() {
				if cmd.State != catalog.CommandDone {
					return cmd
				}
			}
			time.Sleep(time.Millisecond)
		}
	}
	interrupted := func(err error) {
		t.Helper()
		if e, ok := err.(*mysql.MySQLError); !ok || e.Number != 1317 {
			t.Error(err)
		}
	}
	done := rebalance()
	running()
	other.exec("CANCEL REBALANCE ON candb")
	interrupted(<-done)
	// KILL QUERY ends the waiting, not the command.
	id := c.rows("SELECT CONNECTION_ID()")
	done = rebalance()
	cmd := running()
	other.exec("KILL QUERY " + id)
	interrupted(<-done)
	if now := b.cat.Command(cmd.ID); now.State == catalog.CommandDone || now.Canceled {
		t.Errorf("%+v", now)
	}
	other.exec("CANCEL " + valueText(cmd.ID))
	if _, err := b.cat.Await(timeout(t), cmd.ID); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	b := cluster(t)
	k := b.controller(t, func(cmd *catalog.Command) bool {
		v, err := order.Read[order.Setting](cmd.Args)
		if err == nil && cmd.Kind == order.SetGlobal {
			_, err = b.cat.Update(context.Background(), func(x *catalog.Txn) error {
				now := x.Settings()
				switch v.Name {
				case order.AutoAttach:
					now.AutoAttach = v.Value == "ON"
				case order.SingleTables:
					now.SingleTables = v.Value == "ON"
				case order.CopyRate:
					now.CopyRate, err = strconv.Atoi(v.Value)
				case order.BinlogKeepSeconds:
					now.BinlogKeepSeconds, err = strconv.ParseInt(v.Value, 10, 64)
				case order.BinlogKeepBytes:
					now.BinlogKeepBytes, err = strconv.ParseInt(v.Value, 10, 64)
				default:
					now.Redundancy = int(v.Value[0] - '0')
				}
				x.PutSettings(now)
				return err
			})
		}
		if err != nil {
			cmd.Error = &catalog.CommandError{Code: 1105, State: "HY000", Message: err.Error()}
		}
		return true
	})
	t.Cleanup(func() {
		if _, err := b.cat.Update(context.Background(), func(x *catalog.Txn) error {
			x.PutSettings(topo.DefaultSettings)
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	c := b.root(t, "")
	c.want("SELECT @@redundancy_level, @@GLOBAL.redundancy_level, @@auto_attach, @@global.auto_attach", "1|1|1|1")
	for _, q := range []string{"SET @@GLOBAL.redundancy_level = 2", "SET GLOBAL redundancy_level=1+1", "set @@global.redundancy_level := '2'"} {
		res := c.exec(q)
		if n, err := res.RowsAffected(); n != 0 || err != nil {
			t.Error(n, err)
		}
		if got, _ := k.last(); got != `SET GLOBAL {"name":"redundancy_level","value":"2"}` {
			t.Errorf("%s: %s", q, got)
		}
	}
	c.want("SELECT @@redundancy_level", "2")
	c.exec("set global auto_attach = Off")
	c.want("SELECT @@global.auto_attach AS a, @@auto_attach + 1", "0|1")
	c.want("SHOW VARIABLES LIKE 'redundancy_level'", "redundancy_level|2")
	c.want("SHOW GLOBAL VARIABLES LIKE 'auto\\_at%'", "auto_attach|OFF")
	c.want("SHOW SESSION VARIABLES WHERE Variable_name IN ('redundancy_level', 'autocommit', 'auto_attach', 'port') AND Value <> '' AND variable_name <> 'port'",
		"auto_attach|OFF/autocommit|ON/redundancy_level|2")
	all := c.rows("SHOW VARIABLES")
	if !strings.Contains(all, "/auto_attach|OFF/auto_increment_increment|") || !strings.Contains(all, "/copy_rate|0/") || !strings.Contains(all, "/redundancy_level|2/relay_log") {
		t.Errorf("the settings are not in their places: %s", all)
	}
	c.exec("SET GLOBAL copy_rate = 10 * 2")
	c.want("SELECT @@copy_rate, @@global.copy_rate + 1", "20|21")
	c.want("SHOW GLOBAL VARIABLES LIKE 'copy_rate'", "copy_rate|20")
	c.exec("SET GLOBAL copy_rate = DEFAULT")
	c.want("SELECT @@copy_rate", "0")
	c.exec("SET GLOBAL auto_attach = DEFAULT")
	c.exec("SET GLOBAL redundancy_level = DEFAULT")
	c.want("SELECT @@auto_attach, @@redundancy_level", "1|1")
	c.want("SELECT @@single_tables", "0")
	c.exec("SET GLOBAL single_tables = ON")
	c.want("SHOW VARIABLES LIKE 'single_tables'", "single_tables|ON")
	c.exec("CREATE DATABASE alone PARTITIONS 2")
	c.exec("CREATE DATABASE spread PARTITIONS 2 DEFAULT SHARD KEY (PRIMARY KEY)")
	c.exec("SET GLOBAL single_tables = DEFAULT")
	c.want("SELECT @@single_tables", "0")
	for db, is := range map[string]bool{"alone": true, "spread": false} {
		if s := c.rows("SHOW CREATE DATABASE " + db); strings.Contains(s, "SHARD KEY ()") != is {
			t.Error(s)
		}
		c.exec("DROP DATABASE " + db)
	}
	c.want("SELECT @@binlog_keep_seconds, @@GLOBAL.binlog_keep_bytes", "86400|17179869184")
	c.exec("SET GLOBAL binlog_keep_seconds = 60 * 60")
	c.exec("SET GLOBAL binlog_keep_bytes = 0")
	c.want("SELECT @@binlog_keep_seconds, @@GLOBAL.binlog_keep_bytes", "3600|0")
	c.want("SHOW VARIABLES LIKE 'binlog\\_keep%'", "binlog_keep_bytes|0/binlog_keep_seconds|3600")
	c.exec("SET GLOBAL binlog_keep_bytes = DEFAULT")
	c.want("SELECT @@binlog_keep_bytes", "17179869184")
}

func TestShowRebalanceStatus(t *testing.T) {
	b := cluster(t)
	b.controller(t, nil)
	c := b.database(t, "rebdb")
	c.want("SHOW REBALANCE STATUS", "")
	if got := c.columns("SHOW REBALANCE STATUS ON rebdb"); got !=
		"Action,Ordinal,Target_Host,Target_Port,Phase,Status,Running_Time,Rows,Total_Rows,Percent,Error,Command" {
		t.Error(got)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	doc, err := json.Marshal(map[string]any{"id": 1, "kind": "REBALANCE", "command": 7, "steps": []map[string]any{
		{"action": "COPY PARTITION", "db": "rebdb", "ordinal": 1, "leaf": "leaf-2", "phase": 2, "status": "success", "started": start,
			"ended": start.Add(2870 * time.Millisecond), "rows": 10, "rows_total": 10},
		{"action": "COPY PARTITION", "db": "rebdb", "ordinal": 3, "leaf": "leaf-2", "phase": 2, "status": "failed", "started": start,
			"ended": start.Add(time.Second), "rows": 5, "rows_total": 20, "error": "the leaf is full"},
		{"action": "PROMOTE PARTITION", "db": "rebdb", "ordinal": 1, "leaf": "leaf-2", "phase": 6, "status": "scheduled"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.node.SaveProcedure(context.Background(), "1", doc); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.node.SaveProcedure(context.Background(), "1", nil) })
	p := valueText(b.farm.Leaves()[1].Port)
	c.want("SHOW REBALANCE STATUS ON rebdb", "COPY PARTITION|1|127.0.0.1|"+p+"|2|success|2870|10|10|100|NULL|7/"+
		"COPY PARTITION|3|127.0.0.1|"+p+"|2|failed|1000|5|20|25|the leaf is full|7/"+
		"PROMOTE PARTITION|1|127.0.0.1|"+p+"|6|scheduled|NULL|NULL|NULL|NULL|NULL|7")
	c.want("SELECT STATUS, COUNT(*), MIN(COMMAND_ID) FROM information_schema.MV_REBALANCE_STATUS WHERE database_name='rebdb' GROUP BY 1 ORDER BY 1",
		"failed|1|7/scheduled|1|7/success|1|7")
	c.want("SHOW REBALANCE STATUS WHERE status = 'scheduled' AND phase = 6", "PROMOTE PARTITION|1|127.0.0.1|"+p+"|6|scheduled|NULL|NULL|NULL|NULL|NULL|7")
}

func TestShowExtended(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "extdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t VALUES (1),(2),(3),(4),(5),(6),(7),(8)")
	l := b.farm.Leaves()[0]
	got := c.rows("SHOW DATABASES EXTENDED FOR LEAF '127.0.0.1':" + valueText(l.Port))
	if !strings.Contains(got, "information_schema|NULL|NULL|NULL|NULL|NULL|NULL|NULL") || !strings.Contains(got, "extdb|NULL|reference|online|NULL||0|0") ||
		strings.Count(got, "extdb_") != 2 || !strings.Contains(got, "|master|online|0:") || strings.Contains(got, "orbweaver") {
		t.Error(got)
	}
	if got := c.columns("SHOW DATABASES EXTENDED"); got != "Database,Commits,Role,State,Position,Details,AsyncSlaves,SyncSlaves" {
		t.Error(got)
	}
	if got := c.rows("SHOW DATABASES EXTENDED LIKE 'extdb'"); !strings.HasPrefix(got, "extdb|") || strings.Contains(got, "NULL|master") ||
		!strings.HasSuffix(got, "|master|online|NULL||0|0") {
		t.Error(got)
	}
	if got := c.rows("SHOW AGGREGATORS EXTENDED"); !strings.HasSuffix(got, "|node-1|"+valueText(int(b.node.ID()))+"|NULL") {
		t.Error(got)
	}
	c.want("SHOW LEAVES LIKE '10.%'", "")
	c.want("SHOW LEAVES WHERE Port = (SELECT 1)", "")
	if got := c.rows("SHOW LEAVES WHERE Availability_Group = 1"); strings.Count(got, "127.0.0.1|") < 1 {
		t.Error(got)
	}
}
