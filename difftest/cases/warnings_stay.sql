-- What a statement has warned of is shown after others that name no tables and warn of nothing.
CREATE TABLE d1.wrn (id INT NOT NULL, n INT, PRIMARY KEY (id));
SET autocommit = 0;
INSERT IGNORE INTO wrn VALUES (1, 'x');
COMMIT;
SHOW WARNINGS;
SET @a = 1, autocommit = 1;
SELECT 1, @a;
SHOW WARNINGS;
BEGIN NOT ATOMIC INSERT INTO d1.wrn VALUES (2, 2); END;
SHOW WARNINGS;
INSERT IGNORE INTO wrn VALUES (3, 'y');
SELECT 1 + 'z';
SHOW WARNINGS;
SELECT n + 0 FROM wrn WHERE id = 2;
SHOW WARNINGS;
-- max_error_count = 0 keeps none.
SET max_error_count = 0;
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x';
SHOW WARNINGS;
SELECT * FROM d1.nowhere;
SHOW WARNINGS;
SET max_error_count = DEFAULT;
SELECT * FROM d1.nowhere;
SHOW WARNINGS;
SHOW EVENTS FROM nowhere;
SHOW COLUMNS FROM t FROM nowhere;
-- What a statement has warned of before it failed.
SET sql_mode = '';
CREATE TABLE d1.fail (id INT PRIMARY KEY, a INT, b VARCHAR(3));
INSERT INTO fail VALUES (1, 1, 'a');
INSERT INTO fail VALUES (8, '8x', 'abcd'), (8, 1, 'q');
SHOW WARNINGS;
UPDATE fail SET a = '2y', id = NULL + 1 WHERE id = 1;
SHOW WARNINGS;
SET sql_mode = DEFAULT;
INSERT INTO fail VALUES (9, 1, 'abcd');
SHOW WARNINGS;
