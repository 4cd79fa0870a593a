-- An ENUM's value of no member is not its member '', in copies neither.
SET sql_mode = '';
CREATE TABLE d1.en (id INT PRIMARY KEY, e ENUM('a', '', 'b'), f ENUM('') NOT NULL, g ENUM('x', 'y'));
CREATE TABLE d2.ev (v INT, e ENUM('', 'c'));
INSERT INTO d1.en VALUES (1, 'a', '', 'x'), (2, '', '', 'q'), (3, 'wrong', 'wrong', 'y'), (4, NULL, 'z', NULL), (5, 'b', '', '');
INSERT INTO d2.ev VALUES (1, ''), (2, 'wrong'), (3, 'c'), (4, NULL), (5, 'c');
SELECT id, en.e, en.e + 0, f, f + 0, g, g + 0, ev.e, ev.e + 0 FROM d1.en JOIN d2.ev ON v = id;
SELECT id FROM d1.en JOIN d2.ev ON v = id WHERE en.e = '' AND en.e + 0 = 0;
SELECT a.id, b.id FROM d1.en a JOIN d1.en b ON a.e = b.e AND a.f < b.g;
-- changes: d1.en
UPDATE d1.en SET g = (SELECT e FROM d2.ev WHERE v = 3) WHERE e + 0 = (SELECT MIN(e + 0) FROM d2.ev);
-- changes: d1.en
UPDATE d1.en SET id = 7 WHERE id = 3;
-- changes: d1.en
UPDATE d1.en SET id = 17 WHERE id = 1;
CREATE TABLE d1.enk (k ENUM('x', 'y') NOT NULL, n INT NOT NULL, bl BLOB, PRIMARY KEY (k, n), SHARD KEY (k));
INSERT IGNORE INTO d1.enk VALUES ('', 8, NULL), ('x', 8, NULL), ('wrong', 9, NULL);
CREATE TABLE d1.ens (k ENUM('x', 'y') NOT NULL, n INT NOT NULL, PRIMARY KEY (k));
INSERT IGNORE INTO d1.ens VALUES ('', 8), ('x', 8);
SET sql_mode = 'STRICT_TRANS_TABLES';
-- changes: d1.enk
UPDATE d1.enk SET bl = '9' WHERE 1 >= (SELECT COUNT(*) FROM d2.ev WHERE v = 1);
-- changes: d1.ens
UPDATE d1.ens SET n = 9 WHERE 1 >= (SELECT COUNT(*) FROM d2.ev WHERE v = 1);
-- changes: d1.enk
DELETE FROM d1.enk WHERE 1 >= (SELECT COUNT(*) FROM d2.ev WHERE v = 1);
-- Rows are not found by a key whose text may be another row's.
CREATE TABLE d1.moods (b BIT(5), e ENUM('a','b',''), c CHAR(4), v INT, PRIMARY KEY (b, e, c), SHARD KEY (b)) COLLATE utf8mb4_general_ci;
SET sql_mode = '';
INSERT INTO d1.moods VALUES (1, 'a', 'x', 1), (1, 'none', 'x', 2), (1, '', 'X ', 3), (2, 'none', '', 4), (0, 'b', 'é', 5);
-- changes: d1.moods
UPDATE d1.moods SET v = v + 10 WHERE v IN (SELECT v FROM d1.moods x WHERE x.e = 0);
-- changes: d1.moods
UPDATE d1.moods SET b = b + 8 WHERE v > 2 ORDER BY v;
-- changes: d1.moods
DELETE FROM d1.moods ORDER BY v DESC LIMIT 1;
-- Nor does a trigger BEFORE a row tell them apart.
CREATE TABLE d1.felt (id INT PRIMARY KEY, e ENUM('a', '') NOT NULL, n INT);
CREATE TRIGGER d1.felt_bi BEFORE INSERT ON felt FOR EACH ROW SET NEW.n = (SELECT COUNT(*) FROM moods);
-- refused
INSERT INTO d1.felt VALUES (1, 'none', 1), (2, '', 2);
INSERT INTO d1.felt VALUES (3, 'a', 3);
SET sql_mode = 'STRICT_TRANS_TABLES';
INSERT INTO d1.felt VALUES (2, '', 2), (4, 'a', 2);
CREATE TRIGGER d1.felt_bu BEFORE UPDATE ON felt FOR EACH ROW SET NEW.n = NEW.n + (SELECT COUNT(*) FROM moods);
SET sql_mode = '';
UPDATE d1.felt SET e = 'a' WHERE id = 2;
UPDATE d1.felt SET n = 0 WHERE id < 4;
-- refused
UPDATE d1.felt SET e = 'none' WHERE id < 4;
SELECT id, e + 0, n FROM d1.felt ORDER BY id;
