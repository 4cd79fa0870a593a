// Package plan turns a parsed statement, a topology snapshot and a few facts of the session into a Plan: where it goes, what text each
// partition gets, how the answers become one. It is pure: no network, clock, log or etcd.
//
// # How it decides
//
// Every occurrence of a table is a source of a block (one SELECT, UPDATE or DELETE). Equalities that every row of an answer must satisfy are edges
// between columns of sources; equalities with values are constraints. What can be reached from a constraint is pinned to its values; what
// can be reached from the shard key of the anchor (the first sharded source that no outer join fills with NULLs) lives in the anchor's
// partition. If all sources are pinned, the statement goes to the places of the values, unchanged when that is one place. If all are attached
// to the anchor, each partition can answer for its own rows, and the answers are merged. Everything else needs the Stage shape, and the plan names
// the reason and the rows that are needed. An edge counts only when it is sound: ON of an outer join restricts the side that may be missing, never the other one;
// IS NULL and <=> say nothing about a side that may be missing; a subquery is restricted by its outer query, never the other way round.
//
// A statement that names linked tables goes whole to the server that all of them lead to, or is refused (linked.go). Where they have partitions, all
// of the above holds: their rows are spread by the columns that decide the partition. Then conditions are kept as terms, ranges too, since it is
// MariaDB's partitioning that finds the places (linkedterm.go).
//
// # What is copied
//
// A staged statement runs as it is, on copies of its tables: a Fill says of each which columns and rows. A wrong one is a wrong answer that nobody notices, so each of
// them is a superset of what the statement can look at, found by means that do not depend on each other. Columns are all whose names stand anywhere in the text. Rows
// are those that meet conditions which must be true (pushdown.go says which those are), as far as their parts mean the same wherever they are evaluated (tame.go);
// those whose values meet in a join (fillkey.go); of a lone table the first ones (fillfirst.go); and each once where nobody counts them (fillneed.go). Where anything is not certain, all are copied.
//
// Where some tables stay in their partitions and only the others are copied to these (bring.go), the statement is planned once more for each choice of tables that stay, with the others as reference
// tables, or as tables whose shard key is the column that they are joined by. What can be split then is a way to run it; which one is best is decided where it is run, by estimates.
//
// A subquery in a condition that depends on nothing around it and gives a number or a date needs no copies at all: its value is found first, by parts, and put in its
// place (scalar.go). What is left may need no stage.
//
// An UPDATE or DELETE that can't be split finds the keys of its rows first, by a query that is planned like any other when it is run (bykey.go).
//
// A plan is shared by all statements with one fingerprint, so it depends on which literals there are, never on their values.
//
// # How it is tested
//
// Golden files in testdata: statement and fixed topology in, plan out; property tests that split tables by hand and compare; all statements of
// the golden files cut off, and with other literals. At a real server, random statements over random rows: fills hold enough, parts put together are
// the whole.
package plan
