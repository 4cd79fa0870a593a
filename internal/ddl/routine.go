package ddl

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

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
	res, err := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if err != nil {
		return nil, j.abandon(unavailable(err), j.undoIfUnsure(err, j.alignRoutines))
	}
	now, err := j.routineNow(ctx, kind, db, name)
	if err == nil && (now == old || now != nil && old != nil && now.Same(old)) {
		return res, j.abandon(nil, nil) // it was there, or was not, which is a note
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
		return nil, unsupported("stored routines with names beyond ASCII, or with characters beyond ASCII that are not written in UTF-8: SET NAMES utf8mb4 before " + j.d.Verb + " " + j.d.Object)
	case errors.Is(err, mariadb.ErrAggregate):
		return nil, unsupported("CREATE AGGREGATE FUNCTION: its rows would be those of one partition")
	case err != nil || r == nil:
		return nil, err
	}
	return r, routineStands(r)
}

// routineStands judges a routine by the cluster's rules.
func routineStands(r *topo.Routine) error {
	what := strings.ToUpper(string(r.Kind)[:1]) + strings.ToLower(string(r.Kind)[1:])
	if strings.HasPrefix(r.Definer, clusterUser+"@") {
		return refuse(1227, "42000", "%s '%s.%s' can't have the DEFINER %s: the account is the cluster's own", what, r.DB, r.Name, r.Definer)
	}
	if r.Kind == topo.Function {
		return unsupported("CREATE FUNCTION: write its expression out, or put it into a view or a generated column")
	}
	if slices.Contains(strings.Split(r.SQLMode, ","), "ORACLE") {
		return unsupported("stored routines of sql_mode ORACLE: set another one before CREATE " + string(r.Kind))
	}
	scan := new(sqltext.Scan)
	mode := trigger.Mode(r.SQLMode)
	unread := unsupported(what + " " + r.Name + ", whose text can't be read")
	if err := scan.Scan([]byte(r.Text), mode); err != nil || scan.More {
		return unread
	}
	stmt, err := sqltext.Parse(scan, mode)
	if err != nil || stmt.Kind != sqltext.KindDDL || stmt.DDL == nil {
		return unread
	}
	if d := stmt.DDL; d.Verb != "CREATE" || d.Object != string(r.Kind) || d.OrReplace || d.Program.DB.Tok >= 0 || d.Program.Name.Text != r.Name {
		return unread
	}
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
	if err == nil && have != nil && have.Same(want) || err != nil && !errors.Is(err, mariadb.ErrRoutineText) && !errors.Is(err, mariadb.ErrAggregate) {
		return err
	}
	for _, sql := range anew(p.Schema) { // whose collation its parameters get
		if _, err := c.Query(ctx, sql); err != nil {
			return err
		}
	}
	return mariadb.MakeRoutine(ctx, c, want)
}

// alignRoutines gives all shapes the routine that the topology has by the statement's name, or none.
func (j *job) alignRoutines(ctx context.Context) error {
	kind, name := j.todo.Routine, j.todo.Tables[0]
	want := j.cfg.Catalog.Snapshot().Routine(kind, j.todo.DB, name)
	_, err := each(j.todo.Shapes, func(p place) error { return j.alignRoutine(ctx, p, kind, name, want) })
	return err
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

// IsRoutine says whether a statement is about a stored procedure or function, of the kind that databases of the cluster have.
func IsRoutine(d *sqltext.DDL) bool { return d.Object == "PROCEDURE" || d.Object == "FUNCTION" }
