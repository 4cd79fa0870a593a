package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// temporaries are a session's temporary tables. They live at one leaf, in the shapes of their databases, on the connection that the session has there: the one by which it writes reference tables, so
// that it finds what it has not committed yet.
type temporaries struct {
	leaf   string
	tables map[tableKey]bool // false: lost with the connection
	// sequences are those of the tables that are sequences. What is not in tables is no more.
	sequences map[tableKey]*topo.Table
}

// tableKey is a table's name.
type tableKey struct{ db, table string }

// temporaryPlace is where the temporary tables are.
func (s *session) temporaryPlace() txn.Place {
	return txn.Place{Leaf: s.temps.leaf, Schema: s.sess.DB}
}

func (s *session) keyOf(t *sqltext.TableName) tableKey {
	k := tableKey{s.sess.DB, t.Name.Text}
	if t.DB.Tok >= 0 {
		k.db = t.DB.Text
	}
	return k
}

// isTemporary says whether a name is that of a temporary table, be it lost.
func (s *session) isTemporary(t *sqltext.TableName) bool {
	if t.CTE || len(s.temps.tables) == 0 {
		return false
	}
	_, found := s.temps.tables[s.keyOf(t)]
	return found
}

// namesTemporary says whether a statement names a temporary table.
func (s *session) namesTemporary(stmt *sqltext.Stmt) bool {
	return len(s.temps.tables) > 0 && slices.ContainsFunc(stmt.Tables, s.isTemporary)
}

// temporary serves a statement that makes temporary tables, or names some. handled is false when it does not.
func (s *session) temporary(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) (handled bool, err error) {
	if s.plansTemporary() {
		return false, nil
	}
	d := stmt.DDL
	if d != nil && d.Temporary && (d.Object == "TABLE" || d.Object == "SEQUENCE") && d.Verb == "CREATE" {
		return true, s.createTemporary(ctx, &w.scan, stmt, snap, src)
	}
	s.noteLost()
	if d != nil && (d.Object == "TABLE" || d.Object == "SEQUENCE") && d.Verb == "DROP" && (d.Temporary || s.namesTemporary(stmt)) {
		return true, s.dropTemporary(ctx, &w.scan, stmt, src)
	}
	if d != nil && d.Object == "SEQUENCE" { // as in MariaDB they are of the one that is everybody's
		return false, nil
	}
	if d != nil && (d.Object == "PROCEDURE" || d.Object == "FUNCTION" || d.Object == "EVENT") { // what it names is looked up when it is run
		return false, nil
	}
	asks := s.asksTemporary(&w.scan, stmt)
	if stmt.Kind == sqltext.KindHandler { // which may open one
		return false, nil
	}
	if s.makesBeside(stmt) {
		return false, nil
	}
	if !s.namesTemporary(stmt) && !asks || stmt.Kind == sqltext.KindSet { // whose subqueries are statements of their own
		return false, nil
	}
	if d != nil && d.Object == "VIEW" { // whose own name a temporary table may have
		if asks {
			return true, errTemporary("a view that asks a sequence")
		}
		for _, t := range stmt.Tables {
			if s.isTemporary(t) && !slices.Contains(d.Tables, t) {
				return true, wire.Errorf(erViewOfTemporary, "View's SELECT refers to a temporary table '%s'", t.Name.Text)
			}
		}
		return false, nil
	}
	for _, t := range stmt.Tables {
		if s.isTemporary(t) && !s.temps.tables[s.keyOf(t)] {
			k := s.keyOf(t)
			return true, errLostTemporary(k)
		}
	}
	switch {
	case stmt.Kind == sqltext.KindAdmin:
		if slices.ContainsFunc(stmt.Tables, func(t *sqltext.TableName) bool { return !s.isTemporary(t) }) {
			return true, errTemporary(d.Verb + " TABLE of other tables, too,")
		}
		if d.Verb != "CHECKSUM" {
			if err := s.commitFirst(ctx); err != nil {
				return true, err
			}
		}
	case d != nil:
		return true, s.alterTemporary(ctx, &w.scan, stmt, src)
	case stmt.Kind == sqltext.KindShow, stmt.Kind == sqltext.KindSelect, stmt.Kind == sqltext.KindExplain, stmt.Kind == sqltext.KindInsert, stmt.Kind == sqltext.KindDo:
		if handled, err := s.withTemporary(ctx, w, stmt, snap, src); handled {
			return true, err
		}
		if err := s.besideTemporary(stmt, snap); err != nil {
			return true, err
		}
	case stmt.Kind == sqltext.KindUpdate, stmt.Kind == sqltext.KindDelete:
		if s.elsewhere(stmt.Tables, snap) != nil || s.writesTo(stmt, func(t *sqltext.TableName) bool { return !s.isTemporary(t) }) {
			return true, s.plannedTemporary(ctx, w, stmt, snap, src)
		}
	default:
		return true, errTemporary(firstWords(&w.scan, 2))
	}
	return true, s.atTemporary(ctx, w, stmt, snap, src)
}

