package ddl

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// alterTable runs ALTER TABLE, CREATE INDEX and DROP INDEX.
func (j *job) alterTable(ctx context.Context) (*Result, error) {
	if len(j.d.Tables) == 0 {
		return nil, unsupported("this form of " + j.d.Verb + " " + j.d.Object)
	}
	if len(j.d.Tables) > 0 {
		n := j.d.Tables[0]
		if err := notAView(j.cfg.Catalog.Snapshot(), j.dbOf(n), n.Name.Text); err != nil {
			return nil, err
		}
	}
	renaming := j.renaming()
	if renaming != nil && len(j.d.Actions) == 1 {
		return j.rename(ctx, []*sqltext.TableName{j.d.Tables[0], renaming.To})
	}
	db, name, err := j.target(j.d.Tables[0])
	if err != nil {
		return nil, err
	}
	if err := j.begin(ctx, db); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	all, err := shapes(j.snap, db)
	if err != nil {
		return nil, err
	}
	old, err := j.snap.MustTable(db, name)
	if errors.Is(err, topo.ErrNoTable) && j.d.IfExists {
		return j.first(ctx, all[0], j.spliced())
	}
	if err != nil {
		return nil, err
	}
	if j.d.ShardKey != nil {
		if err := j.underLocks("ALTER TABLE … SHARD KEY"); err != nil {
			return nil, err
		}
		return j.reshard(ctx, old, all)
	}
	if old.Kind == topo.Sequence {
		return nil, unsupported("ALTER TABLE of a sequence, but for RENAME: use ALTER SEQUENCE")
	}
	if old.Kind == topo.Linked {
		if renaming != nil {
			return nil, unsupported("ALTER TABLE … RENAME TO together with other changes, of a linked table: change the name by itself")
		}
		return j.alterLinked(ctx, old, all)
	}
	if a := j.exchanges(); a != nil {
		return j.exchange(ctx, old, a, all[0])
	}
	if err := j.alterable(); err != nil {
		return nil, err
	}
	if err := j.linksNothing(old); err != nil {
		return nil, err
	}
	if j.todo.Places, err = partitions(j.snap, db); err != nil {
		return nil, err
	}
	if old.Kind == topo.Reference {
		j.todo.Places = nil
	}
	if err := j.reach(ctx, all, j.todo.Places); err != nil {
		return nil, err
	}
	j.todo.DB, j.todo.Tables, j.todo.Shapes, j.todo.Reference = db, []string{name}, all, old.Kind == topo.Reference
	if renaming != nil {
		if err := j.renames(ctx, old, renaming); err != nil {
			return nil, err
		}
	}
	j.todo.ShapeText = template(j.spliced())
	j.todo.Text = j.partText(db, j.references(db), j.renamedAs(renaming)...)
	before := ""
	if err := together(func() (err error) {
		before, err = j.showCreate(ctx, all[0], name)
		return clientError(err, "")
	}, func() (err error) {
		if len(j.todo.Places) > 0 {
			j.todo.PartBefore, err = j.showLocked(ctx, j.todo.Places[0], name)
		}
		return clientError(err, "")
	}, func() (err error) {
		j.todo.Settings, err = j.settings(ctx, all[0])
		return unavailable(err)
	}, func() (err error) {
		j.was, err = j.describe(ctx, all[0], name)
		return clientError(err, "")
	}); err != nil {
		return nil, err
	}
	if more, err := j.evenHistory(ctx, slices.Concat(all, j.todo.Places), name, before); err != nil {
		return nil, clientError(err, db)
	} else if more {
		if before, err = j.showCreate(ctx, all[0], name); err != nil {
			return nil, clientError(err, "")
		}
		if len(j.todo.Places) > 0 {
			if j.todo.PartBefore, err = j.showLocked(ctx, j.todo.Places[0], name); err != nil {
				return nil, clientError(err, "")
			}
		}
	}
	j.todo.Before = map[string]string{name: before}
	if err := j.record(ctx, "alter"); err != nil {
		return nil, err
	}
	if j.todo.Reference {
		return j.alterReference(ctx, old)
	}
	return j.alter(ctx, db, old)
}

