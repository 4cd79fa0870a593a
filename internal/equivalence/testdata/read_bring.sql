-- one side of a join is copied whole to the partitions of the other, or dealt out to them
SELECT a.id, k.id, k.w FROM ints a JOIN kids k ON k.v = a.a ORDER BY a.id, k.id, k.pid
SELECT k.pid, COUNT(*), SUM(a.d), MIN(a.s) FROM ints a JOIN kids k ON k.v = a.a GROUP BY k.pid ORDER BY k.pid
%SELECT a.a, COUNT(*), COUNT(DISTINCT k.w), AVG(a.d), MAX(k.w) FROM ints a JOIN kids k ON k.v = a.id GROUP BY a.a ORDER BY a.a
SELECT a.e, COUNT(*) n, SUM(k.v) FROM ints a JOIN kids k ON k.v = a.a GROUP BY a.e HAVING n > 1 ORDER BY n DESC, a.e + 0
SELECT COUNT(*), SUM(a.id), SUM(k.id) FROM ints a JOIN kids k ON k.v = a.a
SELECT COUNT(*), SUM(a.id), MIN(k.w) FROM ints a JOIN kids k ON k.v = a.a WHERE a.id < 0
SELECT DISTINCT k.v FROM ints a JOIN kids k ON k.v = a.a ORDER BY k.v
SELECT a.id, k.id FROM ints a JOIN kids k ON k.v = a.a ORDER BY a.id DESC, k.id, k.pid LIMIT 7
SELECT a.id, k.id FROM ints a JOIN kids k ON k.v = a.a ORDER BY a.id DESC, k.id, k.pid LIMIT 5, 7
SELECT a.s, k.w FROM ints a JOIN kids k ON k.v = a.a AND k.w = a.s ORDER BY a.id, k.id, k.pid
SELECT a.id, k.id, c.label FROM ints a JOIN kids k ON k.v = a.a LEFT JOIN codes c ON c.id = k.v ORDER BY a.id, k.id, k.pid
-- outer joins: the side that is kept is dealt out or stays, or the whole is staged
SELECT a.id, k.id FROM ints a LEFT JOIN kids k ON k.v = a.a ORDER BY a.id, k.id, k.pid
SELECT a.id, k.id FROM ints a LEFT JOIN kids k ON k.v = a.id ORDER BY a.id, k.id, k.pid
SELECT a.id, k.id FROM kids k LEFT JOIN ints a ON a.id = k.v ORDER BY k.id, k.pid, a.id
SELECT a.id, k.id FROM kids k RIGHT JOIN ints a ON a.id = k.v ORDER BY k.id, k.pid, a.id
SELECT a.id, COUNT(k.id) FROM ints a LEFT JOIN kids k ON k.v = a.id AND k.w > 'b' GROUP BY a.id ORDER BY a.id
SELECT n, COUNT(*) FROM (SELECT a.id, COUNT(k.id) n FROM ints a LEFT JOIN kids k ON k.v = a.id GROUP BY a.id) x GROUP BY n ORDER BY n
SELECT a.id, k.id FROM ints a LEFT JOIN kids k ON k.v = a.id WHERE k.id IS NULL ORDER BY a.id
SELECT l.x, a.id FROM loose l LEFT JOIN ints a ON a.id = l.x ORDER BY l.x, l.s, a.id
SELECT l.x, a.id FROM loose l RIGHT JOIN ints a ON a.id = l.x ORDER BY a.id, l.x, l.s
SELECT COUNT(*) FROM loose l JOIN ints a ON a.id <=> l.x
-- subqueries
SELECT id FROM ints a WHERE EXISTS (SELECT * FROM kids k WHERE k.v = a.id) ORDER BY id
SELECT id FROM ints a WHERE NOT EXISTS (SELECT * FROM kids k WHERE k.v = a.id) ORDER BY id
SELECT id FROM ints WHERE id NOT IN (SELECT v FROM kids WHERE v IS NOT NULL) ORDER BY id
SELECT id FROM ints WHERE id NOT IN (SELECT v FROM kids) ORDER BY id
SELECT id, a > ANY (SELECT v FROM kids WHERE pid < 10) FROM ints ORDER BY id
SELECT id, (SELECT COUNT(*) FROM kids k WHERE k.v = a.id) FROM ints a ORDER BY id
SELECT id, (SELECT MAX(k.w) FROM kids k WHERE k.v = a.a) FROM ints a ORDER BY id
SELECT COUNT(*) FROM ints a WHERE a.b > (SELECT AVG(k.v) FROM kids k WHERE k.v < a.id)
SELECT a.id FROM ints a JOIN kids k ON k.v = a.id WHERE k.v < (SELECT AVG(o.v) FROM kids o WHERE o.v = a.id OR o.v = 3) ORDER BY a.id, k.id
WITH q AS (SELECT v, COUNT(*) n FROM kids GROUP BY v) SELECT a.id, q.n FROM ints a JOIN q ON q.v = a.id WHERE q.n = (SELECT MAX(n) FROM q) ORDER BY a.id
SELECT a.id, x.n FROM ints a JOIN (SELECT v, COUNT(*) n FROM kids GROUP BY v) x ON x.v = a.a ORDER BY a.id
-- several tables, the same one more than once, keys that leave few partitions
SELECT a.id, k.id, p.v FROM ints a JOIN kids k ON k.v = a.id JOIN pairs p ON p.a = k.pid ORDER BY a.id, k.id, k.pid, p.a, p.b
SELECT x.id, y.id, k.id FROM ints x JOIN ints y ON y.id = x.a JOIN kids k ON k.pid = x.id ORDER BY x.id, y.id, k.id
SELECT k.id, l.id FROM kids k JOIN kids l ON l.pid = k.v JOIN ints a ON a.id = l.id ORDER BY k.id, k.pid, l.id, l.pid
SELECT a.id, k.id FROM ints a JOIN kids k ON k.v = a.a WHERE a.id IN (3, 5, 7) ORDER BY a.id, k.id, k.pid
SELECT a.id, k.id FROM ints a JOIN kids k ON k.v = a.id WHERE k.v = 5 ORDER BY a.id, k.id, k.pid
SELECT read_bring.id FROM ints read_bring JOIN eq_read_bring.kids ON kids.v = read_bring.a WHERE eq_read_bring.kids.id > 5 ORDER BY read_bring.id, eq_read_bring.kids.id
SELECT ints.id, kids.* FROM ints NATURAL JOIN kids ORDER BY ints.id, kids.pid
SELECT id, 'a' FROM ints JOIN (SELECT v FROM kids) k ON k.v = ints.a UNION SELECT n, k FROM sg JOIN kids ON kids.v = sg.n ORDER BY 1, 2
SELECT a.id, ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY k.id, k.pid) FROM ints a JOIN kids k ON k.v = a.id ORDER BY 1, 2
*SELECT a.id, k.id FROM ints a JOIN kids k ON k.v = a.a WHERE k.w + 0 < 5 ORDER BY a.id, k.id, k.pid
SELECT u.k, g.k FROM su u JOIN sg g ON g.n = u.n ORDER BY u.n, g.n, HEX(u.k), HEX(g.k)
SELECT t.k, t.ts, t.bits + 0, d.m FROM dts t JOIN decs d ON d.n = t.n ORDER BY t.k, d.k
SELECT NOW() - INTERVAL COUNT(*) DAY < NOW(), MAX(a.y) < CURDATE() OR MAX(a.y) IS NULL OR 1 FROM ints a JOIN kids k ON k.v = a.a WHERE a.t < NOW()
-- what is looked at for keys is looked at under the session's settings
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'
SELECT a.id, k.id, "k".w FROM ints a JOIN kids k ON k.v = a.id WHERE a.s = 'x' || '1' OR a.s = 'a' || 'bc' ORDER BY a.id, k.id, k.pid
SET sql_mode = DEFAULT
SET time_zone = '+07:30'
SELECT t.k, t.n, d.k FROM dts t JOIN decs d ON d.n = t.n WHERE t.ts > '2020-01-01 05:00:00' ORDER BY t.k, d.k
SET time_zone = DEFAULT
SET NAMES latin1
SELECT a.id, k.id FROM ints a JOIN kids k ON k.v = a.id WHERE a.s <> 'é' AND a.s < 'z' ORDER BY a.id, k.id, k.pid
SET NAMES utf8mb4
SET TIMESTAMP = 1600000000
SELECT a.id, k.id FROM ints a JOIN kids k ON k.v = a.id WHERE a.y < NOW() AND a.t < CURDATE() ORDER BY a.id, k.id, k.pid
SET TIMESTAMP = DEFAULT
-- groups inside of a query are found first, by parts, and so are those that windows look at
%SELECT AVG(q.total), MAX(q.n), COUNT(*) FROM (SELECT v, COUNT(*) n, SUM(id) total FROM kids GROUP BY v) q
%SELECT q.e, q.n, q.low, q.day, q.part FROM (SELECT e + 0 e, COUNT(*) n, MIN(d) low, MAX(y) day, SUM(a) / COUNT(*) part FROM ints GROUP BY e) q WHERE q.n > 1 ORDER BY q.e
SELECT q.v, k.id FROM (SELECT v, MAX(id) top FROM kids GROUP BY v) q JOIN kids k ON k.id = q.top AND k.v <=> q.v ORDER BY q.v, k.pid
SELECT id FROM ints WHERE a IN (SELECT v FROM kids GROUP BY v HAVING COUNT(*) > 1) ORDER BY id
SELECT COUNT(*) FROM (SELECT DISTINCT v, w FROM kids) q
WITH g AS (SELECT v, COUNT(*) n, MAX(w) w FROM kids GROUP BY v) SELECT v, n, n - LAG(n) OVER (ORDER BY v), w FROM g ORDER BY v
WITH g AS (SELECT v, COUNT(*) n FROM kids GROUP BY v) SELECT x.v, y.v FROM g x JOIN g y ON y.n = x.n AND x.v < y.v ORDER BY x.v, y.v
SELECT 'all' what, COUNT(*) n FROM kids UNION ALL SELECT w, COUNT(*) FROM sb GROUP BY w ORDER BY what, n
SELECT (SELECT MAX(n) FROM (SELECT COUNT(*) n FROM kids GROUP BY v) q) + 1, COUNT(*) FROM ints
SELECT q.k, q.n, q.w FROM (SELECT k, COUNT(*) n, MAX(w) w FROM sl GROUP BY k) q ORDER BY q.k
SELECT q.k, q.n FROM (SELECT k, COUNT(*) n FROM vb GROUP BY k) q ORDER BY q.k
SELECT * FROM (SELECT ts, COUNT(*) n FROM dts GROUP BY ts) q ORDER BY ts
SELECT * FROM (SELECT st, COUNT(*) n FROM ens GROUP BY st) q ORDER BY st
SELECT v, COUNT(*), RANK() OVER (ORDER BY COUNT(*) DESC, v) place FROM kids GROUP BY v ORDER BY place
SELECT v, id % 3 part, SUM(id) total, SUM(SUM(id)) OVER (PARTITION BY v ORDER BY id % 3) running FROM kids WHERE pid < 90 GROUP BY v, id % 3 HAVING total > 1 ORDER BY v, part
SELECT v + 1 next, COUNT(*) n, 100 * COUNT(*) / SUM(COUNT(*)) OVER () FROM kids GROUP BY next ORDER BY next
SELECT v, part, n FROM (SELECT v, id % 3 part, COUNT(*) n, ROW_NUMBER() OVER (PARTITION BY v ORDER BY COUNT(*) DESC, id % 3) place FROM kids GROUP BY v, id % 3) q WHERE place = 1 ORDER BY v
~SELECT * FROM (SELECT e + 0 e, y, SUM(d) FROM ints GROUP BY e + 0, y WITH ROLLUP) q
SELECT COUNT(*), SUM(q.n), COUNT(q.id) FROM (SELECT c.id, COUNT(*) n, MAX(c.label) FROM ints a LEFT JOIN codes c ON c.id = a.a GROUP BY c.id) q
-- the first rows of a query inside of one are found by parts, too
(SELECT id, a FROM ints ORDER BY id LIMIT 3) UNION ALL (SELECT id, a FROM ints WHERE a > 0 ORDER BY a DESC, id LIMIT 2 OFFSET 1) ORDER BY 1, 2
(SELECT id FROM kids WHERE v IS NULL ORDER BY id, pid LIMIT 4) UNION (SELECT id FROM ints ORDER BY id DESC LIMIT 2) ORDER BY id
(SELECT id, w FROM kids ORDER BY id + pid, id, pid LIMIT 3) UNION ALL (SELECT v, COUNT(*) FROM kids GROUP BY v ORDER BY 2 DESC, v LIMIT 2) ORDER BY 1, 2
SELECT q.id, k.w FROM (SELECT id, a * 2 AS twice FROM ints ORDER BY twice DESC, id LIMIT 5) q JOIN kids k ON k.v = q.id ORDER BY q.id, k.id, k.pid
SELECT q.s, q.d FROM (SELECT s, d, 'x' AS x FROM ints WHERE s > 'a' ORDER BY id LIMIT 2, 3) q ORDER BY q.d, HEX(q.s)
SELECT COUNT(*) FROM (SELECT id FROM kids LIMIT 7) q JOIN (SELECT id FROM ints LIMIT 0) z
