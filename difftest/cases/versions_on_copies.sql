-- The times of a table with system versioning can be read where it is copied.
SET timestamp = 1700000000.5;
CREATE TABLE d2.ver (id INT PRIMARY KEY, v INT, w INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING;
CREATE TABLE d2.own (id INT PRIMARY KEY, `from` TIMESTAMP(6) GENERATED ALWAYS AS ROW START, v INT, `to` TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (`from`, `to`), SHARD KEY (id)) WITH SYSTEM VERSIONING;
CREATE TABLE d1.ev (v INT PRIMARY KEY);
INSERT INTO d2.ver VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4);
INSERT INTO d2.own (id, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4);
INSERT INTO d1.ev VALUES (1), (2), (5);
SET timestamp = 1700000001.25;
UPDATE d2.ver SET v = v + 1 WHERE id > 2;
UPDATE d2.own SET v = v + 1 WHERE id > 2;
SET time_zone = '+05:30';
SELECT v.id, v.row_start, row_end FROM d2.ver v JOIN d1.ev ON ev.v = v.v;
SELECT * FROM d2.ver v JOIN d1.ev ON ev.v = v.v;
SELECT * FROM d2.own o JOIN d1.ev ON ev.v = o.v;
SELECT o.*, v.row_start FROM d2.own o LEFT JOIN d2.ver v ON o.v = v.id + 1 AND v.row_start = o.`from`;
SELECT id, `to`, (SELECT MAX(row_start) FROM d2.ver WHERE row_start >= o.`from`) m FROM d2.own o;
SELECT id, v FROM d2.own NATURAL JOIN d2.ver;
SELECT a.id, b.id FROM d2.ver a FORCE INDEX (PRIMARY) JOIN d2.ver b ON a.v = b.id ORDER BY 1, 2;
SELECT id FROM d2.ver WHERE row_start > (SELECT MIN(`from`) FROM d2.own) AND id IN (SELECT v FROM d1.ev);
-- changes: d1.ev
DELETE FROM d1.ev WHERE v NOT IN (SELECT id FROM d2.ver WHERE row_start > '2023-11-14' AND row_end > NOW());
-- Columns of the times that nobody sees unless they are named.
CREATE TABLE d2.hid (id INT PRIMARY KEY, v INT, since TIMESTAMP(6) GENERATED ALWAYS AS ROW START INVISIBLE, until TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE, PERIOD FOR SYSTEM_TIME (since, until), SHARD KEY (id)) WITH SYSTEM VERSIONING;
INSERT INTO d2.hid (id, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4);
SET timestamp = 1700000005;
UPDATE d2.hid SET v = v + 1 WHERE id > 2;
SELECT a.id, b.since, b.until FROM d2.hid a JOIN d2.hid b ON a.v = b.id + 1;
SELECT * FROM d2.hid a JOIN d1.ev ON a.v = ev.v;
SELECT COUNT(since), MAX(until) FROM d2.hid FOR SYSTEM_TIME ALL INTO @n, @m;
SELECT @n, @m;
SELECT id, since FROM d2.hid WHERE v IN (SELECT v + 1 FROM d1.ev) AND until > (SELECT MAX(since) FROM d2.hid);