// moved says what does instead of what alterable refuses.
var moved = map[string]string{
	"CONVERT PARTITION": ": CREATE TABLE … LIKE, ALTER TABLE … REMOVE PARTITIONING of that, EXCHANGE PARTITION, DROP PARTITION",
	"CONVERT TABLE":     ": ADD PARTITION, EXCHANGE PARTITION, DROP TABLE",
}

// alterable refuses what moves data between tables or files.
func (j *job) alterable() error {
	for _, a := range j.d.Actions {
		for _, verb := range []string{"EXCHANGE", "DISCARD", "IMPORT", "CONVERT PARTITION", "CONVERT TABLE"} {
			if strings.HasPrefix(a.Verb, verb) {
				return unsupported("ALTER TABLE … " + a.Verb + moved[verb])
			}
		}
	}
	return nil
}

// linksNothing refuses what would make a table with rows of its own a linked one.
func (j *job) linksNothing(t *topo.Table) error {
	if strings.EqualFold(j.d.Engine, spiderEngine) || slices.ContainsFunc(j.d.Actions, func(a sqltext.AlterAction) bool { return slices.ContainsFunc(a.PartitionDefs, hasSpider) }) ||
		j.d.Partitioning != nil && slices.ContainsFunc(j.d.Partitioning.Partitions, hasSpider) {
		return refuse(1235, "42000", "Table '%s' has rows of its own and can't become a linked table by ALTER TABLE: make a linked table, copy the rows with INSERT … SELECT, and change the names", t.Name)
	}
	return nil
}

// settings are the session's variables that decide what the text means, as a SET statement.
func (j *job) settings(ctx context.Context, p place) (string, error) {
	names := []string{"sql_mode", "character_set_client", "character_set_connection", "collation_connection",
		"foreign_key_checks", "unique_checks", "check_constraint_checks", "default_storage_engine", "timestamp"}
	c, err := j.client(ctx, p, j.s.Schema, j.s.State) // where the statement is run afterwards
	if err != nil {
		return "", err
	}
	defer c.Release()
	res, err := c.Query(ctx, "SELECT @@"+strings.Join(names, ", @@"))
	if err != nil {
		return "", err
	}
	var sets []string
	for i, n := range names {
		v := res.Rows[0][i]
		if _, err := strconv.ParseFloat(string(v), 64); err == nil {
			sets = append(sets, n+"="+string(v))
		} else {
			sets = append(sets, n+"="+lit(string(v)))
		}
	}
	return "SET " + strings.Join(sets, ", "), nil
}

