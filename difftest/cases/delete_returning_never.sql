-- A condition that can't be true: MariaDB answers DELETE … RETURNING without a result set then.
CREATE TABLE d1.heap (x INT, s VARBINARY(20));
INSERT INTO d1.heap VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, NULL);
-- changes: d1.heap
DELETE FROM d1.heap WHERE heap.s <> heap.s RETURNING x AS r, 'x';
-- changes: d1.heap
DELETE FROM d1.heap WHERE x = NULL RETURNING x AS r, 'x';
DELETE FROM d1.heap WHERE x = 99 RETURNING x AS r, 'x';
-- prepared
-- changes: d1.heap
DELETE FROM d1.heap WHERE s <> s RETURNING x;
