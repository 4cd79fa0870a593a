-- Triggers ask for what is the session's, and may leave user variables behind.
CREATE TABLE d1.acc (id INT PRIMARY KEY, v INT, token VARCHAR(40), part DOUBLE);
CREATE TABLE d1.trail (acc INT, what VARCHAR(200));
CREATE TRIGGER d1.acc_bi BEFORE INSERT ON acc FOR EACH ROW SET NEW.token = IFNULL(NEW.token, UUID()), NEW.part = RAND();
CREATE TRIGGER d1.acc_ai AFTER INSERT ON acc FOR EACH ROW IF @quiet IS NULL THEN INSERT INTO trail VALUES (NEW.id, CONCAT_WS(' ', @who, USER(), @@sql_mode)); END IF;
INSERT INTO d1.acc (id, v) VALUES (1, 10), (2, 20), (3, 30), (4, 40);
SET @who = 'ann';
INSERT INTO d1.acc (id, v) VALUES (5, 50), (6, 60), (7, 70);
SET @who = 'ben', @quiet = 1;
INSERT INTO d1.acc (id, v, token) VALUES (8, 80, 'given'), (9, 90, NULL);
SET @quiet = NULL;
INSERT INTO d1.acc (id, v) SELECT id + 10, v FROM d1.acc WHERE id < 3;
SELECT acc, what = CONCAT_WS(' ', CASE WHEN acc > 10 THEN 'ben' WHEN acc > 4 THEN 'ann' END, USER(), @@sql_mode) FROM d1.trail ORDER BY acc;
SELECT COUNT(*), COUNT(DISTINCT token), COUNT(DISTINCT part), MIN(part) >= 0, SUM(LENGTH(token)) FROM d1.acc;
CREATE TRIGGER d1.acc_bu BEFORE UPDATE ON acc FOR EACH ROW BEGIN SET @was = OLD.v, @n = IFNULL(@n, 0) + 1; SELECT NEW.v, 'x' INTO @is, @letter; IF NEW.v < 0 THEN SIGNAL SQLSTATE '45000'; END IF; END;
UPDATE d1.acc SET v = v + 1 WHERE id = 3;
SELECT @was, @is, @letter, @n;
UPDATE d1.acc SET v = v + @n WHERE id = 4;
SELECT @was, @is, @letter, @n;
UPDATE d1.acc SET v = v - 1000 WHERE id = 5;
SELECT @was, @is, @letter, @n;
BEGIN;
UPDATE d1.acc SET v = @is WHERE id = 6;
UPDATE d1.acc SET v = v - 1000 WHERE id = 6;
SELECT @was, @is, @letter, @n, v FROM d1.acc WHERE id = 6;
UPDATE d1.acc SET v = @n WHERE id = 7;
ROLLBACK;
SELECT @was, @is, @letter, @n;
PREPARE u FROM 'UPDATE d1.acc SET v = ? WHERE id = ?';
EXECUTE u USING 5, 1;
EXECUTE u USING 6, 1;
SELECT @was, @is, @letter, @n;
UPDATE d1.acc SET v = 1 WHERE id = 999;
SELECT @was, @is, @letter, @n, COLLATION(@letter);
SET @n = NULL;
UPDATE d1.acc SET v = v + 1 WHERE id = 2;
SELECT @was, @is, @n;
-- refused
UPDATE d1.acc SET v = 2;
-- refused
INSERT INTO d1.acc (id, v) VALUES (50, @x := 7);
-- In a procedure that runs with the rights of its definer USER() is the caller.
CREATE USER difftest_definer;
GRANT ALL ON d1.* TO difftest_definer;
CREATE DEFINER = difftest_definer PROCEDURE d1.by_other () BEGIN DECLARE u VARCHAR(80) DEFAULT USER(); INSERT INTO trail VALUES (99, USER()), (98, u), (97, CURRENT_USER()); SELECT SESSION_USER() INTO u; INSERT INTO trail VALUES (96, u); END;
CALL d1.by_other();
SELECT acc, what = USER(), what = 'difftest_definer@%' FROM d1.trail WHERE acc > 95 ORDER BY acc;
CREATE DEFINER = difftest_definer PROCEDURE d1.fires (k INT) INSERT INTO acc (id, v) VALUES (k, 1);
-- refused
CALL d1.fires(300);
BEGIN;
CALL d1.fires(301);
SELECT what = CONCAT_WS(' ', @who, USER(), @@sql_mode) FROM d1.trail WHERE acc = 301;
ROLLBACK;
DROP USER difftest_definer;
