package exec

import (
	"context"
	"errors"
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Bring says when tables are brought to others.
type Bring uint8

// The values of Bring.
const (
	BringAuto Bring = iota // where less is copied, as MariaDB's estimates have it
	BringNever
	BringAlways // wherever it can be done
)

// brought runs a staged statement by parts, at the partitions of those tables that are not copied, where that is better. It is not done, and nothing was given to the client, when it is not, or
// what was found out while it ran speaks against it: more had to be copied than was estimated, or rows can't be merged.
func (r *Runner) brought(ctx context.Context, st *Statement) (done bool, err error) {
	if st.After != nil {
		return false, nil
	}
	choice, err := r.Choose(ctx, st)
	if err != nil || choice == nil {
		return err != nil, err
	}
	before := st.out
	switch done, err = r.bring(ctx, st, choice); {
	case err == nil || st.out.Begun || errors.Is(err, errUnforeseen):
		return done, err
	default:
		var own *Error
		var refused *plan.Error
		if !errors.As(err, &own) && !errors.As(err, &refused) {
			return true, err
		}
	}
	st.out = before
	return false, nil
}

// bring runs a statement in the way that was chosen. It is not done where a session's state is against it.
func (r *Runner) bring(ctx context.Context, st *Statement, choice *plan.Bringing) (done bool, err error) {
	rows, err := r.guess(ctx, st)
	if err != nil {
		return true, err
	}
	whole := st.Plan
	st.Plan = choice.Plan
	defer func() { st.Plan = whole }()
	places, err := r.places(ctx, st)
	if err != nil {
		return true, err
	}
	places = slices.Clone(places)
	for _, p := range places {
		if !st.Tx.Free(p) { // SET TRANSACTION is for one statement
			return false, nil
		}
	}
	offset, count, err := st.limit()
	if err != nil {
		return true, err
	}
	s, err := r.stageOf(ctx, st, choice.Fills, places, rows)
	if err != nil {
		return true, err
	}
	s.ordinal = make([]*desk, len(st.Snap.Databases[st.Plan.Route.DB].Partitions))
	for _, d := range s.desks {
		s.ordinal[d.place.Partition.Ordinal] = d
	}
	if st.Head != nil { // the first part tells
		return true, s.run(ctx)
	}
	return true, s.gather(ctx, offset, count)
}

// probe reads rows of tables that stay for what others ask of them. It does so at the desks, in the transactions in which the parts are run: rows that come later would meet nothing of what was
// left out for want of them.
func (w *copyWriter) probe(ctx context.Context, extra string) error {
	s := w.s
	sub, err := s.st.reading(w.f, extra, s.clock)
	if err != nil {
		return err
	}
	w.text, sub.Out = sub.Scan.Src, w
	sources := make([]*source, len(s.desks))
	for i, d := range s.desks {
		end, err := s.takeTurn(d)
		if err != nil {
			return err
		}
		defer end()
		d.c.Queue(s.settingsBack(d)) // the conditions are the client's
		sources[i] = &source{st: sub, place: d.place, desk: d}
	}
	err = s.r.gatherParts(ctx, sub, sources, 0, plan.ProbeRows)
	if err != nil {
		return err
	}
	for _, d := range s.desks {
		d.c.Queue(settings())
	}
	if w.probed >= plan.ProbeRows || sub.out.Warnings > 0 { // of which the parts warn themselves
		for _, k := range w.keys {
			k.many, k.all = true, nil
		}
	}
	return nil
}

// steady are the statements after which all that a desk reads is as of one moment.
var steady = []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE"}

// probes says whether there are any.
func (s *stage) probes() bool {
	return slices.ContainsFunc(s.fills, func(f plan.Fill) bool { return f.Probe })
}

// gather fills the copies at all partitions, and makes one answer of what these say.
func (s *stage) gather(ctx context.Context, offset, count int64) error {
	defer s.clear()
	stop := s.watch(ctx)
	err := s.prepare(ctx)
	if stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	// Not before: no master need wait for the copies.
	for i, d := range s.desks {
		if err := s.st.Tx.Enter(d.place); err != nil {
			for _, d := range s.desks[:i] {
				s.st.Tx.Leave(d.place)
			}
			return err
		}
	}
	defer func() {
		for _, d := range s.desks {
			s.st.Tx.Leave(d.place)
		}
	}()
	sources := make([]*source, len(s.desks))
	for i, d := range s.desks {
		d.c.Queue(s.settingsBack(d))
		sources[i] = &source{st: s.st, place: d.place, desk: d}
	}
	err = s.r.gatherParts(ctx, s.st, sources, offset, count)
	if err == nil {
		s.learn()
	}
	if err == nil && s.probes() {
		for _, d := range s.desks { // or the copies would be undone, row by row
			if _, err := d.c.Query(ctx, "COMMIT"); err != nil {
				return err
			}
		}
	}
	return err
}

// Choose finds the way to run a staged statement by which the least has to be copied; nil: all that it needs, to one leaf.
func (r *Runner) Choose(ctx context.Context, st *Statement) (*plan.Bringing, error) {
	p := st.Plan
	if len(p.Bringings) == 0 || st.Bring == BringNever || st.Tx.InTransaction() || !st.Tx.Autocommit() {
		return nil, nil // XA branches and READ ONLY transactions make no temporary tables
	}
	rows, err := r.guess(ctx, st)
	if err != nil {
		return nil, err
	}
	always := st.Bring == BringAlways || p.Bring
	var best *plan.Bringing
	least := cost(p.Fills, rows, 1)
	for i := range p.Bringings {
		route := &p.Bringings[i].Plan.Route
		places := len(st.Snap.Databases[route.DB].Partitions)
		switch route.Kind {
		case plan.RouteKeys:
			places = min(places, len(route.Keys))
		case plan.RouteOne:
			places = 1
		}
		way := probing(&p.Bringings[i], rows, places, always)
		if c := cost(way.Fills, rows, places); c < least || best == nil && always {
			best, least = way, c
		}
	}
	return best, nil
}

// probing is a way without those probes that would read too much for what they may spare.
func probing(way *plan.Bringing, rows map[*topo.Table]int64, places int, all bool) *plan.Bringing {
	pays := func(i int) bool {
		for j := range way.Fills {
			f := &way.Fills[j]
			times := int64(places)
			if f.Deal != nil {
				times = 1
			}
			if !f.Probe && slices.ContainsFunc(f.Keys, func(k plan.FillKey) bool { return k.From == i }) && rows[f.Table]*times > probePays*min(rows[way.Fills[i].Table], plan.ProbeRows) {
				return true
			}
		}
		return false
	}
	return &plan.Bringing{Plan: way.Plan, Fills: way.Without(func(i int) bool { return way.Fills[i].Probe && !all && !pays(i) })}
}

// probePays is how many rows must come to partitions that may be left out for each that is read to find that out.
const probePays = 4

const (
	// copyCost is what it takes to make a copy, without its rows, in bytes of rows that could be copied in that time; rowCost that of a row, without its columns.
	copyCost = 100 << 10
	rowCost  = 20
)

// cost is what it takes to copy fills to some places, in bytes.
func cost(fills []plan.Fill, estimated map[*topo.Table]int64, places int) int64 {
	var sum int64
	rows := reckon(fills, rowsOf(fills, estimated))
	for i := range fills {
		f := &fills[i]
		times := int64(places)
		if f.Probe {
			sum += rows[i] * int64(width(f)) / 2
			continue
		}
		sum += copyCost * times
		if f.Deal != nil {
			times = 1
		}
		sum += rows[i] * int64(width(f)) * times
	}
	return sum
}

// rowsOf are the rows of fills; nil where nothing is known.
func rowsOf(fills []plan.Fill, rows map[*topo.Table]int64) []int64 {
	if rows == nil {
		return nil
	}
	out := make([]int64, len(fills))
	for i := range fills {
		out[i] = rows[fills[i].Table]
	}
	return out
}

// width is how many bytes a row of a fill may have.
func width(f *plan.Fill) int {
	n := rowCost
	for _, i := range f.Columns {
		switch c := &f.Table.Columns[i]; c.Type {
		case "tinyint", "smallint", "mediumint", "int", "bigint", "float", "double", "date", "datetime", "timestamp", "time", "year", "decimal":
			n += 8
		case "char", "varchar", "binary", "varbinary":
			n += int(min(c.Length/2+1, 1000))
		case "enum", "set", "bit", "uuid", "inet4", "inet6":
			n += 16
		default:
			n += 1000
		}
	}
	return n
}
