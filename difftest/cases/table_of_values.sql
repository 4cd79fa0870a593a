-- VALUES in the place of a SELECT: columns without a default, and names of the first row's values.
CREATE TABLE d1.plainv AS VALUES (1, 'a', NULL), (2.5, 'bcd', 7);
SHOW CREATE TABLE d1.plainv;
SELECT * FROM d1.plainv;
CREATE TABLE d1.keyed (`1` BIGINT PRIMARY KEY, x INT, note VARCHAR(9)) VALUES (1, 'é'), (9, NULL);
SHOW CREATE TABLE d1.keyed;
-- order: 3
SELECT * FROM d1.keyed;
CREATE TABLE d1.keyed2 (`1` INT PRIMARY KEY) VALUES (1), (2), (1);
CREATE TABLE d1.keyed2 (`1` INT PRIMARY KEY) IGNORE VALUES (1), (2), (1);
-- changes: d1.keyed2
CREATE OR REPLACE TABLE d1.keyed2 (`1` INT PRIMARY KEY) AS VALUES (1), (4), (3) ORDER BY 1 DESC LIMIT 2;
SELECT * FROM d1.keyed2 WHERE `1` = 4;
CREATE TABLE d1.keyed3 (`1` INT PRIMARY KEY) REPLACE (SELECT 1 UNION SELECT 2);
SELECT COUNT(*) FROM d1.keyed3;
