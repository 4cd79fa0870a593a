package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// program is a kind of objects with statements or a state of their own, which the cluster does not have.
type program struct {
	why  string // and what to do instead
	find string // a query for the names of those that are at a leaf all the same; its WHERE ends with the condition on the name
	db   string // the column that has the database
}

const callerSends = ": have the application send them, in one transaction where they belong together"

// programs are those that MariaDB has, as DDL names them. Where one is made at leaves by hand no node knows of it.
var programs = map[string]program{
	"TRIGGER": {"it would be at one leaf only: triggers are for tables of sharded databases",
		"SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_NAME", "TRIGGER_SCHEMA"},
	"PROCEDURE": {"it would be at one leaf only: stored routines are for sharded databases",
		"SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'PROCEDURE' AND ROUTINE_NAME", "ROUTINE_SCHEMA"},
	"FUNCTION": {"it would be at one leaf only: stored routines are for sharded databases, functions of libraries for none",
		"SELECT name FROM mysql.func UNION SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_NAME", "ROUTINE_SCHEMA"},
	"PACKAGE": {"its statements would have to be planned when they run" + callerSends,
		"SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE LIKE 'PACKAGE%' AND ROUTINE_NAME", "ROUTINE_SCHEMA"},
}

// program serves CREATE, ALTER and DROP of what the cluster does not have. What is wrong with the statement MariaDB says first: syntax, and rights. To alter or drop
// what is not there changes nothing at any leaf, so that MariaDB says this, too: scripts begin with DROP … IF EXISTS.
func (s *session) program(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	d := stmt.DDL
	if err := s.prepareOnly(ctx, string(w.scan.Src[:w.scan.End]), nil); err != nil {
		if e := serverError(ctx, err); e.Code != wire.ErUnsupportedPS {
			return err
		}
	}
	p := programs[d.Object]
	why := p.why
	if s.sess.Mode.Oracle && d.Verb == "CREATE" && ddl.IsRoutine(d) {
		why = "under sql_mode=ORACLE; routines are made in the other modes: set one, and write it in MariaDB's own language"
	}
	refused := unsupported(d.Verb+" "+d.Object, why)
	db, n := s.sess.DB, &d.Program
	if n.DB.Tok >= 0 {
		db = n.DB.Text
	}
	if d.Verb == "CREATE" && ddl.IsRoutine(d) && n.DB.Tok >= 0 {
		if err := s.g.databaseExists(db); err != nil {
			return err
		}
	}
	if d.Verb != "DROP" && d.Verb != "ALTER" || s.tables {
		return refused
	}
	if hidden(snap, db) {
		return topo.NoDatabase(db)
	}
	there, err := s.atLeaves(ctx, snap, p, db, n.Name.Text)
	if err != nil {
		return err
	}
	if there {
		return refused
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	return s.run(ctx, w, &plan.Plan{Route: plan.Route{Kind: plan.RouteAny}, Bare: true, Revision: snap.Revision}, snap, src, nil)
}

// onOwnProgram says whether a statement is on triggers of tables of the cluster, or on routines of its databases.
func (s *session) onOwnProgram(scan *sqltext.Scan, d *sqltext.DDL, snap *topo.Snapshot) bool {
	n := &d.Program
	switch {
	case ddl.IsRoutine(d):
		db := s.sess.DB
		if n.DB.Tok >= 0 {
			db = n.DB.Text
		}
		if d.Verb == "CREATE" {
			return snap.Databases[db] != nil && isOp(scan, n.Span.To, "(") // else it is one of a library
		}
		return snap.Routine(topo.RoutineKind(d.Object), db, n.Name.Text) != nil
	case d.Object != "TRIGGER":
		return false
	case d.Verb == "CREATE" && len(d.Tables) == 1:
		n = d.Tables[0]
	case d.Verb != "DROP":
		return false
	}
	db := s.sess.DB
	if n.DB.Tok >= 0 {
		db = n.DB.Text
	}
	of := snap.Databases[db]
	if of == nil || d.Verb == "CREATE" {
		return of != nil
	}
	for _, t := range of.Tables {
		if slices.ContainsFunc(t.Triggers, func(tr topo.Trigger) bool { return tr.Name == n.Name.Text }) {
			return true
		}
	}
	return false
}

// atLeaves says whether a leaf has a program of a name.
func (s *session) atLeaves(ctx context.Context, snap *topo.Snapshot, p program, db, name string) (bool, error) {
	query := p.find + " = " + stringLiteral(name) + " AND " + p.db + " = " + stringLiteral(db)
	for _, l := range snap.OnlineLeaves() {
		c, err := s.g.cfg.Pools.Get(ctx, backend.Want{Leaf: l.Name, Variant: backend.Internal})
		if err != nil {
			return false, err
		}
		res, err := c.Query(ctx, query)
		c.Release()
		if err != nil {
			return false, err
		}
		for _, row := range res.Rows {
			if strings.EqualFold(string(row[0]), name) {
				return true, nil
			}
		}
	}
	return false, nil
}

// callProcedure refuses a CALL: what procedures there are, those of the schemas mysql and sys, would do their work at one leaf. That there is none MariaDB says.
func (s *session) callProcedure(ctx context.Context, w *worker, snap *topo.Snapshot, src source) error {
	scan := &w.scan
	at := slices.IndexFunc(scan.Tokens, func(t sqltext.Token) bool { return t.KW == sqltext.KwCall })
	if at+1 >= len(scan.Tokens) || !isNamed(scan, at+1) || isOp(scan, int32(at)+2, ".") && !isNamed(scan, at+3) {
		return s.unknown(ctx, scan)
	}
	db, name := s.sess.DB, nameAt(scan, int32(at)+1, s.mode())
	if isOp(scan, int32(at)+2, ".") {
		db, name = name, nameAt(scan, int32(at)+3, s.mode())
	}
	there, err := s.atLeaves(ctx, snap, programs["PROCEDURE"], db, name)
	if err != nil {
		return err
	}
	if there || isOp(scan, int32(at)+4, ".") { // of a package
		return s.owned(ctx, w, src, unsupported("CALL", "a procedure would run at one leaf, and see what is there"+callerSends))
	}
	return s.run(ctx, w, &plan.Plan{Route: plan.Route{Kind: plan.RouteAny}, Bare: true, Revision: snap.Revision}, snap, src, nil)
}

// isNamed says whether there is a token that can be a name.
func isNamed(scan *sqltext.Scan, tok int) bool {
	return tok < len(scan.Tokens) && slices.Contains([]sqltext.Kind{sqltext.Word, sqltext.QuotedID, sqltext.String}, scan.Tokens[tok].Kind)
}
