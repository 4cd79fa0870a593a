// Package move copies a partition, or a database's shape, from one leaf to another while the source is in use.
//
// A copy is a consistent snapshot of InnoDB tables whose place in the partition's GTID domain is known exactly, streamed through this process: rows in
// MariaDB's text form, bytes unconverted, go from a SELECT into LOAD DATA LOCAL. Both sides' CHECKSUM TABLE are
// compared, the source's in the snapshot itself; where they differ, sums over all values decide. Tables with system versioning are copied with all versions of their rows and the times for which they held. From there on MariaDB's replication goes on. Nothing of it reaches the target's binary log.
//
// It begins at a moment at which no branch of a transaction over several places is prepared there. A partition's decisions about transactions are copied with it.
//
// Statements that write are not held up. Those that alter a table wait until its rows are copied, or a moment: then the copy gives way and begins again.
// Routines and events that are not the cluster's and tables of other engines than InnoDB are refused, since a snapshot does not hold them, and versions that are counted by transactions, since nobody can write them. Sequences are as of the snapshot or later. Triggers are made behind the rows, so that they are not fired for
// them; what is followed later is rows, for which replicas fire none.
//
// Tested against real servers: all column types, versions in each kind of partitions, written and altered tables, servers killed in the middle.
package move
