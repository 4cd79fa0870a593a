package archive

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/rowtext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// source is a session at one leaf that sees one state of all partitions there.
type source struct {
	pools   *backend.Pools
	conn    *backend.Conn
	limit   *move.Limit
	version string
	schemas map[string]*known
	since   time.Time // since when tables are held
	held    []named
}

type named struct{ schema, table string }

// known is what a schema was when the snapshot was made.
type known struct {
	ids     map[string]string // see move.Identities
	files   map[string]string // the tables' names in InnoDB
	creates map[string]string // by table
}

// attend opens a session at a leaf, without a snapshot yet.
func attend(ctx context.Context, pools *backend.Pools, leaf string, rate func() int64) (*source, error) {
	conn, err := pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return nil, err
	}
	conn.ResetOnRelease()
	s := &source{pools: pools, conn: conn, limit: move.NewLimit(rate), schemas: map[string]*known{}}
	res, err := s.run(ctx, rowtext.Reading, move.Repeatable, "SELECT VERSION()")
	if err != nil {
		conn.Release()
		return nil, err
	}
	s.version = string(res.Rows[0][0])
	return s, nil
}

func (s *source) run(ctx context.Context, sql ...string) (res *backend.Result, err error) {
	for _, q := range sql {
		if res, err = s.conn.Query(ctx, q); err != nil {
			return nil, fmt.Errorf("leaf %s: %w", s.conn.Leaf(), err)
		}
	}
	return res, nil
}

