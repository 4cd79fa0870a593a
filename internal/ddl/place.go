package ddl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// place is a MariaDB database on a leaf: a shape or a partition's.
type place struct {
	Leaf   string `json:"leaf"`
	Schema string `json:"schema"`
	Domain uint32 `json:"domain,omitempty"` // of the partition's term, 0 for shapes
	// From is the first number in the domain that a write of the statement can have; 0 when that is not known.
	From uint64 `json:"from,omitempty"`
}

// now is where a place is: a partition may have got another master since it was written down.
func (r *Runner) now(p place) place {
	s := r.cfg.Catalog.Snapshot()
	id, ok := s.Schemas[p.Schema]
	if !ok {
		return p // a shape's, or one of a database that is being made or dropped
	}
	if l, err := s.MasterLeaf(id); err == nil {
		p.Leaf, p.Domain = l.Name, s.Partition(id).Domain
	}
	return p
}

// want is a connection at a place, which writes in the partition's domain where it is a partition's.
func (p place) want(schema string) backend.Want {
	w := backend.Want{Leaf: p.Leaf, Variant: backend.Internal, Schema: schema, Domain: p.Domain}
	if p.Domain != 0 {
		w.Serves = p.Schema
	}
	return w
}

// shapes are the places of a database's shape; the first one is asked first.
func shapes(s *topo.Snapshot, db string) ([]place, error) {
	var out []place
	for _, l := range s.AttachedLeaves() {
		out = append(out, place{Leaf: l.Name, Schema: db})
	}
	if len(out) == 0 {
		return nil, topo.NoOnlineLeaf()
	}
	return out, nil
}

// partitions are the places of a database's partitions, by ordinal.
func partitions(s *topo.Snapshot, db string) ([]place, error) {
	d, err := s.Database(db)
	if err != nil {
		return nil, err
	}
	var out []place
	for _, p := range d.Partitions {
		l, err := s.MasterLeaf(p.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, place{Leaf: l.Name, Schema: p.ID.Schema(), Domain: p.Domain})
	}
	return out, nil
}

// client opens a connection at a place as the client, with the client's settings. A connection remembers the collation that its default database
// had when it was chosen, and gives it to new tables: so it is chosen anew, by way of another one, as choosing the same does nothing.
func (j *job) client(ctx context.Context, p place, schema string, state *backend.State) (*backend.Conn, error) {
	if err := j.fenced(); err != nil {
		return nil, err
	}
	w := j.now(p).want(schema)
	w.Account, w.State = j.s.Account, state
	c, err := j.cfg.Pools.Get(ctx, w)
	if err != nil || schema == "" {
		return c, err
	}
	if err := chooseAnew(ctx, c, schema); err != nil {
		c.ResetOnRelease()
		c.Release()
		return nil, err
	}
	return c, nil
}

// asClient runs the client's statement on a shape or a partition.
func (j *job) asClient(ctx context.Context, p place, schema, sql string) (*backend.Result, error) {
	return j.asClientWith(ctx, p, schema, j.s.State, sql)
}

// asClientWith is asClient in another state than the session's.
func (j *job) asClientWith(ctx context.Context, p place, schema string, state *backend.State, sql string) (*backend.Result, error) {
	if err := j.step("client at " + p.Leaf + "/" + p.Schema); err != nil {
		return nil, err
	}
	if res, here, err := j.atLocks(ctx, p, sql); here || err != nil {
		return res, err
	}
	c, err := j.client(ctx, p, schema, state)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return c.Query(ctx, sql)
}

// chooseAnew chooses a default database, also where it is that already.
func chooseAnew(ctx context.Context, c *backend.Conn, schema string) error {
	c.Queue("USE information_schema")
	c.Queue("USE " + id(schema))
	err := c.SendQueued(ctx)
	var no *backend.PrepareError
	if errors.As(err, &no) {
		return no.Err
	}
	return err
}

// own opens a connection as the cluster, in a known state whatever the one before has left.
func (r *Runner) own(ctx context.Context, p place, schema string) (*backend.Conn, error) {
	c, err := r.cfg.Pools.Get(ctx, r.now(p).want(schema)) // the zero Account is the cluster's
	if err != nil {
		return nil, err
	}
	c.ResetOnRelease()
	return c, nil
}

// asCluster runs statements one after another on one connection as the cluster; the last one's result comes back.
func (r *Runner) asCluster(ctx context.Context, p place, schema string, sql ...string) (*backend.Result, error) {
	if err := r.step("cluster at " + p.Leaf + "/" + p.Schema); err != nil {
		return nil, err
	}
	c, err := r.own(ctx, p, schema)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	if schema != "" {
		if err := chooseAnew(ctx, c, schema); err != nil {
			return nil, err
		}
	}
	var res *backend.Result
	for _, q := range sql {
		if res, err = c.Query(ctx, q); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// own is Runner.own for a statement that has its lock.
func (j *job) own(ctx context.Context, p place, schema string) (*backend.Conn, error) {
	if err := j.fenced(); err != nil {
		return nil, err
	}
	return j.Runner.own(ctx, p, schema)
}

// asCluster is Runner.asCluster for a statement that has its lock, or the session's connection where that has tables locked.
func (j *job) asCluster(ctx context.Context, p place, schema string, sql ...string) (*backend.Result, error) {
	if err := j.fenced(); err != nil {
		return nil, err
	}
	if res, here, err := j.atLocks(ctx, p, sql...); here || err != nil {
		return res, err
	}
	return j.Runner.asCluster(ctx, p, schema, sql...)
}

// placesError is what places did not do.
type placesError struct {
	place place
	err   error
	more  int
}

func (e *placesError) Error() string {
	s := fmt.Sprintf("leaf %s, %s: %v", e.place.Leaf, e.place.Schema, e.err)
	if e.more > 0 {
		s += fmt.Sprintf(" (and %d more)", e.more)
	}
	return s
}

func (e *placesError) Unwrap() error { return e.err }

// atOnce bounds how many places are worked on together.
const atOnce = 16

// each runs f at all places at once and waits for all. done has what succeeded, and what may have been done or not.
func each(places []place, f func(p place) error) (done []place, err error) {
	errs := make([]error, len(places))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, p := range places {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = f(p)
		})
	}
	wg.Wait()
	var first *placesError
	for i, e := range errs {
		switch {
		case e == nil:
			done = append(done, places[i])
		case errors.Is(e, errCrash):
			return nil, errCrash
		default:
			if _, no := refused(e); !no && !backend.SafeToRetry(e) {
				done = append(done, places[i]) // to be undone, if it was done
			}
			if first == nil {
				first = &placesError{place: places[i], err: e}
			} else {
				first.more++
			}
		}
	}
	if first != nil {
		return done, first
	}
	return done, nil
}

