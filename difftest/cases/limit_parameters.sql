-- LIMIT takes parameters of any type that is a number, a DOUBLE too.
CREATE TABLE d1.acc (id INT UNSIGNED NOT NULL, PRIMARY KEY (id));
INSERT INTO d1.acc VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14);
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 10;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 0;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 1;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 2;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 3;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 4;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 5, 6;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 7, 8;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 9;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 11;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 12;
-- typed
-- order: id
SELECT id FROM acc ORDER BY id LIMIT 13;
-- typed
-- changes: d1.acc
DELETE FROM d1.acc ORDER BY id LIMIT 10;
-- EXECUTE … USING has a whole number made of any value.
-- order: id
EXECUTE IMMEDIATE 'SELECT id FROM acc ORDER BY id LIMIT ? OFFSET ?' USING '3', 2.5;
-- order: id
EXECUTE IMMEDIATE 'SELECT id FROM acc ORDER BY id LIMIT ?, ?' USING 1.9e0, CAST(2 AS UNSIGNED);
EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM (SELECT id FROM acc ORDER BY id LIMIT ?) x' USING NULL;
EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM (SELECT id FROM acc ORDER BY id LIMIT ?) x' USING 'none';
EXECUTE IMMEDIATE 'SELECT id FROM acc LIMIT ?' USING -1;
EXECUTE IMMEDIATE 'SELECT id FROM acc LIMIT ?' USING '-1';
EXECUTE IMMEDIATE 'SELECT id FROM acc ORDER BY id OFFSET ? ROWS FETCH FIRST ? ROWS ONLY' USING 1, 1 / 2;
SET @n = 1.9e0;
-- order: id
EXECUTE IMMEDIATE 'SELECT id FROM acc ORDER BY id LIMIT ?' USING @n;
-- changes: d1.acc
EXECUTE IMMEDIATE 'DELETE FROM acc ORDER BY id LIMIT ?' USING '1';
-- Variables of programs are numbers in all of its forms.
CREATE PROCEDURE d1.some (n INT) BEGIN SELECT id FROM d1.acc ORDER BY id FETCH FIRST n ROWS ONLY; SELECT id FROM d1.acc ORDER BY id OFFSET n ROWS FETCH NEXT n ROWS ONLY; END;
CALL d1.some(2);
CREATE PROCEDURE d1.few (n INT) SELECT MIN(id) FROM d1.acc LIMIT ROWS EXAMINED n;
CALL d1.few(9000);
