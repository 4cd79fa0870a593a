// Package trigger says whether a trigger stays within the partition of the row that fires it, or, where it is a reference table's, does the same at every leaf. It is pure.
//
// Triggers are MariaDB's own at each partition, so that one may do there only what it would do on one server: what it reads and writes must be rows that are in the same partition
// for certain. Those are the rows of tables of the same database whose shard key is, in the statement, said to be that of NEW or OLD, and all rows of reference tables, which
// it may read. Its values may not hang on the partition: no functions that tell of the place. Those that differ by call do so for each row, as at one server; user variables and the session's user are the same at all partitions, and to what user variables a trigger assigns the session reads back, from the one partition at which that is done.
//
// All rows of single tables of a database are in one partition, so that their triggers may name any of those, whatever their conditions.
//
// A reference table's trigger is fired at every leaf, by the same statement (reference.go). The leaves have the same reference tables, but nothing says in which order each of them goes through
// rows: so what it writes, and what it is told, must be the same in whatever order that is, or the order be given by a key. That the rows which fire it come in one order is the planner's to see to.
//
// A stored function is judged as such a trigger without a row, which writes nothing (function.go): leaves call it wherever rows are, and it must give the same at each. Of another one, which
// one leaf calls on copies of what it reads, only the tables are found, and what tells of the leaf is refused (oneleaf.go). One that writes is for nodes, which run it statement by statement (atnode.go).
//
// The judgement is of a text that MariaDB has taken. What is not proven is refused, with the reason: the parser reads triggers strictly (sqltext.Trigger), and what it has not
// seen of queries and tables is noticed by counting them. As it hangs on the tables that are named, it is made anew when one of them is changed or made.
//
// Tested by tables of bodies with what becomes of each, and against real servers by package equivalence.
package trigger
