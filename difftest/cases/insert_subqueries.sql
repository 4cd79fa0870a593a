-- Values of an INSERT with subqueries over partitions are found out first.
CREATE TABLE d1.x (id INT PRIMARY KEY, a INT, s VARCHAR(20), d DATETIME, f DOUBLE);
INSERT INTO d1.x VALUES (1,6,'ä','2024-01-01 01:02:03',0.1),(2,7,'b',NULL,1e-30),(3,9,NULL,'2024-02-01',3);
CREATE TABLE d1.y (n INT PRIMARY KEY, f DOUBLE, d DECIMAL(20,10), s VARCHAR(30), t DATETIME);
CREATE TABLE d2.nam (s VARCHAR(20) PRIMARY KEY, v INT NOT NULL);
CREATE REFERENCE TABLE d1.ref (n INT PRIMARY KEY, v DECIMAL(20,10));
-- changes: d1.y
INSERT INTO d1.y VALUES (10, (SELECT MAX(f) FROM d1.x), (SELECT SUM(a) FROM d1.x)/7, (SELECT MAX(s) FROM d1.x), (SELECT MAX(d) FROM d1.x));
-- changes: d1.y
INSERT INTO d1.y (n, f) VALUES (11, (SELECT f FROM d1.x WHERE id=2)), (12, 3), (13, (SELECT f FROM d1.x WHERE id=77));
INSERT INTO d1.y (n, f) VALUES (14, (SELECT f FROM d1.x));
INSERT INTO d1.y (n, f) VALUES (14, (SELECT f, a FROM d1.x));
-- changes: d1.y
INSERT INTO d1.y (n, f) VALUES ((SELECT MAX(n)+1 FROM d1.y), 4);
-- changes: d1.y
REPLACE INTO d1.y SET n=(SELECT MAX(id)+40 FROM d1.x), s=CONCAT((SELECT MIN(s) FROM d1.x), '-', 1);
-- changes: d2.nam
INSERT INTO d2.nam VALUES ((SELECT s FROM d1.x WHERE id = 1), (SELECT COUNT(*) FROM d1.x)), ('z', 1);
INSERT INTO d2.nam VALUES ((SELECT s FROM d1.x WHERE id = 3), 4);
-- changes: d2.nam
INSERT IGNORE INTO d2.nam VALUES ('q', (SELECT a FROM d1.x WHERE id = 99));
-- changes: d2.nam
INSERT INTO d2.nam VALUES ('z', 1) ON DUPLICATE KEY UPDATE v = v + (SELECT SUM(a) FROM d1.x);
-- prepared
-- changes: d1.y
INSERT INTO d1.y (n, f, s) VALUES (100, (SELECT SUM(a) FROM d1.x WHERE id < 3), 'p'), (101, 2.5, (SELECT MAX(a) + 1000 FROM d1.x));
-- changes: d1.ref
INSERT INTO d1.ref VALUES (1, (SELECT AVG(a) FROM d1.x)), (2, (SELECT COUNT(*) FROM d2.nam) + RAND(1) * 0);
BEGIN;
INSERT INTO d1.x (id, a) VALUES (50, 500);
-- changes: d1.y
INSERT INTO d1.y (n, f) VALUES (200, (SELECT SUM(a) FROM d1.x));
ROLLBACK;
-- changes: d1.y
INSERT INTO d1.y (n, f, s) VALUES (900, 4, CONCAT(n, (SELECT MAX(s) FROM d1.x), EXISTS(SELECT 1 FROM d1.x WHERE a = 500)));
-- changes: d1.y
UPDATE d1.y JOIN (SELECT MAX(a) q FROM d1.x) t SET d = q;
CREATE TABLE d1.mix (k INT PRIMARY KEY, bt BIT(6), n DECIMAL(8,2));
INSERT INTO d1.mix VALUES (1, 6, NULL), (2, 54, NULL);
-- changes: d1.y
REPLACE INTO d1.y (n, f) SELECT k, LAST_VALUE(bt) OVER (PARTITION BY k ORDER BY k) FROM d1.mix;
SELECT COALESCE(MIN(n), -1) FROM d1.mix;
-- MariaDB sees earlier rows of the statement where the table has another name in the subquery, or is in a derived table.
CREATE TABLE d1.nums (a INT, b INT);
INSERT INTO d1.nums VALUES (1, 1), (2, 2);
-- changes: d1.nums
INSERT INTO d1.nums VALUES (3, 3), (4, (SELECT COUNT(*) FROM d1.nums)), (5, (SELECT MAX(x.a) FROM d1.nums x));
-- refused
INSERT INTO d1.nums VALUES (6, 6), (7, (SELECT COUNT(*) FROM d1.nums AS x));
-- refused
INSERT INTO d1.nums VALUES (6, 6), (7, (SELECT n FROM (SELECT COUNT(*) AS n FROM d1.nums) AS t));
-- changes: d1.nums
INSERT INTO d1.nums VALUES (7, (SELECT COUNT(*) FROM d1.nums AS x));
-- changes: d1.nums
INSERT INTO d1.nums VALUES (8, DEFAULT), (9, (SELECT COUNT(*) FROM d1.nums));
-- A column without a default that ON DUPLICATE KEY UPDATE names needs no value, wherever a row is alone; MariaDB asks for one where a query gives no rows.
CREATE TABLE d1.hits (id INT PRIMARY KEY, n INT NOT NULL, m INT);
-- changes: d1.hits
INSERT INTO d1.hits (id) VALUES (1), (2), (3), (4), (5) ON DUPLICATE KEY UPDATE n = n + 1;
-- changes: d1.hits
INSERT INTO d1.hits (id) VALUES (5), (6), (7) ON DUPLICATE KEY UPDATE n = n + 1;
INSERT INTO d1.hits (id) VALUES (8), (9) ON DUPLICATE KEY UPDATE m = 1;
INSERT INTO d1.hits (id) SELECT a FROM d1.nums WHERE a > 1000;
REPLACE INTO d1.hits (id) SELECT a FROM d1.nums WHERE a > 1000;
SET sql_mode = '';
INSERT INTO d1.hits (id) SELECT a FROM d1.nums WHERE a > 1000;
-- ON DUPLICATE KEY UPDATE with subqueries that hang on the row that is met.
CREATE TABLE d1.met (id INT PRIMARY KEY, a INT, b VARCHAR(20), d INT NOT NULL DEFAULT 0);
INSERT INTO d1.met VALUES (1, 10, 'x', 1), (2, 20, 'y', 2), (3, 30, 'z', 3), (4, 40, 'w', 4);
CREATE TABLE d1.oth (id INT PRIMARY KEY, a INT, s VARCHAR(20));
INSERT INTO d1.oth VALUES (1, 1, 'é'), (2, 2, 'b'), (3, 3, 'c');
-- changes: d1.met
INSERT INTO d1.met (id, d, a) VALUES (1, 2, 5) ON DUPLICATE KEY UPDATE a = (SELECT MAX(a) FROM d1.oth WHERE oth.id = met.id);
-- changes: d1.met
INSERT INTO d1.met (id, d, a) VALUES (1, 2, 5), (2, 2, 6), (77, 1, 1) ON DUPLICATE KEY UPDATE a = (SELECT MAX(a) FROM d1.met x) + 1;
-- changes: d1.met
INSERT INTO d1.met (id, d, a) VALUES (3, 2, 5), (4, 2, 6) ON DUPLICATE KEY UPDATE a = a + (SELECT COUNT(*) FROM d1.oth WHERE oth.id < met.d), b = (SELECT GROUP_CONCAT(s ORDER BY id) FROM d1.oth WHERE oth.id <= met.d);
-- changes: d1.met
INSERT INTO d1.met (id, d, a) VALUES (1, 2, 5) ON DUPLICATE KEY UPDATE a = (d IN (SELECT id FROM d1.oth));
-- changes: d1.met
INSERT INTO d1.met (id, d, a) VALUES (2, 2, 5) ON DUPLICATE KEY UPDATE a = EXISTS (SELECT 1 FROM d1.oth WHERE oth.id = met.d) + 5, d = VALUES(a);
INSERT INTO d1.met (id, d, a) VALUES (200, 2, 5) ON DUPLICATE KEY UPDATE a = (SELECT a FROM d1.oth WHERE oth.id < met.id);
INSERT INTO d1.met (id, d, a) VALUES (3, 2, 5) ON DUPLICATE KEY UPDATE a = (SELECT a FROM d1.oth WHERE oth.id < met.id);
-- changes: d1.met
INSERT INTO d1.met (id, d, a) VALUES (3, (SELECT MAX(id) FROM d1.oth), 5) ON DUPLICATE KEY UPDATE a = VALUES(d) + (SELECT a FROM d1.oth WHERE oth.id = met.id);
-- prepared
-- changes: d1.met
INSERT INTO d1.met (id, d, a) VALUES (3, 2, 5) ON DUPLICATE KEY UPDATE a = (SELECT a + 7 FROM d1.oth WHERE oth.id = met.id), d = 9, b = CONCAT((SELECT MAX(s) FROM d1.oth WHERE oth.id < met.id), 'ü');
BEGIN;
INSERT INTO d1.oth VALUES (9, 99, 't');
-- changes: d1.met
INSERT INTO d1.met (id, d, a) VALUES (4, 2, 5), (500, 1, 1), (500, 9, 9) ON DUPLICATE KEY UPDATE a = (SELECT MAX(a) FROM d1.oth WHERE oth.id > met.d);
-- changes: d1.met
ROLLBACK;
-- refused
INSERT INTO d1.met (id, d, a) VALUES (1, 2, 5) ON DUPLICATE KEY UPDATE a = 1, b = (SELECT MAX(s) FROM d1.oth WHERE oth.id = met.a);
CREATE TABLE d1.wide (k VARCHAR(10), n ENUM('q','r'), v INT, dd DATE, PRIMARY KEY (k, n, dd));
INSERT INTO d1.wide VALUES ('é', 'q', 1, '2020-01-01'), ('b', 'r', 2, '2020-01-01');
-- changes: d1.wide
INSERT INTO d1.wide VALUES ('É', 'q', 7, '2020-01-01'), ('b', 'r', 8, '2020-01-01') ON DUPLICATE KEY UPDATE v = (SELECT SUM(a) FROM d1.oth WHERE s = wide.k) + VALUES(v) * 100;
-- MariaDB takes DEFAULT for NULL where a subquery names the table by its own name.
CREATE TABLE d1.dflt (id INT PRIMARY KEY, a INT DEFAULT 5, d INT NOT NULL DEFAULT 7, x INT);
INSERT INTO d1.dflt VALUES (1, 1, 1, 1);
-- changes: d1.dflt
INSERT INTO d1.dflt (id, a, d, x) VALUES (2, DEFAULT, 2, (SELECT MAX(x) FROM d1.dflt));
-- changes: d1.dflt
INSERT INTO d1.dflt (id, a, d, x) VALUES (3, DEFAULT, 2, (SELECT MAX(x) FROM d1.dflt y));
-- changes: d1.dflt
INSERT INTO d1.dflt SET id = 5, a = DEFAULT, x = (SELECT MAX(x) FROM d1.dflt);
-- changes: d1.dflt
INSERT INTO d1.dflt (id, a, x) VALUES (8, DEFAULT, (SELECT MAX(x) FROM d1.dflt)), (9, 3, DEFAULT), (10, DEFAULT(a), 1);
-- prepared
-- changes: d1.dflt
REPLACE INTO d1.dflt VALUES (12, DEFAULT, (SELECT MAX(x) FROM d1.dflt), DEFAULT);
-- changes: d1.dflt
INSERT INTO d1.dflt (id, a) VALUES (13, DEFAULT), (14, DEFAULT) ON DUPLICATE KEY UPDATE a = (SELECT MAX(x) FROM d1.dflt);
INSERT INTO d1.dflt (id, d, x) VALUES (15, DEFAULT, (SELECT MAX(x) FROM d1.dflt));
-- changes: d1.dflt
INSERT IGNORE INTO d1.dflt (id, d, x) VALUES (15, DEFAULT, (SELECT MAX(x) FROM d1.dflt)), (16, DEFAULT, 1);
-- refused
INSERT INTO d1.dflt (id, a, x) VALUES (17, DEFAULT, (SELECT MAX(x) FROM (SELECT * FROM d1.dflt) y));
-- changes: d1.dflt
INSERT INTO d1.dflt (id, x) VALUES (17, (SELECT MAX(x) FROM (SELECT * FROM d1.dflt) y));
-- What a subquery is, and not its value alone, counts in functions and comparisons.
CREATE TABLE d1.kinds (id INT PRIMARY KEY, j JSON, i6 INET6, raw VARBINARY(5), g POINT);
INSERT INTO d1.kinds VALUES (1, '{"a":1}', '::1', 'A', POINT(1, 2));
CREATE TABLE d1.told (id INT PRIMARY KEY, w VARCHAR(60), i INT, g POINT) COLLATE utf8mb4_general_ci;
INSERT INTO d1.told VALUES (1, 'a', 0, NULL);
-- changes: d1.told
INSERT INTO d1.told (id) VALUES (1) ON DUPLICATE KEY UPDATE i = (SELECT raw FROM d1.kinds WHERE kinds.id = told.id) = w;
-- changes: d1.told
INSERT INTO d1.told (id, w, i, g) VALUES (9, 'a', w = (SELECT raw FROM d1.kinds WHERE id = 1), (SELECT g FROM d1.kinds WHERE id = 1));
-- refused
INSERT INTO d1.told (id) VALUES (1) ON DUPLICATE KEY UPDATE i = (SELECT i6 FROM d1.kinds WHERE kinds.id = told.id) = '0::1';
-- changes: d1.told
INSERT INTO d1.told (id) VALUES (1) ON DUPLICATE KEY UPDATE w = (SELECT i6 FROM d1.kinds WHERE kinds.id = told.id), i = (SELECT raw FROM d1.kinds WHERE i6 = '::1') = 'a';
-- changes: d1.told
INSERT INTO d1.told (id) VALUES (1) ON DUPLICATE KEY UPDATE w = CONCAT(JSON_ARRAY((SELECT j FROM d1.kinds WHERE kinds.id = told.id), EXISTS (SELECT 1 FROM d1.kinds WHERE kinds.id = told.id)), id);
-- refused
INSERT INTO d1.told (id, w) VALUES (11, JSON_ARRAY((SELECT j FROM d1.kinds WHERE id = 1), id));
-- changes: d1.told
INSERT INTO d1.told (id, w) VALUES (12, JSON_ARRAY((SELECT j FROM d1.kinds WHERE id = 1)));
