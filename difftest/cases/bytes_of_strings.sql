-- contents: strings that columns of bytes were given came in the results' character set, and so did those that variables were set to
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, memo VARCHAR(20) CHARACTER SET ucs2, l VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_bin, d DATE, PRIMARY KEY (id, acc), SHARD KEY (acc));
INSERT INTO d1.ord VALUES (1, 1, 'a', 'é', '2024-01-01'), (2, 2, 'дом', 'ö', NULL), (3, 3, 'b', NULL, '2024-02-02');
CREATE TABLE d1.mix (k VARBINARY(8) NOT NULL, n INT NOT NULL, PRIMARY KEY (k, n), SHARD KEY (k));
CREATE TABLE d1.acc (id INT NOT NULL, b VARBINARY(8), c BLOB, t VARCHAR(9), PRIMARY KEY (id));
CREATE REFERENCE TABLE d1.item (id INT NOT NULL, b VARBINARY(8), c BLOB, PRIMARY KEY (id));
-- changes: d1.mix
INSERT INTO d1.mix SELECT memo, acc FROM d1.ord;
-- changes: d1.mix
REPLACE INTO d1.mix SELECT MIN(l), acc + 10 FROM d1.ord WHERE l IS NOT NULL GROUP BY acc ORDER BY MIN(l) LIMIT 5;
-- changes: d1.mix
INSERT INTO d1.mix SELECT a.memo, a.acc + 70 FROM d1.ord a JOIN d1.ord b ON a.id = b.acc UNION SELECT 'x', 1;
-- changes: d1.acc
INSERT INTO d1.acc SELECT id, memo, l, l FROM d1.ord;
-- changes: d1.item
INSERT INTO d1.item SELECT id, memo, l FROM d1.ord;
-- changes: d1.acc
UPDATE d1.acc JOIN d1.ord ON acc.id = ord.id SET acc.b = ord.l, acc.c = ord.memo, acc.t = ord.memo;
-- changes: d1.item
UPDATE d1.item JOIN d1.ord ON item.id = ord.id SET item.b = ord.l, item.c = ord.memo;
SET @a = (SELECT MAX(memo) FROM d1.ord), @b = (SELECT l FROM d1.ord WHERE acc = 1), @c = (SELECT d FROM d1.ord WHERE id = 1);
SELECT HEX(@a), COLLATION(@a), HEX(@b), COLLATION(@b), HEX(@c), COLLATION(@c);
SET NAMES latin1;
SET @a = (SELECT MAX(memo) FROM d1.ord);
SELECT HEX(@a), COLLATION(@a);
-- changes: d1.acc
REPLACE INTO d1.acc SELECT id, memo, memo, memo FROM d1.ord;
