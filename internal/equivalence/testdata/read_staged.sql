-- joins that no partition can answer
SELECT a.id, b.id FROM ints a JOIN kids b ON a.a = b.v WHERE a.id < 10 ORDER BY a.id, b.id
SELECT a.id, b.id FROM ints a LEFT JOIN kids b ON a.a = b.v AND b.id > 250 ORDER BY a.id, b.id
SELECT a.id, b.id FROM ints a RIGHT JOIN kids b ON a.a = b.v AND a.id > 250 ORDER BY b.id, a.id
SELECT a.id, b.id FROM ints a LEFT JOIN kids b ON a.a = b.v WHERE b.id IS NULL ORDER BY a.id
SELECT a.id, b.id, c.n FROM ints a LEFT JOIN (kids b JOIN decs c ON c.n = b.v) ON a.a = b.v WHERE a.id < 0 ORDER BY 1, 2, 3
SELECT a.id, b.id FROM ints a STRAIGHT_JOIN kids b ON a.a = b.v WHERE b.id < 20 ORDER BY a.id, b.id
SELECT COUNT(*) FROM ints NATURAL JOIN autos
SELECT * FROM sg JOIN su USING (n) ORDER BY n, sg.k, su.k LIMIT 20
~SELECT sg.k, su.k FROM sg JOIN su ON sg.w = su.w COLLATE utf8mb4_unicode_ci
~SELECT sl.k, sc.k FROM sl JOIN sc ON sl.w = sc.w
SELECT sb.k, vb.k FROM sb JOIN vb ON sb.w = vb.w ORDER BY 1, 2
SELECT COUNT(*) FROM ints a, kids b, pairs c
SELECT COUNT(*), SUM(a.a * c.v) FROM ints a, kids b, pairs c WHERE a.a = b.v AND b.v = c.v
SELECT a.id FROM ints a JOIN ints b ON a.a = b.id JOIN ints c ON c.id = b.a ORDER BY a.id
SELECT a.*, b.* FROM decs a JOIN dts b ON a.n = b.n ORDER BY a.k, b.k
SELECT a.*, b.* FROM ens a JOIN ens b ON a.n = b.n + 1 ORDER BY a.n
SELECT i.*, l.* FROM ints i JOIN loose l ON l.s = i.s WHERE i.id < 5 ORDER BY i.id, l.x, l.d
SELECT d.k, d.ts, UNIX_TIMESTAMP(d.ts), e.ts FROM dts d JOIN dts e ON d.ts < e.ts AND d.n = e.n + 1 ORDER BY d.k
-- subqueries
SELECT id, (SELECT COUNT(*) FROM kids WHERE kids.v = ints.a) FROM ints ORDER BY id
SELECT id FROM ints WHERE a IN (SELECT v FROM kids WHERE w > 'b') ORDER BY id
SELECT id FROM ints WHERE a NOT IN (SELECT v FROM kids WHERE v IS NOT NULL) ORDER BY id
SELECT id FROM ints WHERE a NOT IN (SELECT v FROM kids) ORDER BY id
SELECT id FROM ints i WHERE EXISTS (SELECT * FROM kids k WHERE k.v = i.a AND k.id > i.id) ORDER BY id
SELECT id FROM ints i WHERE NOT EXISTS (SELECT * FROM kids k WHERE k.v = i.a AND k.id > i.id) ORDER BY id
SELECT id FROM ints WHERE (a, id) IN (SELECT v, id FROM kids) ORDER BY id
SELECT id FROM ints WHERE a > ALL (SELECT v FROM kids WHERE v < 5) ORDER BY id
SELECT id FROM ints WHERE a = ANY (SELECT n FROM decs) ORDER BY id
SELECT id FROM ints WHERE d = (SELECT MAX(d) FROM ints) OR a = (SELECT MIN(v) FROM kids) ORDER BY id
SELECT id, a FROM ints ORDER BY (SELECT COUNT(*) FROM kids WHERE v = a), id
SELECT a, COUNT(*) FROM ints GROUP BY a HAVING COUNT(*) > (SELECT MIN(v) FROM kids) ORDER BY a
SELECT x.id, y.n FROM (SELECT id, a FROM ints ORDER BY id LIMIT 7) x JOIN (SELECT v, COUNT(*) n FROM kids GROUP BY v) y ON y.v = x.a ORDER BY 1
SELECT (SELECT (SELECT MAX(v) FROM kids WHERE kids.id = ints.id) FROM ints WHERE ints.id = codes.id) FROM codes ORDER BY codes.id
!SELECT id FROM ints WHERE a = (SELECT v FROM kids)
-- common table expressions
WITH x AS (SELECT v, COUNT(*) n FROM kids GROUP BY v), y AS (SELECT a, MAX(id) m FROM ints GROUP BY a) SELECT * FROM x JOIN y ON x.v = y.a ORDER BY v
WITH x AS (SELECT id, a FROM ints) SELECT p.id, q.id FROM x p JOIN x q ON p.a = q.id ORDER BY 1, 2
WITH RECURSIVE t AS (SELECT id, a, 0 depth FROM ints WHERE id = 1 UNION SELECT i.id, i.a, t.depth + 1 FROM ints i JOIN t ON i.id = t.a WHERE t.depth < 6) SELECT * FROM t ORDER BY depth, id
WITH RECURSIVE n AS (SELECT 0 k UNION ALL SELECT k + 1 FROM n WHERE k < 9) SELECT n.k, COUNT(kids.id), MIN(w) FROM n LEFT JOIN kids ON kids.v = n.k GROUP BY n.k ORDER BY 1
-- windows
SELECT id, a, ROW_NUMBER() OVER (ORDER BY a, id) FROM ints ORDER BY id
SELECT id, SUM(v) OVER (PARTITION BY v ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM kids ORDER BY id
SELECT id, RANK() OVER w, DENSE_RANK() OVER w, NTILE(4) OVER (ORDER BY a, id) FROM ints WINDOW w AS (ORDER BY a) ORDER BY id
SELECT e, COUNT(*), SUM(COUNT(*)) OVER (ORDER BY e) FROM ints GROUP BY e ORDER BY e
SELECT id, LAG(s, 1, 'none') OVER (ORDER BY id), LEAD(s) OVER (ORDER BY id), FIRST_VALUE(d) OVER (ORDER BY id) FROM ints ORDER BY id
SELECT n, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY r) OVER (PARTITION BY n) FROM decs ORDER BY k
-- aggregates that do not merge
SELECT e, a, COUNT(*), SUM(d) FROM ints GROUP BY e, a WITH ROLLUP
SELECT a.e, COUNT(DISTINCT b.w), SUM(DISTINCT b.v) FROM ints a JOIN kids b ON a.a = b.v GROUP BY a.e ORDER BY 1
SELECT v, GROUP_CONCAT(id ORDER BY id DESC SEPARATOR '/') FROM kids GROUP BY v ORDER BY v
%SELECT v, GROUP_CONCAT(DISTINCT w ORDER BY w LIMIT 3) FROM kids GROUP BY v ORDER BY v
SELECT STDDEV(a), VARIANCE(d), BIT_XOR(c), VAR_SAMP(f) FROM ints
SELECT JSON_ARRAYAGG(id ORDER BY id), JSON_OBJECTAGG(k, n) FROM (SELECT id FROM ints WHERE id < 5) x, (SELECT k, n FROM sb ORDER BY k LIMIT 1) y
SELECT a.a, AVG(b.d), MIN(b.t), MAX(b.y) FROM ints a JOIN ints b ON a.a = b.a GROUP BY a.a ORDER BY a.a
-- JSON_TABLE over columns
SELECT i.id, j.x FROM ints i, JSON_TABLE(CONCAT('[', i.a, ',', i.id, ']'), '$[*]' COLUMNS (x INT PATH '$')) j JOIN kids k ON k.id = j.x WHERE i.id < 20 ORDER BY 1, 2
-- set operations
(SELECT a FROM ints ORDER BY id LIMIT 5) UNION ALL (SELECT v FROM kids ORDER BY id LIMIT 5)
SELECT a FROM ints INTERSECT SELECT v FROM kids
SELECT a FROM ints EXCEPT SELECT v FROM kids
(SELECT a FROM ints UNION SELECT n FROM decs) EXCEPT (SELECT v FROM kids INTERSECT SELECT n FROM sg)
SELECT a FROM ints UNION SELECT v FROM kids ORDER BY 1 DESC LIMIT 3
SELECT 1 FROM ints WHERE id = 0 UNION ALL SELECT s FROM loose WHERE x = 3
(SELECT 'x' AS t, a FROM ints WHERE id < 0) UNION ALL (SELECT w, v FROM kids WHERE id < 9) ORDER BY 2, 1
-- user variables
SELECT @a := COUNT(*) FROM ints a JOIN kids b ON a.a = b.v
SELECT @a
SELECT MAX(a.d), MIN(b.w) INTO @x, @y FROM ints a JOIN kids b ON a.a = b.v
SELECT @x, @y
SELECT a.id, @n := @n + 1 FROM (SELECT @n := 0) z, (SELECT a.id FROM ints a JOIN kids b ON a.a = b.v WHERE a.id < 3) a
-- sessions
SELECT SQL_CALC_FOUND_ROWS a.id FROM ints a JOIN kids b ON a.a = b.v ORDER BY 1, b.id LIMIT 5
SELECT FOUND_ROWS()
SELECT a.id FROM ints a JOIN kids b ON a.a = b.v WHERE a.s > 5 ORDER BY 1, b.id LIMIT 2
SELECT a.id, a.s + 0 FROM ints a JOIN kids b ON a.a = b.v WHERE b.id < 12 ORDER BY 1, b.id
^SELECT DATABASE(), COUNT(*) FROM ints a JOIN kids b ON a.a = b.v
SELECT a.nosuch FROM ints a JOIN kids b ON a.a = b.v
SELECT a.id FROM ints a JOIN kids b ON a.a = b.v GROUP BY nosuch
SELECT 1 FROM ints a JOIN nosuch b ON a.a = b.v
SET time_zone = 'Europe/Berlin'
SELECT d.k, d.ts, UNIX_TIMESTAMP(d.ts) FROM dts d JOIN dts e ON d.n = e.n + 1 WHERE d.ts > '2021-06-01' ORDER BY d.k
SET time_zone = '-03:30'
SELECT d.ts, FROM_UNIXTIME(UNIX_TIMESTAMP(e.ts)) FROM dts d JOIN dts e ON d.n = e.n + 1 WHERE d.ts > '2021-06-01' ORDER BY d.k
SET time_zone = DEFAULT
SET NAMES latin1
SELECT a.k, b.k, HEX(a.k) FROM sg a JOIN sg b ON a.n = b.n + 1 ORDER BY a.k, b.k
SELECT a.k FROM sg a JOIN su b ON a.n = b.n WHERE a.k > 'x' ORDER BY a.k, b.k
SET NAMES utf8mb4
SET sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'
SELECT a."id", b.w FROM ints a JOIN kids b ON a.a = b.v AND b."id" < 30 ORDER BY a.id, b.id
SELECT @@sql_mode, @@time_zone, @@tx_read_only, @@max_statement_time, @@character_set_client, COUNT(*) FROM ints a JOIN kids b ON a.a = b.v
SET sql_mode = DEFAULT
SET SESSION TRANSACTION READ ONLY
SELECT @@tx_read_only, COUNT(*) FROM ints a JOIN kids b ON a.a = b.v
START TRANSACTION READ ONLY
SELECT COUNT(*) FROM ints a JOIN kids b ON a.a = b.v
COMMIT
SET SESSION TRANSACTION READ WRITE
SET wait_timeout = 7
SELECT @@wait_timeout, COUNT(*) FROM ints a JOIN kids b ON a.a = b.v
SET STATEMENT max_sort_length=8 FOR SELECT @@max_sort_length, COUNT(*) FROM ints a JOIN kids b ON a.a = b.v
SET STATEMENT time_zone='+05:00' FOR SELECT d.k, d.ts FROM dts d JOIN dts e ON d.n = e.n + 1 WHERE d.ts > '2021-06-01 00:00:00' ORDER BY d.k
SELECT a.id FROM ints a JOIN kids b ON a.a = b.v WHERE a.id = 3 FOR UPDATE
SELECT a.id FROM ints a JOIN kids b ON a.a = b.v WHERE a.id = 3 LOCK IN SHARE MODE
