package ddl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// keptEvents bounds Events.
const keptEvents = 100

// Recover finishes or undoes what nodes that are no more have left half done, and returns what became of it. It is called when a node starts; what
// a living node has left behind on a database is settled before the next DDL there. An error means that some records remain.
func (r *Runner) Recover(ctx context.Context) ([]Event, error) {
	recs, err := r.cfg.Catalog.DDLRecords(ctx)
	if err != nil {
		return nil, err
	}
	before := len(r.Events())
	var failed error
	for _, rec := range recs {
		if !rec.Orphan {
			continue
		}
		lock, err := r.cfg.Node.Lock(ctx, rec.Databases...)
		if err != nil {
			return nil, err
		}
		err = r.settle(ctx, lock, rec.Databases...)
		lock.Unlock()
		failed = errors.Join(failed, err)
	}
	all := r.Events()
	return all[min(before, len(all)):], failed
}

// Settle finishes or undoes what was cut off on databases whose lock is held. It is for whoever finds that there is something: DDL on the databases does it by itself.
func (r *Runner) Settle(ctx context.Context, lock *catalog.Lock, databases ...string) error {
	return r.settle(ctx, lock, databases...)
}

// joinWithin bounds how long Join tries to settle: a leaf that does not answer may be the one that it takes.
const joinWithin = 5 * time.Second

// Join is called, with the databases' lock held, before a leaf is given copies of their shapes. What was cut off is settled first; what can't be settled yet is
// copied as it is, and will be settled at that leaf, too.
func (r *Runner) Join(ctx context.Context, lock *catalog.Lock, leaf string, databases ...string) error {
	short, cancel := context.WithTimeout(ctx, joinWithin)
	err := r.settle(short, lock, databases...)
	cancel()
	if err == nil || ctx.Err() != nil {
		return err
	}
	recs, err := r.cfg.Catalog.DDLRecords(ctx, databases...)
	if err != nil {
		return unavailable(err)
	}
	for _, rec := range recs {
		j := &job{Runner: r, lock: lock, rec: rec}
		if err := json.Unmarshal(rec.Undo, &j.todo); err != nil {
			return fmt.Errorf("the journal's entry can't be read: %w", err)
		}
		p := place{Leaf: leaf, Schema: j.todo.DB}
		if slices.Contains(j.todo.Shapes, p) {
			continue
		}
		j.todo.Shapes = append(j.todo.Shapes, p)
		if err := j.save(ctx, "join "+leaf); err != nil {
			return err
		}
	}
	return nil
}

// Writes are the domains in which a statement under way may yet write.
func Writes(rec *catalog.DDLRecord) (domains []uint32) {
	var t todo
	if rec.Kind == leftovers || json.Unmarshal(rec.Undo, &t) != nil {
		return nil
	}
	for _, p := range t.Places {
		domains = append(domains, p.Domain)
	}
	return domains
}

// Unsettled are the databases on leaves that a statement under way makes or removes.
func Unsettled(rec *catalog.DDLRecord) (names []string) {
	var t todo
	if rec.Kind != "create database" && rec.Kind != "drop database" && rec.Kind != leftovers || json.Unmarshal(rec.Undo, &t) != nil {
		return nil
	}
	for _, p := range t.Places {
		names = append(names, p.Schema)
	}
	return append(names, t.DB)
}

// present are the shapes of those leaves that are members still. Others are given copies when they come back.
func present(s *topo.Snapshot, places []place, db string) (out []place) {
	for _, p := range places {
		if l := s.Leaves[p.Leaf]; p.Schema != db || l != nil && l.Member() {
			out = append(out, p)
		}
	}
	return out
}

