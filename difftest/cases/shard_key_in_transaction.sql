-- error: a definition with SHARD KEY or REFERENCE in a transaction, which it ends, was a syntax error
CREATE TABLE d1.acc (id INT NOT NULL, v INT, PRIMARY KEY (id));
BEGIN;
INSERT INTO d1.acc VALUES (1, 2), (2, 2), (3, 3);
CREATE TABLE d1.ord (k INT NOT NULL, SHARD KEY (k));
ROLLBACK;
SET autocommit = 0;
-- changes: d1.acc
INSERT INTO d1.acc VALUES (11, 2);
CREATE REFERENCE TABLE d1.item (k INT NOT NULL);
ROLLBACK;
INSERT INTO d1.acc VALUES (12, 2);
CREATE TABLE d1.item (k INT NOT NULL;
ROLLBACK;
SELECT * FROM d1.acc ORDER BY id;
