// Package housetest holds the rules of the house that the compiler does not: who may import whom, and what every package must have. It
// is tests only, which read `go list`. ARCHITECTURE.md explains the rules; a change of one belongs there in the same commit.
package housetest
