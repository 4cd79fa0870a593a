package mariadb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// followedTable is the table of the domains that a server's links follow, by their sources. MariaDB tells the first 500 characters of them; where there are more, the rest is known from here. was
// is not NULL while a link is being changed.
const followedTable = Schema + ".links"

const createFollowed = "CREATE TABLE IF NOT EXISTS " + followedTable + " (source VARCHAR(64) NOT NULL PRIMARY KEY, domains MEDIUMTEXT NOT NULL, was MEDIUMTEXT) ENGINE=InnoDB"

// firstNobodys begins the numbers that no partition's domain has. MariaDB sorts by signed differences, so that they are the last ones.
const firstNobodys = 1<<31 - 256

// storable is a list of domains, in order, with as many of nobody's as MariaDB needs to keep it. It makes the text of its file of a link in a buffer whose room it counts down by all that is in it, for
// each number again. Where that comes upon the last few bytes before it is below zero, a number is left out of the file, and the server does not start any more.
func storable(domains []uint32) []uint32 {
	out := slices.Sorted(slices.Values(domains))
	for next := uint32(firstNobodys); !wholly(out); next++ {
		out = append(out, next)
	}
	return out
}

// wholly says whether MariaDB's file of a link has all of a list: Domain_id_filter::as_string of its sql/rpl_mi.cc.
func wholly(domains []uint32) bool {
	const number, enough = 25, 32 // what it reckons for one, and what any takes
	room, length := uint64(number*(1+len(domains))), uint64(len(strconv.Itoa(len(domains))))
	room -= length
	for _, d := range domains {
		if room < enough {
			return false
		}
		length += 1 + uint64(len(strconv.FormatUint(uint64(d), 10)))
		room -= length
	}
	return true
}

// domainsOf reads a list of domains, without nobody's.
func domainsOf(text string) (out []uint32) {
	for d := range strings.SplitSeq(text, ",") {
		if n, err := strconv.ParseUint(strings.TrimSpace(d), 10, 32); err == nil && n < firstNobodys {
			out = append(out, uint32(n))
		}
	}
	return out
}

// more is behind a list that MariaDB tells only the beginning of.
const more = "..."

// recall completes links of which MariaDB tells the beginning of the domains alone, as cut has them.
func recall(ctx context.Context, c *backend.Conn, links map[string]*Link, cut map[string]string) error {
	if len(cut) == 0 {
		return nil
	}
	res, err := c.Query(ctx, "SELECT source, domains, was FROM "+followedTable)
	if err != nil {
		return fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	for _, row := range res.Rows {
		l, text := links[string(row[0])], strings.TrimSuffix(cut[string(row[0])], more)
		if l == nil || text == "" {
			continue
		}
		begins := func(domains []uint32) bool {
			return strings.HasPrefix(strings.ReplaceAll(list(storable(domains)), ",", ", "), text)
		}
		now, was := domainsOf(string(row[1])), domainsOf(string(row[2]))
		switch {
		case begins(now) && (row[2] == nil || !begins(was)):
			l.Domains = now
		case begins(was):
			if l.Domains = was; begins(now) {
				l.Domains = slices.DeleteFunc(was, func(d uint32) bool { return !slices.Contains(now, d) })
				l.unsure = true
			}
		}
	}
	return nil
}

// sure changes links again of which it is not known whether a change was made: to the domains that they follow either way.
func (s *Servers) sure(ctx context.Context, leaf string, links map[string]*Link) (changed bool, err error) {
	for source, l := range links {
		if l.unsure {
			if err := s.relink(ctx, leaf, source, "", nil, nil, func(l *Link) ([]uint32, []Start) {
				if l == nil {
					return nil, nil
				}
				return slices.Clone(l.Domains), nil
			}); err != nil {
				return changed, err
			}
			changed = true
		}
	}
	return changed, nil
}

// changing has a link changed by f from the domains was to others, none when it ends.
func changing(ctx context.Context, c *backend.Conn, source string, was *Link, domains []uint32, f func() error) error {
	if err := do(ctx, c, unlogged); err != nil {
		return err
	}
	before := "NULL"
	if was != nil {
		before = lit(list(was.Domains))
	}
	if err := do(ctx, c, "REPLACE INTO "+followedTable+" VALUES ("+lit(source)+", "+lit(list(domains))+", "+before+")"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	if len(domains) == 0 {
		return do(ctx, c, "DELETE FROM "+followedTable+" WHERE source = "+lit(source))
	}
	return do(ctx, c, "UPDATE "+followedTable+" SET was = NULL WHERE source = "+lit(source))
}
