// Package gate lets statements in to partitions and keeps them out while a partition's master changes. Statements outside of transactions are inside while they
// run, transactions from their first statement at a partition to their end. Locked partitions take nobody in; what is inside goes on, and the gate says
// when it has left.
//
// Commits have gates of their own, one a database: while a database is quiet nothing is committed to it, and its open transactions stay as they are.
//
// A gate never waits: who is kept out gets ErrMoving and tries again on a newer topology. Tested by unit tests with many goroutines.
package gate
