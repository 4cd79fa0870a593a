package ddl

import (
	"context"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Locks are the session's own connections where its LOCK TABLES has locked tables. What is done to a locked table at its partitions is done there: the lock stays in force all the while, and
// nobody's statement gets in between. Shapes have none: they have no rows.
type Locks interface {
	// At has f use the session's connection that has tables locked in a partition's database. here is false where there is none, and f is not called then; an error without f's that the
	// connection, and with it the lock, was lost.
	At(ctx context.Context, schema string, f func(*backend.Conn) error) (here bool, err error)
	// Lose gives all the locks back, so that the statement can be settled as that of a node that has died is.
	Lose(ctx context.Context)
}

// atLocks runs statements where the session has tables locked; here is false for places where it has not. They must leave the session's variables as they are.
func (j *job) atLocks(ctx context.Context, p place, sql ...string) (res *backend.Result, here bool, err error) {
	if j.s.Locks == nil || p.Domain == 0 {
		return nil, false, nil
	}
	if err := j.fenced(); err != nil {
		return nil, true, err
	}
	here, err = j.s.Locks.At(ctx, p.Schema, func(c *backend.Conn) error {
		for _, q := range sql {
			if res, err = c.Query(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	return res, here, err
}

// showLocked is showCreate at a partition where the session may have the table locked: after OPTIMIZE TABLE nobody else gets to its definition, either.
func (j *job) showLocked(ctx context.Context, p place, table string) (string, error) {
	res, here, err := j.atLocks(ctx, p, "SHOW CREATE TABLE "+id(p.Schema)+"."+id(table))
	if !here {
		return j.showCreate(ctx, p, table)
	}
	if err != nil {
		return "", err
	}
	return withoutCounter(string(res.Rows[0][1])), nil
}

// underLocks refuses what can't be done with the session's tables locked: what needs the locks let go, as it moves rows or locks tables by itself.
func (j *job) underLocks(what string) error {
	if j.s.Locks == nil {
		return nil
	}
	return unsupported(what + " under LOCK TABLES: UNLOCK TABLES before")
}

// patiently takes the databases' locks. Who has tables locked waits for no longer than whoever waits for these: a statement of another session may have the databases, and wait for the tables.
func (j *job) patiently(ctx context.Context, databases ...string) (*catalog.Lock, error) {
	if j.s.Locks == nil {
		return j.cfg.Node.Lock(ctx, databases...)
	}
	bound, cancel := context.WithTimeout(ctx, lockWait*time.Second)
	defer cancel()
	lock, err := j.cfg.Node.Lock(bound, databases...)
	if err != nil && ctx.Err() == nil && bound.Err() != nil {
		return nil, refuse(erLockWait, "HY000", "Lock wait timeout exceeded; another session changes tables of the database, and may wait for those that this one has locked: UNLOCK TABLES")
	}
	return lock, err
}

// loseLocks lets go of what the session has locked. It hears of that by its next statement.
func (j *job) loseLocks(ctx context.Context) {
	if j.s.Locks != nil {
		j.s.Locks.Lose(ctx)
		j.s.Locks = nil
	}
}

// rehearsedLocked does the change on temporary copies of the partitions' tables, where the session has these locked, and when it went well everywhere on the tables. MariaDB makes no other
// tables under LOCK TABLES.
func (j *job) rehearsedLocked(ctx context.Context, t *topo.Table, was *described) error {
	if err := j.temporarily(was); err != nil {
		return j.abandon(err, j.undoAlter)
	}
	name, try, columns := t.Name, j.tryName(), strings.Join(was.stored(), ", ")
	tryText := j.tryText(t.DB, try)
	_, err := each(j.todo.Places, func(p place) error {
		if err := j.step("rehearse at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		copied := id(p.Schema) + "." + id(try)
		made := "SET STATEMENT innodb_strict_mode=0 FOR CREATE TEMPORARY TABLE " + copied + " LIKE " + id(p.Schema) + "." + id(name)
		if _, _, err := j.atLocks(ctx, p, made); err != nil {
			if _, no := refused(err); no {
				return j.underLocks("this ALTER TABLE, which copies rows, of this table")
			}
			return err
		}
		_, _, err := j.atLocks(ctx, p,
			"SET STATEMENT sql_mode='NO_AUTO_VALUE_ON_ZERO', check_constraint_checks=0, foreign_key_checks=0 FOR INSERT INTO "+copied+" ("+columns+") SELECT "+columns+" FROM "+id(p.Schema)+"."+id(name),
			tryText.in(p.Schema))
		if _, _, gone := j.atLocks(j.lock.Context(), p, "DROP TEMPORARY TABLE IF EXISTS "+copied); err == nil {
			err = gone
		}
		return err
	})
	if err != nil {
		return j.abandon(underName(clientError(err, t.DB), try, name), j.undoAlter)
	}
	j.todo.Go = true
	if err := j.save(ctx, "go"); err != nil {
		return j.abandon(err, j.undoAlter)
	}
	ctx, cancel := context.WithCancel(j.lock.Context()) // may take as long as the rehearsal did
	defer cancel()
	if _, err = each(j.todo.Places, func(p place) error { return j.alterLocked(ctx, p) }); err == nil {
		err = j.commitTable(ctx, t)
	}
	if err != nil {
		return j.late(err)
	}
	return nil
}

// alterLocked does the change itself at a partition where the session has the table locked.
func (j *job) alterLocked(ctx context.Context, p place) error {
	if err := j.step("alter at " + p.Leaf + "/" + p.Schema); err != nil {
		return err
	}
	if err := j.fenced(); err != nil {
		return err
	}
	_, err := j.s.Locks.At(ctx, p.Schema, func(c *backend.Conn) error {
		res, err := c.Query(ctx, j.todo.Text.in(p.Schema))
		if err == nil {
			j.copied.Add(res.Affected)
			j.rowNotes.add(notes(ctx, c, res.Warnings), p, j.todo.DB)
		}
		return err
	})
	return err
}

// temporarily refuses an ALTER TABLE that no temporary table takes as the table does.
func (j *job) temporarily(was *described) error {
	if was.typ == versioned {
		return j.underLocks("this ALTER of a system-versioned table, which copies rows,")
	}
	if j.d.Partitioning != nil {
		return j.underLocks("ALTER TABLE … PARTITION BY")
	}
	for _, a := range j.d.Actions {
		switch {
		case strings.Contains(a.Verb, "PARTITION"):
			return j.underLocks("ALTER TABLE … " + a.Verb)
		case strings.Contains(a.Verb, "FOREIGN") && strings.HasPrefix(a.Verb, "ADD"), strings.Contains(a.Verb, "VERSIONING"), strings.Contains(a.Verb, "FULLTEXT"), strings.Contains(a.Verb, "SPATIAL"):
			return j.underLocks("ALTER TABLE … " + a.Verb)
		}
	}
	if len(j.d.Foreign) > 0 || len(j.d.References) > 0 {
		return j.underLocks("ALTER TABLE … ADD FOREIGN KEY")
	}
	return nil
}
