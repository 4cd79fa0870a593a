// Package placement plans what is to be done to partitions, as lists of low-level actions: which leaves are pairs, how to balance a database, how to take a leaf
// in and how to empty one. Pure: from a snapshot, and what was found on a leaf, to a plan.
//
// Actions of one phase may be done at the same time, phases are done in order. With redundancy 1 a database is balanced when every online leaf has as many
// partitions, give or take one; with redundancy 2 when every pair has, and within a pair each leaf has half of the masters.
//
// Tested by the examples of MemSQL's documentation and by random clusters: plans are carried out on snapshots, which must then be balanced and whole.
package placement
