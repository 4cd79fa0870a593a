-- Rows that WITHOUT OVERLAPS compares are in one partition, also those that FOR PORTION OF adds: columns of a PERIOD are in no shard key.
CREATE TABLE d1.acc (id INT NOT NULL, room VARCHAR(10), ds DATE, de DATE, PERIOD FOR per (ds, de), PRIMARY KEY (id, per WITHOUT OVERLAPS));
CREATE TABLE d1.seq (id INT NOT NULL, ds DATE, de DATE, val INT, PERIOD FOR per (ds, de), PRIMARY KEY (id, ds));
INSERT INTO acc VALUES (1, 'a', '2024-01-01', '2024-02-01'), (1, 'b', '2024-02-01', '2024-03-01'), (2, 'c', '2024-01-01', '2024-12-31');
INSERT INTO acc VALUES (1, 'x', '2024-01-15', '2024-01-16');
INSERT IGNORE INTO acc VALUES (1, 'x', '2024-01-20', '2024-02-10'), (3, 'y', '2024-01-15', '2024-01-16');
-- changes: d1.acc
UPDATE acc FOR PORTION OF per FROM '2024-01-10' TO '2024-01-20' SET room = CONCAT(room, '!');
-- changes: d1.acc
DELETE FROM acc FOR PORTION OF per FROM '2024-01-15' TO '2024-02-10' WHERE id < 3;
-- changes: d1.acc
UPDATE acc SET de = '2025-06-01' WHERE id = 2 AND ds = '2024-02-10';
INSERT INTO seq VALUES (1, '2024-01-01', '2024-12-31', 1), (2, '2024-01-01', '2024-12-31', 2), (3, '2024-03-01', '2024-04-30', 3);
-- changes: d1.seq
UPDATE seq FOR PORTION OF per FROM '2024-03-15' TO '2024-04-01' SET val = val * 10;
SELECT val FROM seq WHERE id = 1 AND ds = '2024-04-01';
INSERT INTO seq VALUES (1, '2024-04-01', '2024-04-02', 1);
-- order: id, ds, val
SELECT a.id, a.ds, s.val FROM acc a JOIN seq s ON a.ds < s.de AND s.ds < a.de ORDER BY a.id, a.ds, s.val;
-- Rows that are made of others get new numbers, which no partition knows by itself, unless the key of the numbers is WITHOUT OVERLAPS.
CREATE TABLE d1.rent (id INT AUTO_INCREMENT PRIMARY KEY, val INT, ds DATE, de DATE, PERIOD FOR per (ds, de), KEY (val));
CREATE TABLE d1.stay (val INT, id INT AUTO_INCREMENT, ds DATE, de DATE, PERIOD FOR per (ds, de), PRIMARY KEY (id, per WITHOUT OVERLAPS));
INSERT INTO rent VALUES (1, 1, '2024-01-01', '2024-12-31'), (2, 2, '2024-01-01', '2024-12-31');
INSERT INTO stay VALUES (1, 1, '2024-01-01', '2024-12-31'), (2, 2, '2024-01-01', '2024-12-31');
-- refused
UPDATE rent FOR PORTION OF per FROM '2024-03-15' TO '2024-04-01' SET val = 10;
-- refused
DELETE FROM rent FOR PORTION OF per FROM '2024-03-15' TO '2024-04-01' WHERE id = 1;
-- changes: d1.rent
DELETE FROM rent WHERE id = 1;
-- changes: d1.stay
UPDATE stay FOR PORTION OF per FROM '2024-03-15' TO '2024-04-01' SET val = 10;
-- changes: d1.stay
DELETE FROM stay FOR PORTION OF per FROM '2024-03-15' TO '2024-04-01' WHERE id = 1;
-- Rows that are found first.
CREATE TABLE d1.spans (id INT, f DATE, t DATE, x INT, PERIOD FOR per(f, t), PRIMARY KEY (id, per WITHOUT OVERLAPS));
INSERT INTO d1.spans VALUES (1, '2020-01-01', '2021-01-01', 1), (2, '2020-01-01', '2021-01-01', 2), (3, '2020-01-01', '2021-01-01', 3);
CREATE TABLE d1.which (id INT PRIMARY KEY, n INT);
INSERT INTO d1.which VALUES (1, 1), (2, 3);
-- changes: d1.spans
UPDATE d1.spans FOR PORTION OF per FROM '2020-08-01' TO '2020-09-01' SET x = x + 20 WHERE id IN (SELECT n FROM d1.which);
-- changes: d1.spans
DELETE FROM d1.spans FOR PORTION OF per FROM '2020-10-01' TO '2020-11-01' WHERE id IN (SELECT n FROM d1.which);
-- changes: d1.spans
UPDATE d1.spans FOR PORTION OF per FROM '2020-02-01' TO '2020-03-01' SET x = (SELECT MAX(n) FROM d1.which WHERE which.id <= spans.id) WHERE x < 20;
-- refused
UPDATE d1.spans FOR PORTION OF per FROM '2020-02-01' TO '2020-03-01' SET id = id + 10 WHERE x < 20;
-- refused
UPDATE d1.spans FOR PORTION OF per FROM '2020-02-01' TO '2020-03-01' SET x = 7 ORDER BY id LIMIT 1;
CREATE TABLE d1.counted (id INT AUTO_INCREMENT PRIMARY KEY, f DATE, t DATE, x INT, PERIOD FOR per(f, t));
-- refused
UPDATE d1.counted FOR PORTION OF per FROM '2020-02-01' TO '2020-03-01' SET x = 7 WHERE x IN (SELECT n FROM d1.which);
