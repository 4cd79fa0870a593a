// Package txn knows which leaf connections a client's session holds: those of its open transaction, one a partition, and those that are
// pinned by locks or temporary tables. It begins transactions at the partitions as statements reach them, commits and rolls them back
// together, and says exactly what happened when that can't be done.
//
// It plans nothing: callers say which place a statement goes to. Several partitions commit one after another; a failure in between is
// reported with the partitions that have committed.
//
// Tested against real mariadbd processes, with connections killed and leaves killed in the middle of transactions.
package txn
