-- Views beside a temporary table: a leaf was asked about them where that is not. And a consistent snapshot of a session that has one.
CREATE TABLE d1.acc (id INT NOT NULL, note VARCHAR(30), PRIMARY KEY (id));
INSERT INTO acc VALUES (1, 'a'), (2, 'b'), (9, 'c');
CREATE VIEW d1.vacc AS SELECT id, note FROM d1.acc WHERE id < 5;
CREATE VIEW d1.vone AS SELECT 1 AS x;
CREATE TEMPORARY TABLE d1.tmp (tk INT NOT NULL, PRIMARY KEY (tk));
INSERT INTO tmp VALUES (1), (3);
-- order: tk, id
SELECT t1.tk, t2.id, t2.note FROM d1.tmp t1 LEFT JOIN d1.vacc t2 ON t1.tk = t2.id ORDER BY tk, id;
-- changes: d1.tmp
INSERT INTO tmp SELECT id + 5 FROM vacc;
-- changes: d1.tmp
UPDATE tmp SET tk = 20 WHERE tk = (SELECT MAX(x) FROM vone);
START TRANSACTION WITH CONSISTENT SNAPSHOT;
-- order: tk, id
SELECT tk, id FROM vacc JOIN tmp ORDER BY tk, id;
COMMIT;
SET sql_mode = CONCAT(@@sql_mode, ',ANSI');
-- order: tk, id
SELECT tk, id FROM acc JOIN tmp ON tk > id ORDER BY tk, id;
