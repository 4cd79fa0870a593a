-- Tables with a past are altered where rows are copied, too, and keep it as system_versioning_alter_history says.
SET timestamp = 1700000000.5;
CREATE TABLE d1.lot (id INT NOT NULL PRIMARY KEY, val INT, name VARCHAR(10)) WITH SYSTEM VERSIONING;
CREATE TABLE d1.own (id INT NOT NULL, val INT, `from` TIMESTAMP(6) GENERATED ALWAYS AS ROW START, `to` TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (`from`, `to`), PRIMARY KEY (id), SHARD KEY (id)) WITH SYSTEM VERSIONING;
INSERT INTO lot VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd');
INSERT INTO own (id, val) VALUES (1, 1), (2, 2), (3, 3);
SET timestamp = 1700000010.5;
UPDATE lot SET val = val * 100 WHERE id < 4;
UPDATE own SET val = val * 100 WHERE id < 3;
DELETE FROM lot WHERE id = 3;
ALTER TABLE lot FORCE;
SET system_versioning_alter_history = KEEP;
ALTER TABLE lot FORCE;
-- order: id, val
SELECT *, row_start, row_end FROM lot FOR SYSTEM_TIME ALL ORDER BY id, val;
ALTER TABLE lot ADD CHECK (val < 300);
ALTER TABLE lot ADD CHECK (val <> 3), MODIFY name CHAR(20);
ALTER TABLE lot MODIFY val TINYINT;
ALTER TABLE lot MODIFY val BIGINT UNSIGNED;
ALTER TABLE own MODIFY val BIGINT WITHOUT SYSTEM VERSIONING;
-- order: id, val
SELECT *, row_start, row_end FROM lot FOR SYSTEM_TIME ALL ORDER BY id, val;
-- order: id, val
SELECT *, `from`, `to` FROM own FOR SYSTEM_TIME ALL ORDER BY id, val;
ALTER TABLE lot DROP SYSTEM VERSIONING;
SELECT * FROM lot;
SHOW CREATE TABLE lot;
ALTER TABLE own DROP COLUMN `from`, DROP COLUMN `to`, DROP PERIOD FOR SYSTEM_TIME, DROP SYSTEM VERSIONING;
SELECT * FROM own;
ALTER TABLE lot ADD SYSTEM VERSIONING;
UPDATE lot SET val = 5 WHERE id = 2;
-- order: id, val
SELECT * FROM lot FOR SYSTEM_TIME ALL ORDER BY id, val;
SET system_versioning_alter_history = ERROR;
