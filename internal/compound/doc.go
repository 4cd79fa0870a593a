// Package compound runs compound statements over the farm: BEGIN NOT ATOMIC … END, IF, CASE and loops, and the bodies of stored procedures.
//
// A body is read into a small tree (parse.go, parsestmt.go) whose leaves are spans of the client's text, after a server has found no fault with it. The interpreter (run.go,
// handle.go) walks the tree. It decides nothing that MariaDB decides: expressions, conversions, conditions of IF and loops, what SIGNAL makes of its items are computed by a
// leaf, with a compound statement that declares the variables with their types and present values, does what is to be done in the client's own words, and tells the values
// afterwards (compute.go). What touches no table and tells the client nothing is gathered, and a loop of such statements goes as a whole, so that a round trip stands for as much as can
// be. It changes nothing but variables: should something happen on the way that a handler may be for, it is forgotten and done once more, statement by statement.
//
// A statement on tables is run by the session that the program runs in, with the variables' values in the places of their names (splice.go): as NAME_CONST(name, value), which is
// how MariaDB writes them into its binary log. A name in an expression is the variable's, whatever columns there are; where the parser can't tell whether a word is a name the statement is
// refused.
//
// A stored function is read as a procedure whose last parameter takes its value; RETURN sets that and leaves the body (function.go).
//
// Variables that are declared like a column, a table's row or a cursor's get their types when the declaration is run (types.go); the row of FOR over a query is such a ROW (each.go).
//
// The diagnostics area, handlers and cursors are the interpreter's own: which handler is for what (condition.go), what a handler sees and leaves, the rows of a cursor, which are all read when
// it is opened. Error 1235 no handler is for: a program must not go on as if something had been done that the node does not do.
//
// Tests: reading, splicing and the choice of handlers here; whole programs are compared with MariaDB's answers by internal/equivalence (testdata/compound.sql, procedures.sql).
package compound
