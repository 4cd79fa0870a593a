-- The keys by which copies are narrowed are compared in the collation of their column.
CREATE TABLE d1.w (id INT PRIMARY KEY, g INT, s VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_cs, i VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_ai_ci);
INSERT INTO d1.w VALUES (1, 1, 'a', 'a'), (2, 1, 'A', 'A'), (3, 2, 'é', 'é'), (4, 2, 'e', 'e'), (5, 3, 'b', 'b'), (6, 3, 'b ', 'b ');
CREATE TABLE d2.v (id INT PRIMARY KEY, s VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_cs);
INSERT INTO d2.v VALUES (1, 'a'), (2, 'E'), (3, 'b');
SELECT g, MAX(s) AS m FROM d1.w GROUP BY g HAVING MAX(s) = 'a';
SELECT g, MAX(s) = 'E', MAX(s) < 'É', MIN(i) = 'Á' FROM d1.w GROUP BY g;
SELECT COLLATION(MAX(s)), COLLATION(MIN(CONCAT(s, 'x'))), MAX(s) = 'É' FROM d1.w WHERE g = 2;
SELECT id FROM d1.w WHERE s = (SELECT MAX(s) FROM d2.v);
SELECT id FROM d1.w WHERE s = (SELECT MIN(s) FROM d2.v);
SELECT w.id, v.id FROM d1.w JOIN d2.v ON w.s = v.s;
-- order: s
SELECT DISTINCT s FROM d1.w ORDER BY s;
SELECT COUNT(DISTINCT s), COUNT(DISTINCT i) FROM d1.w;
SELECT g FROM d1.w WHERE s > (SELECT s FROM d2.v WHERE id = 2);
SELECT x.s, y.s FROM d1.w x JOIN d1.w y ON x.s = y.i;
-- Where trailing spaces count, a CHAR that is filled up with them equals what is stored with them elsewhere.
CREATE TABLE d1.fixed (c CHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_nopad_ci NOT NULL, PRIMARY KEY (c), SHARD KEY (c));
CREATE TABLE d1.free (v VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_nopad_ci NOT NULL, PRIMARY KEY (v), SHARD KEY (v));
INSERT INTO d1.fixed VALUES ('a'), ('b'), ('c'), ('d'), ('e'), ('f');
INSERT INTO d1.free VALUES ('a'), ('b   '), ('c   '), ('d   '), ('e   '), ('f'), ('f   ');
SELECT c FROM d1.fixed JOIN d1.free ON c = v;
SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH';
SELECT HEX(c), HEX(v) FROM d1.fixed JOIN d1.free ON c = v;
SELECT HEX(c) FROM d1.fixed WHERE c IN (SELECT v FROM d1.free);
SELECT COUNT(*) FROM (SELECT c FROM d1.fixed UNION SELECT v FROM d1.free) x;
