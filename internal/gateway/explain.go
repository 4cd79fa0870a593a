package gateway

import (
	"context"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// explain is EXPLAIN of a statement: the plan, a row for each place with the text that it gets. With any word in between (EXTENDED,
// PARTITIONS, FORMAT=JSON), and as ANALYZE, it is MariaDB's own, of the first place, or of the copies that a staged statement runs on.
func (s *session) explain(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	inner := stmt.Inner
	if inner == nil {
		return s.explainFor(ctx, &w.scan, snap, src)
	}
	if inner.Span.Empty() {
		return s.unknown(ctx, &w.scan)
	}
	if inner.Kind == sqltext.KindOther {
		return unsupported("EXPLAIN of this statement", "")
	}
	if len(src.args) > 0 { // the values stand in what is shown
		text, err := withParams(&w.scan, src.args, s.charset.connection)
		if err != nil {
			return err
		}
		src.args = nil
		return s.rewritten(ctx, text, src)
	}
	head := slices.Clone(w.scan.Src[:w.scan.Tokens[inner.Span.From].Start])
	own := isWord(&w.scan, 0, "ANALYZE") || inner.Span.From > 1
	iw := workers.Get().(*worker)
	defer workers.Put(iw)
	if err := iw.scan.Scan(slices.Clone(w.scan.Src[w.scan.Tokens[inner.Span.From].Start:w.scan.End]), s.mode()); err != nil {
		return err
	}
	inner, err := sqltext.Parse(&iw.scan, s.mode())
	if err != nil {
		return err
	}
	p, err := plan.Build(inner, &iw.scan, snap, s.firing(source{fires: true}))
	if err != nil {
		return err
	}
	// The leaf says what the account may not see, or does not exist.
	if err := s.prepareOnly(ctx, string(iw.scan.Src[:iw.scan.End]), nil); err != nil {
		return err
	}
	var ordinals []int
	q := p
	if p.InsertSelect != nil && !own { // where its rows go is not known before they are there
		q = p.InsertSelect.Plan
	}
	byRow := q.Insert != nil || q.InsertSelect != nil || q.Load != nil
	if k := q.Route.Kind; k == plan.RouteKeys || k == plan.RouteAll || k == plan.RouteOne || k == plan.RouteLinked && !byRow {
		st := exec.Statement{Plan: q, Scan: &iw.scan, Snap: snap, Sess: s.sess, Charset: s.charset.connection, Tx: s.tx, Home: s.home, Out: src.out}
		if ordinals, err = s.g.exec.Ordinals(ctx, &st); err != nil {
			return err
		}
	}
	keys := q.ByKey != nil && (q.Route.Kind == plan.RouteStage || q.Route.Kind == plan.RouteEveryLeaf || len(ordinals) > 1)
	if own && keys {
		return unsupported("EXPLAIN FORMAT, EXTENDED and ANALYZE", "of a write whose rows are found first")
	}
	staged := !keys && q.Route.Kind == plan.RouteStage || len(q.Fills) > 0 && len(ordinals) > 1
	if own && p.Returned != nil { // which would be run
		return unsupported("EXPLAIN FORMAT, EXTENDED and ANALYZE", "of a write whose RETURNING has subqueries over partitions")
	}
	if own && staged && q == p {
		return s.explainCopies(ctx, iw, p, head, snap, src)
	}
	if own && (p.Linked != nil || p.InsertSelect != nil && p.InsertSelect.Plan.Linked != nil) {
		return unsupported("EXPLAIN FORMAT, EXTENDED and ANALYZE", "of linked tables")
	}
	if !own {
		var rows []plan.ExplainRow
		if staged {
			rows, err = s.explainStaged(ctx, p, q, iw, ordinals, snap, src)
		} else {
			rows = plan.Explain(p, &iw.scan, ordinals)
		}
		if err != nil {
			return err
		}
		r := s.explainRows(rows, snap)
		r.warnings = s.warningCount()
		return r.write(src.out, src.prepared)
	}
	if isWord(&w.scan, 0, "ANALYZE") && (p.Writes || p.Locks) && len(ordinals) != 1 {
		return unsupported("ANALYZE of a statement that writes or locks", "it would be run at one of several places")
	}
	if len(ordinals) == 0 {
		return s.rerun(ctx, append(head, iw.scan.Src[:iw.scan.End]...), snap, src)
	}
	if writes := p.Writes || p.Locks; isWord(&w.scan, 0, "ANALYZE") { // which runs it
		if err := s.g.guard.gates.EnterTables(p.Placed, writes, snap); err != nil {
			return err
		}
		defer s.g.guard.gates.LeaveTables(p.Placed, writes)
	}
	if err := s.g.exec.Settled(ctx, &exec.Statement{Plan: p, Snap: snap, Tx: s.tx, Home: s.home}); err != nil {
		return err
	}
	// The first place gets it with its own names.
	d := snap.Databases[p.Route.DB]
	place, err := partitionPlace(d.Partitions[ordinals[0]])
	if err != nil {
		return err
	}
	return s.relayAt(ctx, place, append(head, plan.Render(nil, &iw.scan, p.Forward, nil, plan.Target{Schema: place.Schema})...), src)
}

// withParams is a statement's text with the values of its parameters.
func withParams(scan *sqltext.Scan, args []wire.Param, charset string) ([]byte, error) {
	var edits []edit
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Param {
			continue
		}
		if len(edits) == len(args) {
			return nil, wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to EXECUTE")
		}
		edits = append(edits, edit{int32(i), int32(i) + 1, paramLiteral(&args[len(edits)], charset)})
	}
	return apply(scan, edits), nil
}

