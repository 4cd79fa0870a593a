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
-- parameters like columns and rows
>CREATE TABLE acct (id BIGINT PRIMARY KEY, owner VARCHAR(40) NOT NULL, balance DECIMAL(12,2) NOT NULL DEFAULT 0, status ENUM('open','closed') NOT NULL DEFAULT 'open', opened DATE)
>INSERT INTO acct VALUES (1,'ann',100,'open','2020-01-01'),(2,'bob',50.5,'open','2020-02-29'),(3,'cyd',0,'closed','2019-12-31')
>CREATE PROCEDURE one_of (p TYPE OF acct.id, OUT r ROW TYPE OF acct) BEGIN SELECT * INTO r FROM acct WHERE id = p; SET r.owner = UPPER(r.owner); END
>^BEGIN NOT ATOMIC DECLARE r ROW TYPE OF acct; CALL one_of(2, r); SELECT r.id, r.owner, r.status, r.opened; END
>CALL one_of(1, @a)
>CREATE PROCEDURE bump (INOUT r ROW (a INT, b VARCHAR(10))) BEGIN SET r.a = r.a + 1, r.b = CONCAT(r.b, '!'); END
>^BEGIN NOT ATOMIC DECLARE r ROW (a INT, b VARCHAR(10)) DEFAULT ROW(1,'x'); CALL bump(r); SELECT r.a, r.b; CALL bump(ROW(1,2)); END
>CREATE PROCEDURE a_date (OUT d DATE) SET d = DATE'2024-02-03'
>^BEGIN NOT ATOMIC DECLARE i INT; DECLARE r ROW (n INT, d DATETIME); CALL a_date(i); CALL a_date(r.n); SELECT i, r.n; CALL a_date(r.d); SELECT r.d; END
>CREATE PROCEDURE pay (p_id BIGINT, p_amount DECIMAL(12,2), OUT p_left DECIMAL(12,2)) BEGIN DECLARE v TYPE OF acct.status; DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; START TRANSACTION; SELECT balance, status INTO p_left, v FROM acct WHERE id = p_id FOR UPDATE; IF p_left IS NULL THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no such account', MYSQL_ERRNO = 50001; END IF; IF v <> 'open' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not open'; END IF; SET p_left = p_left - p_amount; UPDATE acct SET balance = p_left WHERE id = p_id; COMMIT; END
>CALL pay(1, 10.5, @b)
>*CALL pay(3, 1, @b)
>*CALL pay(99, 1, @b)
>SELECT @b, balance FROM acct WHERE id = 1
>CREATE PROCEDURE takes (n INT) BEGIN DECLARE taken INT DEFAULT 0; FOR q IN (SELECT id, owner FROM acct WHERE status = 'open' ORDER BY id LIMIT n) DO UPDATE acct SET status = 'closed' WHERE id = q.id AND status = 'open'; IF ROW_COUNT() = 1 THEN SET taken = taken + 1; END IF; END FOR; SELECT taken; END
>^CALL takes(1)
>^CALL takes(9)
>^CALL takes(9)
>CREATE PROCEDURE walk (p INT, depth INT) BEGIN SELECT CONCAT(REPEAT(' ', depth), p); FOR c IN (SELECT id FROM acct WHERE id > p ORDER BY id LIMIT 1) DO CALL walk(c.id, depth + 1); END FOR; END
>CALL walk(1, 0)
>SET max_sp_recursion_depth = 9
>^CALL walk(1, 0)
>SET max_sp_recursion_depth = 0
-- a transaction that a procedure begins, in another character set than its own
>SET NAMES latin1
>CREATE PROCEDURE begins (k INT) BEGIN START TRANSACTION; INSERT INTO acct (id, owner) VALUES (k, 'tx'); END
>CALL begins(50)
>INSERT INTO acct (id, owner) VALUES (51, 'a')
>SELECT COUNT(*) FROM acct
>CALL begins(52)
>SELECT COUNT(*), @@character_set_client FROM acct
>ROLLBACK
>SELECT COUNT(*) FROM acct
>SET NAMES utf8mb4
>CREATE TEMPORARY TABLE tt (a INT)
>CREATE PROCEDURE of_temp () BEGIN INSERT INTO tt VALUES (1); FOR r IN (SELECT * FROM tt) DO SELECT r.a; END FOR; BEGIN DECLARE q ROW TYPE OF tt; SET q.a = 5; SELECT q.a; END; END
>^CALL of_temp()
>DROP TEMPORARY TABLE tt
>CREATE TEMPORARY TABLE acct (owner INT)
>^BEGIN NOT ATOMIC DECLARE x TYPE OF acct.owner DEFAULT 7.6; SELECT x; BEGIN DECLARE y TYPE OF acct.owner DEFAULT 8.6; SELECT y; END; END
>DROP TEMPORARY TABLE acct
>CREATE PROCEDURE of_enum (e ENUM('q','w')) BEGIN INSERT INTO acct (id, owner) VALUES (60, CONCAT('in ', e, UPPER(e))); SELECT owner FROM acct WHERE id = 60; DELETE FROM acct WHERE id = 60; END
>CALL of_enum('w')
@>BEGIN NOT ATOMIC DECLARE r ROW (a INT, b INT); SET r = (SELECT id, 1 FROM acct LIMIT 1); END
-- functions that write
>CREATE TABLE counts (k VARCHAR(20) PRIMARY KEY, n INT NOT NULL)
>CREATE TABLE logged (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40), at DATETIME(6))
>CREATE REFERENCE TABLE kinds (k VARCHAR(20) PRIMARY KEY, label VARCHAR(40))
*>CREATE TABLE lone (id INT PRIMARY KEY, v VARCHAR(40), u INT UNIQUE)
>CREATE FUNCTION next_no(which VARCHAR(20)) RETURNS INT READS SQL DATA BEGIN INSERT INTO counts VALUES (which, 1) ON DUPLICATE KEY UPDATE n = n + 1; RETURN (SELECT n FROM counts WHERE k = which); END
>CREATE FUNCTION note(w VARCHAR(40)) RETURNS BIGINT READS SQL DATA BEGIN INSERT INTO logged (what, at) VALUES (w, NOW(6)); RETURN LAST_INSERT_ID() > 0; END
>CREATE FUNCTION strict_note(w VARCHAR(60)) RETURNS INT READS SQL DATA BEGIN INSERT INTO kinds VALUES (LEFT(w, 20), w); INSERT INTO counts VALUES (w, 0); IF LENGTH(w) > 5 THEN RETURN ROW_COUNT(); END IF; END
>CREATE FUNCTION both_of(w VARCHAR(20)) RETURNS VARCHAR(40) READS SQL DATA BEGIN DECLARE a INT; SET a = next_no(w); RETURN CONCAT(a, '/', next_no(CONCAT(w, '2')), note(w)); END
>CREATE FUNCTION careful(w VARCHAR(20)) RETURNS VARCHAR(40) READS SQL DATA BEGIN DECLARE EXIT HANDLER FOR 1062 RETURN 'there'; DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 'wrong'; INSERT INTO lone (id, v) VALUES (LENGTH(w), w); RETURN 'new'; END
>CREATE FUNCTION on_day(d DATE) RETURNS DATE READS SQL DATA BEGIN INSERT INTO lone (id, v) VALUES (DAYOFYEAR(d) + 1000, d); RETURN d + INTERVAL 1 DAY; END
>CREATE FUNCTION priced(d DECIMAL(10,2)) RETURNS DECIMAL(12,3) READS SQL DATA BEGIN UPDATE counts SET n = n + d; RETURN d; END
>CREATE FUNCTION nothing(w VARCHAR(20)) RETURNS VARCHAR(20) READS SQL DATA BEGIN DELETE FROM counts WHERE k = w; RETURN NULL; END
>CREATE FUNCTION again(n INT) RETURNS INT READS SQL DATA BEGIN INSERT INTO counts VALUES (CONCAT('again', n), n); IF n > 0 THEN RETURN again(n - 1); END IF; RETURN 0; END
^SELECT next_no('a')
^SELECT next_no('a'), next_no('b') + 1 AS b, CONCAT('no ', next_no('a')) AS c, 1 = next_no('c')
^SELECT both_of('q')
SELECT ROW_COUNT(), LAST_INSERT_ID()
SELECT k, n FROM counts ORDER BY k
SELECT what, at IS NULL FROM logged ORDER BY id
>SHOW CREATE FUNCTION next_no
-- in SET, DO, rows and programs
SET @x = next_no('x') * 10, @y = next_no('x')
SELECT @x, @y
DO next_no('x'), note('done')
SELECT next_no('x') INTO @z
SELECT @z
SET @w = 'by variable'
^SELECT note(@w), @w
INSERT INTO lone VALUES (1, next_no('lone'), 1), (2, CONCAT('no ', next_no('lone')), 2)
SELECT ROW_COUNT(), LAST_INSERT_ID()
INSERT INTO ints (id, a) VALUES (9001, next_no('ints')), (9002, next_no('ints')), (9003, next_no('ints'))
REPLACE INTO lone SET id = 2, v = both_of('r'), u = 2
INSERT INTO kinds VALUES (next_no('kinds'), 'of a function')
*DO strict_note('kinds')
>SELECT COUNT(*) FROM counts
INSERT INTO logged (what) VALUES (next_no('logged'))
UPDATE ints SET a = next_no('up') WHERE id = 9002
UPDATE ints SET a = a + next_no('up') * 10 + next_no('up') WHERE id = 9003 AND a > 0
>UPDATE ints SET a = next_no('up') WHERE id = 987654
UPDATE ints SET a = next_no('up') WHERE id = 9001 OR id = 987654
UPDATE lone x SET x.v = CONCAT(x.v, '!', next_no('up')) WHERE x.id = 2
SELECT ROW_COUNT()
UPDATE lone SET v = next_no('up'), u = 1 WHERE id = 2
UPDATE lone SET nosuch = next_no('up') WHERE id = 2
UPDATE kinds SET label = next_no('up') WHERE k = '1'
*UPDATE counts SET n = next_no('up') WHERE k = 'a'
SELECT n FROM counts WHERE k = 'up'
SELECT id, a FROM ints WHERE id > 9000 ORDER BY id
SELECT * FROM lone ORDER BY id
SELECT * FROM kinds ORDER BY k
>BEGIN NOT ATOMIC DECLARE n INT DEFAULT next_no('prog'); DECLARE t VARCHAR(20) DEFAULT 'prog'; IF next_no(t) = 2 THEN SET n = n + next_no(t); END IF; SELECT n, next_no(t) INTO @n, @m; WHILE next_no(t) < 8 DO SET n = n + 1; END WHILE; INSERT INTO lone VALUES (n + 100, next_no(t), NULL); SELECT n, @n, @m; END
>CREATE PROCEDURE takes_no(n INT, OUT got INT) SET got = next_no(CONCAT('p', n))
>CALL takes_no(next_no('arg'), @g)
>CALL takes_no(next_no('arg'), @g)
SELECT @g
SELECT k, n FROM counts ORDER BY k
-- what fails is undone
INSERT INTO lone VALUES (30, next_no('undone'), 1)
INSERT INTO ints (id, a) VALUES (9005, next_no('undone')), (9001, next_no('undone'))
^!SELECT strict_note('a')
>SHOW WARNINGS
^!SELECT strict_note('far too long for a counter')
^!SELECT strict_note('abcdef'), strict_note('abcdef')
^SELECT strict_note('abcdef')
SELECT k, n FROM counts WHERE k IN ('undone', 'a', 'abcdef') ORDER BY k
SELECT * FROM kinds ORDER BY k
SELECT COUNT(*) FROM ints WHERE id > 9000
^SELECT careful('abc'), careful('abc'), careful(NULL)
^SELECT careful('abc')
SELECT id, v FROM lone ORDER BY id
^SELECT on_day('2024-02-28')
^SELECT on_day('2024-03-30') + INTERVAL 1 DAY
^*SELECT priced(1.239)
^SELECT nothing('a')
^SELECT nothing('b') IS NULL, next_no('a')
BEGIN
^SELECT next_no('tx'), next_no('tx')
INSERT INTO lone VALUES (31, next_no('tx'), 1)
INSERT INTO lone VALUES (31, next_no('tx'), 31)
SELECT n FROM counts WHERE k = 'tx'
ROLLBACK
SELECT n FROM counts WHERE k = 'tx'
SET autocommit = 0
^SELECT next_no('auto')
ROLLBACK
SELECT n FROM counts WHERE k = 'auto'
DO next_no('auto')
COMMIT
SET autocommit = 1
SELECT n FROM counts WHERE k = 'auto'
START TRANSACTION READ ONLY
*SELECT next_no('ro')
COMMIT
-- MariaDB's own refusals
^SELECT next_no()
^SELECT next_no(1, 2)
^SELECT next_no(nosuch)
!*SELECT again(2)
SELECT COUNT(*) FROM counts WHERE k LIKE 'again%'
*INSERT INTO counts VALUES (next_no('z'), 5)
^SELECT nosuch_function(next_no('z'))
>CREATE FUNCTION commits() RETURNS INT READS SQL DATA BEGIN INSERT INTO counts VALUES ('c', 1); COMMIT; RETURN 1; END
>CREATE FUNCTION shows() RETURNS INT READS SQL DATA BEGIN INSERT INTO counts VALUES ('c', 1); SELECT 1; RETURN 1; END
^EXECUTE IMMEDIATE 'SELECT next_no(?) + ? AS n' USING 'imm', 10
PREPARE p FROM 'SELECT next_no(?)'
^EXECUTE p USING @w
^EXECUTE p USING @w
DEALLOCATE PREPARE p
^SELECT k, n FROM counts ORDER BY k
-- that read views, and lock
>CREATE VIEW few AS SELECT id, a FROM ints WHERE id < 10
>CREATE FUNCTION of_view(i INT) RETURNS INT READS SQL DATA RETURN (SELECT a FROM few WHERE id = i)
>CREATE FUNCTION locks(i INT) RETURNS INT READS SQL DATA BEGIN DECLARE r INT; DECLARE CONTINUE HANDLER FOR NOT FOUND SET r = -1; SELECT a INTO r FROM ints WHERE id = i FOR UPDATE; RETURN r; END
^*SELECT of_view(5), locks(5), locks(777777)
SET @v = of_view(5)
SELECT @v = (SELECT a FROM few WHERE id = 5)
-- where it is not certain
BEGIN
@SELECT next_no('z') FROM ints
@SELECT IF(0, next_no('z'), 1)
@SELECT id FROM ints WHERE a = next_no('z')
@UPDATE ints SET a = next_no('z') WHERE id < 10
@UPDATE ints SET a = next_no(a) WHERE id = 1
@UPDATE ints SET a = 1 WHERE id = next_no('z')
@UPDATE ints SET a = next_no('z') ORDER BY id LIMIT 1
@DELETE FROM ints WHERE id = next_no('z')
@INSERT INTO lone SELECT id + 5000, next_no('z'), NULL FROM ints
@INSERT INTO lone VALUES (77, 1, 1) ON DUPLICATE KEY UPDATE v = next_no('z')
@SELECT (SELECT next_no('z'))
@SELECT next_no('z') UNION SELECT 1
@SELECT next_no('z'), ROW_COUNT()
@SELECT @a := 1, next_no(@a)
@EXPLAIN SELECT next_no('z')
ROLLBACK
SELECT n FROM counts WHERE k = 'z'
>DROP VIEW few
-- A label before the body's loop, and types with character sets, end no statement.
>CREATE PROCEDURE looped(n INT) o: LOOP IF n < 1 THEN LEAVE o; END IF; SET n = n - 1; END LOOP o
>CREATE PROCEDURE in_latin(w VARCHAR(9) CHARACTER SET latin1, s SET('x', 'y')) BEGIN SELECT CHARSET(w), w, s; END
CALL looped(3)
CALL in_latin('word', 'x,y')
SET sql_select_limit = 1
>CREATE PROCEDURE limits() BEGIN SELECT id FROM ints WHERE id BETWEEN 3 AND 5 ORDER BY id; SET sql_select_limit = 2; CALL looped(1); SELECT id FROM ints WHERE id BETWEEN 3 AND 5 ORDER BY id; END
CALL limits()
SELECT IF(@@sql_select_limit = 1, 'one', NULL)
SET sql_select_limit = DEFAULT
CALL limits()
SELECT IF(@@sql_select_limit = 1, 'one', NULL)
-- A session's character sets are after CALL what they were, in whatever order they were set.
SET NAMES utf8mb4
SET collation_connection = utf8mb4_bin
CALL looped(1)
SELECT @@collation_connection
SET NAMES latin1
SET character_set_connection = utf8mb4
SET character_set_results = utf8mb4
CALL looped(1)
SELECT CONCAT(@@collation_connection, ' ', @@character_set_client, ' ', @@character_set_results)
BEGIN
SELECT id FROM ints WHERE id = 3
CALL looped(1)
SELECT CONCAT(@@collation_connection, ' ', @@character_set_client, ' ', @@character_set_results)
ROLLBACK
SET NAMES utf8mb4
-- A prepared statement that a procedure of its own executes ends with an error.
>CREATE PROCEDURE runs_itself() EXECUTE itself
PREPARE itself FROM 'CALL runs_itself()'
EXECUTE itself
