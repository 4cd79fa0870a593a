//go:build !linux

package main

import "net"

// owner: only Linux tells whose a connection is, so that here a leaf's wires are cut all at once or not at all.
func owner(net.Conn, map[string]int) string { return "" }
