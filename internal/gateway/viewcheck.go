package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/view"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// What MariaDB says of rows that a view does not take: they would not be seen by it, or it has no value for a column that has none by itself.
const (
	erCheckFailed    = 1369
	erNoDefaultField = 1423
	erNotUpdatable   = 1288
)

// checks are the views that look at rows, as they were found or made at leaves.
type checks struct {
	mu  sync.Mutex
	all map[checkAt]bool
}

// checkAt is such a view of a table in a database of a leaf.
type checkAt struct{ leaf, name string }

// maxChecks bounds what is remembered.
const maxChecks = 1 << 16

// erNoDefault: a column has no value and no default.
const erNoDefault = 1364

// throughViews runs a statement that views were taken out of, as a write through them where it is one. When it puts rows into a view, MariaDB does not name the columns that have no default.
func (s *session) throughViews(ctx context.Context, stmt *sqltext.Stmt, v *view.Spliced, src source) (err error) {
	if v.Unkeyed != "" && stmt.Kind == sqltext.KindUpdate && s.needsViewKeys() {
		s.warnings = s.warnings[:0]
		return &wire.ServerError{Code: erNotUpdatable, State: "HY000", Message: "The target table " + v.Unkeyed + " of the UPDATE is not updatable"}
	}
	if v.Unnumbered && stmt.Facts&sqltext.HasLastInsertID == 0 {
		defer func(was uint64) { s.last.insertID = was }(s.last.insertID)
	}
	if v.Check != nil && stmt.Kind != sqltext.KindExplain {
		err = s.checked(ctx, v, src)
	} else {
		err = s.withoutViews(ctx, v, src)
	}
	if v.Into == nil {
		return err
	}
	code := strconv.Itoa(erNoDefault)
	for i := range s.warnings {
		if n := &s.warnings[i]; n.Code == code && !s.givesDefault(v, n.Message) {
			n.Code, n.Message = strconv.Itoa(erNoDefaultField), ofView(erNoDefaultField, "", v.Into)
		}
	}
	var told *wire.ServerError
	if errors.As(err, &told) && told.Code == erNoDefault && !s.givesDefault(v, told.Message) {
		return &wire.ServerError{Code: erNoDefaultField, State: told.State, Message: ofView(erNoDefaultField, "", v.Into)}
	}
	return err
}

// needsViewKeys says whether the session has updatable_views_with_limit=NO.
func (s *session) needsViewKeys() bool {
	text, _ := s.tx.State().Get("updatable_views_with_limit")
	_, is, _ := strings.Cut(text, "=")
	is = strings.Trim(is, " '")
	return strings.EqualFold(is, "NO") || is == "0"
}

// givesDefault says whether the column without a default that a message is about is one that the statement gives DEFAULT, which MariaDB names.
func (s *session) givesDefault(v *view.Spliced, message string) bool {
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if w.scan.Scan(v.Text, s.mode()) != nil {
		return false
	}
	stmt, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil || stmt.Insert == nil {
		return false
	}
	named := func(column string) bool {
		return strings.EqualFold(message, "Field '"+column+"' doesn't have a default value")
	}
	return slices.ContainsFunc(stmt.Insert.Columns, func(n sqltext.Name) bool { return named(n.Text) }) ||
		slices.ContainsFunc(stmt.Insert.Set, func(a sqltext.Assign) bool { return named(a.Column.Name.Text) })
}

// checked runs a write through a view with a CHECK OPTION: leaves look at the rows, by views of their own.
func (s *session) checked(ctx context.Context, v *view.Spliced, src source) error {
	if s.tables {
		return unsupported("this statement", "on view '"+v.Check.View.DB+"."+v.Check.View.Name+"', whose CHECK OPTION has to be looked at, under LOCK TABLES: UNLOCK TABLES before")
	}
	said := &noticed{Output: src.out}
	src.out = said
	s.sess.Checked = v.Check.ID
	defer func() { s.sess.Checked = "" }()
	for again := false; ; again = true {
		err := s.makeChecks(ctx, v.Check, again)
		if err != nil {
			return err
		}
		err = s.withoutViews(ctx, v, src)
		var told *wire.ServerError
		if errors.As(err, &told) && told.Code == erNoSuchTableAt && !again && !said.any {
			continue // the partition has another master by now, or the leaf was made anew
		}
		name := v.Check.View
		for i := range s.warnings {
			if code, err := strconv.Atoi(s.warnings[i].Code); err == nil {
				s.warnings[i].Message = ofView(code, s.warnings[i].Message, name)
			}
		}
		switch {
		case told == nil:
		case told.Code == erViewInvalid:
			return unsupported("this statement", "on view '"+name.DB+"."+name.Name+"' by an account without rights of its own on the table that it writes to")
		default:
			return &wire.ServerError{Code: told.Code, State: told.State, Message: ofView(int(told.Code), told.Message, name)}
		}
		return err
	}
}

// ofView is a message that names a view of the leaf's with the client's in its place.
func ofView(code int, message string, v *topo.View) string {
	switch code {
	case erCheckFailed:
		return "CHECK OPTION failed `" + v.DB + "`.`" + v.Name + "`"
	case erNoDefaultField:
		return "Field of view '" + v.DB + "." + v.Name + "' underlying table doesn't have a default value"
	}
	return message
}

// makeChecks has the views that look at rows be where the rows may go. anew: what is remembered is not true.
func (s *session) makeChecks(ctx context.Context, c *view.Check, anew bool) error {
	snap := s.topology()
	put := func(leaf, schema string) error {
		at := checkAt{leaf, plan.CheckedName(c.ID, schema)}
		k := &s.g.checks
		k.mu.Lock()
		known := k.all[at]
		k.mu.Unlock()
		if known && !anew {
			return nil
		}
		own, err := s.g.cfg.Pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
		if err != nil {
			return err
		}
		defer own.Release()
		own.ResetOnRelease()
		if err = mariadb.MakeCheck(ctx, own, at.name, c.Query(schema), c.View); err != nil {
			return err
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.all == nil || len(k.all) >= maxChecks {
			k.all = map[checkAt]bool{}
		}
		k.all[at] = true
		return nil
	}
	if c.Table.Kind == topo.Reference {
		for name, l := range snap.Leaves {
			if !l.Member() {
				continue
			}
			if err := put(name, c.Table.DB); err != nil {
				return err
			}
		}
		return nil
	}
	d := snap.Databases[c.Table.DB]
	if d == nil {
		return topo.NoDatabase(c.Table.DB)
	}
	for i, p := range d.Partitions {
		leaf, ok := p.Master()
		if !ok || c.Table.Kind == topo.Single && i > 0 {
			continue
		}
		if err := put(leaf, p.ID.Schema()); err != nil {
			return err
		}
	}
	return nil
}
