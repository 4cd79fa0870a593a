package gateway

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// eventsTable is the table of information_schema that tells of events.
const eventsTable = "EVENTS"

// eventTable is that table in a FROM clause, without its alias: a leaf tells of the events that the account may see, the catalog whether they are run and when they last were.
func (s *session) eventTable(ctx context.Context, snap *topo.Snapshot, where string) (string, error) {
	runs, err := s.g.cfg.Catalog.Runs(ctx)
	if err != nil {
		return "", err
	}
	var rows [][]any
	for _, d := range snap.Databases {
		for _, e := range d.Events {
			var at any
			if r := runs[e.ID]; r != nil && r.At != 0 {
				at = r.At
			}
			rows = append(rows, []any{e.DB, e.Name, string(e.Status), at})
		}
	}
	if len(rows) == 0 {
		return "(SELECT * FROM information_schema.EVENTS WHERE " + where + ")", nil
	}
	cols := slices.Clone(s.g.columns[eventsTable])
	for i, c := range cols {
		switch c {
		case "STATUS":
			cols[i] = "COALESCE(w.s,STATUS) AS STATUS"
		case "LAST_EXECUTED":
			cols[i] = "CONVERT_TZ('1970-01-01 00:00:00' + INTERVAL w.x SECOND,'+00:00',TIME_ZONE) AS LAST_EXECUTED"
		}
	}
	told := typedTable([]colDef{text("d", 64), text("t", 64), text("s", 18), integer("x")}, []string{"CHAR(64)", "CHAR(64)", "VARCHAR(18)", "BIGINT"}, rows)
	return "(SELECT " + strings.Join(cols, ",") + " FROM information_schema.EVENTS LEFT JOIN (SELECT DISTINCT * FROM " + told + " AS j) AS w ON w.d=EVENT_SCHEMA AND w.t=EVENT_NAME WHERE " + where + ")", nil
}

// shownEvents are the columns of SHOW EVENTS, and what they are called in information_schema.
var shownEvents = [][2]string{
	{"EVENT_SCHEMA", "Db"}, {"EVENT_NAME", "Name"}, {"DEFINER", "Definer"}, {"TIME_ZONE", "Time zone"}, {"EVENT_TYPE", "Type"}, {"EXECUTE_AT", "Execute at"}, {"INTERVAL_VALUE", "Interval value"},
	{"INTERVAL_FIELD", "Interval field"}, {"STARTS", "Starts"}, {"ENDS", "Ends"}, {"STATUS", "Status"}, {"ORIGINATOR", "Originator"}, {"CHARACTER_SET_CLIENT", "character_set_client"},
	{"COLLATION_CONNECTION", "collation_connection"}, {"DATABASE_COLLATION", "Database Collation"},
}

// showEvents is SHOW EVENTS of a database of the cluster: a query of information_schema.EVENTS. A leaf says first whether the account may have it.
func (s *session) showEvents(ctx context.Context, scan *sqltext.Scan, sh *sqltext.Show, db string, snap *topo.Snapshot, src source) error {
	if _, err := s.runAt(ctx, s.place(), string(scan.Src[:scan.End])); err != nil {
		return err
	}
	table, err := s.eventTable(ctx, snap, "EVENT_SCHEMA="+nameLiteral(db))
	if err != nil {
		return err
	}
	items := make([]string, len(shownEvents))
	for i, c := range shownEvents {
		items[i] = c[0] + " AS " + quoteName(c[1])
	}
	where := ""
	if sh != nil && !sh.Rest.Empty() {
		where = string(scan.AppendSpan(nil, sh.Rest))
		if isWord(scan, sh.Rest.From, "LIKE") {
			pattern := scan.AppendSpan(nil, sqltext.Span{From: sh.Rest.From + 1, To: sh.Rest.To})
			where = "WHERE LOWER(Name) COLLATE utf8mb3_bin LIKE LOWER(" + string(pattern) + ")"
			if s.mode().NoBackslashEscapes {
				where += ` ESCAPE '\'`
			}
		}
	}
	at := 0
	src.out = &edited{Output: src.out, prepared: src.prepared, column: func(c *wire.Column) bool {
		c.Table, c.OrgName = []byte(eventsTable), []byte(shownEvents[at][0])
		at++
		ofInfoSchema(c, eventsTable)
		return true
	}}
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan([]byte("SELECT * FROM (SELECT "+strings.Join(items, ",")+" FROM "+table+" AS t) AS `EVENTS` "+where+" ORDER BY Name"), s.mode()); err != nil {
		return err
	}
	return s.forwardAny(ctx, w, snap, src)
}

// showCreateEvent is SHOW CREATE EVENT, where leaves say of all events that they are not run there.
func (s *session) showCreateEvent(ctx context.Context, w *worker, snap *topo.Snapshot, src source) error {
	const createEvent = 3 // the column
	scan := &w.scan
	db, at := s.sess.DB, int32(3)
	if int(at)+2 < len(scan.Tokens) && isOp(scan, at+1, ".") {
		db = nameAt(scan, at, s.mode())
	}
	src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
		name := string(v[0])
		if s.charset.results != "" && !ascii(name) {
			if b, ok := shard.Convert(v[0], s.charset.results, "utf8mb4"); ok {
				name = string(b)
			}
		}
		e := snap.Event(db, name)
		if e == nil || e.Status == topo.EventOnSlave || len(v) <= createEvent {
			return v, true
		}
		status := " ENABLE"
		if e.Status == topo.EventDisabled {
			status = " DISABLE"
		}
		// Behind the name, which may be anything, there is nothing of the client's before it.
		text := v[createEvent]
		from := bytes.Index(text, []byte(" ON SCHEDULE ")) // of the name, at worst
		if named := bytes.Index(text, v[0]); named >= 0 {
			from = named + len(v[0])
		}
		if i := bytes.Index(text[max(from, 0):], []byte(" DISABLE ON SLAVE")); from >= 0 && i >= 0 {
			i += from
			v[createEvent] = slices.Concat(text[:i], []byte(status), text[i+len(" DISABLE ON SLAVE"):])
		}
		return v, true
	}}
	return s.forwardAny(ctx, w, snap, src)
}
