package move

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/rowtext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// Spec is what to copy.
type Spec struct {
	Schema    string           // the partition's database, or the shape's
	Partition topo.PartitionID // for partitions
	Domain    uint32           // of the partition's term; 0 for shapes
	From, To  string           // leaves
	// Routines are those that a shape has, and no others: they are made anew at the target.
	Routines map[string]*topo.Routine
	// Rate bounds what is sent, in bytes a second; 0 is no bound. It is asked again and again while a copy runs. May be nil.
	Rate func() int64
	// Still runs f while no DDL runs on the database: the tables that are there must be those of the snapshot. It fails when the partition is no more, or in another term: the database that
	// has its name at the target may be another one's then.
	Still func(ctx context.Context, f func() error) error
	// Moment runs f at a moment at which no transaction over several places is between its first XA PREPARE and its last XA COMMIT at the partition, as far as
	// anybody does that who lives. nil: there are no such transactions, as at shapes, which the caller keeps writes out of.
	Moment func(ctx context.Context, f func(ctx context.Context) error) error
	// Progress is told of rows as they are copied; total is an estimate. May be nil.
	Progress func(rows, total int64)
	// Courtesy is that of what the copy is a part of; nil: the copy has its own.
	Courtesy *Courtesy
}

// ErrDiffers: the copy is not like its source. It was dropped.
var ErrDiffers = errors.New("the copy differs from its source")

// ErrChanged: a table got another definition, or its name went to another table, while it was copied. The copy was dropped.
var ErrChanged = errors.New("the table was changed while it was copied")

// ErrGaveWay: a statement at the source had to wait for the copy, as ALTER TABLE does. The copy was dropped.
var ErrGaveWay = errors.New("the copy gave way to a statement that waited for it")

// ErrPrepared: a branch of a transaction over several places is prepared at the source, left there by whoever has died or by a client that has not ended its XA
// transaction. The end of it would reach a copy without the beginning.
var ErrPrepared = errors.New("a branch is prepared there")

// PreparedError is ErrPrepared for one branch.
type PreparedError struct {
	Leaf   string
	Branch xid.XID
}

func (e *PreparedError) Error() string {
	return fmt.Sprintf("leaf %s has a prepared branch of transaction %s: %v; it has to be committed or rolled back before", e.Leaf, e.Branch.ID, ErrPrepared)
}

// Unwrap lets errors.Is find ErrPrepared.
func (e *PreparedError) Unwrap() error { return ErrPrepared }

// Copier copies between leaves.
type Copier struct {
	Pools   *backend.Pools
	Servers *mariadb.Servers
}

// table is one table on its way.
type table struct {
	name    string
	file    string // its name inside of InnoDB, see Identities
	create  string
	columns []column
	rows    int64    // estimated
	all     bool     // its rows are copied too
	history *History // nil: no system versioning
}

type column struct {
	name   string
	as     string // the type in which it travels, "" for its own
	number bool   // it is read as a number
	auto   bool   // it has AUTO_INCREMENT
}

// expr is what is selected of a column.
func (c column) expr() string {
	if c.as == "" {
		return id(c.name)
	}
	return "CAST(" + id(c.name) + " AS " + c.as + ")"
}

// source is a session that sees one state of the source.
type source struct {
	conn   *backend.Conn
	schema string
	at     mariadb.GTID
	create string // of the database
	tables []table
	// sequences are statements that make them as they were at the snapshot or later: no snapshot holds for them.
	sequences [][]string
	// triggers are by table.
	triggers map[string][]topo.Trigger
	// decisions are the rows by which the partition has decided about transactions, as values of an INSERT.
	decisions []string
	ids       map[string]string // see Identities
	since     time.Time         // since when tables are held
	held      []table           // those that DDL has to wait for, not yet looked at again
}

