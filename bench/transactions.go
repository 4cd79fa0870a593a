package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	trxResults = "bench/TRANSACTIONS.md"
	trxOwners  = 10_000 // unless BENCH_ROWS says otherwise
	trxDB      = "trx"

	// The contenders of this mode, beside direct, haproxy and orbweaver: a client that drives two XA branches at two servers by itself.
	xaParallel   = "xa_parallel"   // the branches' commands are sent to both servers at once
	xaSequential = "xa_sequential" // one after the other
)

// trxTest is a kind of transaction.
type trxTest struct {
	name, what string
	contenders []string
	base       string  // the contender that Orbweaver is compared with
	aim        float64 // at most so many times its time
}

var trxTests = []trxTest{
	{"two_partitions", "writes a row in each of two partitions, which are on two leaves", []string{xaParallel, xaSequential, haproxy, orbweaver}, xaParallel, 1.3},
	{"one_partition", "writes two rows of one partition", []string{direct, haproxy, orbweaver}, haproxy, 1.15},
	{"read_and_write", "reads a row of one partition, and writes one in another, on another leaf", []string{xaParallel, xaSequential, haproxy, orbweaver}, xaParallel, 0},
}

func trxTestNames() (out []string) {
	for _, t := range trxTests {
		out = append(out, t.name)
	}
	return out
}

// trxArena is what the contenders' clients are connected to.
type trxArena struct {
	*arena
	xa     []int    // ports of the two plain servers of the XA clients
	owners [2][]int // of rows, by the partition that has them
}

// trxCosts compares transactions over partitions with XA branches that a client drives itself, and those of one partition with HAProxy.
func trxCosts(ctx context.Context, s settings) (err error) {
	fmt.Printf("transactions: starting servers and loading %d rows\n", 2*s.Rows)
	s.Tables = 1
	own := s
	own.Contenders = []string{haproxy} // the others get no table of sysbench's
	own.Rows = 1
	base, err := setUp(ctx, own)
	defer func() { err = errors.Join(err, base.close()) }()
	if err != nil {
		return err
	}
	a := &trxArena{arena: base}
	if err := a.prepare(ctx, s.Rows); err != nil {
		return err
	}
	r := trxReport{When: time.Now().UTC(), Settings: s}
	if r.Machine, err = describe(ctx); err != nil {
		return err
	}
	n := 0
	for _, t := range trxTests {
		if !chosen(s.Tests, t.name) {
			continue
		}
		for _, threads := range s.Threads {
			l := trxLine{Test: t, Threads: threads, Got: map[string]trxOutcome{}}
			for second := range s.Seconds { // short turns: a machine that others use, too, is not the same for long
				for _, turn := range turns(t.contenders, 1, n+second) {
					o, err := a.measure(ctx, t, threads, turn)
					if err != nil {
						return fmt.Errorf("%s, %s: %w", t.name, turn.Contender, err)
					}
					l.Got[turn.Contender] = l.Got[turn.Contender].plus(o)
				}
			}
			n++
			r.add(l)
		}
	}
	text := r.markdown()
	fmt.Print("\n", text)
	return os.WriteFile(s.Results, []byte(text), 0o644)
}

func chosen(list []string, name string) bool {
	for _, l := range list {
		if l == name {
			return true
		}
	}
	return false
}

