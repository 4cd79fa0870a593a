package shard

import (
	"bytes"
	"net/netip"
)

// parseUUID reads 8-4-4-4-12 hexadecimal digits, as MariaDB prints a UUID.
func parseUUID(b []byte) (u [16]byte, ok bool) {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return u, false
	}
	n := 0
	for _, c := range b {
		var d byte
		switch {
		case c == '-':
			continue
		case c >= '0' && c <= '9':
			d = c - '0'
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			d = c - 'A' + 10
		default:
			return u, false
		}
		if n == 32 {
			return u, false
		}
		u[n/2] = u[n/2]<<4 | d
		n++
	}
	return u, n == 32
}

// parseInet reads an address in its common forms; an IPv4 address is in the first four bytes. MariaDB takes no zones and no brackets.
func parseInet(b []byte, six bool) (addr [16]byte, ok bool) {
	if len(b) > 45 || bytes.IndexByte(b, '%') >= 0 {
		return addr, false
	}
	a, err := netip.ParseAddr(string(b))
	if err != nil || a.Is6() != six {
		return addr, false
	}
	if six {
		return a.As16(), true
	}
	s := a.As4()
	copy(addr[:], s[:])
	return addr, true
}
