-- A BIT compared with a string, where a table beside it has an equal number.
SET timestamp = 1700000000;
SET time_zone = '+05:30';
CREATE TABLE d1.word (id INT NOT NULL, PRIMARY KEY (id), SHARD KEY ());
INSERT INTO d1.word (id) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19);
CREATE TABLE d1.mix (k BIT(6) NOT NULL, n INT NOT NULL, PRIMARY KEY (k, n));
INSERT INTO d1.mix (k, n) VALUES (14, 4), (6, 5), (7, 4), (1, 7), (7, 9), (4, 5), (6, 9), (18, 0), (4, 8), (20, 4), (18, 1);
SELECT 1 AS c2, 1 AS c3, 1 AS c4, 1 AS c6 FROM (SELECT t2.id c1 FROM word t2) t1 STRAIGHT_JOIN mix AS t3 ON t1.c1 = t3.k WHERE t3.k > '3';
