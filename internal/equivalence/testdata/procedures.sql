-- Procedures over sharded tables.
>CREATE PROCEDURE add_int(IN p INT, q INT) BEGIN INSERT INTO ints (id, a) VALUES (p, q); SELECT id, a FROM ints WHERE id = p; END
CALL add_int(8000, 5)
CALL add_int(8001, 2 + 3)
CALL add_int(8000, 5)
CALL add_int(8000)
CALL add_int(8000, 1, 2)
CALL nope(1)
SELECT ROW_COUNT()
>CREATE PROCEDURE outs(IN i INT, OUT o DECIMAL(10,2), INOUT io VARCHAR(20)) BEGIN SELECT a / 3 INTO o FROM ints WHERE id = i; SET io = CONCAT(io, '!'); END
>SET @io = 'hi'
>CALL outs(8001, @o, @io)
>SELECT @o, @io
>CALL outs(8001, 5, @io)
>CALL outs(8001, @o)
>PREPARE s FROM 'CALL outs(?, ?, ?)'
>SET @i = 8001, @io = 'again'
>EXECUTE s USING @i, @o, @io
>SELECT @o, @io
^CALL outs(8001, 1, 'x')
>CREATE PROCEDURE outer_p(n INT) BEGIN DECLARE x DECIMAL(10,2); DECLARE y VARCHAR(20) DEFAULT 'in'; CALL outs(n, x, y); SELECT x, y, n; CALL nope(); SELECT 'not here'; END
>CALL outer_p(8001)
>CREATE PROCEDURE rec(n INT) BEGIN IF n > 0 THEN CALL rec(n - 1); END IF; SELECT n; END
>CALL rec(2)
>SET max_sp_recursion_depth = 5
>^CALL rec(2)
>SET max_sp_recursion_depth = 0
>SET sql_mode = ''
>CREATE PROCEDURE lax() BEGIN DECLARE t TINYINT; SET t = 1000; SELECT t, @@sql_mode, DATABASE(); SET @q = "text"; SET sql_mode = 'ANSI'; END
>SET sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES'
>*^CALL lax()
>SELECT @@sql_mode
>SET sql_mode = DEFAULT
>CREATE PROCEDURE move_all(f INT, t INT, OUT moved INT) BEGIN DECLARE done INT DEFAULT FALSE; DECLARE k, v INT; DECLARE c CURSOR FOR SELECT id, a FROM ints WHERE id BETWEEN f AND t ORDER BY id; DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE; DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; SET moved = -1; END; SET moved = 0; START TRANSACTION; OPEN c; l: LOOP FETCH c INTO k, v; IF done THEN LEAVE l; END IF; UPDATE ints SET a = v + 1 WHERE id = k; SET moved = moved + ROW_COUNT(); END LOOP; CLOSE c; COMMIT; END
>CALL move_all(8000, 8001, @m)
>SELECT @m, id, a FROM ints WHERE id BETWEEN 8000 AND 8001 ORDER BY id
>CREATE PROCEDURE fails() BEGIN INSERT INTO ints (id, a) VALUES (8005, 1); INSERT INTO ints (id, a) VALUES (8000, 1); SELECT 'not here'; END
>CALL fails()
>SELECT COUNT(*) FROM ints WHERE id = 8005
>BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR 1062 BEGIN GET DIAGNOSTICS CONDITION 1 @n = MYSQL_ERRNO; SELECT 'caught', @n; END; DELETE FROM ints WHERE id = 8005; CALL fails(); END
>CREATE PROCEDURE sums() BEGIN UPDATE ints SET a = 0 WHERE id IN (8000, 8001); DELETE FROM ints WHERE id = 8005; END
>CALL sums()
>SELECT ROW_COUNT()
>CREATE PROCEDURE dyn(t VARCHAR(20)) BEGIN SET @sql = CONCAT('SELECT COUNT(*) FROM ', t); PREPARE s FROM @sql; EXECUTE s; DEALLOCATE PREPARE s; END
>CALL dyn('ints')
>CALL dyn('nope')
>DROP PROCEDURE dyn
>CALL dyn('ints')
>DELETE FROM ints WHERE id BETWEEN 8000 AND 8010
-- a row of one variable
>CREATE TABLE told (id INT AUTO_INCREMENT PRIMARY KEY, w VARCHAR(20), n INT DEFAULT 1)
>CREATE PROCEDURE tell(w VARCHAR(20)) INSERT INTO told (w) VALUES (w)
>CREATE PROCEDURE tell2(id INT, w VARCHAR(20)) BEGIN INSERT INTO told (id) VALUES (id) ON DUPLICATE KEY UPDATE n = VALUES(id) + id, told.w = w; SELECT COUNT(*) FROM (VALUES (id)) v; END
>CALL tell('a')
>CALL tell2(1, 'b')
>CALL tell2(77, 'c')
SELECT id = 1 OR id = 77, w, n FROM told ORDER BY w
