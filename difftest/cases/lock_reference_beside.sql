-- FOR UPDATE of a reference table beside a sharded one: partitions of one leaf must not wait for each other.
CREATE TABLE d1.acc (id INT PRIMARY KEY, g INT);
INSERT INTO d1.acc VALUES (1, 1), (2, 1), (3, 2), (4, 2), (5, 1), (6, 2), (7, 1), (8, 2);
CREATE REFERENCE TABLE d1.item (id INT PRIMARY KEY, w INT);
INSERT INTO d1.item VALUES (1, 10), (2, 20);
START TRANSACTION;
SELECT * FROM d1.acc a JOIN d1.item i ON i.id = a.g FOR UPDATE;
SELECT * FROM d1.acc a JOIN d1.item i ON i.id = a.g LOCK IN SHARE MODE;
UPDATE d1.item SET w = w + 1;
SELECT * FROM d1.acc a JOIN d1.item i ON i.id = a.g WHERE a.id = 3;
COMMIT;
SELECT * FROM d1.acc a JOIN d1.item i ON i.id = a.g WHERE a.id < 5 FOR UPDATE;