func (j *job) alter(ctx context.Context, db string, old *topo.Table) (*Result, error) {
	first, name, was := j.todo.Shapes[0], old.Name, j.was
	j.last = true
	// What MariaDB does in an instant does not look at rows, and can't fail on them, with one exception: noZeros.
	instant := !j.makesIndex()
	var res *Result
	var err error
	if instant {
		res, err = j.first(ctx, first, string(j.todo.ShapeText)+j.instantly())
		_, no := refused(err)
		instant = !no
	}
	if !instant {
		res, err = j.first(ctx, first, string(j.todo.ShapeText))
	}
	if err != nil {
		return nil, j.abandon(err, j.undoIfUnsure(err, j.undoAlter))
	}
	var now *described
	var others error // is of what is done at the other shapes meanwhile, whatever is judged
	if err = together(func() (err error) {
		now, err = j.describe(ctx, first, j.nameNow(name))
		return err
	}, func() error {
		_, others = each(j.todo.Shapes[1:], func(p place) error {
			_, err := j.asClient(ctx, p, j.s.Schema, string(j.todo.ShapeText))
			return err
		})
		if errors.Is(others, errCrash) {
			return errCrash
		}
		return nil
	}); err == nil && now == nil {
		err = topo.NoTable(db, name)
	}
	var t *topo.Table
	if err == nil {
		if t, err = merged(old, name, now); err == nil {
			err = j.keysStay(old)
		}
		if err == nil {
			is := j.underNewName(t)
			if err = check(j.snap, is, now); err == nil {
				err = triggersStandWith(j.snap, is)
			}
		}
		if err != nil {
			if j.s.Locks != nil || j.todo.NewName != "" {
				return nil, j.abandon(clientError(err, db), j.undoAlter)
			}
			if t, err = j.chosenAnew(ctx, old, now, err); err != nil {
				err = j.gathering(ctx, name, now, err)
			}
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.undoAlter)
	}
	if others != nil {
		return nil, j.abandon(clientError(others, db), j.undoAlter)
	}
	defer func() {
		res.Affected += j.copied.Load()
		j.toldOfRows(res)
	}()
	if instant && j.todo.Placing == nil && !j.noZeros(was, now) {
		return res, j.rollForward(ctx, t)
	}
	if added := j.onlyIndexes(was, now); len(added) > 0 && j.todo.Placing == nil {
		j.todo.Indexes = added
		if err := j.save(ctx, "indexes"); err != nil {
			return nil, j.abandon(err, j.undoAlter)
		}
		_, err := each(j.todo.Places, func(p place) error {
			_, err := j.asClient(ctx, p, p.Schema, j.todo.Text.in(p.Schema))
			return err
		})
		if err == nil {
			err = j.commitTable(ctx, t)
			if errors.Is(err, catalog.ErrUnknown) {
				return nil, unfinished(err.Error(), err)
			}
		}
		if err != nil {
			return nil, j.abandon(clientError(err, db), j.undoAlter)
		}
		return res, nil
	}
	var times [2]string
	if was.typ == versioned {
		if times, err = j.versions(ctx, old, "this ALTER of the system-versioned table '"+name+"', which copies rows: "); err != nil {
			return nil, j.abandon(clientError(err, db), j.undoAlter)
		}
	}
	if err := j.numberable(ctx, t, was, now); err != nil {
		return nil, j.abandon(clientError(err, db), j.undoAlter)
	}
	if j.placed != nil {
		res.Notes = append(res.Notes, *j.placed)
	}
	return res, j.rehearsed(ctx, t, was, times)
}

// makesIndex says that a statement makes an index, which is never done in an instant.
func (j *job) makesIndex() bool {
	if j.d.Object == "INDEX" {
		return j.d.Verb == "CREATE" && !j.d.OrReplace && !j.d.IfNotExists
	}
	return slices.ContainsFunc(j.d.Actions, func(a sqltext.AlterAction) bool {
		for i := a.Span.From; i < a.Span.To; i++ {
			if j.scan.Tokens[i].KW == sqltext.KwExists { // it may be there
				return false
			}
		}
		return a.Key != nil && strings.HasPrefix(a.Verb, "ADD")
	})
}

// instantly is what makes MariaDB refuse a change that is more than one of definitions.
func (j *job) instantly() string {
	if j.d.Object == "INDEX" {
		return " ALGORITHM=INSTANT"
	}
	return ", ALGORITHM=INSTANT"
}

// onlyIndexes lists the indexes that a statement has added when it did nothing else, so that dropping them undoes it.
func (j *job) onlyIndexes(was, now *described) []string {
	if len(was.foreign) > 0 || len(now.foreign) > 0 || j.todo.NewName != "" || j.ignores() { // IGNORE deletes rows
		return nil // adding an index can drop the one that a foreign key brought along
	}
	if j.d.Object == "INDEX" {
		if j.d.Verb != "CREATE" || j.d.OrReplace {
			return nil
		}
	} else {
		if len(j.d.Actions) == 0 {
			return nil
		}
		for _, a := range j.d.Actions {
			if a.Key == nil || a.Key.Primary || !strings.HasPrefix(a.Verb, "ADD") || strings.Contains(a.Verb, "FOREIGN") || strings.Contains(a.Verb, "CHECK") {
				return nil
			}
		}
	}
	var added []string
	for _, k := range now.keys {
		if !slices.ContainsFunc(was.keys, func(o key) bool { return o.name == k.name }) {
			added = append(added, k.name)
		}
	}
	if slices.Contains(added, "PRIMARY") {
		return nil
	}
	return added
}

