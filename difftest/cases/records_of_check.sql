-- INSERT IGNORE does not count the rows that a CHECK refuses.
SET sql_mode = '';
CREATE TABLE d1.ord (id INT NOT NULL, item INT, PRIMARY KEY (id), CHECK (item <> 10));
CREATE REFERENCE TABLE d1.kind (id INT NOT NULL, item INT, PRIMARY KEY (id), CHECK (item <> 10));
-- changes: d1.ord
INSERT IGNORE INTO d1.ord (id, item) VALUES (9, 13), (6, 10);
-- changes: d1.ord
INSERT IGNORE INTO d1.ord (id, item) VALUES (6, 10), (7, 10);
-- changes: d1.ord
INSERT IGNORE INTO d1.ord (id, item) VALUES (6, 10), (7, 10), (9, 3), (10, 10), (11, 3), (12, 10), (13, 1);
-- changes: d1.ord
INSERT IGNORE INTO d1.ord (id, item) VALUES (8, 10);
-- changes: d1.kind
INSERT IGNORE INTO d1.kind (id, item) VALUES (6, 10), (7, 1), (8, 10), (7, 2);
-- changes: d1.ord
INSERT IGNORE INTO d1.ord (id, item) SELECT id + 20, item + 9 FROM d1.kind;
-- changes: d1.ord
INSERT IGNORE INTO d1.ord (id, item) SELECT id + 20, item + 9 FROM d1.ord;
-- changes: d1.kind
INSERT IGNORE INTO d1.kind (id, item) SELECT id + 20, item + 9 FROM d1.ord;
