package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

var endPlain = txn.End{}

// admin is CHECK, ANALYZE, OPTIMIZE and REPAIR TABLE, or of partitions by ALTER TABLE: every partition runs it, or every leaf for reference tables, the servers of linked tables, and each leaf its own
// system tables. Rows that places agree on are given once. What is said of views, and of tables that are not there, one leaf says. CHECKSUM TABLE is here, too.
func (s *session) admin(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	d := stmt.DDL
	if d == nil || len(d.Tables) == 0 {
		return s.unknown(ctx, scan)
	}
	if d.Verb == "CHECKSUM" {
		return s.checksums(ctx, scan, d, snap, src)
	}
	if d.Object == "VIEW" && d.Verb != "CHECK" {
		return unsupported(d.Verb+" VIEW", "it would be done at one leaf only; make the view anew by CREATE OR REPLACE VIEW")
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	err := s.tryAdmin(ctx, scan.Src[:scan.End])
	if err != nil {
		return err
	}
	var r *rowset
	err = s.repeated(ctx, snap, func(snap *topo.Snapshot) (err error) {
		r, err = s.adminRows(ctx, scan, d, snap)
		return err
	})
	if err != nil {
		return err
	}
	return r.write(src.out, src.prepared)
}

// tryAdmin has the home's shape say what is wrong with the statement. Under LOCK TABLES the connection that may have locks there is asked: another one would wait for these.
func (s *session) tryAdmin(ctx context.Context, text []byte) error {
	if !s.tables {
		return s.tryAtShape(ctx, text)
	}
	_, err := s.runAt(ctx, s.place(), string(text))
	return err
}

// repeated runs f, which may be done more than once, again on a newer topology while a leaf that it needs is lost, as long as statements wait.
func (s *session) repeated(ctx context.Context, snap *topo.Snapshot, f func(*topo.Snapshot) error) error {
	for began := time.Now(); ; snap = s.g.cfg.Catalog.Snapshot() {
		changed := s.g.cfg.Catalog.Changed()
		err := f(snap)
		if err == nil || !s.g.worthWaiting(err, false, true) || s.g.lost(err) || time.Since(began) > s.g.cfg.FailoverWait || ctx.Err() != nil {
			return err
		}
		s.awaitChange(ctx, changed)
	}
}

// adminRows runs the statement everywhere and gives the rows.
func (s *session) adminRows(ctx context.Context, scan *sqltext.Scan, d *sqltext.DDL, snap *topo.Snapshot) (*rowset, error) {
	present, err := s.present(d.Tables, snap)
	if err != nil {
		return nil, err
	}
	places, err := s.placesOf(present, snap)
	if err != nil {
		return nil, err
	}
	r := &rowset{cols: []colDef{text("Table", 128), text("Op", 10), text("Msg_type", 10), {name: "Msg_text", typ: wire.TypeMediumBlob, size: 393216}}, nullable: true}
	var seen []string
	add := func(rows [][][]byte, name func(string) string) error {
		for _, row := range rows {
			if len(row) != 4 {
				return wire.Errorf(wire.ErUnknown, "a server answered %s TABLE with %d columns", d.Verb, len(row))
			}
			values := make([]any, len(row))
			for i, v := range row {
				if v != nil {
					values[i] = name(string(v))
				}
			}
			key := strings.Join([]string{valueText(values[0]), valueText(values[1]), valueText(values[2]), valueText(values[3])}, "\x00")
			if slices.Contains(seen, key) {
				continue
			}
			seen = append(seen, key)
			r.add(values...)
		}
		return nil
	}
	absent, err := s.adminAbsent(ctx, scan, d, present)
	if err != nil {
		return nil, err
	}
	if err := add(absent, func(v string) string { return v }); err != nil {
		return nil, err
	}
	for _, p := range places {
		text := s.namesAt(scan, d.Tables, snap, p)
		if text == nil {
			continue
		}
		res, err := s.runAt(ctx, p, string(text))
		if err != nil {
			return nil, err
		}
		if err := add(res.Rows, func(v string) string { return logicalName(v, p) }); err != nil {
			return nil, err
		}
	}
	for i, n := range d.Tables {
		db, t, err := s.tableOf(n, snap)
		if err != nil || t == nil || t.Kind != topo.Linked {
			continue
		}
		if len(d.Actions) > 0 {
			return nil, topo.IsLinked("ALTER TABLE … "+d.Actions[0].Verb, db, t.Name)
		}
		places, err := s.g.linkPlaces(snap, t)
		if err != nil {
			return nil, err
		}
		for at := range places {
			rows, remote, err := s.adminRemote(ctx, scan, d, i, &places[at])
			if err != nil {
				return nil, err
			}
			if err := add(rows, func(v string) string {
				if v == remote {
					return db + "." + t.Name
				}
				return v
			}); err != nil {
				return nil, err
			}
		}
	}
	s.inOrderOf(d.Tables, r)
	return r, nil
}

// inOrderOf has a table's rows stand together, and the tables in the statement's order, as MariaDB gives them.
func (s *session) inOrderOf(tables []*sqltext.TableName, r *rowset) {
	at := map[string]int{}
	for i, n := range tables {
		k := s.keyOf(n)
		at[k.db+"."+k.table] = i
	}
	slices.SortStableFunc(r.rows, func(a, b []any) int { return at[valueText(a[0])] - at[valueText(b[0])] })
}

// present are those of some tables that are there: no views, and none that somebody has the name of only.
func (s *session) present(tables []*sqltext.TableName, snap *topo.Snapshot) (out []*sqltext.TableName, err error) {
	for _, n := range tables {
		k := s.keyOf(n)
		if hidden(snap, k.db) {
			return nil, topo.NoDatabase(k.db)
		}
		switch _, _, err := s.tableOf(n, snap); {
		case err == nil:
			out = append(out, n)
		case !errors.Is(err, topo.ErrNoTable) && !errors.Is(err, topo.ErrNoDatabase):
			return nil, err
		}
	}
	return out, nil
}

// adminAbsent has a leaf say what it does of the tables that are not present, outside of the transaction.
func (s *session) adminAbsent(ctx context.Context, scan *sqltext.Scan, d *sqltext.DDL, present []*sqltext.TableName) (rows [][][]byte, err error) {
	if len(present) == len(d.Tables) {
		return nil, nil
	}
	var edits []edit
	for _, n := range d.Tables {
		if slices.Contains(present, n) {
			edits = append(edits, edit{n.Span.From, n.Span.To, dropped})
		} else {
			edits = append(edits, edit{n.Span.From, n.Span.To, string(scan.Text(n.Span))})
		}
	}
	err = s.atLeaf(ctx, s.home, s.sess.DB, func(c *backend.Conn) error {
		c.ResetOnRelease()
		stop := c.Watch(ctx)
		defer stop()
		res, err := c.Query(ctx, string(withoutDropped(scan, edits)))
		if err != nil || res.Warnings == 0 {
			if err == nil {
				rows = res.Rows
			}
			return err
		}
		rows = res.Rows
		notes, err := c.Query(ctx, "SHOW WARNINGS")
		if err == nil {
			s.notes(notes.Rows)
		}
		return err
	})
	return rows, err
}

// adminRemote runs the statement for one of its tables, a linked one, at the server of one of its places, and gives the name that the table has in the rows. A server
// that can't be asked is a row, as a table is that MariaDB can't open.
func (s *session) adminRemote(ctx context.Context, scan *sqltext.Scan, d *sqltext.DDL, table int, p *linkPlace) (rows [][][]byte, name string, err error) {
	name = p.link.Database + "." + p.link.Table
	text := onlyTable(scan, d.Tables, table, p.name())
	var res *backend.Result
	if s.tables { // another connection would wait for the locks of this one's
		if res, err = s.runAt(ctx, p.place, text); err != nil {
			err = exec.AnswerError(p.place.Remote, p.link, err)
		}
	} else {
		res, err = s.g.exec.AtRemote(ctx, []spider.Link{*p.link}, s.tx.State(), text)
	}
	if err == nil {
		return res.Rows, name, nil
	}
	if ctx.Err() != nil {
		return nil, "", err
	}
	op := []byte(strings.ToLower(d.Verb))
	return [][][]byte{
		{[]byte(name), op, []byte("Error"), []byte(serverError(ctx, err).Message)},
		{[]byte(name), op, []byte("status"), []byte("Operation failed")},
	}, name, nil
}

// logicalName puts a database's name in place of its partition's, in `d_3.t` and in messages about it.
func logicalName(v string, p txn.Place) string {
	if p.Partition.DB == "" {
		return v
	}
	if rest, ok := strings.CutPrefix(v, p.Schema+"."); ok {
		v = p.Partition.DB + "." + rest
	}
	return strings.ReplaceAll(v, "'"+p.Schema+".", "'"+p.Partition.DB+".")
}

// placesOf lists where the rows of tables live: their databases' partitions, and every leaf for reference and system tables.
func (s *session) placesOf(tables []*sqltext.TableName, snap *topo.Snapshot) ([]txn.Place, error) {
	var out []txn.Place
	add := func(p txn.Place) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, n := range tables {
		db, t, err := s.tableOf(n, snap)
		if err != nil {
			return nil, err
		}
		if t != nil && t.Kind == topo.Linked {
			continue // they have no rows at leaves
		}
		if t != nil && t.Kind != topo.Reference {
			for _, p := range snap.Databases[db].Partitions {
				if !t.In(p.ID.Ordinal) {
					continue
				}
				place, err := partitionPlace(p)
				if err != nil {
					return nil, err
				}
				add(place)
			}
			continue
		}
		for _, leaf := range s.leaves() {
			add(txn.Place{Leaf: leaf, Schema: s.sess.DB})
		}
	}
	return out, nil
}

// tableOf finds a table that a statement names; nil for one of MariaDB's own databases.
func (s *session) tableOf(n *sqltext.TableName, snap *topo.Snapshot) (db string, t *topo.Table, err error) {
	db = n.DB.Text
	if n.DB.Tok < 0 || db == "" {
		db = s.sess.DB
	}
	if db == "" {
		return "", nil, wire.Errorf(wire.ErNoDB, "No database selected")
	}
	if isSystemSchema(db) {
		return db, nil, nil
	}
	t, err = snap.MustTable(db, n.Name.Text)
	return db, t, err
}

// namesAt is a statement's text for one place: it names the tables that live there, and no other. Tables are given by their full names.
func (s *session) namesAt(scan *sqltext.Scan, tables []*sqltext.TableName, snap *topo.Snapshot, p txn.Place) []byte {
	var edits []edit
	kept := 0
	for _, n := range tables {
		db, t, err := s.tableOf(n, snap)
		here := err == nil && (t == nil || t.Kind != topo.Linked) && (t == nil || t.Kind == topo.Reference) == (p.Partition.DB == "") && (p.Partition.DB == "" || p.Partition.DB == db && t.In(p.Partition.Ordinal))
		with := ""
		if here {
			if p.Partition.DB != "" {
				db = p.Schema
			}
			with = quoteName(db) + "." + quoteName(n.Name.Text)
			kept++
		}
		from, to := n.Span.From, n.Span.To
		if !here {
			// With the comma on one side; which one is decided below.
			with = dropped
		}
		edits = append(edits, edit{from, to, with})
	}
	if kept == 0 {
		return nil
	}
	return withoutDropped(scan, edits)
}

// withoutDropped is the text with edits made, which are the tables of a list. A comma goes with what is dropped: the one before, or the one after for those at the
// beginning.
func withoutDropped(scan *sqltext.Scan, edits []edit) []byte {
	first := true
	for i := range edits {
		e := &edits[i]
		if e.with == dropped {
			e.with = ""
			if first && isOp(scan, e.to, ",") {
				e.to++
			} else if isOp(scan, e.from-1, ",") {
				e.from--
			}
			continue
		}
		first = false
	}
	return apply(scan, edits)
}

// dropped marks a table that is left out of a text; no name is like it.
const dropped = "\x00"
