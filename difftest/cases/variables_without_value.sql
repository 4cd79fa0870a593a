-- A user variable that is NULL keeps its type, wherever a statement that reads it is run.
CREATE TABLE d1.t (id INT PRIMARY KEY, s VARCHAR(9) CHARACTER SET latin1);
INSERT INTO d1.t VALUES (1, NULL), (2, NULL), (3, 'x');
SET @i = 5, @u = CAST(7 AS UNSIGNED), @d = 1.5, @e = 1e0, @s = _latin1'x', @n = NULL, @w = CAST(NULL AS SIGNED);
SET @i = NULL, @u = NULL, @d = NULL, @e = NULL, @s = NULL;
SELECT @i, @u, @d, @e, @s, @n, @w;
SELECT MAX(s) INTO @m FROM d1.t WHERE id < 3;
CREATE TABLE d1.made AS SELECT @i AS i, @u AS u, @e AS e, @s AS s, @n AS n, @w AS w, @m AS m, id FROM d1.t;
SHOW COLUMNS FROM d1.made;
SELECT CHARSET(@s), COLLATION(@s), CHARSET(@i), CHARSET(@m);
DROP TABLE d1.made;
CREATE PROCEDURE d1.p() SELECT 5, 'y' INTO @i, @s;
CALL d1.p();
SELECT @i, @s;
DROP PROCEDURE d1.p;
