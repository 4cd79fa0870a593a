package mariadb

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
)

// Log is one of a server's binary logs.
type Log struct {
	Name string
	Size int64
}

// Logs are a server's binary logs, the oldest first; the last one is being written.
func (s *Servers) Logs(ctx context.Context, leaf string) ([]Log, error) {
	res, err := s.at(ctx, leaf, "SHOW BINARY LOGS")
	if err != nil {
		return nil, err
	}
	var out []Log
	for _, row := range res.Rows {
		size, err := strconv.ParseInt(string(row[1]), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("leaf %s: size of binary log %s: %w", leaf, row[0], err)
		}
		out = append(out, Log{string(row[0]), size})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("leaf %s: %w", leaf, ErrNoLog)
	}
	return out, nil
}

// logHead is the length of what each binary log begins with: BINLOG_GTID_POS tells of a place there what the log's list of GTIDs says.
const logHead = "4"

// LogStart is where a server's binary log stood, domain by domain, when one of its files began. ErrNoLog when the file is not there.
func (s *Servers) LogStart(ctx context.Context, leaf, log string) (Position, error) {
	res, err := s.at(ctx, leaf, "SELECT BINLOG_GTID_POS("+lit(log)+", "+logHead+")")
	if err != nil {
		return nil, err
	}
	if res.Rows[0][0] == nil {
		return nil, fmt.Errorf("leaf %s, %s: %w", leaf, log, ErrNoLog)
	}
	return ParsePosition(string(res.Rows[0][0]))
}

// names is all that a server's binary logs name: where it stands, and in domains that it has forgotten since what the oldest of the logs begins with.
func (s *Servers) names(ctx context.Context, leaf string) (Position, error) {
	for {
		logs, err := s.Logs(ctx, leaf)
		if err != nil {
			return nil, err
		}
		all, err := s.LogStart(ctx, leaf, logs[0].Name)
		if errors.Is(err, ErrNoLog) { // purged meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		now, err := s.BinlogPosition(ctx, leaf)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, now)
		return all, nil
	}
}

// Keeps says whether a server's binary logs still have all of a domain behind a start.
func (s *Servers) Keeps(ctx context.Context, leaf string, from Start) (bool, error) {
	logs, err := s.Logs(ctx, leaf)
	if err != nil {
		return false, err
	}
	oldest, err := s.LogStart(ctx, leaf, logs[0].Name)
	if err != nil {
		return false, err
	}
	return oldest[from.Domain].Sequence <= from.After.Sequence, nil
}

// Purge removes the binary logs of a server that are older than one of them. Those that a replica is reading stay, and all that follow.
func (s *Servers) Purge(ctx context.Context, leaf, to string) error {
	_, err := s.at(ctx, leaf, "PURGE BINARY LOGS TO "+lit(to))
	return err
}

// Rotate begins a new binary log.
func (s *Servers) Rotate(ctx context.Context, leaf string) error {
	_, err := s.at(ctx, leaf, unlogged, "FLUSH BINARY LOGS")
	return err
}

// forgetAtOnce bounds how many domains one statement names.
const forgetAtOnce = 1000

// ForgetLogged takes domains out of what a server knows of its binary log's past. None of its logs may have events of them any more, and nobody may ever want
// to follow them from their start: such a replica would be told that there is nothing. Begins a new binary log.
//
// From then on the server strikes those domains out of what a link names to it, and older logs still begin with them: it refuses, with error 1236, a replica that
// connects and is behind the new log's beginning. So no link to it is made from what it named before, and no link of its followers is changed until they are past that;
// ErrBehind, and nothing is done, when one is far from it, or is just being made. others are all leaves that may follow it.
//
// Domains that the server itself follows stay: its log says from where.
func (s *Servers) ForgetLogged(ctx context.Context, leaf string, domains []uint32, others ...string) error {
	end, err := s.forgetting(leaf)
	if err != nil {
		return err
	}
	defer end()
	own, err := s.Links(ctx, leaf)
	if err != nil {
		return err
	}
	for _, link := range own {
		domains = slices.DeleteFunc(slices.Clone(domains), func(d uint32) bool { return slices.Contains(link.Domains, d) })
	}
	if len(domains) == 0 {
		return nil
	}
	follows := map[string][]uint32{}
	for _, f := range slices.Sorted(slices.Values(others)) {
		unlock := s.lockLinks(f)
		link, err := s.closeBehind(ctx, f, leaf)
		if err != nil {
			unlock()
			return err
		}
		if link == nil { // nor will it get one meanwhile
			unlock()
			continue
		}
		defer unlock()
		follows[f] = link.Domains
	}
	if err := s.forgetLogged(ctx, leaf, domains); err != nil {
		return err
	}
	now, err := s.BinlogPosition(ctx, leaf)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.behind)
	defer cancel()
	for f, over := range follows {
		for _, d := range over {
			if err := s.waitPast(ctx, f, leaf, now[d]); err != nil {
				return err
			}
		}
	}
	return nil
}

