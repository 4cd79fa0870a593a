-- SET system_versioning_asof=DEFAULT shows as the value 'DEFAULT', which can't be set: the session's connections get the word.
CREATE TABLE d1.acc (id INT NOT NULL, val INT, PRIMARY KEY (id)) WITH SYSTEM VERSIONING;
INSERT INTO acc VALUES (1, 1), (2, 2), (3, 3);
SET system_versioning_asof='2001-01-01 00:00:00';
SELECT * FROM acc;
SET system_versioning_asof=DEFAULT;
-- order: id
SELECT * FROM acc ORDER BY id;
SELECT @@system_versioning_asof;
SET system_versioning_asof='2001-01-01 00:00:00';
SELECT COUNT(*) FROM acc WHERE id = 2;
SET SESSION system_versioning_asof=DEFAULT, sql_mode=DEFAULT;
SELECT COUNT(*) FROM acc WHERE id = 2;
