SELECT i.id, c.code FROM ints i JOIN colours c ON c.name = i.e ORDER BY i.id
SELECT i.id, c.code FROM ints i LEFT JOIN colours c ON c.name = i.e ORDER BY i.id
SELECT i.id, c.hue FROM ints i, colours c WHERE c.name = i.e AND c.code > 1 ORDER BY i.id
SELECT i.id, c.label FROM ints i LEFT JOIN codes c ON c.id = i.a WHERE c.id IS NULL ORDER BY i.id
SELECT c.name, COUNT(i.id) FROM colours c LEFT JOIN ints i ON i.e = c.name GROUP BY c.name
SELECT c.name, COUNT(i.id) FROM ints i RIGHT JOIN colours c ON i.e = c.name GROUP BY c.name
SELECT c.name, COUNT(*) FROM colours c JOIN ints i ON i.e = c.name GROUP BY c.name ORDER BY c.name
SELECT i.id, k.id, k.v FROM ints i JOIN kids k ON k.pid = i.id ORDER BY i.id, k.id
SELECT i.id, k.id FROM ints i LEFT JOIN kids k ON k.pid = i.id ORDER BY i.id, k.id
SELECT i.id, k.id FROM ints i LEFT JOIN kids k ON k.pid = i.id AND k.v > 5 ORDER BY i.id, k.id
SELECT i.id FROM ints i LEFT JOIN kids k ON k.pid = i.id WHERE k.id IS NULL ORDER BY i.id
SELECT i.id, k.id FROM kids k JOIN ints i ON i.id = k.pid WHERE i.id = 7 ORDER BY k.id
SELECT i.id, k.id FROM kids k JOIN ints i ON i.id = k.pid WHERE k.pid = 7 ORDER BY k.id
SELECT i.id, k.id FROM kids k, ints i WHERE i.id = k.pid AND i.id IN (7,8,9) ORDER BY i.id, k.id
SELECT i.id, COUNT(k.id) n FROM ints i LEFT JOIN kids k ON k.pid = i.id GROUP BY i.id ORDER BY n DESC, i.id LIMIT 10
SELECT i.e, SUM(k.v), COUNT(DISTINCT k.id) FROM ints i JOIN kids k ON k.pid = i.id GROUP BY i.e ORDER BY i.e
SELECT i.id, c.code, k.id FROM ints i JOIN kids k ON k.pid = i.id JOIN colours c ON c.name = i.e ORDER BY k.id
SELECT a.id, b.id FROM ints a JOIN ints b ON a.id = b.id WHERE a.id < 0 ORDER BY a.id
SELECT a.id, b.id FROM kids a JOIN kids b ON a.pid = b.pid AND a.id < b.id ORDER BY a.id, b.id
SELECT a.id, b.id FROM ints a JOIN ints b ON a.a = b.id
SELECT a.id, b.id FROM ints a JOIN ints b ON a.id = b.id + 1
SELECT a.id FROM ints a CROSS JOIN colours c WHERE a.id < -15 ORDER BY a.id, c.name
SELECT * FROM ints i JOIN colours c ON c.name = i.e WHERE i.id = 5
SELECT i.*, c.* FROM ints i JOIN colours c ON c.name = i.e WHERE i.id < -10 ORDER BY i.id
SELECT c.*, i.id FROM ints i JOIN colours c ON c.name = i.e WHERE i.id < -10 ORDER BY i.id
SELECT * FROM colours c JOIN codes o ON o.id = c.code
SELECT * FROM colours NATURAL JOIN codes
SELECT id, pid FROM ints JOIN kids USING (id) WHERE id = 3
SELECT i.id FROM ints i JOIN kids k USING (id) ORDER BY i.id
SELECT p.a, p.b, i.id FROM pairs p JOIN ints i ON i.id = p.a WHERE p.a = 1
SELECT e.e, e.n, c.code FROM ens e JOIN colours c ON c.name = e.e ORDER BY e.n
SELECT COUNT(*) FROM ints i JOIN colours c
SELECT COUNT(*) FROM ints i, kids k WHERE i.id = k.pid
SELECT COUNT(*) FROM ints i STRAIGHT_JOIN kids k ON i.id = k.pid
SELECT COUNT(*) FROM (ints i, colours c) WHERE i.e = c.name
SELECT COUNT(*) FROM ints i JOIN (SELECT name, code FROM colours) c ON c.name = i.e
SELECT i.id, x.m FROM ints i JOIN (SELECT pid, MAX(v) m FROM kids GROUP BY pid) x ON x.pid = i.id ORDER BY i.id
~SELECT x.e, x.n FROM (SELECT e, COUNT(*) n FROM ints GROUP BY e) x ORDER BY x.n
SELECT COUNT(*) FROM (SELECT id FROM ints WHERE a > 3) x
SELECT AVG(n) FROM (SELECT pid, COUNT(*) n FROM kids GROUP BY pid) x
SELECT * FROM (SELECT id, a FROM ints ORDER BY id LIMIT 3) x
WITH x AS (SELECT id, a FROM ints WHERE a > 10) SELECT COUNT(*), MAX(id) FROM x
WITH x AS (SELECT pid, COUNT(*) n FROM kids GROUP BY pid) SELECT i.id, x.n FROM ints i JOIN x ON x.pid = i.id ORDER BY i.id LIMIT 5
SELECT id FROM ints i WHERE EXISTS (SELECT 1 FROM kids k WHERE k.pid = i.id) ORDER BY id
SELECT id FROM ints i WHERE NOT EXISTS (SELECT 1 FROM kids k WHERE k.pid = i.id AND k.v > 3) ORDER BY id
SELECT id FROM ints WHERE id IN (SELECT pid FROM kids) ORDER BY id
SELECT id FROM ints WHERE id NOT IN (SELECT pid FROM kids) ORDER BY id
^SELECT id, (SELECT COUNT(*) FROM kids k WHERE k.pid = i.id) n FROM ints i ORDER BY n DESC, id LIMIT 9
SELECT id FROM ints WHERE a = (SELECT MAX(a) FROM ints)
SELECT id FROM ints WHERE a > (SELECT AVG(id) FROM codes) ORDER BY id
SELECT id FROM ints WHERE e = (SELECT name FROM colours WHERE code = 2) ORDER BY id
SELECT id FROM ints WHERE id IN (SELECT id FROM codes) ORDER BY id
SELECT id FROM ints WHERE id = (SELECT id FROM codes)
SELECT id FROM ints WHERE id = (SELECT id FROM codes LIMIT 1)
SELECT id FROM ints WHERE (e, 1) IN (SELECT name, code FROM colours) ORDER BY id
SELECT id FROM ints WHERE a > ALL (SELECT id FROM codes) ORDER BY id
SELECT id FROM ints WHERE a < ANY (SELECT id FROM codes) ORDER BY id
SELECT id FROM ints WHERE id = 1 UNION SELECT id FROM ints WHERE id = 2
SELECT id FROM ints WHERE id < -15 UNION ALL SELECT id FROM kids WHERE id < 5
SELECT a FROM ints UNION SELECT v FROM kids
SELECT a FROM ints UNION SELECT v FROM kids ORDER BY a
SELECT a FROM ints UNION ALL SELECT v FROM kids ORDER BY a
SELECT a FROM ints UNION ALL SELECT v FROM kids ORDER BY 1 DESC LIMIT 10
SELECT a AS z FROM ints UNION SELECT v FROM kids ORDER BY z LIMIT 3, 4
SELECT a FROM ints UNION DISTINCT SELECT a FROM ints ORDER BY a
SELECT 1 UNION SELECT 2 UNION ALL SELECT 2
SELECT code FROM colours UNION SELECT id FROM codes ORDER BY 1
SELECT a FROM ints UNION SELECT code FROM colours ORDER BY a
SELECT a FROM ints UNION ALL SELECT code FROM colours
SELECT id, a FROM ints WHERE id < 0 UNION ALL SELECT id, label FROM codes
SELECT d FROM ints UNION SELECT a FROM ints ORDER BY d
SELECT a, s FROM ints WHERE id < 30 UNION ALL SELECT n, k FROM sb
SELECT e, COUNT(*) FROM ints GROUP BY e UNION ALL SELECT 'total', COUNT(*) FROM ints
(SELECT id FROM ints WHERE id = 1) UNION (SELECT id FROM ints WHERE id = 5)
(SELECT id FROM ints ORDER BY id LIMIT 2) UNION ALL (SELECT id FROM ints ORDER BY id DESC LIMIT 2)
SELECT id FROM ints WHERE id < 5 EXCEPT SELECT id FROM codes
SELECT id FROM ints WHERE id < 5 INTERSECT SELECT id FROM codes
SELECT a FROM ints UNION SELECT a, id FROM ints
% SELECT w FROM sg UNION SELECT w FROM su
SELECT w FROM sb UNION SELECT w FROM sc
SELECT k FROM sb UNION ALL SELECT k FROM vb
SELECT NULL UNION SELECT a FROM ints ORDER BY 1
SELECT a FROM ints WHERE id = 7 UNION SELECT a FROM ints WHERE id = 7
SELECT 'a' AS t, id FROM ints WHERE id IN (1,2) UNION ALL SELECT 'b', id FROM ints WHERE id IN (2,3) ORDER BY t, id
SELECT id FROM ints WHERE id IN (SELECT 1 UNION SELECT 2) ORDER BY id
SELECT i.id, s.k FROM ints i JOIN sb s ON s.n = i.id
SELECT i.id, s.k FROM ints i JOIN sb s ON s.k = i.s
SELECT g.k, u.k FROM sg g JOIN su u ON g.k = u.k ORDER BY g.k
SELECT g.k, h.n FROM sg g JOIN sg h ON g.k = h.k ORDER BY g.k
SELECT x.k, y.k FROM sg x, sg y WHERE x.k = y.k AND x.k = 'a'
SELECT i.id, l.x FROM ints i JOIN loose l ON l.x = i.id
SELECT l.x, c.label FROM loose l JOIN codes c ON c.id = l.x
SELECT l.x, c.label FROM loose l LEFT JOIN codes c ON c.id = l.x WHERE l.s = 'a'
SELECT i.id, i.a, SUM(i.a) OVER (PARTITION BY i.id) FROM ints i WHERE i.id = 5
SELECT id, COUNT(*) OVER () FROM ints
SELECT seq FROM seq_1_to_5
SELECT s.seq, i.id FROM ints i JOIN seq_1_to_3 s ON i.id = s.seq ORDER BY s.seq
SELECT s.seq, i.id FROM seq_0_to_10_step_5 s LEFT JOIN ints i ON i.id = s.seq
SELECT COUNT(*) FROM seq_1_to_1000
SELECT seq FROM seq_1_to_x
