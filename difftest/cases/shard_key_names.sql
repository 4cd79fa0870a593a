-- A shard key's column is where rows are, not a name.
CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, v INT, PRIMARY KEY (a, b), SHARD KEY (a));
INSERT INTO t VALUES (1, 2, 1), (3, 4, 2), (5, 6, 3), (7, 8, 4);
-- refused
ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a;
-- refused
ALTER TABLE t CHANGE a b INT NOT NULL, CHANGE b a INT NOT NULL;
SELECT * FROM t WHERE a = 3;
ALTER TABLE t CHANGE b c INT NOT NULL, CHANGE v b INT;
SELECT * FROM t WHERE a = 3;
CREATE TABLE u (k INT, v INT, SHARD KEY (k));
INSERT INTO u VALUES (1, 1), (2, 2), (NULL, 3), (4, 4);
-- refused
ALTER TABLE u CHANGE k old INT, ADD k INT DEFAULT 7;
-- refused
ALTER TABLE u DROP COLUMN k, ADD COLUMN k INT DEFAULT 7;
SELECT * FROM u WHERE k IS NULL;
-- Numbers of a column that comes under the name of the old one are not each partition's own.
CREATE TABLE w (id INT AUTO_INCREMENT PRIMARY KEY, v INT, SHARD KEY (id));
INSERT INTO w (v) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12);
-- refused
ALTER TABLE w CHANGE id old_id INT NOT NULL, DROP PRIMARY KEY, ADD id INT NOT NULL AUTO_INCREMENT FIRST, ADD PRIMARY KEY (id);
SELECT COUNT(*), COUNT(DISTINCT id) FROM w;
SELECT COUNT(*) FROM w WHERE id = 2;
-- The time of a function that has written is not the session's.
CREATE TABLE counters (name VARCHAR(10) PRIMARY KEY, n INT);
INSERT INTO counters VALUES ('x', 1);
CREATE TABLE stamped (id INT PRIMARY KEY, at DATETIME(6));
INSERT INTO stamped (id) VALUES (1), (2), (3), (4), (5), (6), (7), (8);
CREATE FUNCTION next_of (c VARCHAR(10)) RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN UPDATE counters SET n = n + 1 WHERE name = c; RETURN (SELECT n FROM counters WHERE name = c); END;
BEGIN;
SET @n = next_of('x');
COMMIT;
UPDATE stamped SET at = NOW(6);
SELECT COUNT(DISTINCT at) FROM stamped;
