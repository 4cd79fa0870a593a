-- Of long values ORDER BY looks at the beginning (max_sort_length), and the keys behind it decide; GROUP BY, DISTINCT and COUNT(DISTINCT) look at all.
CREATE TABLE d1.w (id INT PRIMARY KEY, b TEXT, vb BLOB, v VARCHAR(4000) CHARACTER SET latin1, u TEXT COLLATE utf8mb4_unicode_ci, g TEXT COLLATE utf8mb4_bin, n INT);
INSERT INTO d1.w SELECT seq, CONCAT(REPEAT('x',400+MOD(seq,3)*400), MOD(seq*7,5)), CONCAT(REPEAT('x',400+MOD(seq,3)*400), MOD(seq*7,5)), CONCAT(REPEAT('x',400+MOD(seq,3)*400), MOD(seq*7,5)), CONCAT(REPEAT('x',200+MOD(seq,3)*200), MOD(seq*7,5)), CONCAT(REPEAT('x',400+MOD(seq,3)*400), MOD(seq*7,5)), MOD(seq,4) FROM seq_1_to_60;
INSERT INTO d1.w SELECT 100+seq, CONCAT(REPEAT('x',1200), MOD(seq*7,5)), CONCAT(REPEAT('x',1200), MOD(seq*7,5)), CONCAT(REPEAT('x',1200), MOD(seq*7,5)), CONCAT(REPEAT('x',1200), MOD(seq*7,5)), CONCAT(REPEAT('x',1200), MOD(seq*7,5)), MOD(seq,4) FROM seq_1_to_30;
-- order: id
SELECT id FROM d1.w ORDER BY b, id;
-- order: id
SELECT id FROM d1.w ORDER BY b DESC, id;
-- order: id
SELECT id FROM d1.w ORDER BY n, vb, id;
-- order: id
SELECT id FROM d1.w ORDER BY vb DESC, id;
-- order: id
SELECT id FROM d1.w ORDER BY v, n, id DESC LIMIT 40;
-- order: id
SELECT id FROM d1.w ORDER BY u, id LIMIT 5, 50;
-- order: id
SELECT id FROM d1.w ORDER BY g, id;
SELECT COUNT(*), LENGTH(b), RIGHT(b,1) FROM d1.w GROUP BY b;
SELECT COUNT(*), LENGTH(vb), RIGHT(vb,1) FROM d1.w GROUP BY vb;
SELECT COUNT(*), LENGTH(u), RIGHT(u,1), n FROM d1.w GROUP BY n, u;
SELECT DISTINCT LENGTH(g), RIGHT(g, 1) FROM d1.w;
SELECT COUNT(DISTINCT b), COUNT(DISTINCT vb), COUNT(DISTINCT v), COUNT(DISTINCT u,n), COUNT(DISTINCT vb,g) FROM d1.w;
SELECT n, COUNT(DISTINCT u), COUNT(DISTINCT v, n) FROM d1.w GROUP BY n;
-- order: m
SELECT MIN(id) AS m, MAX(b) = b FROM d1.w GROUP BY b HAVING COUNT(*) > 1 ORDER BY 1;
-- What the session has set counts.
SET max_sort_length = 64;
-- order: id
SELECT id FROM d1.w ORDER BY b, id;
-- order: id
SELECT id FROM d1.w ORDER BY LEFT(b, 70), n, id;
-- order: id
SELECT id FROM d1.w ORDER BY n, vb DESC, id LIMIT 50;
-- order: id
SELECT id FROM d1.w ORDER BY v, id DESC;
-- order: id
SELECT id FROM d1.w ORDER BY u, n, id;
-- order: id
SELECT id FROM d1.w ORDER BY g DESC, id;
SELECT COUNT(*), LENGTH(b), RIGHT(b,1) FROM d1.w GROUP BY b;
SELECT DISTINCT LENGTH(u), RIGHT(u, 1), n FROM d1.w;
SET max_sort_length = 100;
-- order: id
SELECT id FROM d1.w ORDER BY b, id;
-- order: id
SELECT id FROM d1.w ORDER BY LEFT(b, 70), n, id;
-- order: id
SELECT id FROM d1.w ORDER BY n, vb DESC, id LIMIT 50;
-- order: id
SELECT id FROM d1.w ORDER BY v, id DESC;
-- order: id
SELECT id FROM d1.w ORDER BY u, n, id;
-- order: id
SELECT id FROM d1.w ORDER BY g DESC, id;
SELECT COUNT(*), LENGTH(b), RIGHT(b,1) FROM d1.w GROUP BY b;
SELECT DISTINCT LENGTH(u), RIGHT(u, 1), n FROM d1.w;
SET max_sort_length = 333;
-- order: id
SELECT id FROM d1.w ORDER BY b, id;
-- order: id
SELECT id FROM d1.w ORDER BY LEFT(b, 70), n, id;
-- order: id
SELECT id FROM d1.w ORDER BY n, vb DESC, id LIMIT 50;
-- order: id
SELECT id FROM d1.w ORDER BY v, id DESC;
-- order: id
SELECT id FROM d1.w ORDER BY u, n, id;
-- order: id
SELECT id FROM d1.w ORDER BY g DESC, id;
SELECT COUNT(*), LENGTH(b), RIGHT(b,1) FROM d1.w GROUP BY b;
SELECT DISTINCT LENGTH(u), RIGHT(u, 1), n FROM d1.w;
SET max_sort_length = 3000;
-- order: id
SELECT id FROM d1.w ORDER BY b, id;
-- order: id
SELECT id FROM d1.w ORDER BY LEFT(b, 70), n, id;
-- order: id
SELECT id FROM d1.w ORDER BY n, vb DESC, id LIMIT 50;
-- order: id
SELECT id FROM d1.w ORDER BY v, id DESC;
-- order: id
SELECT id FROM d1.w ORDER BY u, n, id;
-- order: id
SELECT id FROM d1.w ORDER BY g DESC, id;
SELECT COUNT(*), LENGTH(b), RIGHT(b,1) FROM d1.w GROUP BY b;
SELECT DISTINCT LENGTH(u), RIGHT(u, 1), n FROM d1.w;
SET max_sort_length = 1024;
-- order: id
SET STATEMENT max_sort_length = 64 FOR SELECT id FROM d1.w ORDER BY b DESC, id;
-- order: id
SET STATEMENT max_sort_length = 4000 FOR SELECT id FROM d1.w ORDER BY vb, id DESC;
