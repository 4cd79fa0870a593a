// Package tpch has the data and the queries of TPC-H, for tests and the bench.
//
// The data is our own generator's: the specification's tables, numbers of rows, ranges, distributions and dependencies, and its words, but not dbgen's random numbers. The same
// scale and seed give the same rows. The queries are written from the specification (2.x of revision 3.0.1) with its validation parameters; query 15 is the approved variant with WITH in place
// of a view.
//
// On a cluster orders and lineitem are sharded by the order's key, part and partsupp by the part's, customer by its own; nation, region and supplier are reference tables. The statements that say
// so are comments to a plain server.
//
// Tested: that keys, sizes and dependencies are as specified, and that a cluster and a plain server answer all queries alike.
package tpch
