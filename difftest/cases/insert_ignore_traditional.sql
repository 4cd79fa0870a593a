-- error: in sql_mode TRADITIONAL, IGNORE had no nearest value of a shard key
SET sql_mode = 'TRADITIONAL';
CREATE TABLE d1.mix (k BIT(6) NOT NULL, n INT, PRIMARY KEY (k));
-- changes: d1.mix
INSERT IGNORE INTO d1.mix (k, n) VALUE (111, 1);
-- changes: d1.mix
EXECUTE IMMEDIATE 'INSERT IGNORE INTO d1.mix (k, n) VALUE (112, 1)';
-- changes: d1.mix
INSERT IGNORE INTO d1.mix (k, n) VALUES (111, 1), (3, 3);
-- changes: d1.mix
REPLACE INTO d1.mix (k, n) VALUES (111, 1), (3, 3);
-- changes: d1.mix
INSERT IGNORE INTO d1.mix (k, n) VALUES (NULL, 1), (-1, 1), ('a', 7), (1e1, 2);
CREATE TABLE d1.acc (k TINYINT NOT NULL, s VARCHAR(3), y YEAR, n INT, PRIMARY KEY (k));
-- changes: d1.acc
INSERT IGNORE INTO d1.acc VALUES (999, 'aaaaa', 1, 1), ('7x', 'b', 3000, 2), (-999, NULL, 'z', 3);
CREATE TABLE d1.ord (s VARCHAR(3) NOT NULL, e ENUM('a','b') NOT NULL, y DATE NOT NULL, n INT, PRIMARY KEY (s, e, y));
-- changes: d1.ord
INSERT IGNORE INTO d1.ord VALUES ('aaaaa', 'c', '2024-02-31', 1), ('b', 7, 'x', 2), (NULL, NULL, NULL, 3), ('a', 'a', '2024-01-01 10:00:00', 4);
