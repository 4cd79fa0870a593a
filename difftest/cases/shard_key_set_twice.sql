-- Of several values for one column of the shard key the last one counts.
CREATE TABLE d2.usr (k VARCHAR(20) NOT NULL, n INT, PRIMARY KEY (k));
INSERT INTO d2.usr (k) VALUES ('b'), ('c'), ('e');
-- changes: d2.usr
UPDATE d2.usr SET k = 'c', k = 'b' WHERE k = 'c';
-- changes: d2.usr
UPDATE d2.usr SET k = 'c', k = 'd' WHERE k = 'c';
-- changes: d2.usr
UPDATE d2.usr SET k = 'f', n = 3, k = k WHERE k = 'e';
-- prepared
-- changes: d2.usr
UPDATE d2.usr SET k = 'a', k = 'g', k = 'z', n = 7 WHERE k = 'b';
