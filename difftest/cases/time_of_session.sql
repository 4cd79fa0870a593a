-- A session that has set its time has it at all partitions.
CREATE TABLE d1.tm (id INT NOT NULL, at DATETIME(2), v INT, PRIMARY KEY (id));
SET timestamp = 1700000000.25;
INSERT INTO d1.tm VALUES (1, NOW(2), 1), (2, NOW(2), 2), (3, NOW(2), 3), (4, NOW(2), 4), (5, NOW(2), 5);
SELECT id, at FROM d1.tm ORDER BY id;
UPDATE d1.tm SET at = NOW(2) + INTERVAL v SECOND;
SELECT id, at FROM d1.tm WHERE at > NOW(2) ORDER BY id;
INSERT INTO d1.tm SELECT id + 10, NOW(2), v FROM d1.tm;
SELECT id, at, NOW(2) FROM d1.tm ORDER BY id;
SET timestamp = DEFAULT;
DELETE FROM d1.tm WHERE at < NOW() - INTERVAL 1 MINUTE;
SELECT COUNT(*) FROM d1.tm;
