package move

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// scratch is a database for the rows of one table on their way.
const scratch = "orbweaver_scratch"

// Align gives a reference table at the target the rows that it has at the source, in one transaction: readers see the old rows or the new ones. It says whether there was
// a difference. The caller keeps DDL and writes out.
func (c *Copier) Align(ctx context.Context, s Spec, name string) (differed bool, err error) {
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
	maker, err := c.own(ctx, s.To, "")
	if err != nil {
		return false, err
	}
	defer maker.Release()
	set := "SET SESSION sql_log_bin=0, sql_mode='NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00', foreign_key_checks=0, unique_checks=0, check_constraint_checks=0," +
		" innodb_strict_mode=0, max_statement_time=0"
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
	var columns []string
	for _, col := range t.columns {
		columns = append(columns, id(col.name))
	}
	list := strings.Join(columns, ", ")
	if _, err := run(ctx, target, "START TRANSACTION", "DELETE FROM "+to, "INSERT INTO "+to+" ("+list+") SELECT "+list+" FROM "+from, "COMMIT"); err != nil {
		return false, err
	}
	return true, compare(ctx, src, target, t)
}
