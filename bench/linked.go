package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	linkedRows    = 400_000 // of the one table, unless BENCH_ROWS says otherwise
	linkedResults = "bench/LINKED.md"

	// spiderTuned is spider, with background reads and casual reads switched on as its documentation recommends for partitions.
	spiderTuned = "spider_tuned"

	// A query is repeated so often, by turns, or as long as the time lasts if that is less, but three times at least.
	questionRounds = 25
	questionTime   = 6 * time.Second
	importRounds   = 3

	// A query that takes longer than a single server's time this often, and longer than the least limit, is ended and not asked again.
	limitFactor = 10
	leastLimit  = 20 * time.Second
)

// linkedTests are what the mode measures: sysbench's scripts, single queries, an import.
var linkedTests = []string{"point_select", "ranges", "random_ranges", "read_only", "read_write", "queries", "import"}

// linkedContenders are direct with all rows, and those whose rows are at the same two servers.
var linkedContenders = []string{direct, spider, spiderTuned, linkedParts}

// question is a single query.
type question struct {
	what, text string
	ordered    bool // whether the order of its rows is part of the answer
}

var questions = []question{
	{what: "`COUNT(*)`", text: "SELECT COUNT(*) FROM sbtest1"},
	{what: "`SUM(k)`", text: "SELECT SUM(k) FROM sbtest1"},
	{what: "`GROUP BY`, 40 groups", text: "SELECT k DIV 10000, COUNT(*), SUM(id) FROM sbtest1 GROUP BY k DIV 10000"},
	{what: "`GROUP BY k`", text: "SELECT k, COUNT(*) FROM sbtest1 GROUP BY k"},
	{what: "`ORDER BY … LIMIT`, by an index", text: "SELECT id, k FROM sbtest1 ORDER BY k DESC, id DESC LIMIT 100", ordered: true},
	{what: "`ORDER BY … LIMIT`, sorted", text: "SELECT id, c FROM sbtest1 ORDER BY c, id LIMIT 100", ordered: true},
	{what: "`SELECT *` of all rows", text: "SELECT * FROM sbtest1"},
	{what: "`COUNT(DISTINCT k)`", text: "SELECT COUNT(DISTINCT k) FROM sbtest1"}, // the last, as Spider may not end
}

// answer is what two contenders must have in common.
type answer struct {
	Rows int
	Sum  uint64 // of the rows' hashes
}

// measure is a median time or a rate of one contender.
type measure struct {
	Milliseconds float64 // of a query
	Rate         float64 // of a sysbench test
	Beyond       bool    // it did not end within so many Milliseconds
	Failed       string
}

// linkedTables compares linked tables with Spider tables at the same two servers, and with one server that has all rows.
func linkedTables(ctx context.Context, s settings) (err error) {
	s.Contenders = []string{direct, spider, linkedParts} // servers to start: spiderTuned is spider
	fmt.Printf("linked tables: starting servers and loading %d rows\n", s.Rows)
	a, err := setUp(ctx, s)
	defer func() { err = errors.Join(err, a.close()) }()
	if err != nil {
		return err
	}
	a.ports[spiderTuned] = a.ports[spider]
	r := linkedReport{When: time.Now().UTC(), Settings: s}
	if r.Machine, err = describe(ctx); err != nil {
		return err
	}
	if err := a.analyze(ctx); err != nil {
		return err
	}
	// Queries first: sysbench's writes make the contenders' rows differ.
	if slices.Contains(s.Tests, "queries") {
		if err := a.askAll(ctx, &r); err != nil {
			return err
		}
	}
	if slices.Contains(s.Tests, "import") {
		if err := a.imports(ctx, &r); err != nil {
			return err
		}
	}
	for _, c := range s.cells() {
		if c.Test == "queries" || c.Test == "import" {
			continue
		}
		if err := a.sysbenchByTurns(ctx, &r, c); err != nil {
			return err
		}
	}
	r.sort()
	text := r.markdown()
	fmt.Print("\n", text)
	return os.WriteFile(s.Results, []byte(text), 0o644)
}

