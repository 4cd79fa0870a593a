// Package housetest holds the rules of the house that the compiler does not: who may import whom, and what every package must have. It
// is tests only, which read `go list` and ARCHITECTURE.md's table of rooms.
package housetest
