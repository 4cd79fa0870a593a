-- A literal of two digits that a YEAR is compared with is a year, the value of a subquery is none.
CREATE TABLE d1.word (id INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d1.word (id) VALUES (19), (20);
CREATE TABLE d1.ev (v INT, y YEAR, KEY (v));
INSERT INTO d1.ev (v, y) VALUES (0, 2000), (1, 2001), (2, 1901), (3, 2050);
SELECT y AS c1 FROM d1.ev AS t1 WHERE t1.y >= (SELECT AVG(1) AS c2 FROM word AS t2);
SELECT y AS c1 FROM d1.ev AS t1 WHERE t1.y >= 1;
SELECT y, COUNT(*) AS c1 FROM d1.ev AS t1 GROUP BY y HAVING y < (SELECT COUNT(*) FROM word AS t2);
SELECT a FROM (SELECT MAX(y) AS a FROM d1.ev GROUP BY v) AS t1 WHERE a > (SELECT MAX(id) FROM word AS t2);
SELECT v FROM d1.ev WHERE v >= (SELECT COUNT(*) FROM word);
