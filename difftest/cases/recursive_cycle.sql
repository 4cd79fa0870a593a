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
-- A recursion that max_recursive_iterations ends is an error of a strict INSERT, and its values in VALUES are computed.
SET max_recursive_iterations = 10;
INSERT INTO d1.word (id) SELECT v FROM (WITH RECURSIVE q (v) AS (SELECT 100 UNION ALL SELECT v + 1 FROM q WHERE v < 150) SELECT v FROM q) d;
REPLACE INTO d1.word (id) WITH RECURSIVE q (v) AS (SELECT 100 UNION ALL SELECT v + 1 FROM q WHERE v < 150) SELECT v FROM q;
INSERT INTO d1.word (id) VALUES ((WITH RECURSIVE q (v) AS (SELECT 100 UNION ALL SELECT v + 1 FROM q WHERE v < 150) SELECT MAX(v) FROM q));
-- changes: d1.word
INSERT IGNORE INTO d1.word (id) WITH RECURSIVE q (v) AS (SELECT 100 UNION ALL SELECT v + 1 FROM q WHERE v < 150) SELECT v FROM q;
-- changes: d1.word
INSERT INTO d1.word (id) VALUES ((WITH RECURSIVE q (v) AS (SELECT 200 UNION ALL SELECT v + 1 FROM q WHERE v < 204) SELECT MAX(v) FROM q)), (300);
-- Of common table expressions that refer to each other, each has the rows of all tables that they read.
CREATE TABLE d1.step (id INT NOT NULL, a INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d1.step VALUES (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 1);
WITH RECURSIVE a AS (SELECT id FROM d1.step WHERE id < 3 UNION SELECT n + 1 FROM b WHERE n < 10), b AS (SELECT id AS n FROM a) SELECT * FROM b;
WITH RECURSIVE a AS (SELECT id FROM d1.step WHERE id < 3 UNION SELECT n + 1 FROM b WHERE n < 10), b AS (SELECT id AS n FROM a) SELECT * FROM b WHERE n > 5;
WITH RECURSIVE a AS (SELECT 1 AS id UNION SELECT n + 1 FROM b WHERE n < 10), b AS (SELECT s.a AS n FROM a JOIN d1.step s ON s.id = a.id) SELECT * FROM b WHERE n > 2;
WITH RECURSIVE a AS (SELECT 1 AS id UNION SELECT n + 1 FROM c WHERE n < 10), b AS (SELECT s.a AS n FROM a JOIN d1.step s ON s.id = a.id), c AS (SELECT n FROM b) SELECT * FROM c WHERE n > 2;
WITH RECURSIVE a AS (SELECT id FROM d1.step WHERE id < 3 UNION SELECT n + 1 FROM c WHERE n < 10), b AS (SELECT id AS n FROM a), c AS (SELECT n FROM b) SELECT s.id, c.n FROM d1.step s JOIN c ON s.id = c.n;
