// Package sqltext reads MariaDB's SQL without ever printing it: a lexer that makes one pass over the client's bytes and yields tokens and
// a fingerprint, a tolerant parser that keeps spans of tokens, and a renderer that splices into the client's own bytes. What the parser
// does not understand it keeps as an opaque, balanced span. Tested by golden files, properties and fuzzing, and against real MariaDB.
package sqltext
