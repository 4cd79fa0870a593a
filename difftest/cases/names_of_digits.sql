-- Names that begin with a digit need no quotes, also behind a database's name.
CREATE TABLE d1.1a (id INT PRIMARY KEY, 1b INT, 20 INT);
INSERT INTO d1.1a VALUES (1, 2, 3), (2, 4, 5);
CREATE TABLE d2.2024 (id INT PRIMARY KEY, 1b INT) SELECT id, 1b FROM d1.1a;
REPLACE d2.2024 VALUES (2, 7);
-- order: 1b
SELECT 1b, d1.1a.20 FROM d1.1a ORDER BY 1b;
SELECT d1.1a.1b, t.1b FROM d1.1a JOIN d2.2024 t ON t.1b = 1a.1b;
SELECT SUM(d1.1a.1b) FROM d1.1a, d2.2024;
UPDATE d2.2024 SET 1b = 8 WHERE d2.2024.id = 1;
DELETE FROM d1.1a WHERE 1b IN (SELECT 1b FROM d2.2024);
SELECT COUNT(*), SUM(d2.2024.1b) FROM d2.2024;
