package gateway

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
)

// hostRank orders host patterns from the most specific to the most general as MariaDB does: lower comes first. The order was taken
// from a server's choices: exact names and netmasks, then patterns of a fixed length, then longer patterns before shorter ones;
// among equals the fewer wildcards, then the earlier first wildcard.
type hostRank struct{ slack, wilds, first int }

func rankHost(pattern string) hostRank {
	var r hostRank
	length, open := 0, false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '\\':
			if i+1 < len(pattern) {
				i++
			}
			length++
			continue
		case '%', '_':
			if r.wilds == 0 {
				r.first = i + 1
			}
			r.wilds++
			if c == '%' {
				open = true
				continue
			}
		}
		length++
	}
	if open {
		r.slack = 256 - min(length, 255)
	}
	return r
}

func (r hostRank) compare(o hostRank) int {
	return cmp.Or(cmp.Compare(r.slack, o.slack), cmp.Compare(r.wilds, o.wilds), cmp.Compare(r.first, o.first))
}

// sortAccounts brings accounts into the order in which MariaDB tries them.
func sortAccounts(as []*account) {
	slices.SortStableFunc(as, func(a, b *account) int {
		named := func(a *account) int {
			if a.User == "" {
				return 1
			}
			return 0
		}
		return cmp.Or(a.rank.compare(b.rank), cmp.Compare(named(a), named(b)), strings.Compare(b.Host, a.Host))
	})
}

// matchHost says whether an account's host pattern admits a client. Leaves resolve no name but the loopback's, which is localhost.
func matchHost(pattern string, ip netip.Addr) bool {
	ip = ip.Unmap()
	if net, mask, ok := netmask(pattern); ok {
		if !ip.Is4() {
			return false
		}
		b := ip.As4()
		return binary.BigEndian.Uint32(b[:])&mask == net
	}
	if pattern == "" || like(pattern, ip.String()) {
		return true
	}
	return ip.IsLoopback() && like(strings.ToLower(pattern), "localhost")
}

// netmask reads 10.0.0.0/255.0.0.0.
func netmask(pattern string) (net, mask uint32, ok bool) {
	n, m, found := strings.Cut(pattern, "/")
	if !found {
		return 0, 0, false
	}
	na, err1 := netip.ParseAddr(n)
	ma, err2 := netip.ParseAddr(m)
	if err1 != nil || err2 != nil || !na.Is4() || !ma.Is4() {
		return 0, 0, false
	}
	nb, mb := na.As4(), ma.As4()
	return binary.BigEndian.Uint32(nb[:]), binary.BigEndian.Uint32(mb[:]), true
}

// like is MariaDB's wildcard match: % any run, _ any one, \ takes the next as it is.
func like(pattern, s string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '%':
			pattern = strings.TrimLeft(pattern, "%")
			if pattern == "" {
				return true
			}
			for i := 0; i <= len(s); i++ {
				if like(pattern, s[i:]) {
					return true
				}
			}
			return false
		case '_':
			if s == "" {
				return false
			}
		default:
			if pattern[0] == '\\' && len(pattern) > 1 {
				pattern = pattern[1:]
			}
			if s == "" || s[0] != pattern[0] {
				return false
			}
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}
