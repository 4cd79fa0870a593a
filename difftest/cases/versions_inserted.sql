-- Rows of the past come in with their times, as dumps with history have them.
SET timestamp = 1700000000.5;
CREATE TABLE d1.lot (id INT NOT NULL PRIMARY KEY, val INT) WITH SYSTEM VERSIONING;
SET system_versioning_insert_history = 1;
INSERT INTO lot (id, val, row_start, row_end) VALUES (1, 1, '2020-01-01 00:00:00', '2020-02-01 00:00:00'), (2, 2, '2020-01-01 00:00:00', '2020-03-01 00:00:00'),
  (1, 3, '2020-02-01 00:00:00', '2038-01-19 03:14:07.999999');
INSERT INTO lot SET id = 3, row_start = '2020-01-01', row_end = '2020-04-01';
REPLACE INTO lot (row_start, id, val) VALUES ('2021-01-01', 4, 4);
INSERT INTO lot (id, val, row_end) VALUES (5, 5, '2020-01-01');
INSERT INTO lot (id, row_from) VALUES (6, 1);
-- order: id, val
SELECT id, val, row_start, row_end FROM lot FOR SYSTEM_TIME ALL ORDER BY id, val;
SELECT * FROM lot FOR SYSTEM_TIME AS OF '2020-01-15' WHERE id = 1;
-- refused
INSERT INTO lot (id, val, row_start, row_end) SELECT id + 10, val, row_start, row_end FROM lot FOR SYSTEM_TIME ALL;
SET system_versioning_insert_history = 0;
