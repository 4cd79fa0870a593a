package move

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// scratch is a database for the rows of one table on their way.
const scratch = "orbweaver_scratch"

// Align gives a reference table at the target the rows that it has at the source, in one transaction: readers see the old rows or the new ones. It says whether there was
// a difference. The caller keeps DDL and writes out. triggers are the table's: they are not to be fired by that, so that the table has none meanwhile. Should it be left so, it gets them
// by the next Align.
func (c *Copier) Align(ctx context.Context, s Spec, name string, triggers []topo.Trigger) (differed bool, err error) {
	if err := c.Retrigger(ctx, s.To, s.Schema, name, triggers); err != nil {
		return false, err
	}
	src, err := c.open(ctx, s, func(t string) bool { return t == name })
	if err != nil {
		return false, err
	}
	defer src.conn.Release()
	at := slices.IndexFunc(src.tables, func(t table) bool { return t.name == name })
	if at < 0 {
		return false, fmt.Errorf("leaf %s has no table %s.%s", s.From, s.Schema, name)
	}
	t := src.tables[at]
	target, err := c.own(ctx, s.To, s.Schema)
	if err != nil {
		return false, err
	}
	defer target.Release()
	if compare(ctx, src, target, t) == nil {
		return false, nil
	}
	if t.history != nil && len(t.history.Parts) > 0 {
		return false, fmt.Errorf("%w: into partitions by number they can be written at once only in a new copy", ErrVersions)
	}
	maker, err := c.own(ctx, s.To, "")
	if err != nil {
		return false, err
	}
	defer maker.Release()
	set := "SET SESSION sql_log_bin=0, sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00', foreign_key_checks=0, unique_checks=0, check_constraint_checks=0," +
		" innodb_strict_mode=0, max_statement_time=0, " + InsertHistory
	from, to := id(scratch)+"."+id(name), id(s.Schema)+"."+id(name)
	if _, err := run(ctx, maker, set, "DROP DATABASE IF EXISTS "+id(scratch), "CREATE DATABASE "+id(scratch), "CREATE TABLE "+from+" LIKE "+to); err != nil {
		return false, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		if _, dropped := run(ctx, maker, "DROP DATABASE IF EXISTS "+id(scratch)); err == nil {
			err = dropped
		}
	}()
	if _, err := run(ctx, target, set, "USE "+id(scratch)); err != nil {
		return false, err
	}
	p := &pump{limit: NewLimit(s.Rate), tell: func(int64) {}}
	if err := p.table(ctx, src, target, t); err != nil {
		return false, err
	}
	instants, err := src.instants(ctx, t)
	if err != nil {
		return false, err
	}
	fill := append(append([]string{"START TRANSACTION"}, t.replace(to, from, instants)...), "COMMIT")
	if len(triggers) > 0 {
		// Nobody reads it in between: dropping a trigger commits.
		fill = append([]string{"LOCK TABLES " + to + " WRITE, " + from + " READ"}, append(dropTriggers(s.Schema, triggers), fill...)...)
	}
	_, err = run(ctx, target, fill...)
	if len(triggers) > 0 {
		if err == nil { // under the locks still
			_, err = run(ctx, target, "USE "+id(s.Schema))
		}
		if err == nil {
			err = mariadb.MakeTriggers(ctx, target, s.Schema, s.Schema, triggers)
		}
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
			defer cancel()
			return true, errors.Join(err, c.Retrigger(ctx, s.To, s.Schema, name, triggers))
		}
		if _, err := run(ctx, target, "UNLOCK TABLES", set); err != nil {
			return true, err
		}
	}
	if err != nil {
		return false, err
	}
	return true, compare(ctx, src, target, t)
}

func dropTriggers(schema string, triggers []topo.Trigger) (sql []string) {
	for i := range triggers {
		sql = append(sql, "DROP TRIGGER IF EXISTS "+id(schema)+"."+id(triggers[i].Name))
	}
	return sql
}

// Retrigger gives a reference table at a leaf the triggers that it is to have, where it has others: an Align was cut off. The caller keeps DDL and writes out.
func (c *Copier) Retrigger(ctx context.Context, leaf, schema, name string, triggers []topo.Trigger) error {
	conn, err := c.own(ctx, leaf, schema)
	if err != nil {
		return err
	}
	defer conn.Release()
	all, err := mariadb.Triggers(ctx, conn, schema)
	if err != nil {
		return fmt.Errorf("leaf %s: %w", leaf, err)
	}
	have := all[name]
	if slices.EqualFunc(have, triggers, func(a, b topo.Trigger) bool { return a.Same(&b) }) {
		return nil
	}
	if _, err := run(ctx, conn, append([]string{"SET SESSION sql_log_bin=0"}, dropTriggers(schema, have)...)...); err != nil {
		return err
	}
	return mariadb.MakeTriggers(ctx, conn, schema, schema, triggers)
}
