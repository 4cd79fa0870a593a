-- UPDATE and DELETE whose rows are found first
UPDATE ints SET a = a + 1 ORDER BY id LIMIT 5
UPDATE ints SET a = a + 1, s = 'last' ORDER BY id DESC LIMIT 3
UPDATE ints SET a = 77 WHERE id < 40 ORDER BY a, id LIMIT 7
UPDATE ints SET a = 77 WHERE id < 40 ORDER BY a DESC, id DESC LIMIT 7
UPDATE ints i SET i.a = i.a - 1 WHERE i.e = 'red' ORDER BY i.s, i.id LIMIT 4
UPDATE eq_write_keys.ints SET eq_write_keys.ints.a = 5 WHERE ints.id > 10 ORDER BY eq_write_keys.ints.id LIMIT 2
UPDATE ints SET a = 6 WHERE id IN (50, 51, 52, 53) LIMIT 100
UPDATE ints SET a = 6 WHERE id IN (50, 51, 52, 53) LIMIT 0
UPDATE ints SET a = 6 WHERE id > 100000 ORDER BY id LIMIT 3
UPDATE ints SET nope = 6 WHERE id > 100000 ORDER BY id LIMIT 3
UPDATE ints SET a = 6 WHERE nope > 100000 ORDER BY id LIMIT 3
UPDATE ints SET a = 6 WHERE id > 5 ORDER BY nope LIMIT 3
UPDATE ints SET c = 70000 WHERE id > 5 ORDER BY id LIMIT 3
UPDATE IGNORE ints SET c = 70000 WHERE id > 5 ORDER BY id LIMIT 3
UPDATE ints SET a = s + 1 WHERE id > 5 ORDER BY id LIMIT 3
UPDATE IGNORE ints SET a = s + 1 WHERE id > 5 ORDER BY id LIMIT 3
UPDATE ints SET s = NOW() = (NOW()) WHERE t < NOW() ORDER BY t, id LIMIT 3
UPDATE kids SET v = IFNULL(v, 0) + 5 ORDER BY id DESC, pid LIMIT 9
UPDATE kids SET id = id + 1000 ORDER BY id DESC, pid LIMIT 9
UPDATE kids SET id = 1 WHERE pid IN (3, 4, 5) ORDER BY pid, id LIMIT 20
UPDATE pairs SET v = 12 ORDER BY b, a LIMIT 5
UPDATE sg SET n = n + 1 WHERE k > 'b' ORDER BY k LIMIT 6
UPDATE su SET n = n + 1 ORDER BY k DESC LIMIT 6
UPDATE sl SET n = n + 1 ORDER BY k DESC LIMIT 6
UPDATE sb SET n = n + 1 ORDER BY k LIMIT 6
UPDATE sc SET n = n + 1 ORDER BY k LIMIT 6
UPDATE vb SET n = n + 1 ORDER BY k LIMIT 6
UPDATE decs SET n = n + 1 ORDER BY k LIMIT 6
UPDATE dts SET n = n + 1 ORDER BY k LIMIT 6
UPDATE ens SET st = 'x' ORDER BY e, n LIMIT 6
UPDATE autos SET n = n + 1 ORDER BY id DESC LIMIT 2
@UPDATE loose SET x = 3 ORDER BY x LIMIT 2
DELETE FROM ints WHERE id < 0 LIMIT 200 RETURNING id
UPDATE loose SET s = 'turn' WHERE x = 3 LIMIT 100
DELETE FROM loose WHERE x = 3 LIMIT 100
DELETE FROM loose WHERE x = 333 LIMIT 100
UPDATE loose SET x = 5 LIMIT 200
UPDATE loose SET s = 'y', x = 6 WHERE x = 5 LIMIT 4
UPDATE loose SET s = 'y', x = 6 LIMIT 0
UPDATE loose SET s = REPEAT('y', 30) LIMIT 3
SELECT COUNT(*), SUM(x) FROM loose
UPDATE loose SET s = '', d = NULL, x = 1
DELETE FROM loose LIMIT 3
DELETE FROM loose WHERE x = 1 LIMIT 3 RETURNING x
SELECT COUNT(*), SUM(x) FROM loose
DELETE FROM ints ORDER BY id LIMIT 5
DELETE FROM ints WHERE a > 3 ORDER BY a DESC, id LIMIT 3
DELETE FROM ints WHERE a > 3 ORDER BY a DESC, id LIMIT 3 RETURNING id, a + 1 AS b
DELETE FROM ints ORDER BY s, id DESC LIMIT 4 RETURNING *
DELETE FROM ints WHERE id > 100000 ORDER BY id LIMIT 3 RETURNING id
#DELETE FROM kids WHERE id = 3 LIMIT 300
DELETE FROM kids WHERE v > 5 ORDER BY v, id, pid LIMIT 3
DELETE FROM ens ORDER BY e DESC, n LIMIT 2
SELECT id, a, s FROM ints ORDER BY id
BEGIN
UPDATE ints SET a = 1 ORDER BY id LIMIT 4
UPDATE ints SET c = 70000 ORDER BY id LIMIT 4
DELETE FROM ints ORDER BY id DESC LIMIT 2
SELECT id, a, c FROM ints ORDER BY id
ROLLBACK
SELECT id, a, c FROM ints ORDER BY id
START TRANSACTION READ ONLY
UPDATE ints SET a = 1 ORDER BY id LIMIT 4
DELETE FROM ints WHERE id > 100000 ORDER BY id LIMIT 4
ROLLBACK
SET sql_mode = ''
*UPDATE ints SET c = 70000, a = id WHERE s > 0 ORDER BY id LIMIT 300
*DELETE FROM ints WHERE s = 7 ORDER BY id LIMIT 3
SET sql_mode = DEFAULT
*UPDATE ints SET a = 4 WHERE s > 0 ORDER BY f, id LIMIT 300
!UPDATE ints SET a = 4 WHERE s > 0 LIMIT 300
*DELETE FROM ints WHERE s = 7 ORDER BY f, id LIMIT 3
-- subqueries
UPDATE ints SET a = 9 WHERE id IN (SELECT pid FROM kids WHERE v > 3)
UPDATE ints SET a = 9 WHERE a = (SELECT MAX(v) FROM kids)
UPDATE ints SET a = 9 WHERE a > (SELECT AVG(a) FROM ints)
UPDATE ints SET a = 9 WHERE b > (SELECT AVG(b) FROM ints) ORDER BY id DESC LIMIT 4
UPDATE ints SET a = (SELECT MAX(v) FROM kids)
UPDATE ints SET a = (SELECT SUM(v) FROM kids WHERE kids.v < ints.a), s = CONCAT(s, '?') WHERE id < 50
UPDATE ints SET a = 3, b = (SELECT SUM(v) FROM kids WHERE kids.v < ints.b) WHERE id < 50
@UPDATE ints SET a = 3, b = (SELECT SUM(v) FROM kids WHERE kids.v < ints.a) WHERE id < 50
UPDATE ints SET a = (SELECT v FROM kids) WHERE id < 50
UPDATE ints SET s = (SELECT k FROM sl WHERE n = 3 LIMIT 1), f = (SELECT r FROM decs ORDER BY k LIMIT 1), t = (SELECT k FROM dts ORDER BY k LIMIT 1), e = (SELECT e FROM ens ORDER BY e, n LIMIT 1) WHERE id < 9
UPDATE dts SET ts = (SELECT MAX(t) FROM ints), bits = (SELECT MAX(a) FROM ints) WHERE n > 1
UPDATE vb SET w = (SELECT MAX(k) FROM vb)
UPDATE kids SET v = (SELECT a FROM ints WHERE ints.id = kids.id) WHERE EXISTS (SELECT 1 FROM ints WHERE ints.id = kids.id AND ints.a > 2)
DELETE FROM kids WHERE id IN (SELECT id FROM ints WHERE a > 4) ORDER BY id, pid LIMIT 3
DELETE FROM ints WHERE a NOT IN (SELECT v FROM kids WHERE v IS NOT NULL) AND id > 100
DELETE FROM ints WHERE a > (SELECT AVG(a) FROM ints) RETURNING id
DELETE FROM ints WHERE s IN (SELECT k FROM sg) AND id > 30
UPDATE ints SET a = 1 WHERE id IN (SELECT nope FROM kids)
@DELETE FROM loose WHERE x IN (SELECT v FROM kids)
-- joins
UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = 55 WHERE k.v > 2
UPDATE ints i JOIN pairs p ON p.v = i.id SET i.a = p.a, i.s = p.b WHERE i.id < 100
UPDATE kids k JOIN ints i ON i.a = k.v SET k.w = 'joined', k.v = DEFAULT WHERE i.id < 20
UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = 1, k.v = 2
UPDATE ints i LEFT JOIN kids k ON k.id = i.id SET i.b = IFNULL(k.id, -1) WHERE k.id IS NULL
UPDATE ints i, (SELECT id, MAX(v) AS m FROM kids GROUP BY id) x SET i.a = x.m WHERE i.id = x.id
DELETE i FROM ints i JOIN kids k ON k.id = i.id WHERE k.v > 2 AND i.id > 10
DELETE FROM k USING kids k JOIN pairs p ON p.v = k.v WHERE p.a < 3
DELETE i, k FROM ints i LEFT JOIN kids k ON k.v = i.a WHERE i.id < 0
DELETE a FROM ints a JOIN ints b ON a.e = b.e AND a.id > b.id WHERE a.id > 200
-- the shard key
UPDATE ints SET id = 5000 WHERE id = 12
UPDATE ints SET id = 5001, a = a + 1, s = CONCAT(s, '!') WHERE id = 5000
UPDATE ints SET id = 5001 WHERE id = 5001
UPDATE ints SET id = 5002 WHERE id = 123456
UPDATE ints SET id = 15 WHERE id = 14
UPDATE ints SET id = id + 1 WHERE id BETWEEN 40 AND 60
UPDATE ints SET id = id + 1 WHERE id BETWEEN 40 AND 60 ORDER BY id DESC
UPDATE ints SET id = id + 10000 WHERE a > 3
UPDATE ints SET id = id + 20000 WHERE a > 2 ORDER BY id DESC LIMIT 7
UPDATE ints SET id = -id WHERE id < 0
UPDATE ints SET id = NULL WHERE id = 70
UPDATE ints SET id = 99999999999 WHERE id = 70
UPDATE ints SET id = 'x' WHERE id = 70
UPDATE ints SET id = '6001' WHERE id = 70
UPDATE ints SET id = 6002.4, c = 70000 WHERE id = 71
UPDATE ints SET id = 6003.4 WHERE id = 71
@UPDATE IGNORE ints SET id = 3 WHERE id = 72
@UPDATE ints SET a = 6004, id = a WHERE id = 72
UPDATE ints SET id = a + 7000, a = 1 WHERE id = 72
UPDATE ints SET id = (SELECT MAX(id) + 1 FROM kids) + 8000 WHERE id = 73
UPDATE ints SET id = nope WHERE id = 73
UPDATE kids SET pid = pid + 100 WHERE id < 10
UPDATE kids SET pid = 5, id = id + 50000 WHERE v > 3
UPDATE pairs SET b = 'other' WHERE a = 1
UPDATE pairs SET b = UPPER(b) WHERE a < 9
UPDATE pairs SET a = a + 100, b = CONCAT(b, ' ') WHERE a > 20
UPDATE sg SET k = CONCAT('z', k), w = 'moved' WHERE n > 1
UPDATE su SET k = CONCAT('z', k) WHERE n > 1
UPDATE sl SET k = CONCAT('z', k), n = 7 WHERE n > 1
UPDATE sb SET k = CONCAT('z', k) WHERE n > 1
UPDATE sc SET k = LOWER(k)
UPDATE vb SET k = CONCAT('z', k), w = k WHERE n > 1
UPDATE decs SET k = k + 1000.25 WHERE n > 1
UPDATE decs SET k = k + 0.125 WHERE n > 1
UPDATE dts SET k = k + INTERVAL 100 DAY WHERE n > 1
UPDATE dts SET k = '2024-02-30' WHERE n = 1
UPDATE ens SET e = 'blue' WHERE e = 'green'
UPDATE ens SET e = 'purple' WHERE e = 'red'
UPDATE autos SET id = id + 1000, n = 3 WHERE id > 2
UPDATE autos SET id = 0 WHERE id = 1
BEGIN
UPDATE ints SET id = id + 30000 WHERE id BETWEEN 80 AND 90
UPDATE ints SET id = 200 WHERE id > 30000
SELECT id, a FROM ints ORDER BY id
ROLLBACK
SET sql_mode = ''
UPDATE ints SET id = NULL WHERE id = 95
UPDATE ints SET id = '7700x' WHERE id = 96
UPDATE ints SET id = 99999999999 WHERE id = 97
SET sql_mode = DEFAULT
CREATE TABLE fathers (id INT PRIMARY KEY, v INT)
CREATE TABLE sons (id INT, no INT, PRIMARY KEY (id, no), SHARD KEY (id), FOREIGN KEY (id) REFERENCES fathers (id))
INSERT INTO fathers VALUES (1, 1), (2, 2), (3, 3)
INSERT INTO sons VALUES (1, 1), (2, 1)
@UPDATE sons SET id = 3 WHERE id = 1
@UPDATE fathers SET id = 4 WHERE id = 3
CREATE TABLE stamped (id BIGINT AUTO_INCREMENT PRIMARY KEY, at TIMESTAMP(3) NULL, d DOUBLE, f FLOAT, n DECIMAL(30,10), e ENUM('a','b'), st SET('x','y'), b BIT(9), u UUID, i INET6,
 g POINT, j JSON, l VARCHAR(20) CHARACTER SET latin1, k VARCHAR(20) CHARACTER SET ucs2, bin BINARY(4), bl BLOB, tm TIME(2), yr YEAR, dt DATE, gen INT AS (id + 1) STORED,
 CHECK (id < 1000000))
