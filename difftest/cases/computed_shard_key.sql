-- A shard key that is left to a default which is computed for each row.
CREATE TABLE d1.u (id UUID DEFAULT UUID() PRIMARY KEY, v INT INVISIBLE DEFAULT 3, c VARCHAR(10) CHECK (c <> 'x'));
CREATE TABLE d2.w (id VARCHAR(40) NOT NULL DEFAULT (CONCAT('a', LENGTH(UUID()))), n INT, d DATE, PRIMARY KEY (id, n));
CREATE TABLE d1.src (a INT PRIMARY KEY, b VARCHAR(10));
INSERT INTO d1.src VALUES (1,'q'),(2,'r'),(3,'s');
INSERT INTO d1.u (c) VALUES ('a');
INSERT INTO d1.u (c) VALUES ('b'), ('c');
INSERT INTO d1.u SET c = 'set';
INSERT INTO d1.u () VALUES ();
INSERT INTO d1.u VALUES ();
INSERT INTO d1.u (id, c) VALUES (DEFAULT, 'def');
REPLACE INTO d1.u (c) VALUES ('rep');
INSERT INTO d1.u (c) VALUES ('x');
INSERT INTO d1.u (c) SELECT b FROM d1.src;
INSERT INTO d1.u (c) VALUES ('ret') RETURNING c, LENGTH(id);
-- order: c
SELECT c, v, LENGTH(id) FROM d1.u ORDER BY c;
SELECT COUNT(DISTINCT id) FROM d1.u;
-- changes: d2.w
INSERT INTO d2.w (n) VALUES (1), (2);
-- changes: d2.w
INSERT INTO d2.w (n, d) VALUES (3, '2024-01-01'), (1, NULL) ON DUPLICATE KEY UPDATE d = '2025-01-01';
INSERT INTO d2.w (n) VALUES (1);
-- prepared
-- changes: d2.w
INSERT INTO d2.w (n, d) VALUES (50, '2020-02-02');
-- changes: d2.w
INSERT INTO d2.w (n, d) SELECT a + 10, NULL FROM d1.src;
EXECUTE IMMEDIATE 'SELECT ?, ? + 1, n, ? IS NULL FROM d2.w WHERE n = ?' USING 1, 2, 3, 50;
