// Package ddl runs statements that define databases and tables: on the shapes and on all partitions, all or nothing, under a journal in the catalog.
//
// A statement goes first to one shape, under the client's own account: if MariaDB refuses, its error is the client's and nothing has changed.
// What the shape has become is then read back, never guessed; the cluster's own rules (every unique key has the shard key's columns, and the
// like) are judged on that. A CREATE TABLE that is the same everywhere goes to all places at once, and is taken back where it is refused. Then come the other shapes and the partitions. A statement that can't fail on data is rolled forward from there;
// one that can is undone where it succeeded, or rehearsed on copies of all partitions, under locks, before it is done on any.
//
// Where a table's rows are decides which keys it can have. A statement that says nothing of that gets a place that keeps them (choose.go), and may have tables that foreign keys tie to its own
// brought together first (gather.go).
//
// A backup is restored in the same way, with a step in between that loads rows: nobody knows of the database before.
//
// The record in the journal says what to do about a statement that was cut off: Recover does it. Tested against real servers, with a fault
// injected at every step, comparing SHOW CREATE TABLE of all places afterwards.
package ddl
