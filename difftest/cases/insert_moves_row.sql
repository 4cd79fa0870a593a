-- ON DUPLICATE KEY UPDATE of the shard key: rows are met one after another, also those that the statement has moved before.
CREATE TABLE d2.usr (k VARCHAR(20) NOT NULL, n INT, PRIMARY KEY (k));
INSERT INTO d2.usr (k) VALUES ('a'), ('b'), ('c'), ('d');
-- changes: d2.usr
INSERT INTO d2.usr (k, n) VALUES ('A', 1), ('z', 2), ('aa', 3), ('b', 4) ON DUPLICATE KEY UPDATE k = CONCAT(usr.k, 'a'), n = VALUES(n);
-- prepared
-- changes: d2.usr
INSERT INTO d2.usr (k, n) VALUES ('c', 1), ('d', 2) ON DUPLICATE KEY UPDATE n = 9, k = 'y';
-- changes: d2.usr
INSERT INTO d2.usr (k, n) SELECT s.k, 5 FROM d2.usr s WHERE s.k < 'd' ORDER BY s.k ON DUPLICATE KEY UPDATE k = CONCAT('q', usr.k), n = 8;
SET sql_mode = 'SIMULTANEOUS_ASSIGNMENT';
-- refused
INSERT INTO d2.usr (k, n) VALUES ('y', 1) ON DUPLICATE KEY UPDATE k = CONCAT(usr.k, 'a'), n = VALUES(n);
