-- A transaction sees the reference tables that it has written, beside sharded ones too.
CREATE TABLE d1.heap (x INT);
INSERT INTO d1.heap (x) VALUES (3), (4), (5), (6), (7);
CREATE TABLE d1.acc (id INT PRIMARY KEY, w DECIMAL(6,2));
INSERT INTO d1.acc VALUES (1, 1), (2, 2), (3, 3), (4, 4);
CREATE REFERENCE TABLE d1.item (id INT NOT NULL, w DECIMAL(6,2), PRIMARY KEY (id));
INSERT INTO d1.item (id, w) VALUES (7, 0.00);
BEGIN;
SELECT t1.x, t2.w FROM d1.heap t1, d1.item t2;
-- changes: d1.item
UPDATE d1.item SET w = 1.50 WHERE id = 7;
SELECT t1.x, t2.w FROM d1.heap t1, d1.item t2;
SELECT * FROM d1.acc WHERE id = 3 AND w > (SELECT MAX(w) FROM d1.item);
SELECT * FROM d1.item;
-- changes: d1.acc
UPDATE d1.acc x JOIN d1.item y ON y.w < x.w SET x.w = y.w;
ROLLBACK;
SELECT t1.x, t2.w FROM d1.heap t1, d1.item t2;
SELECT * FROM d1.acc;
BEGIN;
SELECT t1.x, t2.w FROM d1.heap t1, d1.item t2;
COMMIT;
