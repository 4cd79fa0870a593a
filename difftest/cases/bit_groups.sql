-- A BIT is a number where MariaDB makes a temporary table, and bytes elsewhere.
CREATE TABLE d1.mix (k INT PRIMARY KEY, bt BIT(5), g INT);
INSERT INTO d1.mix VALUES (1, 2, 1), (2, 3, 1), (3, 2, 2), (4, NULL, 2), (5, 9, 3), (6, 9, 3);
-- order: bt
SELECT DISTINCT bt FROM d1.mix ORDER BY bt;
SELECT g, COALESCE(MAX(bt), -1) AS m, MIN(bt) FROM d1.mix GROUP BY g;
SELECT COALESCE(MAX(bt), -1), MIN(bt), SUM(bt), COUNT(bt) FROM d1.mix;
SELECT bt, COUNT(*) FROM d1.mix GROUP BY bt;
SELECT DISTINCT * FROM d1.mix;
SELECT k, bt FROM d1.mix ORDER BY bt, k;
CREATE TABLE d1.acc (id INT PRIMARY KEY, g INT, b BIT(8));
-- changes: d1.acc
INSERT INTO d1.acc SELECT k, NULLIF(bt, 1), NULLIF(bt, 2) FROM d1.mix ORDER BY k LIMIT 5;
SELECT NULLIF(bt, 2) AS x, bt FROM d1.mix ORDER BY x, k;
SELECT CASE WHEN k > 2 THEN bt END AS x FROM d1.mix ORDER BY 1 LIMIT 3;
-- changes: d1.acc
UPDATE d1.acc SET g = (SELECT MAX(bt) FROM d1.mix), b = (SELECT NULLIF(bt, 7) FROM d1.mix WHERE k = 5);
