-- Where MariaDB finds all rows before it changes the first, because it sorts them or changes the primary key, it only warns of what is wrong in the condition: not of values.
CREATE TABLE d1.t (id INT NOT NULL, grp INT, s VARCHAR(5), PRIMARY KEY (id));
INSERT INTO d1.t (id, grp, s) VALUES (1, 0, 'x'), (2, 1, 'y'), (3, 1, '5'), (4, 0, '5');
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, memo VARCHAR(20), PRIMARY KEY (id, acc), SHARD KEY (acc));
INSERT INTO d1.ord (id, acc, memo) VALUES (9, 5, '%p'), (8, 4, '1');
-- changes: d1.t
UPDATE d1.t SET id = id + 10 WHERE MOD(1, grp) > 1;
-- changes: d1.t
UPDATE d1.t SET id = id + 10 WHERE s + 1 = 6;
-- changes: d1.t
UPDATE d1.t SET id = id + s WHERE id < 13;
-- changes: d1.t
UPDATE d1.t SET id = id + s WHERE s + 1 = 6 AND id > 2;
-- changes: d1.t
UPDATE d1.t SET id = id + 10 WHERE id = 1 AND s + 1 = 6;
-- changes: d1.t
UPDATE d1.t SET s = 'a' WHERE s + 1 = 6 ORDER BY id LIMIT 1;
-- changes: d1.t
UPDATE d1.t SET grp = (SELECT MAX(id) FROM ord WHERE memo > 0) WHERE s + 1 = 6;
-- changes: d1.t
UPDATE d1.t SET grp = CASE WHEN (1, 1) >= (SELECT DISTINCT 1 AS c1, 1 AS c2 FROM ord WHERE CONCAT(memo, '') > 9) THEN 7 ELSE grp END WHERE 1 ORDER BY id DESC LIMIT 3;
-- changes: d1.t
UPDATE d1.t SET grp = (SELECT MAX(acc) FROM ord) WHERE s + 1 = 6 ORDER BY id;