func errLostTemporary(k tableKey) error {
	return wire.Errorf(wire.ErNoSuchTable, "Table '%s.%s' doesn't exist: the temporary table was lost with its connection to a leaf; drop it or make it anew", k.db, k.table)
}

func errTemporary(what string) error {
	return unsupported(what, "of temporary tables, which are at one leaf")
}

// besideTemporary refuses a statement that needs rows which are not at the temporary tables' leaf, or writes to others.
func (s *session) besideTemporary(stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	target := stmt.Insert
	if stmt.Inner != nil {
		target = stmt.Inner.Insert
	}
	if target != nil && target.Table != nil && !s.isTemporary(target.Table) {
		return errTemporary("INSERT … SELECT into another table")
	}
	for _, t := range stmt.Tables {
		if t.CTE || s.isTemporary(t) || s.inInfoSchema(t) || t.DB.Tok < 0 && strings.EqualFold(t.Name.Text, "DUAL") {
			continue
		}
		k := s.keyOf(t)
		if known := snap.Table(k.db, k.table); known == nil || known.Kind != topo.Reference {
			return errTemporary("a statement that names '" + k.table + "', which is no reference table, beside them")
		}
	}
	return nil
}

// shadowed refuses a statement whose triggers or functions name a temporary table of the session: MariaDB's would use it, at the partitions there is none. Nor does a function find its
// tables locked under LOCK TABLES, which is 1100 in MariaDB.
func (s *session) shadowed(p *plan.Plan) error {
	if s.tables && len(p.FunctionReads) > 0 {
		return unsupported("stored functions that read tables", "under LOCK TABLES: UNLOCK TABLES before")
	}
	if len(s.temps.tables) == 0 {
		return nil
	}
	for _, n := range p.FunctionReads {
		if _, found := s.temps.tables[tableKey{n[0], n[1]}]; found {
			return errTemporary("a statement whose functions name '" + n[1] + "'")
		}
	}
	for _, n := range p.Triggers {
		if _, found := s.temps.tables[tableKey{n[0], n[1]}]; found {
			return errTemporary("a write whose triggers name '" + n[1] + "'")
		}
	}
	return nil
}

// noteLost finds out whether the connection with the temporary tables is gone.
func (s *session) noteLost() {
	if len(s.temps.tables) == 0 || s.tx.Pinned(txn.PinTemporary) {
		return
	}
	for k := range s.temps.tables {
		s.temps.tables[k] = false
	}
}

// onlySession are the facts of what a leaf has other values of than the session.
const onlySession = sqltext.HasLastInsertID | sqltext.HasFoundRows | sqltext.HasRowCount | sqltext.HasPlaceFunction | sqltext.HasSysVar

