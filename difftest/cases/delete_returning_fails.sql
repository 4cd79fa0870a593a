-- One partition refuses to delete its row: those of others stay, too.
CREATE TABLE d1.acc (id INT NOT NULL, grp INT, f DOUBLE, PRIMARY KEY (id));
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, PRIMARY KEY (id, acc), KEY (acc), CONSTRAINT fk_acc FOREIGN KEY (acc) REFERENCES d1.acc (id), SHARD KEY (acc));
INSERT INTO d1.acc (id, grp, f) VALUES (13, 1, 2), (14, 1, 4), (15, 1, 3), (16, 1, 2);
INSERT INTO d1.ord (id, acc) VALUES (1, 14);
-- changes: d1.acc, d1.ord
DELETE FROM d1.acc WHERE grp = 1 RETURNING f;
PREPARE p4 FROM 'DELETE FROM d1.acc WHERE grp = 1 RETURNING f';
-- changes: d1.acc, d1.ord
EXECUTE p4;
START TRANSACTION;
-- changes: d1.acc, d1.ord
DELETE FROM d1.acc WHERE id > 13 RETURNING id;
-- changes: d1.acc, d1.ord
DELETE FROM d1.acc WHERE id <> 14 RETURNING f * 2 AS g;
COMMIT;
CREATE TABLE d1.kept (id INT NOT NULL, grp INT CHECK (grp < 5), PRIMARY KEY (id));
INSERT INTO d1.acc (id, grp, f) VALUES (1, 1, 2), (2, 1, 4), (3, 7, 3), (4, 1, 2);
-- changes: d1.kept
INSERT INTO d1.kept (id, grp) SELECT id, grp FROM d1.acc RETURNING grp;
-- changes: d1.kept
INSERT INTO d1.kept (id, grp) SELECT id, grp FROM d1.acc WHERE grp < 5 RETURNING id, grp;
