package gateway

import (
	"bytes"
	"context"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// showProcesslist is SHOW [FULL] PROCESSLIST: the sessions of all nodes, for an account with PROCESS, else its own. What can't be had of another node is
// told by a warning.
func (s *session) showProcesslist(ctx context.Context, out exec.Output, full, prepared bool) error {
	s.warnings = s.warnings[:0]
	size := 100
	if full {
		size = infoBytes
	}
	list, missing, err := s.allSessions(ctx, size)
	if err != nil {
		return err
	}
	r := &rowset{cols: []colDef{
		integer("Id"), text("User", 128), text("Host", 64), text("db", 64), text("Command", 16), integer("Time"), text("State", 64),
		text("Info", infoBytes), {name: "Progress", typ: wire.TypeDouble, size: 7},
	}}
	for _, o := range list {
		db, info, state := o.nullable()
		r.add(int64(o.ID), o.User, o.Host, db, o.Command, o.Millis/1000, state, info, 0.0)
	}
	s.note(missing)
	r.warnings = s.warningCount()
	return r.write(out, prepared)
}

// processlistTable is information_schema.PROCESSLIST, with the columns of MariaDB's. What only a server could know is NULL.
var processlistTable = &systemTable{
	cols: []colDef{
		integer("ID"), text("USER", 128), text("HOST", 64), text("DB", 64), text("COMMAND", 16), integer("TIME"), text("STATE", 64), text("INFO", infoBytes),
		double("TIME_MS"), integer("STAGE"), integer("MAX_STAGE"), double("PROGRESS"), integer("MEMORY_USED"), integer("MAX_MEMORY_USED"),
		integer("EXAMINED_ROWS"), integer("QUERY_ID"), text("INFO_BINARY", infoBytes), integer("TID"),
	},
	rows: func(ctx context.Context, s *session, _ *topo.Snapshot) ([][]any, error) {
		list, missing, err := s.allSessions(ctx, infoBytes)
		if err != nil {
			return nil, err
		}
		if len(missing) > 0 { // a warning would be lost with those of the leaf
			return nil, wire.Errorf(wire.ErUnknown, "%s; SHOW PROCESSLIST tells the others", strings.Join(missing, "; "))
		}
		rows := make([][]any, 0, len(list))
		for _, o := range list {
			db, info, state := o.nullable()
			rows = append(rows, []any{
				int64(o.ID), o.User, o.Host, db, o.Command, o.Millis / 1000, state, info, float64(o.Millis), 0, 0, 0.0, nil, nil, nil, nil, info, nil,
			})
		}
		return rows, nil
	},
}

func (o *shownSession) nullable() (db, info any, state string) {
	if o.DB != "" {
		db = o.DB
	}
	if o.Info != nil {
		info, state = *o.Info, "Executing"
	}
	return db, info, state
}

// shown is what a list of sessions tells of this one.
func (s *session) shown(now time.Time, infoSize int) shownSession {
	s.mu.Lock()
	o := shownSession{User: s.shownUser, DB: s.shownDB, Command: commandName(s.command)}
	info := string(s.info)
	s.mu.Unlock()
	o.ID, o.Host = s.id, net.JoinHostPort(s.shownHost(), strconv.Itoa(int(s.port)))
	o.Millis = max(now.UnixNano()-s.since.Load(), 0) / int64(time.Millisecond)
	if info != "" {
		info = withoutSecrets(info)
		if n := infoSize; len(info) > n {
			for n > 0 && !utf8.RuneStart(info[n]) {
				n--
			}
			info = info[:n]
		}
		o.Info = &info
	}
	if o.User == "" {
		o.User = "unauthenticated user"
	}
	return o
}

// belongsTo says whether the session is an account's.
func (s *session) belongsTo(user, host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shownUser != "" && s.shownUser == user && s.accountHost == host
}

func commandName(c wire.Command) string {
	switch c {
	case wire.ComQuery:
		return "Query"
	case wire.ComStmtPrepare:
		return "Prepare"
	case wire.ComStmtExecute:
		return "Execute"
	case wire.ComStmtFetch:
		return "Fetch"
	case wire.ComSleep:
		return "Sleep"
	}
	return "Query"
}

// gap is what may stand between two words.
const gap = `(?:\s|/\*!?|\*/|/\*.*?\*/|--[^\n]*\n|#[^\n]*\n)`

// secretBearing finds a statement with a password in it: ADD LEAF, CREATE and ALTER SERVER, what names mysql.servers, accounts that are IDENTIFIED BY something, and a
// PASSWORD with a string behind it, as comments of linked tables have it, too; the arguments of spider_direct_sql; with whatever stands between the words. What follows, to the end, is not
// for others' eyes.
var secretBearing = regexp.MustCompile(`(?is)(?:\badd` + gap + `+leaf\b|\b(?:create|alter)\b(?:` + gap + `|\bor\b|\breplace\b)+server\b|\bmysql\W*servers\b|\bidentified\b` + gap + `+(?:by|via|with)\b|\bspider_(?:bg_)?direct_sql\b|` +
	`\bpassword\b` + gap + `*\(?` + gap + `*\\*['"])(.*)`)

// secretWords are the words of which secretBearing wants one: looking for them is much faster, and texts may be long.
var secretWords = [][]byte{[]byte("leaf"), []byte("server"), []byte("password"), []byte("identified"), []byte("direct_sql")}

// mayHoldSecret says whether a text may have a password in it.
func mayHoldSecret(text []byte) bool {
	lower := bytes.ToLower(text)
	return slices.ContainsFunc(secretWords, func(w []byte) bool { return bytes.Contains(lower, w) }) && secretBearing.Match(text)
}

// withoutSecrets is a text as others may see it.
func withoutSecrets(text string) string {
	if m := secretBearing.FindStringSubmatchIndex(text); m != nil {
		return text[:m[2]] + " …"
	}
	return text
}