// Copy makes a whole copy of a partition at the target, in place of what was there, and says where in the domain it stands: following goes on behind that. The
// target must not be the partition's master. After an error the target has nothing; it may simply be repeated, which Copy itself does a few times when DDL
// came in its way.
func (c *Copier) Copy(ctx context.Context, s Spec) (at mariadb.GTID, err error) {
	served, err := c.Servers.Served(ctx, s.To)
	if err != nil {
		return at, err
	}
	if _, master := served[s.Schema]; master {
		return at, fmt.Errorf("leaf %s serves %s as its master: it is not overwritten", s.To, s.Schema)
	}
	for try := 1; ; try++ {
		at, err = c.attempt(ctx, s)
		if err == nil || try == tries || !errors.Is(err, ErrChanged) && !errors.Is(err, ErrGaveWay) {
			return at, err
		}
	}
}

// tries is how often a copy is begun that DDL comes in the way of. Still lets it begin when the DDL is done.
const tries = 5

// CopyShape makes the target's shape database like the source's: all tables, the rows of those that are reference tables, routines. Views are left
// out, as they may read other databases, and events: see Views and Events. The caller keeps DDL out.
func (c *Copier) CopyShape(ctx context.Context, s Spec, reference func(table string) bool) error {
	src, err := c.open(ctx, s, reference)
	if err != nil {
		return err
	}
	defer src.conn.Release()
	err = c.fill(ctx, s, src)
	c.undo(ctx, s, err)
	return err
}

// undo removes what a copy that has failed has made. Should this fail too, the next copy begins with it; of a partition that is no more DROP DATABASE has done it.
func (c *Copier) undo(ctx context.Context, s Spec, failed error) {
	if failed == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer cancel()
	_ = s.still(ctx, func() error { return c.Servers.Drop(ctx, s.To, s.Schema) })
}

// Views makes views at a leaf that has all shapes, those that others read first. The ones that it refuses come back, with the reasons: what they read is no more, and they are
// as little use at other leaves. Nothing of it is logged.
func (c *Copier) Views(ctx context.Context, leaf string, views []*topo.View) (map[*topo.View]error, error) {
	if len(views) == 0 {
		return nil, nil
	}
	conn, err := c.own(ctx, leaf, "")
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	if _, err := run(ctx, conn, "SET SESSION sql_log_bin=0"); err != nil {
		return nil, err
	}
	return mariadb.MakeViews(ctx, conn, views)
}

// Events gives a leaf's shapes the events that the topology has, by database. Nothing of it is logged.
func (c *Copier) Events(ctx context.Context, leaf string, databases map[string]*topo.Database) error {
	conn, err := c.own(ctx, leaf, "")
	if err != nil {
		return err
	}
	defer conn.Release()
	for db, d := range databases {
		if err := mariadb.AlignEvents(ctx, conn, db, slices.Collect(maps.Values(d.Events))); err != nil {
			return fmt.Errorf("leaf %s, events of %s: %w", leaf, db, err)
		}
	}
	return nil
}

func (c *Copier) attempt(ctx context.Context, s Spec) (at mariadb.GTID, err error) {
	src, err := c.open(ctx, s, func(string) bool { return true })
	if err != nil {
		return at, err
	}
	defer func() {
		src.conn.Release() // before the lock is waited for whose owner may wait for it
		c.undo(ctx, s, err)
	}()
	giving, end, err := c.giveWay(ctx, s, src.conn.Thread())
	if err != nil {
		return at, err
	}
	defer end()
	if err = c.fill(giving, s, src); err != nil && ctx.Err() == nil && giving.Err() != nil {
		err = context.Cause(giving)
	}
	return src.at, err
}

func (c *Copier) own(ctx context.Context, leaf, schema string) (*backend.Conn, error) {
	conn, err := c.Pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, Schema: schema})
	if err != nil {
		return nil, err
	}
	conn.ResetOnRelease()
	return conn, nil
}

func run(ctx context.Context, c *backend.Conn, sql ...string) (res *backend.Result, err error) {
	for _, q := range sql {
		if res, err = c.Query(ctx, q); err != nil {
			return nil, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
		}
	}
	return res, nil
}

func (s *Spec) still(ctx context.Context, f func() error) error {
	if s.Still == nil {
		return f()
	}
	return s.Still(ctx, f)
}

// open begins the snapshot and lists what is in it.
func (c *Copier) open(ctx context.Context, s Spec, withRows func(table string) bool) (*source, error) {
	conn, err := c.own(ctx, s.From, "")
	if err != nil {
		return nil, err
	}
	src := &source{conn: conn, schema: s.Schema}
	if err := s.still(ctx, func() error { return src.begin(ctx, s, withRows) }); err != nil {
		conn.Release()
		return nil, err
	}
	return src, nil
}