// createTemporary is CREATE TEMPORARY TABLE or SEQUENCE. As in MariaDB the former leaves the transaction open, the latter ends it.
func (s *session) createTemporary(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	d := stmt.DDL
	switch {
	case len(d.Tables) == 0:
		return s.unknown(ctx, scan)
	case len(d.OursSpans) > 0 || d.Reference:
		return errTemporary("SHARD KEY or REFERENCE")
	case d.Like != nil && (s.temporarySequence(s.keyOf(d.Like)) != nil || s.sequenceNamed(snap, s.keyOf(d.Like).db, d.Like.Name.Text) != nil && !s.isTemporary(d.Like)):
		return errTemporary("CREATE TEMPORARY TABLE … LIKE a sequence")
	case strings.EqualFold(d.Engine, "SPIDER"):
		return errTemporary("ENGINE=SPIDER")
	case s.tables && (d.AsSelect != nil || d.Like != nil || d.Object == "SEQUENCE"):
		return unsupported("CREATE TEMPORARY "+d.Object+" … SELECT or LIKE", "under LOCK TABLES: make the table, then use INSERT … SELECT")
	}
	if err := s.needDB(stmt); err != nil && d.Tables[0].DB.Tok < 0 {
		return err
	}
	key := s.keyOf(d.Tables[0])
	if hidden(snap, key.db) {
		return topo.NoDatabase(key.db)
	}
	if d.Object == "SEQUENCE" {
		if err := s.commitFirst(ctx); err != nil {
			return err
		}
	}
	text, filled := string(scan.Src[:scan.End]), false
	if d.AsSelect != nil {
		if stmt.Facts&onlySession != 0 {
			return errTemporary("CREATE TEMPORARY TABLE … SELECT of what the session knows alone, not the leaf: put it into a user variable before")
		}
		if s.elsewhere(stmt.Tables[1:], snap) != nil {
			if d.AsSelect.Opaque || len(src.args) > 0 {
				return errTemporary("this form of CREATE TEMPORARY TABLE … SELECT from tables that are no reference tables: make the table, then use INSERT")
			}
			if err := s.plannable(stmt, snap); err != nil {
				return err
			}
			text, filled = withoutRows(scan, stmt), !d.IfNotExists || !s.temps.tables[key]
		}
	}
	first := !s.tx.Pinned(txn.PinTemporary)
	if first {
		s.temps.leaf = s.home
		if err := s.tx.Pin(ctx, s.temporaryPlace(), txn.PinTemporary); err != nil {
			return err
		}
	}
	s.noteLostBefore(first)
	s.tx.Bare(d.AsSelect == nil) // it begins no transaction
	res, err := s.runTemporary(ctx, text)
	s.tx.Bare(false)
	if err != nil {
		return s.unpinTemporary(ctx, err)
	}
	if res.Warnings > 0 && !filled { // else it is said again
		if err := s.temporaryWarnings(ctx); err != nil {
			return err
		}
	}
	if s.temps.tables == nil {
		s.temps.tables = map[tableKey]bool{}
	}
	s.temps.tables[key] = true
	delete(s.temps.sequences, key)
	if d.Object == "SEQUENCE" {
		if s.temps.sequences == nil {
			s.temps.sequences = map[tableKey]*topo.Table{}
		}
		s.temps.sequences[key] = &topo.Table{DB: key.db, Name: key.table, Kind: topo.Sequence, Temporary: true}
	}
	if filled {
		ok, err := s.fillTemporary(ctx, scan, stmt, key)
		if err != nil {
			return err
		}
		s.last.rowCount = int64(ok.AffectedRows)
		return s.okTo(src, ok)
	}
	s.last.rowCount = int64(res.Affected)
	s.temporaryID(ctx, res.InsertID)
	return s.okTo(src, wire.OK{AffectedRows: res.Affected, InsertID: res.InsertID, Info: res.Info, Warnings: res.Warnings})
}

// hasTemporary says whether there are temporary tables, not lost.
func (s *session) hasTemporary() bool {
	if len(s.temps.tables) == 0 {
		return false
	}
	s.noteLost()
	for _, alive := range s.temps.tables {
		if alive {
			return true
		}
	}
	return false
}

// runTemporary runs a text where the temporary tables are.
func (s *session) runTemporary(ctx context.Context, text string) (*backend.Result, error) {
	return s.runAt(ctx, s.temporaryPlace(), text)
}

// noteLostBefore marks what was on the connection before a new one.
func (s *session) noteLostBefore(fresh bool) {
	if fresh {
		for k := range s.temps.tables {
			s.temps.tables[k] = false
		}
	}
}

// unpinTemporary gives the connection back when no temporary table is left on it. It returns err, or what else went wrong.
func (s *session) unpinTemporary(ctx context.Context, err error) error {
	for _, alive := range s.temps.tables {
		if alive {
			return err
		}
	}
	if e := s.tx.Unpin(ctx, txn.PinTemporary); err == nil {
		err = e
	}
	return err
}

