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
// the reason. An edge counts only when it is sound: ON of an outer join restricts the side that may be missing, never the other one;
// IS NULL and <=> say nothing about a side that may be missing; a subquery is restricted by its outer query, never the other way round.
//
// A plan is shared by all statements with one fingerprint, so it depends on which literals there are, never on their values.
//
// # How it is tested
//
// Golden files in testdata: statement and fixed topology in, plan out; a property test that splits tables by hand and compares.
package plan