// settle finishes or undoes what was cut off on databases whose lock is held: nobody else is at it.
func (r *Runner) settle(ctx context.Context, lock *catalog.Lock, databases ...string) error {
	recs, err := r.cfg.Catalog.DDLRecords(ctx, databases...)
	if err != nil {
		return unavailable(err)
	}
	for _, rec := range recs {
		if err := r.cfg.Catalog.Sync(ctx); err != nil {
			return unavailable(err)
		}
		j := &job{Runner: r, lock: lock, rec: rec, snap: r.cfg.Catalog.Snapshot()}
		kind := rec.Kind
		outcome, err := j.settleOne(ctx)
		if errors.Is(err, errCrash) {
			return err
		}
		if err != nil {
			outcome = "failed: " + err.Error()
		}
		if err == nil && (j.waits || kind == leftovers) { // it was told when it was begun
			continue
		}
		r.note(rec.ID, Event{Time: time.Now(), Database: rec.Databases[0], Statement: rec.Statement, Outcome: outcome})
		if err != nil {
			return unfinished(fmt.Sprintf("An earlier statement on database '%s' was cut off and can't be settled yet: %v", rec.Databases[0], err), err)
		}
	}
	return nil
}

// note tells what has become of a statement, once: those that wait for it try to settle it again and again.
func (r *Runner) note(record uint64, e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told[record] == e.Outcome {
		return
	}
	if r.told[record] = e.Outcome; e.Outcome == finished || e.Outcome == undone {
		delete(r.told, record)
	}
	r.log.Warn("ddl: a statement that was cut off", "database", e.Database, "statement", e.Statement, "outcome", e.Outcome)
	r.events = append(r.events, e)
	if n := len(r.events) - keptEvents; n > 0 {
		r.events = slices.Delete(r.events, 0, n)
	}
}

func (j *job) settleOne(ctx context.Context) (string, error) {
	if err := json.Unmarshal(j.rec.Undo, &j.todo); err != nil {
		return "", fmt.Errorf("the journal's entry can't be read: %w", err)
	}
	if j.todo.Go {
		j.decided = certainly
	}
	ctx, done := j.bind(ctx)
	defer done()
	j.endWithLock()
	if j.waits = j.rec.Kind == leftovers && j.nobodyBack(); j.waits {
		return finished, nil
	}
	wherever := j.rec.Kind == "create database" || j.rec.Kind == leftovers // also where there is no leaf
	if !wherever && j.rec.Kind != "restore" {
		var err error
		if j.todo.Places, err = j.positions(ctx, j.snap, j.refreshed(j.todo.Places)); err != nil {
			return "", err
		}
		if j.rec.Undo, err = json.Marshal(j.todo); err != nil {
			return "", err
		}
	}
	// From here on the record is this node's.
	if err := j.lock.SaveDDL(ctx, j.rec); err != nil {
		return "", err
	}
	if !wherever && j.rec.Kind != "restore" { // of which a leaf that comes back is given no copy
		j.todo.Shapes, j.todo.Places = present(j.snap, j.todo.Shapes, j.todo.DB), present(j.snap, j.todo.Places, j.todo.DB)
	}
	if len(j.todo.Shapes) == 0 && !wherever {
		return "", topo.NoOnlineLeaf()
	}
	undo := func(err error) (string, error) {
		if err != nil {
			return "", err
		}
		return undone, j.commit(ctx, nil)
	}
	switch t := j.todo; j.rec.Kind {
	case "create database":
		return undone, j.undoCreateDatabase(ctx)
	case leftovers:
		return finished, j.clearLeftovers(ctx)
	case "restore":
		return undo(j.settleRestore(ctx))
	case "alter database":
		old, err := j.snap.Database(t.DB)
		if err != nil {
			return undo(nil)
		}
		return undo(j.likeDatabase(ctx, t, old))
	case "drop database":
		if !t.Go {
			all, err := j.atAll(func(p place) (bool, error) { return j.hasDatabase(ctx, p) })
			if err != nil {
				return "", err
			}
			if all {
				return undo(nil)
			}
		}
		return finished, j.finishDropDatabase(ctx)
	case "create table":
		return undo(j.dropTable(ctx, append(slices.Clone(t.Shapes), t.Places...), t.Tables...))
	case "drop table":
		gone := t.Tables
		if !t.Go {
			var err error
			if gone, err = j.gone(ctx); err != nil {
				return "", err
			}
			if len(gone) == 0 {
				return undo(nil)
			}
		}
		return finished, j.finishDrop(ctx, gone)
	case "truncate":
		table := j.snap.Table(t.DB, t.Tables[0])
		if table == nil || !t.Go && !t.Reference {
			return undo(nil)
		}
		if !t.Go {
			// Only what the first shape has done is proof that the client's account may.
			all, err := j.atAll(func(p place) (bool, error) {
				res, err := j.asCluster(ctx, p, "", "SELECT 1 FROM "+id(t.DB)+"."+id(table.Name)+" LIMIT 1")
				return err == nil && len(res.Rows) > 0, err
			})
			if err != nil {
				return "", err
			}
			if all {
				return undo(nil)
			}
		}
		return finished, j.finishTruncate(ctx, table)
	case "rename":
		return undo(j.undoRename(ctx))
	case shardKey:
		if !t.Go {
			return undo(j.undoReshard(ctx))
		}
		return finished, j.finishReshard(ctx)
	case "alter sequence": // one statement at one place, done or not
		return undo(nil)
	case "view":
		return undo(j.alignViews(ctx))
	case "event":
		return undo(j.alignEvents(ctx))
	case "trigger":
		return undo(j.undoTriggers(ctx))
	case "routine":
		return undo(j.alignRoutines(ctx))
	case "alter":
		if t.Reference {
			if err := j.dropTry(ctx); err != nil {
				return "", err
			}
		}
		if !t.Go && t.Reference {
			all, err := j.atAll(func(p place) (bool, error) {
				now, err := j.showCreate(ctx, p, t.Tables[0])
				return now == t.Before[t.Tables[0]], err
			})
			if err != nil {
				return "", err
			}
			if all {
				return undo(nil)
			}
			t.Go = true
		}
		if !t.Go {
			return undo(j.undoAlter(ctx))
		}
		return finished, j.finishAlter(ctx)
	}
	return "", fmt.Errorf("the journal's entry is of an unknown kind, %q", j.rec.Kind)
}

