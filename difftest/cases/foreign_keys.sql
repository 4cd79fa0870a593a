-- A foreign key's table without a database is in that of its table, not in the session's: partitions referenced one that was not there. And what they say of rows that are referenced.
USE d2;
CREATE REFERENCE TABLE d1.item (id INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d1.item VALUES (1), (2), (3);
CREATE TABLE d1.acc (id INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d1.acc VALUES (1), (2), (3), (4);
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, item INT, PRIMARY KEY (id, acc), CONSTRAINT fk_item FOREIGN KEY (item) REFERENCES item (id), SHARD KEY (acc));
ALTER TABLE d1.ord ADD CONSTRAINT fk_acc FOREIGN KEY (acc) REFERENCES acc (id) ON DELETE CASCADE;
-- changes: d1.ord
INSERT INTO d1.ord VALUES (1, 1, 1), (2, 2, 2), (3, 3, 2), (4, 4, 1);
INSERT INTO d1.ord VALUES (5, 1, 9);
INSERT INTO d1.ord VALUES (5, 9, 1);
-- changes: d1.ord
DELETE FROM d1.acc WHERE id = 2;
DELETE FROM d1.item WHERE id = 2;
DELETE FROM d1.item;
-- changes: d1.item
DELETE FROM d1.item WHERE id = 3;
UPDATE d1.item SET id = 7 WHERE id = 1;
INSERT IGNORE INTO d1.ord VALUES (6, 1, 9), (7, 1, 3);
SET sql_mode = 'ANSI_QUOTES';
INSERT INTO d1.ord VALUES (5, 1, 9);
DELETE FROM d1.item WHERE id = 2;
SET sql_mode = '';
USE d1;
-- refused
UPDATE IGNORE item SET id = 9 WHERE id = 1;
-- refused
DELETE IGNORE FROM item;
SELECT * FROM item;
-- changes: d1.item
DELETE IGNORE FROM item WHERE id = 3;
-- One ALTER TABLE that drops foreign keys and does more is tried on a copy, which has none.
CREATE TABLE d1.fkp (id INT PRIMARY KEY, n INT, UNIQUE (n), SHARD KEY ());
CREATE TABLE d1.fkc (id INT PRIMARY KEY, p INT, q INT, CONSTRAINT fkc_one FOREIGN KEY (p) REFERENCES fkp (id) ON DELETE CASCADE, CONSTRAINT fkc_two FOREIGN KEY (q) REFERENCES fkp (n), CONSTRAINT fkc_small CHECK (id < 100), SHARD KEY ());
INSERT INTO d1.fkp VALUES (1, 10), (2, 20);
INSERT INTO d1.fkc VALUES (1, 1, 10), (2, 2, NULL);
ALTER TABLE d1.fkc DROP FOREIGN KEY fkc_one, ADD CONSTRAINT fkc_three FOREIGN KEY (p) REFERENCES fkp (id), ADD c INT NOT NULL DEFAULT 3;
DELETE FROM d1.fkp WHERE id = 1;
ALTER TABLE d1.fkc DROP CONSTRAINT fkc_small, DROP CONSTRAINT IF EXISTS `fkc_two`, MODIFY id BIGINT NOT NULL, ADD FOREIGN KEY (c) REFERENCES fkp (id);
ALTER TABLE d1.fkc DROP CONSTRAINT fkc_small, DROP CONSTRAINT `fkc_three`, ADD d INT;
ALTER TABLE d1.fkc DROP FOREIGN KEY fkc_none, MODIFY c BIGINT;
-- changes: d1.fkc
INSERT INTO d1.fkc VALUES (100, 7, 10, 4), (101, 7, 11, 4);
-- RETURNING tells of no affected rows, but of those of a reference table that others reference all the same.
CREATE REFERENCE TABLE d1.goods (id INT PRIMARY KEY, w INT);
INSERT INTO d1.goods VALUES (0, 1), (1, 1);
CREATE TABLE d1.sold (id INT PRIMARY KEY, goods INT, FOREIGN KEY (goods) REFERENCES d1.goods (id) ON DELETE SET NULL);
INSERT INTO d1.sold VALUES (1, 0), (2, 0), (3, 1);
BEGIN;
DELETE FROM d1.goods WHERE id = 0 RETURNING id + 1 AS r;
-- refused
SELECT * FROM d1.sold;
COMMIT;
SELECT * FROM d1.sold;
