-- Copies of rows that are locked are not narrowed by reference tables.
CREATE TABLE d2.usr (k VARCHAR(20) NOT NULL, n INT, len INT AS (CHAR_LENGTH(k) + n) STORED, PRIMARY KEY (k));
INSERT INTO d2.usr (k, n) VALUES ('abc', 1), ('x', 4);
CREATE REFERENCE TABLE d2.tag (id INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d2.tag VALUES (4), (5);
CREATE TABLE d2.ver (id INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d2.ver VALUES (1), (2);
-- order: k, id
SELECT t8.k, t7.id FROM d2.ver AS t7 STRAIGHT_JOIN (d2.usr t8 STRAIGHT_JOIN d2.tag AS t9 ON t8.len = t9.id) ON 1 WHERE t9.id <=> 4 ORDER BY t8.k, t7.id LOCK IN SHARE MODE;
-- order: k, id
SELECT t8.k, t7.id FROM d2.ver AS t7 STRAIGHT_JOIN (d2.usr t8 STRAIGHT_JOIN d2.tag AS t9 ON t8.len = t9.id) ON 1 WHERE t9.id <=> 5 ORDER BY t8.k, t7.id FOR UPDATE;
-- changes: d2.usr
UPDATE d2.usr t8 JOIN d2.tag t9 ON t8.len = t9.id JOIN d2.ver t7 ON t7.id < t8.n SET t8.n = t8.n + 10 WHERE t9.id <=> 5;
-- changes: d2.ver
DELETE t7 FROM d2.usr t8 JOIN d2.tag t9 ON t8.len = t9.id JOIN d2.ver t7 ON t7.id = t8.n WHERE t9.id = 4;
-- REPAIR TABLE and its like don't wait for the session's own locks, of a view's table neither.
CREATE TABLE d1.mended (id INT PRIMARY KEY);
CREATE TABLE d1.shown (id INT PRIMARY KEY);
CREATE VIEW d1.shows AS SELECT id FROM d1.shown;
SET lock_wait_timeout = 10;
LOCK TABLES d1.mended WRITE, d1.shows READ;
REPAIR TABLE d1.mended;
REPAIR TABLE d1.shown;
OPTIMIZE TABLE d1.mended;
UNLOCK TABLES;
SET lock_wait_timeout = DEFAULT;
