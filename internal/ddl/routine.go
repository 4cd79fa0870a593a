package ddl

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/trigger"
)

// changeRoutine is CREATE, ALTER and DROP of a procedure or function. It holds nothing: it is made at the shapes, from what the first one says of it, and undone by making all shapes what the
// topology says.
func (j *job) changeRoutine(ctx context.Context) (*Result, error) {
	kind := topo.RoutineKind(j.d.Object)
	db, name, err := j.target(&j.d.Program)
	if err != nil {
		return nil, err
	}
	if err := j.onShapes(ctx, db); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	j.todo.Tables, j.todo.Routine = []string{name}, kind
	old := j.snap.Routine(kind, db, name)
	if old == nil && j.d.Verb != "CREATE" {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // MariaDB says it: 1305, or a note
	}
	if err := j.trustCreators(ctx); err != nil {
		return nil, clientError(err, db)
	}
	if err := j.record(ctx, "routine"); err != nil {
		return nil, err
	}
	over := func(context.Context) error { return nil }
	if kind == topo.Function && old != nil && (j.d.Verb != "CREATE" || j.d.OrReplace) {
		over = j.recastOver
		if err := j.recast(ctx); err != nil {
			return nil, j.abandon(err, over)
		}
	}
	res, err := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if err != nil {
		undo := j.undoIfUnsure(err, j.alignRoutines)
		if undo == nil {
			undo = over
		}
		return nil, j.abandon(unavailable(err), undo)
	}
	now, err := j.routineNow(ctx, kind, db, name)
	if err == nil && (now == old || now != nil && old != nil && now.Same(old)) {
		return res, j.abandon(nil, over) // it was there, or was not, which is a note
	}
	if err == nil && now != nil {
		now.Revision, err = j.cfg.Catalog.NewTableID(ctx)
		err = unavailable(err)
	}
	if err == nil {
		_, err = each(j.todo.Shapes[1:], func(p place) error { return j.alignRoutine(ctx, p, kind, name, now) })
	}
	if err == nil && now != nil && j.d.Verb == "CREATE" {
		err = j.grantCreator(ctx, now)
	}
	if err == nil {
		err = j.commit(ctx, func(x *catalog.Txn) error {
			setRecast(x, db, false)
			if now == nil {
				x.DropRoutine(db, topo.RoutineKey(kind, name))
			} else {
				x.PutRoutine(now)
			}
			return nil
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.alignRoutines)
	}
	return res, nil
}

// onShapes prepares a statement on what only shapes have.
func (j *job) onShapes(ctx context.Context, db string) error {
	if err := j.begin(ctx, db); err != nil {
		return err
	}
	_, err := j.snap.Database(db)
	var all []place
	if err == nil {
		all, err = shapes(j.snap, db)
	}
	if err == nil {
		err = j.reach(ctx, all)
	}
	if err != nil {
		j.lock.Unlock()
		return err
	}
	j.todo = todo{DB: db, Shapes: all}
	return nil
}

// trustCreators: without SUPER MariaDB takes no trigger or function where there is a binary log, as one of statements might not do the same at replicas. Those of the cluster have rows.
// Sessions ask any leaf to drop one that is not there.
func (j *job) trustCreators(ctx context.Context) error {
	_, err := each(j.todo.Shapes, func(p place) error {
		_, err := j.asCluster(ctx, p, "", "SET GLOBAL log_bin_trust_function_creators=ON")
		return err
	})
	return err
}

// routineNow is a routine as the first shape has it by now, judged; nil when there is none.
func (j *job) routineNow(ctx context.Context, kind topo.RoutineKind, db, name string) (*topo.Routine, error) {
	c, err := j.own(ctx, j.todo.Shapes[0], "")
	if err != nil {
		return nil, err
	}
	defer c.Release()
	r, err := mariadb.ReadRoutine(ctx, c, kind, db, name)
	switch {
	case errors.Is(err, mariadb.ErrRoutineText):
		return nil, unsupported("stored routines with names beyond ASCII, or with characters that are no text in UTF-8: SET NAMES utf8mb4 before " + j.d.Verb + " " + j.d.Object)
	case err != nil || r == nil:
		return nil, err
	}
	return r, routineStands(j.snap, r)
}

// functionsIn finds functions of a database.
func functionsIn(s *topo.Snapshot, db string) trigger.Functions {
	return func(name string) *topo.Routine { return s.Routine(topo.Function, db, name) }
}

// routineStands judges a routine by the cluster's rules.
func routineStands(s *topo.Snapshot, r *topo.Routine) error {
	what := strings.ToUpper(string(r.Kind)[:1]) + strings.ToLower(string(r.Kind)[1:])
	if strings.HasPrefix(r.Definer, clusterUser+"@") {
		return refuse(1227, "42000", "%s '%s.%s' can't have the DEFINER %s: the account is the cluster's own", what, r.DB, r.Name, r.Definer)
	}
	if slices.Contains(strings.Split(r.SQLMode, ","), "ORACLE") {
		return unsupported("stored routines of sql_mode ORACLE: set another one before CREATE " + string(r.Kind))
	}
	if _, _, err := readRoutine(r); err != nil {
		return err
	}
	if r.Kind == topo.Procedure {
		return nil
	}
	return functionError(r.Name, trigger.Function(r, lookIn(s, r.DB, nil), functionsIn(s, r.DB)))
}

// readRoutine parses a routine's text, which must be what makes it.
func readRoutine(r *topo.Routine) (*sqltext.Scan, *sqltext.Stmt, error) {
	scan := new(sqltext.Scan)
	mode := trigger.Mode(r.SQLMode)
	unread := unsupported(string(r.Kind) + " " + r.Name + ", whose text can't be read")
	if err := scan.Scan([]byte(r.Text), mode); err != nil || scan.More {
		return nil, nil, unread
	}
	stmt, err := sqltext.Parse(scan, mode)
	if err != nil || stmt.Kind != sqltext.KindDDL || stmt.DDL == nil {
		return nil, nil, unread
	}
	if d := stmt.DDL; d.Verb != "CREATE" || d.Object != string(r.Kind) || d.OrReplace || d.Program.DB.Tok >= 0 || d.Program.Name.Text != r.Name {
		return nil, nil, unread
	}
	return scan, stmt, nil
}

// moveRoutine has a routine that was one of the database of another name call the tables and functions of that by its own database's.
func moveRoutine(r *topo.Routine, of string) error {
	scan, stmt, err := readRoutine(r)
	if err != nil || of == r.DB {
		return err
	}
	var edits []edit
	for _, n := range slices.Concat(stmt.Tables, stmt.Calls) {
		if n.DB.Tok >= 0 && n.DB.Text == of {
			edits = append(edits, edit{n.Span, id(r.DB) + "." + id(n.Name.Text)})
		}
	}
	r.Text = withoutOurs(scan, stmt, edits)
	return nil
}

// alignRoutine gives a shape a routine as it is to be; nil: none of that name.
func (j *job) alignRoutine(ctx context.Context, p place, kind topo.RoutineKind, name string, want *topo.Routine) error {
	if err := j.step("routine at " + p.Leaf + "/" + p.Schema); err != nil {
		return err
	}
	c, err := j.own(ctx, p, p.Schema)
	if err != nil {
		return err
	}
	defer c.Release()
	if want == nil {
		_, err := c.Query(ctx, "DROP "+string(kind)+" IF EXISTS "+id(p.Schema)+"."+id(name))
		return err
	}
	have, err := mariadb.ReadRoutine(ctx, c, kind, p.Schema, name)
	if err == nil && have != nil && have.Same(want) || err != nil && !errors.Is(err, mariadb.ErrRoutineText) {
		return err
	}
	if err := chooseAnew(ctx, c, p.Schema); err != nil { // whose collation its parameters get
		return err
	}
	return mariadb.MakeRoutine(ctx, c, want)
}

// alignRoutines gives all shapes the routine that the topology has by the statement's name, or none.
func (j *job) alignRoutines(ctx context.Context) error {
	kind, name := j.todo.Routine, j.todo.Tables[0]
	want := j.cfg.Catalog.Snapshot().Routine(kind, j.todo.DB, name)
	if _, err := each(j.todo.Shapes, func(p place) error { return j.alignRoutine(ctx, p, kind, name, want) }); err != nil {
		return err
	}
	return j.recastOver(ctx)
}

// recast keeps statements that call functions of the database waiting at all nodes, and waits for those that are under way: each is to meet a function as it was or as it will be, at all
// of its partitions. 1205: one takes too long.
func (j *job) recast(ctx context.Context) error {
	if err := j.step("recast"); err != nil {
		return err
	}
	rev, err := j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
		x.Hold(j.lock)
		setRecast(x, j.todo.DB, true)
		return nil
	})
	if err != nil || j.cfg.Seen == nil {
		return unavailable(err)
	}
	for began := time.Now(); ; {
		undrained, err := j.cfg.Seen(ctx, rev)
		if err != nil || !undrained[topo.PartitionID{DB: j.todo.DB, Ordinal: topo.FunctionsOrdinal}] {
			return unavailable(err)
		}
		if time.Since(began) > lockWait*time.Second {
			return refuse(erLockWait, "HY000", "Lock wait timeout exceeded; a statement that calls stored functions of the database is under way")
		}
		pause(ctx, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// recastOver lets such statements go on.
func (j *job) recastOver(ctx context.Context) error {
	_, err := j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
		x.Hold(j.lock)
		setRecast(x, j.todo.DB, false)
		return nil
	})
	return unavailable(err)
}

