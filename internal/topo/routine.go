package topo

import (
	"maps"
	"strings"
)

// RoutineKind says what a routine is.
type RoutineKind string

// The kinds of routines, as information_schema.ROUTINES and DDL name them.
const (
	Procedure RoutineKind = "PROCEDURE"
	Function  RoutineKind = "FUNCTION"
)

// Routine is a stored procedure or function of a sharded database. MariaDB has it in the shape of every leaf, where it is judged, shown and guarded. A procedure is never run there: nodes
// do what it says. A function is called there, also by statements in partitions where package trigger has proven that it answers the same at every leaf.
type Routine struct {
	DB   string      `json:"db"`
	Kind RoutineKind `json:"kind"`
	// Name is as it was written: MariaDB finds routines by names in any case.
	Name string `json:"name"`
	// Revision is another one after each change, and never used for anything else.
	Revision uint64 `json:"revision"`
	// Text is CREATE DEFINER=… PROCEDURE|FUNCTION `name`(…) … as MariaDB prints it under SQLMode: the name has no database.
	Text string `json:"text"`
	// SQLMode, Charset and Collation are what the text is read and run under: sql_mode, character_set_client and collation_connection of the session that made it. DBCollation is what
	// the database's collation was then: that of parameters and variables that say none.
	SQLMode     string `json:"sql_mode"`
	Charset     string `json:"charset"`
	Collation   string `json:"collation"`
	DBCollation string `json:"db_collation"`
	// Definer is user@host, or a role; whose rights count for what the routine does, unless Invoker: then they are the caller's.
	Definer string `json:"definer"`
	Invoker bool   `json:"invoker,omitempty"`
	// Deterministic and Access are what its characteristics claim: Access is CONTAINS SQL, NO SQL, READS SQL DATA or MODIFIES SQL DATA.
	Deterministic bool   `json:"deterministic,omitempty"`
	Access        string `json:"access,omitempty"`
	// Created and Modified are in seconds since 1970: servers that get it later show those times, too.
	Created  string `json:"created"`
	Modified string `json:"modified"`
	// Of a function, Reads are the tables of the database that it reads, Calls the functions of the database that it calls, in lower case. Clock: it asks for the time,
	// which is the statement's.
	Reads []string `json:"reads,omitempty"`
	Calls []string `json:"calls,omitempty"`
	Clock bool     `json:"clock,omitempty"`
	// OneLeaf: it may give another value at each leaf, or reads tables that no leaf has whole, so that one leaf runs all of a statement that calls it, on copies of such tables.
	OneLeaf bool `json:"one_leaf,omitempty"`
	// AtNode: no leaf may call it, as it writes, locks rows or reads views: a node runs it. Touches are the tables that it names, Writes those that it writes, as db.table.
	AtNode  bool     `json:"at_node,omitempty"`
	Touches []string `json:"touches,omitempty"`
	Writes  []string `json:"writes,omitempty"`
	// Aggregate: it folds rows. It is for one leaf.
	Aggregate bool `json:"aggregate,omitempty"`
}

// RoutineKey is the key of a routine in Database.Routines. Their names are ASCII, so that case is all in which two of one routine may differ.
func RoutineKey(kind RoutineKind, name string) string {
	return string(kind) + " " + strings.ToLower(name)
}

// FunctionsOrdinal is the ordinal that stands for the functions of a database among those that somebody is inside of.
const FunctionsOrdinal = -3

// SameRoutines says whether a database has the same routines in two topologies.
func (s *Snapshot) SameRoutines(o *Snapshot, db string) bool {
	a, b := s.Databases[db], o.Databases[db]
	if a == nil || b == nil {
		return a == b
	}
	return maps.EqualFunc(a.Routines, b.Routines, func(x, y *Routine) bool { return x.Revision == y.Revision })
}

// Key is the routine's in Database.Routines.
func (r *Routine) Key() string { return RoutineKey(r.Kind, r.Name) }

// Same says whether two routines are one, as a server has them.
func (r *Routine) Same(o *Routine) bool {
	return r.DB == o.DB && r.Kind == o.Kind && r.Name == o.Name && r.Text == o.Text && r.SQLMode == o.SQLMode && r.Charset == o.Charset && r.Collation == o.Collation && r.DBCollation == o.DBCollation &&
		r.Definer == o.Definer && r.Created == o.Created && r.Modified == o.Modified
}

// Routine finds a procedure or function; nil when it or its database does not exist.
func (s *Snapshot) Routine(kind RoutineKind, db, name string) *Routine {
	d := s.Databases[db]
	if d == nil {
		return nil
	}
	return d.Routines[RoutineKey(kind, name)]
}
