-- What a strict INSERT … SELECT warns of while it gathers the rows of a set operation is no error: nothing is written then yet.
CREATE TABLE d1.mix (k INT, bl BLOB, PRIMARY KEY (k));
INSERT INTO d1.mix VALUES (1, 'x'), (2, 'ab'), (3, NULL);
CREATE TABLE d1.none (k INT);
CREATE TABLE d1.got (k INT, c INT);
-- changes: d1.got
INSERT INTO d1.got SELECT 1, 3 FROM none UNION SELECT k, CASE WHEN CONCAT(bl, '') > 10 THEN 1 ELSE 2 END FROM mix;
-- changes: d1.got
INSERT INTO d1.got SELECT k, CASE WHEN CONCAT(bl, '') > 10 THEN 1 ELSE 2 END FROM mix EXCEPT SELECT k, c FROM got;
-- changes: d1.got
INSERT INTO d1.got SELECT k, CASE WHEN CONCAT(bl, '') > 10 THEN 1 ELSE 2 END FROM mix;
CREATE TABLE d1.m2 AS SELECT 1 AS k, NULL AS c FROM none EXCEPT ALL SELECT k, CASE WHEN CONCAT(bl, '') > 10 THEN 1 ELSE 2 END AS c FROM mix;
CREATE TABLE d1.m3 AS SELECT 1 AS k, 2 AS c FROM none UNION ALL SELECT k, CASE WHEN CONCAT(bl, '') > 10 THEN 1 ELSE 2 END AS c FROM mix ORDER BY k;
CREATE TABLE d1.m4 AS SELECT 1 AS k, 2 AS c FROM none UNION ALL SELECT k, CASE WHEN CONCAT(bl, '') > 10 THEN 1 ELSE 2 END AS c FROM mix;
