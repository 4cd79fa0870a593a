-- That groups by a FLOAT can not be merged shows in their rows: the query is run on copies then, which are read by queries that can.
SET sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION,NO_UNSIGNED_SUBTRACTION';
SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE d2.pair (a INT NOT NULL, b INT NOT NULL, v FLOAT, d DATE, PRIMARY KEY (a, b));
INSERT INTO d2.pair VALUES (1, 2, 3.5, '2024-01-01'), (2, 3, 3.5, '2024-01-01'), (3, 4, 1.5, NULL);
-- order: c1, c5, c4
SELECT (v * -1) AS c1, t1.b AS c2, MIN(CASE WHEN t1.a IS NOT NULL THEN '00000000-0000-1000-0000-000000000001' WHEN t1.d = t1.d THEN '123e4567-e89b-12d3-a456-426655440000' ELSE '00000000-0000-1000-0000-000000000001' END) AS c4, MAX(v) AS c5 FROM d2.pair AS t1 GROUP BY c1, c2 ORDER BY c1 ASC, c5, c4 DESC;
SELECT (v * -1) AS c1, COUNT(*) FROM d2.pair GROUP BY c1 HAVING c1 < (SELECT MAX(v) FROM d2.pair) ORDER BY c1;
SELECT q.c1, q.n FROM (SELECT v / 3 c1, COUNT(*) n FROM d2.pair GROUP BY c1) q JOIN d2.pair p ON p.a = q.n ORDER BY 1, 2;
