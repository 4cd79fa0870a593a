package move

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// What follows is for all who read rows in a snapshot: copies, and those who keep rows elsewhere than at a leaf.

// A snapshot keeps rows as they were, not tables: RENAME TABLE gives a name to another table, whose rows in the snapshot would be taken for those of the first.
// What a transaction has read it holds until its end against all DDL, and who waits for a DDL statement that waits waits too. So tables are held until they
// are copied, are then looked at whether they were the ones of the snapshot, and let go; and the copy gives way when somebody waits all the same.
const (
	// Repeatable makes a session that is one to read rows with (rowtext.Reading) see one state.
	Repeatable = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
	// Hold is where tables are held from, LetGo lets them go.
	Hold  = "SAVEPOINT held"
	LetGo = "ROLLBACK TO SAVEPOINT held"
)

// HoldFor bounds for how long small tables are held together: looking at them costs the same for all of them.
const HoldFor = 300 * time.Millisecond

// Identities are the numbers that InnoDB has given to a schema's tables, by their names in its files; a partitioned table has several. They go with a table when it
// is renamed.
func Identities(ctx context.Context, c *backend.Conn, schema string) (map[string]string, error) {
	dir := "CONVERT(CONVERT(" + lit(schema) + " USING filename) USING binary)"
	res, err := run(ctx, c, "SELECT SUBSTRING_INDEX(SUBSTRING(NAME, LENGTH("+dir+") + 2), '#', 1) file, GROUP_CONCAT(TABLE_ID ORDER BY NAME) FROM (SELECT CONVERT(NAME USING binary) NAME, TABLE_ID"+
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

var counter = regexp.MustCompile(` AUTO_INCREMENT=[0-9]+`)

// Undated is a table's definition without what writing changes of it.
func Undated(create string) string { return counter.ReplaceAllString(create, "") }

// Redefined says whether MariaDB has refused to read a table for its definition: it is another than the snapshot's, has other columns, no versions, other partitions, or is gone.
func Redefined(err error) bool {
	var refused *wire.ServerError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case errDefinition, errNotVersioned, errUnknownPartition, wire.ErNoSuchTable, wire.ErBadField, wire.ErBadDB:
		return true
	}
	return false
}

// MariaDB's ER_TABLE_DEF_CHANGED, ER_VERS_NOT_VERSIONED and ER_UNKNOWN_PARTITION.
const (
	errDefinition       = 1412
	errNotVersioned     = 4124
	errUnknownPartition = 1735
)

// look is how often a leaf is asked whether somebody waits. It has to be seen twice: most waits are short.
const look = 200 * time.Millisecond

// AwaitWaiting looks at a leaf until a statement that concerns is true of waits for a table's lock, and says so; false: ctx has ended.
func AwaitWaiting(ctx context.Context, c *backend.Conn, concerns func(db, sql string) bool) (waits bool, err error) {
	for seen := false; ; {
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(look):
		}
		res, err := c.Query(ctx, "SELECT COALESCE(DB, ''), COALESCE(INFO, '') FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for table metadata lock'")
		if err != nil {
			return false, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
		}
		now := false
		for _, row := range res.Rows {
			now = now || concerns(string(row[0]), string(row[1]))
		}
		if now && seen {
			return true, nil
		}
		seen = now
	}
}

// Names says whether a text has a name in it that is not a part of a longer one.
func Names(sql, name string) bool {
	for rest := sql; ; {
		before, after, found := strings.Cut(rest, name)
		if !found {
			return false
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if !inName(last) && !inName(next) {
			return true
		}
		rest = after
	}
}

func inName(r rune) bool {
	return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
