// Package gate lets statements in to partitions and keeps them out while a partition's master changes. Statements outside of transactions are inside while they
// run, transactions from their first statement at a partition to their end. Locked partitions take nobody in; what is inside goes on, and the gate says
// when it has left.
//
// Statements are also inside of the tables that they name, each for as long as it runs: a table whose rows get other places is closed to some of them or to all.
//
// Commits have gates of their own, one a database: while a database is quiet nothing is committed to it, and its open transactions stay as they are.
// Commits over several places are counted besides (Windows): a moment without them can be had while all others go on. All writes of a node can be stopped (Stop).
//
// A gate never waits: who is kept out gets ErrMoving and tries again on a newer topology. Tested by unit tests with many goroutines.
package gate
