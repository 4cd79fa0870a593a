package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// What the programs that people use see of a cluster.
func TestPrograms(t *testing.T) {
	p := launch(t, nil, "up", "--leaves", "2", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", dataDir(t),
		"--mariadb-option", "innodb_flush_log_at_trx_commit=2")
	t.Run("sysbench", func(t *testing.T) { sysbench(t, p) })
	t.Run("documents", func(t *testing.T) { documents(t, p) })
	t.Run("deadlock", func(t *testing.T) { deadlocks(t, p) })
	t.Run("dump", func(t *testing.T) { dump(t, p) })
	t.Run("large result", func(t *testing.T) { large(t, p) })
	t.Run("idle clients", func(t *testing.T) { idle(t, p) })
	p.stop(t, syscall.SIGTERM)
}

func (p *process) port(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(p.mysql)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// program runs a client program on the node and returns what it prints.
func (p *process) program(t *testing.T, stdin string, name string, args ...string) string {
	t.Helper()
	return client(t, p.port(t), stdin, name, args...)
}

func client(t *testing.T, port, stdin, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if name != "sysbench" {
		args = append([]string{"--no-defaults", "-h127.0.0.1", "-P" + port, "-uroot"}, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, &out, &said)
	}
	return out.String()
}

var (
	sysbenchErrors = regexp.MustCompile(`(?m)ignored errors:\s+(\d+)`)
	sysbenchCount  = regexp.MustCompile(`(?m)transactions:\s+(\d+)`)
	sysbenchMax    = regexp.MustCompile(`(?m)^\s+max:\s+(\d+)`) // milliseconds
)

// sysbench's own CREATE TABLE has no SHARD KEY.
func sysbench(t *testing.T, p *process) {
	do(t, p.open(t, ""), "CREATE DATABASE sbtest PARTITIONS 4")
	run := func(args ...string) string {
		return p.program(t, "", "sysbench", append([]string{
			"--mysql-host=127.0.0.1", "--mysql-port=" + p.port(t), "--mysql-user=root", "--tables=2", "--table-size=5000", "--threads=8", "--time=1",
		}, args...)...)
	}
	run("oltp_read_write", "prepare")
	for _, test := range []string{"point_select", "read_only", "read_write", "write_only", "update_index", "update_non_index", "delete", "insert"} {
		for _, mode := range []string{"auto", "disable"} {
			out := run("--db-ps-mode="+mode, "oltp_"+test, "run")
			e, n := sysbenchErrors.FindStringSubmatch(out), sysbenchCount.FindStringSubmatch(out)
			longest := 1 << 30
			if m := sysbenchMax.FindStringSubmatch(out); m != nil {
				longest, _ = strconv.Atoi(m[1]) // digits
			}
			// Deadlocks are MariaDB's answer to clients that get in each other's way: sysbench repeats the transaction, any other error ends it. Nobody
			// waits for innodb_lock_wait_timeout.
			if e == nil || n == nil || n[1] == "0" || test == "point_select" && e[1] != "0" || longest > 10000 {
				t.Errorf("oltp_%s, ps %s:\n%s", test, mode, out)
			}
		}
	}
	run("oltp_read_write", "cleanup")
	if got := p.program(t, "", "mariadb", "-Ne", "SHOW TABLES", "sbtest"); got != "" {
		t.Errorf("after cleanup there is %q", got)
	}
}

// dump takes a dump of a plain server to the node and back.
func dump(t *testing.T, p *process) {
	plain := farmtest.Start(t, 1).Leaves()[0]
	script := "CREATE DATABASE moved; USE moved;\n" +
		"CREATE TABLE a (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, n DECIMAL(20,6), s VARCHAR(100) COLLATE utf8mb4_unicode_ci, b BLOB, " +
		"d DATETIME(3), j JSON, e ENUM('x','y'), f DOUBLE, bits BIT(7), KEY (s));\n" +
		"CREATE TABLE nokey (x INT, y TEXT);\n" +
		"CREATE TABLE two (a INT, b CHAR(10), c TIMESTAMP NOT NULL DEFAULT '2024-01-01 00:00:00', PRIMARY KEY (a, b), UNIQUE (b, a));\n" +
		"INSERT INTO a (n, s, b, d, j, e, f, bits) VALUES (1.5, 'Ünï ''q'' \\\\ \n x', UNHEX('00FF27225C0A1A'), '2024-02-29 12:13:14.567', '{\"k\":1}', 'y', " +
		"0.1e-9, 5), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (-99999999999999.999999, '', '', '1000-01-01', '[]', 'x', 1e300, 127);\n" +
		"INSERT INTO a (n, s) SELECT seq, CONCAT('row ', seq) FROM seq_1_to_3000;\n" +
		"INSERT INTO nokey SELECT seq, REPEAT(CHAR(65 + seq % 26), seq % 50) FROM seq_1_to_500; INSERT INTO nokey SELECT * FROM nokey LIMIT 100;\n" +
		"INSERT INTO two SELECT seq % 17, CONCAT('b', seq), '2024-06-01' FROM seq_1_to_400;\n"
	port := strconv.Itoa(plain.Port)
	client(t, port, script, "mariadb")
	text := client(t, port, "", "mariadb-dump", "--databases", "moved")
	p.program(t, text, "mariadb")

	rows := func(port string) map[string]string {
		m := map[string]string{}
		for _, table := range []string{"a", "nokey", "two"} {
			// One row a line, in an order that does not depend on where rows live.
			lines := strings.Split(client(t, port, "", "mariadb-dump", "--no-create-info", "--skip-extended-insert", "--hex-blob", "--compact",
				"--skip-add-locks", "moved", table), "\n")
			slices.Sort(lines)
			m[table] = strings.Join(lines, "\n")
		}
		return m
	}
	want, got := rows(port), rows(p.port(t))
	for table := range want {
		if want[table] != got[table] {
			t.Errorf("table %s differs: %d bytes of rows, want %d: %s", table, len(got[table]), len(want[table]), firstDifference(got[table], want[table]))
		}
	}
	// And from the node to a plain server again.
	back := p.program(t, "", "mariadb-dump", "--databases", "moved")
	client(t, port, "DROP DATABASE moved", "mariadb")
	client(t, port, back, "mariadb")
	for table, got := range rows(port) {
		if want[table] != got {
			t.Errorf("table %s differs after the way back: %s", table, firstDifference(got, want[table]))
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("%.300q, want %.300q", g[i], w[i])
		}
	}
	return fmt.Sprintf("%d rows, want %d", len(g), len(w))
}

// idle holds ten thousand clients that do nothing, and then lets them vanish.
func idle(t *testing.T, p *process) {
	const clients, limit = 9900, 380 << 10 // kB; the node admits 10,000
	goroutines := p.goroutines(t)
	cfg, err := mysql.ParseDSN("root@tcp(" + p.mysql + ")/")
	if err != nil {
		t.Fatal(err)
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d := sql.OpenDB(connector)
	defer d.Close()
	d.SetMaxIdleConns(clients)
	conns := make([]*sql.Conn, clients)
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := w; i < clients; i += 16 {
				c, err := d.Conn(context.Background())
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				conns[i] = c
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	if rss := p.memory(t); rss > limit {
		t.Errorf("%d idle clients keep it at %d MB", clients, rss>>10)
	} else {
		t.Logf("%d idle clients: %d MB", clients, rss>>10)
	}
	for _, c := range conns {
		_ = c.Raw(func(dc any) error { return dc.(interface{ Close() error }).Close() }) // the pool is told by the next line
		_ = c.Close()
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		// Connections to leaves that are kept for the next clients have no client any more.
		now := p.goroutines(t)
		if strings.Contains(p.get(t, "/metrics"), "\norbweaver_clients_connected 0\n") && now < goroutines+50 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left of clients that vanished, %d before", now, goroutines)
		}
	}
}

func (p *process) goroutines(t *testing.T) int {
	t.Helper()
	return p.metric(t, "go_goroutines")
}

// memory is what the process's Go runtime has of the system, in kB: the resident size, but for the program's text and what the race detector keeps.
func (p *process) memory(t *testing.T) int {
	t.Helper()
	return (p.metric(t, "go_memstats_sys_bytes") - p.metric(t, "go_memstats_heap_released_bytes")) >> 10
}

// metric is a metric that has no labels.
func (p *process) metric(t *testing.T, name string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(p.get(t, "/metrics"))
	if m == nil {
		t.Fatalf("the metrics have no %s", name)
	}
	n, err := strconv.ParseFloat(m[1], 64) // large ones have an exponent
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}