func (src *source) begin(ctx context.Context, s Spec, withRows func(table string) bool) error {
	c := src.conn
	if _, err := run(ctx, c, rowtext.Reading, Repeatable); err != nil {
		return err
	}
	moment := s.Moment
	if moment == nil {
		moment = func(ctx context.Context, f func(ctx context.Context) error) error { return f(ctx) }
	}
	status := map[string]string{}
	if err := moment(ctx, func(ctx context.Context) error {
		if err := src.unprepared(ctx, s); err != nil {
			return err
		}
		res, err := run(ctx, c, "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SHOW STATUS LIKE 'binlog_snapshot_%'")
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			status[strings.ToLower(string(row[0]))] = string(row[1])
		}
		return nil
	}); err != nil {
		return err
	}
	if status["binlog_snapshot_file"] == "" {
		return fmt.Errorf("leaf %s does not say where its binary log is", c.Leaf())
	}
	// Tables are held from a savepoint on, so that they can be let go while the snapshot stays.
	res, err := run(ctx, c, Hold, "SELECT BINLOG_GTID_POS("+lit(status["binlog_snapshot_file"])+", "+status["binlog_snapshot_position"]+")")
	if err != nil {
		return err
	}
	if res.Rows[0][0] == nil {
		return fmt.Errorf("leaf %s has not got the binary log %s any more", c.Leaf(), status["binlog_snapshot_file"])
	}
	pos, err := mariadb.ParsePosition(string(res.Rows[0][0]))
	if err != nil {
		return err
	}
	src.at = pos[s.Domain]
	if s.Domain != 0 {
		if res, err = run(ctx, c, "SELECT owner, seq, outcome, at FROM "+mariadb.Schema+".decisions WHERE `partition` = "+lit(src.schema)); err != nil {
			return err
		}
		for _, row := range res.Rows {
			src.decisions = append(src.decisions, fmt.Sprintf("(%s, %s, %s, %s, %s)", lit(src.schema), row[0], row[1], lit(string(row[2])), lit(string(row[3]))))
		}
	}
	if res, err = run(ctx, c, "SHOW CREATE DATABASE "+id(src.schema)); err != nil {
		return err
	}
	src.create = string(res.Rows[0][1])
	if res, err = run(ctx, c, "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = "+lit(src.schema)+
		" UNION ALL SELECT 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = "+lit(src.schema)+" AND "+strconv.FormatBool(s.Domain != 0)); err != nil { // those of a shape: see Events
		return err
	}
	for _, row := range res.Rows {
		if s.Routines[topo.RoutineKey(topo.RoutineKind(row[0]), string(row[1]))] == nil {
			return fmt.Errorf("%s has a routine or event that is not the cluster's, %s %s, which can't be copied", src.schema, row[0], row[1])
		}
	}
	if src.triggers, err = mariadb.Triggers(ctx, c, src.schema); err != nil {
		return fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	res, err = run(ctx, c, "SELECT TABLE_NAME, ENGINE, TABLE_TYPE, COALESCE(TABLE_ROWS, 0), CONVERT(CONVERT(TABLE_NAME USING filename) USING binary) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(src.schema)+" ORDER BY 1")
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		t := table{name: string(row[0]), file: string(row[4]), all: withRows(string(row[0]))}
		if string(row[2]) == "VIEW" && s.Domain == 0 {
			continue // see Views
		}
		if string(row[2]) == "SEQUENCE" {
			if err := src.addSequence(ctx, t.name); err != nil {
				return err
			}
			continue
		}
		if string(row[2]) != "BASE TABLE" && string(row[2]) != Versioned {
			return fmt.Errorf("%s.%s is a %s, which can't be copied", src.schema, t.name, row[2])
		}
		if t.all && !strings.EqualFold(string(row[1]), "InnoDB") {
			return fmt.Errorf("table %s.%s is of engine %s: only InnoDB tables can be copied while they are in use", src.schema, t.name, row[1])
		}
		if _, err := fmt.Sscan(string(row[3]), &t.rows); err != nil {
			return err
		}
		if t.create, err = src.definition(ctx, t.name); err != nil {
			return err
		}
		cols, err := run(ctx, c, "SELECT COLUMN_NAME, DATA_TYPE, EXTRA LIKE '%auto_increment%' FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+lit(src.schema)+" AND TABLE_NAME = "+lit(t.name)+
			" AND IS_GENERATED = 'NEVER' ORDER BY ORDINAL_POSITION")
		if err != nil {
			return err
		}
		for _, col := range cols.Rows {
			as := rowtext.Travel(string(col[1]))
			t.columns = append(t.columns, column{string(col[0]), as, as == "UNSIGNED", string(col[2]) == "1"})
		}
		if t.all && string(row[2]) == Versioned {
			if err := src.addHistory(ctx, &t); err != nil {
				return err
			}
		}
		src.tables = append(src.tables, t)
	}
	if src.ids, err = Identities(ctx, src.conn, src.schema); err != nil {
		return err
	}
	for _, t := range src.tables {
		if t.all && src.ids[t.file] == "" {
			return fmt.Errorf("leaf %s does not know the table %s.%s by its file %q", c.Leaf(), src.schema, t.name, t.file)
		}
	}
	_, err = run(ctx, c, LetGo)
	return err
}

