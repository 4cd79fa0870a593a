-- What people type into the client.
DROP TABLE IF EXISTS booking, account, word;
CREATE TABLE account (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, owner VARCHAR(40) NOT NULL, branch INT, balance DECIMAL(12,2) NOT NULL DEFAULT 0,
  opened DATETIME(3), note TEXT, picture BLOB, settings JSON, kind ENUM('private','firm') DEFAULT 'private', flags SET('a','b','c'), ratio DOUBLE, code BIT(5), day DATE, at TIME(2), y YEAR,
  KEY (owner), KEY branch (branch, opened)) COMMENT='of customers';
CREATE TABLE booking (account BIGINT NOT NULL, no INT NOT NULL, amount DECIMAL(12,2), PRIMARY KEY (account, no));
CREATE TABLE word (w VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci PRIMARY KEY, n INT CHECK (n > 0));
INSERT INTO account (owner, branch, balance, opened, note, picture, settings, flags, ratio, code, day, at, y) VALUES
  ('Ada', 1, 100.10, '2024-02-29 12:30:00.125', 'it''s \\ "quoted"\nsecond line', x'00ff27', '{"a": [1, null]}', 'a,c', 1.5e-7, b'10101', '2024-02-29', '-12:30:01.25', 2024),
  ('Grace', 2, -50, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL),
  ('Žofie 😀', 1, 0, '1000-01-01', '', '', '[]', 'b', 0, b'0', '9999-12-31', '838:59:59', 1901);
SELECT LAST_INSERT_ID(), ROW_COUNT();
SELECT * FROM account ORDER BY id;
SELECT * FROM account WHERE id = 1\G
SELECT id, owner, balance FROM account WHERE id = 99;
SELECT branch, COUNT(*), SUM(balance), AVG(balance), MIN(owner), MAX(ratio) FROM account GROUP BY branch ORDER BY branch;
SELECT COUNT(*), COUNT(DISTINCT branch) FROM account;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT n.i, a.owner FROM n LEFT JOIN account a ON a.id = n.i ORDER BY n.i;
SELECT owner, RANK() OVER (ORDER BY balance DESC) AS place, (SELECT COUNT(*) FROM account b WHERE b.branch = a.branch) AS many FROM account a ORDER BY owner;
SELECT a.owner, b.no, b.amount FROM account a LEFT JOIN booking b ON b.account = a.id ORDER BY a.owner;
INSERT INTO booking VALUES (1, 1, 10), (1, 2, -3.5), (2, 1, 7), (3, 1, 0.01);
INSERT INTO booking VALUES (2, 1, 8);
INSERT IGNORE INTO booking VALUES (2, 1, 8), (4, 1, 'x');
INSERT INTO booking VALUES (2, 1, 8) ON DUPLICATE KEY UPDATE amount = amount + VALUES(amount);
REPLACE INTO booking VALUES (2, 1, 9);
UPDATE booking SET amount = amount * 2;
UPDATE booking SET amount = 1 WHERE account = 1;
DELETE FROM booking WHERE account = 4;
DELETE FROM booking WHERE account = 3 RETURNING no, amount;
SELECT * FROM booking ORDER BY account, no;
START TRANSACTION;
UPDATE account SET balance = balance - 10 WHERE id = 1;
SAVEPOINT half;
UPDATE account SET balance = balance + 10 WHERE id = 2;
ROLLBACK TO SAVEPOINT half;
UPDATE account SET balance = balance + 10 WHERE id = 3;
SELECT id, balance FROM account ORDER BY id;
ROLLBACK;
SELECT id, balance FROM account ORDER BY id;
SET autocommit = 0;
UPDATE account SET balance = balance + 1;
COMMIT;
SET autocommit = 1;
SELECT id, balance FROM account ORDER BY id;
INSERT INTO word VALUES ('a', 1), ('Ä', 2);
INSERT INTO word VALUES ('b', 0);
INSERT INTO word VALUES ('b', 1), ('ß', 2), ('z', 26);
SELECT w, n FROM word ORDER BY w;
SELECT n FROM word WHERE w = 'A';
SELECT nothing FROM word;
SELECT * FROM nowhere;
SELEKT 1;
SELECT 1 / 0, CAST('12x' AS SIGNED);
INSERT INTO account (owner, branch) VALUES ('too big', 99999999999);
DROP TABLE nowhere;
PREPARE p FROM 'SELECT owner, ? AS given FROM account WHERE id = ?';
SET @x = 'ü', @id = 3;
EXECUTE p USING @x, @id;
EXECUTE p USING @id, @x;
DEALLOCATE PREPARE p;
EXECUTE p;
SET @n = (SELECT 40 + 2);
SELECT @n, @n + 1 AS more;
SELECT 'first'; SELECT 'second' AS `a b`, NULL, 1.50, TRUE, x'41', DATE '2024-01-01', 12345678901234567890, -1e300;
delimiter //
SELECT 'semicolons; are not the end'; SELECT 2//
delimiter ;
DESCRIBE account;
SHOW TABLES;
SHOW FULL COLUMNS FROM word;
SHOW CREATE DATABASE cli;
SHOW WARNINGS;
SHOW VARIABLES LIKE 'character_set_c%';
SHOW COLLATION LIKE 'utf8mb4_swedish%';
SHOW TABLE STATUS LIKE 'nothing';
SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, COLUMN_TYPE, COLUMN_KEY, EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1, 3;
SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, SEQ_IN_INDEX, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'cli' ORDER BY 1, 2, 4;
ALTER TABLE word ADD COLUMN added VARCHAR(10) NOT NULL DEFAULT 'x' AFTER w, ADD INDEX (n);
SELECT * FROM word ORDER BY n, w;
ALTER TABLE word DROP COLUMN added, RENAME COLUMN n TO m;
ALTER TABLE account MODIFY branch BIGINT;
ALTER TABLE account COMMENT = 'once more';
ALTER TABLE account FORCE;
CREATE INDEX bynote ON account (note(10));
DROP INDEX bynote ON account;
ALTER TABLE account ADD CONSTRAINT sane CHECK (balance > -1000);
ALTER TABLE account ADD CONSTRAINT wrong CHECK (balance > 1000);
ALTER TABLE account RENAME TO accounts;
ALTER TABLE accounts RENAME TO account;
SHOW INDEX FROM word WHERE Key_name = 'nothing';
RENAME TABLE word TO words;
SELECT COUNT(*) FROM words;
RENAME TABLE words TO word;
TRUNCATE TABLE booking;
SELECT COUNT(*) FROM booking;
CREATE TEMPORARY TABLE mine (id INT PRIMARY KEY, v VARCHAR(5));
INSERT INTO mine VALUES (1, 'x');
SELECT * FROM mine;
DROP TEMPORARY TABLE mine;
SELECT DATABASE(), USER(), CURRENT_USER(), @@autocommit, @@sql_mode;
USE information_schema;
USE cli;
DROP TABLE word;
