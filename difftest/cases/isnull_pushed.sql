-- ISNULL() of a column is a condition on the rows that are copied.
CREATE TABLE d1.heap (x INT, d DATETIME);
CREATE TABLE d1.word (id INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d1.heap VALUES (1, NULL), (NULL, '2024-01-01'), (NULL, NULL);
INSERT INTO d1.word VALUES (1), (2);
SELECT t2.x, t4.id FROM heap t2 JOIN word t4 ON 1 WHERE ISNULL(t2.x) = 1;
SELECT t2.x, t4.id FROM heap t2 JOIN word t4 ON 1 WHERE NOT ISNULL(t2.x) OR ISNULL(t2.d) AND ISNULL(t4.id) = 0;
SELECT t2.x, t4.id FROM heap t2 LEFT JOIN word t4 ON t2.x = t4.id + 1 WHERE ISNULL(t4.id);
