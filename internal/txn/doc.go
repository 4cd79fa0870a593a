// Package txn knows which leaf connections a client's session holds: those of its open transaction, one a place, and those that are pinned by locks or
// temporary tables. It begins transactions at places as statements reach them, and commits them everywhere or nowhere. It plans nothing: callers say which
// place a statement goes to.
//
// # Beginning
//
// The first partition that a transaction reaches is an ordinary transaction there, every further one a branch (XA START), which goes ahead of the first statement in its
// write. A leaf's shapes and remote servers are branches always, as they can't decide. So a transaction at one partition is sent nothing that it would not be sent
// without a coordinator (TestWhatLeavesAreSent has the transcripts). READ ONLY transactions, those under LOCK TABLES (error 1400 otherwise), those in which a
// procedure has begun a transaction at a place that is no partition, and those of the mode Multi have no branches.
//
// A branch's identifier names the partition that decides, as far as there is one: the one that came first. Branches that began before it name the catalog. One of those that has
// been read only so far begins anew before it is written to (redecide); where one was written to already, the partition becomes a branch as well, and the catalog
// decides. A client's own XA transaction is branches only.
//
// # Committing
//
// Places that were only read end in one phase, beside all else. One place that was written to commits in one phase too, and nobody decides anything. Several:
//
//  1. the deciding partition writes its row (CALL orbweaver.decide), the branches prepare (XA END and XA PREPARE in one write), all at the same time;
//  2. the guard confirms the prepares: in SYNC databases replicas have them;
//  3. the deciding partition commits, with its row, and the guard confirms that; or the catalog decides;
//  4. the branches commit, at the same time;
//  5. the guard confirms that, and the client gets its OK.
//
// Commits are let in everywhere before 1 and let out after 4. What goes wrong before 3 rolls all back: *LostError. Branches that may be prepared and do not answer go to the settler,
// and nobody waits. An answer to 3 that never came is found out by the settler while the client waits: OK, *LostError, or *UnknownCommitError when it takes too long. After 3 the
// settler ends what does not answer; when that takes too long: *PendingCommitError. Both name the transaction's ID. *PartialCommitError is left to transactions without branches.
// The steps have names (Steps), at which tests break things (SetStep).
//
// # What MariaDB does
//
// Tried on 10.11.19:
//
//   - SET TRANSACTION ISOLATION LEVEL and READ ONLY hold for the XA START that follows. Savepoints work in branches, and ROLLBACK TO keeps the binary log right.
//   - A branch is rolled back by a deadlock (1213), and stays: statements after that are run outside of any transaction, COMMIT is refused with 1399. XA END answers 1614, and with that the
//     branch is gone; XA ROLLBACK after it is answered 1397. So both are sent, and neither needs to succeed.
//   - COMMIT, BEGIN, DDL, LOCK TABLES are refused in a branch with 1399, also in procedures: those can't end it. SET, CALL, PREPARE, LOAD DATA, temporary tables work.
//   - A branch that changed nothing is prepared without being logged, and its XA COMMIT is not logged either: replicas never see an end without a beginning.
//   - XA COMMIT … ONE PHASE is logged as an ordinary transaction. XA PREPARE and XA COMMIT are logged with a GTID each, in the session's domain; @@last_gtid can be asked
//     for while the branch is prepared.
//   - A prepared branch outlives its connection when that is closed, not when it is reset (InnoDB keeps it with the connection, and XA COMMIT by others does nothing). The
//     server gives it free a moment before InnoDB has let go of it: an XA COMMIT in that moment is answered with OK, is logged, and commits nothing. backend.Conn.Outlive waits for that.
//
// Tested against real mariadbd processes: connections killed, leaves killed and stopped in the middle of transactions, every step of a commit broken.
package txn
