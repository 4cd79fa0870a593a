-- Writes through views under LOCK TABLES: the table has the view's name there.
CREATE TABLE d1.acc (id INT PRIMARY KEY, g INT);
CREATE REFERENCE TABLE d1.item (id INT PRIMARY KEY, w INT);
INSERT INTO d1.acc VALUES (1, 1), (2, 1), (3, 2), (4, 2);
INSERT INTO d1.item VALUES (1, 10), (2, 20);
CREATE VIEW d1.few AS SELECT id, g FROM d1.acc WHERE id < 4;
CREATE VIEW d1.fewer AS SELECT id AS nr, g FROM few WHERE id > 1;
CREATE VIEW d1.things AS SELECT * FROM d1.item;
LOCK TABLES few WRITE;
UPDATE few SET g = g + 10;
INSERT INTO few VALUES (0, 0);
DELETE FROM few WHERE id = 0;
SELECT * FROM few;
UNLOCK TABLES;
LOCK TABLES fewer WRITE, few AS x READ;
UPDATE fewer SET g = g + 10 WHERE nr = 2;
SELECT * FROM few AS x;
UNLOCK TABLES;
LOCK TABLES things WRITE;
UPDATE things SET w = w + 1 WHERE things.id = 1;
SELECT * FROM things;
INSERT INTO things VALUES (3, 30);
DELETE FROM things WHERE id = 2;
SHOW COLUMNS FROM things;
UNLOCK TABLES;
LOCK TABLES things AS a WRITE, things READ, things AS b READ;
UPDATE things AS a SET w = w + 1;
SELECT * FROM things JOIN things AS b USING (id);
UNLOCK TABLES;
-- order: id
SELECT * FROM item ORDER BY id;
-- order: id
SELECT * FROM acc ORDER BY id;
-- Subqueries call a view's columns by the names that it has given them.
CREATE VIEW d1.named (nr, many) AS SELECT id, g FROM d1.acc;
-- changes: d1.acc
UPDATE named n SET many = many + 1 WHERE EXISTS (SELECT 1 FROM item i WHERE i.id = n.nr);
-- changes: d1.acc
UPDATE named SET many = (SELECT MAX(w) FROM item i WHERE i.id = named.nr) WHERE nr < 3;
-- changes: d1.acc
DELETE FROM named WHERE NOT EXISTS (SELECT 1 FROM item i WHERE i.id = named.nr);
