-- LAST_INSERT_ID(x) that is called for no row leaves the session's value as it is, and for a row that is met it comes before a value that was generated for it.
CREATE TABLE d1.counter (n INT PRIMARY KEY, v INT);
CREATE TABLE d1.label (k VARCHAR(10) PRIMARY KEY, id INT NOT NULL AUTO_INCREMENT, seen INT NOT NULL DEFAULT 0, KEY (id), SHARD KEY (k));
CREATE TABLE d2.plain (id INT PRIMARY KEY, k VARCHAR(10));
INSERT INTO d1.counter VALUES (1, 10), (2, 20);
SELECT LAST_INSERT_ID(77);
-- changes: d1.counter
UPDATE d1.counter SET v = LAST_INSERT_ID(v + 1) WHERE n = 99;
SELECT LAST_INSERT_ID();
UPDATE d1.counter SET v = LAST_INSERT_ID(v + 1) WHERE v > 500;
SELECT LAST_INSERT_ID();
SELECT LAST_INSERT_ID(5) FROM d1.counter WHERE n = 98;
SELECT LAST_INSERT_ID();
SELECT IF(n > 7, LAST_INSERT_ID(n), 1) FROM d1.counter WHERE n = 1;
SELECT LAST_INSERT_ID();
-- changes: d2.plain
INSERT INTO d2.plain VALUES (3, 'a') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id);
SELECT LAST_INSERT_ID();
-- changes: d1.counter
UPDATE d1.counter SET v = LAST_INSERT_ID(v + 1) WHERE n = 1;
SELECT LAST_INSERT_ID();
-- changes: d2.plain
INSERT INTO d2.plain VALUES (3, 'b') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), k = VALUES(k);
SELECT LAST_INSERT_ID();
-- changes: d1.label
INSERT INTO d1.label (k) VALUES ('a') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), seen = seen + 1;
SELECT LAST_INSERT_ID();
-- changes: d1.label
INSERT INTO d1.label (k) VALUES ('b') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), seen = seen + 1;
SELECT LAST_INSERT_ID();
-- changes: d1.label
INSERT INTO d1.label (k) VALUES ('a') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), seen = seen + 1;
SELECT LAST_INSERT_ID();
-- changes: d2.plain
INSERT INTO d2.plain SELECT v + 1000, LAST_INSERT_ID(n + 40) FROM d1.counter WHERE n = 2;
SELECT LAST_INSERT_ID();
-- changes: d2.plain
INSERT INTO d2.plain SELECT a.v + 2000, LAST_INSERT_ID(a.n + 50) FROM d1.counter a JOIN d1.counter b WHERE a.n = 1 AND b.n = 2;
SELECT LAST_INSERT_ID();
-- changes: d2.plain
INSERT INTO d2.plain SELECT v + 1000, LAST_INSERT_ID(n + 60) FROM d1.counter WHERE n = 98;
SELECT LAST_INSERT_ID();
-- changes: d1.label
INSERT INTO d1.label (k) SELECT LAST_INSERT_ID(n + 70) FROM d1.counter WHERE n = 1;
SELECT LAST_INSERT_ID() < 70;
-- Through a view that does not show the column.
CREATE TABLE d1.counted (id INT AUTO_INCREMENT PRIMARY KEY, v INT);
CREATE VIEW d1.uncounted AS SELECT v FROM counted;
CREATE VIEW d1.some_counted AS SELECT id AS i, v FROM counted WHERE v > 0 WITH CHECK OPTION;
INSERT INTO counted (v) VALUES (1);
INSERT INTO uncounted VALUES (2), (3);
SELECT LAST_INSERT_ID();
INSERT INTO uncounted SELECT 4;
SELECT LAST_INSERT_ID();
INSERT INTO some_counted (v) VALUES (5);
SELECT LAST_INSERT_ID();
REPLACE INTO uncounted VALUES (6);
SELECT LAST_INSERT_ID();
CREATE TABLE d1.seq (id INT);
INSERT INTO d1.seq VALUES (5);
UPDATE d1.seq SET id = LAST_INSERT_ID(id + 1);
SELECT LAST_INSERT_ID();
UPDATE d1.seq SET id = LAST_INSERT_ID(id + 1) LIMIT 1;
SELECT LAST_INSERT_ID();
CREATE TABLE d1.found (n INT PRIMARY KEY, v INT);
INSERT INTO d1.found VALUES (1, 110), (2, 120), (3, 130), (4, 140);
UPDATE d1.found SET v = LAST_INSERT_ID(v + 1) WHERE v = 110;
SELECT LAST_INSERT_ID();
UPDATE d1.found SET v = LAST_INSERT_ID(v + 1) WHERE v = 140;
SELECT LAST_INSERT_ID();
UPDATE d1.found SET v = LAST_INSERT_ID(v + 1) WHERE v = 120;
SELECT LAST_INSERT_ID();
UPDATE d1.found SET v = LAST_INSERT_ID(v + 1) WHERE v = 130;
SELECT LAST_INSERT_ID();
UPDATE d1.found SET v = LAST_INSERT_ID(v + 1) WHERE v = 7;
SELECT LAST_INSERT_ID();
UPDATE d1.found SET v = LAST_INSERT_ID(v + 1) ORDER BY v LIMIT 1;
SELECT LAST_INSERT_ID();
UPDATE d1.found SET v = LAST_INSERT_ID(v + 1) ORDER BY v DESC LIMIT 2;
SELECT LAST_INSERT_ID();
UPDATE d1.found f JOIN d1.counter c ON c.v < f.v SET f.v = LAST_INSERT_ID(f.v + 100) WHERE c.n = 2 AND f.n = 3;
SELECT LAST_INSERT_ID();
-- prepared
UPDATE d1.found SET v = LAST_INSERT_ID(v + 1) WHERE v = 142;
SELECT LAST_INSERT_ID();
SELECT * FROM d1.found ORDER BY n;
