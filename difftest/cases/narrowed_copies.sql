-- Copies of tables have the rows that an answer needs.
CREATE TABLE a (id INT NOT NULL, x INT NOT NULL, y INT, PRIMARY KEY (id));
INSERT INTO a VALUES (1, 1, 4), (2, 2, 3), (3, 3, 2), (4, 4, 1), (5, 9, NULL);
CREATE TABLE b (id INT NOT NULL, x INT NOT NULL, y INT NOT NULL, PRIMARY KEY (id));
INSERT INTO b VALUES (1, 1, 2), (2, 2, 3), (3, 3, 1), (4, 7, 7);
CREATE TABLE c (id INT NOT NULL, y INT NOT NULL, PRIMARY KEY (id));
INSERT INTO c VALUES (1, 20), (2, 22);
CREATE TABLE u (id INT NOT NULL, n INT, m INT, PRIMARY KEY (id));
INSERT INTO u VALUES (1, 1, 3), (2, 2, 1), (3, 2, 3), (4, 9, 9), (5, 1, 2);
-- A row of a derived table has values of two rows of one table.
SELECT d.x, d.y, u.id FROM (SELECT b1.x, b2.y FROM b b1 JOIN b b2 ON b1.id < b2.id) d JOIN u ON d.x = u.n AND d.y = u.m;
SELECT u.id FROM u WHERE (u.n, u.m) IN (SELECT d.x, d.y FROM (SELECT b1.x, b2.y FROM b b1 JOIN b b2 ON b1.id <> b2.id) d);
WITH d AS (SELECT b1.x, b2.y FROM b b1 JOIN b b2 ON b1.id < b2.id) SELECT d.x, d.y, u.id FROM d JOIN u ON d.x = u.n AND d.y = u.m;
SELECT d.x, d.y, u.id FROM (SELECT x, y FROM b) d JOIN u ON d.x = u.n AND d.y = u.m;
-- A column that can't be NULL in its table is, where an outer join, totals, a group of no rows or another query of a union puts NULL there.
SELECT d.id, d.y FROM (SELECT a.id, b.y FROM a LEFT JOIN b ON a.x = b.x) d WHERE d.y NOT IN (SELECT c.y FROM c);
SELECT d.id, d.y IN (SELECT c.y FROM c) AS i FROM (SELECT a.id, b.y FROM a LEFT JOIN b ON a.x = b.x) d;
SELECT a.id FROM a WHERE a.x NOT IN (SELECT d.y FROM (SELECT u.id, b.y FROM u LEFT JOIN b ON u.n = b.x WHERE u.id < 4) d);
SELECT a.x, COUNT(*), a.x NOT IN (SELECT c.y FROM c) AS i FROM a GROUP BY a.x WITH ROLLUP;
SELECT d.x FROM (SELECT a.x, COUNT(*) FROM a GROUP BY a.x WITH ROLLUP) d WHERE d.x NOT IN (SELECT c.y FROM c);
SELECT COUNT(*), a.x NOT IN (SELECT c.y FROM c) AS i FROM a WHERE a.y > 99;
SELECT COUNT(*) FROM a WHERE a.x NOT IN (SELECT b.x FROM b);
SELECT d.y FROM (SELECT x AS y FROM b WHERE id > 3 UNION ALL SELECT y FROM a WHERE id = 5) d WHERE d.y NOT IN (SELECT c.y FROM c);
-- A name in HAVING is a select item's first.
SELECT b.y AS id FROM b HAVING id IN (SELECT c.id FROM c);
SELECT b.y AS id FROM b HAVING id NOT IN (SELECT c.id FROM c);
SELECT b.y AS id, b.x FROM b HAVING b.x IN (SELECT c.id FROM c);
-- EXISTS asks for the row behind an OFFSET.
SELECT b.id FROM b WHERE EXISTS ((SELECT 1 FROM u) LIMIT 1 OFFSET 3);
SELECT b.id FROM b WHERE EXISTS ((SELECT 1 FROM u) LIMIT 1 OFFSET 9);
-- An aggregate of a subquery may be the query's around it, and sees all of its rows.
SELECT (SELECT SUM(b.y)) AS t FROM b LIMIT 1;
SELECT (SELECT SUM(b.y) FROM c LIMIT 1) AS t FROM b LIMIT 1;
SELECT u.id FROM u WHERE 13 IN (SELECT (SELECT SUM(b.y)) FROM b);
SELECT d.t FROM (SELECT 3 AS one, (SELECT SUM(b.y)) AS t FROM b) d WHERE d.one = 3;
-- An ON condition names what it joins, or what is around the query.
SELECT o.z FROM (SELECT a.x AS z FROM a) o WHERE EXISTS (SELECT 1 FROM c JOIN c e ON z IN (SELECT u.n FROM u) JOIN (SELECT b.x AS z FROM b WHERE b.id > 3) d);
SELECT o.z FROM (SELECT a.x AS z FROM a) o WHERE EXISTS (SELECT 1 FROM c JOIN c e ON EXISTS (SELECT 1 FROM u WHERE u.n = z) JOIN (SELECT b.x AS z FROM b WHERE b.id > 3) d);
-- A name that USING joins by is the column of the side that keeps its rows, which may be of no table.
SELECT j.x, c.id, b.id FROM JSON_TABLE('[{"x":20},{"x":1}]', '$[*]' COLUMNS (x INT PATH '$.x')) j LEFT JOIN b USING (x) JOIN c ON c.y = x;
SELECT c.id, b.id FROM b RIGHT JOIN JSON_TABLE('[{"x":20},{"x":1}]', '$[*]' COLUMNS (x INT PATH '$.x')) j USING (x) JOIN c ON c.y = x;
WITH RECURSIVE r (x) AS (SELECT 20 UNION ALL SELECT c.id FROM r LEFT JOIN b USING (x) JOIN c ON c.y = x) SELECT * FROM r;
