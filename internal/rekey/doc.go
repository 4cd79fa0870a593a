// Package rekey copies a table's rows into tables beside it, where another shard key puts them: for ALTER TABLE … SHARD KEY (package ddl), which keeps writers out meanwhile and decides
// whether the copies take the table's place.
//
// Which partition a row belongs to is reckoned from what its leaf says of the key (shard.Func.RowSQL). Rows travel as those of moving partitions do (package rowtext): stored bytes by LOAD
// DATA, so that no setting and no conversion changes any. LOAD DATA LOCAL leaves out rows that are there twice, and only warns: they are counted. In the end both sides' checksums are
// compared. Versions of rows (system versioning) are rows like others, and go where their own values put them. Tested by what ddl's and the gateway's tests do with it, on real servers.
package rekey