// prepare makes the table everywhere, and finds out which rows are in which partition.
func (a *trxArena) prepare(ctx context.Context, owners int) error {
	two, err := a.farm(ctx, "branches", 2)
	if err != nil {
		return err
	}
	port, err := a.cluster(ctx, orbweaver)
	if err != nil {
		return err
	}
	a.ports[orbweaver] = port
	var rows strings.Builder
	for owner := range owners {
		if owner%1000 == 0 {
			rows.WriteString(";\nINSERT INTO account VALUES ")
		} else {
			rows.WriteString(", ")
		}
		fmt.Fprintf(&rows, "(%d, 1, 0, 'x'), (%d, 2, 0, 'x')", owner, owner)
	}
	const table = "CREATE TABLE account (owner INT, k INT, n BIGINT NOT NULL, filler CHAR(100) NOT NULL, PRIMARY KEY (owner, k)"
	for _, at := range []struct {
		port             int
		database, shards string
	}{{a.ports[direct], "", ""}, {two[0].Port, "", ""}, {two[1].Port, "", ""}, {port, " PARTITIONS 2", ", SHARD KEY (owner)"}} {
		script := fmt.Sprintf("CREATE DATABASE %s%s; USE %s;\n%s%s)%s;", trxDB, at.database, trxDB, table, at.shards, rows.String())
		if err := sql(ctx, at.port, "", script); err != nil {
			return err
		}
	}
	a.xa = []int{two[0].Port, two[1].Port}
	return a.locate(ctx)
}

// locate asks the leaves.
func (a *trxArena) locate(ctx context.Context) error {
	on := map[int]int{} // partition to leaf
	for leaf := range 2 {
		db, err := dbsql.Open("mysql", "root@unix("+filepath.Join(a.dir, orbweaver, "leaves", fmt.Sprintf("leaf-%d", leaf+1), "mariadb.sock")+")/")
		if err != nil {
			return err
		}
		defer db.Close()
		for part := range a.owners {
			rows, err := db.QueryContext(ctx, fmt.Sprintf("SELECT owner FROM %s_%d.account WHERE k = 1", trxDB, part))
			var refused *mysql.MySQLError
			if errors.As(err, &refused) && (refused.Number == 1049 || refused.Number == 1146) { // the other leaf has it
				continue
			}
			if err != nil {
				return err
			}
			for rows.Next() {
				var owner int
				if err := rows.Scan(&owner); err != nil {
					return errors.Join(err, rows.Close())
				}
				a.owners[part] = append(a.owners[part], owner)
			}
			if err := rows.Err(); err != nil {
				return err
			}
			on[part] = leaf
		}
	}
	if len(on) != 2 || on[0] == on[1] {
		return fmt.Errorf("partitions 0 and 1 are not on two leaves: %v", on)
	}
	return nil
}

// trxOutcome is what a contender did.
type trxOutcome struct {
	Transactions int64
	Seconds      float64
	Busy         time.Duration // of all clients, within transactions
}

func (o trxOutcome) plus(p trxOutcome) trxOutcome {
	return trxOutcome{o.Transactions + p.Transactions, o.Seconds + p.Seconds, o.Busy + p.Busy}
}

// each is the mean time of a transaction.
func (o trxOutcome) each() time.Duration {
	if o.Transactions == 0 {
		return 0
	}
	return o.Busy / time.Duration(o.Transactions)
}

// measure lets clients carry out transactions for a turn's time. None may fail.
func (a *trxArena) measure(ctx context.Context, t trxTest, threads int, turn turn) (o trxOutcome, err error) {
	var clients []*trxClient
	defer func() {
		for _, c := range clients {
			err = errors.Join(err, c.close())
		}
	}()
	for id := range threads {
		c, err := a.client(ctx, turn.Contender, id)
		if err != nil {
			return o, err
		}
		clients = append(clients, c)
	}
	var running sync.WaitGroup
	var done, busy atomic.Int64
	errs := make([]error, threads)
	began := time.Now()
	end := began.Add(time.Duration(turn.Seconds) * time.Second)
	for i, c := range clients {
		running.Go(func() {
			for ctx.Err() == nil && time.Now().Before(end) {
				from := time.Now()
				if errs[i] = c.transact(ctx, t.name); errs[i] != nil {
					return
				}
				busy.Add(int64(time.Since(from)))
				done.Add(1)
			}
		})
	}
	running.Wait()
	return trxOutcome{done.Load(), time.Since(began).Seconds(), time.Duration(busy.Load())}, errors.Join(append(errs, ctx.Err())...)
}

// trxClient is one client: a connection, or one to each of two servers.
type trxClient struct {
	a     *trxArena
	name  string
	id    int
	n     int
	rand  *rand.Rand
	dbs   []*dbsql.DB
	conns []*dbsql.Conn
}

