package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// errNoBinaryLog is MariaDB's, where log_bin is off.
var errNoBinaryLog = &wire.ServerError{Code: 1381, State: "HY000", Message: "You are not using binary logging"}

// showStatement serves SHOW and DESCRIBE: what is about the cluster and the session from here, all else from a shape.
func (s *session) showStatement(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	scan := &w.scan
	words := wordsFrom(scan, stmt.SetStatement.To, 6)
	if len(words) < 2 || words[0] != "SHOW" {
		s.warnings = s.warnings[:0]
		return s.forwardAny(ctx, w, snap, src) // DESCRIBE t
	}
	at := 1
	full := words[at] == "FULL" || words[at] == "EXTENDED"
	if full && len(words) > 2 {
		at++
	}
	what := words[at]
	if !stmt.SetStatement.Empty() && servedShow(what, words[at+1:]) {
		return unsupported("SET STATEMENT … FOR SHOW "+what, "it is served by the node, which has no such variables")
	}
	if what == "WARNINGS" || what == "ERRORS" || what == "COUNT" {
		return s.showWarnings(scan, what, src)
	}
	s.warnings = s.warnings[:0]
	next := ""
	if len(words) > at+1 {
		next = words[at+1]
	}
	switch what {
	case "DATABASES", "SCHEMAS":
		unborn, err := s.g.unborn(snap)
		if err != nil {
			return err
		}
		src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
			return v, !hidden(snap, string(v[0])) && !slices.Contains(unborn, string(v[0]))
		}}
	case "VARIABLES", "SESSION", "LOCAL", "GLOBAL":
		e := &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
			if len(v) == 2 && leavesHave(string(v[0])) {
				return v, false // among settingRows
			}
			if len(v) == 2 && what != "GLOBAL" {
				v[1] = s.sessionVariables(v[0], v[1])
			}
			return s.statusRow(v), true
		}}
		if stmt.Show != nil && strings.HasSuffix(stmt.Show.What, "VARIABLES") {
			var err error
			if e.more, err = s.settingRows(ctx, scan, stmt.Show.Rest, what == "GLOBAL"); err != nil {
				return err
			}
		}
		src.out = e
	case "STATUS":
		src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) { return s.statusRow(v), true }}
	case "PROCEDURE", "FUNCTION", "PACKAGE":
		if next == "STATUS" || next == "BODY" {
			src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) { return v, !hidden(snap, string(v[0])) }}
		}
	case "PROCESSLIST":
		return s.showProcesslist(ctx, src.out, full, src.prepared)
	case "GRANTS":
		if user, host, own := s.showsOwnAccount(scan, stmt, at+1); own {
			return wire.Errorf(erNoSuchGrant, "There is no such grant defined for user '%s' on host '%s'", user, host)
		}
		src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
			v[0] = withoutClusterKey(v[0], s.g.cfg.ClusterKey)
			return v, !grantsHidden(v[0], snap)
		}}
	case "CREATE":
		switch next {
		case "USER":
			if _, _, own := s.showsOwnAccount(scan, stmt, at+1); own {
				return &wire.ServerError{Code: erNoSuchUserRow, State: "28000", Message: "Can't find any matching row in the user table"}
			}
			src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
				v[0] = withoutClusterKey(v[0], s.g.cfg.ClusterKey)
				return v, true
			}}
		case "DATABASE", "SCHEMA":
			src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
				if d := snap.Databases[string(v[0])]; len(v) > 1 && d != nil && d.Single {
					v[1] = append(slices.Clip(v[1]), " /*!999999 DEFAULT SHARD KEY () */"...)
				}
				return v, true
			}}
		case "SERVER":
			if stmt.Show != nil && stmt.Show.Server.Tok >= 0 && int(stmt.Show.Server.Tok) == len(scan.Tokens)-1 {
				return s.showCreateServer(ctx, stmt.Show.Server.Text, snap, src)
			}
		case "SEQUENCE":
			if stmt.Show != nil && stmt.Show.Table != nil {
				return s.showCreateSequence(ctx, w, stmt.Show.Table, snap, src)
			}
		case "TABLE":
			if stmt.Show != nil && stmt.Show.Table != nil {
				return s.showCreateTable(ctx, w, stmt.Show.Table, snap, src)
			}
		case "EVENT":
			return s.showCreateEvent(ctx, w, snap, src)
		}
	case "MASTER", "BINARY", "BINLOG", "SLAVE", "REPLICA", "RELAYLOG", "ALL":
		if next == "LOGS" {
			return errNoBinaryLog
		}
		// The leaves' binary logs and links are the cluster's: it has no binary log for others, and follows nobody.
		src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) { return v, false }}
	case "EXPLAIN", "ANALYZE":
		return s.explainFor(ctx, scan, snap, src)
	case "ENGINE":
		src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
			for i := range v {
				v[i] = withoutPartitions(v[i], snap)
			}
			return v, true
		}}
	case "OPEN":
		if stmt.Show != nil && stmt.Show.DB.Text != "" {
			if err := s.needDB(stmt); err != nil {
				return err
			}
		}
		src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) { return v, !hidden(snap, string(v[0])) }}
	case "TABLES", "TABLE", "TRIGGERS", "EVENTS", "COLUMNS", "FIELDS", "INDEX", "INDEXES", "KEYS":
		switch err := s.needDB(stmt); {
		case errors.Is(err, topo.ErrNoDatabase) && what[0] != 'T': // of which MariaDB says other things: no such table, no events
			return s.forwardAny(ctx, w, snap, src)
		case err != nil:
			return err
		}
		switch {
		case what == "TABLE" && next == "STATUS":
			db := s.sess.DB
			if sh := stmt.Show; sh != nil && sh.DB.Tok >= 0 && sh.DB.Text != "" {
				db = sh.DB.Text
			}
			if snap.Databases[db] != nil {
				return s.showTableStatus(ctx, scan, stmt.Show, db, snap, src)
			}
		case what == "EVENTS":
			db := s.sess.DB
			if sh := stmt.Show; sh != nil && sh.DB.Tok >= 0 && sh.DB.Text != "" {
				db = sh.DB.Text
			}
			if d := snap.Databases[db]; d != nil && len(d.Events) > 0 {
				return s.showEvents(ctx, scan, stmt.Show, db, snap, src)
			}
		case strings.HasPrefix(what, "INDEX") || what == "KEYS":
			if stmt.Show != nil && stmt.Show.Table != nil {
				return s.showIndex(ctx, w, stmt.Show, snap, src)
			}
		}
	}
	return s.forwardAny(ctx, w, snap, src)
}

