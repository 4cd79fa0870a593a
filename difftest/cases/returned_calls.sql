-- Columns of RETURNING that call stored functions are called as they are written.
CREATE TABLE d1.acc (id INT PRIMARY KEY, v INT);
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2;
INSERT INTO acc VALUES (1, 1), (2, 2) RETURNING twice(id), id;
REPLACE acc VALUES (2, 3) RETURNING twice(v) + twice(id), d1.twice(v), twice(v) AS w;
DELETE FROM acc WHERE id = 1 RETURNING twice(id) + 1;
INSERT INTO acc SELECT seq, 1 FROM seq_5_to_7 RETURNING twice(id);
