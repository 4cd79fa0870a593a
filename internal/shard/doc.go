// Package shard says which partition a row belongs to: a stable function from the values of a table's shard key columns to an ordinal.
//
// The one law is: values that are equal under the column's type and collation have the same partition. So a value is first brought to
// a canonical form (5, 5.0 and '5' in an INT column are one; 'a', 'A ' under utf8mb4_general_ci are one), and that is hashed.
//
// A value reaches us in three ways, with three methods: Compare for `key = value` (which partition can hold equal rows?), Store for a value that
// is about to be written into the column (which value results?), Row for the text that a leaf printed for the stored value. Where MariaDB's
// conversions are not plain, Compare and Store say ErrInexact, where the collation is not plain, ErrAskLeaf: reads then go to all partitions,
// or a leaf is asked with StoreSQL or WeightSQL. A guess is never made. A Reader gives the values themselves, for other functions of them: package
// partition chooses as MariaDB does.
//
// The package is pure. Tested by properties against a real MariaDB: what the server calls equal has one partition, and what is said to be stored is stored.
package shard