// needDB says 1046 where a SHOW means the current database and there is none, and 1049 for one that does not exist.
func (s *session) needDB(stmt *sqltext.Stmt) error {
	db := s.sess.DB
	if sh := stmt.Show; sh != nil {
		if sh.DB.Tok >= 0 && sh.DB.Text != "" {
			db = sh.DB.Text
		} else if sh.Table != nil && sh.Table.DB.Tok >= 0 && sh.Table.DB.Text != "" {
			db = sh.Table.DB.Text
		}
	}
	if db == "" {
		return wire.Errorf(wire.ErNoDB, "No database selected")
	}
	return s.g.databaseExists(db)
}

// forwardAny runs a statement that changes nothing at the session's leaf, in the shape of the current database.
func (s *session) forwardAny(ctx context.Context, w *worker, snap *topo.Snapshot, src source) error {
	return s.run(ctx, w, &plan.Plan{Route: plan.Route{Kind: plan.RouteAny}, Rows: true, Bare: true, Revision: snap.Revision}, snap, src, nil)
}

// leadingWords are a statement's first words in upper case, up to the first token that is none.
func leadingWords(scan *sqltext.Scan, n int) []string { return wordsFrom(scan, 0, n) }

func wordsFrom(scan *sqltext.Scan, from int32, n int) []string {
	var out []string
	for i := from; int(i) < len(scan.Tokens); i++ {
		if scan.Tokens[i].Kind != sqltext.Word || len(out) == n {
			break
		}
		out = append(out, strings.ToUpper(string(scan.Bytes(i))))
	}
	return out
}

