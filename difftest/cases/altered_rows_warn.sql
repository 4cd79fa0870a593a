-- ALTER TABLE tells of values of rows that it cuts off.
CREATE TABLE d1.acc (id INT NOT NULL, val VARCHAR(5), PRIMARY KEY (id));
INSERT INTO acc VALUES (1, 'long'), (2, NULL);
ALTER TABLE acc MODIFY val VARCHAR(2);
SET sql_mode = '';
ALTER TABLE acc MODIFY val VARCHAR(2);
SELECT id, val FROM acc ORDER BY id;
ALTER TABLE acc MODIFY val TINYINT;
SHOW WARNINGS;
