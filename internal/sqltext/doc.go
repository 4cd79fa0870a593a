// Package sqltext reads MariaDB's SQL without ever printing it: a lexer that makes one pass over the client's bytes and yields tokens and
// a fingerprint, a tolerant parser that keeps spans of tokens, and a renderer that splices into the client's own bytes. What the parser
// does not understand it keeps as an opaque, balanced span, in which tables, functions and subqueries are found all the same.
//
// It follows MariaDB 10.11 in every sql_mode; of ORACLE it knows the statements (oracle.go), of the programs only that all of the text is theirs.
//
// Tested by golden files (testdata; -rewrite renews them), by fuzzing, and against a real MariaDB: a corpus of statements of every kind
// (internal/corpus; internal/equivalence has a cluster prepare it, too), random expressions bracketed as the tree says, random strings
// under the character sets whose second bytes may be quotes.
package sqltext
