// Package partition says which partition of a table MariaDB chooses: by KEY (both algorithms), HASH, RANGE, LIST, their COLUMNS and LINEAR forms,
// with DEFAULT partitions and subpartitions. Rows that a server has sharded by them, a Spider node above all, are found where they are.
//
// How a table is partitioned is read from a server's own SHOW CREATE TABLE (Read, then New). Values come in as shard's do: Store for a value that is
// about to be written, Compare for `column = value`, Row for the text of a stored value. Prune says where rows can be for which comparisons are true.
//
// What the package knows exactly:
//
//   - KEY of integers, BIT, YEAR, DECIMAL, DOUBLE, DATE, DATETIME, TIME, BINARY, VARBINARY, ENUM, SET, UUID, INET4, INET6, in the formats that servers
//     have written since 10.1 (the hash is one of stored bytes; that of UUIDs which are not of versions 1 to 5 is as 10.11.19 has it);
//   - KEY of TIMESTAMP, when the session's time zone is an offset (WithZone), and of FLOAT, from literals: a printed FLOAT does not tell the stored one;
//   - KEY of CHAR and VARCHAR under all collations of 10.11 but latin2_czech_cs, cp1250_czech_cs and tis620_thai_*; where weights are not built in
//     (package collate: contractions, tailored alphabets), with those that a leaf tells (Ask, WithWeights);
//   - HASH, RANGE and LIST of an integer column, and of the expressions that expr.go knows: parts of dates, times as numbers, whole numbers;
//   - RANGE COLUMNS and LIST COLUMNS of all types that MariaDB allows there, except the order of UUIDs and the collations that collate calls unsound.
//
// Everything else is ErrInexact (what a value becomes in the column is not known) or ErrAskLeaf, and a server is asked, in this order: for weights
// (Ask), for the stored values (StoredSQL, then Row), for the place itself (AskSQL, then Answer). AskSQL has the server EXPLAIN a query for the row.
// Seen on 10.11.19: with InnoDB and USE INDEX () the column "partitions" names the row's partition, whether the table has rows or not, for every
// expression and every type but ENUM in a KEY, where StoredSQL is enough. Without USE INDEX () a unique key makes it say "Impossible WHERE noticed after
// reading const tables" and nothing else, and so does an empty table in MEMORY or MyISAM; EXPLAIN PARTITIONS INSERT names no partition at all.
//
// Prune knows less than the server does where a literal is not of the column's type. It keeps the partition of NULL for ranges of TO_DAYS, which is NULL
// for the 0th of a month, also where the server forgets it.
//
// The package is pure. Tested row by row against real partitioned tables (SELECT … PARTITION (p)) and against rows that a Spider node has sharded: values
// of every type, strings under the collations that the server has, every character under one collation of each kind; and against EXPLAIN PARTITIONS.
package partition