// atAll says whether something holds at all shapes. The first one's word was enough, were it certain to be there: it is changed before the others.
func (j *job) atAll(holds func(p place) (bool, error)) (bool, error) {
	for _, p := range j.todo.Shapes {
		if ok, err := holds(p); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (j *job) hasDatabase(ctx context.Context, p place) (bool, error) {
	res, err := j.asCluster(ctx, p, "", "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+lit(p.Schema))
	if err != nil {
		return false, err
	}
	return len(res.Rows) > 0, nil
}

// finishAlter runs the statement wherever the table is still as it was. It was accepted under the client's account before.
func (j *job) finishAlter(ctx context.Context) error {
	t := j.todo
	name := t.Tables[0]
	old := j.snap.Table(t.DB, name)
	if old == nil {
		return topo.NoTable(t.DB, name)
	}
	todo := func(places []place, before string, text template) error {
		_, err := each(places, func(p place) error {
			if t.Try != "" {
				if _, err := j.asCluster(ctx, p, "", "DROP TABLE IF EXISTS "+id(p.Schema)+"."+id(t.Try)); err != nil {
					return err
				}
			}
			now, err := j.showCreate(ctx, p, name)
			if err != nil || now != before {
				return err
			}
			_, err = j.asCluster(ctx, p, p.Schema, t.Settings, text.in(p.Schema))
			return err
		})
		return err
	}
	if err := todo(t.Shapes, t.Before[name], t.ShapeText); err != nil {
		return err
	}
	if err := todo(t.Places, t.PartBefore, t.Text); err != nil {
		return err
	}
	d, err := j.describe(ctx, t.Shapes[0], j.nameNow(name))
	if err != nil {
		return err
	}
	if d == nil {
		return topo.NoTable(t.DB, name)
	}
	if t.Placing != nil {
		table := t.Placing.table(t.DB, name, d)
		table.Triggers = old.Triggers
		return j.commitTable(ctx, table)
	}
	table, err := merged(old, name, d)
	if err != nil {
		return err
	}
	return j.commitTable(ctx, table)
}
