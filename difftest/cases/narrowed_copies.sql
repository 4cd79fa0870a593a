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
