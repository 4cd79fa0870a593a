-- ON DUPLICATE KEY UPDATE that names columns of the query: those that are inserted, and others.
CREATE TABLE d1.total (k INT NOT NULL, n INT, big BIGINT UNSIGNED, txt VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, at DATETIME, amt DECIMAL(10,3), PRIMARY KEY (k));
CREATE TABLE d1.src (id INT NOT NULL, k INT, n INT, big BIGINT UNSIGNED, txt VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci, at DATETIME, amt DECIMAL(10,3), e ENUM('a','b'), PRIMARY KEY (id));
CREATE TABLE d2.one (k INT NOT NULL, n INT, PRIMARY KEY (k), SHARD KEY ());
CREATE REFERENCE TABLE d2.ref (k INT NOT NULL, n INT, txt VARCHAR(20), PRIMARY KEY (k));
INSERT INTO d1.total VALUES (1, 10, 5, 'Abc', '2024-01-01 00:00:00', 1.5), (2, 20, 7, 'x', NULL, NULL), (3, 30, 0, 'y', NULL, 3);
INSERT INTO d1.src VALUES (1, 1, 1, 2, 'abc', '2024-02-02 03:04:05', 2.25, 'a'), (2, 2, NULL, 9, 'é''\\', NULL, 1, 'b'), (3, 4, 3, NULL, NULL, '2023-01-01 00:00:00', NULL, NULL), (4, 1, 100, 1, 'ABC', NULL, 0.125, 'a');
INSERT INTO d2.one VALUES (1, 1), (2, 2);
INSERT INTO d2.ref VALUES (1, 5, 'r'), (9, 9, 's');
-- changes: d1.total
INSERT INTO d1.total (k, n) SELECT k, n FROM d1.src WHERE id < 4 ON DUPLICATE KEY UPDATE n = total.n + src.n;
-- changes: d1.total
INSERT INTO d1.total (k, txt) SELECT k, txt FROM d1.src s WHERE id IN (2, 4) ORDER BY id ON DUPLICATE KEY UPDATE amt = IFNULL(total.amt, 0) + s.amt * 2, at = COALESCE(s.at, total.at), n = IF(total.txt = s.txt, 1, 2), txt = CONCAT(s.txt, VALUES(k), s.id);
-- prepared
-- changes: d1.total
INSERT INTO d1.total (k) SELECT k FROM d1.src WHERE src.id = 1 ON DUPLICATE KEY UPDATE n = total.n + 7 * src.big, txt = 'seen', at = src.at;
-- changes: d1.total
INSERT INTO d1.total (k, big) SELECT k, 1 FROM d1.src WHERE id < 3 ON DUPLICATE KEY UPDATE big = total.big - src.big + 100;
-- changes: d1.total
INSERT INTO d1.total (k) SELECT a.k FROM d1.src a JOIN d2.ref b ON a.k = b.k WHERE a.id = 1 ON DUPLICATE KEY UPDATE n = a.n + b.n, txt = b.txt;
-- changes: d2.one
INSERT INTO d2.one SELECT k, n FROM d1.src WHERE k < 3 AND id < 4 ON DUPLICATE KEY UPDATE n = one.n * 10 + src.id;
-- changes: d2.ref
INSERT INTO d2.ref (k, n) SELECT k, n FROM d1.src WHERE id IN (1, 3) ON DUPLICATE KEY UPDATE n = ref.n - src.amt, txt = src.txt;
-- changes: d1.total
INSERT IGNORE INTO d1.total (k, n) SELECT id, n FROM d1.src ON DUPLICATE KEY UPDATE big = src.n - 50;
-- changes: d1.total
INSERT INTO d1.total (k) SELECT k FROM d1.src WHERE id = 77 ON DUPLICATE KEY UPDATE n = src.n RETURNING k, n;
-- changes: d1.total
INSERT INTO d1.total (k) SELECT k FROM d1.src WHERE id = 1 ON DUPLICATE KEY UPDATE n = src.n + 1 RETURNING k, n;
-- changes: d1.total
INSERT INTO d1.total (k) SELECT k FROM d1.src WHERE id = 2 ON DUPLICATE KEY UPDATE txt = src.e;
-- refused
INSERT INTO d1.total (k) SELECT k FROM d1.src WHERE id = 2 ON DUPLICATE KEY UPDATE txt = CONCAT(src.e);
-- refused
INSERT INTO d1.total (k, n) SELECT DISTINCT k, n FROM d1.src WHERE id < 3 ON DUPLICATE KEY UPDATE n = src.n;
-- Tables of one shard key, derived ones, and outer joins.
CREATE TABLE d1.a (k INT NOT NULL, n INT, PRIMARY KEY (k));
CREATE TABLE d1.b (k INT NOT NULL, n INT, PRIMARY KEY (k));
INSERT INTO d1.a VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO d1.b VALUES (1, 10), (2, 20), (4, 40);
-- changes: d1.a
INSERT INTO d1.a SELECT * FROM d1.b ON DUPLICATE KEY UPDATE n = a.n + b.n;
-- changes: d1.a
INSERT INTO d1.a SELECT * FROM d1.b ON DUPLICATE KEY UPDATE n = d1.a.n + d1.b.n;
-- changes: d1.a
INSERT INTO d1.a (k, n) SELECT k + 0, 1 FROM d1.b ON DUPLICATE KEY UPDATE n = d1.a.n + d1.b.n;
-- changes: d1.a
INSERT INTO d1.a (k, n) SELECT x.k + 0, 1 FROM (SELECT k, n FROM d1.b) x ON DUPLICATE KEY UPDATE d1.a.n = a.n + x.n;
-- changes: d1.a
INSERT INTO d1.a (k, n) SELECT b.k, 1 FROM d1.b LEFT JOIN d1.a y ON y.k = b.k + 1 ON DUPLICATE KEY UPDATE n = IFNULL(y.n, -1);
-- changes: d1.a
INSERT INTO d1.a (k, n) WITH q AS (SELECT k, n FROM d1.b) SELECT k, 5 FROM q ON DUPLICATE KEY UPDATE n = q.n;
-- Columns whose values are no expressions', as all that a column is given.
CREATE TABLE d1.kinds (id INT PRIMARY KEY, e ENUM('x','3','2','1'), s SET('a','b','c'), f FLOAT, b BIT(9), u UUID, n INT, v VARCHAR(40), tx TEXT, d DOUBLE, i6 INET6, bl VARBINARY(40));
CREATE TABLE d1.given (id INT PRIMARY KEY, e ENUM('3','2','1','x'), s SET('c','b','a'), f FLOAT, b BIT(9), u UUID, n INT, i6 INET6);
INSERT INTO d1.given VALUES (1, '3', 'a', 1.1, 257, '123e4567-e89b-12d3-a456-426655440000', 5, '::1'), (2, '1', 'a,c', 2.25, 65, NULL, 6, 'fe80::2'), (3, 'x', 'c', 1e10, 3, '123e4567-e89b-12d3-a456-426655440001', 7, NULL), (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO d1.kinds (id) VALUES (1), (2), (3), (4);
-- changes: d1.kinds
INSERT INTO d1.kinds (id) SELECT id + 0 FROM d1.given ON DUPLICATE KEY UPDATE e = given.e, s = given.s, f = given.f, b = given.b, u = given.u, i6 = given.i6;
-- changes: d1.kinds
INSERT INTO d1.kinds (id) SELECT id + 0 FROM d1.given ON DUPLICATE KEY UPDATE n = given.e, v = given.f, tx = given.f, d = given.f, bl = given.u;
-- changes: d1.kinds
INSERT INTO d1.kinds (id) SELECT id + 0 FROM d1.given ON DUPLICATE KEY UPDATE n = given.s, v = given.e, tx = given.s, d = given.b;
-- changes: d1.kinds
INSERT INTO d1.kinds (id) SELECT id + 0 FROM d1.given ON DUPLICATE KEY UPDATE n = given.b, v = given.b, tx = given.b, d = given.e, bl = given.i6;
-- prepared
-- changes: d1.kinds
INSERT INTO d1.kinds (id, e) SELECT id + 0, e FROM d1.given ON DUPLICATE KEY UPDATE v = given.u, e = (given.e), f = given.n;
