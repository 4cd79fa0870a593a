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
