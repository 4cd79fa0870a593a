-- Rows that equal the last one of FETCH FIRST … WITH TIES may be in any partition; rows of totals count for LIMIT.
CREATE TABLE d1.won (id INT NOT NULL, place INT, team VARCHAR(9) COLLATE utf8mb4_general_ci, day INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d1.won VALUES (1, 1, 'red', 1), (2, 1, 'RED ', 1), (3, 2, 'blue', 2), (4, NULL, 'Blue', 2), (5, 2, NULL, 3), (6, NULL, NULL, 3), (7, 3, 'Red', 1), (8, 3, 'green', 2);
-- order: day
SELECT id, day FROM won ORDER BY day FETCH FIRST 1 ROW WITH TIES;
-- order: day
SELECT day FROM won ORDER BY day OFFSET 1 ROW FETCH FIRST 3 ROWS WITH TIES;
SELECT id, place FROM won ORDER BY team DESC FETCH FIRST 2 ROWS WITH TIES;
-- prepared
SELECT id FROM won ORDER BY place, day % 2 FETCH NEXT 1 ROWS WITH TIES;
SELECT id FROM won ORDER BY day FETCH FIRST 0 ROWS WITH TIES;
SELECT id FROM won WHERE day > 9 ORDER BY day FETCH FIRST 2 ROWS WITH TIES;
-- order: n
SELECT day, COUNT(*) AS n FROM won GROUP BY day HAVING n > 1 ORDER BY n FETCH FIRST 1 ROW WITH TIES;
-- order: day
SELECT day, place, MAX(id) FROM won GROUP BY place, day ORDER BY day DESC FETCH FIRST 3 ROWS WITH TIES;
SELECT DISTINCT day, place FROM won ORDER BY day FETCH FIRST 1 ROW WITH TIES;
SELECT COUNT(*) FROM won ORDER BY 1 FETCH FIRST 1 ROW WITH TIES;
SELECT place, COUNT(*) FROM won GROUP BY place WITH ROLLUP LIMIT 3;
SELECT place, day, COUNT(*) AS n FROM won GROUP BY place, day WITH ROLLUP LIMIT 2, 4;
SELECT place, COUNT(*) FROM won GROUP BY place WITH ROLLUP LIMIT 9 OFFSET 4;
SELECT place, COUNT(*) FROM won GROUP BY place WITH ROLLUP LIMIT 0;
SELECT place, COUNT(*) FROM won GROUP BY place WITH ROLLUP HAVING place IS NULL;
SELECT place, day, COUNT(*) AS n FROM won GROUP BY place, day WITH ROLLUP HAVING place IS NOT NULL OR n > 2 LIMIT 1, 4;
SELECT place AS p, SUM(day) FROM won GROUP BY place WITH ROLLUP HAVING p > 1 OR place IS NULL;
SELECT COUNT(*), MIN(day) FROM won GROUP BY place, team WITH ROLLUP HAVING won.team IS NULL AND place = 2;
SELECT day, COUNT(*) FROM won GROUP BY day WITH ROLLUP HAVING day IS NULL;
