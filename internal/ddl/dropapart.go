package ddl

import (
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

const erUnknownTable = 1051

// several says whether a statement's tables are in more databases than one.
func (j *job) several() bool {
	return slices.ContainsFunc(j.d.Tables, func(n *sqltext.TableName) bool { return j.dbOf(n) != j.dbOf(j.d.Tables[0]) })
}

// dropApart is DROP TABLE of tables of several databases: one statement for each run of tables of one database, in their order. MariaDB, too, drops one after another, goes on behind what it
// can't drop, and tells of all those that it does not know at once; but what the account may not do it says before.
func (j *job) dropApart(ctx context.Context) (*Result, error) {
	if err := j.underLocks("DROP TABLE of tables of several databases"); err != nil {
		return nil, err
	}
	snap := j.cfg.Catalog.Snapshot()
	there := -1
	for i, n := range j.d.Tables {
		db, name, err := j.target(n)
		if err != nil {
			return nil, err
		}
		if slices.Contains([]string{"mysql", "sys", "performance_schema", "information_schema"}, strings.ToLower(db)) {
			return nil, unsupported("DROP TABLE of tables of " + db + " and others")
		}
		if snap.Table(db, name) != nil {
			there = i
		}
	}
	if there < 0 {
		all, err := shapes(snap, "")
		if err != nil {
			return nil, err
		}
		return j.first(ctx, all[0], j.spliced()) // nothing of ours: 1142, 1051 or a note
	}
	if err := j.mayDrop(ctx, j.d.Tables[there]); err != nil {
		return nil, err
	}
	res := &Result{}
	var unknown []string
	var failed error
	for from := 0; from < len(j.d.Tables); {
		db, to := j.dbOf(j.d.Tables[from]), from+1
		for to < len(j.d.Tables) && j.dbOf(j.d.Tables[to]) == db {
			to++
		}
		some := j.d.Tables[from:to]
		from = to
		if snap.Databases[db] == nil {
			for _, n := range some {
				unknown = append(unknown, db+"."+n.Name.Text)
			}
			continue
		}
		one, err := j.dropRun(some)
		no, isRefused := refused(err)
		switch {
		case err == nil:
			for _, n := range one.Notes {
				if n.Code == erUnknownTable {
					unknown = append(unknown, quotedIn(n.Message))
				} else {
					res.Notes = append(res.Notes, n)
				}
			}
		case isRefused && no.Code == erUnknownTable:
			unknown = append(unknown, quotedIn(no.Message))
		case !isRefused:
			return nil, err
		case failed == nil:
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	if len(unknown) > 0 {
		told := refuse(erUnknownTable, "42S02", "Unknown table '%s'", strings.Join(unknown, ","))
		if !j.d.IfExists {
			return nil, told
		}
		res.Notes = append(res.Notes, Note{"Note", erUnknownTable, told.Message})
	}
	res.Warnings = uint16(len(res.Notes))
	return res, nil
}

// dropRun drops some of the statement's tables, which stand side by side in it.
func (j *job) dropRun(some []*sqltext.TableName) (*Result, error) {
	all := j.d.Tables
	text := withoutOurs(j.scan, j.stmt, []edit{
		{span: sqltext.Span{From: all[0].Span.From, To: some[0].Span.From}},
		{span: sqltext.Span{From: some[len(some)-1].Span.To, To: all[len(all)-1].Span.To}},
	})
	scan := new(sqltext.Scan)
	if err := scan.Scan([]byte(text), j.scan.Mode()); err != nil {
		return nil, err
	}
	stmt, err := sqltext.Parse(scan, j.scan.Mode())
	if err != nil {
		return nil, err
	}
	return j.Run(j.outer, j.s, scan, stmt)
}

// mayDrop has a leaf refuse the whole statement for its rights, before anything is done. That is the first thing that it looks at; the next is the locks of the names, of which one is held here.
func (j *job) mayDrop(ctx context.Context, held *sqltext.TableName) error {
	all, err := shapes(j.cfg.Catalog.Snapshot(), j.dbOf(held))
	if err != nil {
		return err
	}
	holder, err := j.own(ctx, all[0], "")
	if err != nil {
		return unavailable(err)
	}
	defer holder.Release()
	if _, err := holder.Query(ctx, "LOCK TABLES "+id(j.dbOf(held))+"."+id(held.Name.Text)+" READ"); err != nil {
		return unavailable(err)
	}
	c, err := j.client(ctx, all[0], j.s.Schema, j.s.State)
	if err != nil {
		return unavailable(err)
	}
	defer c.Release()
	_, err = c.Query(ctx, "SET STATEMENT lock_wait_timeout=0 FOR "+j.spliced())
	if no, ok := refused(err); ok && no.Code == erLockWait {
		return nil
	}
	if err == nil {
		return unsupported("this form of DROP TABLE of tables of several databases")
	}
	return unavailable(err)
}

// quotedIn is what stands between a message's first and last quotes.
func quotedIn(message string) string {
	from, to := strings.IndexByte(message, '\''), strings.LastIndexByte(message, '\'')
	if from < 0 || from == to {
		return message
	}
	return message[from+1 : to]
}
