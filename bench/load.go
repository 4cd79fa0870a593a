package main

import (
	"bufio"
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
)

// counts are what clients met that write and read single rows in autocommit mode.
type counts struct {
	table                                     string
	rows                                      int
	done, unknown, failed, reads, readsFailed atomic.Int64
	unknownOf                                 sync.Map // client to int64, of this round
	most                                      int64    // of one client in one round
	end                                       context.CancelFunc
	clients                                   sync.WaitGroup
}

func (n *counts) start(ctx context.Context, db *dbsql.DB) *counts {
	ctx, n.end = context.WithCancel(ctx)
	for i := range failoverClients {
		n.clients.Go(func() { n.client(ctx, db, i) })
	}
	return n
}

func (n *counts) name() string { return "writes and reads of single rows" }

func (n *counts) rate(ctx context.Context) (float64, error) {
	before := n.done.Load()
	select {
	case <-time.After(rateSeconds * time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return float64(n.done.Load()-before) / rateSeconds, nil
}

func (n *counts) round() {
	n.unknownOf.Range(func(k, v any) bool {
		n.most = max(n.most, v.(int64))
		n.unknownOf.Delete(k)
		return true
	})
}

func (n *counts) stop() string {
	n.end()
	n.clients.Wait()
	n.round()
	return fmt.Sprintf("%d writes done, %d of unknown outcome (at most %d of one client in one round), %d failed; %d reads, %d failed",
		n.done.Load(), n.unknown.Load(), n.most, n.failed.Load(), n.reads.Load(), n.readsFailed.Load())
}

// client writes and reads rows of its own, one after the other.
func (n *counts) client(ctx context.Context, db *dbsql.DB, i int) {
	for id := i; ctx.Err() == nil; {
		_, err := db.Exec("UPDATE "+n.table+" SET v = v + 1 WHERE id = ?", id)
		var e *mysql.MySQLError
		switch {
		case err == nil:
			n.done.Add(1)
		case errors.As(err, &e) && (e.Number == 12701 || e.Number == 1180):
			n.unknown.Add(1)
			was, _ := n.unknownOf.LoadOrStore(i, int64(0))
			n.unknownOf.Store(i, was.(int64)+1)
		default:
			n.failed.Add(1)
			fmt.Println("  a write failed:", err)
		}
		var v int
		n.reads.Add(1)
		if err := db.QueryRow("SELECT v FROM "+n.table+" WHERE id = ?", id).Scan(&v); err != nil {
			n.readsFailed.Add(1)
			fmt.Println("  a read failed:", err)
		}
		if id += failoverClients; id >= n.rows {
			id = i
		}
	}
}

// sysbenchLoad is sysbench's read write test, which ends at any error but those that tell to run a transaction again, or of an unknown outcome.
type sysbenchLoad struct {
	options string
	cmd     *exec.Cmd
	seconds chan float64 // transactions of the seconds that go by; closed at its end
	errors  atomic.Int64
	failed  string // read after seconds is closed
}

var second = regexp.MustCompile(`^\[ \d+s \] .* tps: ([\d.]+) .* err/s: ([\d.]+)`)

func sysbenchArgs(port int, db string, options ...string) []string {
	return append([]string{"oltp_read_write", "--mysql-host=127.0.0.1", fmt.Sprintf("--mysql-port=%d", port), "--mysql-user=root", "--mysql-db=" + db,
		"--tables=4", "--table-size=20000"}, options...)
}

// prepare makes sysbench's tables.
func (c *cluster) prepare(ctx context.Context, db string) error {
	if out, err := exec.CommandContext(ctx, "sysbench", append(sysbenchArgs(c.port, db), "prepare")...).CombinedOutput(); err != nil {
		return fmt.Errorf("sysbench prepare: %w: %s", err, out)
	}
	return nil
}

func startSysbench(ctx context.Context, port int, db string, options ...string) (*sysbenchLoad, error) {
	l := &sysbenchLoad{options: strings.Join(append([]string{"read_write"}, options...), " "), seconds: make(chan float64)}
	ignore := "1213,1180,12701"
	if len(options) > 0 { // its DELETE and INSERT of one id are two transactions then: two clients may choose the same
		ignore += ",1062"
	}
	options = append(options, fmt.Sprintf("--threads=%d", failoverClients), "--time=0", "--report-interval=1", "--mysql-ignore-errors="+ignore, "run")
	l.cmd = exec.CommandContext(ctx, "sysbench", sysbenchArgs(port, db, options...)...)
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.cmd.Stderr = l.cmd.Stdout
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	go l.read(out)
	return l, nil
}

// read follows sysbench's reports until it ends.
func (l *sysbenchLoad) read(out io.Reader) {
	defer close(l.seconds)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := fatal.FindStringSubmatch(lines.Text()); m != nil {
			l.failed = m[1]
		}
		m := second.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		tps, _ := strconv.ParseFloat(m[1], 64)
		failed, _ := strconv.ParseFloat(m[2], 64)
		l.errors.Add(int64(failed + 0.5))
		select {
		case l.seconds <- tps:
		case <-time.After(100 * time.Millisecond): // nobody wants to know
		}
	}
}

func (l *sysbenchLoad) name() string { return "sysbench " + l.options }

func (l *sysbenchLoad) rate(ctx context.Context) (float64, error) {
	sum := 0.0
	for range rateSeconds {
		select {
		case tps, ok := <-l.seconds:
			if !ok {
				return 0, fmt.Errorf("sysbench has ended: %s", l.failed)
			}
			sum += tps
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return sum / rateSeconds, nil
}

func (l *sysbenchLoad) round() {}

func (l *sysbenchLoad) stop() string {
	_ = l.cmd.Process.Kill() // it has no better way to be ended
	for range l.seconds {
	}
	_ = l.cmd.Wait()
	return fmt.Sprintf("%d errors that clients may meet (to be repeated, of unknown outcome, or of two clients with one id), no other", l.errors.Load())
}
