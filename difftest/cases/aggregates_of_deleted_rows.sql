-- Aggregates over nothing, where a transaction has deleted the rows that others see.
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, item INT, PRIMARY KEY (id, acc), SHARD KEY (acc));
INSERT INTO d1.ord (id, acc, item) VALUES (26, 17, 4), (27, 18, 5), (28, 19, NULL), (29, 20, 4), (30, 21, 4);
CREATE REFERENCE TABLE d1.item (id INT PRIMARY KEY, w INT);
INSERT INTO d1.item VALUES (4, 1), (5, 2);
START TRANSACTION;
DELETE FROM d1.ord;
SELECT MAX(NULL) AS c1, SUM(DISTINCT id) AS c2, SUM(1) AS c3 FROM d1.ord AS t1;
-- prepared
SELECT COUNT(DISTINCT item), COUNT(DISTINCT id) + 7 FROM d1.ord AS t1 WHERE item > 0;
SELECT SUM(DISTINCT w), COUNT(DISTINCT o.id) FROM ord o JOIN item i ON i.id = o.item;
SELECT AVG(DISTINCT item) AS a, (SELECT MAX(w) FROM item) AS m FROM ord HAVING a IS NULL;
ROLLBACK;
SELECT COUNT(DISTINCT item), COUNT(DISTINCT id) FROM d1.ord;