// behindWithin is Servers.behind in use.
const behindWithin, lookAgain = 30 * time.Second, 100 * time.Millisecond

// waitPast waits until a follower has applied a transaction, as long as it follows its source. Under the lock of its links.
func (s *Servers) waitPast(ctx context.Context, follower, source string, at GTID) error {
	for {
		slice, cancel := context.WithTimeout(ctx, lookAgain)
		err := s.WaitReached(slice, follower, at)
		cancel()
		if !errors.Is(err, ErrNotApplied) || ctx.Err() != nil {
			return err
		}
		link, err := s.link(ctx, follower, source)
		if err != nil {
			return err
		}
		if link == nil || !link.Receiving || !link.Applying {
			return fmt.Errorf("leaf %s, which follows %s: %w", follower, source, ErrBehind)
		}
	}
}

// ErrBehind: a replica does not follow closely now.
var ErrBehind = errors.New("a replica is behind, or does not follow now")

// closeBehind is a follower's link to a source, under the lock of its links; nil when it has none, or one that is not started again as it is.
func (s *Servers) closeBehind(ctx context.Context, follower, source string) (*Link, error) {
	link, err := s.link(ctx, follower, source)
	switch {
	case err != nil:
		return nil, err
	case link == nil || link.Refused && link.Error != "" || link.ended():
		return nil, nil
	case !link.Receiving || !link.Applying || link.Lag > time.Second:
		return nil, fmt.Errorf("leaf %s, which follows %s: %w", follower, source, ErrBehind)
	}
	return link, nil
}

// link is a follower's link to a source, nil when it has none, under the lock of its links.
func (s *Servers) link(ctx context.Context, follower, source string) (*Link, error) {
	c, err := s.conn(ctx, follower)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	all, err := links(ctx, c)
	return all[source], err
}

func (s *Servers) forgetLogged(ctx context.Context, leaf string, domains []uint32) error {
	for len(domains) > 0 {
		n := min(len(domains), forgetAtOnce)
		if _, err := s.at(ctx, leaf, unlogged, "FLUSH BINARY LOGS DELETE_DOMAIN_ID=("+list(domains[:n])+")"); err != nil {
			return err
		}
		domains = domains[n:]
	}
	return nil
}

// ForgetApplied takes domains out of the position of a server's replication connections, which pause for some 30 ms. No source of the server may have them in
// any list of its binary logs: it would not let the server connect.
func (s *Servers) ForgetApplied(ctx context.Context, leaf string, domains []uint32) error {
	known, begun := s.sources(ctx, leaf)
	defer begun()
	defer s.lockLinks(leaf)()
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return err
	}
	defer c.Release()
	all, err := links(ctx, c)
	if err != nil {
		return err
	}
	return s.paused(ctx, c, all, "", known, func() error {
		for len(domains) > 0 {
			n := min(len(domains), forgetAtOnce)
			if err := s.forget(ctx, c, domains[:n]); err != nil {
				return err
			}
			domains = domains[n:]
		}
		return nil
	})
}

func (s *Servers) forget(ctx context.Context, c *backend.Conn, domains []uint32) error {
	if err := setPosition(ctx, c, func(pos Position) {
		for _, d := range domains {
			delete(pos, d)
		}
	}); err != nil {
		return err
	}
	return do(ctx, c, unlogged, "DELETE FROM "+starts+" WHERE domain IN ("+list(domains)+")")
}

func list(domains []uint32) string {
	out := make([]string, len(domains))
	for i, d := range domains {
		out[i] = strconv.FormatUint(uint64(d), 10)
	}
	return strings.Join(out, ",")
}
