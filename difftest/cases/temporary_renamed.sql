-- Temporary tables get other names, and tables are made beside those of their name.
CREATE TABLE acc (id INT PRIMARY KEY, g INT);
INSERT INTO acc VALUES (1, 10), (2, 20);
CREATE TEMPORARY TABLE t (a INT, b INT);
INSERT INTO t VALUES (1, 2);
ALTER TABLE t RENAME TO u;
SELECT * FROM u;
SELECT * FROM t;
ALTER TABLE u RENAME w, ADD COLUMN c INT DEFAULT 9;
SELECT * FROM w;
RENAME TABLE w TO acc;
SELECT * FROM acc;
RENAME TABLE acc TO x, x TO d2.y;
SELECT y.a, acc.g FROM d2.y, acc WHERE acc.id = y.a;
-- order: id
SELECT * FROM acc ORDER BY id;
RENAME TABLE d2.y TO acc;
CREATE TABLE IF NOT EXISTS acc (z INT);
CREATE TABLE acc (z INT);
DROP TABLE acc;
-- order: id
SELECT * FROM acc ORDER BY id;
CREATE TEMPORARY TABLE beside (a INT);
INSERT INTO beside VALUES (1);
CREATE TABLE beside (a INT PRIMARY KEY, b VARCHAR(3));
INSERT INTO beside VALUES (3);
SELECT * FROM beside;
CREATE TABLE beside (a INT);
CREATE TEMPORARY TABLE third (a INT);
RENAME TABLE third TO beside;
RENAME TABLE beside TO fourth, third TO beside, fourth TO third;
SELECT * FROM third;
DROP TABLE beside, third;
SELECT * FROM beside;
INSERT INTO beside VALUES (1, 'a');
SHOW TABLES;
