package gateway

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/gate"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// enterFunctions lets a statement in that calls stored functions: it meets each of them as it was before a change, or as it is after it. leave must be called unless it is nil.
func (s *session) enterFunctions(p *plan.Plan, snap *topo.Snapshot) (leave func(), err error) {
	if len(p.Functions) == 0 {
		return nil, nil
	}
	gates := s.g.guard.gates
	inside := 0
	leave = func() {
		for _, db := range p.Functions[:inside] {
			gates.Leave(gate.Functions(db))
		}
	}
	for _, db := range p.Functions {
		if err := gates.Enter(gate.Functions(db), 0); err != nil {
			leave()
			return nil, err
		}
		inside++
	}
	// Whoever changed one before that did not wait for this statement.
	now, _ := gates.Applied()
	for _, db := range p.Functions {
		if now != nil && now != snap && !now.SameRoutines(snap, db) {
			leave()
			return nil, &gate.MovingError{Partition: gate.Functions(db)}
		}
	}
	return leave, nil
}

// callsApart refuses functions in a statement without a plan, which a leaf evaluates apart from the transaction, that read what is not there as MariaDB would find it.
func (s *session) callsApart(stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	reads, copied, err := plan.CallsOf(stmt, snap, s.sess.DB)
	if err != nil || len(reads) == 0 || stmt.Kind == sqltext.KindSet {
		return err
	}
	if copied && stmt.Kind == sqltext.KindExplain { // which plans the statement
		return s.shadowed(&plan.Plan{FunctionReads: reads})
	}
	if copied {
		return unsupported("a stored function that reads tables whose rows are in partitions", "in such a statement: give it the value that SELECT … INTO has put into a variable")
	}
	if s.tx.InTransaction() || !s.tx.Autocommit() {
		return unsupported("a stored function that reads tables", "in such a statement, in a transaction: give it the value that SELECT … INTO has put into a variable")
	}
	return s.shadowed(&plan.Plan{FunctionReads: reads})
}

// newlyCalled is the error of a statement, unless it was refused for a function that is being made: then it is run.
func (s *session) newlyCalled(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source, err error) error {
	if len(stmt.Calls) == 0 || serverError(ctx, err).Code != wire.ErNotSupported {
		return err
	}
	switch known, other := s.newFunction(ctx, stmt, snap); {
	case other != nil:
		return other
	case known:
		return s.rewritten(ctx, bytes.Clone(w.scan.Src[:w.scan.End]), src)
	}
	return err
}

// newFunction waits for the functions that a statement calls which leaves have by now and the topology has not: they are being made, unless somebody has made them by hand. It says whether
// the topology has them. Of one that no leaf has the error is MariaDB's: a leaf that has prepared the text before would say nothing.
func (s *session) newFunction(ctx context.Context, stmt *sqltext.Stmt, snap *topo.Snapshot) (known bool, err error) {
	missing := func(now *topo.Snapshot) *sqltext.TableName {
		at := slices.IndexFunc(stmt.Calls, func(n *sqltext.TableName) bool {
			db := s.calledIn(n)
			return now.Databases[db] != nil && now.Routine(topo.Function, db, n.Name.Text) == nil
		})
		if at < 0 {
			return nil
		}
		return stmt.Calls[at]
	}
	if missing(snap) == nil {
		return false, nil
	}
	late := time.After(s.g.cfg.FailoverWait)
	for {
		changed := s.g.cfg.Catalog.Changed()
		n := missing(s.topology())
		if n == nil {
			return true, nil
		}
		there, err := s.atLeaves(ctx, snap, programs["FUNCTION"], s.calledIn(n), n.Name.Text)
		if err != nil {
			return false, err
		}
		if !there && missing(s.topology()) == n {
			return false, wire.Errorf(erNoProcedure, "FUNCTION %s.%s does not exist", s.calledIn(n), n.Name.Text)
		}
		select {
		case <-changed:
		case <-late:
			return false, nil
		case <-ctx.Done():
			return false, nil
		}
	}
}

// calledIn is the database of a function that a statement calls.
func (s *session) calledIn(n *sqltext.TableName) string {
	if n.DB.Tok >= 0 {
		return n.DB.Text
	}
	return s.sess.DB
}

// callsTables says whether a value that SET gives calls functions that read tables.
func (s *session) callsTables(stmt *sqltext.Stmt, v *sqltext.SetVar) bool {
	called := *stmt
	called.Calls = slices.DeleteFunc(slices.Clone(stmt.Calls), func(n *sqltext.TableName) bool { return n.Span.From < v.ValueSpan.From || n.Span.To > v.ValueSpan.To })
	if len(called.Calls) == 0 {
		return false
	}
	reads, _, err := plan.CallsOf(&called, s.topology(), s.sess.DB)
	return err == nil && len(reads) > 0
}
