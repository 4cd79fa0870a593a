// Package archive keeps databases in directories, for BACKUP and RESTORE: it reads one state of all partitions from the leaves into files, and loads files
// into tables.
//
// A backup is a directory: one compressed file a table and partition, with the rows as LOAD DATA reads them, and a manifest that says what a whole database is:
// its settings, tables, and each file's size, digest, rows and a sum over the rows' values. The manifest is written last, when all else is on the disk
// for good, and carries a digest of itself: a directory without one is no backup, and one that was changed is found out.
//
// The rows are those of snapshots that are opened at a moment at which nothing is committed to the database; who asks for them sees to that. A snapshot keeps
// rows, not tables: a table that is read is held against DDL until it is known to be the one that the snapshot was made for, and then let go. When a statement
// has to wait for that, the whole backup gives way, to begin again. Tables with system versioning are saved with all versions of their rows.
//
// Tested without servers for damaged, missing and unfit files and full disks, and with servers, all column types and DDL in between; package control tests it
// under transactions over several partitions.
package archive