// together runs what does not hang on each other, and waits for all of it. The first one's error comes back, in the order that they are given in.
func together(all ...func() error) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, f := range all {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	if slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, errCrash) }) {
		return errCrash
	}
	return cmp.Or(errs...)
}

// reach makes sure that all leaves answer before anything is begun, by asking them where they are.
func (j *job) reach(ctx context.Context, places ...[]place) (err error) {
	j.reached, err = j.positionsAt(ctx, slices.Concat(places...))
	return clientError(err, "")
}

// clientError is the error of a place as the client is told it.
func clientError(err error, db string) error {
	var e *placesError
	if !errors.As(err, &e) {
		return unavailable(err)
	}
	if db != "" {
		return unavailable(logical(e.err, e.place, db))
	}
	return unavailable(e.err)
}

var autoIncrementOption = regexp.MustCompile(` AUTO_INCREMENT=([0-9]+)`)

// showCreate is a table's SHOW CREATE TABLE without the counter, "" when there is no such table.
func (r *Runner) showCreate(ctx context.Context, p place, table string) (string, error) {
	create, err := r.showCounted(ctx, p, table)
	return withoutCounter(create), err
}

// showCounted is a table's SHOW CREATE TABLE, "" when there is no such table.
func (r *Runner) showCounted(ctx context.Context, p place, table string) (string, error) {
	c, err := r.own(ctx, p, p.Schema) // a view's text leaves out the default database's name
	if err != nil {
		return "", err
	}
	defer c.Release()
	res, err := c.Query(ctx, "SHOW CREATE TABLE "+id(p.Schema)+"."+id(table))
	if e, ok := refused(err); ok && (e.Code == 1146 || e.Code == 1049) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return string(res.Rows[0][1]), nil
}

// withoutCounter drops the table option AUTO_INCREMENT=n, which stands in the last line, after the closing bracket.
func withoutCounter(create string) string {
	at := strings.LastIndex(create, "\n)")
	if at < 0 {
		return create
	}
	tail := create[at:]
	if loc := autoIncrementOption.FindStringIndex(tail); loc != nil {
		tail = tail[:loc[0]] + tail[loc[1]:]
	}
	return create[:at] + tail
}

// counterOf is n of the table option AUTO_INCREMENT=n, 0 where there is none.
func counterOf(create string) uint64 {
	m := autoIncrementOption.FindStringSubmatch(create[max(strings.LastIndex(create, "\n)"), 0):])
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseUint(m[1], 10, 64) // of digits; what is too large is the greatest
	return n
}

// notes reads the warnings of the connection's last statement.
func notes(ctx context.Context, c *backend.Conn, n uint16) []Note {
	if n == 0 {
		return nil
	}
	res, err := c.Query(ctx, "SHOW WARNINGS")
	if err != nil {
		return nil
	}
	var out []Note
	for _, row := range res.Rows {
		code, _ := strconv.ParseUint(string(row[1]), 10, 16)
		out = append(out, Note{string(row[0]), uint16(code), string(row[2])})
	}
	return out
}

// first runs the client's statement where it is judged, and keeps its warnings.
func (j *job) first(ctx context.Context, p place, sql string) (*Result, error) {
	if err := j.step("first"); err != nil {
		return nil, err
	}
	schema := j.s.Schema
	if j.d.Verb == "DROP" && j.d.Database.Text != "" {
		schema = "" // a connection whose default database it drops has none afterwards
	}
	c, err := j.client(ctx, p, schema, j.s.State)
	if err != nil {
		return nil, unavailable(err)
	}
	defer c.Release()
	if j.unchecked {
		c.ResetOnRelease()
		if _, err := c.Query(ctx, "SET foreign_key_checks=0"); err != nil {
			return nil, err
		}
	}
	if j.hurried {
		c.ResetOnRelease()
		if _, err := c.Query(ctx, "SET lock_wait_timeout=1"); err != nil {
			return nil, err
		}
	}
	ask := c.Query
	if args := j.args(); len(args) > 0 {
		ask = func(ctx context.Context, sql string) (*backend.Result, error) { return c.Execute(ctx, sql, args) }
	}
	res, err := ask(ctx, sql)
	if err != nil {
		if e, ok := refused(err); ok {
			j.refusal, j.told = e, notes(ctx, c, 1)
		}
		return nil, err
	}
	j.res = &Result{Affected: res.Affected, Warnings: res.Warnings, Notes: notes(ctx, c, res.Warnings)}
	j.withEngine(j.res)
	return j.res, nil
}