func setRecast(x *catalog.Txn, db string, on bool) {
	if d := x.Database(db); d != nil && d.Recast != on {
		c := *d
		c.Recast = on
		x.PutDatabase(&c)
	}
}

// grantCreator gives the account that has made a routine the rights on it at all leaves that the first one has given to it, as MariaDB does for whoever has none by then. Rights are each
// leaf's own, and not replicated.
func (j *job) grantCreator(ctx context.Context, r *topo.Routine) error {
	const columns = "Host, Db, User, Routine_name, Routine_type, Grantor, Proc_priv, Timestamp"
	res, err := j.asCluster(ctx, j.todo.Shapes[0], "mysql", "SELECT Host, User, Grantor, CAST(Proc_priv AS CHAR), Timestamp FROM procs_priv WHERE Db = "+lit(r.DB)+" AND Routine_type = "+lit(string(r.Kind))+
		" AND Routine_name = "+lit(r.Name))
	if err != nil || len(res.Rows) == 0 {
		return err
	}
	var rows []string
	for _, v := range res.Rows {
		rows = append(rows, "("+strings.Join([]string{lit(string(v[0])), lit(r.DB), lit(string(v[1])), lit(r.Name), lit(string(r.Kind)), lit(string(v[2])), lit(string(v[3])), lit(string(v[4]))}, ", ")+")")
	}
	_, err = each(j.todo.Shapes[1:], func(p place) error {
		_, err := j.asCluster(ctx, p, "mysql", "SET sql_log_bin=0", "REPLACE INTO procs_priv ("+columns+") VALUES "+strings.Join(rows, ", "), "FLUSH LOCAL PRIVILEGES")
		return err
	})
	return err
}

