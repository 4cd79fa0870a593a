// Package merge makes one answer of the answers of several partitions, as a plan.Merge says: ordered merge, groups, DISTINCT, expressions over
// aggregates, another order, LIMIT, hidden columns.
//
// Everything is pulled, row by row, by the one who calls Next; there is no goroutine and no clock. A row is a packet's payload, split into cells
// only where a stage looks at them, and handed on as the same bytes where nothing was combined. All but a final ORDER BY streams: memory
// does not grow with the rows, and the ORDER BY has a bound (SortMemoryError), as have runs of long values that begin alike, which leaves do not
// tell apart when they sort: they are held and put in order here.
//
// What can't be MariaDB's answer is an error: a key that shows less than MariaDB orders by (NotMergeableError), a part whose rows do not come in
// the order that was asked for (OrderError).
//
// Tested against a real MariaDB: random rows over two tables, merged here, must be what ORDER BY, GROUP BY and DISTINCT make of both.
package merge
