// Command difftest looks for statements that a cluster answers in another way than MariaDB does. A grammar makes them at random from a seed; each runs at a cluster, and at a plain
// server that has the same rows. `make difftest` starts both.
//
// A run is a row of episodes. An episode has tables of its own, with random types and collations, in two databases, and some hundred statements: everything that is to be known of one
// statement is its episode's seed and its number. Where the answers differ, a third server is asked, the twin: it has the same rows in another order, and its optimizer may do less.
// Where MariaDB does not agree with itself, the statement does not decide its answer. Else it is made as small as it can be while it still differs, and becomes a case: a file of
// cases/ which `make test` runs, beside the statements of a fixed seed.
package main
