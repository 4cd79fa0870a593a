package gateway

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// ddl runs a statement that defines something. Like in MariaDB it ends the open transaction.
func (s *session) ddl(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	d := stmt.DDL
	if d == nil {
		return s.unknown(ctx, scan)
	}
	switch d.Object {
	case "SERVER":
		return s.serverStatement(ctx, scan, stmt, snap, src)
	case "EVENT":
		if err := s.eventFits(ctx, scan, stmt); err != nil {
			return err
		}
	case "DATABASE", "SCHEMA", "TABLE", "SEQUENCE", "INDEX", "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION":
		if d.Temporary {
			return unsupported("TEMPORARY tables", "they need the Stage shape")
		}
	default:
		// MariaDB's own error first: syntax, and rights.
		if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil {
			if e := serverError(ctx, err); e.Code != wire.ErUnsupportedPS {
				return err
			}
		}
		return unsupported(firstWords(scan, 2), "it can't be told what it would change, and where")
	}
	if hidden(snap, d.Database.Text) {
		return topo.NoDatabase(d.Database.Text)
	}
	if s.changesInfoSchema(d) { // which nobody may, as MariaDB says
		if _, err := s.runAt(ctx, s.place(), ddl.Plain(scan, stmt)); err != nil {
			return err
		}
	}
	if len(d.Tables) > 0 {
		if db := s.keyOf(d.Tables[0]).db; snap.Databases[db] == nil && isSystemSchema(db) {
			return unsupported(firstWords(scan, 2), "of a table of '"+db+"', which each leaf has for itself")
		}
	}
	if d.OrReplace && (d.Object == "DATABASE" || d.Object == "SCHEMA") && !s.tables && s.g.ddl != nil {
		return s.replaceDatabase(ctx, scan, stmt, snap, src)
	}
	if onlyKeys(d) {
		// DISABLE KEYS and ENABLE KEYS change nothing in InnoDB tables, whose engine says so itself. Dumps have them, under LOCK TABLES.
		if err := s.commitFirst(ctx); err != nil {
			return err
		}
		res, err := s.runAt(ctx, s.place(), string(scan.Src[:scan.End]))
		if err != nil {
			return err
		}
		return s.okTo(src, wire.OK{Warnings: res.Warnings})
	}
	if s.tables {
		if err := s.ddlUnderLocks(ctx, scan, stmt, snap); err != nil {
			return err
		}
	}
	if ddl.MakesLinked(d) || ddl.NamesLinks(d) && s.isLinked(d.Tables, snap) {
		if err := s.fitLinked(d); err != nil {
			return err
		}
	}
	if s.tx.InTransaction() { // which what MariaDB can't read does not end
		if err := s.prepareOnly(ctx, ddl.Plain(scan, stmt), nil); err != nil && serverError(ctx, err).Code == wire.ErParse {
			return err
		}
	}
	if ddl.IsRoutine(d) {
		db := s.sess.DB
		if d.Program.DB.Tok >= 0 {
			db = d.Program.DB.Text
		}
		if err := ddl.Drafted(snap, scan, d, db); err != nil { // unless MariaDB refuses it
			if own := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); own != nil && serverError(ctx, own).Code != wire.ErUnsupportedPS {
				return own
			}
			return err
		}
	}
	if s.g.ddl == nil {
		return unsupported(firstWords(scan, 2), "this node has no lease in the catalog")
	}
	// Every leaf takes part. RENAME needs no room worth the name, DROP and TRUNCATE make some.
	if err := snap.RoomEverywhere(d.Verb != "CREATE" && d.Verb != "ALTER"); err != nil {
		return err
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	if err := s.closeHandlersOf(ctx, d); err != nil {
		return err
	}
	by, filled := ddl.Session{Account: s.login, State: s.tx.State(), Schema: s.sess.DB, Made: &s.made, Exchange: s.exchange, GatherMaxRows: uint64(s.spiderNumber(gatherMaxRows))}, wire.OK{}
	if makesOfQuery(stmt) {
		by.Fill, by.Args = s.filler(scan, stmt, src, &filled), src.args
	}
	if s.tables {
		by.Locks = lentLocks{s}
		s.tx.Bare(true) // with autocommit off, too, it begins no transaction
	}
	res, err := s.g.ddl.Run(ctx, by, scan, stmt)
	s.tx.Bare(false)
	if err == nil && s.tables {
		err = s.unlocked(ctx, d)
	}
	if err != nil {
		return s.besideRefusal(ctx, res, err)
	}
	database := d.Object == "DATABASE" || d.Object == "SCHEMA"
	if d.Object == "VIEW" || d.Verb == "RENAME" || ddl.IsRoutine(d) || database && (d.Verb != "CREATE" || d.OrReplace) {
		// Other than with a table, whose definition partitions know, nothing would tell a node that what it takes a view for is what it was, or that a connection has a database's former character set.
		s.awaitSeen(ctx, s.g.cfg.Catalog.Snapshot().Revision)
	}
	for _, n := range res.Notes {
		note := exec.Note{Level: n.Level, Code: strconv.Itoa(int(n.Code)), Message: n.Message}
		if by.Fill == nil || !slices.Contains(s.warnings, note) { // of a query that was read twice
			s.warnings = append(s.warnings, note)
		}
	}
	if d.Verb == "CREATE" && database && s.g.cfg.Catalog.Snapshot().Settings.Redundancy > 1 && s.g.cfg.Catalog.Controller() != "" {
		if _, err := s.ask(ctx, order.RestoreRedundancy, order.Database{Database: d.Database.Text}); err != nil {
			// The database is there. What it lacks is made by the next RESTORE REDUNDANCY or REBALANCE.
			s.warnings = append(s.warnings, exec.Note{Level: "Warning", Code: "1105", Message: "The database has no replicas yet: " + serverError(ctx, err).Message})
		}
	}
	if (d.Verb == "CREATE" || d.Verb == "ALTER") && s.isLinked(d.Tables, s.g.cfg.Catalog.Snapshot()) {
		s.tryLinked(ctx, d.Tables[0])
	}
	if database && d.Verb != "CREATE" && (d.Database.Text == s.sess.DB || d.Database.Text == "") {
		s.tx.SetState(s.tx.State().Without("collation_database")) // it is the database's, or the server's
		if d.Verb == "DROP" {
			was := s.sess.DB
			s.setDB("")
			s.tx.Dropped(ctx, was)
		}
	}
	s.last.rowCount = int64(res.Affected)
	ok := wire.OK{AffectedRows: res.Affected, Warnings: max(res.Warnings, s.warningCount())}
	if by.Fill != nil {
		ok.InsertID, ok.Warnings, ok.Info = filled.InsertID, max(filled.Warnings, s.warningCount()), filled.Info
	}
	if d.Object == "INDEX" || d.Verb == "ALTER" && d.Object == "TABLE" && !countsNothing(d) {
		ok.Info = fmt.Appendf(nil, "Records: %d  Duplicates: 0  Warnings: %d", ok.AffectedRows, ok.Warnings)
	}
	return s.okTo(src, ok)
}

