-- INSERT
INSERT INTO ints (id, a, s) VALUES (1001, 1, 'x')
INSERT INTO ints (id, a, s) VALUES (1001, 1, 'x')
INSERT INTO ints (id, a) VALUES (1002, 1), (1003, 2), (1004, 3)
INSERT INTO ints (id, a) VALUES (1005, 1), (1002, 2), (1006, 3)
SELECT id FROM ints WHERE id > 1000 ORDER BY id
INSERT IGNORE INTO ints (id, a) VALUES (1005, 1), (1002, 2), (1006, 3)
INSERT IGNORE INTO ints (id, a) VALUES (1005, 1)
INSERT INTO ints SET id = 1010, a = 5, s = 'set'
INSERT INTO ints SET id = 1010
INSERT INTO ints VALUES (1011, 1, 2, 3, 4.5, 5.5, 'six', '2020-01-01 10:00:00.123', 'red', '2020-01-01')
INSERT INTO ints VALUES (1012, 1, 2)
INSERT INTO ints (id, a) VALUES (1012)
INSERT INTO ints (id, nope) VALUES (1012, 1)
INSERT INTO ints () VALUES ()
INSERT INTO ints (a) VALUES (1)
-- one server adds error 1105 to its list
*INSERT INTO ints (id) VALUES (NULL)
INSERT INTO ints (id) VALUES (DEFAULT)
INSERT INTO ints (id) VALUES ('1013'), (1014.4), (1.015e3), (x'03F8')
INSERT INTO ints (id) VALUES ('1020x')
INSERT INTO ints (id) VALUES (99999999999)
INSERT INTO ints (id, c) VALUES (1021, 70000)
INSERT INTO ints (id, c) VALUES (1021, 1), (1022, 2), (1023, 70000)
INSERT INTO ints (id, y) VALUES (1021, '2020-13-01')
INSERT INTO ints (id, s) VALUES (1021, REPEAT('x', 41))
INSERT IGNORE INTO ints (id, s) VALUES (1021, REPEAT('x', 41))
INSERT IGNORE INTO ints (id, c, e) VALUES (1022, 70000, 'red'), (1023, 5, 'purple'), (1024, -1, 'blue')
INSERT INTO ints (id, a) VALUES (1000 + 30, 5 * 5), (ABS(-1031), 2)
INSERT INTO ints (id, a) VALUES (1032, (SELECT MAX(code) FROM colours))
INSERT INTO ints (id, t) VALUES (1033, '2020-02-02') , (1034, DEFAULT), (1035, NULL)
INSERT INTO ints (id, a) VALUES (1036, a + 1)
INSERT INTO ints (id, a) VALUES (1040, 1) ON DUPLICATE KEY UPDATE a = a + 1
INSERT INTO ints (id, a) VALUES (1040, 1) ON DUPLICATE KEY UPDATE a = a + 1
INSERT INTO ints (id, a) VALUES (1040, 1), (1041, 1), (1042, 1), (1001, 9) ON DUPLICATE KEY UPDATE a = VALUES(a) + 10
INSERT INTO ints (id, a) VALUES (1040, 11) ON DUPLICATE KEY UPDATE a = VALUES(a)
INSERT INTO ints (id, a) VALUES (1040, 1), (1041, 1) ON DUPLICATE KEY UPDATE a = VALUE(a) + 1, s = CONCAT(IFNULL(s,''), 'd')
INSERT INTO ints (id, a) VALUES (1040, 1) ON DUPLICATE KEY UPDATE id = 5000
INSERT INTO ints (id, a) VALUES (1040, 1) ON DUPLICATE KEY UPDATE id = id, a = 3
INSERT INTO ints (id, a) VALUES (1050, 1), (1051, 2), (1052, 3) RETURNING id, a, a * 2 AS d
INSERT INTO ints (id, a) VALUES (1053, 1) RETURNING *
INSERT INTO ints (id, a) VALUES (1054, 1) RETURNING ints.id
INSERT LOW_PRIORITY INTO ints (id) VALUES (1055)
INSERT DELAYED INTO ints (id) VALUES (1056)
INSERT ints (id) VALUES (1057)
INSERT INTO ints (id) VALUE (1058)
INSERT INTO eq_write.ints (id) VALUES (1059), (1060)
INSERT INTO nope VALUES (1)
INSERT INTO ints (id, id) VALUES (1, 2)
INSERT INTO ints (ID, A) VALUES (1061, 2)
INSERT INTO ints (ints.id, ints.a) VALUES (1062, 2)
INSERT INTO pairs VALUES (1, 'New', 1, 1.5), (1, 'new ', 1, 1.5)
INSERT INTO pairs VALUES (1, 'New', 1, 1.5), (2, 'new ', 1, 1.5)
INSERT INTO pairs VALUES (2, 'NEW', 1, 1.5)
INSERT INTO pairs (b, a) VALUES ('z', 9), ('Z', 8)
INSERT INTO pairs (a) VALUES (1)
*INSERT INTO pairs (a, b) VALUES (1, NULL)
INSERT INTO sg (k, n) VALUES ('a  ', 1)
INSERT INTO sg (k, n) VALUES ('É', 1)
INSERT INTO sg (k, n) VALUES ('new one', 1), ('NEW TWO', 2), (CONCAT('new', ' three'), 3), (UPPER('new four'), 4)
INSERT INTO sg (k, n) VALUES ('NEW THREE', 1)
INSERT INTO sg (k, n) VALUES (42, 1), (4.20, 2), (x'6162', 3), (_latin1 x'fc', 4), (N'n', 5)
INSERT INTO sg (k, n) VALUES (NOW(0) + 0 = 0, 1)
INSERT INTO su (k, n) VALUES ('STRASSE', 1)
INSERT INTO su (k, n) VALUES ('Straẞe', 1)
INSERT INTO su (k, n) VALUES ('neu', 1), ('neü', 2)
INSERT INTO su (k, n) VALUES ('neu', 1), ('new', 2)
INSERT INTO sl (k, n) VALUES ('ñ', 1), ('Ñ', 2)
INSERT INTO sl (k, n) VALUES ('ñ', 1), ('漢', 2)
INSERT IGNORE INTO sl (k, n) VALUES ('ñ', 1), ('漢', 2)
INSERT INTO sb (k, n) VALUES ('case', 1), ('Case', 2), ('case ', 3)
INSERT INTO sb (k, n) VALUES ('case3', 1), ('Case', 2)
INSERT INTO sc (k, n) VALUES ('as', 1), ('às', 2)
INSERT INTO vb VALUES ('a ', 1, 'b'), ('a  ', 2, x'00ff')
INSERT INTO decs (k, n) VALUES (500.005, 1), ('501.1', 2), (502, 3), (5.03e2, 4)
INSERT INTO decs (k, n) VALUES (500.01, 1)
INSERT INTO decs (k, n) VALUES (99999999999, 1)
INSERT INTO dts (k, n) VALUES ('2030-01-01', 1000), ('2030-1-2 3:4:5', 1001), (20300103, 1002), ('2030-01-04T05:06:07', 1003), (20300105060708, 1004), (DATE'2030-01-06', 1005)
INSERT INTO dts (k, n) VALUES ('2030-01-01 00:00:00.6', 1)
INSERT INTO dts (k, n) VALUES ('not a date', 1)
INSERT INTO dts (k, n) VALUES ('2030-02-30', 1)
INSERT INTO ens VALUES ('red', 1000, 'x'), (2, 1001, 'y'), ('3', 1002, 'z'), ('BLUE', 1003, 'x,y')
INSERT INTO ens VALUES ('purple', 1004, '')
INSERT IGNORE INTO ens VALUES ('purple', 1004, '')
INSERT INTO ens VALUES (NULL, 1004, '')
INSERT INTO kids VALUES (1000, 1, 1, 'a'), (1000, 2, 1, 'b'), (1001, NULL, 1, 'c')
INSERT INTO kids VALUES (1000, 1, 1, 'a'), (1000, 2, 1, 'b')
INSERT INTO loose VALUES (100, 'a', NULL), (101, 'b', '2020-01-01')
INSERT INTO loose VALUES (102, 'x', 'bad')
INSERT INTO loose (x) VALUES (103)
INSERT INTO loose () VALUES ()
INSERT INTO loose VALUES (104, 'r', NULL) RETURNING x, s
INSERT INTO colours VALUES ('white', 9, NULL)
INSERT INTO colours VALUES ('white', 9, NULL)
INSERT INTO colours VALUES ('white', 9, NULL) ON DUPLICATE KEY UPDATE code = 10
INSERT INTO colours (name, code) VALUES ('grey', 11), ('pink', 12)
INSERT IGNORE INTO colours (name, code) VALUES ('grey', 11), ('pink2', 12)
INSERT INTO colours (name, code) VALUES ('tan', 13) RETURNING name
REPLACE INTO colours VALUES ('tan', 14, 'x')
UPDATE colours SET code = code + 100 WHERE code > 10
UPDATE colours SET code = NULL WHERE name = 'tan'
DELETE FROM colours WHERE name IN ('tan', 'pink2')
DELETE FROM colours WHERE name = 'nope'
SELECT * FROM colours ORDER BY name
-- AUTO_INCREMENT
+ INSERT INTO autos (v) VALUES ('one')
+ INSERT INTO autos (v) VALUES ('two'), ('three')
+ INSERT INTO autos VALUES (NULL, 'four', 1, NOW()), (0, 'five', 1, '2020-01-01'), (DEFAULT, 'six', 1, NULL)
+ INSERT INTO autos SET v = 'seven'
+ INSERT INTO autos () VALUES ()
INSERT INTO autos (id, v) VALUES (100000, 'given')
INSERT INTO autos (id, v) VALUES (100000, 'given')
+ INSERT INTO autos (v) VALUES ('after')
SELECT v FROM autos WHERE id > 100000
INSERT INTO autos (id, v) VALUES (-5, 'minus')
INSERT INTO autos (id, v) VALUES ('200000', 'text')
INSERT INTO autos (id, v) VALUES (NULL, 'n'), (300000, 'g')
+ INSERT INTO autos (v) VALUES ('r') RETURNING v, n
~SELECT v, n FROM autos ORDER BY v, n
+ INSERT INTO autos (v, n) SELECT label, id FROM codes WHERE label IS NOT NULL
+ REPLACE INTO autos (v) VALUES ('rep')
DELETE FROM autos WHERE v IN ('n', 'four', 'five', 'six', 'g')
DELETE FROM autos WHERE id > 100
-- INSERT … SELECT
INSERT INTO kids SELECT id + 2000, id, a, s FROM ints WHERE id BETWEEN 1 AND 50
INSERT INTO kids (id, pid, v) SELECT id + 3000, 5, a FROM ints WHERE id IN (1, 2, 3)
INSERT INTO kids SELECT id, pid, v, w FROM kids WHERE id = 3
INSERT IGNORE INTO kids SELECT id, pid, v + 1, w FROM kids WHERE id < 20
INSERT INTO kids (id, pid, v) SELECT id, pid, v FROM kids WHERE id < 20 ON DUPLICATE KEY UPDATE v = IFNULL(kids.v, 0) + 100
REPLACE INTO kids SELECT id, pid, 7, 'rep' FROM kids WHERE id < 10
INSERT INTO loose SELECT a, s, t FROM ints WHERE id < 0
INSERT INTO loose (x, s) SELECT code, name FROM colours
INSERT INTO codes SELECT id + 5000, s FROM ints WHERE id BETWEEN 1 AND 3
INSERT INTO codes SELECT id, label FROM codes WHERE id = 1
INSERT INTO pairs (a, b) SELECT a % 5, CONCAT('sel', id) FROM ints WHERE id < 30 AND a IS NOT NULL
!INSERT INTO sg (k, n) SELECT CONCAT('from ', k), n FROM sb WHERE n < 3
INSERT INTO sg (k, n) SELECT k, n FROM sb WHERE k = 'a'
INSERT INTO decs (k, n) SELECT id * 1.5 + 1000, a FROM ints WHERE id < 20
INSERT INTO dts (k, n) SELECT t, id + 7000 FROM ints WHERE id BETWEEN 30 AND 40 AND t IS NOT NULL
INSERT INTO ens SELECT e, id + 9000, 'x' FROM ints WHERE e IS NOT NULL AND id < 30
INSERT INTO vb SELECT CONCAT('v', id), a, s FROM ints WHERE id < 0
INSERT INTO autos (id, v) SELECT id + 50, 'sel' FROM codes WHERE id > 90000
INSERT INTO loose SELECT 1, 2
INSERT INTO loose (x) SELECT COUNT(*) FROM ints
INSERT INTO loose (x) SELECT a FROM ints GROUP BY a
INSERT INTO loose (x) SELECT a FROM ints ORDER BY id LIMIT 3
INSERT INTO loose (x) VALUES ((SELECT MAX(code) FROM colours))
-- REPLACE
REPLACE INTO ints (id, a) VALUES (1040, 77)
REPLACE INTO ints (id, a) VALUES (1040, 77), (1041, 78), (7777, 79)
REPLACE INTO ints SET id = 1040, a = 1
REPLACE INTO ints (id) VALUES (1040) RETURNING id, a
REPLACE INTO sg (k, n) VALUES ('NEW ONE', 50), ('brand new', 51)
REPLACE INTO loose VALUES (200, 'rep', NULL)
-- UPDATE
UPDATE ints SET a = 5 WHERE id = 3
UPDATE ints SET a = 5 WHERE id = 3
UPDATE ints SET a = a + 1, s = CONCAT(s, '!') WHERE id IN (3, 4, 5)
UPDATE ints SET a = a + 1 WHERE a = 3
UPDATE ints SET a = a + 1
UPDATE ints SET a = NULL WHERE id > 250
!UPDATE ints SET c = c + 1 WHERE c > 59990
UPDATE ints SET c = 99999 WHERE id = 6
UPDATE ints SET c = 99999 WHERE id < 10
UPDATE IGNORE ints SET c = 99999 WHERE id = 6
UPDATE ints SET nope = 1
UPDATE ints SET a = nope
UPDATE ints SET e = 'red' WHERE e = 'green' AND a > 2
!UPDATE ints SET d = d * 1.1 WHERE d > 50
UPDATE ints SET t = t + INTERVAL 1 DAY WHERE id BETWEEN 10 AND 20
UPDATE ints i SET i.a = 4 WHERE i.id = 8
UPDATE ints SET ints.a = 4 WHERE ints.id = 9
UPDATE eq_write.ints SET a = 6 WHERE id = 9
UPDATE ints SET a = DEFAULT WHERE id = 9
UPDATE ints SET a = (SELECT MAX(code) FROM colours) WHERE id = 9
UPDATE ints SET id = 9 WHERE id = 9
UPDATE ints SET id = id WHERE id < 5
UPDATE ints SET id = 123456 WHERE id = 9
UPDATE ints SET a = 1 WHERE id = 3 LIMIT 1
UPDATE ints SET a = 1 WHERE id = 3 ORDER BY a LIMIT 1
UPDATE ints SET a = 1 LIMIT 0
UPDATE ints SET a = 1 WHERE id < 5 ORDER BY id LIMIT 2
UPDATE ints SET a = 2 WHERE id < 5 ORDER BY id
UPDATE ints i JOIN colours c ON c.name = i.e SET i.a = c.code WHERE i.id < 50
UPDATE ints i JOIN kids k ON k.pid = i.id SET i.a = k.v, k.w = i.s WHERE i.id = 7
UPDATE ints i JOIN kids k ON k.pid = i.id SET k.v = i.a WHERE i.a > 3
UPDATE ints SET a = 0 WHERE e IN (SELECT name FROM colours WHERE code = 1)
UPDATE kids SET v = v + 1 WHERE pid = 7
UPDATE kids SET v = v + 1 WHERE pid = 7 AND id > 10
UPDATE kids SET w = 'z' WHERE w = 'a'
UPDATE pairs SET v = 3 WHERE a = 1 AND b = 'K6'
UPDATE pairs SET v = 3 WHERE a = 1
UPDATE pairs SET b = 'other' WHERE a = 1 AND b = 'k6'
UPDATE sg SET n = 99 WHERE k = 'É'
UPDATE su SET n = 99 WHERE k = 'ß'
UPDATE su SET n = n + 1 WHERE k > 'm'
UPDATE sl SET n = 99 WHERE k = 'Ö'
UPDATE sb SET n = 99 WHERE k = 'Ö'
UPDATE sc SET n = 99 WHERE k = 'é'
UPDATE vb SET n = 99 WHERE k = 'é'
UPDATE decs SET n = 9 WHERE k = 0.5
UPDATE dts SET n = n + 1 WHERE k < '2024-03-01'
UPDATE ens SET st = 'x,y' WHERE e = 'red'
UPDATE loose SET x = 5 WHERE x = 4
UPDATE loose SET s = 'k' WHERE x IS NULL LIMIT 300
UPDATE autos SET n = n * 2, v = UPPER(v)
UPDATE autos SET id = id WHERE id = 3
UPDATE ints SET a = 1 WHERE FALSE
UPDATE ints SET a = 1 WHERE id = 5 AND id = 6
UPDATE nope SET a = 1
UPDATE ints SET a = 1 WHERE id = 1 RETURNING id
-- DELETE
DELETE FROM ints WHERE id = 1001
DELETE FROM ints WHERE id = 1001
DELETE FROM ints WHERE id IN (1002, 1003, 99999)
DELETE FROM ints WHERE id BETWEEN 1004 AND 1010
DELETE FROM ints WHERE a = 7
DELETE FROM ints WHERE id = 1040 RETURNING id, a
DELETE FROM ints WHERE id > 1030 RETURNING id, a + 1 AS x
DELETE FROM ints WHERE id = 31 LIMIT 1
DELETE FROM ints WHERE id = 32 ORDER BY a LIMIT 1
DELETE FROM ints WHERE id < 10 ORDER BY id LIMIT 3
DELETE FROM ints ORDER BY id LIMIT 1
DELETE i FROM ints i JOIN colours c ON c.name = i.e WHERE c.code = 2 AND i.id > 100
DELETE i, k FROM ints i JOIN kids k ON k.pid = i.id WHERE i.id = 33
DELETE FROM k USING kids k JOIN ints i ON i.id = k.pid WHERE i.a = 1
DELETE FROM ints WHERE e IN (SELECT name FROM colours WHERE code = 3) AND id > 150
DELETE IGNORE FROM ints WHERE id = 34
DELETE QUICK FROM ints WHERE id = 35
DELETE FROM eq_write.ints WHERE id = 36
DELETE FROM kids WHERE pid = 7
DELETE FROM kids WHERE v > 8
DELETE FROM pairs WHERE a = 1 AND b = 'K11'
DELETE FROM pairs WHERE b LIKE 'k1%'
DELETE FROM sg WHERE k = 'É'
DELETE FROM su WHERE k IN ('A', 'ß')
DELETE FROM sl WHERE k = 'a'
DELETE FROM loose WHERE x = 5
DELETE FROM loose WHERE x = 6 LIMIT 1
DELETE FROM autos WHERE n > 10
DELETE FROM ints WHERE nope = 1
DELETE FROM nope
-- transactions
BEGIN
INSERT INTO ints (id, a) VALUES (2001, 1), (2002, 2), (2003, 3)
INSERT INTO ints (id, a) VALUES (2004, 1), (2002, 2)
SELECT id FROM ints WHERE id BETWEEN 2001 AND 2010 ORDER BY id
UPDATE ints SET a = a + 1 WHERE id > 2000
UPDATE ints SET c = 99999 WHERE id > 2000
DELETE FROM ints WHERE id = 2003
SELECT id, a FROM ints WHERE id > 2000 ORDER BY id
SAVEPOINT a
DELETE FROM kids
SELECT COUNT(*) FROM kids
ROLLBACK TO a
SELECT COUNT(*) FROM kids
COMMIT
SELECT id, a FROM ints WHERE id > 2000 ORDER BY id
-- LOAD DATA
> LOAD DATA LOCAL INFILE 'kids.tsv' INTO TABLE kids
> LOAD DATA LOCAL INFILE 'ints.csv' INTO TABLE ints FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' LINES TERMINATED BY '\n' IGNORE 1 LINES (id, a, s)
> LOAD DATA LOCAL INFILE 'ints.csv' REPLACE INTO TABLE ints FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' IGNORE 1 LINES (id, @x, s) SET a = @x * 2
> LOAD DATA LOCAL INFILE 'words.txt' INTO TABLE su CHARACTER SET utf8mb4 (k)
> LOAD DATA LOCAL INFILE 'words.txt' IGNORE INTO TABLE sg (k) SET n = 5
> LOAD DATA LOCAL INFILE 'words.txt' INTO TABLE loose (s)
> LOAD DATA LOCAL INFILE 'words.txt' INTO TABLE autos (v)
> LOAD DATA LOCAL INFILE 'words.txt' INTO TABLE nope (v)
> LOAD DATA LOCAL INFILE 'codes.csv' INTO TABLE codes FIELDS TERMINATED BY ','
-- what a query gives is written as it is
INSERT INTO decs (k, n, r) VALUES (7000, 1, 1.2345678), (7001, 2, 16777217), (7002, 3, 0.1)
INSERT INTO decs (k, n, r) SELECT k + 1000, n, r FROM decs WHERE k >= 7000 AND k < 8000
SELECT a.k, a.r = b.r, a.r + 0e0 FROM decs a JOIN decs b ON a.k = b.k WHERE a.k > 6999 ORDER BY a.k
SELECT k, r * 1e0 FROM decs WHERE k > 6999 ORDER BY k
INSERT INTO decs (k, m, u) SELECT k + 20000, m, u FROM decs WHERE k < -50
INSERT INTO dts (k, n, ts, yr, bits) SELECT k + INTERVAL 10 YEAR, n + 30000, ts, yr, bits FROM dts WHERE n < 20
INSERT INTO vb SELECT CONCAT(k, 'v'), n, w FROM vb WHERE n < 4
SET NAMES latin1
INSERT INTO sb (k, n, w) SELECT CONCAT('copy ', k), n, CONCAT(w, _utf8mb4 x'e6bca2') FROM sb WHERE n < 2
SET NAMES utf8mb4
SELECT k, n, w FROM sb WHERE k LIKE 'copy%' ORDER BY k
INSERT IGNORE INTO ints (id, a) VALUES (NULL, 5), (60001, 6), ('60002x', 7), (99999999999, 8)
SELECT id, a FROM ints WHERE id IN (0, 60001, 60002, 2147483647) ORDER BY id
SELECT id, a FROM ints WHERE id = 0
SELECT id, a FROM ints WHERE id = 60002
SELECT id, a FROM ints WHERE id = 2147483647
INSERT IGNORE INTO ints (a) VALUES (60003)
INSERT IGNORE INTO pairs (a, b, v) VALUES (70, NULL, 1), (71, REPEAT('long', 10), 2)
SELECT * FROM pairs WHERE a IN (70, 71) ORDER BY a
SELECT * FROM pairs WHERE a = 71 AND b = REPEAT('long', 5)
INSERT IGNORE INTO ens VALUES (NULL, 70000, ''), ('mauve', 70001, '')
SELECT * FROM ens WHERE n >= 70000 ORDER BY n
SELECT * FROM ens WHERE e = 'red' AND n = 70000
SELECT * FROM ens WHERE e = '' AND n = 70001
INSERT IGNORE INTO dts (k, n) VALUES ('2031-02-30', 70000), ('junk', 70001)
SELECT k, n FROM dts WHERE n >= 70000 ORDER BY n
SELECT k, n FROM dts WHERE k = '0000-00-00'
SET sql_mode = ''
INSERT INTO ints (id, a) VALUES (70001, 1), ('70002y', 2), (70003.7, 3)
SELECT id, a FROM ints WHERE id = 70002
SELECT id, a FROM ints WHERE id = 70004
-- the cluster keeps an error alone
*INSERT INTO ints (a) VALUES (70005)
*INSERT INTO pairs (a, v) VALUES (70, 1)
INSERT INTO pairs (a, v) VALUES (77, 1)
SELECT * FROM pairs WHERE a = 77 AND b = ''
INSERT INTO sg (k, n) VALUES (REPEAT('y', 30), 1)
SELECT k FROM sg WHERE k = REPEAT('y', 20)
*INSERT INTO ints SELECT NULL, 1, 1, 1, 1, 1, NULL, NULL, NULL, NULL FROM codes WHERE id = 2
SET sql_mode = DEFAULT
INSERT INTO autos (id, v) SELECT CAST(400000 AS UNSIGNED), 'u'
+ INSERT INTO autos (v) VALUES ('after u')
SELECT COUNT(*) FROM autos WHERE id > 400000
INSERT INTO autos (id, v) SELECT NULL, 'gen' FROM codes WHERE id < 3
SELECT COUNT(*), COUNT(DISTINCT id) FROM autos WHERE v = 'gen'
-- the whole table
DELETE FROM loose
UPDATE ints SET s = 'all'
DELETE FROM ints
SELECT COUNT(*) FROM ints
TRUNCATE TABLE kids
SELECT COUNT(*) FROM kids
TRUNCATE autos
+ INSERT INTO autos (v) VALUES ('first')
SELECT v FROM autos
