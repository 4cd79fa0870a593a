package topo

import "strings"

// Closed says which statements on a table wait while its rows get other places.
type Closed string

// What of a table is closed; "" when it is open.
const (
	ClosedToWrites Closed = "writes" // those that write it, or lock rows
	ClosedToAll    Closed = "all"
)

// To says whether statements on the table wait.
func (c Closed) To(writes bool) bool { return c == ClosedToAll || c == ClosedToWrites && writes }

// TablesOrdinal is the ordinal that stands for the closed tables of a database among those that somebody is inside of.
const TablesOrdinal = -4

// SamePlaces says whether a row has the same place in both tables, if they have it.
func (t *Table) SamePlaces(o *Table) bool {
	if t == o {
		return true
	}
	if t.Kind != o.Kind || len(t.ShardKey) != len(o.ShardKey) {
		return false
	}
	for i, c := range t.ShardKey {
		if !strings.EqualFold(t.Columns[c].Name, o.Columns[o.ShardKey[i]].Name) {
			return false
		}
	}
	return true
}
