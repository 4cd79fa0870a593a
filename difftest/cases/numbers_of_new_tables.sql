-- Numbers of a new table begin where its option says.
CREATE TABLE d1.invoice (no BIGINT AUTO_INCREMENT PRIMARY KEY, n INT) AUTO_INCREMENT = 9000000000;
INSERT INTO d1.invoice (n) VALUES (1), (2);
-- changes: d1.invoice
INSERT INTO d1.invoice VALUES (NULL, 3);
CREATE OR REPLACE TABLE d1.invoice (n INT, no INT UNSIGNED NOT NULL AUTO_INCREMENT, KEY (n), PRIMARY KEY (no)) AUTO_INCREMENT 500, COMMENT 'AUTO_INCREMENT=7';
-- changes: d1.invoice
INSERT INTO d1.invoice (n) VALUES (1);
CREATE TABLE d1.other LIKE d1.invoice;
-- changes: d1.other
INSERT INTO d1.other (n) VALUES (1);
CREATE OR REPLACE TABLE d1.other (no INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 70 SELECT n FROM d1.invoice;
-- changes: d1.other
INSERT INTO d1.other (n) VALUES (2);
CREATE TABLE d1.full (no BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY);
INSERT INTO d1.full VALUES (18446744073709551614);
-- changes: d1.full
INSERT INTO d1.full VALUES (NULL);
-- changes: d1.full
INSERT INTO d1.full VALUES (NULL), (NULL);
-- A column without room for one more value.
SET sql_mode = '';
CREATE TABLE d1.few (k INT NOT NULL, n TINYINT AUTO_INCREMENT, KEY (n), SHARD KEY (k));
INSERT INTO few VALUES (1, 126);
INSERT INTO few (k) VALUES (2);
INSERT INTO few (k) VALUES (3), (4);
INSERT INTO few (k) SELECT 5;
SET sql_mode = DEFAULT;
INSERT INTO few (k) VALUES (6);
SELECT * FROM few;
ALTER TABLE d1.other AUTO_INCREMENT = 219.9;
-- changes: d1.other
INSERT INTO d1.other (n) VALUES (3);
ALTER TABLE d1.other AUTO_INCREMENT = 300e2;
-- changes: d1.other
INSERT INTO d1.other (n) VALUES (4);