func (s *session) temporaryWarnings(ctx context.Context) error {
	res, err := s.runTemporary(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	s.notes(res.Rows)
	return nil
}

// notes adds rows of a leaf's SHOW WARNINGS to the session's.
func (s *session) notes(rows [][][]byte) {
	for _, row := range rows {
		s.warnings = append(s.warnings, exec.Note{Level: string(row[0]), Code: string(row[1]), Message: string(row[2])})
	}
}

// dropTemporary is DROP TABLE of temporary tables, and DROP SEQUENCE of such sequences. As in MariaDB it ends the transaction without the word TEMPORARY.
func (s *session) dropTemporary(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, src source) error {
	d := stmt.DDL
	if others := s.dropsOthers(d); len(others) > 0 {
		return s.dropBoth(ctx, scan, d, others, src)
	}
	var lost []*sqltext.TableName
	for _, t := range d.Tables {
		alive, found := s.temps.tables[s.keyOf(t)]
		switch {
		case !found && !d.Temporary:
			return errTemporary("DROP " + d.Object + " of other tables, too,")
		case found && !alive && (d.Object == "TABLE" || s.temporarySequence(s.keyOf(t)) != nil):
			lost = append(lost, t)
		}
	}
	if !d.Temporary {
		if err := s.commitFirst(ctx); err != nil {
			return err
		}
	}
	for _, t := range lost {
		delete(s.temps.tables, s.keyOf(t))
	}
	if len(lost) == len(d.Tables) {
		return s.done(src, nil)
	}
	if len(lost) > 0 {
		return errTemporary("DROP TABLE of lost ones and others: those that were lost are dropped, the others not: repeat it for them,")
	}
	if !s.tx.Pinned(txn.PinTemporary) { // none of them exists
		s.temps.leaf = s.home
		if err := s.tx.Pin(ctx, s.temporaryPlace(), txn.PinTemporary); err != nil {
			return err
		}
	}
	s.tx.Bare(true) // it begins no transaction
	res, err := s.runTemporary(ctx, string(scan.Src[:scan.End]))
	s.tx.Bare(false)
	if err == nil {
		if res.Warnings > 0 {
			err = s.temporaryWarnings(ctx)
		}
		for _, t := range d.Tables {
			if d.Object == "TABLE" || s.temporarySequence(s.keyOf(t)) != nil { // IF EXISTS leaves tables alone that are no sequences
				delete(s.temps.tables, s.keyOf(t))
			}
		}
	} else if failed := s.stillThere(ctx, d.Tables); failed != nil {
		return errors.Join(err, failed)
	}
	if err = s.unpinTemporary(ctx, err); err != nil {
		return err
	}
	s.last.rowCount = 0
	return s.okTo(src, wire.OK{Warnings: s.warningCount()})
}

// alterTemporary is ALTER, TRUNCATE and CREATE INDEX of one temporary table. Like in MariaDB they end the transaction.
func (s *session) alterTemporary(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, src source) error {
	d := stmt.DDL
	known := d.Verb == "ALTER" && d.Object == "TABLE" || d.Verb == "TRUNCATE" || d.Object == "INDEX" && (d.Verb == "CREATE" || d.Verb == "DROP")
	renames, err := s.temporaryRenames(d)
	if err != nil {
		return err
	}
	if !known && len(renames) == 0 || len(stmt.Tables) != max(1, 2*len(renames)) {
		return errTemporary(firstWords(scan, 2))
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	s.tx.Bare(true) // with autocommit off, too, it begins none: MariaDB refuses it within one of XA
	defer s.tx.Bare(false)
	res, err := s.runTemporary(ctx, string(scan.Src[:scan.End]))
	if err != nil {
		return err
	}
	s.temporaryRenamed(renames)
	if res.Warnings > 0 {
		if err := s.temporaryWarnings(ctx); err != nil {
			return err
		}
	}
	s.last.rowCount = int64(res.Affected)
	return s.okTo(src, wire.OK{AffectedRows: res.Affected, Info: res.Info, Warnings: res.Warnings})
}

// atTemporary runs a statement where the temporary tables are.
func (s *session) atTemporary(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	x := extras{facts: stmt.Facts, setsID: callsWithArgument(&w.scan, "LAST_INSERT_ID")}
	if stmt.Facts&sqltext.HasUserVarAssign != 0 {
		x.assigned = userVars(&w.scan)
	}
	if plan.FoundBy(stmt) != (plan.Found{}) { // the leaf knows
		x.facts |= sqltext.HasCalcFoundRows
	}
	p := &plan.Plan{Route: plan.Route{Kind: plan.RouteAny}, Rows: stmt.Kind != sqltext.KindInsert && stmt.Kind != sqltext.KindUpdate && stmt.Kind != sqltext.KindDelete, Revision: snap.Revision}
	home := s.home
	s.home, w.st.Once = s.temps.leaf, true
	out, err := s.runOnce(ctx, w, p, snap, src, &x)
	s.home, w.st.Once = home, false
	if err == nil && stmt.Insert != nil {
		s.temporaryID(ctx, out.InsertID)
	}
	return err
}

// temporaryID keeps the value of AUTO_INCREMENT that a statement has made. Its answer names one that was given, too.
func (s *session) temporaryID(ctx context.Context, id uint64) {
	if id == 0 {
		return
	}
	res, err := s.runTemporary(ctx, "SELECT LAST_INSERT_ID()")
	if err != nil || len(res.Rows) == 0 {
		return // the statement is done; whoever asks next hears of the connection
	}
	if v := (value{text: string(res.Rows[0][0])}); v.uint() == id {
		s.last.insertID = id
	}
}

// prepareHeld is prepareOnly on the connection that has the temporary tables, or what HANDLER has opened.
func (s *session) prepareHeld(ctx context.Context, at txn.Place, text string, described bool) ([]backend.Packet, error) {
	s.tx.Bare(true) // it begins no transaction
	defer s.tx.Bare(false)
	c, err := s.tx.Conn(ctx, at)
	if err != nil {
		return nil, err
	}
	answer, err := prepareOn(ctx, c, text, described)
	// What a leaf says to a statement is no failure of its connection.
	var refused *wire.ServerError
	var unprepared *backend.PrepareError
	failed := err
	if errors.As(err, &refused) && !errors.As(err, &unprepared) {
		err = nil
	}
	if err := s.tx.Done(c, err); err != nil {
		return nil, err
	}
	return answer, failed
}
