-- Under EMPTY_STRING_IS_NULL an empty string is NULL, also where it is a shard key that may not be NULL.
SET sql_mode = 'EMPTY_STRING_IS_NULL';
CREATE TABLE d1.a (k VARCHAR(20) NOT NULL, n INT, PRIMARY KEY (k));
CREATE TABLE d1.b (k VARCHAR(20), n INT, KEY (n), SHARD KEY (k));
-- changes: d1.a
INSERT INTO d1.a VALUES ('x', 1), ('', 3);
-- changes: d1.a
INSERT INTO d1.a VALUES ('', 4);
-- changes: d1.b
INSERT INTO d1.b VALUES ('x', 1), ('', 3), ('', 4), (NULL, 5), (LEFT('a', 0), 6);
SELECT n FROM d1.b WHERE k IS NULL;
SELECT n FROM d1.b WHERE k = LEFT('a', 0);
SELECT n FROM d1.b WHERE k <=> '';
-- changes: d1.b
DELETE FROM d1.b WHERE k <=> '';
-- A view's empty strings were NULL, too.
SET sql_mode = '';
CREATE TABLE d1.emptied (id INT PRIMARY KEY, a VARCHAR(9));
INSERT INTO emptied VALUES (1, 'a'), (2, ''), (3, NULL);
CREATE VIEW d1.of_empty AS SELECT id, '' x, CONCAT(a, '') y, _utf8mb4'' z FROM emptied;
CREATE VIEW d1.of_lists AS SELECT GROUP_CONCAT(a ORDER BY id SEPARATOR '') l FROM emptied;
SET sql_mode = 'EMPTY_STRING_IS_NULL';
-- order: id
SELECT * FROM of_empty ORDER BY id;
SELECT COUNT(*) FROM of_empty WHERE y = z;
SELECT COUNT(*) FROM of_lists WHERE l = 'a';
-- A default is what it was when the table was made, whatever strings mean now.
SET sql_mode = '';
CREATE TABLE d1.of_default (k VARCHAR(9) DEFAULT '', l VARCHAR(9) DEFAULT 'a\\b', n INT, SHARD KEY (k, l));
SET sql_mode = 'EMPTY_STRING_IS_NULL,NO_BACKSLASH_ESCAPES';
INSERT INTO of_default (n) VALUES (1), (2), (3);
INSERT INTO of_default VALUES (DEFAULT, DEFAULT(l), 4), (LEFT('x', 0), 'a\b', 5);
SET sql_mode = '';
SELECT COUNT(*) FROM of_default WHERE k = '' AND l = 'a\\b';
