-- What MariaDB tells beside the error of a statement that it refuses: why a foreign key is incorrectly formed.
CREATE TABLE d1.acc (id INT NOT NULL, val INT, PRIMARY KEY (id));
CREATE TABLE d1.seq (id INT NOT NULL, acc INT, PRIMARY KEY (id), FOREIGN KEY (acc) REFERENCES acc (nothere));
CREATE TABLE d1.seq (id INT NOT NULL, acc VARCHAR(5), PRIMARY KEY (id), FOREIGN KEY (acc) REFERENCES acc (id));
SHOW WARNINGS;
SHOW COUNT(*) ERRORS;
GET DIAGNOSTICS CONDITION 1 @no = MYSQL_ERRNO;
SELECT @no;
CREATE TABLE d1.acc (id INT NOT NULL);
SHOW WARNINGS;
ALTER DATABASE d1;
-- Nobody may change information_schema; system tables are each leaf's own.
CREATE TABLE information_schema.made (a INT);
DROP TABLE information_schema.TABLES;
CREATE DATABASE information_schema;
DROP DATABASE information_schema;
DELETE FROM information_schema.TABLES;
UPDATE information_schema.TABLES SET TABLE_NAME = 'x';
-- refused
TRUNCATE TABLE mysql.slow_log;
