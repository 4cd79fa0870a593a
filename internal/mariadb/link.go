package mariadb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// Link is a replication connection as its target tells it.
type Link struct {
	Source    string // the leaf that it is named after
	Addr      string // host:port
	Domains   []uint32
	Receiving bool // the I/O thread has a connection
	Refused   bool // the I/O thread has given up
	Applying  bool // the SQL thread runs
	Encrypted bool // by TLS
	Received  Position
	Error     string // of either thread
	Fault     uint32 // the domain of the transaction that it could not apply; 0: not known, or it applies
	Lag       time.Duration
	unsure    bool // whether Domains are all is not known: a change was cut off
}

// Broken says that the link will not go on by itself.
func (l *Link) Broken() bool { return !l.Applying || l.Refused }

// Start says from where a domain is read: from a GTID on, not including it; the zero GTID is from the domain's start.
type Start struct {
	Domain uint32
	After  GTID
}

// ErrNotApplied: what was to be applied was not in time.
var ErrNotApplied = errors.New("the replica has not applied what it was waited for")

// ErrNoLog: the server has no such binary log.
var ErrNoLog = errors.New("there is no such binary log")

func (s *Servers) lockLinks(leaf string) func() {
	s.mu.Lock()
	m := s.links[leaf]
	if m == nil {
		m = new(sync.Mutex)
		s.links[leaf] = m
	}
	s.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// Links are a server's replication connections by their sources.
func (s *Servers) Links(ctx context.Context, leaf string) (map[string]*Link, error) {
	all, err := s.readLinks(ctx, leaf)
	if err != nil {
		return nil, err
	}
	if changed, err := s.sure(ctx, leaf, all); err != nil || !changed {
		return all, err
	}
	return s.readLinks(ctx, leaf)
}

func (s *Servers) readLinks(ctx context.Context, leaf string) (map[string]*Link, error) {
	defer s.lockLinks(leaf)() // it tells the position, see setPosition
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return links(ctx, c)
}

// begins finds the domain of a transaction that begins in a log.
var begins = regexp.MustCompile(`GTID (\d+)-\d+-\d+`)

func links(ctx context.Context, c *backend.Conn) (map[string]*Link, error) {
	res, err := c.Query(ctx, "SHOW ALL SLAVES STATUS")
	if err != nil {
		return nil, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	at := map[string]int{}
	for i, col := range res.Columns {
		at[col] = i
	}
	out, cut, stopped := map[string]*Link{}, map[string]string{}, map[*Link]string{}
	for _, row := range res.Rows {
		get := func(name string) string {
			if i, ok := at[name]; ok {
				return string(row[i])
			}
			return ""
		}
		l := &Link{
			Source: get("Connection_name"), Addr: net.JoinHostPort(get("Master_Host"), get("Master_Port")),
			Receiving: get("Slave_IO_Running") == "Yes", Refused: get("Slave_IO_Running") == "No", Applying: get("Slave_SQL_Running") == "Yes", Error: get("Last_SQL_Error"),
			Encrypted: get("Master_SSL_Allowed") == "Yes",
		}
		if !l.Applying && get("Last_SQL_Errno") != "0" {
			stopped[l] = fmt.Sprintf("SHOW RELAYLOG %s EVENTS IN %s FROM %s LIMIT 1", lit(l.Source), lit(get("Relay_Log_File")), get("Relay_Log_Pos"))
		}
		if l.Error == "" {
			l.Error = get("Last_IO_Error")
		}
		if n, err := strconv.Atoi(get("Seconds_Behind_Master")); err == nil {
			l.Lag = time.Duration(n) * time.Second
		}
		if l.Received, err = ParsePosition(get("Gtid_IO_Pos")); err != nil {
			return nil, err
		}
		told := get("Replicate_Do_Domain_Ids")
		if l.Domains = domainsOf(told); strings.HasSuffix(told, more) {
			cut[l.Source] = told
		}
		out[l.Source] = l
	}
	for l, event := range stopped { // links apply one transaction after another
		if res, err := c.Query(ctx, event); err == nil && len(res.Rows) == 1 {
			if m := begins.FindSubmatch(res.Rows[0][slices.Index(res.Columns, "Info")]); m != nil {
				domain, _ := strconv.ParseUint(string(m[1]), 10, 32)
				l.Fault = uint32(domain)
			}
		}
	}
	return out, recall(ctx, c, out, cut)
}

// Follow has target read domains from source, besides what it reads from there already. Its other replication connections pause for some 10 ms. Each
// domain goes on at its Start; one that is followed already is not touched.
//
// A source compares all that the target names with all that it has, the domains that the link leaves out too: it refuses one that lacks a domain whose first
// logs are purged, stands before what is left, or is ahead of it. So each link names to its source what that has, see named. And in what it follows from nowhere the target takes on the source's
// position, unless the link is connected, and is never ahead of any other source: from there it goes on by itself when it restarts.
func (s *Servers) Follow(ctx context.Context, target, source, sourceAddr string, starts ...Start) error {
	known, begun := s.sources(ctx, target, source)
	defer begun()
	theirs, err := s.names(ctx, source)
	if err != nil {
		return err
	}
	return s.relink(ctx, target, source, sourceAddr, theirs, known, func(l *Link) (domains []uint32, set []Start) {
		if l != nil {
			domains = slices.Clone(l.Domains)
		}
		for _, st := range starts {
			if !slices.Contains(domains, st.Domain) {
				domains, set = append(domains, st.Domain), append(set, st)
			}
		}
		return domains, set
	})
}

// Unfollow has target read domains from source no longer.
func (s *Servers) Unfollow(ctx context.Context, target, source string, domains ...uint32) error {
	known, begun := s.sources(ctx, target)
	defer begun()
	return s.relink(ctx, target, source, "", nil, known, func(l *Link) ([]uint32, []Start) {
		if l == nil {
			return nil, nil
		}
		return slices.DeleteFunc(slices.Clone(l.Domains), func(d uint32) bool { return slices.Contains(domains, d) }), nil
	})
}

// Unlink ends a replication connection. What it had received and not applied is lost: DrainReceived comes first where that matters.
func (s *Servers) Unlink(ctx context.Context, target, source string) error {
	return s.relink(ctx, target, source, "", nil, nil, func(*Link) ([]uint32, []Start) { return nil, nil })
}

func (s *Servers) relink(ctx context.Context, target, source, addr string, theirs Position, known map[string]Position, want func(*Link) ([]uint32, []Start)) error {
	defer s.lockLinks(target)()
	c, err := s.conn(ctx, target)
	if err != nil {
		return err
	}
	defer c.Release()
	run := func(sql ...string) error {
		for _, q := range sql {
			if _, err := c.Query(ctx, q); err != nil {
				return fmt.Errorf("leaf %s: replication from %s: %w", target, source, err)
			}
		}
		return nil
	}
	all, err := links(ctx, c)
	if err != nil {
		return err
	}
	old := all[source]
	domains, set := want(old)
	slices.Sort(domains)
	name := lit(source)
	if len(domains) == 0 {
		if old == nil {
			return nil
		}
		return changing(ctx, c, source, old, nil, func() error { return run("STOP SLAVE "+name, "RESET SLAVE "+name+" ALL") })
	}
	same := old != nil && !old.unsure && len(set) == 0 && slices.Equal(domains, sorted(old.Domains)) && (addr == "" || old.Addr == addr && (old.Encrypted || s.pools.TLS(addr) == nil))
	if same && old.Applying { // its own position goes on while it applies
		if addr == "" && old.ended() {
			return nil
		}
		return run("START SLAVE " + name)
	}
	followed := map[uint32]bool{}
	for _, l := range all {
		for _, d := range l.Domains {
			followed[d] = true
		}
	}
	if addr != "" && old != nil && old.ended() { // its source is followed again
		delete(all, source)
	}
	if theirs != nil {
		if known == nil {
			known = map[string]Position{}
		}
		known[source] = theirs
	}
	return s.paused(ctx, c, all, source, known, func() error {
		err := setPosition(ctx, c, func(pos Position) {
			for d, at := range theirs {
				if _, has := pos[d]; followed[d] || old != nil && has && old.Receiving {
					continue // with a link that it has, it may have gone on since the source was asked
				}
				pos[d] = at
			}
		})
		if err == nil {
			err = note(ctx, c, set)
		}
		if err != nil {
			return err
		}
		return changing(ctx, c, source, old, domains, func() error { return run(s.change(name, addr, domains)) })
	})
}

// setPosition changes the position that a server's replication goes on from, while nothing is applied.
func setPosition(ctx context.Context, c *backend.Conn, change func(Position)) error {
	return setPositions(ctx, c, func(pos Position, set func(Position) error) error {
		change(pos)
		return set(pos)
	})
}

// setPositions has f set the position that a server's replication goes on from, once or several times, while nothing is applied. In strict mode all that the server has written itself would have to be
// named as well, and its sources would refuse it for what they have not got of that: so it is set without.
//
// MariaDB 10.11 crashes when anybody reads the position while it is set, and when its clearing of old rows is under way: nobody but the holder of the link's lock
// reads it, and paused has put the clearing off.
func setPositions(ctx context.Context, c *backend.Conn, f func(pos Position, set func(Position) error) error) error {
	run := func(q string) (*backend.Result, error) {
		res, err := c.Query(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
		}
		return res, nil
	}
	res, err := run("SELECT @@GLOBAL.gtid_slave_pos")
	if err != nil {
		return err
	}
	pos, err := ParsePosition(string(res.Rows[0][0]))
	if err != nil {
		return err
	}
	is, locked := maps.Clone(pos), false
	defer func() {
		if locked {
			_, _ = run("DO " + GivePosition) // it goes with the connection, else
		}
	}()
	return f(pos, func(next Position) error {
		if maps.Equal(is, next) {
			return nil
		}
		if !locked {
			if _, err := run("DO " + TakePosition); err != nil {
				return err
			}
			locked = true
		}
		if _, err := run("SET GLOBAL gtid_strict_mode=OFF"); err != nil {
			return err
		}
		_, err := run("SET GLOBAL gtid_slave_pos=" + lit(next.String()))
		_, strict := run("SET GLOBAL gtid_strict_mode=ON") // at once: a link that connects is to be told of holes
		if err := errors.Join(err, strict); err != nil {
			return err
		}
		is = maps.Clone(next)
		return nil
	})
}

// TakePosition and GivePosition are around what reads a server's replication position without the lock of its links: while it is being set, reading it makes
// MariaDB 10.11 crash.
const (
	TakePosition = "GET_LOCK('orbweaver position', 10)"
	GivePosition = "RELEASE_LOCK('orbweaver position')"
)

const (
	putOff   = "2147483647"          // rows before the clearing begins
	clearing = 20 * time.Millisecond // how long one that has begun may take
)

func sorted(d []uint32) []uint32 { return slices.Sorted(slices.Values(d)) }

func (s *Servers) change(name, addr string, domains []uint32) string {
	sql := "CHANGE MASTER " + name + " TO MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1, DO_DOMAIN_IDS=(" + list(storable(domains)) + ")"
	if host, port, err := split(addr); err == nil {
		sql += fmt.Sprintf(", MASTER_HOST=%s, MASTER_PORT=%d, MASTER_USER='%s', MASTER_PASSWORD=%s", lit(host), port, Replicator, lit(s.password))
		if s.pools.TLS(addr) != nil {
			// Encrypted, not verified: where a server keeps the certificates that it trusts is its own configuration.
			sql += ", MASTER_SSL=1, MASTER_SSL_VERIFY_SERVER_CERT=0"
		}
	}
	return sql
}

// BinlogPosition is where a server's binary log is, domain by domain: what it has written or applied.
func (s *Servers) BinlogPosition(ctx context.Context, leaf string) (Position, error) {
	res, err := s.at(ctx, leaf, "SELECT @@GLOBAL.gtid_binlog_pos")
	if err != nil {
		return nil, err
	}
	return ParsePosition(string(res.Rows[0][0]))
}

// AppliedPosition is what a server names to its sources, domain by domain; domains that its links leave out advance as well, see Stands.
func (s *Servers) AppliedPosition(ctx context.Context, leaf string) (Position, error) {
	defer s.lockLinks(leaf)() // see setPosition
	res, err := s.at(ctx, leaf, "SELECT @@GLOBAL.gtid_slave_pos")
	if err != nil {
		return nil, err
	}
	return ParsePosition(string(res.Rows[0][0]))
}

// WaitReached waits until a replica has applied a transaction, or has it by its copy: what its binary log does not tell. For the controller alone.
func (s *Servers) WaitReached(ctx context.Context, leaf string, at GTID) error {
	for {
		pos, err := s.Stands(ctx, leaf)
		switch {
		case err == nil && pos[at.Domain].Sequence >= at.Sequence:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("leaf %s, %s: %w", leaf, at, ErrNotApplied)
		case err != nil:
			return err
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// DrainReceived stops receiving from a source that is no more and waits until everything received of the domains is applied. It is what a replica must do
// before it becomes master. The replication connection then stays, stopped.
func (s *Servers) DrainReceived(ctx context.Context, target, source string, domains []uint32) error {
	defer s.lockLinks(target)()
	c, err := s.conn(ctx, target)
	if err != nil {
		return err
	}
	defer c.Release()
	all, err := links(ctx, c)
	if err != nil {
		return err
	}
	if all[source] == nil {
		return nil
	}
	if _, err := c.Query(ctx, "STOP SLAVE "+lit(source)+" IO_THREAD"); err != nil {
		return fmt.Errorf("leaf %s: %w", target, err)
	}
	if all, err = links(ctx, c); err != nil {
		return err
	}
	l := all[source]
	if l == nil {
		return nil
	}
	wait := "0.5"
	if !l.Applying { // what is not there now will never be
		wait = "0.001"
	}
	for _, d := range domains {
		at, ok := l.Received[d]
		if !ok {
			continue
		}
		for {
			res, err := c.Query(ctx, "SELECT MASTER_GTID_WAIT("+lit(at.String())+", "+wait+")")
			if err != nil {
				return fmt.Errorf("leaf %s: %w", target, err)
			}
			if string(res.Rows[0][0]) == "0" {
				stand, err := stands(ctx, c)
				if err != nil {
					return err
				}
				if stand[d].Sequence >= at.Sequence {
					break
				}
				time.Sleep(time.Millisecond) // the position may be ahead of what is applied
			}
			now, err := links(ctx, c)
			if err != nil {
				return err
			}
			if l := now[source]; l == nil || !l.Applying {
				return fmt.Errorf("leaf %s has stopped applying what it got from %s: %w", target, source, ErrNotApplied)
			}
		}
	}
	return nil
}
