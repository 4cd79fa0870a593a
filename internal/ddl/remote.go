package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// codeReadOnly is Spider's for tables that must not be written to.
const codeReadOnly = 12518

// atPlace runs a statement, made with the remote table's name, at one of a linked table's places.
func (j *job) atPlace(ctx context.Context, t *topo.Table, at int, sql func(remote string) string) (*backend.Result, error) {
	if err := j.fenced(); err != nil {
		return nil, err
	}
	links, _, err := spider.UsedLinks(j.snap, t, at)
	if err != nil {
		return nil, err
	}
	return j.cfg.Remote(ctx, links[:1], j.s.State, sql(id(links[0].Database)+"."+id(links[0].Table)))
}

// atLinks runs a statement at all links of a place that are in use, one after another.
func (j *job) atLinks(ctx context.Context, t *topo.Table, at int, sql func(remote string) string) error {
	if err := j.fenced(); err != nil {
		return err
	}
	links, _, err := spider.UsedLinks(j.snap, t, at)
	for i := range links {
		if err == nil {
			_, err = j.cfg.Remote(ctx, links[i:i+1], j.s.State, sql(id(links[i].Database)+"."+id(links[i].Table)))
		}
	}
	return err
}

// atPlaces runs a statement at several places at once; done are those that have answered.
func (j *job) atPlaces(ctx context.Context, t *topo.Table, places []int, sql func(remote string) string) (done []int, failed error) {
	errs := make([]error, len(places))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, at := range places {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = j.atLinks(ctx, t, at, sql)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err == nil {
			done = append(done, places[i])
		} else if failed == nil {
			failed = err
		}
	}
	return done, failed
}

// truncated are the places that ALTER TABLE … TRUNCATE PARTITION is about; ok is false for any other statement. Names that are wrong are MariaDB's to find.
func (j *job) truncated(t *topo.Table) (places []int, ok bool) {
	if len(j.d.Actions) != 1 || j.d.Actions[0].Verb != "TRUNCATE PARTITION" {
		return nil, false
	}
	a := &j.d.Actions[0]
	for i := range t.Places {
		if a.AllPartitions || slices.ContainsFunc(a.Partitions, func(n sqltext.Name) bool { return strings.EqualFold(n.Text, t.Places[i].Partition) }) {
			places = append(places, i)
		}
	}
	return places, true
}

// truncateLinked empties remote tables, one by one: no server answers for another's. The shape tells whether the account may, and all servers are asked before any is
// told to. There is no journal: a statement that was cut off is not done later, when nobody expects it, and may be repeated.
func (j *job) truncateLinked(ctx context.Context, t *topo.Table, places []int) (*Result, error) {
	if j.cfg.Remote == nil {
		return nil, unsupported("TRUNCATE of linked tables at a node that can't ask their servers")
	}
	for _, at := range places {
		if p := spider.Kept(&t.Places[at]); p.ReadOnly(false) {
			return nil, refuse(codeReadOnly, "HY000", "Table '%s.%s' is read only", t.DB, t.Name)
		}
	}
	res, err := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if err != nil {
		return nil, unavailable(err)
	}
	if _, err := j.atPlaces(ctx, t, places, func(remote string) string { return "SELECT 1 FROM " + remote + " LIMIT 0" }); err != nil {
		return nil, err
	}
	if err := j.step("truncate"); err != nil {
		return nil, err
	}
	done, err := j.atPlaces(ctx, t, places, func(remote string) string { return "TRUNCATE TABLE " + remote })
	if err != nil {
		return nil, partlyTruncated(t, places, done, err)
	}
	if t.Scheme != "" && t.AutoIncrement >= 0 && len(places) == len(t.Places) {
		return res, unavailable(j.cfg.Catalog.Sequence(t.ID).Reset(ctx, 1))
	}
	return res, nil
}

// partlyTruncated is the error of a TRUNCATE that some servers have done, and some not.
func partlyTruncated(t *topo.Table, places, done []int, err error) error {
	var known interface {
		MySQL() (uint16, string, string)
	}
	if len(done) == 0 || !errors.As(err, &known) {
		return err
	}
	var empty []string
	for _, at := range done {
		p := &t.Places[at]
		if p.Subpartition != "" {
			empty = append(empty, p.Subpartition)
		} else {
			empty = append(empty, p.Partition)
		}
	}
	code, state, message := known.MySQL()
	return &Error{Code: code, State: state, cause: err, Message: fmt.Sprintf("%s; of %d partitions these are empty now: %s. Run the statement again", message, len(places), strings.Join(empty, ", "))}
}

// allPlaces are the positions of all of a table's places.
func allPlaces(t *topo.Table) []int {
	out := make([]int, len(t.Places))
	for i := range out {
		out[i] = i
	}
	return out
}

// greatest is the greatest value of a linked table's AUTO_INCREMENT column, at any of its places.
func (j *job) greatest(ctx context.Context, t *topo.Table) (n uint64, err error) {
	if j.cfg.Remote == nil {
		return 0, unsupported("AUTO_INCREMENT of linked tables at a node that can't ask their servers")
	}
	column := id(t.Columns[t.AutoIncrement].Name)
	for at := range t.Places {
		res, err := j.atPlace(ctx, t, at, func(remote string) string { return "SELECT MAX(" + column + ") FROM " + remote })
		if err != nil {
			return 0, err
		}
		if m, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64); err == nil { // NULL and negative ones count for nothing
			n = max(n, m)
		}
	}
	return n, nil
}