// explainStaged is EXPLAIN of a staged plan p, or one whose query q is staged.
func (s *session) explainStaged(ctx context.Context, p, q *plan.Plan, w *worker, ordinals []int, snap *topo.Snapshot, src source) ([]plan.ExplainRow, error) {
	st := exec.Statement{Plan: q, Scan: &w.scan, Snap: snap, Sess: s.sess, Charset: s.charset.connection, Tx: s.tx, Home: s.home, Out: src.out, Bring: s.bring()}
	way, err := s.g.exec.Choose(ctx, &st)
	if err != nil {
		return nil, err
	}
	note, rows, fills := "run on copies of its tables at one leaf", []plan.ExplainRow(nil), q.Fills
	if way != nil {
		st.Plan = way.Plan
		if ordinals, err = s.g.exec.Ordinals(ctx, &st); err != nil {
			return nil, err
		}
		st.Plan = q
		note, fills = "run with copies of some tables at the partitions of the others", way.Fills
		rows = plan.ExplainBrought(p, &w.scan, way, ordinals)
	} else {
		rows = plan.Explain(p, &w.scan, ordinals)
	}
	s.warnings = append(s.warnings, exec.Note{Level: "Note", Code: "1003", Message: note + ", as partitions can't answer their parts: " + q.Stage})
	return rows, s.estimate(ctx, &st, fills, rows)
}

// estimate says in the rows of a staged statement how many rows are copied, as MariaDB thinks.
func (s *session) estimate(ctx context.Context, st *exec.Statement, fills []plan.Fill, rows []plan.ExplainRow) error {
	for i := range fills {
		n, known, err := s.g.exec.Estimate(ctx, st, &fills[i])
		if fills[i].Called && err != nil && deniedRight(ctx, err) { // which a function's definer may read
			continue
		}
		if err != nil {
			return err
		}
		if known {
			rows[i].Partition += ": about " + strconv.FormatInt(n, 10) + " rows"
		}
	}
	return nil
}

// explainCopies has MariaDB explain or analyse a staged statement on copies of its tables, which are made for that; with a note about each.
func (s *session) explainCopies(ctx context.Context, w *worker, p *plan.Plan, head []byte, snap *topo.Snapshot, src source) error {
	q := *p
	q.Route.Kind, q.Rows, q.Scalars, q.Condensed = plan.RouteStage, true, nil, nil
	w.st.Head = head
	defer func() { w.st.Head = nil }()
	_, err := s.runOnce(ctx, w, &q, snap, source{prepared: src.prepared, out: src.out}, nil)
	return err
}

// rerun runs a text of the client's that changes nothing at the session's leaf.
func (s *session) rerun(ctx context.Context, text []byte, snap *topo.Snapshot, src source) error {
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan(text, s.mode()); err != nil {
		return err
	}
	return s.forwardAny(ctx, w, snap, src)
}

func (s *session) explainRows(rows []plan.ExplainRow, snap *topo.Snapshot) *rowset {
	r := &rowset{cols: []colDef{text("shape", 16), text("partition", 80), text("leaf", 64), text("text", 65535)}}
	leaves := map[string]string{}
	for _, d := range snap.Databases {
		for _, p := range d.Partitions {
			if leaf, ok := p.Master(); ok {
				leaves[p.ID.String()] = leaf
			}
		}
	}
	for _, row := range rows {
		var leaf any
		if l, ok := leaves[row.Partition]; ok {
			leaf = l
		} else if row.Partition == "any leaf" {
			leaf = s.home
		}
		r.add(row.Shape, row.Partition, leaf, row.Text)
	}
	return s.inCharset(r)
}
