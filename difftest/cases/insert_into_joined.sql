-- An INSERT into a view that joins tables adds rows to the one whose columns it names.
CREATE TABLE d1.lft (id INT PRIMARY KEY, a INT, d INT NOT NULL DEFAULT 3);
CREATE TABLE d1.rgt (id INT PRIMARY KEY, a INT, z INT NOT NULL);
INSERT INTO d1.lft VALUES (1, 1, 1);
INSERT INTO d1.rgt VALUES (1, 1, 1);
CREATE VIEW d1.both_of AS SELECT l.id lid, l.a la, l.d ld, r.id rid, r.a ra FROM d1.lft l JOIN d1.rgt r ON l.id = r.id;
CREATE VIEW d1.outer_of AS SELECT l.id lid, l.a la, r.id rid FROM d1.lft l LEFT JOIN d1.rgt r ON l.id = r.id;
CREATE VIEW d1.twice AS SELECT x.id xid, y.id yid, x.a xa, y.a ya FROM d1.lft x JOIN d1.lft y ON x.id = y.a WHERE x.a > 5;
INSERT INTO d1.outer_of (lid, la) VALUES (300, 1);
-- changes: d1.lft
INSERT INTO d1.twice (yid, ya) VALUES (303, 1);
INSERT INTO d1.both_of VALUES (1, 2, 3, 4, 5);
-- changes: d1.lft
INSERT INTO d1.both_of SET lid = 304;
INSERT INTO d1.both_of SET lid = 304, rid = 3;
INSERT INTO d1.both_of (rid) VALUES (5);
-- changes: d1.lft
INSERT INTO d1.both_of (lid, la) VALUES (304, 9) ON DUPLICATE KEY UPDATE la = VALUES(la) + 1;
INSERT INTO d1.both_of (lid, la) VALUES (304, 9) ON DUPLICATE KEY UPDATE ra = 1;
-- prepared
-- changes: d1.lft
REPLACE INTO d1.both_of (lid, la) VALUES (304, 10);
INSERT INTO d1.both_of (lid, nosuch) VALUES (1, 1);
INSERT INTO d1.both_of () VALUES ();
-- changes: d1.lft
INSERT INTO d1.both_of (lid) SELECT 307;
-- changes: d1.lft
INSERT IGNORE INTO d1.both_of (lid, ld) VALUES (307, 1), (308, 2);
-- changes: d1.lft
INSERT INTO d1.both_of (lid, both_of.ld) VALUES (309, 1), (310, DEFAULT);
CREATE VIEW d1.watched AS SELECT l.id lid, l.a la, r.id rid FROM d1.lft l JOIN d1.rgt r ON l.id = r.id WHERE l.a < 5 WITH CHECK OPTION;
-- refused
INSERT INTO d1.watched (lid, la) VALUES (1, 1);
