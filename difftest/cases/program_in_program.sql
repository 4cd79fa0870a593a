-- A program that another one runs by EXECUTE gives its rows, and no OK of its own.
CREATE TABLE d1.acc (id INT PRIMARY KEY, v INT);
CREATE PROCEDURE twice(what TEXT) BEGIN EXECUTE IMMEDIATE what; EXECUTE IMMEDIATE what; END;
CALL twice('BEGIN NOT ATOMIC DECLARE n INT DEFAULT 4; SELECT n; SELECT n + 1; END');
CALL twice('SELECT 1');
CALL twice('BEGIN NOT ATOMIC INSERT INTO acc SELECT COUNT(*) + 1, 1 FROM acc; SELECT COUNT(*) FROM acc; END');
SELECT ROW_COUNT();
CALL twice('UPDATE acc SET v = v + 1');
SELECT * FROM acc;
CREATE PROCEDURE d1.lines()
SELECT id,
  nowhere
FROM acc
WHERE id = 1;
CALL d1.lines();
SHOW WARNINGS;
DROP PROCEDURE d1.lines;
