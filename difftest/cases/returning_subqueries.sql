-- RETURNING with subqueries over partitions is told by a query.
CREATE TABLE d1.ret (id INT PRIMARY KEY, a INT, b VARCHAR(20), d INT NOT NULL DEFAULT 7);
INSERT INTO d1.ret VALUES (1, 10, 'x', 1), (2, 20, 'y', 2), (3, 30, 'z', 3), (4, 40, 'w', 4);
CREATE TABLE d1.oth (id INT PRIMARY KEY, a INT, s VARCHAR(20));
INSERT INTO d1.oth VALUES (1, 1, 'é'), (2, 2, 'b'), (3, 3, 'c');
INSERT INTO d1.ret VALUES (11, 1, 'q', 1) RETURNING id, (SELECT MAX(a) FROM d1.oth);
INSERT INTO d1.ret VALUES (12, 1, 'q', 1), (13, 2, 'r', 2) RETURNING id, (SELECT MAX(a) FROM d1.oth) m, b;
INSERT INTO d1.ret VALUES (14, 1, 'q', 1), (10, 2, 'ü', 3) RETURNING id, (SELECT s FROM d1.oth WHERE oth.id = ret.d), ret.*;
INSERT IGNORE INTO d1.ret VALUES (14, 1, 'q', 1) RETURNING id, (SELECT COUNT(*) FROM d1.oth WHERE oth.id < d) AS n;
-- changes: d1.ret
REPLACE INTO d1.ret (id, a) VALUES (14, 9), (1, 2) RETURNING id, a, (SELECT COUNT(*) FROM d1.oth WHERE oth.id < d) AS n;
-- changes: d1.ret
INSERT INTO d1.ret (id, a) VALUES (14, 9), (1, 2) ON DUPLICATE KEY UPDATE a = a + 1 RETURNING id, a, (SELECT SUM(a) FROM d1.oth WHERE oth.id < ret.a) AS n;
INSERT INTO d1.ret (id, d, a) SELECT id + 100, a, a FROM d1.oth RETURNING id, (SELECT COUNT(*) FROM d1.oth);
INSERT INTO d1.ret VALUES (17, 1, 'q', 1) RETURNING id, (SELECT nosuch FROM d1.oth);
INSERT INTO d1.ret VALUES (17, 1, 'q', 1) RETURNING id, (SELECT MAX(id) FROM d1.ret);
DELETE FROM d1.ret WHERE id = 100 RETURNING id, (SELECT COUNT(*) FROM d1.oth);
DELETE FROM d1.ret WHERE id IN (101, 102) RETURNING id, (SELECT COUNT(*) FROM d1.oth), b;
DELETE FROM d1.ret WHERE a = 3 AND id > 102 RETURNING id, (SELECT a FROM d1.oth WHERE oth.id = ret.d) q;
-- changes: d1.ret
DELETE FROM d1.ret WHERE id < 20 RETURNING (SELECT a FROM d1.oth), id;
DELETE FROM d1.ret WHERE id IN (SELECT id FROM d1.oth) RETURNING ret.*, (SELECT GROUP_CONCAT(s) FROM d1.oth WHERE oth.id = ret.id);
BEGIN;
INSERT INTO d1.oth VALUES (50, 50, 'n');
INSERT INTO d1.ret VALUES (60, 1, 'q', 50) RETURNING id, (SELECT s FROM d1.oth WHERE oth.id = ret.d) x;
-- changes: d1.ret
DELETE FROM d1.ret WHERE id = 60 RETURNING id, (SELECT s FROM d1.oth WHERE oth.id = ret.d) x;
-- changes: d1.ret
ROLLBACK;
CREATE TABLE d1.words (k VARCHAR(10) PRIMARY KEY, n INT);
INSERT INTO d1.words VALUES ('é', 1), ('ß', 2), ('日本', 3) RETURNING k, (SELECT MAX(s) FROM d1.oth WHERE oth.id = n) s;
-- prepared
INSERT INTO d1.ret (id, d, a) VALUES (201, 2, 3) RETURNING id, (SELECT a + 4 FROM d1.oth WHERE oth.id = ret.d) v, 5 x;
-- prepared
-- changes: d1.ret
DELETE FROM d1.ret WHERE id > 200 RETURNING id, (SELECT a + 4 FROM d1.oth WHERE oth.id = ret.d) v, 5 x;
-- refused
EXPLAIN EXTENDED DELETE FROM d1.ret WHERE id = 3 RETURNING (SELECT MAX(a) FROM d1.oth);
SELECT COUNT(*) FROM d1.ret;
