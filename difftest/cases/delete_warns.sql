-- What a condition warns of is no error in a DELETE, in strict mode neither.
CREATE TABLE d1.t (k INT PRIMARY KEY, a VARCHAR(10), b INT);
CREATE TABLE d2.u (k INT PRIMARY KEY, a VARCHAR(10), b INT);
INSERT INTO d1.t VALUES (1,'a',1),(2,'b',2),(3,'9',3);
INSERT INTO d2.u VALUES (1,'a',1),(2,'b',2);
UPDATE d1.t SET b = 3 WHERE a IN (SELECT b + 7 FROM d2.u);
-- changes: d1.t
DELETE FROM d1.t WHERE a IN (SELECT b + 7 FROM d2.u);
-- changes: d1.t
DELETE t FROM d1.t t JOIN d2.u u WHERE t.a = u.b + 7;
-- changes: d1.t
DELETE FROM d1.t WHERE a = 9 ORDER BY b LIMIT 1;
