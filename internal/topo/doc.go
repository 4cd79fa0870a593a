// Package topo holds the facts of a cluster as values: leaves, databases, partitions, instances, terms and tables, gathered in an
// immutable Snapshot. Nothing here reaches a network, a clock, a log or etcd; the catalog package moves snapshots in and out of
// etcd, and the planner reads them. Tested by pure unit tests.
package topo
