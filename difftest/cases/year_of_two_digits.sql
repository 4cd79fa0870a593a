-- A YEAR(2) shows two digits of a year from 1970 to 2069, by which it is ordered.
CREATE TABLE d1.old (id INT PRIMARY KEY, y YEAR(2), n INT);
INSERT INTO d1.old VALUES (1, 1970, 1), (2, 2069, 2), (3, 2000, 3), (4, 1999, 4), (5, 2001, 5), (6, 1980, 6), (7, 2030, 7), (8, NULL, 8), (9, 1999, 9);
SELECT MAX(y), MIN(y) FROM d1.old;
-- order: y
SELECT y, COUNT(*), SUM(n) FROM d1.old GROUP BY y ORDER BY y;
-- order: y, id
SELECT y, id FROM d1.old ORDER BY y DESC, id LIMIT 4;
-- order: y
SELECT DISTINCT y FROM d1.old ORDER BY y LIMIT 3, 3;
SELECT id FROM d1.old ORDER BY y, id LIMIT 5;
-- prepared
SELECT MAX(y), MIN(y) FROM d1.old WHERE id > 1;
-- prepared
-- order: y, id
SELECT y, id FROM d1.old ORDER BY y, id;
SELECT COUNT(DISTINCT y), SUM(y) FROM d1.old;
SELECT a.id, b.id FROM d1.old a JOIN d1.old b ON a.y = b.y AND a.id < b.id;
UPDATE d1.old SET n = 0 ORDER BY y DESC LIMIT 2;
SELECT * FROM d1.old ORDER BY id;
