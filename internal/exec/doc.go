// Package exec runs plans: it finds the partitions, sends each its text, and makes one answer of theirs. A statement of one place is relayed
// packet by packet; parts of several are merged by package merge, with copies of small tables at each where that helps (bring.go); writes at several places run as a group of package txn, after a query for their rows' keys where no place knows them (bykey.go). It decides nothing that
// the plan could have decided, and evaluates no SQL: where an expression must be evaluated outside of a part, a leaf is asked, under the
// client's account.
//
// Tested against real mariadbd leaves that are killed and clients that vanish; package equivalence compares its answers with a plain server's.
package exec
