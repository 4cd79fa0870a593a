-- ROWNUM() in UPDATE and DELETE over partitions: a LIMIT, or counted by the query that finds the rows.
CREATE TABLE d1.cnt (id INT PRIMARY KEY, a INT, b INT, KEY (b));
INSERT INTO cnt VALUES (1, 10, 3), (2, 20, 2), (3, 30, 1), (4, 40, 9), (5, 50, 9);
UPDATE cnt SET a = ROWNUM();
SELECT MIN(a), MAX(a), COUNT(DISTINCT a) FROM cnt;
UPDATE cnt SET a = 10 * ROWNUM() WHERE id > 1 AND ROWNUM() <= 2;
SELECT COUNT(*) FROM cnt WHERE a > 9;
UPDATE cnt SET a = 306 WHERE ROWNUM() < 3;
SELECT COUNT(*) FROM cnt WHERE a = 306;
UPDATE cnt SET a = 307 WHERE ROWNUM() <= 2 AND id > 1;
SELECT COUNT(*) FROM cnt WHERE a = 307;
UPDATE cnt SET a = 308 WHERE ROWNUM() > 1;
UPDATE cnt SET a = 309 WHERE ROWNUM() < 2.5;
UPDATE cnt SET a = 310 WHERE ROWNUM() <= -1;
UPDATE cnt SET a = 311 WHERE NOT ROWNUM() > 2;
-- prepared
UPDATE cnt SET a = 312 WHERE ROWNUM() < 3;
DELETE FROM cnt WHERE ROWNUM() <= 1 AND id < 3;
SELECT COUNT(*) FROM cnt WHERE id < 3;
DELETE FROM cnt WHERE ROWNUM() < 1;
DELETE FROM cnt WHERE ROWNUM() < 3;
SELECT COUNT(*) FROM cnt;
-- refused
UPDATE cnt SET a = ROWNUM() ORDER BY id;
-- refused
DELETE FROM cnt WHERE ROWNUM() <= 1 ORDER BY id;