// analyze gives all optimizers the statistics that they come to have after a while: Spider's plans are others before.
func (a *arena) analyze(ctx context.Context) error {
	for _, port := range []int{a.ports[direct], a.shards[0].Port, a.shards[1].Port, a.ports[spider]} {
		if err := sql(ctx, port, "sbtest", "ANALYZE TABLE sbtest1"); err != nil {
			return err
		}
	}
	return nil
}

// tune sets the Spider node up for new sessions of a contender.
func (a *arena) tune(ctx context.Context, contender string) error {
	switch contender {
	case spider:
		return sql(ctx, a.ports[spider], "", "SET GLOBAL spider_bgs_mode=DEFAULT, GLOBAL spider_casual_read=DEFAULT")
	case spiderTuned:
		return sql(ctx, a.ports[spider], "", "SET GLOBAL spider_bgs_mode=1, GLOBAL spider_casual_read=1")
	}
	return nil
}

func (a *arena) sysbenchByTurns(ctx context.Context, r *linkedReport, c cell) error {
	got := map[string]outcome{}
	for _, t := range turns(linkedContenders, a.s.Seconds, len(r.Lines)) {
		if err := a.tune(ctx, t.Contender); err != nil {
			return err
		}
		o := a.sysbench(ctx, c, t)
		if err := ctx.Err(); err != nil {
			return err
		}
		got[t.Contender] = got[t.Contender].plus(o)
	}
	l := linkedLine{What: fmt.Sprintf("%s, %d clients", c.Test, c.Threads), Got: map[string]measure{}}
	for name, o := range got {
		l.Got[name] = measure{Rate: o.rate(), Failed: o.Failed}
	}
	r.add(l)
	return nil
}

// asker is a session that queries are sent through.
type asker struct {
	name string
	db   *dbsql.DB
	conn *dbsql.Conn
	id   int64 // of the connection
}

func (a *arena) asker(ctx context.Context, name string) (*asker, error) {
	if err := a.tune(ctx, name); err != nil {
		return nil, err
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.DBName = "tcp", fmt.Sprintf("127.0.0.1:%d", a.ports[name]), "root", "sbtest"
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	k := &asker{name: name, db: dbsql.OpenDB(connector)}
	if k.conn, err = k.db.Conn(ctx); err == nil {
		err = k.conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&k.id)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), k.db.Close())
	}
	return k, nil
}

// ask takes the time from the question to the last row.
func (k *asker) ask(ctx context.Context, q question) (a answer, took time.Duration, err error) {
	began := time.Now()
	rows, err := k.conn.QueryContext(ctx, q.text)
	if err != nil {
		return a, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return a, 0, err
	}
	raw := make([]dbsql.RawBytes, len(names))
	into := make([]any, len(names))
	for i := range raw {
		into[i] = &raw[i]
	}
	h := fnv.New64a()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return a, 0, err
		}
		h.Reset()
		for _, v := range raw {
			_, _ = h.Write(v) // never fails
			_, _ = h.Write([]byte{0})
		}
		a.Rows++
		if q.ordered {
			a.Sum *= 31
		}
		a.Sum += h.Sum64()
	}
	return a, time.Since(began), rows.Err()
}