INSERT INTO stamped VALUES (1, '2024-10-27 02:30:00.125', 0.1, 0.1, 1234567890.0987654321, 'b', 'x,y', b'101', '123e4567-e89b-12d3-a456-426655440000', '::1', POINT(1.5, 2), '{"a": 1}',
 'Zürich', 'Zürich', 'ab', x'00ff', '-10:00:00.25', 2024, '2024-02-29', DEFAULT), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT)
UPDATE stamped SET id = id + 10, l = CONCAT(l, '!')
UPDATE stamped SET id = id + 1000000
SELECT *, UNIX_TIMESTAMP(at), HEX(k), ST_AsText(g) FROM stamped ORDER BY id
UPDATE stamped SET id = 0 WHERE id = 11
SELECT id, f, d FROM stamped ORDER BY id
-- ON DUPLICATE KEY UPDATE of the shard key
INSERT INTO ints (id, a) VALUES (101, 1) ON DUPLICATE KEY UPDATE id = 9001, a = a + 1
INSERT INTO ints (id, a) VALUES (9001, 1) ON DUPLICATE KEY UPDATE id = 9001, a = 5
INSERT INTO ints (id, a) VALUES (9001, 1), (9002, 2), (102, 3), (103, 4), (9003, 5) ON DUPLICATE KEY UPDATE id = VALUES(id) + 9000, s = CONCAT('moved ', VALUES(a), ' ', ints.id), a = NULL
SELECT id, a, s FROM ints WHERE id = 18001
SELECT id, a, s FROM ints WHERE id IN (9102, 9103, 9002, 9003) ORDER BY id
INSERT INTO ints (id, a) VALUES (9201, 1), (9201, 2), (9202, 3) ON DUPLICATE KEY UPDATE id = id + 1, a = VALUES(a)
!INSERT INTO ints (id, a) VALUES (9300, 1), (9301, 2), (9300, 3), (9302, 4) ON DUPLICATE KEY UPDATE id = id + 1
SELECT id, a FROM ints WHERE id > 9200 ORDER BY id
INSERT INTO ints (id, a) VALUES (104, 1), (105, 2) ON DUPLICATE KEY UPDATE id = NULL
INSERT INTO ints (id, a) VALUES (104, 1), (99999999999, 2) ON DUPLICATE KEY UPDATE id = 9401
INSERT INTO ints (id, a) VALUES (104, 1), (105, 2) ON DUPLICATE KEY UPDATE c = 70000, id = 9402
INSERT INTO ints (id, a) VALUES (104, 1) ON DUPLICATE KEY UPDATE id = nope
INSERT INTO ints (id, a) VALUES (104, 1) ON DUPLICATE KEY UPDATE id = (SELECT MAX(code) + 9500 FROM colours)
INSERT INTO ints SET id = 105, a = 1 ON DUPLICATE KEY UPDATE id = 9405, id = id + 100, d = id
SELECT id, d FROM ints WHERE id = 9505
@INSERT IGNORE INTO ints (id, a) VALUES (106, 1) ON DUPLICATE KEY UPDATE id = 9406
@INSERT INTO ints (id, a) VALUES (106, 1) ON DUPLICATE KEY UPDATE id = 9406 RETURNING id
INSERT INTO ints (id, a) SELECT id, 4 FROM ints i WHERE id BETWEEN 106 AND 110 UNION SELECT 9601, 2 ON DUPLICATE KEY UPDATE id = ints.id + 9600, a = VALUES(a) * 2
SELECT id, a FROM ints WHERE id BETWEEN 9600 AND 9999 ORDER BY id
INSERT INTO kids SELECT * FROM kids k WHERE k.id IN (30, 31, 32) ON DUPLICATE KEY UPDATE pid = kids.pid + 700, w = 'moved'
INSERT INTO kids VALUES (40, 3000, 1, 'x'), (40, 3000, 2, 'y'), (40, 3001, 3, 'z') ON DUPLICATE KEY UPDATE pid = pid + 1, id = 41
SELECT id, pid, v, w FROM kids WHERE w = 'moved' OR pid >= 3000 ORDER BY id, pid
INSERT INTO pairs SELECT a, b, 1, 2 FROM pairs p ORDER BY a, b LIMIT 9 ON DUPLICATE KEY UPDATE b = CONCAT(pairs.b, '+'), v = pairs.v + 1
INSERT INTO sg (k, n) VALUES ('a', 1), ('É', 2), ('newest', 3) ON DUPLICATE KEY UPDATE k = CONCAT('w', k), n = n + 1
INSERT INTO sl (k, n) VALUES ('a', 1), ('é', 2), ('newest', 3) ON DUPLICATE KEY UPDATE k = CONCAT('wä', k), n = n + 1
INSERT INTO su (k, n) VALUES ('a', 1), ('é', 2), ('newest', 3) ON DUPLICATE KEY UPDATE k = CONCAT('wä', k), n = n + 1
INSERT INTO vb (k, n) VALUES ('a', 1), ('é', 2), ('newest', 3) ON DUPLICATE KEY UPDATE k = CONCAT('wä', k), n = n + 1
SELECT k, n FROM sl WHERE k = 'wäa'
SELECT k, n FROM su WHERE k = 'wäé'
SELECT HEX(k), n FROM vb WHERE k = 'wäa'
INSERT INTO decs SELECT * FROM decs d ORDER BY k LIMIT 20 ON DUPLICATE KEY UPDATE k = decs.k + 500.505, n = 33
INSERT INTO dts (k, n) SELECT k, 1 FROM dts d ORDER BY k LIMIT 20 ON DUPLICATE KEY UPDATE k = dts.k + INTERVAL 1 YEAR, n = dts.n + 1000
SELECT COUNT(*) FROM decs a JOIN decs b ON a.k = b.k AND b.n = 33
INSERT INTO ens VALUES ('red', 3, 'x'), ('red', 300, 'x'), ('green', 301, 'x') ON DUPLICATE KEY UPDATE e = 'blue', n = n + 1000
INSERT INTO ens VALUES ('blue', 1003, 'x') ON DUPLICATE KEY UPDATE e = 'red'
SELECT e, n FROM ens WHERE e = 'red' ORDER BY n
INSERT INTO autos (v) VALUES ('new') ON DUPLICATE KEY UPDATE id = 7
INSERT INTO autos (id, v) VALUES (1004, 'old') ON DUPLICATE KEY UPDATE id = 5004
+INSERT INTO autos (v) VALUES ('after')
SELECT LAST_INSERT_ID() > 5004
SET sql_mode = 'SIMULTANEOUS_ASSIGNMENT'
INSERT INTO ints (id, a) VALUES (112, 1) ON DUPLICATE KEY UPDATE id = 9712, a = id
SET sql_mode = ''
*INSERT INTO ints (id, a) VALUES (113, 1) ON DUPLICATE KEY UPDATE id = '9713x'
SELECT id, a FROM ints WHERE id IN (9712, 9713) ORDER BY id
SET sql_mode = DEFAULT
BEGIN
INSERT INTO ints (id, a) VALUES (114, 1), (115, 1) ON DUPLICATE KEY UPDATE id = id + 9700
SELECT id, a FROM ints WHERE id > 9700 ORDER BY id
INSERT INTO ints (id, a) VALUES (116, 1), (117, 1) ON DUPLICATE KEY UPDATE id = 9814
SELECT id, a FROM ints WHERE id > 9700 ORDER BY id
ROLLBACK
SELECT id, a FROM ints WHERE id > 9700 ORDER BY id
INSERT INTO sons VALUES (1, 1) ON DUPLICATE KEY UPDATE id = 3
INSERT INTO stamped (id) VALUES (12), (13) ON DUPLICATE KEY UPDATE id = id + 100, l = 'Łódź'
INSERT INTO stamped (id) VALUES (12), (13) ON DUPLICATE KEY UPDATE id = id + 100, l = 'Zürich'
INSERT INTO stamped (id) VALUES (12) ON DUPLICATE KEY UPDATE id = id + 1000000
-- several tables that are changed in one UPDATE, whose rows are found by a join
UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = 1, k.v = 2
UPDATE ints i JOIN kids k ON k.v = i.id SET i.s = 'both', k.w = 'too' WHERE i.id BETWEEN 1 AND 6
UPDATE ints i, kids k SET i.a = i.a + 1, k.v = k.v + 1 WHERE k.id = i.id AND k.w < 'm'
UPDATE ints i JOIN kids k ON k.id = i.id JOIN pairs p ON p.a = i.a SET i.c = 9, k.w = 'pair', p.v = 8 WHERE i.id < 90
UPDATE ints i LEFT JOIN kids k ON k.id = i.id + 290 SET i.d = 4, k.w = 'left' WHERE i.id BETWEEN 0 AND 30
UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = DEFAULT, k.v = (SELECT MAX(code) FROM colours) WHERE i.id < 15
UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = 5, k.v = 6 WHERE i.id > 100000
!UPDATE ints i JOIN kids k ON k.id = i.id SET i.c = 70000, k.v = 6 WHERE i.id < 15
!UPDATE IGNORE ints i JOIN kids k ON k.id = i.id SET i.c = 70000, k.v = 6 WHERE i.id < 15
UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = k.id, k.v = i.id WHERE i.id BETWEEN 20 AND 40
@UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = k.v, k.v = i.id
@UPDATE ints i JOIN ints j ON j.a = i.id SET i.s = 'x', j.s = 'y'
@UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = 1, k.id = k.id + 1000
BEGIN
UPDATE ints i JOIN kids k ON k.id = i.id SET i.a = 50, k.v = 60 WHERE i.id < 30
SELECT SUM(a) FROM ints
SELECT SUM(v) FROM kids
ROLLBACK
SELECT SUM(v) FROM kids
-- reference tables: what is written hangs on other tables, on LIMIT, or differs by call
INSERT INTO codes SELECT seq, CONCAT('c', seq) FROM seq_100_to_140
UPDATE colours SET code = 3 ORDER BY name LIMIT 2
UPDATE codes SET label = 'few' WHERE id >= 100 ORDER BY id DESC LIMIT 4
UPDATE codes SET label = 'all' WHERE id IN (101, 102, 103) LIMIT 5
UPDATE codes SET label = 'none' WHERE id IN (101, 102, 103) LIMIT 0
DELETE FROM codes WHERE id > 120 ORDER BY id LIMIT 3
DELETE FROM codes WHERE id > 120 ORDER BY id LIMIT 3 RETURNING id, label
UPDATE codes SET id = id + 1 WHERE id > 105 ORDER BY id DESC LIMIT 4
UPDATE codes SET label = (SELECT MAX(s) FROM ints WHERE ints.a = codes.id) WHERE id IN (1, 2, 3)
UPDATE codes SET label = 'kid' WHERE id IN (SELECT v FROM kids)
UPDATE codes c JOIN kids k ON k.v = c.id SET c.label = 'joined' WHERE k.id < 40
UPDATE codes c JOIN colours o ON o.code = c.id JOIN kids k ON k.v = c.id SET c.label = 'two', o.hue = 'new'
DELETE FROM colours WHERE code IN (SELECT a FROM ints WHERE id < 9) AND code < 3
DELETE c FROM codes c JOIN ints i ON i.id = c.id WHERE i.a = 3
DELETE FROM codes WHERE id > 100000 AND id IN (SELECT v FROM kids)
@UPDATE codes c JOIN kids k ON k.v = c.id SET c.label = 'x', k.w = 'y'
INSERT INTO codes VALUES (201, RAND(7)), (202, CONCAT('r', FLOOR(RAND(8) * 1000))), (203, NULL)
INSERT INTO codes (id, label) VALUES (204, LENGTH(UUID())), (205, DEFAULT)
INSERT INTO codes SET id = 206, label = LENGTH(UUID())
REPLACE INTO codes VALUES (206, LENGTH(RANDOM_BYTES(5)))
INSERT INTO codes VALUES (206, LENGTH(UUID())) ON DUPLICATE KEY UPDATE label = CONCAT('dup', '')
!INSERT INTO codes VALUES (206, LENGTH(UUID()))
INSERT INTO codes (id, label) VALUES (207, CONCAT(id, ' ', LENGTH(UUID()))), (208, CONCAT(id, ' ', FLOOR(RAND(8) * 1000), RAND(9)))
INSERT INTO codes (id, label) VALUES (207, 'x') ON DUPLICATE KEY UPDATE label = CONCAT(label, '+', LENGTH(UUID()), VALUES(label))
INSERT INTO codes SET id = 209, label = CASE WHEN id > 3 THEN CONCAT(LENGTH(UUID()), id) ELSE RAND(3) END ON DUPLICATE KEY UPDATE label = RAND(4)
INSERT INTO codes (id, label) VALUES (210, (SELECT COUNT(*) FROM colours o) + LENGTH(UUID())), (211, (SELECT MAX(o.code) FROM colours o) + LENGTH(UUID()) + id)
@INSERT INTO codes (id, label) VALUES (212, RAND(id))
@INSERT INTO codes (id, label) VALUES (212, (SELECT MAX(o.code) + LENGTH(UUID()) FROM colours o))
@INSERT INTO codes (id, label) VALUES (212, 'a'), (213, 'b') ON DUPLICATE KEY UPDATE label = RAND(5)
UPDATE codes SET label = ROUND(RAND(3), 3) WHERE id BETWEEN 201 AND 203
UPDATE codes SET label = LENGTH(UUID()) WHERE id > 203
SELECT * FROM codes ORDER BY id
BEGIN
UPDATE codes SET label = 'tx' ORDER BY id LIMIT 3
INSERT INTO codes VALUES (301, LENGTH(UUID()))
SELECT COUNT(*) FROM codes WHERE label IN ('tx', '36')
ROLLBACK
SELECT COUNT(*) FROM codes WHERE label IN ('tx', '36')
