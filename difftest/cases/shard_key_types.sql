-- Not all types may be shard keys: that is said when the table is made, not when it is written to.
-- refused
CREATE TABLE d1.a (k VARCHAR(20) CHARACTER SET latin2 COLLATE latin2_czech_cs PRIMARY KEY, SHARD KEY (k));
-- refused
CREATE TABLE d1.b (k TIMESTAMP PRIMARY KEY, SHARD KEY (k));
-- refused
CREATE TABLE d1.c (k FLOAT PRIMARY KEY, SHARD KEY (k));
CREATE TABLE d1.d (k VARCHAR(20) CHARACTER SET latin2 COLLATE latin2_general_ci PRIMARY KEY);
INSERT INTO d1.d VALUES ('a'), ('b');
SELECT * FROM d1.d;
-- A number is that of an ENUM's member in the column that is compared with it, not in the shard key that equals this column.
CREATE TABLE d1.key_enum (e ENUM('x', 'p', 'q', '2', '1', '3', '4') NOT NULL, PRIMARY KEY (e), SHARD KEY (e));
CREATE TABLE d1.key_text (v VARCHAR(9) NOT NULL, PRIMARY KEY (v), SHARD KEY (v));
CREATE REFERENCE TABLE d1.named (n INT NOT NULL, e ENUM('p', 'q', 'x'), v VARCHAR(9), PRIMARY KEY (n));
INSERT INTO d1.key_enum VALUES ('x'), ('p'), ('q'), ('2'), ('1'), ('3'), ('4');
INSERT INTO d1.key_text VALUES ('x'), ('p'), ('q'), ('2'), ('1'), ('3'), ('4');
INSERT INTO d1.named VALUES (1, 'p', '2'), (2, 'q', 'x'), (3, 'x', '1'), (4, NULL, '3');
SELECT k.e, n FROM d1.key_enum k JOIN d1.named r ON k.e = r.e WHERE r.e = 1;
SELECT k.e, n FROM d1.key_enum k JOIN d1.named r ON k.e = r.e WHERE r.e = 2;
SELECT k.e, n FROM d1.key_enum k JOIN d1.named r ON k.e = r.e WHERE r.e = 3;
SELECT k.e, n FROM d1.key_enum k JOIN d1.named r ON k.e = r.v WHERE r.v = 1;
SELECT k.e, n FROM d1.key_enum k JOIN d1.named r ON k.e = r.v WHERE r.v = 3;
SELECT k.e, n FROM d1.key_enum k JOIN d1.named r ON k.e = r.v WHERE r.v = '3' AND k.e = 6;
SELECT * FROM (SELECT e FROM d1.key_enum UNION ALL SELECT v FROM d1.key_text) x WHERE x.e = 2;
SELECT * FROM (SELECT e FROM d1.key_enum UNION ALL SELECT v FROM d1.key_text) x WHERE x.e = 3;
-- A derived table may be pinned by a key that it does not show, of another type than the key of the table beside it.
CREATE TABLE d1.by_int (id INT NOT NULL, a INT NOT NULL, PRIMARY KEY (id), SHARD KEY (id));
CREATE TABLE d1.by_dec (k DECIMAL(5,1) NOT NULL, a INT, PRIMARY KEY (k), SHARD KEY (k));
INSERT INTO d1.by_int VALUES (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8);
INSERT INTO d1.by_dec VALUES (1, 1), (2, 2), (3, 3), (4, 4);
SELECT x.a, t.id FROM (SELECT a FROM d1.by_dec WHERE k = 1) x JOIN d1.by_int t ON t.id = 1;
SELECT x.a, t.id FROM (SELECT a FROM d1.by_dec WHERE k = 2) x JOIN d1.by_int t ON t.id = 2;
SELECT x.a, t.id FROM (SELECT a FROM d1.by_dec WHERE k = 2) x JOIN d1.by_int t ON t.id = 5;
SELECT COUNT(*), MAX(x.v) FROM (SELECT v, 7 FROM d1.key_text WHERE v = '3') x JOIN d1.by_int t ON t.id = 3;
SELECT COUNT(*) FROM (SELECT 1 FROM d1.key_text WHERE v = '3') x JOIN d1.by_int t ON t.id = 3;
SELECT COUNT(*) FROM (SELECT 1 FROM d1.key_text WHERE v = '2') x JOIN d1.by_int t ON t.id = 2;
SELECT x.a FROM (SELECT a FROM d1.by_dec WHERE k = 3) x UNION ALL SELECT y.a FROM (SELECT a FROM d1.by_int WHERE id = 3) y;
