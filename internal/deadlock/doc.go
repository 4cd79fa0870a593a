// Package deadlock finds transactions that wait for each other over several leaves, and ends one of each circle with error 1213.
//
// A leaf's InnoDB sees the circles within itself and breaks them at once. A transaction over two partitions is two transactions to InnoDB, even
// on one leaf: when A waits for B at one partition and B for A at another, nobody notices before innodb_lock_wait_timeout.
//
// How: the node's transactions that hold connections at two places or more are known (txn.Spans). While there are any, a monitor looks every
// 50 ms whether one has been busy with the same statement for 100 ms, one atomic load each. Only then the leaves where such statements run are asked
// who waits for whom (information_schema.INNODB_LOCK_WAITS), by the cluster's account. All connections of one transaction are one point of a graph; a
// circle that passes from one of a transaction's connections to another is a deadlock that no leaf can see. The victim is the youngest of the
// transactions at such a point; one that waits for itself alone is told so, by 1235, as it would wait again. A wait counts when two looks in a row have seen it between the same two InnoDB transactions. As locks are held to the
// transaction's end, all waits of a circle seen so existed at one time, and such a circle never opens by itself.
//
// Several nodes: a node that has such statements leaves a list of their transactions' connections in the catalog, under its lease, renewed at
// each look and taken away when nothing waits any more. So each node sees the whole graph, chooses the same victims, and ends its own ones. Waits of
// another node's transactions count when three looks have seen them, with that node's list renewed in between. With one living node the catalog is not
// asked. When the catalog is away, circles over several nodes are left to innodb_lock_wait_timeout.
//
// Not seen, and left to the timeouts: waits among several transactions that InnoDB has given no number yet, as LOCK IN SHARE MODE is all that they have done at a leaf; waits for metadata locks (LOCK TABLES, DDL) and for GET_LOCK; an autocommit SELECT … FOR UPDATE
// over several partitions, which is no transaction; clients that go to a leaf directly with two connections. InnoDB refreshes what
// INNODB_LOCK_WAITS shows only when nobody has read it for 100 ms: a monitoring program that reads it more often hides circles, and looks of
// several nodes are spaced for that reason. A cut-off list (InnoDB shows at most 16 MB of it) can hide circles as well, never make one up.
//
// The graph is pure (graph.go), tested with drawn graphs; the rest with two real leaves and with two nodes over one catalog.
package deadlock
