-- What ONLY_FULL_GROUP_BY allows is decided by the client's text, not by that of the parts.
SET sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES';
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, item INT, s VARCHAR(10), PRIMARY KEY (id, acc), SHARD KEY (acc));
INSERT INTO d1.ord VALUES (1, 1, 1, 'a'), (2, 2, 1, 'A'), (3, 3, 2, 'b'), (4, 4, 2, NULL), (5, 5, NULL, 'c');
SELECT (t2.item + 7.00) AS c1 FROM d1.ord t2 GROUP BY (t2.item + 7.00);
SELECT t2.item + 7.00 AS c1, COUNT(*) FROM d1.ord t2 GROUP BY c1;
SELECT UPPER(s) AS u, MAX(id) FROM d1.ord GROUP BY u;
SELECT MIN('a'), AVG(DISTINCT item * 2) FROM d1.ord;
SELECT item, COUNT(DISTINCT s) FROM d1.ord GROUP BY item;
SELECT item, COUNT(DISTINCT s) FROM d1.ord;
SELECT item, s FROM d1.ord GROUP BY item;
SELECT UPPER(s) AS u, MAX(id), AVG(item) FROM d1.ord GROUP BY s;
SELECT item, AVG(id), MIN(id), COUNT(*) FROM d1.ord GROUP BY item ORDER BY AVG(id) DESC;
SELECT LENGTH(s) AS l, s FROM d1.ord GROUP BY LENGTH(s);
-- order: c1, c2
SELECT CAST(t1.item AS INT) AS c1, 1 AS c2 FROM d1.ord AS t1 GROUP BY c1, t1.acc ORDER BY c1, c2;
-- order: u
SELECT UPPER(s) AS u, COUNT(*) AS n FROM d1.ord GROUP BY UPPER(s), acc ORDER BY UPPER(s);
-- order: n, acc
SELECT acc, COUNT(*) AS n FROM d1.ord GROUP BY acc ORDER BY COUNT(*), acc;
