-- A statement has one time at all partitions: in what it shows, in defaults, ON UPDATE and rows' versions.
CREATE TABLE d1.acc (id INT NOT NULL, made DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6), val INT DEFAULT 0, seen TIMESTAMP(6) NULL ON UPDATE CURRENT_TIMESTAMP(6), PRIMARY KEY (id));
CREATE TABLE d1.ver (id INT NOT NULL, val INT, PRIMARY KEY (id)) WITH SYSTEM VERSIONING;
CREATE TABLE d1.day (id INT NOT NULL, made VARCHAR(30) DEFAULT (CONCAT('at ', NOW(6))), PRIMARY KEY (id));
INSERT INTO acc (id) VALUES (1), (2), (3), (4), (5), (6), (7), (8);
SELECT COUNT(DISTINCT made) FROM acc;
UPDATE acc SET val = 1;
SELECT COUNT(DISTINCT seen) FROM acc;
-- prepared
UPDATE acc SET val = 2 ORDER BY id LIMIT 5;
SELECT COUNT(DISTINCT seen) FROM acc WHERE val = 2;
INSERT INTO acc (id) SELECT id + 10 FROM acc;
SELECT COUNT(DISTINCT made) FROM acc WHERE id > 10;
-- prepared
REPLACE INTO acc (id) VALUES (1), (2), (3), (4), (5);
SELECT COUNT(DISTINCT made) FROM acc WHERE id < 6;
SET STATEMENT max_statement_time=100 FOR UPDATE acc SET val = 3;
SELECT COUNT(DISTINCT seen) FROM acc;
INSERT INTO ver VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5);
DELETE FROM ver;
SELECT COUNT(DISTINCT row_start), COUNT(DISTINCT row_end) FROM ver FOR SYSTEM_TIME ALL;
INSERT INTO day (id) VALUES (1), (2), (3), (4), (5);
SELECT COUNT(DISTINCT made) FROM day;
SELECT COUNT(*) FROM acc GROUP BY NOW(6);
SELECT COUNT(*), COUNT(DISTINCT n) FROM (SELECT id, NOW(6) AS n FROM acc) x;
-- prepared
SELECT COUNT(*) FROM acc WHERE made < NOW() + INTERVAL 1 DAY GROUP BY NOW(6);
