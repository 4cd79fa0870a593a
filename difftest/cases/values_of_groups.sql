-- Expressions over groups that partitions answer by parts: a member of ENUM and SET is a number, too, a YEAR is compared with 20 as with 2020, ZEROFILL shows in strings, and ROUND to a column's digits prints as many as there were.
CREATE TABLE d1.lot (id INT NOT NULL, size ENUM('z','y','x'), tags SET('q','p'), made YEAR, no INT(5) ZEROFILL, digits INT NOT NULL, price DECIMAL(10,2), took VARCHAR(9), PRIMARY KEY (id));
INSERT INTO lot VALUES (1, 'z', 'q', 2020, 7, 1, 1.25, '10:00'), (2, 'x', 'p', 2021, 8, 2, 2.5, '1.5'), (3, NULL, NULL, NULL, NULL, 1, NULL, NULL), (4, 'y', 'q,p', 2020, 9, 2, 7.77, '10:00:01'), (5, 'y', '', 1999, 10, 3, 0.01, '2'), (6, 'z', 'p', 2005, 7, 1, 4.44, '7');
SELECT size, COUNT(*) FROM lot GROUP BY size HAVING size > 1;
SELECT size AS s, COUNT(*) FROM lot GROUP BY s HAVING s = 3 OR s IS NULL;
SELECT tags, COUNT(*) FROM lot GROUP BY tags HAVING tags & 2;
SELECT digits, MIN(size) + 0, MAX(tags) + COUNT(*) FROM lot GROUP BY digits;
SELECT size, COUNT(*) FROM lot GROUP BY size ORDER BY size * COUNT(*), size;
SELECT made, COUNT(*) FROM lot GROUP BY made HAVING made = 20;
SELECT made, COUNT(*) FROM lot GROUP BY made HAVING made > 5;
SELECT made, COUNT(*) FROM lot GROUP BY made HAVING COUNT(*) > 0 AND (made >= 2005) AND made <> 2021;
SELECT no, CONCAT(no, '-', COUNT(*)) FROM lot GROUP BY no;
SELECT no, COUNT(*) FROM lot GROUP BY no HAVING no LIKE '0000%';
SELECT digits, ROUND(SUM(price), digits), CONCAT(TRUNCATE(AVG(price), digits), '!'), ROUND(MAX(price), 1) FROM lot GROUP BY digits;
-- prepared
SELECT digits, ROUND(SUM(price), digits) FROM lot GROUP BY digits HAVING digits = 1;
SELECT digits, TIME(MIN(took)), STR_TO_DATE('10:11', IF(COUNT(*) > 1, '%H:%i', '%H')) FROM lot GROUP BY digits;
-- What a client's character set has no characters for is told as question marks, and what MariaDB calls an expression is a name.
CREATE TABLE d1.told (id INT NOT NULL, n INT, s VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, u VARCHAR(5) CHARACTER SET ucs2, PRIMARY KEY (id));
SET NAMES utf8mb4;
INSERT INTO told VALUES (1, 1, 'яя', 'ab'), (2, 1, 'ж', 'c'), (3, 2, NULL, NULL), (4, 2, 'ж', 'ю'), (5, 3, 'z', '');
SELECT n + 1, COUNT(*) FROM told GROUP BY `n + 1` HAVING `COUNT(*)` > 1;
SELECT n, COUNT(*) FROM told GROUP BY n ORDER BY `COUNT(*)` DESC, n;
-- prepared
SELECT id + 1 FROM told ORDER BY `id + 1` DESC;
SELECT DISTINCT n * 2 FROM told ORDER BY `n * 2` DESC LIMIT 1;
SET NAMES latin1;
SELECT s, LENGTH(s) * COUNT(*), HEX(s) FROM told GROUP BY s;
SELECT s, COUNT(*), CONCAT(HEX(s), COUNT(*)) FROM told GROUP BY s HAVING LENGTH(s) > 1;
-- prepared
SELECT n, HEX(MAX(s)), CONCAT(MAX(s), COUNT(*)), LENGTH(MAX(s)) + 1 FROM told GROUP BY n;
SELECT n FROM told GROUP BY n HAVING LENGTH(MAX(s)) > 2;
SET NAMES binary;
SELECT n, HEX(CONCAT(MAX(u), COUNT(*))) FROM told GROUP BY n;
SET NAMES utf8mb4;
-- A client that speaks in bytes is told strings as such, and they are in their collations' order.
CREATE TABLE d1.raw (id INT NOT NULL, n INT NOT NULL, s VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, l CHAR(5) CHARACTER SET latin1, e ENUM('z', 'A', 'b'), v VARBINARY(5), PRIMARY KEY (id));
INSERT INTO raw VALUES (1, 1, 'a', 'x', 'z', 'b'), (2, 1, 'B', 'Y', 'A', 'B'), (3, 2, 'c', 'Z', 'b', 'a\0'), (4, 2, 'D', 'w', 'z', 'a'), (5, 1, 'E', NULL, NULL, ''), (6, 3, NULL, 'y', 'A', NULL), (7, 1, 'b', 'y', 'A', 'b'), (8, 1, 'A', 'x', 'A', 'b');
SET NAMES binary;
SELECT id, s FROM raw ORDER BY s, id;
SELECT LOWER(s) FROM raw GROUP BY LOWER(s);
SELECT COUNT(*), MIN(id) FROM raw GROUP BY s;
SELECT COUNT(*), MIN(id) FROM raw GROUP BY l ORDER BY l DESC;
SELECT v, COUNT(*), MAX(v) > 'a' FROM raw GROUP BY v HAVING v <> 'B' ORDER BY v DESC;
SELECT CONCAT(v, '!') AS q, COUNT(*), HEX(MIN(CONCAT(v, '!'))) FROM raw GROUP BY q ORDER BY q DESC;
SELECT COUNT(DISTINCT s), COUNT(DISTINCT l), COUNT(DISTINCT e), COUNT(DISTINCT v), COUNT(DISTINCT CONCAT(s, l)) FROM raw;
SELECT LOWER(MAX(s)), LOWER(MIN(s)), LOWER(MAX(l)), MIN(e), MAX(e), MIN(v), MAX(v) FROM raw;
-- prepared
SELECT n, MAX(s) FROM raw WHERE id NOT IN (7, 8) GROUP BY n ORDER BY MAX(s) DESC;
SELECT COUNT(*) FROM raw GROUP BY s HAVING s = 'b';
-- prepared
SELECT COUNT(*) FROM raw GROUP BY s HAVING s > 'B';
SELECT n, COUNT(*) FROM raw GROUP BY n HAVING MAX(s) = 'E' OR MAX(s) = 'd';
SELECT n, CONCAT(COUNT(*), MAX(l)), 'X' AS k FROM raw WHERE id < 7 GROUP BY n HAVING k = 'x' OR COUNT(*) > 1;
SELECT DISTINCT LOWER(s) FROM raw ORDER BY 1;
SELECT s FROM raw WHERE id < 3 UNION SELECT s FROM raw WHERE id < 6 ORDER BY 1;
SELECT s, COUNT(*) FROM raw WHERE id < 6 GROUP BY s WITH ROLLUP;
SELECT id FROM raw ORDER BY s FETCH FIRST 2 ROWS WITH TIES;
SELECT r.s, g.c FROM raw r JOIN (SELECT s, COUNT(*) AS c FROM raw GROUP BY s) g ON g.s = r.l OR g.s = r.s WHERE r.id < 6;
CREATE TABLE d1.raw2 (id INT NOT NULL, s VARCHAR(9) CHARACTER SET utf8mb4, PRIMARY KEY (id));
-- changes: d1.raw2
INSERT INTO raw2 SELECT n, MAX(l) FROM raw GROUP BY n;
-- changes: d1.raw2
UPDATE raw2 SET s = (SELECT MAX(l) FROM raw WHERE raw.n = raw2.id);
SET NAMES utf8mb4;
SET character_set_results = binary;
SELECT id, s FROM raw ORDER BY s, id;
SELECT COUNT(*), MIN(id) FROM raw GROUP BY s HAVING s = 'b';
SET character_set_results = NULL;
SELECT id, s FROM raw ORDER BY s, id;
SET NAMES utf8mb4;
-- What a TIMESTAMP prints may be there twice: its seconds are asked of the partitions.
CREATE TABLE d1.seen (id INT NOT NULL, n INT NOT NULL, ts TIMESTAMP NULL, fine TIMESTAMP(3) NULL, PRIMARY KEY (id));
INSERT INTO seen VALUES (1, 1, '2020-10-25 00:10:00', '2020-10-25 00:10:00.125'), (2, 1, '2020-10-25 01:05:00', NULL), (3, 2, '2020-10-25 01:30:00', '2020-10-25 01:30:00'), (4, 2, '2020-10-25 00:10:00', '2021-01-01 00:00:00.5'), (5, 3, NULL, NULL);
SELECT n, UNIX_TIMESTAMP(MAX(ts)) - UNIX_TIMESTAMP(MIN(ts)) AS took, UNIX_TIMESTAMP(MAX(fine)), MAX(ts) FROM seen GROUP BY n ORDER BY UNIX_TIMESTAMP(MAX(fine)) DESC;
-- prepared
SELECT ts, UNIX_TIMESTAMP(ts) * COUNT(*), UNIX_TIMESTAMP(MIN(fine)) FROM seen GROUP BY ts HAVING UNIX_TIMESTAMP(ts) > 0 AND MAX(ts) > '2000-01-01';
SELECT UNIX_TIMESTAMP(MAX(ts)), UNIX_TIMESTAMP(MIN(fine)) FROM seen WHERE id > 9;
-- JSON is a part of the JSON that is made of it, not a string.
CREATE TABLE d1.doc (id INT NOT NULL, n INT NOT NULL, j JSON, s VARCHAR(9), PRIMARY KEY (id));
INSERT INTO doc VALUES (1, 1, '{"a": 1}', 'x'), (2, 2, '[1, 2]', '{}'), (3, 3, '"s"', NULL), (4, 1, NULL, 'y'), (5, 2, '{"b": [1]}', 'z');
SELECT j, JSON_OBJECT('k', j, 'c', COUNT(*)) FROM doc GROUP BY j;
-- prepared
SELECT n, JSON_OBJECT('k', MAX(j), 'c', COUNT(*)), JSON_ARRAY(MIN(j), MAX(s)) FROM doc GROUP BY n;
SELECT n, JSON_OBJECT('s', s, 'c', COUNT(*)) FROM doc GROUP BY n, s;
SELECT b, JSON_ARRAY(b, COUNT(*)) FROM (SELECT id, n = 1 AS b FROM doc) d GROUP BY b;
