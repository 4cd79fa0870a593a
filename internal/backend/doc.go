// Package backend holds a node's connections to the leaves.
//
// A connection is logged in as a client's own account (the PROXY protocol header carries the client's address, the cluster's ed25519 key
// proves that a node asks), negotiates the capability flags that shape result packets as that client did, and has a default database and a
// session state. Pools lend such connections for one statement or for one transaction; what must be prepared on a connection (COM_INIT_DB,
// SET, START TRANSACTION, COM_STMT_PREPARE, …) is queued on it and leaves in the same write as the next command, its answers are read before
// that command's answer. A Pipeline sends short autocommit statements of many clients over few connections, back to back; each reads its own
// answer when it is its turn. Leaves on this machine are reached by their Unix sockets.
//
// A server that was started anew may have something to be done before clients read from it: Pools.Admit has each new connection of theirs looked at.
//
// What is idle is not always fit to be used again: Vacate keeps connections out of databases whose sessions are about to be ended at a leaf, Renew those that have chosen a database
// before it got another character set.
//
// A Remote is a server that linked tables lead to: its pool is like a leaf's, but that all clients share one login there, and that a node asks it for nothing else.
//
// Errors say what the caller may do: SafeToRetry (nothing can have happened) or OutcomeUnknown (a statement was sent, its answer never came).
//
// Tested against real mariadbd processes: killed with -9 and paused under use, full, with states replayed and reset; the parser of answers by
// unit tests and fuzzing. Every test ends with a check for goroutines left behind.
package backend