// servedShow says whether the node makes the answer of a SHOW, or has to run another text for it.
func servedShow(what string, next []string) bool {
	is := func(words ...string) bool { return len(next) > 0 && slices.Contains(words, next[0]) }
	switch what {
	case "WARNINGS", "ERRORS", "COUNT", "PROCESSLIST", "EXPLAIN", "ANALYZE", "EVENTS", "INDEX", "INDEXES", "KEYS":
		return true
	case "TABLE":
		return is("STATUS")
	case "CREATE":
		return is("TABLE", "SEQUENCE", "SERVER", "EVENT")
	}
	return false
}

// showWarnings is SHOW WARNINGS, SHOW ERRORS and their counts, of the statement before.
func (s *session) showWarnings(scan *sqltext.Scan, what string, src source) error {
	s.last.rowCount = -1
	if what == "COUNT" {
		r := rowset{cols: []colDef{count("@@session.warning_count")}, nullable: true}
		last := len(scan.Tokens) - 1
		if isWord(scan, int32(last), "ERRORS") {
			r.cols[0].name = "@@session.error_count"
			r.add(s.errorCount())
		} else {
			r.add(int(s.warningCount()))
		}
		return r.write(src.out, src.prepared)
	}
	offset, count := 0, len(s.warnings)
	var numbers []int
	for i := range scan.Tokens {
		if scan.Tokens[i].Kind == sqltext.Number {
			n, err := strconv.Atoi(string(scan.Bytes(int32(i))))
			if err != nil {
				n = count
			}
			numbers = append(numbers, n)
		}
	}
	switch len(numbers) {
	case 1:
		count = numbers[0]
	case 2:
		offset, count = numbers[0], numbers[1]
	}
	r := rowset{cols: []colDef{text("Level", 7), number("Code"), text("Message", 512)}}
	for _, n := range s.warnings {
		if what == "ERRORS" && n.Level != "Error" {
			continue
		}
		if offset > 0 {
			offset--
			continue
		}
		if count == 0 {
			break
		}
		count--
		code, err := strconv.Atoi(n.Code)
		if err != nil {
			code = int(wire.ErUnknown)
		}
		r.add(n.Level, code, n.Message)
	}
	return r.write(src.out, src.prepared)
}

func (s *session) warningCount() uint16 { return uint16(min(len(s.warnings), 1<<16-1)) }

func (s *session) errorCount() int {
	n := 0
	for _, w := range s.warnings {
		if w.Level == "Error" {
			n++
		}
	}
	return n
}

// noteError keeps an error for SHOW WARNINGS and SHOW ERRORS.
func (s *session) noteError(e *wire.ServerError) {
	if text, _ := s.tx.State().Get("max_error_count"); text == "max_error_count=0" {
		return
	}
	s.warnings = append(s.warnings, exec.Note{Level: "Error", Code: strconv.Itoa(int(e.Code)), Message: e.Message, State: e.State})
}

// What MariaDB says of accounts that there are not.
const (
	erNoSuchUserRow = 1133
	erNoSuchGrant   = 1141
)

// showsOwnAccount says whether the account that is named behind a word of a SHOW is the cluster's own.
func (s *session) showsOwnAccount(scan *sqltext.Scan, stmt *sqltext.Stmt, word int) (user, host string, own bool) {
	i := stmt.SetStatement.To + int32(word) + 1
	if int(i) >= len(scan.Tokens) {
		return "", "", false
	}
	user, host = nameAt(scan, i, s.mode()), "%"
	if user, at, found := strings.Cut(user, "@"); found { // it may be one word
		return user, at, slices.Contains(ownAccounts, user)
	}
	if int(i)+1 < len(scan.Tokens) && scan.Tokens[i+1].Kind == sqltext.UserVar {
		host = strings.Trim(string(scan.Bytes(i + 1)[1:]), "'`\"")
	}
	return user, host, slices.Contains(ownAccounts, user)
}

// nameAt is the name that a token is.
func nameAt(scan *sqltext.Scan, tok int32, mode sqltext.Mode) string {
	t := scan.Tokens[tok]
	if t.Kind == sqltext.Word || t.Kind == sqltext.Number {
		return string(scan.Bytes(tok))
	}
	return string(sqltext.Unquote(nil, t, scan.Src, mode))
}
