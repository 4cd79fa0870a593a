package gateway

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/view"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// MariaDB's errors.
const (
	erViewInvalid     = 1356
	erViewOfTemporary = 1352
	erColumnDenied    = 1143
	erRoutineDenied   = 1370
	erNoSuchTableAt   = 1146
)

// viewSession is the session as package view looks at it.
func (s *session) viewSession() view.Session {
	v := view.Session{
		DB: s.sess.DB, Mode: s.sess.Mode, Charset: s.charset.client, Collation: s.charset.collation, User: s.login.User, Host: s.login.Host,
		Bodies: &s.g.bodies, EmptyNull: s.hasMode("EMPTY_STRING_IS_NULL"),
		Default: func(collation string) (string, bool) {
			if c := wire.CollationByName(collation); c != nil {
				return c.Charset, c.Default
			}
			return "", false
		},
	}
	if len(s.temps.tables) > 0 {
		v.Temporary = func(db, name string) bool {
			_, found := s.temps.tables[tableKey{db, name}]
			return found
		}
	}
	return v
}

// namesView says whether a statement names a view.
func (s *session) namesView(stmt *sqltext.Stmt, snap *topo.Snapshot) bool {
	for _, t := range stmt.Tables {
		if k := s.keyOf(t); !t.CTE && snap.View(k.db, k.table) != nil && !s.isTemporary(t) {
			return true
		}
	}
	return false
}

// readsViews says whether a statement of this kind has views replaced.
func readsViews(stmt *sqltext.Stmt) bool {
	switch stmt.Kind {
	case sqltext.KindSelect, sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete, sqltext.KindLoadData, sqltext.KindDo, sqltext.KindCall, sqltext.KindExplain:
		return true
	}
	return false // SET's subqueries are statements of their own
}

// spliceViews replaces the views that a statement names by what they show; nil when it names none. Whether the account may do that is asked of a leaf first, by the client's own
// text: there the views are, and MariaDB judges the rights of who reads them and of who has made them, and whether they are valid.
func (s *session) spliceViews(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) (*view.Spliced, error) {
	if !readsViews(stmt) || !s.namesView(stmt, snap) {
		return nil, nil
	}
	sess := s.viewSession()
	named := view.Named(stmt, snap, &sess)
	into := s.loadInto(stmt, snap, named)
	if (stmt.Load == nil || into != nil) && (s.making == nil || !s.making.dry) {
		text := src.text
		switch {
		case into != nil: // nobody can prepare a LOAD DATA
			text = loadAsInsert(&w.scan, &plan.Load{Stmt: stmt.Load, Table: into})
		case text == "":
			text = string(w.scan.Src[:w.scan.End])
		}
		var err error
		if s.namesTemporary(stmt) {
			err = s.prepareOnly(ctx, text, nil) // where those are
		} else {
			err = s.mayRunText(ctx, w, text, snap.Revision)
		}
		if err != nil {
			if e := serverError(ctx, err); e.Code == erNoSuchTableAt && missing(e.Message, named) != nil {
				v := missing(e.Message, named)
				// A leaf that joined while the view was invalid has not got it.
				return nil, &wire.ServerError{Code: erViewInvalid, State: "HY000", Message: "View '" + v.DB + "." + v.Name +
					"' references invalid table(s) or column(s) or function(s) or definer/invoker of view lack rights to use them"}
			}
			return nil, err
		}
	}
	return view.Splice(&w.scan, stmt, snap, sess)
}

// loadInto is what a LOAD DATA puts rows into, a view as if it were a table; nil for other statements, and where there is none.
func (s *session) loadInto(stmt *sqltext.Stmt, snap *topo.Snapshot, named []*topo.View) *topo.Table {
	if stmt.Load == nil {
		return nil
	}
	k := s.keyOf(stmt.Load.Table)
	for _, v := range named {
		if v.DB != k.db || v.Name != k.table {
			continue
		}
		t := &topo.Table{DB: v.DB, Name: v.Name}
		for _, c := range v.Columns {
			t.Columns = append(t.Columns, topo.Column{Name: c})
		}
		return t
	}
	return snap.Table(k.db, k.table)
}

// withoutViews runs a text that views were taken out of: by its plan, where there is one.
func (s *session) withoutViews(ctx context.Context, v *view.Spliced, src source) error {
	src.permitted, src.views, src.text = true, v.Views, ""
	if src.depth++; src.depth > maxDepth {
		return wire.Errorf(wire.ErUnknown, "a statement was rewritten too often")
	}
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan(v.Text, s.mode()); err != nil {
		return err
	}
	snap := s.topology()
	cacheable := !w.scan.Huge && len(s.temps.tables) == 0 && s.xaOpen() && s.making == nil
	if cacheable {
		w.key = planKey(w.key[:0], &w.scan, &s.sess)
		if p := s.g.plans.get(w.key, snap.Revision); p != nil {
			s.warnings = s.warnings[:0]
			return s.runViews(ctx, w, p, snap, src, nil)
		}
	}
	if flat := v.Flat; flat != nil {
		// Where the plan of the first text is not known, it may be that there is none.
		ready, err := s.canRun(w, snap)
		if err != nil {
			return err
		}
		if !ready {
			src.depth--
			return s.withoutViews(ctx, &view.Spliced{Text: flat, Views: v.Views}, src)
		}
	}
	stmt, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return err
	}
	return s.dispatchStatement(ctx, w, stmt, snap, src, cacheable)
}

// canRun says whether a statement has a plan by which partitions and what is merged of them do all of it.
func (s *session) canRun(w *worker, snap *topo.Snapshot) (bool, error) {
	stmt, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return false, err
	}
	p, err := plan.Build(stmt, &w.scan, snap, s.sess)
	var no *plan.Error
	switch {
	case errors.As(err, &no):
		return no.Code != wire.ErNotSupported, nil
	case err != nil:
		return false, err
	}
	return p.Stage == "" || p.Route.Kind == plan.RouteOne || p.Route.Kind == plan.RouteKeys && len(p.Route.Keys) == 1, nil
}

// missing is the view that an error 1146 is about.
func missing(message string, named []*topo.View) *topo.View {
	for _, v := range named {
		if message == "Table '"+v.DB+"."+v.Name+"' doesn't exist" {
			return v
		}
	}
	return nil
}
