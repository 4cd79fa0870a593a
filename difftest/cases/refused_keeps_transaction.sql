-- All partitions refuse what one table's copy is read by, while others read another table's: the transaction goes on.
CREATE TABLE d1.acc (id SMALLINT NOT NULL, note VARCHAR(30) CHARACTER SET koi8r COLLATE koi8r_bin, e ENUM('red','green','blue') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, PRIMARY KEY (id));
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, day DATE, PRIMARY KEY (id, acc), KEY (acc, day), SHARD KEY (acc));
SET autocommit = 0;
-- changes: d1.ord
INSERT INTO d1.ord (id, acc) VALUES (1, 1), (1, 2), (1, 3), (1, 4);
SELECT t2.e AS c1 FROM ord t1 NATURAL LEFT JOIN acc t2 WHERE t2.note NOT LIKE '%é%' ORDER BY c1 IS NULL, c1;
SELECT t2.e AS c1 FROM ord t1 NATURAL LEFT JOIN acc t2 WHERE t2.note NOT LIKE '%é%' ORDER BY c1 IS NULL, c1;
SELECT t2.e AS c1 FROM ord t1 NATURAL LEFT JOIN acc t2 WHERE t2.note NOT LIKE '%é%' ORDER BY c1 IS NULL, c1;
-- changes: d1.ord
UPDATE d1.ord SET day = '2024-01-01' WHERE acc < 4;
COMMIT;
SELECT COUNT(*), MAX(day) FROM d1.ord;
