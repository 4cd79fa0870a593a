// Package history looks for anomalies in what clients have seen: transactions on lists, to which unique values are appended, and on registers, which are
// replaced by unique values. A test records what its clients did and were told; Check says what can't be explained by any order of the transactions that the isolation
// level allows.
//
// Why: an invariant, a sum that must stay, is blind to most mistakes. Here each value tells which transaction wrote it, and each list the order of all that wrote
// it, so that dependencies between transactions are known and not guessed: who overwrote whom (ww), who read whose (wr), who read what another one
// then overwrote (rw). A cycle of these is an anomaly, named by the kinds of its edges, as Adya does and as Elle, of Jepsen, finds them. The package is pure: values in, values out.
//
// How tested: histories made by hand, one for each anomaly and one beside it that has none; and random histories that some serial order made, in which nothing may be
// found.
package history
