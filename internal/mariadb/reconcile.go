package mariadb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// discarded is the table of the branches that were rolled back at a server alone, unlogged: its log has their beginning and no end. lost is that of those which a crash has taken from
// it, and not from its replicas.
const (
	discarded = Schema + ".discarded"
	lost      = Schema + ".lost"
)

func createKept(table string) string {
	return "CREATE TABLE IF NOT EXISTS " + table + " (owner BIGINT UNSIGNED NOT NULL, seq BIGINT UNSIGNED NOT NULL, place BIGINT UNSIGNED NOT NULL, PRIMARY KEY (owner, seq, place)) ENGINE=InnoDB"
}

// keep puts a branch into one of these tables.
func keep(ctx context.Context, c *backend.Conn, table string, b xid.Branch) error {
	return do(ctx, c, fmt.Sprintf("INSERT IGNORE INTO %s VALUES (%d, %d, %d)", table, b.Owner, b.Seq, b.Place))
}

// kept reads one of these tables.
func kept(ctx context.Context, c *backend.Conn, table string) (map[xid.Branch]bool, error) {
	res, err := c.Query(ctx, "SELECT owner, seq, place FROM "+table)
	if err != nil {
		return nil, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	out := map[xid.Branch]bool{}
	for _, row := range res.Rows {
		var b xid.Branch
		for i, to := range []*uint64{&b.Owner, &b.Seq, &b.Place} {
			if *to, err = strconv.ParseUint(string(row[i]), 10, 64); err != nil {
				return nil, err
			}
		}
		out[b] = true
	}
	return out, nil
}

// Lost are the branches that a server had prepared and that a crash has taken from it before it could say so. Its replicas may have them: they never hear of an end.
func Lost(ctx context.Context, c *backend.Conn) (map[xid.Branch]bool, error) {
	return kept(ctx, c, lost)
}

const (
	// logsRead is how many binary logs, the newest ones, are looked through for branches that a server has found prepared; lostRead for those that it has not: what a
	// crash has lost was being written, and another log may just have been begun.
	logsRead = 8
	lostRead = 3
	// keptDays is for how long it is known what was discarded or lost: there are few of them, and a replica may catch up late.
	keptDays = 30
	// startSlack is how far apart clocks may be, and how exactly the time of a server's start is known.
	startSlack = 6 * time.Second
	// logLag is much longer than it takes from the log to InnoDB.
	logLag = 200 * time.Millisecond
)

// reconciled says whether a server's branches were brought in line with its log since it was started: a key cache, of all things, is what a server forgets when it ends, has no part in replication, and
// can be made and read by its name (https://mariadb.com/kb/en/structured-system-variables/).
const (
	reconciled     = "SELECT @@GLOBAL.orbweaver_reconciled.key_buffer_size"
	markReconciled = "SET GLOBAL orbweaver_reconciled.key_buffer_size = 8192"
)

// Reconcile brings the branches of a server that was started in line with its binary log, which its replicas go by. MariaDB 10.11 writes the log first when it prepares a branch and
// when it ends one, and then does it in InnoDB: a crash in between leaves one that all others have ended, or that others have and this server has not. The first is ended. Of the second kind, one that
// was prepared here was never acknowledged, so that its transaction is rolled back: the controller is told (Lost), and has the replicas discard it. One that came by replication makes the copy
// stand before it (Stands): its replication breaks, and the copy is made anew. A branch that is in no log is rolled back. None of it is logged. It does nothing when it was done since the server's start; whoever ends branches, follows or starts links calls it first, and clients' connections do (Admit).
func (s *Servers) Reconcile(ctx context.Context, leaf string) error {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return err
	}
	defer c.Release()
	if done, err := isReconciled(ctx, c); done || err != nil {
		return err
	}
	res, err := c.Query(ctx, "SELECT GET_LOCK('orbweaver reconcile', 20)")
	if err != nil {
		return fmt.Errorf("leaf %s: %w", leaf, err)
	}
	if string(res.Rows[0][0]) != "1" {
		return fmt.Errorf("leaf %s: another node takes long to bring its branches in line with its log", leaf)
	}
	defer func() { _, _ = c.Query(context.WithoutCancel(ctx), "DO RELEASE_LOCK('orbweaver reconcile')") }()
	if done, err := isReconciled(ctx, c); done || err != nil {
		return err
	}
	if err := reconcile(ctx, c); err != nil {
		return err
	}
	return do(ctx, c, markReconciled)
}

// erMustChangePassword: the account's password has expired, so that nothing but a change of it is executed, nor will what comes next be.
const erMustChangePassword = 1820

