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
UPDATE loose SET x = 3 ORDER BY x, BINARY s, d LIMIT 2
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
DELETE FROM loose WHERE x IN (SELECT v FROM kids)
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
UPDATE IGNORE ints SET id = 3 WHERE id = 72
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
UPDATE sons SET id = 3 WHERE id = 1
UPDATE fathers SET id = 4 WHERE id = 3
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
@INSERT INTO ints (id, a) VALUES (112, 1) ON DUPLICATE KEY UPDATE id = 9712, a = id
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
UPDATE codes c JOIN kids k ON k.v = c.id SET c.label = 'x', k.w = 'y'
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
-- tables without a key, whose rows are told apart by all their columns
>CREATE TABLE heap (x INT, s VARCHAR(20), d DATETIME(3), f DOUBLE)
>CREATE TABLE dealt (k INT, x INT, s VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci, z INT DEFAULT 9, SHARD KEY (k))
>CREATE REFERENCE TABLE listed (x INT, s VARCHAR(20))
INSERT INTO heap SELECT seq MOD 9, ELT(1 + seq MOD 5, 'a', 'A', 'á', 'a ', NULL), IF(seq MOD 4 = 0, NULL, '2024-02-29 01:02:03.456'), seq MOD 3 / 7e0 FROM seq_1_to_120
INSERT INTO heap SELECT x, s, d, f FROM heap h WHERE x < 3
INSERT INTO heap VALUES (NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL)
INSERT INTO dealt SELECT NULLIF(seq MOD 12, 11), seq MOD 4, ELT(1 + seq MOD 4, 'o', 'ö', 'O', NULL), seq MOD 2 FROM seq_1_to_96
INSERT INTO dealt SELECT k, x, s, z FROM dealt e WHERE k < 4
INSERT INTO listed SELECT seq MOD 6, ELT(1 + seq MOD 3, 'r', 'R', NULL) FROM seq_1_to_30
UPDATE heap SET s = 'first' ORDER BY x, s, BINARY s, d, f LIMIT 17
UPDATE heap SET x = x + 1, f = f * 2 WHERE x > 2 ORDER BY x DESC, BINARY s, d, f LIMIT 9
UPDATE heap SET x = x + 1 ORDER BY x DESC, BINARY s, d, f LIMIT 3
UPDATE heap h SET h.d = NULL WHERE h.s = 'a' ORDER BY h.x, BINARY h.s, h.d, h.f LIMIT 11
UPDATE heap SET s = 'none' WHERE x > 1000 ORDER BY x LIMIT 3
UPDATE heap SET s = 'none' ORDER BY x LIMIT 0
SELECT * FROM heap
UPDATE dealt SET x = 50 ORDER BY x, k, BINARY s, z LIMIT 13
UPDATE dealt SET x = x + 1, s = CONCAT(s, x) WHERE k > 3 ORDER BY x DESC, k, BINARY s, z LIMIT 5
SELECT * FROM dealt
DELETE FROM heap ORDER BY x, s, BINARY s, d, f LIMIT 5
DELETE FROM heap WHERE x > 2 ORDER BY x, s, BINARY s, d, f LIMIT 7 RETURNING x, s
DELETE FROM dealt ORDER BY k, x, BINARY s, z LIMIT 4
SELECT * FROM heap
SELECT * FROM dealt
-- subqueries
UPDATE heap SET s = 'kid' WHERE x IN (SELECT v FROM kids WHERE v > 5)
UPDATE heap SET s = 'self' WHERE x > (SELECT AVG(x) FROM heap)
UPDATE heap SET f = (SELECT SUM(v) FROM kids WHERE kids.v < heap.x), s = CONCAT(s, '?') WHERE x < 5
UPDATE heap SET x = (SELECT MAX(v) FROM kids WHERE kids.v <> heap.x), d = DEFAULT WHERE x < 8
UPDATE heap SET x = (SELECT 10 - MIN(heap.x + k.id * 0) FROM kids k WHERE k.id < 2) WHERE x BETWEEN 3 AND 7
UPDATE heap SET x = (SELECT MAX(v) FROM kids) ORDER BY x, BINARY s, d, f LIMIT 4
UPDATE heap SET x = x + (SELECT MIN(v) FROM kids) + 1 ORDER BY x, BINARY s, d, f LIMIT 4
SELECT * FROM heap
UPDATE dealt SET x = (SELECT COUNT(*) FROM ints WHERE ints.a = dealt.x) + x, z = DEFAULT
UPDATE dealt SET z = (SELECT MAX(v) FROM kids WHERE v < dealt.k) WHERE k IS NULL OR k < 6
SELECT * FROM dealt
DELETE FROM heap WHERE x IN (SELECT a FROM ints WHERE a < 2)
DELETE FROM dealt WHERE x IN (SELECT x FROM heap) ORDER BY k, x, BINARY s, z LIMIT 6
DELETE FROM dealt WHERE x NOT IN (SELECT x FROM heap WHERE x IS NOT NULL) RETURNING k
SELECT * FROM heap
SELECT * FROM dealt
-- joins
UPDATE heap h JOIN kids k ON k.v = h.x SET h.s = 'joined'
UPDATE heap h JOIN ints i ON i.id = h.x SET h.x = h.x + 1, h.f = i.id
UPDATE heap h JOIN dealt e ON e.k = h.x SET h.s = 'both', e.s = 'too'
UPDATE heap h JOIN kids k ON k.id = h.x SET h.x = h.x + 1, k.w = h.s
UPDATE kids k LEFT JOIN dealt e ON e.k = k.id SET k.w = 'left' WHERE e.k IS NULL AND k.id < 30
UPDATE dealt e LEFT JOIN kids k ON k.id = e.k + 290 SET e.x = 4 WHERE k.id IS NULL
UPDATE kids k LEFT JOIN dealt e ON e.k = k.id SET k.w = 'left', e.x = 3
SELECT * FROM heap
SELECT * FROM dealt
DELETE h FROM heap h JOIN ints i ON i.id = h.x WHERE i.a > 3
DELETE h, e FROM heap h JOIN dealt e ON e.k = h.x WHERE h.x < 6
SELECT * FROM heap
SELECT * FROM dealt
-- the shard key
UPDATE dealt SET k = k + 1, x = x + 1 WHERE k > 4
UPDATE dealt SET k = 3 WHERE k IS NULL OR k = 7
UPDATE dealt SET k = NULL WHERE k = 3 ORDER BY x, BINARY s, z LIMIT 2
UPDATE dealt SET k = (SELECT MAX(id) FROM kids), s = 'moved' ORDER BY k DESC, x, BINARY s, z LIMIT 3
SELECT * FROM dealt
-- reference tables without a key, and together with others
UPDATE listed SET s = 'few' ORDER BY x, BINARY s LIMIT 7
DELETE FROM listed ORDER BY x DESC LIMIT 1
UPDATE listed SET x = x + 1 WHERE x IN (SELECT v FROM kids)
UPDATE listed SET s = (SELECT MAX(s) FROM ints WHERE ints.a = listed.x)
SELECT * FROM listed
UPDATE listed l JOIN heap h ON h.x = l.x SET l.s = 'ref', h.s = 'row'
UPDATE codes c JOIN kids k ON k.v = c.id SET c.label = 'x', k.w = 'y'
UPDATE codes c JOIN kids k ON k.v = c.id SET c.label = k.id, k.v = c.id + 1 WHERE k.id < 30
UPDATE codes c JOIN ints i ON i.id = c.id SET c.label = 'none', i.s = 'none' WHERE i.id > 100000
UPDATE ints i JOIN colours c ON c.code = i.id JOIN kids k ON k.id = i.id SET i.a = 1, c.hue = 'three', k.v = 2
SELECT * FROM codes
SELECT * FROM colours
SELECT * FROM kids
SELECT id, a FROM ints WHERE id < 10
DELETE c, k FROM codes c JOIN kids k ON k.v = c.id WHERE k.id < 60
DELETE k, l, h FROM kids k JOIN listed l ON l.x = k.v JOIN heap h ON h.x = k.v WHERE k.id < 200
BEGIN
DELETE l, i FROM ints i LEFT JOIN listed l ON l.x = i.a WHERE i.id < 40
UPDATE listed l JOIN ints i ON i.id = l.x + 50 SET l.s = 'again', i.s = 'again'
UPDATE heap SET s = 'after' WHERE x IN (SELECT x FROM listed)
DELETE FROM dealt WHERE x IN (SELECT x FROM listed) ORDER BY k, x, BINARY s, z LIMIT 3
SELECT * FROM heap
SELECT COUNT(*) FROM ints
SELECT COUNT(*) FROM listed
ROLLBACK
SELECT * FROM codes
SELECT * FROM listed
SELECT * FROM heap
SELECT * FROM dealt
>CREATE TABLE kinds (n INT UNSIGNED, i TINYINT, de DECIMAL(30,10), d DOUBLE, d2 DOUBLE(10,2), f FLOAT, f2 FLOAT(7,3), b BIT(64), e ENUM('a','','b'), st SET('x','y'), u UUID, a6 INET6, ts TIMESTAMP(6) NULL, dt DATETIME(3), da DATE,
 tm TIME(2), yr YEAR, g GEOMETRY, p POINT, j JSON, c CHAR(5), v VARCHAR(20) CHARACTER SET latin1, w VARCHAR(20) CHARACTER SET ucs2, bin BINARY(4), x BLOB, t TEXT, lv VARCHAR(1000), gen INT AS (n + 1) STORED, gv INT AS (n + 2) VIRTUAL, inv INT INVISIBLE DEFAULT 5)
