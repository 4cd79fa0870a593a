-- Tables that were made without innodb_strict_mode, with options that this does not allow, are altered, and are again what they were where that fails.
SET innodb_strict_mode = OFF;
CREATE TABLE d1.tight (id INT PRIMARY KEY, v INT) ROW_FORMAT=DYNAMIC KEY_BLOCK_SIZE=8;
INSERT INTO tight VALUES (1, 1), (2, 1), (3, 300);
SET innodb_strict_mode = ON;
ALTER TABLE tight MODIFY v BIGINT;
ALTER TABLE tight MODIFY v TINYINT, KEY_BLOCK_SIZE=0;
SELECT * FROM tight;
ALTER TABLE tight KEY_BLOCK_SIZE=0, MODIFY v BIGINT;
SELECT * FROM tight;
DROP TABLE tight;
-- A date that each row would need a zero for.
SET sql_mode = 'NO_ZERO_DATE';
CREATE TABLE d1.dated (id INT PRIMARY KEY);
ALTER TABLE dated ADD made DATE NOT NULL;
INSERT INTO dated VALUES (1, '2020-02-02'), (2, '2020-02-03');
ALTER TABLE dated ADD seen DATETIME NOT NULL;
ALTER TABLE dated ADD seen DATETIME NOT NULL DEFAULT '2021-01-01', ADD gone DATE NOT NULL;
ALTER TABLE dated ADD seen DATETIME NOT NULL DEFAULT '2021-01-01', ADD n INT NOT NULL;
SELECT * FROM dated;
DROP TABLE dated;