func (a *trxArena) client(ctx context.Context, name string, id int) (*trxClient, error) {
	c := &trxClient{a: a, name: name, id: id, rand: rand.New(rand.NewPCG(1, uint64(id)))}
	ports := []int{a.ports[name]}
	if name == xaParallel || name == xaSequential {
		ports = a.xa
	}
	for _, port := range ports {
		cfg := mysql.NewConfig()
		cfg.Net, cfg.Addr, cfg.User, cfg.DBName = "tcp", fmt.Sprintf("127.0.0.1:%d", port), "root", trxDB
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return c, errors.Join(err, c.close())
		}
		db := dbsql.OpenDB(connector)
		c.dbs = append(c.dbs, db)
		conn, err := db.Conn(ctx)
		if err != nil {
			return c, errors.Join(err, c.close())
		}
		c.conns = append(c.conns, conn)
	}
	return c, nil
}

func (c *trxClient) close() error {
	var errs []error
	for _, conn := range c.conns { // which outlive their pool otherwise
		errs = append(errs, conn.Close())
	}
	for _, db := range c.dbs {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// The statements of an application, which are the same for all contenders.
func (c *trxClient) statements(test string) (one, two string) {
	const write = "UPDATE account SET n = n + 1 WHERE owner = %d AND k = %d"
	first, second := c.a.owners[0], c.a.owners[1]
	o, p := first[c.rand.IntN(len(first))], second[c.rand.IntN(len(second))]
	switch test {
	case "one_partition":
		return fmt.Sprintf(write, o, 1), fmt.Sprintf(write, o, 2)
	case "read_and_write":
		return fmt.Sprintf("SELECT n, filler FROM account WHERE owner = %d AND k = 1", o), fmt.Sprintf(write, p, 1)
	}
	return fmt.Sprintf(write, o, 1), fmt.Sprintf(write, p, 1)
}

// transact carries one transaction out.
func (c *trxClient) transact(ctx context.Context, test string) error {
	one, two := c.statements(test)
	if len(c.conns) == 1 {
		for _, q := range []string{"BEGIN", one, two, "COMMIT"} {
			if err := run1(ctx, c.conns[0], q); err != nil {
				return err
			}
		}
		return nil
	}
	c.n++
	id := fmt.Sprintf("'%d-%d-%s'", c.id, c.n, c.name)
	// A client that knows which servers it will write to. One that reads at the first need not prepare there.
	if err := c.both(ctx, "XA START "+id, "XA START "+id); err != nil {
		return err
	}
	if err := errors.Join(run1(ctx, c.conns[0], one), run1(ctx, c.conns[1], two)); err != nil {
		return err
	}
	if err := c.both(ctx, "XA END "+id, "XA END "+id); err != nil {
		return err
	}
	if test == "read_and_write" {
		return c.both(ctx, "XA COMMIT "+id+" ONE PHASE", "XA COMMIT "+id+" ONE PHASE")
	}
	if err := c.both(ctx, "XA PREPARE "+id, "XA PREPARE "+id); err != nil {
		return err
	}
	return c.both(ctx, "XA COMMIT "+id, "XA COMMIT "+id)
}

// both sends a command to each server.
func (c *trxClient) both(ctx context.Context, first, second string) error {
	if c.name == xaSequential {
		return errors.Join(run1(ctx, c.conns[0], first), run1(ctx, c.conns[1], second))
	}
	other := make(chan error, 1)
	go func() { other <- run1(ctx, c.conns[1], second) }()
	return errors.Join(run1(ctx, c.conns[0], first), <-other)
}

// run1 runs a statement and reads its answer to the end.
func run1(ctx context.Context, conn *dbsql.Conn, q string) error {
	if !strings.HasPrefix(q, "SELECT") {
		_, err := conn.ExecContext(ctx, q)
		return err
	}
	rows, err := conn.QueryContext(ctx, q)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}