// changesInfoSchema says whether information_schema, or tables of it alone, are what a statement is about.
func (s *session) changesInfoSchema(d *sqltext.DDL) bool {
	switch d.Object {
	case "DATABASE", "SCHEMA":
		return strings.EqualFold(d.Database.Text, "information_schema")
	case "TABLE", "INDEX":
		return len(d.Tables) > 0 && !slices.ContainsFunc(d.Tables, func(t *sqltext.TableName) bool { return !s.inInfoSchema(t) })
	}
	return false
}

// countsNothing says that an ALTER TABLE tells of no records: it gives the table another name and does nothing else, or is about rows of a partition alone.
func countsNothing(d *sqltext.DDL) bool {
	if len(d.Actions) != 1 {
		return false
	}
	switch d.Actions[0].Verb {
	case "RENAME TO", "EXCHANGE PARTITION", "TRUNCATE PARTITION":
		return true
	}
	return false
}

// onlyKeys says that an ALTER TABLE only turns keys off or on.
func onlyKeys(d *sqltext.DDL) bool {
	for _, a := range d.Actions {
		if !strings.HasPrefix(a.Verb, "DISABLE") && !strings.HasPrefix(a.Verb, "ENABLE") {
			return false
		}
	}
	return d.Verb == "ALTER" && d.Object == "TABLE" && len(d.Actions) > 0
}

// commitFirst ends the open transaction, as MariaDB does ahead of statements that can't be rolled back.
func (s *session) commitFirst(ctx context.Context) error {
	if s.xa != nil {
		return errXAState(s.xa.state)
	}
	if !s.tx.InTransaction() {
		return nil
	}
	leave, err := s.enterEnd(ctx)
	if err != nil {
		return err
	}
	defer leave()
	_, err = s.tx.Commit(ctx, endPlain)
	return err
}

// besideRefusal keeps what MariaDB has told beside an error, as why a foreign key is incorrectly formed, for SHOW WARNINGS.
func (s *session) besideRefusal(ctx context.Context, res *ddl.Result, err error) error {
	e := serverError(ctx, err)
	if res == nil || len(res.Notes) < 2 || !slices.ContainsFunc(res.Notes, func(n ddl.Note) bool { return n.Code == e.Code && n.Message == e.Message }) {
		return err
	}
	for _, n := range res.Notes {
		note := exec.Note{Level: n.Level, Code: strconv.Itoa(int(n.Code)), Message: n.Message}
		if n.Code == e.Code {
			note.State = e.State
		}
		s.warnings = append(s.warnings, note)
	}
	return noted{e}
}
