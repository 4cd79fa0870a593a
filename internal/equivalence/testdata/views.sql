-- Views of every kind of table, read wherever a table may be, written where MariaDB takes it.
CREATE VIEW v AS SELECT id, a, s FROM ints WHERE a > 0
SELECT * FROM v
SELECT * FROM v WHERE id = 7
SELECT id FROM v WHERE id IN (7, 8, 9) ORDER BY id
SELECT v.id, eq_views.v.a FROM eq_views.v ORDER BY v.id LIMIT 5
SELECT x.id + 1 FROM v AS x ORDER BY x.id DESC LIMIT 3
SELECT COUNT(*), SUM(a), MIN(s) FROM v
SELECT a, COUNT(*) FROM v GROUP BY a ORDER BY a
SELECT DISTINCT a FROM v ORDER BY a
SELECT (SELECT COUNT(*) FROM v), 1
SELECT id FROM ints WHERE id IN (SELECT id FROM v WHERE a = 3) ORDER BY id
SELECT v.id, k.v FROM v JOIN kids k ON k.pid = v.id ORDER BY v.id, k.id
SELECT v.id, i.b FROM v JOIN ints i ON i.id = v.id WHERE i.id < 20 ORDER BY v.id
SELECT id FROM v UNION SELECT 1 ORDER BY 1
WITH c AS (SELECT * FROM v) SELECT COUNT(*) FROM c
WITH v AS (SELECT 1 AS one) SELECT * FROM v
SELECT nosuch FROM v
SELECT b FROM v
SHOW CREATE VIEW nosuch
-- expressions, names
CREATE VIEW renamed (n, twice, `what is it`) AS SELECT id, a * 2, CONCAT(s, 'x') FROM ints
SELECT * FROM renamed WHERE n < 10 ORDER BY n
SELECT twice, `what is it` FROM renamed WHERE n = 3
SELECT n FROM renamed WHERE twice = 8 ORDER BY n
-- nested
CREATE VIEW outer1 AS SELECT * FROM v WHERE id < 100
CREATE VIEW outer2 (p, q) AS SELECT id, a FROM outer1 WHERE a < 5
SELECT * FROM outer2 ORDER BY p
SELECT o.p, v.s FROM outer2 o JOIN v ON v.id = o.p ORDER BY o.p
-- groups, limits, unions, windows
CREATE VIEW grouped AS SELECT a, COUNT(*) AS n, SUM(id) AS total FROM ints GROUP BY a
^SELECT * FROM grouped ORDER BY a
^SELECT n FROM grouped WHERE a = 2
^SELECT total, n FROM grouped g WHERE n > 5 AND g.a BETWEEN 1 AND 9 ORDER BY n DESC, total LIMIT 4
^SELECT a FROM grouped WHERE a >= 3 AND a < 7 AND total <> 0 ORDER BY total
^SELECT * FROM grouped WHERE n IS NULL
SELECT MAX(n) FROM grouped
CREATE VIEW having1 AS SELECT e, AVG(d) AS m, COUNT(DISTINCT a) AS c FROM ints WHERE d > 0 OR d IS NULL GROUP BY e HAVING COUNT(*) > 2
^SELECT * FROM having1 ORDER BY e
^SELECT m FROM having1 WHERE e = 'red' OR c > 3 ORDER BY m
CREATE VIEW whole AS SELECT COUNT(*) AS n, MIN(a) AS low FROM ints
^SELECT * FROM whole
^SELECT low FROM whole WHERE n > 100
^SELECT n FROM whole WHERE n < 100
CREATE VIEW bykey AS SELECT id, COUNT(*) AS n FROM ints GROUP BY id
SELECT * FROM bykey WHERE id = 5
CREATE VIEW united AS SELECT id AS n, 'ints' AS what FROM ints WHERE id < 5 UNION ALL SELECT pid, 'kids' FROM kids WHERE pid < 5
SELECT * FROM united ORDER BY n, what
SELECT what, COUNT(*) FROM united GROUP BY what ORDER BY what
CREATE VIEW few AS SELECT id, a FROM ints ORDER BY id LIMIT 10
SELECT * FROM few ORDER BY id
^SELECT * FROM few
CREATE VIEW has AS SELECT id FROM ints i WHERE EXISTS (SELECT 1 FROM kids k WHERE k.pid = i.id)
SELECT * FROM has ORDER BY id
-- an order of the view's
CREATE VIEW inorder AS SELECT id, a FROM ints ORDER BY id DESC
SELECT * FROM inorder LIMIT 7
SELECT id FROM inorder WHERE a > 2 LIMIT 4
SELECT a, id FROM inorder x LIMIT 4
SELECT COUNT(*) FROM inorder
CREATE VIEW bywhat AS SELECT a, s FROM ints WHERE id BETWEEN 1 AND 50 ORDER BY id
SELECT * FROM bywhat LIMIT 9
SELECT s FROM bywhat LIMIT 9
CREATE VIEW top AS SELECT a, COUNT(*) AS n FROM ints WHERE a IS NOT NULL GROUP BY a ORDER BY COUNT(*) DESC, a
^SELECT * FROM top LIMIT 5
^SELECT n FROM top WHERE n > 3
-- reference tables, joins in a view
CREATE VIEW hues AS SELECT name, hue FROM colours WHERE code > 0
SELECT * FROM hues ORDER BY name
SELECT i.id, h.hue FROM ints i JOIN hues h ON h.name = i.e WHERE i.id < 30 ORDER BY i.id
CREATE VIEW coloured AS SELECT i.id, i.a, c.code FROM ints i LEFT JOIN colours c ON c.name = i.e
SELECT * FROM coloured WHERE id < 25 ORDER BY id
SELECT code, COUNT(*) FROM coloured GROUP BY code ORDER BY code
CREATE VIEW families AS SELECT i.id, k.id AS kid, k.v FROM ints i JOIN kids k ON k.pid = i.id
SELECT * FROM families ORDER BY id, kid
SELECT id, SUM(v) FROM families GROUP BY id ORDER BY id
CREATE VIEW anything AS SELECT 1 AS one, NOW() > '2020-01-01' AS late, 'it''s \\ é' AS text, _latin1'z' AS z
SELECT * FROM anything
SELECT one FROM anything WHERE text = 'it''s \\ É'
CREATE VIEW keyless AS SELECT x, s FROM loose WHERE x IS NOT NULL
~%SELECT * FROM keyless ORDER BY x
CREATE VIEW sums AS SELECT id, d, f, t, y, e FROM ints
SELECT * FROM sums WHERE id BETWEEN 1 AND 20 ORDER BY id
-- INSERT … SELECT
CREATE TABLE copy (id INT PRIMARY KEY, a INT, s VARCHAR(40))
INSERT INTO copy SELECT * FROM v
SELECT COUNT(*), SUM(id) FROM copy
REPLACE INTO copy (id, a) SELECT p, q FROM outer2
SELECT COUNT(*), SUM(id) FROM copy
-- writes
CREATE VIEW w AS SELECT id, a, s FROM copy WHERE a < 10
UPDATE w SET a = a + 1 WHERE id = 7
UPDATE w SET a = 3, w.s = 'new' WHERE w.id IN (8, 9, 10)
UPDATE w AS z SET z.s = 'z' WHERE z.id > 200
UPDATE w SET s = 'all'
DELETE FROM w WHERE id = 12
DELETE FROM w WHERE id > 250 AND w.a > 1
INSERT INTO w VALUES (1001, 5, 'x')
INSERT INTO w (id, s) VALUES (1002, 'y'), (1003, 'z')
INSERT INTO w SET id = 1004, a = 99
REPLACE INTO w VALUES (1001, 6, 'xx')
INSERT INTO w VALUES (1001, 6, 'again')
INSERT INTO w (id, nosuch) VALUES (1, 2)
INSERT INTO w VALUES (1001, 6, 'dup') ON DUPLICATE KEY UPDATE a = w.a + VALUES(a), s = 'was there'
^INSERT INTO w (id) VALUES (1005) RETURNING *
^INSERT INTO w (id, a) VALUES (1006, 1) RETURNING id + 1, a
^DELETE FROM w WHERE id = 1006 RETURNING *
CREATE VIEW wr (k, v) AS SELECT id, a FROM copy
UPDATE wr SET v = v * 2 WHERE k < 20
INSERT INTO wr VALUES (1010, 4)
INSERT INTO wr (v, k) SELECT 5, 1011
DELETE FROM wr WHERE v = 5 AND wr.k = 1011
CREATE VIEW wrw AS SELECT k, v FROM wr WHERE v > 3
UPDATE wrw SET v = 100 WHERE k = 1010
DELETE FROM wrw WHERE k > 1003
SELECT * FROM copy ORDER BY id
UPDATE grouped SET n = 1
DELETE FROM grouped
INSERT INTO grouped VALUES (1, 2, 3)
UPDATE anything SET one = 2
CREATE VIEW checked AS SELECT id, a FROM copy WHERE a < 50 WITH CHECK OPTION
DELETE FROM checked WHERE id = 20
CREATE VIEW checked2 AS SELECT id, s FROM copy WHERE a < 50 WITH LOCAL CHECK OPTION
UPDATE checked2 SET s = 'checked' WHERE id BETWEEN 30 AND 40
SELECT * FROM checked ORDER BY id
-- locks
SELECT * FROM v WHERE id = 7 FOR UPDATE
SELECT id FROM outer2 o JOIN v ON v.id = o.p WHERE v.id = 8 LOCK IN SHARE MODE
SELECT * FROM inorder WHERE id < 4 FOR UPDATE
-- metadata
SHOW CREATE VIEW renamed
SHOW CREATE VIEW checked
SHOW CREATE TABLE v
SHOW FULL TABLES LIKE 'v%'
SHOW TABLES
DESCRIBE renamed
SHOW FULL COLUMNS FROM v
SELECT TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, IS_UPDATABLE, SECURITY_TYPE, ALGORITHM FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'eq_views' ORDER BY TABLE_NAME
SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'eq_views' AND TABLE_TYPE = 'VIEW' ORDER BY TABLE_NAME
SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'eq_views' AND TABLE_NAME IN ('v', 'renamed') ORDER BY TABLE_NAME, ORDINAL_POSITION
CREATE VIEW ofviews AS SELECT TABLE_NAME AS n FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'eq_views' AND TABLE_NAME LIKE 'w%'
SELECT * FROM ofviews ORDER BY n
-- definitions
CREATE VIEW v AS SELECT 1
CREATE VIEW ints AS SELECT 1
CREATE TABLE v (id INT PRIMARY KEY)
CREATE VIEW IF NOT EXISTS v AS SELECT 1
CREATE VIEW bad AS SELECT nosuch FROM ints
CREATE VIEW bad AS SELECT id, id FROM ints
CREATE VIEW bad (a, b) AS SELECT id FROM ints
CREATE VIEW bad AS SELECT @x
CREATE VIEW bad AS SELECT * FROM nosuch
CREATE OR REPLACE VIEW v AS SELECT id, s FROM ints WHERE id < 5
SELECT * FROM v ORDER BY id
*SELECT * FROM outer2
ALTER VIEW v AS SELECT id, a, s FROM ints WHERE id < 9
SELECT * FROM v ORDER BY id
SELECT * FROM outer2 ORDER BY p
ALTER VIEW nosuch AS SELECT 1
ALTER ALGORITHM = TEMPTABLE SQL SECURITY INVOKER VIEW outer2 (q) AS SELECT id FROM v
^SELECT * FROM outer2 ORDER BY q
CREATE OR REPLACE VIEW copy AS SELECT 1
RENAME TABLE outer2 TO outer3
^SELECT * FROM outer3 ORDER BY q
SELECT * FROM outer2
RENAME TABLE outer3 TO v
DROP TABLE v
*DROP VIEW ints
DROP VIEW outer3, nosuch
DROP VIEW IF EXISTS outer3
SELECT * FROM outer3
DROP VIEW outer1, v
ALTER TABLE grouped ADD c INT
TRUNCATE TABLE grouped
CREATE TABLE l LIKE grouped
-- what a view shows changes under it
CREATE TABLE base (id INT PRIMARY KEY, a INT, b INT)
INSERT INTO base VALUES (1, 2, 3), (4, 5, 6)
CREATE VIEW onbase AS SELECT * FROM base
DROP TABLE base
CREATE TABLE base (id INT PRIMARY KEY, a INT, b TIME, c INT)
SELECT * FROM onbase ORDER BY id
INSERT INTO base VALUES (1, 2, '10:11:12', 3), (4, 5, '01:02:03', 6)
SELECT * FROM onbase ORDER BY id
DROP TABLE base
CREATE TABLE base (id INT PRIMARY KEY, a INT, c INT)
*SELECT * FROM onbase
SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'eq_views' AND TABLE_NAME = 'onbase'
DROP TABLE base
*SELECT * FROM onbase
*UPDATE onbase SET a = 1
DROP VIEW onbase
EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM hues'
SET @n = (SELECT COUNT(*) FROM hues)
SELECT @n
CHECK TABLE families
CHECK VIEW hues, w
ANALYZE TABLE families
