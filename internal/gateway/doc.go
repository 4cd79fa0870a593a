// Package gateway is what clients connect to: it listens, authenticates, keeps a session for each client and sends each statement its
// way.
//
// A session reads a command, lets sqltext scan its text, finds or makes a plan and lets exec run it. Statements that are about the
// session, about accounts or about the cluster are served here: SET, USE, SHOW, transactions, prepared statements, GRANT, KILL and the like.
// Wherever MariaDB can be asked, it is: SET is tried on a leaf before it is remembered, metadata comes from the shape databases, rights are
// the leaves' to enforce. Nothing of a client's text ever runs under another account than the client's own.
//
// A statement that is neither known nor provably harmless is refused with error 1235: a write that reached one leaf only would be a silent
// difference between leaves.
//
// Tested with real leaves, an embedded etcd and real clients (go-sql-driver and the mariadb command line); the pure parts (host patterns,
// account records, splices) by unit tests, of which the order of host patterns is compared with a real server's choice.
package gateway
