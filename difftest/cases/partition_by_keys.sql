-- PARTITION (…) of a table whose rows are found first was refused.
CREATE TABLE d1.prt (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (100));
INSERT INTO prt VALUES (1, 1), (2, 2), (20, 3), (5, 5), (6, 6), (30, 7);
CREATE TABLE d1.oth (id INT PRIMARY KEY, n INT);
INSERT INTO oth VALUES (1, 1), (2, 2), (6, 3), (20, 20);
-- changes: d1.prt
UPDATE prt PARTITION (p0) SET v = v + 1 ORDER BY id LIMIT 1;
UPDATE prt PARTITION (p0) SET v = v + 1 LIMIT 2;
-- changes: d1.prt
UPDATE prt PARTITION (p0) SET v = 0 LIMIT 100;
-- changes: d1.prt
UPDATE prt PARTITION (p1) SET v = (SELECT MAX(n) FROM oth);
-- changes: d1.prt
UPDATE prt PARTITION (p0) SET v = (SELECT MAX(n) FROM oth WHERE oth.id = prt.id);
-- changes: d1.prt
UPDATE prt PARTITION (p0) SET v = v + 10 WHERE id IN (SELECT n FROM oth);
-- changes: d1.prt
DELETE FROM prt PARTITION (p1) ORDER BY id LIMIT 1;
-- changes: d1.prt
DELETE FROM prt PARTITION (p0) WHERE id IN (SELECT n + 3 FROM oth);
-- changes: d1.prt
UPDATE prt PARTITION (p0) x SET x.v = x.v + 10 WHERE x.id IN (SELECT id FROM oth) ORDER BY x.id DESC LIMIT 1;
-- changes: d1.prt
DELETE FROM prt PARTITION (p1) WHERE id IN (SELECT id FROM oth);
UPDATE prt PARTITION (nope) SET v = 1 LIMIT 1;
-- refused
UPDATE prt PARTITION (p0) SET id = id + 1;
