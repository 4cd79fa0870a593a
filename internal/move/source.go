package move

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A snapshot keeps rows as they were, not tables: RENAME TABLE gives a name to another table, whose rows in the snapshot would be taken for those of the first.
// What a transaction has read it holds until its end against all DDL, and who waits for a DDL statement that waits waits too. So tables are held until they
// are copied, are then looked at whether they were the ones of the snapshot, and let go; and the copy gives way when somebody waits all the same.
const (
	hold  = "SAVEPOINT held"
	letGo = "ROLLBACK TO SAVEPOINT held"
)

// holdFor bounds for how long small tables are held together: looking at them costs the same for all of them.
const holdFor = 300 * time.Millisecond

func (src *source) holds(t table) {
	if len(src.held) == 0 {
		src.since = time.Now()
	}
	src.held = append(src.held, t)
}

// release looks whether the tables that are held are those of the snapshot, and lets them go: when they have been held for long enough, or now.
func (src *source) release(ctx context.Context, now bool) error {
	if len(src.held) == 0 || !now && time.Since(src.since) < holdFor {
		return nil
	}
	ids, err := src.identities(ctx)
	if err != nil {
		return err
	}
	for _, t := range src.held {
		create, err := src.definition(ctx, t.name)
		if err != nil {
			return err
		}
		if ids[t.file] != src.ids[t.file] || undated(create) != undated(t.create) {
			return fmt.Errorf("table %s.%s: %w", src.schema, t.name, ErrChanged)
		}
	}
	src.held = nil
	_, err = run(ctx, src.conn, letGo)
	return err
}

func (src *source) definition(ctx context.Context, table string) (string, error) {
	res, err := run(ctx, src.conn, "SHOW CREATE TABLE "+id(src.schema)+"."+id(table))
	if err != nil {
		return "", err
	}
	return string(res.Rows[0][1]), nil
}

var counter = regexp.MustCompile(` AUTO_INCREMENT=[0-9]+`)

// undated is a table's definition without what writing changes of it.
func undated(create string) string { return counter.ReplaceAllString(create, "") }

// identities are the numbers that InnoDB has given to the schema's tables, by their names in its files; a partitioned table has several. They go with
// a table when it is renamed.
func (src *source) identities(ctx context.Context) (map[string]string, error) {
	dir := "CONVERT(CONVERT(" + lit(src.schema) + " USING filename) USING binary)"
	res, err := run(ctx, src.conn, "SELECT SUBSTRING_INDEX(SUBSTRING(NAME, LENGTH("+dir+") + 2), '#', 1) file, GROUP_CONCAT(TABLE_ID ORDER BY NAME) FROM (SELECT CONVERT(NAME USING binary) NAME, TABLE_ID"+
		" FROM information_schema.INNODB_SYS_TABLES) t WHERE LEFT(NAME, LENGTH("+dir+") + 1) = CONCAT("+dir+", '/') GROUP BY file")
	if err != nil {
		return nil, err
	}
	ids := make(map[string]string, len(res.Rows))
	for _, row := range res.Rows {
		ids[string(row[0])] = string(row[1])
	}
	return ids, nil
}

// redefined says whether MariaDB has refused to read a table for its definition: it is another than the snapshot's, or has other columns.
func redefined(err error) bool {
	var refused *wire.ServerError
	return errors.As(err, &refused) && (refused.Code == errDefinition || refused.Code == wire.ErNoSuchTable || refused.Code == wire.ErBadField)
}

// errDefinition is MariaDB's ER_TABLE_DEF_CHANGED.
const errDefinition = 1412

// look is how often the source is asked whether somebody waits. It has to be seen twice: most waits are short.
const look = 200 * time.Millisecond

// giveWay gives a context that ends with ErrGaveWay when statements at the source wait for tables of the partition; the snapshot is ended at once then, without
// waiting for the target. end has to be called.
func (c *Copier) giveWay(ctx context.Context, s Spec, snapshot uint64) (giving context.Context, end func(), err error) {
	conn, err := c.Pools.Get(ctx, backend.Want{Leaf: s.From, Account: backend.Cluster, Variant: backend.Internal}.Urgent())
	if err != nil {
		return nil, nil, err
	}
	conn.ResetOnRelease()
	giving, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	waiting := "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for table metadata lock' AND (DB = " + lit(s.Schema) +
		" OR INFO REGEXP " + lit(`(?<!\w)\Q`+s.Schema+`\E(?!\w)`) + ")"
	go func() {
		defer close(done)
		defer conn.Release()
		seen := false
		for {
			select {
			case <-giving.Done():
				return
			case <-time.After(look):
			}
			res, err := conn.Query(giving, waiting)
			if err != nil {
				cancel(fmt.Errorf("leaf %s: %w", s.From, err))
				return
			}
			now := strings.TrimSpace(string(res.Rows[0][0])) != "0"
			if now && seen {
				cancel(ErrGaveWay)
				// When it can't be killed it has ended by itself, or its end goes the longer way.
				_, _ = conn.Query(ctx, fmt.Sprintf("KILL CONNECTION %d", snapshot))
				return
			}
			seen = now
		}
	}()
	return giving, func() { cancel(context.Canceled); <-done }, nil
}
