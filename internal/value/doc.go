// Package value reads, orders, combines and prints the values of result columns, in the text and in the binary protocol.
//
// A cell is a value's bytes as a row has them, without the length before them; nil is NULL. A Column says how its cells are read. The merge of
// several leaves' answers needs four things: to order cells as MariaDB orders them, to add and combine partial aggregates with MariaDB's rules of
// rounding and its ways to print numbers, and to write a value as an SQL literal that has the same type.
//
// Strings are not ordered here: their weights come from the leaves, and package collate compares them. Where the cell does not hold what the
// order goes by (ENUM by number, FLOAT in text with six digits) the answer is ErrNoOrder, never a guess.
//
// Tested against a real MariaDB with random values of every type.
package value
