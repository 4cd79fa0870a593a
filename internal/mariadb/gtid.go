package mariadb

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// GTID is one transaction's id. The zero GTID stands for none.
type GTID struct {
	Domain   uint32
	Server   uint32
	Sequence uint64
}

// String is "domain-server-sequence", "" for none.
func (g GTID) String() string {
	if g.Sequence == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d-%d", g.Domain, g.Server, g.Sequence)
}

// ParseGTID reads "0-1-5"; "" is none.
func ParseGTID(text string) (GTID, error) {
	if text == "" {
		return GTID{}, nil
	}
	var g GTID
	parts := strings.Split(text, "-")
	if len(parts) != 3 {
		return g, fmt.Errorf("not a GTID: %q", text)
	}
	d, err1 := strconv.ParseUint(parts[0], 10, 32)
	s, err2 := strconv.ParseUint(parts[1], 10, 32)
	n, err3 := strconv.ParseUint(parts[2], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return g, fmt.Errorf("not a GTID: %q", text)
	}
	return GTID{uint32(d), uint32(s), n}, nil
}

// Position is a server's place in several domains.
type Position map[uint32]GTID

// ParsePosition reads a list of GTIDs, as gtid_binlog_pos is.
func ParsePosition(text string) (Position, error) {
	p := Position{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		g, err := ParseGTID(part)
		if err != nil {
			return nil, err
		}
		p[g.Domain] = g
	}
	return p, nil
}

// String is the list, by domain.
func (p Position) String() string {
	var domains []uint32
	for d := range p {
		domains = append(domains, d)
	}
	slices.Sort(domains)
	var parts []string
	for _, d := range domains {
		if t := p[d].String(); t != "" {
			parts = append(parts, t)
		}
	}
	return strings.Join(parts, ",")
}

// gone says whether an error is about a thread that is no more.
func gone(err error) bool {
	var refused *wire.ServerError
	return errors.As(err, &refused) && refused.Code == wire.ErNoSuchThread
}
