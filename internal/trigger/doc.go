// Package trigger says whether a trigger stays within the partition of the row that fires it. It is pure.
//
// Triggers are MariaDB's own at each partition, so that one may do there only what it would do on one server: what it reads and writes must be rows that are in the same partition
// for certain. Those are the rows of tables of the same database whose shard key is, in the statement, said to be that of NEW or OLD, and all rows of reference tables, which
// it may read. Its values may not hang on the partition: no session's variables, no functions that tell of the place or differ by call.
//
// The judgement is of a text that MariaDB has taken. What is not proven is refused, with the reason: the parser reads triggers strictly (sqltext.Trigger), and what it has not
// seen of queries and tables is noticed by counting them. As it hangs on the tables that are named, it is made anew when one of them is changed or made.
//
// Tested by tables of bodies with what becomes of each, and against real servers by package equivalence.
package trigger
