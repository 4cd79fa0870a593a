-- What is wrong with HAVING is told where there are no groups, too, in the client's own words.
CREATE TABLE d1.nums (id INT PRIMARY KEY, a INT, b INT);
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING b 10;
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING ABS(b, 2, 3) > 1;
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING CASE b WHEN 1 THEN 2 ELSE END;
-- prepared
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING s IN (1,,2);
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING s > 3;
INSERT INTO d1.nums VALUES (1, 2, 3), (2, 3, 3), (3, 4, 4);
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING b 10;
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING ABS(b, 2, 3) > 1;
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING s > 4;
SELECT SUM(a) s FROM d1.nums GROUP BY b HAVING s > 10;
-- A name in HAVING is a select item before it is a column of FROM, also where it is looked up in another table's shard key.
CREATE TABLE d1.other (k INT NOT NULL, n INT NOT NULL, PRIMARY KEY (k), SHARD KEY (k));
CREATE TABLE d1.own (id INT NOT NULL, a INT NOT NULL, PRIMARY KEY (id), SHARD KEY (id));
INSERT INTO d1.own VALUES (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 1), (49, 50), (50, 49);
INSERT INTO d1.other VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (50, 6), (49, 7);
SELECT a AS id FROM d1.own HAVING id IN (SELECT k FROM d1.other);
SELECT a AS id FROM d1.own HAVING id NOT IN (SELECT k FROM d1.other);
SELECT id FROM d1.own HAVING id NOT IN (SELECT k FROM d1.other);
SELECT x.k FROM d1.own LEFT JOIN d1.other x ON x.k = id AND x.n < 3 HAVING k NOT IN (SELECT k FROM d1.other);
