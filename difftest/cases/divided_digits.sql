-- MariaDB stores more digits of a quotient than it prints.
CREATE TABLE d1.x (id INT PRIMARY KEY, a INT, b INT);
INSERT INTO d1.x VALUES (1,6,1),(2,7,1),(3,9,1),(4,11,2),(5,13,2);
CREATE TABLE d1.y (t VARCHAR(50) PRIMARY KEY, f DOUBLE, d DECIMAL(30,15), s VARCHAR(30));
-- changes: d1.y
INSERT INTO d1.y SELECT 'avg', AVG(a), AVG(a), AVG(a) FROM d1.x;
-- changes: d1.y
INSERT INTO d1.y SELECT CONCAT('row', id), a/7, a/7, a/7 FROM d1.x;
-- changes: d1.y
INSERT INTO d1.y SELECT CONCAT('group', b), AVG(a), SUM(a)/7, COALESCE(AVG(a), 0) FROM d1.x GROUP BY b ORDER BY AVG(a) LIMIT 3;
-- changes: d1.y
INSERT INTO d1.y SELECT 'max', MAX(a)/7, MAX(a/7), ABS(-AVG(a)) FROM d1.x;
-- changes: d1.y
INSERT INTO d1.y SELECT CONCAT('sub', id), (SELECT AVG(a) FROM d1.x), (SELECT a/7 FROM d1.x WHERE id = 1), IF(a > 1, a/7, 2) FROM d1.x;
-- changes: d1.y
INSERT INTO d1.y SELECT DISTINCT 'distinct', AVG(a), AVG(a), AVG(a) FROM d1.x;
-- changes: d1.y
INSERT INTO d1.y SELECT 'union', a/7, a/7, a/7 FROM d1.x WHERE id = 1 UNION SELECT 'union2', 1/7, 1/7, 1/7;
-- changes: d1.y
INSERT INTO d1.y SELECT CONCAT('win', id), AVG(a) OVER (), a/7, ROUND(a/7, 6) FROM d1.x;
-- changes: d1.y
INSERT INTO d1.y SELECT CONCAT('text', id), CONCAT(a/7), CONCAT(a/7), CONCAT(a/7) FROM d1.x;
-- changes: d1.y
UPDATE d1.y SET f = (SELECT AVG(a) FROM d1.x), d = (SELECT AVG(a) FROM d1.x) * 3, s = (SELECT SUM(a)/7 FROM d1.x);
SET @a = (SELECT AVG(a) FROM d1.x), @b = (SELECT a/7 FROM d1.x WHERE id = 1), @c = 1 + (SELECT AVG(a/9) FROM d1.x);
SELECT @a, @b, @c, @a * 3;
CREATE TABLE d1.z (n INT PRIMARY KEY, f DOUBLE);
-- changes: d1.z
INSERT INTO d1.z SELECT DISTINCT 1, (SELECT AVG(a) FROM d1.x) FROM DUAL ORDER BY 1, 2 LIMIT 2;
-- changes: d1.z
INSERT INTO d1.z SELECT DISTINCT 2, (SELECT AVG(a) FROM d1.x);
-- changes: d1.z
INSERT INTO d1.z SELECT DISTINCT 3, 1/7 FROM d1.x;
-- changes: d1.z
INSERT INTO d1.z SELECT DISTINCT b + 3, b/7 FROM d1.x;
-- changes: d1.z
INSERT INTO d1.z SELECT b + 5, 1/7 FROM d1.x GROUP BY b;