// unprepared says whether nothing is prepared at the partition.
func (src *source) unprepared(ctx context.Context, s Spec) error {
	if s.Domain == 0 {
		return nil
	}
	all, err := mariadb.Branches(ctx, src.conn)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.Place == xid.PlaceHash(s.Partition) {
			return &PreparedError{s.From, x}
		}
	}
	return nil
}

// cleanUp bounds what is done after a copy has failed.
const cleanUp = 20 * time.Second

// fill makes the target's database and copies the tables.
func (c *Copier) fill(ctx context.Context, s Spec, src *source) (err error) {
	maker, err := c.own(ctx, s.To, "")
	if err != nil {
		return err
	}
	defer maker.Release()
	if err := s.still(ctx, func() error {
		if s.Domain != 0 { // what is prepared in the copy that was there is in the way
			if err := c.Servers.DiscardCopy(ctx, s.To, s.Schema); err != nil {
				return err
			}
		}
		_, err := run(ctx, maker, "SET SESSION sql_log_bin=0, foreign_key_checks=0", "DROP DATABASE IF EXISTS "+id(s.Schema), src.create)
		return err
	}); err != nil {
		return err
	}
	if s.Domain != 0 {
		if err := src.decided(ctx, maker); err != nil {
			return err
		}
	}
	target, err := c.own(ctx, s.To, s.Schema)
	if err != nil {
		return err
	}
	defer target.Release()
	if _, err := run(ctx, target, "SET SESSION sql_log_bin=0, sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00', foreign_key_checks=0, unique_checks=0, check_constraint_checks=0,"+
		" innodb_strict_mode=0, max_statement_time=0, net_read_timeout=3600, "+InsertHistory); err != nil {
		return err
	}
	total := int64(0)
	for _, t := range src.tables {
		if t.all {
			total += t.rows
		}
	}
	p := &pump{limit: NewLimit(s.Rate), tell: func(rows int64) {
		if s.Progress != nil {
			s.Progress(rows, max(total, rows))
		}
	}}
	if p.courtesy = s.Courtesy; p.courtesy == nil {
		p.courtesy = c.Attend(ctx, s.From, s.To)
		defer p.courtesy.End()
	}
	for _, sql := range src.sequences {
		if _, err := run(ctx, target, sql...); err != nil {
			return err
		}
	}
	for _, t := range src.tables {
		if _, err := run(ctx, target, topo.Undrawn(t.create)); err != nil {
			return err
		}
	}
	for _, t := range src.tables {
		if !t.all {
			continue
		}
		src.holds(t)
		err := p.table(ctx, src, target, t)
		if err == nil {
			err = compare(ctx, src, target, t)
		}
		if Redefined(err) {
			err = ErrChanged
		}
		if err == nil {
			err = src.release(ctx, false)
		}
		if err != nil {
			return fmt.Errorf("copying %s.%s from %s to %s: %w", s.Schema, t.name, s.From, s.To, err)
		}
	}
	p.tell(p.rows)
	if err := src.release(ctx, true); err != nil {
		return err
	}
	if s.Domain == 0 {
		if err := redraw(ctx, s, src, target); err != nil {
			return err
		}
	}
	for _, triggers := range src.triggers { // none of them is fired for the rows
		if err := mariadb.MakeTriggers(ctx, target, s.Schema, s.Schema, triggers); err != nil {
			return fmt.Errorf("making triggers of %s at %s: %w", s.Schema, s.To, err)
		}
	}
	for _, r := range s.Routines {
		if err := mariadb.MakeRoutine(ctx, target, r); err != nil {
			return fmt.Errorf("making routine %s.%s at %s: %w", r.DB, r.Name, s.To, err)
		}
	}
	return nil
}