// end kills a question that is still asked, and waits until the server no longer works on it.
func (k *asker) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		var n int
		if err := k.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ?", k.id).Scan(&n); err != nil {
			return fmt.Errorf("%s: waiting for the end of a killed query: %w", k.name, err)
		}
		if n == 0 {
			return nil
		}
		if _, err := k.db.ExecContext(ctx, fmt.Sprintf("KILL %d", k.id)); err != nil {
			var e *mysql.MySQLError
			if !errors.As(err, &e) || e.Number != 1094 { // it has ended
				return fmt.Errorf("%s: KILL: %w", k.name, err)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// askAll asks every question by turns, after all contenders have given the same answer.
func (a *arena) askAll(ctx context.Context, r *linkedReport) error {
	for i, q := range questions {
		l := linkedLine{What: q.what, Got: map[string]measure{}}
		if err := a.askByTurns(ctx, q, i, l.Got); err != nil {
			return fmt.Errorf("%s: %w", q.text, err)
		}
		r.add(l)
	}
	return nil
}

func (a *arena) askByTurns(ctx context.Context, q question, number int, got map[string]measure) (err error) {
	var askers []*asker
	defer func() {
		for _, k := range askers {
			err = errors.Join(err, k.db.Close())
		}
	}()
	limit := leastLimit
	var right answer
	for _, name := range linkedContenders { // a single server is the first
		k, err := a.asker(ctx, name)
		if err != nil {
			return err
		}
		within, cancel := context.WithTimeout(ctx, limit)
		said, took, err := k.ask(within, q)
		cancel()
		if name == direct {
			right = said
			limit = max(limit, limitFactor*took)
		}
		switch {
		case ctx.Err() != nil:
			return errors.Join(ctx.Err(), k.db.Close())
		case err != nil && within.Err() != nil && name != direct:
			got[name] = measure{Milliseconds: milliseconds(limit), Beyond: true}
			if err := errors.Join(k.end(ctx), k.db.Close()); err != nil {
				return err
			}
			continue
		case err != nil:
			return errors.Join(fmt.Errorf("%s: %w", name, err), k.db.Close())
		case said != right:
			return errors.Join(fmt.Errorf("%s answers %+v, a single server %+v", name, said, right), k.db.Close())
		}
		askers = append(askers, k)
	}
	took := map[string][]time.Duration{}
	began := time.Now()
	for round := 0; round < questionRounds && (round < 3 || time.Since(began) < questionTime); round++ {
		for i := range askers {
			k := askers[(i+round+number)%len(askers)]
			_, t, err := k.ask(ctx, q)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			took[k.name] = append(took[k.name], t)
		}
	}
	for name, ts := range took {
		got[name] = measure{Milliseconds: milliseconds(median(ts))}
	}
	return nil
}

// imports pipes a dump of the single server's table into an empty one of each contender.
func (a *arena) imports(ctx context.Context, r *linkedReport) error {
	const database = "imported"
	empty := "CREATE OR REPLACE DATABASE " + database + "; USE " + database + ";\n" + create("sbtest1", "ENGINE=InnoDB")
	for _, name := range []string{spider, linkedParts} {
		if err := sql(ctx, a.ports[name], "", "CREATE DATABASE "+database+"; USE "+database+";\n"+partitioned("sbtest1", database)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	contenders := []string{direct, spider, linkedParts}
	took := map[string][]time.Duration{}
	for round := range importRounds {
		for i := range contenders {
			name := contenders[(i+round)%len(contenders)]
			for _, port := range []int{a.ports[direct], a.shards[0].Port, a.shards[1].Port} {
				if err := sql(ctx, port, "", empty); err != nil {
					return err
				}
			}
			began := time.Now()
			if err := a.copyRows(ctx, name, database, "--no-create-info"); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			took[name] = append(took[name], time.Since(began))
			if err := a.imported(ctx, name, database); err != nil {
				return err
			}
		}
	}
	l := linkedLine{What: "`mariadb-dump \\| mariadb`", Got: map[string]measure{}}
	for name, ts := range took {
		l.Got[name] = measure{Milliseconds: milliseconds(median(ts))}
	}
	r.add(l)
	return nil
}

// imported compares what a contender has with what was dumped.
func (a *arena) imported(ctx context.Context, name, database string) error {
	var said [2]answer
	for i, from := range []struct{ contender, database string }{{direct, "sbtest"}, {name, database}} {
		k, err := a.asker(ctx, from.contender)
		if err != nil {
			return err
		}
		said[i], _, err = k.ask(ctx, question{text: "SELECT COUNT(*), SUM(k), MIN(id), MAX(id) FROM " + from.database + ".sbtest1"})
		if err := errors.Join(err, k.db.Close()); err != nil {
			return fmt.Errorf("%s: %w", from.contender, err)
		}
	}
	if said[0] != said[1] {
		return fmt.Errorf("%s: the rows that were imported are others than those that were dumped", name)
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(ts []time.Duration) time.Duration {
	ts = slices.Sorted(slices.Values(ts))
	return (ts[(len(ts)-1)/2] + ts[len(ts)/2]) / 2
}