// rollForward does on all other places what the first shape has done, come what may.
func (j *job) rollForward(ctx context.Context, t *topo.Table) error {
	j.todo.Go = true
	if err := j.save(ctx, "go"); err != nil {
		if j.todo.Reference {
			return j.late(err)
		}
		return j.abandon(err, j.undoAlter)
	}
	ctx, cancel := j.detached()
	defer cancel()
	others := j.todo.Places
	if j.todo.Reference {
		others = j.todo.Shapes[1:]
	}
	if _, err := each(others, func(p place) error {
		schema, text := p.Schema, j.todo.Text.in(p.Schema)
		if j.todo.Reference {
			schema, text = j.s.Schema, string(j.todo.ShapeText)
		}
		res, err := j.asClient(ctx, p, schema, text)
		if err == nil && !j.todo.Reference {
			j.copied.Add(res.Affected)
		}
		return err
	}); err != nil {
		return j.late(err)
	}
	if err := j.commitTable(ctx, t); err != nil {
		return j.late(err)
	}
	return nil
}

// late is the error of a statement that was decided on and is not finished everywhere.
func (j *job) late(err error) error {
	if errors.Is(err, errCrash) {
		return err
	}
	j.log.Warn("ddl: a statement is not finished everywhere; it will be", "statement", j.rec.Statement, "error", err)
	return notEverywhere(err)
}

func (j *job) commitTable(ctx context.Context, t *topo.Table) error {
	if err := j.counter(ctx, t); err != nil {
		return err
	}
	return j.commit(ctx, func(x *catalog.Txn) error {
		if x.Table(t.DB, t.Name) == nil {
			return topo.NoTable(t.DB, t.Name)
		}
		if j.todo.NewName != "" {
			if x.Table(t.DB, j.todo.NewName) != nil {
				return topo.TableExists(j.todo.NewName)
			}
			x.DropTable(t.DB, t.Name)
		}
		x.PutTable(j.underNewName(t))
		return nil
	})
}

// lockWait bounds the wait for transactions when all partitions are locked together: one that has been in a partition and waits at another
// that is locked already would wait for ever.
const lockWait = 20

