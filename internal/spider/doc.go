// Package spider reads the connect information of linked tables as the storage engine Spider of MariaDB has it: COMMENT, CONNECTION and the options
// REMOTE_SERVER, REMOTE_DATABASE and REMOTE_TABLE of a table, its partitions and subpartitions, and what CREATE SERVER adds. The result is values: for each
// partition its links. Pure: texts in, values out, without network, clock or log.
//
// So are what spider_direct_sql is told, in ReadDirect, and the system variables of Spider, with their types, ranges and defaults, in Variables.
//
// How the catalog keeps it, in topo.LinkPlace, and what the links of a table in the catalog are, is said here, too.
//
// What Spider of MariaDB 10.11.19 was seen to do, and this package does, too:
//
//   - A parameter is a name, at least one blank (space, tab, line end), and a value in single or double quotes. Names are the same in upper and lower case; a comma
//     may stand at the end. What is written first counts, in one text and from the inside out: comments of the subpartition, the partition and the table come
//     before connections, whosever. A text that is overridden must be well formed all the same, its
//     values need not fit.
//   - A backslash keeps a quote, or a space between two values, from ending what it stands in. Elsewhere escapes mean something only in lists: see words.
//   - An empty text is a value. A number of which nothing is written (port "") is none. Numbers outside their range become its nearest end.
//   - One value is for all links. Otherwise there are as many as there are links (12504); names that static_link_id lacks at the end are absent.
//   - A partition has its table's REMOTE_ options, each unless it has its own. One of them beside its parameter is an error.
//   - A remote table that nobody names is called t, t#P#p1 or t#P#p1#SP#s1, in the database that has the name of ours. A server's empty host or database is none.
//   - A wrapper that is neither mysql nor mariadb is 12501 when it is written, 12521 when a server has it by the time it is used.
//
// Where this package differs, each time on purpose:
//
//   - Parameters may be set apart by blanks alone, as in older versions' examples: 10.11.19 wants commas. Blanks behind the last comma are no error.
//   - use_handler and internal_delayed, which 10.11.19 has no longer, are taken.
//   - A number that is none (port "x", which Spider reads as 0) and a space at the end of a list (for which Spider adds a link to nowhere) are 12501.
//   - A table's CONNECTION holds for its partitions. MariaDB loses it where there are partitions.
//   - Errors name the parameter and say why. Spider prints the rest of the text, with the passwords in it.
//
// Tested by tables of texts, by fuzzing, and against Spider itself: random texts are given to it, and what it accepts, and writes into mysql.spider_tables,
// is compared; so are the variables.
package spider