UPDATE kids k LEFT JOIN heap h ON h.x = k.id SET k.w = 'left', h.s = 3
INSERT INTO heap VALUES (NULL, NULL, NULL, NULL)
@UPDATE kids k LEFT JOIN heap h ON h.x = k.id SET k.w = 'left', h.s = 3
SET time_zone = 'Europe/Berlin'
INSERT INTO kinds VALUES (1, -1, -12.5, 0.1e0 + 0.2e0, 1.25, 0.1, 1.234, b'1111', 'b', 'x,y', '123e4567-e89b-12d3-a456-426655440000', '::1', '2024-10-27 02:30:00.125', '2024-01-02 03:04:05.678', '2024-02-29', '-10:00:00.25', 2024, POINT(1.5, 2), POINT(1, 1),
 '{"a": 1}', 'ab', 'Zürich', 'Łódź', 'ab', x'00ff', 'text', REPEAT('é', 300), DEFAULT, DEFAULT), (2, 1, 12.5, -1.2345678901234567e-300, 3.40282e5, 3.40282e38, 0, b'0', '', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT)
INSERT INTO kinds SELECT * FROM kinds k
INSERT INTO kinds (n, ts, v, w, c, x) VALUES (3, FROM_UNIXTIME(1729989000), 'a', 'a', 'a', 'a'), (3, FROM_UNIXTIME(1729992600), 'A', 'A', 'A', 'A'), (3, FROM_UNIXTIME(1729992600), 'á', 'á', 'á', 'á')
UPDATE kinds SET i = 7 ORDER BY n, ts LIMIT 3
UPDATE kinds SET i = 8 WHERE n IN (SELECT v FROM kids) ORDER BY n, ts, BINARY v LIMIT 6
UPDATE kinds SET i = i + 1, f = (SELECT MAX(v) FROM kids WHERE v < kinds.n) WHERE n > 1
SELECT *, inv, UNIX_TIMESTAMP(ts), HEX(w) FROM kinds
DELETE FROM kinds WHERE n IN (SELECT id FROM kids) ORDER BY n, UNIX_TIMESTAMP(ts), BINARY v LIMIT 4
SELECT *, inv, UNIX_TIMESTAMP(ts), HEX(w) FROM kinds
SET time_zone = DEFAULT
SET sql_mode = 'ORACLE,PAD_CHAR_TO_FULL_LENGTH'
UPDATE kinds SET c = 'xy' ORDER BY n, BINARY v LIMIT 2
DELETE FROM kinds WHERE n IN (SELECT id FROM kids)
SET sql_mode = DEFAULT
SELECT *, inv, UNIX_TIMESTAMP(ts), HEX(w) FROM kinds
-- versions, triggers and unique keys with NULLs
>CREATE TABLE kept (x INT, s VARCHAR(20)) WITH SYSTEM VERSIONING
>CREATE TABLE span (x INT, s VARCHAR(20), since TIMESTAMP(6) GENERATED ALWAYS AS ROW START, till TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (since, till)) WITH SYSTEM VERSIONING
INSERT INTO kept SELECT seq MOD 4, 'k' FROM seq_1_to_24
INSERT INTO span SELECT seq MOD 4, 'k' FROM seq_1_to_24
SET @then = (SELECT MAX(since) FROM span)
INSERT INTO span SELECT seq MOD 4, 'k' FROM seq_1_to_8
SELECT COUNT(*) FROM span WHERE since > @then
UPDATE kept SET s = 'few' ORDER BY x LIMIT 3
UPDATE kept SET x = x + 1 WHERE x IN (SELECT v FROM kids)
DELETE FROM kept ORDER BY x, s LIMIT 2
SELECT * FROM kept FOR SYSTEM_TIME ALL
SELECT * FROM kept
UPDATE span SET s = 'few' WHERE since > @then ORDER BY x LIMIT 3
UPDATE span SET s = 'more' WHERE since > @then AND x IN (SELECT v FROM kids)
DELETE FROM span WHERE since <= @then AND x IN (SELECT v FROM kids) ORDER BY x, s LIMIT 5
SELECT x, s, since > @then FROM span
SELECT x, s, since > @then FROM span FOR SYSTEM_TIME ALL
@UPDATE ints SET a = 10 - (SELECT MAX(ints.a) FROM kids WHERE kids.id = 1)
@DELETE FROM kept WHERE row_start > '2020-01-01' AND x IN (SELECT v FROM kids)
CREATE TABLE fired (x INT, s VARCHAR(20), at TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP, KEY (x))
CREATE TRIGGER tr BEFORE UPDATE ON fired FOR EACH ROW SET NEW.s = CONCAT(NEW.s, OLD.x)
INSERT INTO fired (x, s) SELECT seq MOD 5, 'f' FROM seq_1_to_40
UPDATE fired SET x = x + 1 ORDER BY x DESC LIMIT 5
UPDATE fired SET x = x + 1 WHERE x IN (SELECT v FROM kids)
UPDATE fired SET x = (SELECT MAX(v) FROM kids WHERE kids.v < fired.x)
SELECT x, s, at > '2020-01-01' FROM fired
>CREATE TABLE uniq (k INT, u INT, s VARCHAR(9), UNIQUE (k, u), SHARD KEY (k))
INSERT INTO uniq VALUES (1, 1, 'a'), (2, 1, 'a'), (3, NULL, 'a'), (3, NULL, 'a'), (NULL, 1, 'a')
@UPDATE uniq SET k = k + 1
UPDATE uniq SET k = k + 1 ORDER BY k DESC
UPDATE uniq SET u = 1 WHERE k IN (SELECT v FROM kids)
UPDATE uniq SET u = 7 WHERE k = 4 AND u IS NULL ORDER BY k LIMIT 1
SELECT * FROM uniq
UPDATE uniq SET s = 'x', u = (SELECT MAX(v) FROM kids WHERE v < k) WHERE k < 3
@UPDATE uniq SET s = 'y' WHERE RAND(3) < 0.5 AND k IN (SELECT v FROM kids)
SELECT * FROM uniq
-- rows whose subqueries read the table that they go to
INSERT INTO ints (id, a, b) VALUES (9501, (SELECT COUNT(*) FROM ints), 1), (9502, (SELECT COUNT(*) FROM ints WHERE a IS NOT NULL), (SELECT MAX(id) FROM ints)), (9503, 5, (SELECT SUM(a) FROM ints WHERE id > 9500))
SELECT * FROM ints WHERE id > 9500 ORDER BY id
INSERT INTO ints (id, a) VALUES ((SELECT MAX(id) + 1 FROM ints), 1), ((SELECT MAX(id) + 2 FROM ints), EXISTS (SELECT 1 FROM ints WHERE id = 9504)), (9510, (SELECT a FROM ints WHERE id = 9504) + 1)
INSERT INTO ints (id, a) VALUES ((SELECT MAX(id) + 1 FROM ints), 1), ((SELECT MAX(id) + 1 FROM ints), 2)
REPLACE INTO ints (id, a) VALUES (9501, 77), (9502, (SELECT a FROM ints WHERE id = 9501)), (9503, (SELECT COUNT(*) FROM ints x WHERE x.a = 77))
INSERT INTO ints (id, a) VALUES (9501, (SELECT MIN(id) FROM ints)), (9520, (SELECT COUNT(*) FROM ints)) ON DUPLICATE KEY UPDATE a = VALUES(a) + 1
SELECT * FROM ints WHERE id > 9500 ORDER BY id
@INSERT INTO ints (id, a) VALUES (9530, 1), (9531, (SELECT COUNT(*) FROM ints WHERE RAND() < 2))
INSERT INTO ints (id, a) VALUES (9530, 1), (9501, 2) ON DUPLICATE KEY UPDATE a = (SELECT COUNT(*) FROM ints)
SELECT * FROM ints WHERE id > 9500 ORDER BY id
DELETE FROM ints WHERE id > 9500
