-- every type of column, through a copy
CREATE TABLE many (id INT UNSIGNED PRIMARY KEY, k INT, t1 TINYINT, t2 TINYINT UNSIGNED ZEROFILL, m1 MEDIUMINT, m2 MEDIUMINT UNSIGNED, i8 BIGINT, u8 BIGINT UNSIGNED, f FLOAT, f2 FLOAT(7,2), g DOUBLE, g2 DOUBLE(10,3), n DECIMAL(38,10), n2 DECIMAL(5,0) UNSIGNED, b1 BIT(1), b2 BIT(64), y YEAR)
INSERT INTO many VALUES (1,2,-128,0,-8388608,0,-9223372036854775808,0,-1.1,-1.1,-1.1,-1.1,-1.1,0,b'0',b'0',0)
INSERT INTO many VALUES (2,3,127,255,8388607,16777215,9223372036854775807,18446744073709551615,3.4e38,12345.67,1.7e308,1234567.123,9999999999999999999999999999.9999999999,99999,b'1',0xffffffffffffffff,2155)
INSERT INTO many VALUES (3,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)
INSERT INTO many VALUES (4,1,1,1,1,1,1,1,0.1,0.1,0.1,0.1,0.1,1,b'1',b'101',1999)
SELECT * FROM many a JOIN many b ON a.k = b.id ORDER BY a.id
SELECT a.f, a.f + 0, a.g, HEX(a.b2), a.b1 + 0 FROM many a JOIN many b ON a.k = b.id ORDER BY a.id
CREATE TABLE moments (id INT PRIMARY KEY, k INT, d DATE, dt DATETIME, dt6 DATETIME(6), t TIME, t6 TIME(6), ts TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL, ts6 TIMESTAMP(6) NOT NULL DEFAULT '2000-01-01')
SET sql_mode = 'ALLOW_INVALID_DATES'
INSERT INTO moments VALUES (1,2,'0000-00-00','0000-00-00','0000-00-00','-838:59:59','-838:59:59.999999','0000-00-00','0000-00-00','0000-00-00')
INSERT INTO moments VALUES (2,3,'2024-02-31','2024-00-00 10:00:00','9999-12-31 23:59:59.999999','838:59:59','00:00:00.000001','2038-01-19 03:14:07','1970-01-01 00:00:01.001','2024-10-27 02:30:00.123456')
INSERT INTO moments VALUES (3,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2020-02-29 12:13:14')
SET time_zone = '+00:00'
INSERT INTO moments VALUES (4,4,'1000-01-01','1000-01-01','1000-01-01 00:00:00.5','10:00','10:00:00.5','2024-10-27 00:30:00','2024-10-27 01:30:00','2024-10-27 01:30:00.5')
INSERT INTO moments VALUES (5,5,'1000-01-01','1000-01-01','1000-01-01 00:00:00.5','10:00','10:00:00.5','2024-10-27 01:30:00','2024-10-27 00:30:00','2024-10-27 00:30:00.5')
SELECT *, UNIX_TIMESTAMP(a.ts6) FROM moments a JOIN moments b ON a.k = b.id ORDER BY a.id
SET time_zone = 'Europe/Berlin'
SELECT *, UNIX_TIMESTAMP(a.ts), UNIX_TIMESTAMP(a.ts6) FROM moments a JOIN moments b ON a.k = b.id ORDER BY a.id
SET time_zone = DEFAULT
SET sql_mode = DEFAULT
SELECT * FROM moments a JOIN moments b ON a.k = b.id ORDER BY a.id
CREATE TABLE strings (id INT PRIMARY KEY, k INT, c CHAR(6), l VARCHAR(20) CHARACTER SET latin1, j VARCHAR(20) CHARACTER SET cp932, w VARCHAR(20) CHARACTER SET utf16, u CHAR(5) CHARACTER SET ucs2, bn BINARY(6), vb VARBINARY(20), tx TEXT, bl BLOB, e ENUM('a','b','é') CHARACTER SET latin1, st SET('x','y','z'), js JSON, uu UUID, ip INET6, i4 INET4)
INSERT INTO strings VALUES (1,2,'ab ','é',_cp932 x'8740','𝄞','xy','a','a ','text','blob','é','x,z','{"a": 1}','123e4567-e89b-12d3-a456-426655440000','::1','1.2.3.4')
INSERT INTO strings VALUES (2,3,'','','','','','','','','','','','[]','00000000-0000-0000-0000-000000000000','::','0.0.0.0')
INSERT IGNORE INTO strings VALUES (3,1,NULL,NULL,_cp932 x'FA54',NULL,NULL,x'00ff00',x'00ff00',NULL,x'00ff00','nosuch',NULL,NULL,NULL,'1:2::3',NULL)
INSERT INTO strings VALUES (4,4,'\'"\\','%_','','','',"\n\0","\r\n",REPEAT('long ',20000),REPEAT(x'00',70000),'a','y','"s"',NULL,NULL,'255.255.255.255')
^SELECT a.*, HEX(b.c), HEX(b.l), HEX(b.j), HEX(b.w), HEX(b.u), HEX(b.bn), HEX(b.vb), b.e + 0, b.st + 0 FROM strings a JOIN strings b ON a.k = b.id ORDER BY a.id
SELECT a.id, a.j FROM strings a JOIN strings b ON a.j = b.j ORDER BY a.id
SELECT a.id FROM strings a JOIN strings b ON a.uu = b.uu AND a.ip = b.ip AND a.i4 = b.i4 ORDER BY a.id
SET NAMES latin1
*SELECT a.id, a.l, a.e, a.c FROM strings a JOIN strings b ON a.l = b.l WHERE a.id > 0 ORDER BY a.id
SET NAMES utf8mb4
CREATE TABLE places (id INT PRIMARY KEY, k INT, p POINT NOT NULL, g GEOMETRY, SPATIAL KEY (p))
INSERT INTO places VALUES (1,2,POINT(1,2),LineString(POINT(0,0),POINT(1,1))),(2,1,POINT(-1,0.5),NULL)
SELECT a.id, ST_AsText(a.p), ST_AsText(b.g) FROM places a JOIN places b ON a.k = b.id ORDER BY a.id
SELECT a.id, b.id FROM places a JOIN places b ON a.k = b.id ORDER BY a.id
CREATE TABLE docs (id INT PRIMARY KEY, k INT, t TEXT, FULLTEXT KEY (t))
INSERT INTO docs VALUES (1,2,'the text'),(2,1,NULL)
SELECT * FROM docs a JOIN docs b ON a.k = b.id ORDER BY a.id
-- what a table has besides columns
CREATE TABLE odd (id INT PRIMARY KEY, a INT NOT NULL, b INT AS (a * 2) STORED, c VARCHAR(10) AS (CONCAT('v', a)) VIRTUAL, hid INT INVISIBLE DEFAULT 5, d TEXT NOT NULL, n INT NOT NULL, UNIQUE KEY (id, b), KEY (c), CHECK (a < 100))
INSERT INTO odd (id, a, d, n) VALUES (1,2,'x',3),(2,1,'y',4),(3,9,'z',5)
SELECT * FROM odd x JOIN odd y ON x.a = y.id ORDER BY x.id
SELECT x.id, x.hid, y.c FROM odd x JOIN odd y ON x.a = y.id ORDER BY x.id
SELECT x.id FROM odd x LEFT JOIN odd y ON x.a = y.id ORDER BY x.id
-- in what follows, that a column is AUTO_INCREMENT is told or not, by whether the server made a temporary table to sort
CREATE TABLE zeros (id INT AUTO_INCREMENT PRIMARY KEY, v INT)
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'
INSERT INTO zeros VALUES (0, 1), (1, 0), (5, 1)
SET sql_mode = DEFAULT
^SELECT * FROM zeros x JOIN zeros y ON x.v = y.id ORDER BY x.id
CREATE TABLE `od``d ü` (`i``d ß` INT PRIMARY KEY, `select` INT)
INSERT INTO `od``d ü` VALUES (1,2),(2,1),(3,3)
SELECT x.`i``d ß`, y.* FROM `od``d ü` x JOIN `od``d ü` y ON x.`select` = y.`i``d ß` ORDER BY 1
CREATE TABLE plain (a INT, b VARCHAR(5))
INSERT INTO plain VALUES (1,'a'),(1,'a'),(NULL,NULL),(2,'b')
SELECT x.a, COUNT(*) FROM plain x JOIN plain y ON x.a <=> y.a GROUP BY x.a ORDER BY 1
-- writes of what a staged query gives
CREATE TABLE target (id INT PRIMARY KEY, v INT, w VARCHAR(20), n INT DEFAULT 3)
INSERT INTO target (id, v, w) SELECT a.id * 1000 + b.id, b.v, b.w FROM ints a JOIN kids b ON a.a = b.v WHERE a.id < 20 AND b.id < 60 ORDER BY a.id, b.id
REPLACE INTO target SELECT a.id, COUNT(*), MIN(b.w), 7 FROM ints a JOIN kids b ON a.a = b.v WHERE a.id > 0 GROUP BY a.id ORDER BY a.id
INSERT INTO target SELECT t.id + 100000 + k.id * 200000, k.v, t.w, 1 FROM target t JOIN kids k ON k.v = t.n
*INSERT IGNORE INTO target (id) SELECT a.a FROM ints a JOIN kids b ON a.a = b.v ORDER BY a.id, b.id
INSERT INTO target (id, v) SELECT a.a, COUNT(*) c FROM ints a JOIN kids b ON a.a = b.v GROUP BY a.a ON DUPLICATE KEY UPDATE v = VALUES(v), n = n + 1
!INSERT INTO target (id) SELECT a.a FROM ints a JOIN kids b ON a.a = b.v
SELECT COUNT(*), SUM(id), SUM(v), SUM(n), MIN(w) FROM target
INSERT INTO colours SELECT CONCAT('c', a.id), a.id, MIN(b.w) FROM ints a JOIN kids b ON a.a = b.v WHERE a.id BETWEEN 0 AND 9 GROUP BY a.id
SELECT * FROM colours ORDER BY name
CREATE TABLE made AS SELECT a.id * 1000 + b.id AS id, b.w FROM ints a JOIN kids b ON a.a = b.v WHERE a.id < 20
SELECT COUNT(*), SUM(id), MIN(w) FROM made
CREATE TABLE made2 (id INT PRIMARY KEY, extra INT DEFAULT 4) SELECT a.id AS id, COUNT(*) AS n FROM ints a JOIN kids b ON a.a = b.v GROUP BY a.id
SELECT COUNT(*), SUM(id), SUM(n), SUM(extra) FROM made2
-- in a transaction, what is not committed
BEGIN
INSERT INTO kids VALUES (9001, 3, 77, 'new'), (9002, 4, 77, 'newer')
UPDATE ints SET a = 77 WHERE id IN (5, 6)
INSERT INTO colours VALUES ('w', 77, 'new')
SELECT a.id, b.id, c.name FROM ints a JOIN kids b ON a.a = b.v JOIN colours c ON c.code = b.v ORDER BY 1, 2, 3
SELECT COUNT(*) FROM ints a JOIN kids b ON a.a = b.v
INSERT INTO target (id, v) SELECT a.id + 50000 + b.id, a.a FROM ints a JOIN kids b ON a.a = b.v WHERE a.a = 77
SAVEPOINT s
DELETE FROM kids WHERE v = 77
SELECT COUNT(*) FROM ints a JOIN kids b ON a.a = b.v WHERE a.a = 77
ROLLBACK TO s
SELECT COUNT(*) FROM ints a JOIN kids b ON a.a = b.v WHERE a.a = 77
ROLLBACK
SELECT COUNT(*) FROM ints a JOIN kids b ON a.a = b.v WHERE a.a = 77
SET autocommit = 0
UPDATE ints SET a = 78 WHERE id IN (5, 6)
SELECT COUNT(*) FROM ints a JOIN ints b ON a.a = b.a WHERE a.a = 78
ROLLBACK
SELECT COUNT(*) FROM ints a JOIN ints b ON a.a = b.a WHERE a.a = 78
COMMIT
SET autocommit = 1
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
BEGIN
SELECT COUNT(*) FROM ints a JOIN ints b ON a.a = b.a
COMMIT
-- prepared by name
PREPARE p FROM 'SELECT a.id, b.id FROM ints a JOIN kids b ON a.a = b.v WHERE a.id < ? AND b.w > ? ORDER BY 1, 2 LIMIT 10'
SET @i = 40, @w = 'b'
EXECUTE p USING @i, @w
EXECUTE p USING @i, @w
SELECT ROW_COUNT()
DEALLOCATE PREPARE p
-- rows of partitions, and rows that are no more
>CREATE TABLE cut (id INT, k INT, v INT, PRIMARY KEY (id, k), SHARD KEY (id)) PARTITION BY RANGE (k) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN MAXVALUE)
INSERT INTO cut SELECT seq, seq * 7 % 30, seq % 5 FROM seq_1_to_60
SELECT a.id, b.id FROM cut PARTITION (p0) a JOIN cut PARTITION (p0) b ON a.v = b.k ORDER BY 1, 2
SELECT a.id, b.id FROM cut PARTITION (p0) a JOIN cut PARTITION (p1, p2) b ON a.v = b.v ORDER BY 1, 2
SELECT COUNT(*), SUM(cut.v), SUM(x.v) FROM cut PARTITION (p1) JOIN cut x ON cut.v = x.k
SELECT id, RANK() OVER (ORDER BY v, id) FROM cut PARTITION (p2) WHERE v > 1 ORDER BY id
SELECT COUNT(*) FROM kids JOIN cut PARTITION (p1) c ON c.k = kids.v WHERE c.v IN (SELECT v FROM cut PARTITION (p2))
*!SELECT COUNT(*) FROM cut PARTITION (p9) a JOIN cut b ON a.v = b.k
CREATE TABLE kept (id INT PRIMARY KEY, v INT, w VARCHAR(10)) WITH SYSTEM VERSIONING
>CREATE TABLE spans (id INT AUTO_INCREMENT PRIMARY KEY, v INT, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, n INT WITHOUT SYSTEM VERSIONING, PERIOD FOR SYSTEM_TIME (s, e), UNIQUE (id, v), SHARD KEY (id)) WITH SYSTEM VERSIONING
SET timestamp = 1700000000
INSERT INTO kept SELECT seq, seq % 7, 'first' FROM seq_1_to_40
INSERT INTO spans (v, n) VALUES (1, 2), (2, 3), (3, 4), (4, 5)
SET timestamp = 1700000100
UPDATE kept SET v = v + 1, w = 'second' WHERE id % 2 = 0
UPDATE spans SET v = v + 1
SET timestamp = 1700000200
DELETE FROM kept WHERE id % 3 = 0
DELETE FROM spans WHERE id = 2
SET timestamp = 1700000300
SELECT a.id, b.id, a.w FROM kept a JOIN kept b ON a.v = b.v ORDER BY a.id, b.id
^SELECT a.id, a.v, a.w, a.row_start, a.row_end, b.v FROM kept FOR SYSTEM_TIME ALL a JOIN kept b ON a.v = b.id ORDER BY 1, 4, 5
^SELECT * FROM kept FOR SYSTEM_TIME ALL JOIN kids k ON kept.v = k.v WHERE kept.id < 5 AND k.id < 30 ORDER BY kept.id, kept.w, k.id
^SELECT a.id, a.w, b.w FROM kept FOR SYSTEM_TIME AS OF TIMESTAMP'2023-11-14 22:14:00' a JOIN kept FOR SYSTEM_TIME AS OF FROM_UNIXTIME(1700000150) b ON a.id = b.v ORDER BY 1, 2, 3
>@SELECT a.id FROM kept FOR SYSTEM_TIME AS OF (SELECT MAX(row_start) FROM kept) a JOIN kept b ON a.v = b.id
SET @then = FROM_UNIXTIME(1700000150)
^SELECT a.id, a.w, b.w FROM kept FOR SYSTEM_TIME AS OF @then a JOIN kept b ON a.v = b.id ORDER BY 1, 2, 3
^SELECT a.id, a.w FROM kept FOR SYSTEM_TIME BETWEEN NOW() - INTERVAL 150 SECOND AND NOW() a JOIN kept b ON a.v = b.id WHERE a.w = 'second' ORDER BY 1, 2
^SELECT id, w, COUNT(*) OVER (PARTITION BY w) FROM kept FOR SYSTEM_TIME FROM '2000-01-01' TO '2023-11-14 22:14:00' ORDER BY id
^SELECT COUNT(*) FROM kept FOR SYSTEM_TIME ALL x JOIN spans FOR SYSTEM_TIME ALL y ON x.v = y.v WHERE x.row_end > y.s
^SELECT a.id, a.v, a.s, a.e, b.n FROM spans FOR SYSTEM_TIME ALL a JOIN spans b ON a.v = b.id ORDER BY a.id, a.s
^SELECT a.*, b.e FROM spans a JOIN spans b ON a.v = b.id ORDER BY a.id
^SELECT COUNT(*) FROM kept FOR SYSTEM_TIME ALL NATURAL JOIN spans
CREATE TABLE past (n INT AUTO_INCREMENT PRIMARY KEY, id INT, v INT)
+INSERT INTO past (id, v) SELECT a.id, b.v FROM kept FOR SYSTEM_TIME AS OF '2023-11-14 22:14:00' a JOIN kept b ON a.v = b.id ORDER BY a.id
SELECT id, v FROM past ORDER BY id, v
SET timestamp = DEFAULT
-- under LOCK TABLES
CREATE TABLE ltarget (id INT PRIMARY KEY, n INT)
CREATE VIEW lseen AS SELECT id, a FROM ints WHERE id BETWEEN 10 AND 30
LOCK TABLES ints READ, kids AS k READ, colours READ, ints AS b WRITE, ltarget WRITE
SELECT ints.id, k.id FROM ints JOIN kids k ON k.v = ints.a AND k.id < 20 WHERE ints.id < 40 ORDER BY 1, 2
SELECT ints.id FROM ints JOIN kids ON kids.v = ints.a
SELECT COUNT(*) FROM ints a JOIN kids k ON k.v = a.a
SELECT COUNT(*), MAX(colours.name) FROM ints JOIN kids k ON k.v = ints.a JOIN colours ON colours.code = k.v
SELECT COUNT(*) FROM ints JOIN kids k ON k.v = ints.a JOIN codes ON codes.id = k.v
SELECT id, RANK() OVER (ORDER BY a DESC, id) FROM ints WHERE id < 20 ORDER BY id
SELECT ints.id, b.id FROM ints JOIN ints b ON ints.a = b.id WHERE ints.id BETWEEN 5 AND 9 ORDER BY 1, 2
SELECT COUNT(*) FROM ints WHERE a > (SELECT AVG(v) FROM kids k)
SELECT COUNT(*) FROM ints WHERE a > (SELECT AVG(v) FROM kids)
SELECT id FROM ints WHERE id IN (SELECT v FROM kids k) ORDER BY id
WITH w AS (SELECT v, COUNT(*) AS n FROM kids k GROUP BY v) SELECT ints.id, w.n FROM ints JOIN w ON w.v = ints.a ORDER BY 1, 2 LIMIT 5
INSERT INTO ltarget SELECT ints.id, COUNT(*) FROM ints JOIN kids k ON k.v = ints.a GROUP BY ints.id
SELECT COUNT(*), SUM(n) FROM ltarget
INSERT INTO ltarget SELECT ints.id, COUNT(*) FROM ints JOIN kids ON kids.v = ints.a GROUP BY ints.id
INSERT INTO kids SELECT ints.id + 7000, COUNT(*), 1, 'x' FROM ints JOIN kids k ON k.v = ints.a GROUP BY ints.id
UPDATE ints b SET a = 1 WHERE id = 3
SELECT ints.id, k.id FROM ints JOIN kids k ON k.v = ints.a AND k.id < 20 WHERE ints.id < 40 ORDER BY 1, 2
UNLOCK TABLES
SET autocommit = 0
LOCK TABLES ints WRITE, kids WRITE, colours READ, lseen READ
UPDATE ints SET a = 2 WHERE id < 5
SELECT ints.id, kids.id FROM ints JOIN kids ON kids.v = ints.a AND kids.id < 20 WHERE ints.id < 40 ORDER BY 1, 2
SELECT COUNT(*), MAX(colours.name) FROM ints JOIN kids ON kids.v = ints.a JOIN colours ON colours.code = kids.v
SELECT lseen.id, COUNT(*) FROM lseen JOIN kids ON kids.v = lseen.a GROUP BY lseen.id ORDER BY 1
ROLLBACK
SELECT ints.id, kids.id FROM ints JOIN kids ON kids.v = ints.a AND kids.id < 20 WHERE ints.id < 40 ORDER BY 1, 2
UNLOCK TABLES
SET autocommit = 1
-- copies without the keys and columns that nobody reads, and with each row once where nobody counts them
CREATE TABLE ask (id INT PRIMARY KEY, k INT, m BIGINT NOT NULL, d DECIMAL(6,2), s VARCHAR(10) COLLATE utf8mb4_general_ci, dt DATE)
CREATE TABLE told (id INT AUTO_INCREMENT PRIMARY KEY, k INT, n INT NOT NULL DEFAULT (k + 1), d DECIMAL(6,2), s VARCHAR(10) COLLATE utf8mb4_general_ci, b VARCHAR(10) COLLATE utf8mb4_bin, dt DATE, KEY ks (k, s), KEY (n, k), KEY (s(3)), CHECK (n > -100))
CREATE TABLE none (id INT PRIMARY KEY, k INT, s VARCHAR(10))
CREATE TABLE two (a INT, b INT, k INT, note TEXT, PRIMARY KEY (a, b), UNIQUE KEY (b, k), KEY (k), SHARD KEY (b))
INSERT INTO ask VALUES (1,1,1,1,'a','2020-01-01'),(2,2,2,1.5,'A',NULL),(3,3,3,NULL,'b',NULL),(4,NULL,4,3,NULL,'2020-01-02'),(5,5,5,5,'b ','2020-01-03'),(6,6,6,0,'ä','2020-01-01')
INSERT INTO told VALUES (1,1,1,1,'A','A','2020-01-01'),(2,1,2,1,'a','a','2020-01-01'),(3,1,3,1,'a','A',NULL),(4,2,2,2.5,'B','b','2020-01-02'),(5,NULL,1,1.5,'b','B',NULL),(6,NULL,2,NULL,NULL,NULL,NULL),(7,6,7,0,'a ','a','2020-01-03'),(8,6,7,-0,'c','C ','2020-01-03')
INSERT INTO two VALUES (1,1,1,'x'),(1,2,1,'y'),(2,1,2,NULL),(2,2,NULL,''),(3,3,6,'z'),(4,3,1,'x')
SELECT id FROM ask WHERE EXISTS (SELECT * FROM told WHERE told.k = ask.k) ORDER BY id
SELECT id FROM ask WHERE NOT EXISTS (SELECT * FROM told WHERE told.k = ask.k) ORDER BY id
SELECT id FROM ask WHERE NOT EXISTS (SELECT 1 FROM told WHERE told.k = ask.m AND told.n <> ask.k) ORDER BY id
SELECT id FROM ask WHERE k IN (SELECT k FROM told) ORDER BY id
SELECT id FROM ask WHERE k NOT IN (SELECT k FROM told) ORDER BY id
SELECT id FROM ask WHERE k NOT IN (SELECT k FROM told WHERE k IS NOT NULL) ORDER BY id
SELECT id, k IN (SELECT k FROM told), k NOT IN (SELECT n FROM told), d IN (SELECT d FROM told) FROM ask ORDER BY id
SELECT id FROM ask WHERE (k, d) IN (SELECT k, d FROM told) ORDER BY id
SELECT id FROM ask WHERE (k, d) NOT IN (SELECT k, d FROM told WHERE n < 7) ORDER BY id
SELECT id FROM ask WHERE dt NOT IN (SELECT dt FROM told WHERE dt > '2019-01-01') ORDER BY id
SELECT id FROM ask WHERE m IN (SELECT d FROM told) ORDER BY id
SELECT id FROM ask WHERE s IN (SELECT s FROM told) ORDER BY id
SELECT id FROM ask WHERE s NOT IN (SELECT s FROM told WHERE s IS NOT NULL) ORDER BY id
SELECT id FROM ask WHERE EXISTS (SELECT * FROM told WHERE told.s = ask.s COLLATE utf8mb4_bin) ORDER BY id
SELECT id FROM ask WHERE EXISTS (SELECT * FROM told WHERE told.b = ask.s) ORDER BY id
SELECT id FROM ask WHERE NOT EXISTS (SELECT * FROM told WHERE told.b = ask.s AND told.k = ask.k) ORDER BY id
SELECT id FROM ask WHERE EXISTS (SELECT * FROM told WHERE BINARY told.s = ask.s AND LENGTH(told.s) = 1) ORDER BY id
SELECT id FROM ask WHERE k IN (SELECT k FROM none) OR NOT EXISTS (SELECT * FROM none) ORDER BY id
SELECT id FROM ask WHERE k NOT IN (SELECT k FROM none) AND EXISTS (SELECT * FROM told JOIN two ON two.k = told.k WHERE told.n = ask.k) ORDER BY id
SELECT COUNT(*) FROM none WHERE NOT EXISTS (SELECT * FROM told WHERE told.k = none.k)
SELECT id FROM ask WHERE EXISTS (SELECT k FROM told WHERE told.k = ask.k LIMIT 1, 1) ORDER BY id
SELECT id FROM ask WHERE EXISTS (SELECT k FROM told WHERE told.k = ask.k GROUP BY k HAVING COUNT(*) > 1) ORDER BY id
SELECT id FROM ask WHERE 1 < (SELECT COUNT(*) FROM told WHERE told.k = ask.k) ORDER BY id
!SELECT id, (SELECT told.k FROM told WHERE told.k = ask.k AND n < 3) FROM ask ORDER BY id
SELECT id, (SELECT told.k FROM told WHERE told.k = ask.k AND n = 2) FROM ask WHERE id < 3 ORDER BY id
SELECT a.id FROM ask a WHERE a.k IN (SELECT t.k FROM told t WHERE t.n IN (SELECT w.k FROM two w WHERE w.a <> t.n)) ORDER BY id
SELECT a.id, COUNT(t.id), SUM(t.n) FROM ask a LEFT JOIN told t ON t.k = a.m GROUP BY a.id ORDER BY a.id
SELECT a.id, t.k, t.n, t.s FROM ask a JOIN told t ON t.k = a.m ORDER BY a.id, t.n, t.id
SELECT t.k, w.k, w.b FROM told t JOIN two w ON w.k = t.k ORDER BY t.id, w.a, w.b
SELECT t.n, w.note FROM told t JOIN two w ON w.a = t.n ORDER BY t.n, w.note
SELECT MAX(w.a), MIN(w.note) FROM told t JOIN two w ON w.k = t.n
SELECT COUNT(*) FROM told a, two b
SELECT COUNT(*), COUNT(DISTINCT a.k) FROM told a, told b WHERE a.n = b.n
SELECT a.n, DEFAULT(b.n) IS NULL FROM told a JOIN told b ON a.n = b.k ORDER BY a.id, b.id
SELECT GROUP_CONCAT(a.s), GROUP_CONCAT(b.n) FROM told a JOIN ask b ON a.k = b.m
-- the small tables first, whose keys leave less of the others, in each direction
^SELECT a.id, t.id, w.a FROM ask a JOIN told t ON t.k = a.m JOIN two w ON w.k = t.n WHERE a.s = 'a' ORDER BY a.id, t.id, w.a, w.b
^SELECT a.id, t.id, w.a FROM ask a JOIN told t ON t.k = a.m JOIN two w ON w.k = t.n WHERE w.note = 'x' ORDER BY a.id, t.id, w.a, w.b
^SELECT a.id, t.id, w.a FROM ask a LEFT JOIN told t ON t.k = a.m AND t.n = 2 LEFT JOIN two w ON w.k = t.n WHERE a.d > 0 ORDER BY a.id, t.id, w.a, w.b
^SELECT a.id, t.id FROM none n JOIN ask a ON a.k = n.k JOIN told t ON t.k = a.m ORDER BY 1, 2
^SELECT a.id, t.id FROM ask a JOIN told t ON t.s = a.s AND t.k = a.k ORDER BY 1, 2
^SELECT a.id, t.id FROM ask a JOIN told t ON t.b = a.s ORDER BY 1, 2
-- a key that the text names is there
SELECT COUNT(*) FROM ask a LEFT JOIN told t FORCE INDEX (PRIMARY) ON t.k = a.m
SELECT COUNT(*) FROM ask a JOIN told t USE KEY FOR JOIN (ks) ON t.k = a.m
SELECT COUNT(*) FROM ask a JOIN told t IGNORE INDEX (n) ON t.n = a.m
