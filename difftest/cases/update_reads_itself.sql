-- An UPDATE that reads its table in a subquery, too, is one of several tables for MariaDB: SET's values are of the row as it was.
CREATE TABLE d1.acc (id SMALLINT NOT NULL, grp INT, boss INT, PRIMARY KEY (id));
CREATE TABLE d1.heap (id SMALLINT, grp INT, boss INT);
CREATE TABLE d1.o (id INT);
INSERT INTO d1.o (id) VALUES (1);
INSERT INTO d1.acc (id, grp, boss) VALUES (21, 1, 11), (22, 2, 12), (23, 3, 13);
INSERT INTO d1.heap (id, grp, boss) VALUES (21, 1, 11), (22, 2, 12), (23, 3, 13), (22, 2, 12);
-- changes: d1.acc
UPDATE d1.acc SET grp = 5, boss = grp;
-- changes: d1.acc
UPDATE d1.acc SET grp = 6, boss = acc.grp + 1 WHERE 1 IN (SELECT DISTINCT 1 AS c1 FROM acc t1);
-- changes: d1.acc
UPDATE d1.acc SET grp = 7, boss = grp WHERE id IN (SELECT id FROM acc t1);
-- changes: d1.acc
UPDATE d1.acc SET grp = 8, boss = grp WHERE 1 IN (SELECT 1 FROM o t1);
-- changes: d1.acc
UPDATE d1.acc SET grp = 9, boss = grp WHERE EXISTS (SELECT 1 FROM acc t1) ORDER BY id LIMIT 2;
-- changes: d1.acc
UPDATE d1.acc SET grp = (SELECT MAX(id) FROM acc), boss = grp;
-- changes: d1.acc
UPDATE d1.acc SET grp = (SELECT MAX(id) + 1 FROM o), boss = grp;
-- changes: d1.acc
UPDATE d1.acc SET grp = 10, boss = grp, grp = boss + 1 WHERE 1 IN (SELECT 1 FROM (SELECT * FROM acc) t1);
-- changes: d1.acc
UPDATE d1.acc SET grp = 11, boss = grp, id = id + grp WHERE id IN (SELECT id FROM acc t1) ORDER BY id DESC;
-- changes: d1.heap
UPDATE d1.heap SET grp = 6, boss = grp WHERE id IN (SELECT id FROM heap t1 WHERE boss > 11);
-- prepared
-- changes: d1.heap
UPDATE d1.heap SET id = id + 1, boss = id WHERE (SELECT COUNT(*) FROM heap t1) > 2;
