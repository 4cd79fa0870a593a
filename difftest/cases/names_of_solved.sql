-- A subquery whose value is found first stays in the name of the column that it is in, which has no more than 255 bytes.
CREATE TABLE d1.mix (k VARBINARY(8) NOT NULL, g INT, PRIMARY KEY (k));
INSERT INTO d1.mix VALUES ('A1', 1), ('b', 3), ('c', 3);
SELECT (SELECT CONCAT('x') FROM d1.mix m WHERE m.g = (SELECT MAX(g) FROM d1.mix) LIMIT 1), (SELECT MAX(g) FROM d1.mix) + 1 FROM d1.mix WHERE k = 'A1';
SELECT (SELECT CONCAT('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') FROM d1.mix m WHERE m.g = (SELECT MAX(g) FROM d1.mix) LIMIT 1) FROM d1.mix WHERE k = 'A1';
SELECT (SELECT MAX(m.g) FROM d1.mix m WHERE m.g = (SELECT MAX(g) FROM d1.mix)), 'éxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxéééééééééééééééééééééééééééééé' FROM d1.mix WHERE g > (SELECT MIN(g) FROM d1.mix);
SELECT (SELECT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' FROM d1.mix m WHERE k = 'A1' LIMIT 1) FROM d1.mix WHERE k = 'A1' FOR UPDATE;
-- A stored function in RETURNING is called as the client wrote it. What SHOW WARNINGS answers is a result.
CREATE TABLE d1.sold (id INT PRIMARY KEY, w VARCHAR(10));
CREATE FUNCTION d1.twice (x INT) RETURNS INT DETERMINISTIC RETURN x * 2;
INSERT INTO d1.sold VALUES (1, 'a'), (2, 'b');
SHOW WARNINGS;
SELECT ROW_COUNT();
REPLACE INTO d1.sold VALUES (1, 'c') RETURNING twice(id), id, twice(id) + 1, sold.w;
INSERT INTO d1.sold SELECT 3, 'd' RETURNING *, twice(id), d1.twice(id);
DELETE FROM d1.sold WHERE id > 1 ORDER BY id LIMIT 1 RETURNING twice(id) - 1;
DELETE FROM d1.sold WHERE id = 3 RETURNING twice(id) - 1, w;
-- A hidden column that is an expression of a derived table has MariaDB call the client's one as itself.
SELECT * FROM (SELECT id + 12 AS renamed, w FROM d1.sold) q WHERE renamed = 13 GROUP BY renamed;
SELECT q.* FROM (SELECT id + 12 AS `re named` FROM d1.sold) q WHERE `re named` = 13 GROUP BY q.`re named`;
