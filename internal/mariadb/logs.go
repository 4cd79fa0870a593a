package mariadb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

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
func (s *Servers) ForgetLogged(ctx context.Context, leaf string, domains []uint32) error {
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
	known := s.sources(ctx, leaf)
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