// begin makes the snapshot.
func (s *source) begin(ctx context.Context) error {
	_, err := s.run(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT", move.Hold)
	return err
}

// note remembers what the tables of a schema are: nobody changes them now.
func (s *source) note(ctx context.Context, schema string, tables []string) error {
	k := &known{files: map[string]string{}, creates: map[string]string{}}
	res, err := s.run(ctx, "SELECT TABLE_NAME, CONVERT(CONVERT(TABLE_NAME USING filename) USING binary) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(schema))
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		k.files[string(row[0])] = string(row[1])
	}
	if k.ids, err = move.Identities(ctx, s.conn, schema); err != nil {
		return err
	}
	for _, t := range tables {
		if k.ids[k.files[t]] == "" {
			return fmt.Errorf("leaf %s does not know the table %s.%s by its file %q", s.conn.Leaf(), schema, t, k.files[t])
		}
		if k.creates[t], err = s.definition(ctx, schema, t); err != nil {
			return err
		}
	}
	s.schemas[schema] = k
	_, err = s.run(ctx, move.LetGo)
	return err
}

func (s *source) definition(ctx context.Context, schema, table string) (string, error) {
	res, err := s.run(ctx, "SHOW CREATE TABLE "+id(schema)+"."+id(table))
	if err != nil {
		return "", err
	}
	return string(res.Rows[0][1]), nil
}

// release looks whether the tables that are held are those of the snapshot, and lets them go: when they have been held for long enough, or now.
func (s *source) release(ctx context.Context, now bool) error {
	if len(s.held) == 0 || !now && time.Since(s.since) < move.HoldFor {
		return nil
	}
	ids := map[string]map[string]string{}
	for _, t := range s.held {
		k := s.schemas[t.schema]
		if ids[t.schema] == nil {
			var err error
			if ids[t.schema], err = move.Identities(ctx, s.conn, t.schema); err != nil {
				return err
			}
		}
		create, err := s.definition(ctx, t.schema, t.table)
		if err != nil {
			return err
		}
		if ids[t.schema][k.files[t.table]] != k.ids[k.files[t.table]] || move.Undated(create) != move.Undated(k.creates[t.table]) {
			return fmt.Errorf("table %s.%s: %w", t.schema, t.table, ErrChanged)
		}
	}
	s.held = nil
	_, err := s.run(ctx, move.LetGo)
	return err
}

// save writes a table's rows to a file.
func (s *source) save(ctx context.Context, dir *Dir, name, schema string, t *Table, tell func(rows uint64)) (part Part, err error) {
	defer func() {
		if move.Redefined(err) {
			err = fmt.Errorf("table %s.%s: %w: %w", schema, t.Name, ErrChanged, err)
		}
	}()
	if len(s.held) == 0 {
		s.since = time.Now()
	}
	s.held = append(s.held, named{schema, t.Name})
	if err := s.loadable(ctx, schema, t); err != nil {
		return part, err
	}
	f, err := dir.file(name)
	if err != nil {
		return part, err
	}
	rows, err := s.stream(ctx, f, schema, t, tell)
	if err != nil {
		f.drop()
		return part, err
	}
	if part, err = f.done(); err != nil {
		return part, err
	}
	part.Rows = rows
	if part.Sum, err = t.sum(ctx, s.conn, schema); err != nil {
		return part, err
	}
	return part, s.release(ctx, false)
}

// loadable refuses a table with versions that ended when they began, as those of a row that one trigger inserts and deletes: they could not be loaded.
func (s *source) loadable(ctx context.Context, schema string, t *Table) error {
	if !t.Versions {
		return nil
	}
	start, end := t.Columns[len(t.Columns)-2].Name, t.Columns[len(t.Columns)-1].Name
	res, err := s.run(ctx, "SELECT 1 FROM "+t.from(schema)+" WHERE "+id(start)+" = "+id(end)+" LIMIT 1")
	if err == nil && len(res.Rows) > 0 {
		return unsaved("Table "+t.Name, "it has versions of rows that ended when they began")
	}
	return err
}

// chunk is how much is gathered before it is given on.
const chunk = 256 << 10

func (s *source) stream(ctx context.Context, f *file, schema string, t *Table, tell func(rows uint64)) (rows uint64, err error) {
	exprs := t.exprs()
	if err := s.conn.Send(wire.ComQuery, []byte("SELECT "+strings.Join(exprs, ", ")+" FROM "+t.from(schema))); err != nil {
		return 0, err
	}
	stop := s.conn.Watch(ctx)
	defer func() {
		if stop() && err == nil {
			err = ctx.Err()
		}
	}()
	buf := make([]byte, 0, chunk+64<<10)
	told := time.Now()
	for {
		p, err := s.conn.Next()
		if err != nil {
			return rows, err
		}
		switch p.Kind {
		case backend.KindErr:
			return rows, p.Err()
		case backend.KindRow:
			if buf, err = rowtext.AppendLine(buf, p.Payload, len(exprs)); err != nil {
				return rows, err
			}
			rows++
		}
		if len(buf) >= chunk || s.conn.Done() {
			if _, err := f.Write(buf); err != nil {
				return rows, err
			}
			if err := s.limit.Spend(ctx, len(buf)); err != nil {
				return rows, err
			}
			buf = buf[:0]
			if s.conn.Done() || time.Since(told) > 200*time.Millisecond {
				told = time.Now()
				tell(rows)
			}
		}
		if s.conn.Done() {
			return rows, nil
		}
	}
}

// sumText asks a leaf for a sum over the values that are saved, whatever order the rows are in. CHECKSUM TABLE sums up what is left in memory of virtual columns that
// somebody has read (MariaDB 10.11.19); this one depends on nothing but the values. One that is too large for a function is told by its length and its own sum.
func (t *Table) sumText(schema string) string {
	values := []string{"''"}
	for _, e := range t.exprs() {
		values = append(values, "COALESCE(CONCAT(LENGTH("+e+"), ':', CRC32("+e+")), 'N')")
	}
	return "SELECT CONCAT(COUNT(*), ' ', COALESCE(SUM(CRC32(CONCAT_WS(',', " + strings.Join(values, ", ") + "))), 0)) FROM " + t.from(schema)
}

// sum is that over all rows of a table, in the transaction's snapshot where there is one. The session's time zone must be +00:00, as that of all who save and load.
func (t *Table) sum(ctx context.Context, c *backend.Conn, schema string) (string, error) {
	res, err := c.Query(ctx, t.sumText(schema))
	if err != nil {
		return "", fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	return string(res.Rows[0][0]), nil
}

// giveWay watches for statements that wait for tables of the schemas: then it calls give, and ends the snapshot at once. It returns when ctx ends.
func (s *source) giveWay(ctx context.Context, give func(error)) {
	conn, err := s.pools.Get(ctx, backend.Want{Leaf: s.conn.Leaf(), Account: backend.Cluster, Variant: backend.Internal}.Urgent())
	if err != nil {
		give(err)
		return
	}
	defer conn.Release()
	conn.ResetOnRelease()
	switch waits, err := move.AwaitWaiting(ctx, conn, s.concerns); {
	case err != nil:
		give(err)
	case waits:
		give(ErrGaveWay)
		// When it can't be killed it has ended by itself, or its end goes the longer way.
		_, _ = conn.Query(ctx, fmt.Sprintf("KILL CONNECTION %d", s.conn.Thread()))
	}
}

// concerns says whether a statement may be about a table that is read here.
func (s *source) concerns(db, sql string) bool {
	for schema, k := range s.schemas {
		if len(k.creates) > 0 && (db == schema || move.Names(sql, schema)) {
			return true
		}
	}
	return false
}

func lit(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'" }

func id(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