// Admit lets a new connection of a client's pass (backend.Pools.Admit) once its server is in line with its log: what is read before may lack what was acknowledged, and what is written before may
// go by that. Connections end with their server, so that it is asked once for each. Whoever comes first does it, and does not wait for the controller: that would be no safer.
func (s *Servers) Admit(ctx context.Context, c *backend.Conn) error {
	asked := func() (bool, error) {
		res, err := c.Query(ctx, reconciled)
		if err != nil {
			return false, err
		}
		return string(res.Rows[0][0]) != "0", nil
	}
	done, err := asked()
	var refused *wire.ServerError
	if errors.As(err, &refused) && refused.Code == erMustChangePassword {
		return nil
	}
	if done || err != nil {
		return err
	}
	s.mu.Lock()
	turn := s.turns[c.Leaf()]
	if turn == nil {
		turn = make(chan struct{}, 1)
		s.turns[c.Leaf()] = turn
	}
	s.mu.Unlock()
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-turn }()
	if done, err = asked(); done || err != nil { // by another one meanwhile
		return err
	}
	if err := s.Reconcile(ctx, c.Leaf()); err != nil {
		return fmt.Errorf("%w: %w", ErrNotReconciled, err)
	}
	return nil
}

func isReconciled(ctx context.Context, c *backend.Conn) (bool, error) {
	res, err := c.Query(ctx, reconciled)
	if err != nil {
		return false, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	return string(res.Rows[0][0]) != "0", nil
}

func reconcile(ctx context.Context, c *backend.Conn) error {
	started, err := startOf(ctx, c)
	if err != nil {
		return err
	}
	young := func(x xid.XID) bool { return x.Born().After(started.Add(startSlack)) }
	found, err := Branches(ctx, c)
	if err != nil {
		return err
	}
	old := slices.DeleteFunc(slices.Clone(found), young)
	logs, err := readLogs(ctx, c, old)
	if err != nil {
		return err
	}
	gone := slices.DeleteFunc(logs.open(found), young)
	if logs.lacks(found) || len(gone) > 0 {
		// What connections are just preparing is there a moment later.
		select {
		case <-time.After(logLag):
		case <-ctx.Done():
		}
		// The log comes last: it has the end of whatever was ended since the branches were listed.
		if found, err = Branches(ctx, c); err == nil {
			logs, err = readLogs(ctx, c, old)
		}
		if err != nil {
			return err
		}
		still := logs.open(found)
		gone = slices.DeleteFunc(gone, func(x xid.XID) bool { return !slices.Contains(still, x) })
	}
	given, err := kept(ctx, c, discarded)
	if err == nil {
		err = do(ctx, c, unlogged)
	}
	if err != nil {
		return err
	}
	for _, x := range old {
		verb := ""
		switch last := logs.all[x].verb; {
		case last == "XA COMMIT":
			verb = "XA COMMIT "
		case last == "XA ROLLBACK", given[x.Branch()], // a rollback alone need not have come to disk
			last == "" && logs.whole: // else it may be in a log that is too old to be read
			verb = "XA ROLLBACK "
		default:
			continue
		}
		if _, err := endBranch(ctx, c, verb, x); err != nil {
			return err
		}
	}
	return missing(ctx, c, slices.DeleteFunc(gone, func(x xid.XID) bool { return given[x.Branch()] }), logs)
}

// missing sees to branches that the log has and InnoDB has not.
func missing(ctx context.Context, c *backend.Conn, all []xid.XID, logs branchLog) error {
	if len(all) == 0 {
		return nil
	}
	for _, table := range []string{discarded, lost} {
		if err := do(ctx, c, fmt.Sprintf("DELETE FROM %s WHERE seq < UNIX_TIMESTAMP(SYSDATE() - INTERVAL %d DAY) * 1000000", table, keptDays)); err != nil {
			return err
		}
	}
	res, err := c.Query(ctx, "SELECT @@GLOBAL.server_id, @@GLOBAL.gtid_binlog_pos")
	if err != nil {
		return fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	pos, err := ParsePosition(string(res.Rows[0][1]))
	if err != nil {
		return err
	}
	stand, err := stands(ctx, c)
	if err != nil {
		return err
	}
	for _, x := range all {
		at := logs.all[x].at
		switch {
		case strconv.FormatUint(uint64(at.Server), 10) == string(res.Rows[0][0]):
			if err := keep(ctx, c, lost, x.Branch()); err != nil {
				return err
			}
		case stand[at.Domain].Sequence >= at.Sequence && at.Sequence > 0:
			stand[at.Domain] = GTID{at.Domain, at.Server, at.Sequence - 1}
			if err := do(ctx, c, fmt.Sprintf("REPLACE INTO %s VALUES (%d, %d, %d, %d)", starts, at.Domain, at.Server, at.Sequence-1, pos[at.Domain].Sequence)); err != nil {
				return err
			}
		}
	}
	return nil
}

// startOf is when the server was started, by its own clock.
func startOf(ctx context.Context, c *backend.Conn) (time.Time, error) {
	res, err := c.Query(ctx, "SELECT CAST((UNIX_TIMESTAMP(SYSDATE(6)) - VARIABLE_VALUE) * 1000000 AS INTEGER) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'")
	if err != nil {
		return time.Time{}, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	us, err := strconv.ParseInt(string(res.Rows[0][0]), 10, 64)
	return time.UnixMicro(us), err
}

// entry is what the log has last of a branch: "XA PREPARE", or how it was ended; and where it was prepared.
type entry struct {
	verb string
	at   GTID
}

// branchLog is branches as binary logs have them: those that were asked about, and those without an end.
type branchLog struct {
	all   map[xid.XID]entry
	asked []xid.XID
	whole bool // there are no older logs
}

// open are the branches without an end in the log that are not among the prepared ones.
func (l branchLog) open(prepared []xid.XID) (out []xid.XID) {
	for x, e := range l.all {
		if e.verb == "XA PREPARE" && !slices.Contains(prepared, x) {
			out = append(out, x)
		}
	}
	return out
}

// lacks says whether one of the prepared ones that were asked about should be in the log and is not.
func (l branchLog) lacks(prepared []xid.XID) bool {
	return l.whole && slices.ContainsFunc(prepared, func(x xid.XID) bool { return slices.Contains(l.asked, x) && l.all[x].verb == "" })
}

// readLogs finds what the newest binary logs have of branches, from the oldest of them on, as later ones say more.
func readLogs(ctx context.Context, c *backend.Conn, of []xid.XID) (branchLog, error) {
	l := branchLog{all: map[xid.XID]entry{}, asked: of}
	logs, err := c.Query(ctx, "SHOW BINARY LOGS")
	if err != nil {
		return l, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	n := lostRead
	if len(of) > 0 {
		n = logsRead
	}
	l.whole = len(logs.Rows) <= n
	for _, row := range logs.Rows[max(0, len(logs.Rows)-n):] {
		err := readLog(ctx, c, string(row[0]), func(verb string, x xid.XID, at GTID) {
			switch {
			case verb == "XA START":
				l.all[x] = entry{at: at}
			case verb == "XA PREPARE":
				l.all[x] = entry{verb, l.all[x].at}
			case slices.Contains(of, x):
				l.all[x] = entry{verb, l.all[x].at}
			default:
				delete(l.all, x)
			}
		})
		if err != nil {
			return l, err
		}
	}
	return l, nil
}

// branchEvent is what SHOW BINLOG EVENTS tells of the events that are about branches; that of XA START has the transaction's GTID.
var branchEvent = regexp.MustCompile(`^(XA (?:START|PREPARE|COMMIT|ROLLBACK)) X'([0-9a-fA-F]*)',X'([0-9a-fA-F]*)',([0-9]+)(?: GTID ([0-9]+-[0-9]+-[0-9]+))?$`)

// readLog tells of the events about our branches in a binary log.
func readLog(ctx context.Context, c *backend.Conn, name string, tell func(verb string, x xid.XID, at GTID)) error {
	if err := c.Send(wire.ComQuery, []byte("SHOW BINLOG EVENTS IN "+lit(name))); err != nil {
		return err
	}
	defer c.Watch(ctx)()
	for !c.Done() {
		p, err := c.Next()
		if err != nil {
			return err
		}
		switch p.Kind {
		case backend.KindErr:
			return fmt.Errorf("leaf %s: %w", c.Leaf(), p.Err())
		case backend.KindRow:
			row := wire.TextRow(p.Payload) // Log_name, Pos, Event_type, Server_id, End_log_pos, Info
			var info []byte
			for range 6 {
				v, _, ok := row.Next()
				if !ok {
					return wire.ErrMalformed
				}
				info = v
			}
			m := branchEvent.FindSubmatch(info)
			if m == nil {
				continue
			}
			gtrid, e1 := hex.DecodeString(string(m[2]))
			bqual, e2 := hex.DecodeString(string(m[3]))
			format, e3 := strconv.ParseInt(string(m[4]), 10, 64)
			at, e4 := ParseGTID(string(m[5]))
			if errors.Join(e1, e2, e3, e4) != nil {
				continue
			}
			if x, ours := xid.ParseXID(format, gtrid, bqual); ours {
				tell(string(m[1]), x, at)
			}
		}
	}
	return nil
}
