-- point, IN, range and scatter reads
SELECT * FROM ints WHERE id = 5
SELECT * FROM ints WHERE id = -5
SELECT * FROM ints WHERE id = '5'
SELECT id, a FROM ints WHERE id = 5.0
SELECT id, a FROM ints WHERE id = 5.5
SELECT id, a FROM ints WHERE id = '5abc'
SELECT id, a FROM ints WHERE id = '5e0'
SELECT id, a FROM ints WHERE id = 5e0
SELECT id, a FROM ints WHERE id = 0x05
SELECT id, a FROM ints WHERE id = TRUE
SELECT id, a FROM ints WHERE id = NULL
SELECT id, a FROM ints WHERE id <=> NULL
SELECT id, a FROM ints WHERE id IS NULL
SELECT id, a FROM ints WHERE id <=> 7
SELECT id, a FROM ints WHERE 7 = id
SELECT id, a FROM ints WHERE id = 3+4
SELECT id, a FROM ints WHERE id = ABS(-7)
SELECT id, a FROM ints WHERE id IN (1,2,3)
SELECT id, a FROM ints WHERE id IN (1,2,'3',4.0,NULL,99999)
SELECT id, a FROM ints WHERE id NOT IN (1,2,3) AND id < 10
SELECT id, a FROM ints WHERE id = 1 OR id = 2
SELECT id, a FROM ints WHERE id = 1 OR a = 2
SELECT id, a FROM ints WHERE id = 1 AND a IS NULL
SELECT id, a FROM ints WHERE id = 1 AND id = 2
SELECT id, a FROM ints WHERE (id = 1 OR id = 4) AND (a > 0 OR a IS NULL)
SELECT id, a FROM ints WHERE NOT (id <> 5)
SELECT id, a FROM ints WHERE id BETWEEN 3 AND 8
SELECT id, a FROM ints WHERE id > 270 AND id < 275
SELECT id, a FROM ints WHERE (id, a) = (5, 3)
SELECT id, a FROM ints WHERE (id, a) IN ((5, 3),(6,1))
SELECT i.id, i.a FROM ints i WHERE i.id = 11
SELECT i.id, i.a FROM ints AS i WHERE i.id IN (11,12) AND i.a IS NOT NULL
SELECT ints.id FROM ints WHERE ints.id = 12
SELECT * FROM pairs WHERE a = 1 AND b = 'k6'
SELECT * FROM pairs WHERE a = 1 AND b = 'K6'
SELECT * FROM pairs WHERE a = 1 AND b = 'k6  '
SELECT * FROM pairs WHERE a = 1 AND b IN ('k6','K11','k16','nope')
SELECT * FROM pairs WHERE a IN (1,2) AND b IN ('k6','k7')
SELECT * FROM pairs WHERE (a,b) IN ((1,'k6'),(2,'k7'))
SELECT * FROM pairs WHERE a = 3
SELECT * FROM pairs WHERE b = 'k8'
SELECT * FROM kids WHERE pid = 7
SELECT * FROM kids WHERE pid = 7 AND id = 3
SELECT * FROM kids WHERE id = 3
SELECT k, n FROM sg WHERE k = 'A'
SELECT k, n FROM sg WHERE k = 'é'
SELECT k, n FROM sg WHERE k = 'x '
SELECT k, n FROM sg WHERE k = ''
SELECT k, n FROM sg WHERE k IN ('STRASSE','ss','Z','zebra')
SELECT k, n FROM sg WHERE k LIKE 'x%'
SELECT k, n FROM sg WHERE k = 10
SELECT k, n FROM sg WHERE k COLLATE utf8mb4_bin = 'a'
SELECT k, n FROM sg WHERE k = 'a' COLLATE utf8mb4_bin
SELECT k, n FROM sg WHERE k = _latin1'a'
SELECT k, n FROM sg WHERE k = x'61'
SELECT k, n FROM sg WHERE k = N'a'
SELECT k, n FROM sg WHERE k = 'a' 'b'
SELECT k, n FROM su WHERE k = 'ß'
SELECT k, n FROM su WHERE k = 'SS'
SELECT k, n FROM su WHERE k = 'straße'
SELECT k, n FROM su WHERE k IN ('É','Ö','B')
SELECT k, n FROM su WHERE k = 'x   '
SELECT k, n FROM sl WHERE k = 'é'
SELECT k, n FROM sl WHERE k = 'É'
SELECT k, n FROM sl WHERE k = 'ß'
SELECT k, n FROM sl WHERE k = 'SS'
SELECT k, n FROM sl WHERE k = 'Ü'
SELECT k, n FROM sl WHERE k = 'ö'
SELECT k, n FROM sl WHERE k = '漢'
SELECT k, n FROM sb WHERE k = 'a'
SELECT k, n FROM sb WHERE k = 'A'
SELECT k, n FROM sb WHERE k = 'a '
SELECT k, n FROM sb WHERE k IN ('ß','é','Zebra')
SELECT k, n FROM sc WHERE k = 'é'
SELECT k, n FROM sc WHERE k = 'E'
SELECT k, n FROM sc WHERE k IN ('straße','x2','x')
SELECT k, n FROM sc WHERE k = 'x '
SELECT k, n FROM vb WHERE k = 'a'
SELECT k, n FROM vb WHERE k = 'a '
SELECT k, n FROM vb WHERE k = x'61'
SELECT k, n FROM vb WHERE k = 'é'
SELECT * FROM decs WHERE k < -55
SELECT k, n FROM decs WHERE k = 0.5
SELECT k, n FROM decs WHERE k IN (SELECT 1)
SELECT * FROM dts WHERE k = '2024-01-01 00:00:00'
SELECT * FROM dts WHERE k > '2024-12-05'
SELECT * FROM dts WHERE k = '2024-03-04'
SELECT * FROM dts WHERE k = DATE'2024-03-04'
SELECT * FROM dts WHERE k = TIMESTAMP'2024-03-04 10:00:00'
SELECT * FROM dts WHERE k = 20240304000000
SELECT * FROM ens WHERE e = 'red'
SELECT * FROM ens WHERE e = 'RED'
SELECT * FROM ens WHERE e = 1
SELECT * FROM ens WHERE e = '1'
SELECT * FROM ens WHERE e = 'red' AND n = 3
SELECT * FROM ens WHERE e IN ('red','blue') AND n < 10
SELECT * FROM ens WHERE e = 'purple'
SELECT * FROM ens WHERE e = 0
SELECT * FROM loose WHERE x = 3
SELECT * FROM loose WHERE s IS NULL
SELECT * FROM colours WHERE name = 'RED'
SELECT * FROM colours
SELECT name, code + 1 FROM colours ORDER BY code DESC
SELECT 1, 'a', NULL, 2.50, 1e3
SELECT 1 FROM DUAL
SELECT 1 + 1 AS two, CONCAT('a','b') AS ab
SELECT 1 FROM ints WHERE id = 5
SELECT 1 FROM ints WHERE FALSE
SELECT id FROM ints WHERE 1 = 0
SELECT id FROM ints WHERE NULL
SELECT nope FROM ints WHERE id = 5
SELECT nope FROM ints
SELECT id FROM nope
SELECT id FROM nope WHERE id = 1
SELECT ints.nope FROM ints
SELECT x.id FROM ints
SELECT id id FROM ints id WHERE id.id = 3
SELECT * FROM eq_nowhere.t
SELECT SQL_NO_CACHE id FROM ints WHERE id = 5
SELECT id FROM ints FORCE INDEX (PRIMARY) WHERE id = 5
SELECT id FROM ints USE INDEX () WHERE id < -15
SELECT /*+ x */ id FROM ints WHERE id = 5
SELECT id /*!50000 , a */ FROM ints WHERE id = 5 /*!99999 AND 1=0 */
SELECT id FROM ints WHERE id = 5 -- comment
SELECT id FROM ints WHERE id = 5 # comment
SELECT `id`, `a` AS `the a` FROM `ints` WHERE `id` = 5
SELECT id FROM ints WHERE id = 1 LOCK IN SHARE MODE
SELECT id FROM ints WHERE id = 1 FOR UPDATE
SELECT id FROM ints WHERE id < -15 FOR UPDATE
-- a constant key: partitions without rows warn less often
*SELECT id FROM ints WHERE id = 1/0
-- a server warns once of a constant in a condition, and once for each row of one in the list
SELECT id FROM ints WHERE a = 'abc'
SELECT id FROM ints WHERE a > '1x' AND id < 40
SELECT COUNT(*) FROM ints WHERE a > '1x'
SELECT id FROM ints WHERE DATE('nonsense') IS NULL AND id < 40
SELECT id, 1/0 FROM ints WHERE id < 30
SELECT id, 'a' + 1 FROM ints WHERE a = 'abc' OR id < 20
SELECT id, 1/0 FROM ints ORDER BY id LIMIT 3
#SELECT 1/0 FROM ints LIMIT 5
SELECT id, 1/0 FROM ints ORDER BY id LIMIT 2, 3
SELECT DISTINCT 1/0 FROM ints
SELECT 1/0 FROM ints WHERE id < 9 UNION ALL SELECT 2/0 FROM ints WHERE id < 9
SELECT id, a/0 FROM ints WHERE id = 5
SELECT id, CAST('x' AS INT) FROM ints WHERE id IN (4,5,6)
SELECT CAST('1x' AS INT)
SELECT id FROM ints WHERE id = '1x'
SELECT HEX(k), n FROM sl WHERE n = 1
SELECT ST_AsText(POINT(1,2)) FROM ints WHERE id = 5
SELEC 1
SELECT FROM ints
SELECT id FROM ints WHERE
SELECT id FROM ints WHERE id = 'unclosed
SELECT id, FROM ints WHERE id = 1
SELECT COUNT(* FROM ints
SELECT id FROM ints WHERE id = 5 GARBAGE HERE
SELECT 'it''s', "double", 'back\\slash', 'new\nline', 'nul\0'
SELECT _utf8mb4'é', _latin1 x'e9', 0x41, b'01000001', X'42'
SELECT -5, - -5, +5, 5 DIV 2, 5 % 3, 5 MOD 3, 2 << 3, 5 & 4, 5 | 2, 5 ^ 1, ~0
SELECT 1 IN (1,2), 1 BETWEEN 0 AND 2, 'a' LIKE 'A', 'a' RLIKE '^A', NULL IS NULL, NOT 1, 1 XOR 1
SELECT CASE WHEN 1 THEN 'x' ELSE 'y' END, IF(0,1,2), IFNULL(NULL,3), NULLIF(1,1), COALESCE(NULL,4)
SELECT INTERVAL(5,1,10), DATE'2024-01-31' + INTERVAL 1 MONTH, TIMESTAMPDIFF(DAY,'2024-01-01','2024-03-01')
SELECT JSON_EXTRACT('{"a":[1,2]}', '$.a[1]'), JSON_VALUE('{"a":"x"}', '$.a')
VALUES (1,2),(3,4)
TABLE ints
SELECT (SELECT COUNT(*) FROM colours), (SELECT MAX(code) FROM colours)
SELECT id FROM ints WHERE id = (SELECT MIN(code) FROM colours)
SELECT id, (SELECT label FROM codes WHERE codes.id = ints.a) l FROM ints WHERE id = 5
SELECT id, (SELECT label FROM codes WHERE codes.id = ints.a) l FROM ints WHERE id < 20
SELECT id FROM ints WHERE a IN (SELECT id FROM codes) AND id < 50
SELECT id FROM ints WHERE EXISTS (SELECT 1 FROM codes WHERE codes.id = ints.a) AND id < 50
SELECT id FROM ints WHERE NOT EXISTS (SELECT 1 FROM codes WHERE codes.id = ints.a) AND id < 50
SELECT name FROM colours WHERE code = ANY (SELECT id FROM codes)
SELECT * FROM (SELECT * FROM colours) x
SELECT * FROM (SELECT id, a FROM ints WHERE id = 5) x
SELECT * FROM (SELECT id, a FROM ints) x WHERE id = 5
WITH c AS (SELECT * FROM colours) SELECT * FROM c
WITH c AS (SELECT id, a FROM ints WHERE id = 5) SELECT * FROM c
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i+1 FROM n WHERE i < 5) SELECT i FROM n
SELECT seq FROM seq_1_to_5
SELECT id FROM ints JOIN seq_1_to_3 s ON ints.id = s.seq