// keptByCollation refuses another character set for a database with what keeps the one that it had when it was made: copies would have the other.
func keptByCollation(d *topo.Database) error {
	for _, key := range slices.Sorted(maps.Keys(d.Routines)) {
		r := d.Routines[key]
		return unsupported("ALTER DATABASE of the character set of a database with stored routines: DROP " + string(r.Kind) + " " + r.Name + " before, and make it anew afterwards")
	}
	return triggersOfDatabase(d)
}

// Drafted says whether the CREATE FUNCTION of a client would be refused, before a leaf has the function: an *Error.
func Drafted(s *topo.Snapshot, scan *sqltext.Scan, d *sqltext.DDL, db string) error {
	if d.Object != "FUNCTION" || d.Verb != "CREATE" || d.Function == nil {
		return nil
	}
	return functionError(d.Program.Name.Text, trigger.Drafted(scan, d, db, lookIn(s, db, nil), functionsIn(s, db)))
}

func functionError(name string, err error) error {
	var no *trigger.Error
	if errors.As(err, &no) {
		return unsupported("CREATE FUNCTION " + name + "' with '" + no.Reason)
	}
	return err
}

// IsRoutine says whether a statement is about a stored procedure or function, of the kind that databases of the cluster have.
func IsRoutine(d *sqltext.DDL) bool { return d.Object == "PROCEDURE" || d.Object == "FUNCTION" }