// decisionsAtOnce is how many rows one INSERT has.
const decisionsAtOnce = 1000

// decided gives the target the partition's decisions in place of those that it has. Its session logs nothing.
func (src *source) decided(ctx context.Context, target *backend.Conn) error {
	table := mariadb.Schema + ".decisions"
	sql := []string{"SET SESSION time_zone='+00:00'", "START TRANSACTION", "DELETE FROM " + table + " WHERE `partition` = " + lit(src.schema)}
	for rows := range slices.Chunk(src.decisions, decisionsAtOnce) {
		sql = append(sql, "INSERT INTO "+table+" (`partition`, owner, seq, outcome, at) VALUES "+strings.Join(rows, ", "))
	}
	_, err := run(ctx, target, append(sql, "COMMIT")...)
	return err
}

func lit(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'" }

func id(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// Empty makes a partition's database without rows, from the shape at the same leaf, which serves it in a new term from then on, with triggers. sequences: the database's are there.
func (c *Copier) Empty(ctx context.Context, shape, schema, leaf string, domain uint32, term uint64, triggers []topo.Trigger, sequences bool) error {
	if err := c.Servers.Drop(ctx, leaf, schema); err != nil {
		return err
	}
	if err := c.Servers.Serve(ctx, leaf, schema, domain, term); err != nil {
		return err
	}
	conn, err := c.Pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, Domain: domain, Serves: schema})
	if err != nil {
		return err
	}
	defer conn.Release()
	conn.ResetOnRelease()
	res, err := run(ctx, conn, "SET SESSION foreign_key_checks=0, sql_mode=''", "SHOW CREATE DATABASE "+id(shape))
	if err != nil {
		return err
	}
	create := strings.Replace(string(res.Rows[0][1]), id(shape), id(schema), 1)
	if res, err = run(ctx, conn, create, "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(shape)+" AND TABLE_TYPE IN ('BASE TABLE', 'SEQUENCE')"); err != nil {
		return err
	}
	for _, row := range res.Rows {
		name, sequence := id(string(row[0])), string(row[1]) == "SEQUENCE"
		if sequence && !sequences {
			continue
		}
		sql := []string{"CREATE TABLE " + id(schema) + "." + name + " LIKE " + id(shape) + "." + name}
		if sequence { // nobody knows which values it has given: it gives none until it is altered
			sql = append(sql, "INSERT INTO "+id(schema)+"."+name+" VALUES "+topo.BluntRow)
		}
		if _, err := run(ctx, conn, sql...); err != nil {
			return err
		}
	}
	if res, err = run(ctx, conn, "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+lit(schema)+" AND COLUMN_DEFAULT LIKE 'nextval(%'"); err != nil {
		return err
	}
	for _, row := range res.Rows {
		if _, err := run(ctx, conn, "ALTER TABLE "+id(schema)+"."+id(string(row[0]))+" ALTER COLUMN "+id(string(row[1]))+" DROP DEFAULT"); err != nil {
			return err
		}
	}
	if len(triggers) == 0 {
		return nil
	}
	in, err := c.Pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, Schema: schema, Domain: domain, Serves: schema})
	if err != nil {
		return err
	}
	defer in.Release()
	in.ResetOnRelease()
	return mariadb.MakeTriggers(ctx, in, shape, schema, triggers)
}
