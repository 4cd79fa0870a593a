-- Of a table that a derived table pages through the first rows are copied alone: those that OFFSET leaves out, too.
CREATE TABLE d1.acc (id INT NOT NULL, grp INT, PRIMARY KEY (id));
CREATE TABLE d1.grp (id INT NOT NULL, name VARCHAR(10), PRIMARY KEY (id));
INSERT INTO acc VALUES (1, 5), (2, 4), (3, 4), (4, 3), (5, 2), (6, 1), (7, NULL), (8, 9);
INSERT INTO grp VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four');
-- order: id
SELECT x.id, g.name FROM (SELECT id, grp FROM acc ORDER BY grp DESC, id LIMIT 3 OFFSET 2) x LEFT JOIN grp g ON g.id = x.grp ORDER BY x.id;
-- order: id
SELECT x.id, g.name FROM (SELECT id, grp FROM acc WHERE grp < 6 ORDER BY id LIMIT 1, 4) x JOIN grp g ON g.id > x.grp ORDER BY x.id, g.id;
-- order: n
SELECT @n := @n + 1 AS n, x.id FROM (SELECT id FROM acc ORDER BY id LIMIT 3 OFFSET 2) x, (SELECT @n := 0) v ORDER BY n;
-- order: n
-- prepared
SELECT @n := @n + 1 AS n, x.id FROM (SELECT id FROM acc WHERE grp > 1 ORDER BY grp, id LIMIT 3) x, (SELECT @n := 10) v ORDER BY n;
SELECT COUNT(*) FROM (SELECT id FROM acc LIMIT 18446744073709551615 OFFSET 2) x, grp;
-- Outer joins leave each row of the table that they keep where it is.
-- order: id
SELECT a.id, g.name FROM acc a LEFT JOIN grp g ON g.id = a.grp ORDER BY a.id LIMIT 3;
-- order: grp, id
SELECT a.id, a.grp, g.name FROM acc a LEFT JOIN grp g ON g.id = a.grp AND a.id > 2 AND g.id > 2 WHERE 1 = 1 AND a.grp < 6 ORDER BY a.grp, a.id DESC LIMIT 2, 3;
-- order: id
SELECT a.id FROM acc a LEFT JOIN grp g ON g.id = a.grp WHERE g.id IS NULL ORDER BY a.id LIMIT 2;
-- order: id
SELECT a.id, g.id AS gid FROM acc a LEFT JOIN grp g ON g.id > a.grp WHERE a.id > 2 ORDER BY a.id LIMIT 1;
-- order: id
SELECT a.id, g.name, x.n FROM grp g RIGHT JOIN acc a ON g.id = a.grp LEFT JOIN (SELECT id - 1 AS one, COUNT(*) AS n FROM grp GROUP BY id) x ON x.one = a.id ORDER BY a.id DESC LIMIT 4;
SELECT (SELECT MAX(a.id) FROM acc a LEFT JOIN grp g ON g.id = a.grp WHERE g.name IS NOT NULL), EXISTS (SELECT 1 FROM acc a LEFT JOIN grp g ON g.id = a.grp WHERE a.grp = 9), EXISTS (SELECT 1 FROM acc a LEFT JOIN grp g ON g.id = a.grp WHERE g.id = 7);
