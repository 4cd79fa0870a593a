package gateway

import (
	"context"
	"net"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// showProcesslist is SHOW [FULL] PROCESSLIST: this node's sessions, all of them for an account with PROCESS, else its own.
func (s *session) showProcesslist(ctx context.Context, out exec.Output, full, prepared bool) error {
	all, err := s.hasRight(ctx, processRight)
	if err != nil {
		return err
	}
	r := &rowset{cols: []colDef{
		integer("Id"), text("User", 128), text("Host", 64), text("db", 64), text("Command", 16), integer("Time"), text("State", 64),
		text("Info", infoBytes), {"Progress", wire.TypeDouble, 7},
	}}
	now := time.Now()
	sessions := s.g.all()
	slices.SortFunc(sessions, func(a, b *session) int { return int(int64(a.id) - int64(b.id)) })
	for _, o := range sessions {
		o.mu.Lock()
		user, db, cmd, info, host := o.shownUser, o.shownDB, o.command, string(o.info), o.accountHost
		o.mu.Unlock()
		if !all && (user != s.user || host != s.login.Host) {
			continue
		}
		var dbValue, infoValue any
		if db != "" {
			dbValue = db
		}
		state := ""
		if info != "" {
			info = withoutSecrets(info)
			if !full && len(info) > 100 {
				info = info[:100]
			}
			infoValue, state = info, "Executing"
		}
		if user == "" {
			user = "unauthenticated user"
		}
		seconds := max(now.UnixNano()-o.since.Load(), 0) / int64(time.Second)
		r.add(int64(o.id), user, net.JoinHostPort(o.shownHost(), strconv.Itoa(int(o.port))), dbValue, commandName(cmd), seconds, state, infoValue, 0.0)
	}
	return r.write(out, prepared)
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

// secretBearing finds a statement with a password in it that the node itself reads: ADD LEAF, with whatever stands between the two words. What follows
// it, to the end, is not for others' eyes.
var secretBearing = regexp.MustCompile(`(?is)\badd(?:\s|/\*!?|\*/|/\*.*?\*/|--[^\n]*\n|#[^\n]*\n)+leaf\b(.*)`)

// withoutSecrets is a text as others may see it.
func withoutSecrets(text string) string {
	if m := secretBearing.FindStringSubmatchIndex(text); m != nil {
		return text[:m[2]] + " …"
	}
	return text
}