// rehearsed locks all partitions, does the change on copies of their tables, and only when it went well everywhere on the tables themselves. times are the columns
// with the times of versions, which are copied with their rows.
func (j *job) rehearsed(ctx context.Context, t *topo.Table, was *described, times [2]string) error {
	if j.s.Locks != nil {
		return j.rehearsedLocked(ctx, t, was)
	}
	name := t.Name
	j.todo.Try = j.tryName()
	if err := j.save(ctx, "rehearsal"); err != nil {
		return j.abandon(err, j.undoAlter)
	}
	if j.todo.Placing != nil {
		if err := j.empty(ctx, t); err != nil {
			return j.abandon(clientError(err, t.DB), j.undoAlter)
		}
	}
	tryText, cols := j.tryText(t.DB, j.todo.Try), was.stored()
	isReference := j.references(t.DB)
	all := ""
	if times[0] != "" {
		cols, all = append(cols, id(times[0]), id(times[1])), " FOR SYSTEM_TIME ALL"
	}
	list := strings.Join(cols, ", ")
	locks := id(name) + " WRITE, " + id(j.todo.Try) + " WRITE"
	for _, ref := range j.d.References {
		switch n := ref.Name.Text; {
		case n == name || referred(ref, t.DB) != t.DB:
		case isReference(n):
			locks += ", " + id(t.DB) + "." + id(n) + " READ"
		default:
			locks += ", " + id(n) + " READ"
		}
	}
	conns := map[place]*backend.Conn{}
	for _, p := range j.todo.Places {
		w := j.now(p).want(p.Schema)
		w.State = j.s.State
		c, err := j.cfg.Pools.Get(ctx, w)
		if err != nil {
			release(conns)
			return j.abandon(unavailable(err), j.undoAlter)
		}
		c.ResetOnRelease()
		conns[p] = c
	}
	defer release(conns)
	numbered := j.numberedAnew(t, was)
	_, err := each(j.todo.Places, func(p place) error {
		if err := j.step("rehearse at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		for _, sql := range []string{
			"SET lock_wait_timeout=" + strconv.Itoa(lockWait) + ", sql_log_bin=0", // the copy is no replica's business
			likeText(j.todo.Try, name, j.todo.PartBefore),
			"LOCK TABLES " + locks,
			numbered,
			"SET STATEMENT sql_mode='NO_AUTO_VALUE_ON_ZERO', check_constraint_checks=0, foreign_key_checks=0, system_versioning_insert_history=1 FOR INSERT INTO " +
				id(j.todo.Try) + " (" + list + ") SELECT " + list + " FROM " + id(name) + all,
			tryText.in(p.Schema),
			"DROP TABLE " + id(j.todo.Try),
			"SET sql_log_bin=1",
		} {
			if sql == "" {
				continue
			}
			res, err := conns[p].Query(ctx, sql)
			if err != nil {
				return err
			}
			if sql == numbered && len(res.Rows) > 0 {
				return cantNumber(t)
			}
		}
		return nil
	})
	if err != nil {
		if !errors.Is(err, errCrash) {
			unlock(j.lock.Context(), conns)
		}
		return j.abandon(underName(clientError(err, t.DB), j.todo.Try, name), j.undoAlter)
	}
	j.todo.Go = true
	if err := j.save(ctx, "go"); err != nil {
		if !errors.Is(err, errCrash) {
			unlock(j.lock.Context(), conns)
		}
		return j.abandon(err, j.undoAlter)
	}
	ctx, cancel := context.WithCancel(j.lock.Context()) // may take as long as the rehearsal did
	defer cancel()
	_, err = each(j.todo.Places, func(p place) error {
		if err := j.step("alter at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		res, err := conns[p].Query(ctx, j.todo.Text.in(p.Schema))
		if err != nil {
			return err
		}
		j.copied.Add(res.Affected)
		j.rowNotes.add(notes(ctx, conns[p], res.Warnings), p, j.todo.DB)
		_, err = conns[p].Query(ctx, "UNLOCK TABLES")
		return err
	})
	if err == nil {
		err = j.commitTable(ctx, t)
	}
	if err != nil {
		return j.late(err)
	}
	return nil
}

// tryName is what the copies are called that the statement is rehearsed on, tryText what is done to them.
func (j *job) tryName() string { return "ow$try$" + strconv.FormatUint(j.rec.ID, 10) }

func (j *job) tryText(db, try string) template {
	edits := append(j.dropsOfForeign(), edit{j.d.Tables[0].Span, mark + "." + id(try)})
	if renaming := j.renaming(); renaming != nil {
		edits = append(edits, j.without(renaming))
	}
	return j.partText(db, j.references(db), edits...)
}

// references says of a name in a database whether it is a reference table's.
func (j *job) references(db string) func(name string) bool {
	return func(name string) bool { t := j.snap.Table(db, name); return t != nil && t.Kind == topo.Reference }
}

// stored are the quoted names of the columns that are no others' doing.
func (d *described) stored() (names []string) {
	for i := range d.columns {
		if !d.columns[i].Generated {
			names = append(names, id(d.columns[i].Name))
		}
	}
	return names
}

// dropsOfForeign make a statement that drops foreign keys one for a copy of its table, which has none.
func (j *job) dropsOfForeign() (edits []edit) {
	for _, a := range j.d.Actions {
		tok := a.Name.Tok
		if a.Verb != "DROP FOREIGN KEY" && a.Verb != "DROP CONSTRAINT" || tok < 1 || strings.EqualFold(string(j.scan.Bytes(tok-1)), "EXISTS") {
			continue
		}
		edits = append(edits, edit{sqltext.Span{From: tok, To: tok + 1}, "IF EXISTS " + id(a.Name.Text)})
	}
	return edits
}

// underName is an error about a table that clients do not know by its name.
func underName(err error, is, as string) error {
	var e *wire.ServerError
	if is == "" || !errors.As(err, &e) || !strings.Contains(e.Message, is) {
		return err
	}
	own := *e
	own.Message = strings.ReplaceAll(own.Message, is, as)
	return &own
}
