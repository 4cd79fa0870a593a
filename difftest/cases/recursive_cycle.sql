-- CYCLE with several columns ends with RESTRICT; what follows is the statement's.
CREATE TABLE d1.word (id INT NOT NULL, n INT, PRIMARY KEY (id));
CREATE TABLE d2.pair (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a, b));
INSERT INTO d2.pair VALUES (1, 2), (2, 3), (3, 1), (0, 4), (4, 4);
WITH RECURSIVE q (ra, rb) AS (SELECT a, b FROM d2.pair WHERE a < 2 UNION ALL SELECT p.a, p.b FROM q r JOIN d2.pair p ON p.a = r.rb) CYCLE ra, rb RESTRICT SELECT * FROM q;
WITH RECURSIVE q (ra, rb) AS (SELECT a, b FROM d2.pair WHERE a < 2 UNION ALL SELECT p.a, p.b FROM q r JOIN d2.pair p ON p.a = r.rb) CYCLE ra RESTRICT, s AS (SELECT COUNT(*) FROM q) SELECT * FROM s;
-- changes: d1.word
INSERT INTO d1.word (id) WITH RECURSIVE q (ra, rb) AS (SELECT a, b FROM d2.pair WHERE a < 2 UNION ALL SELECT p.a, p.b FROM q r JOIN d2.pair p ON p.a = r.rb) CYCLE ra, rb RESTRICT SELECT ra + 10 * rb FROM q ORDER BY 1 LIMIT 5 RETURNING id AS r, 'x';
-- changes: d1.word
INSERT INTO d1.word (id) WITH RECURSIVE q (ra, rb) AS (SELECT a, b FROM d2.pair WHERE a > 9 UNION ALL SELECT p.a, p.b FROM q r JOIN d2.pair p ON p.a = r.rb) CYCLE ra, rb RESTRICT SELECT NULL AS c1 FROM DUAL GROUP BY c1 ORDER BY c1 LIMIT 5 RETURNING n AS r, 'x';
