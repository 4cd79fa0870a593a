-- LIMIT takes parameters of any type that is a number, a DOUBLE too.
CREATE TABLE d1.acc (id INT UNSIGNED NOT NULL, PRIMARY KEY (id));
INSERT INTO d1.acc VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14);
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 10;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 0;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 1;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 2;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 3;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 4;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 5, 6;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 7, 8;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 9;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 11;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 12;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 13;
-- typed
-- changes: d1.acc
DELETE FROM d1.acc ORDER BY id LIMIT 10;
