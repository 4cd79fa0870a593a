-- temporary tables of rows that are on partitions
>CREATE TEMPORARY TABLE t1 AS SELECT id, a, s, d, t FROM ints WHERE id < 50
SELECT * FROM t1 ORDER BY id
>CREATE TEMPORARY TABLE t2 (n INT DEFAULT 4, PRIMARY KEY (a)) SELECT a, COUNT(*) AS c, MAX(d) AS m FROM ints WHERE a IS NOT NULL GROUP BY a
SELECT * FROM t2 ORDER BY a
SHOW COLUMNS FROM t2
SELECT x.id, y.c FROM t1 x JOIN t2 y ON x.a = y.a ORDER BY 1
>CREATE TEMPORARY TABLE t3 SELECT i.id, k.w, c.name FROM ints i JOIN kids k ON k.v = i.a LEFT JOIN colours c ON c.code = k.v WHERE i.id BETWEEN 3 AND 30
SELECT COUNT(*), MIN(w), SUM(id), COUNT(name) FROM t3
>CREATE TEMPORARY TABLE t4 SELECT COUNT(*) AS n FROM kids
SELECT n FROM t4
>!CREATE TEMPORARY TABLE t5 (PRIMARY KEY (a)) SELECT a, id FROM ints WHERE a IS NOT NULL
SELECT * FROM t5
>CREATE TEMPORARY TABLE t5 (id INT AUTO_INCREMENT PRIMARY KEY, v INT, UNIQUE KEY (v))
INSERT INTO t5 (v) SELECT DISTINCT v FROM kids WHERE v IS NOT NULL ORDER BY v
SELECT LAST_INSERT_ID()
SELECT v FROM t5 ORDER BY id
INSERT INTO t5 (v) SELECT a FROM ints WHERE a > 3 ORDER BY id ON DUPLICATE KEY UPDATE v = t5.v + 100
SELECT COUNT(*), SUM(v) FROM t5
+*INSERT IGNORE INTO t5 (v) SELECT v FROM kids
+REPLACE INTO t5 (id, v) SELECT id, a + 1000 FROM ints WHERE id BETWEEN 1 AND 5 AND a IS NOT NULL
SELECT COUNT(*), SUM(v) FROM t5
>CREATE TEMPORARY TABLE IF NOT EXISTS t4 SELECT id FROM ints
SELECT * FROM t4
>CREATE OR REPLACE TEMPORARY TABLE t4 SELECT id FROM ints WHERE id < 0
SELECT * FROM t4 ORDER BY id
BEGIN
INSERT INTO kids VALUES (9001, 3, 7, 'new')
>CREATE TEMPORARY TABLE t6 AS SELECT * FROM kids WHERE id > 9000
INSERT INTO t4 SELECT id FROM kids WHERE id > 9000
SELECT * FROM t6
ROLLBACK
SELECT COUNT(*) FROM kids WHERE id > 9000
SELECT COUNT(*) FROM t4
>@CREATE TEMPORARY TABLE ints AS SELECT * FROM ints
>CREATE TEMPORARY TABLE t7 AS SELECT ints.id, ints.s, ints.t, t1.d FROM t1 JOIN ints ON ints.id = t1.id
SELECT * FROM t7 ORDER BY id
SELECT x.id, x.s, k.w FROM t1 x JOIN kids k ON k.id = x.id WHERE x.a > 2 ORDER BY 1, 3
SELECT COUNT(*), MIN(i.s) FROM ints i WHERE i.id IN (SELECT id FROM t7) AND i.a > (SELECT AVG(a) FROM t1)
SELECT COUNT(*), (SELECT COUNT(*) FROM t1), (SELECT COUNT(*) FROM t2), (SELECT COUNT(*) FROM t3), (SELECT COUNT(*) FROM t5), (SELECT COUNT(*) FROM t7), (SELECT COUNT(*) FROM colours) FROM ints
SELECT x.id, c.name, COUNT(*) FROM t1 x JOIN colours c ON c.code = x.a JOIN kids k ON k.v = x.a GROUP BY x.id, c.name ORDER BY 1, 2
SELECT i.s, y.s FROM ints i JOIN t1 y ON i.s = y.s WHERE i.id < 10 ORDER BY 1, 2, i.id, y.id
SELECT v.id FROM t7 v UNION SELECT id FROM ints WHERE id < 20 ORDER BY 1
SELECT x.id FROM t5 x JOIN ints ON ints.id = x.v FOR UPDATE
INSERT INTO t4 SELECT t5.v FROM t5 JOIN ints ON ints.id = t5.v
SELECT COUNT(*), SUM(id) FROM t4
INSERT INTO kids SELECT id, id, a, s FROM t1 WHERE id > 40 ON DUPLICATE KEY UPDATE w = 'again'
INSERT INTO kids SELECT DISTINCT x.id + 20000, x.id, 1, 'twice' FROM t1 x JOIN kids k ON k.id = x.id
INSERT INTO codes SELECT id + 7000, s FROM t1 WHERE id < 4
SELECT COUNT(*), SUM(id), MIN(w) FROM kids
BEGIN
UPDATE t1 SET a = 99 WHERE id < 10
UPDATE ints SET a = 98 WHERE id < 10
SELECT t1.a, ints.a, COUNT(*) FROM t1 JOIN ints ON t1.id = ints.id GROUP BY 1, 2 ORDER BY 1, 2
ROLLBACK
SELECT t1.a, ints.a, COUNT(*) FROM t1 JOIN ints ON t1.id = ints.id GROUP BY 1, 2 ORDER BY 1, 2
UPDATE ints SET a = (SELECT MAX(id) FROM t1), s = 'from temporary' WHERE id IN (SELECT id FROM t1 WHERE id < 8)
UPDATE ints i JOIN t1 x ON x.id = i.id SET i.a = x.a + 1000, i.s = x.s WHERE x.id BETWEEN 5 AND 20
UPDATE kids k, t1 x SET k.w = x.s WHERE k.pid = x.id AND k.v > 2
UPDATE ints SET a = 5 WHERE id = 3 AND EXISTS (SELECT 1 FROM t1 WHERE t1.id = ints.id)
UPDATE colours SET hue = (SELECT MIN(s) FROM t1 WHERE t1.a = colours.code)
UPDATE loose l JOIN t1 x ON x.id = l.x SET l.s = 'met'
SELECT COUNT(*), SUM(a), SUM(CRC32(s)) FROM ints
SELECT COUNT(*), SUM(CRC32(w)) FROM kids
SELECT name, hue FROM colours ORDER BY name
DELETE FROM ints WHERE id IN (SELECT id FROM t1 WHERE a IS NULL)
DELETE k FROM kids k JOIN t1 x ON x.id = k.pid WHERE k.v = 4
DELETE FROM kids WHERE pid NOT IN (SELECT id FROM t1) AND v < (SELECT AVG(a) FROM t1) ORDER BY id LIMIT 5
DELETE FROM codes WHERE id > 7000 AND id - 7000 IN (SELECT id FROM t1)
SELECT COUNT(*), SUM(id) FROM ints
SELECT COUNT(*), SUM(id) FROM kids
SELECT COUNT(*) FROM codes
BEGIN
INSERT INTO t4 VALUES (77)
UPDATE ints SET s = 'seen' WHERE id IN (SELECT id FROM t4)
SELECT id FROM ints WHERE s = 'seen'
ROLLBACK
UPDATE t1 SET a = 1 WHERE s IN (SELECT hue FROM colours)
-- writes to temporary tables that name others
UPDATE t1 JOIN ints USING (id) SET t1.a = ints.a + 3 WHERE t1.id > 4
UPDATE t1 x LEFT JOIN kids k ON k.pid = x.id AND k.v > 2 SET x.s = 'kidless' WHERE k.id IS NULL AND x.id < 30
UPDATE t1 SET d = (SELECT COUNT(*) FROM kids WHERE kids.pid = t1.id), t = NOW() - INTERVAL 2000 YEAR IS NULL WHERE id IN (SELECT pid FROM kids) ORDER BY id LIMIT 3
UPDATE t5 SET v = v + 5000 + (SELECT MIN(id) FROM ints) WHERE v IN (SELECT a FROM ints)
UPDATE t1 JOIN t2 ON t1.a = t2.a JOIN codes c ON c.id > t2.c SET t2.n = 7, t1.a = 1
SELECT * FROM t2 ORDER BY a
SELECT id, a, s, d FROM t1 ORDER BY id
UPDATE t7 SET s = 'in ints' WHERE id IN (SELECT id FROM ints WHERE a > 2)
UPDATE t7 JOIN ints ON ints.id = t7.id SET t7.d = ints.id
SELECT id, s, d FROM t7 ORDER BY id
UPDATE t1 JOIN ints USING (id) SET t1.a = 3, ints.a = 4 WHERE id < 12
UPDATE t1 JOIN colours c ON c.code = t1.a JOIN ints USING (id) SET t1.s = c.name, c.hue = 'both' WHERE ints.id > 20
SELECT COUNT(*), SUM(a), MIN(s) FROM t1
SELECT name, hue FROM colours ORDER BY name
DELETE FROM t1 WHERE id NOT IN (SELECT id FROM ints)
DELETE x FROM t1 x JOIN kids k ON k.pid = x.id WHERE k.v = 3
DELETE t7, k FROM t7 JOIN kids k ON k.pid = t7.id WHERE t7.id < 9
DELETE FROM t5 WHERE v > (SELECT AVG(id) FROM ints) ORDER BY id LIMIT 2
DELETE FROM t4 WHERE id IN (SELECT v FROM kids)
SELECT COUNT(*), SUM(id) FROM t1
SELECT COUNT(*), SUM(id) FROM t7
SELECT COUNT(*), SUM(v) FROM t5
SELECT COUNT(*), SUM(id) FROM t4
BEGIN
UPDATE t1 JOIN ints USING (id) SET t1.a = 55, ints.a = 55
DELETE FROM t2 WHERE a IN (SELECT v FROM kids)
SELECT COUNT(*), SUM(t1.a), SUM(ints.a) FROM t1 JOIN ints USING (id)
SELECT COUNT(*) FROM t2
ROLLBACK
SELECT COUNT(*), SUM(t1.a), SUM(ints.a) FROM t1 JOIN ints USING (id)
SELECT COUNT(*) FROM t2
DELETE FROM t1 WHERE id IN (SELECT id FROM kids) RETURNING id
!UPDATE t2 JOIN ints ON ints.a = t2.a SET t2.a = 1
DROP TEMPORARY TABLE t1, t2, t3, t4, t5, t6, t7
