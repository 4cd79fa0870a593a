package control_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// bank moves money between accounts on all partitions, so that the total stays.
type bank struct {
	c        *cluster
	accounts int
	moved    atomic.Int64
	pace     atomic.Int64 // the least time from one transfer of a client to its next
	stop     chan struct{}
	work     sync.WaitGroup
}

const balance = 1000

// newBank makes the table bank in database d, and has some clients at each node move money.
func (c *cluster) newBank(accounts, clients int) *bank {
	b := &bank{c: c, accounts: accounts, stop: make(chan struct{})}
	var rows []string
	for i := range accounts {
		rows = append(rows, fmt.Sprintf("(%d, %d)", i, balance))
	}
	c.must("CREATE TABLE d.bank (id INT PRIMARY KEY, v BIGINT)", "INSERT INTO d.bank VALUES "+strings.Join(rows, ", "))
	for _, n := range c.nodes {
		for range clients {
			b.work.Go(func() { b.client(n.db) })
		}
	}
	c.t.Cleanup(b.end)
	return b
}

func (b *bank) end() {
	select {
	case <-b.stop:
	default:
		close(b.stop)
	}
	b.work.Wait()
}

func (b *bank) client(db *sql.DB) {
	ctx := context.Background()
	for {
		select {
		case <-b.stop:
			return
		case <-time.After(time.Duration(b.pace.Load())):
		}
		if b.transfer(ctx, db) == nil {
			b.moved.Add(1)
		} else {
			time.Sleep(time.Millisecond)
		}
	}
}

// transfer moves something from one account to another one, the lower number first: nobody waits in a circle.
func (b *bank) transfer(ctx context.Context, db *sql.DB) error {
	x, y := rand.IntN(b.accounts), rand.IntN(b.accounts)
	if x == y {
		return nil
	}
	if x > y {
		x, y = y, x
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	n := rand.IntN(100) - 50
	for _, q := range []string{fmt.Sprintf("UPDATE d.bank SET v = v - %d WHERE id = %d", n, x), fmt.Sprintf("UPDATE d.bank SET v = v + %d WHERE id = %d", n, y)} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// more waits until that many transfers more have been made.
func (b *bank) more(n int64) {
	b.c.t.Helper()
	until := b.moved.Load() + n
	deadline := time.Now().Add(60 * time.Second)
	for b.moved.Load() < until {
		if time.Now().After(deadline) {
			b.c.t.Fatalf("%d transfers were made of %d", b.moved.Load(), until)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// total is what all accounts have in a snapshot, read one by one.
func (b *bank) total(ctx context.Context, conn *sql.Conn) (sum int, err error) {
	if _, err := conn.ExecContext(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		return 0, err
	}
	for i := range b.accounts {
		var v int
		if err := conn.QueryRowContext(ctx, fmt.Sprintf("SELECT v FROM d.bank WHERE id = %d", i)).Scan(&v); err != nil {
			return 0, err
		}
		sum += v
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return sum, err
}

func TestSnapshotsHaveNoHalfOfATransaction(t *testing.T) {
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION", "CREATE DATABASE other PARTITIONS 2")
	c.until("whole", whole)
	b := c.newBank(32, 4)
	b.more(50)
	ctx := within(t, time.Minute)
	var readers sync.WaitGroup
	began := time.Now()
	for _, n := range c.nodes {
		for range 2 {
			readers.Go(func() {
				conn, err := n.db.Conn(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				for range 15 {
					if sum, err := b.total(ctx, conn); err != nil || sum != b.accounts*balance {
						t.Errorf("the total is %d, %v", sum, err)
						return
					}
				}
			})
		}
	}
	readers.Wait()
	took, moved := time.Since(began), b.moved.Load()
	b.more(50)
	b.end()
	var snapshots, held uint64
	for _, n := range c.nodes {
		s := n.gw.Stats()
		snapshots, held = snapshots+s.Snapshots, held+s.HeldMicros
	}
	if snapshots < 60 {
		t.Errorf("%d snapshots", snapshots)
	}
	t.Logf("%d snapshots in %s beside %d transfers: commits over several places were held back for %s each at most", snapshots, took.Round(time.Millisecond), moved,
		(time.Duration(held/max(snapshots, 1)) * time.Microsecond).Round(time.Microsecond))
}

// A dump is one snapshot of all partitions, and nothing of it is a transaction's half.
func TestDumpsHaveNoHalfOfATransaction(t *testing.T) {
	program, err := exec.LookPath("mariadb-dump")
	if err != nil {
		t.Fatal("the program mariadb-dump is not installed: ", err)
	}
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 4")
	c.until("whole", whole)
	b := c.newBank(64, 4)
	b.more(50)
	host, port, err := net.SplitHostPort(c.nodes[1].addr)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		dump, err := exec.CommandContext(within(t, time.Minute), program, "--no-defaults", "--protocol=tcp", "--host="+host, "--port="+port, "--user=root", "--single-transaction",
			"--skip-extended-insert", "--no-create-info", "d").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, dump)
		}
		sum, rows := 0, 0
		for _, m := range regexp.MustCompile("(?m)^INSERT INTO `bank` VALUES \\([0-9]+,(-?[0-9]+)\\);").FindAllStringSubmatch(string(dump), -1) {
			v, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			sum, rows = sum+v, rows+1
		}
		if sum != b.accounts*balance || rows != b.accounts {
			t.Errorf("the dump has %d in %d accounts", sum, rows)
		}
		b.more(10)
	}
	b.audit()
}

// Whoever dies while commits are held back holds them no longer than its lease lasts; and several may hold them at once.
func TestHoldsEndWithTheirNodes(t *testing.T) {
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 2")
	c.until("whole", whole)
	b := c.newBank(16, 2)
	c.must("CREATE TABLE d.hold (id INT PRIMARY KEY, v INT)", "INSERT INTO d.hold VALUES (1, 0), (2, 0), (3, 0), (4, 0)", "CREATE TABLE d.beside (id INT PRIMARY KEY)")
	c.next()
	dies := c.nodes[2]
	ctx := within(t, time.Minute)
	held, err := dies.member.Hold(ctx, topo.Hold{All: true})
	if err != nil {
		t.Fatal(err)
	}
	wide := make(chan error, 1)
	go func() {
		_, err := c.nodes[0].db.ExecContext(ctx, "UPDATE d.hold SET v = 1") // at both partitions
		wide <- err
	}()
	// Transactions at one partition go on.
	for i := range 8 {
		if _, err := c.nodes[1].db.ExecContext(ctx, fmt.Sprintf("INSERT INTO d.beside VALUES (%d)", i)); err != nil {
			t.Error(err)
		}
	}
	select {
	case err := <-wide:
		t.Errorf("a statement at both partitions is not held back: %v", err)
	default:
	}
	if !held.Lasts() {
		t.Error("the hold does not last")
	}
	// The node loses its lease, as if it had died.
	if err := dies.member.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if held.Lasts() {
		t.Error("the hold of a node without a lease lasts")
	}
	if err := <-wide; err != nil {
		t.Error(err)
	}
	b.more(20)
	var both sync.WaitGroup
	for i, n := range c.nodes[:2] {
		both.Go(func() {
			for range 5 {
				h, err := n.member.Hold(ctx, topo.Hold{Parts: []topo.PartitionID{{DB: "d", Ordinal: i}}})
				if err != nil {
					t.Error(err)
					return
				}
				h.End()
			}
		})
	}
	both.Wait()
	b.more(20)
}
