-- An average with as many digits as MariaDB divides to is cut off, not rounded.
CREATE TABLE d1.t (id INT PRIMARY KEY, a DECIMAL(12,5), b DECIMAL(8,2), n INT);
INSERT INTO d1.t VALUES (1, 0.00001, 100.10, 1), (2, 0.00001, 100.10, 1), (3, 0, -0.50, 0), (4, -0.00003, NULL, NULL), (5, NULL, -0.1, 5), (6, -0.00001, 3, -11);
SELECT AVG(a), AVG(b), AVG(n) FROM d1.t;
SELECT AVG(a) FROM d1.t WHERE id < 4;
SELECT id % 2 AS g, AVG(a), AVG(a) + 1 FROM d1.t GROUP BY g ORDER BY g;
SET div_precision_increment = 7;
SELECT AVG(b), AVG(n), AVG(a) FROM d1.t;
SELECT AVG(b) FROM d1.t WHERE id < 4;
SET div_precision_increment = 9;
SELECT AVG(n), AVG(b), AVG(a) FROM d1.t;
SET div_precision_increment = 0;
SELECT AVG(n), AVG(b), AVG(a) FROM d1.t;
