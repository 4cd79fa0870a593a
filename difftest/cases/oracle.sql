-- sql_mode=ORACLE: ROWNUM and MINUS were taken for columns and aliases, s.NEXTVAL for a column, and each partition did its part.
SET sql_mode = ORACLE;
CREATE TABLE d1.odds (id NUMBER(10) PRIMARY KEY, a VARCHAR2(10), d DATE, n NUMBER(10,2));
INSERT INTO odds VALUES (1, 'a', '2020-01-01 01:02:03', 1.5), (2, '', '2020-01-01 10:11:12', 2.5), (3, NULL, '2020-01-01', 3), (4, 'd', '2020-02-01', 4), (5, 'e', '2020-02-01', 4);
SELECT COUNT(*) FROM odds WHERE ROWNUM <= 2;
-- order: r
SELECT ROWNUM r FROM odds ORDER BY r;
SELECT COUNT(*) FROM (SELECT ROWNUM, id FROM odds WHERE ROWNUM < 4);
START TRANSACTION;
DELETE FROM odds WHERE ROWNUM <= 2;
SELECT COUNT(*) FROM odds;
ROLLBACK;
-- order: n
SELECT UNIQUE n FROM odds ORDER BY n;
-- order: id
SELECT id FROM odds MINUS SELECT id FROM odds WHERE id < 3 ORDER BY id;
-- order: id
SELECT id FROM odds WHERE id < 4 UNION SELECT 7 FROM dual MINUS SELECT id FROM odds WHERE id < 3 ORDER BY id;
-- order: id
SELECT id FROM (SELECT id FROM odds WHERE id > 2) ORDER BY id;
-- order: id
SELECT id, a || 'x' || n, LENGTH(a), SUBSTR(a, 0, 1), LPAD(a, 3), DECODE(id, 1, 'one', 2, 'two', 'more'), CONCAT(a, NULL) FROM odds ORDER BY id;
SELECT SUM(n) || 2 + 3, MAX(a || NULL), 2 * 3 || 4, 1 || -2 FROM odds;
SELECT COUNT(*) FROM odds WHERE d < SYSDATE AND id = 1 || '' + 0;
-- order: id
SELECT oracle_schema.CONCAT(a, NULL), mariadb_schema.CONCAT(a, NULL), mariadb_schema.SUBSTR(a, 0, 1), id FROM odds ORDER BY id;
CREATE SEQUENCE d1.draws;
SELECT draws.NEXTVAL, "draws"."nextval", d1.draws.NEXTVAL, draws.CURRVAL;
INSERT INTO odds (id, a) SELECT id + 200, draws.NEXTVAL - draws.NEXTVAL FROM odds WHERE id < 4;
-- changes: d1.odds
UPDATE odds SET n = SIGN(draws.NEXTVAL), a = a || n WHERE id < 5;
CREATE TABLE d1.drawn (a INT DEFAULT draws.NEXTVAL, b INT);
INSERT INTO drawn (b) VALUES (1), (2);
SELECT COUNT(DISTINCT a), MIN(a) > 0 FROM drawn;
EXECUTE IMMEDIATE 'SELECT id, :x AS x FROM odds WHERE id = :y OR id = :1 ORDER BY id' USING 7, 1, 2;
-- changes: d1.odds
EXECUTE IMMEDIATE 'INSERT INTO odds (id, a) VALUES (:id, :a), (:"id", :a)' USING 11, 'b', 12, 'c';
-- changes: d1.odds
INSERT INTO odds (id, a) VALUES (2 || 1, 'k' || 1), (2 || 2 + 3, 'k' || 2);
-- changes: d1.odds
UPDATE odds SET id = id + 10, d = '2020-02-02 10:10:11' WHERE id BETWEEN 3 AND 5;
CREATE TABLE d1.days (d DATE PRIMARY KEY, c CLOB DEFAULT 'x' || 'y', g VARCHAR2(20) AS ('a' || d) STORED, h DATE AS (d) VIRTUAL, n NUMBER DEFAULT 3, CHECK (g || '' <> 'a7'));
INSERT INTO days (d) VALUES (TIMESTAMP'2020-01-01 10:10:10' + INTERVAL 1 DAY), ('2020-01-01' || ' 10:10:10');
ALTER TABLE days ADD z DATE DEFAULT '2020-01-01 10:10:10';
-- order: d
SELECT * FROM days ORDER BY d;
SET sql_mode = '';
CREATE TABLE d1.plain_days (d DATE PRIMARY KEY, v VARCHAR(9) DEFAULT (CONCAT('a', NULL)));
CREATE VIEW d1.meant AS SELECT id, CONCAT(a, NULL) c, SUBSTR(a, 0, 1) s, CAST(d AS DATE) d, a || n o FROM odds;
SET sql_mode = ORACLE;
INSERT INTO plain_days (d) VALUES ('2020-01-01' || ''), (DATE('2020-01-02 10:10:10'));
-- order: d
SELECT * FROM plain_days ORDER BY d;
-- order: id
SELECT * FROM meant WHERE c IS NULL ORDER BY id;
CREATE VIEW d1.oracles AS SELECT id, CONCAT(a, NULL) c, SUBSTR(a, 0, 1) s, a || n o, DECODE(id, 1, 'x') x, DATE(d) t FROM odds;
-- order: id
SELECT * FROM oracles ORDER BY id;
SELECT COUNT(*) FROM (SELECT s FROM meant MINUS SELECT s FROM oracles);
SET sql_mode = '';
-- order: id
SELECT * FROM oracles ORDER BY id;
-- Rows of a derived table with ROWNUM are counted before conditions around it.
CREATE TABLE d1.counted (id INT PRIMARY KEY, a INT);
INSERT INTO counted SELECT seq, seq FROM seq_1_to_9;
SELECT * FROM (SELECT ROWNUM() rn, id FROM counted ORDER BY id) x WHERE id = 7 AND rn > 100;
SELECT COUNT(*) FROM (SELECT id FROM counted WHERE ROWNUM() <= 2) x JOIN counted y ON x.id = y.id WHERE x.id IN (1, 2, 3, 4, 5, 6, 7, 8, 9);
SELECT COUNT(*) FROM counted WHERE id IN (SELECT id FROM counted WHERE ROWNUM() <= 2);
-- order: rn
WITH x AS (SELECT ROWNUM() rn, a FROM counted WHERE id = 3) SELECT rn, a FROM x ORDER BY rn;
SET sql_mode = ORACLE;
-- refused
BEGIN DELETE FROM counted; DELETE FROM odds; END;
-- refused
DECLARE a INT := 1; BEGIN SELECT a; END;
-- refused
CREATE PROCEDURE d1.odd_procedure(a OUT INT) AS b INT := 1; BEGIN a := b; END;
-- refused
CREATE OR REPLACE EVENT d1.odd_event ON SCHEDULE EVERY 1 YEAR DO BEGIN DELETE FROM d1.counted; DELETE FROM d1.odds; END;
-- refused
CREATE TRIGGER d1.odd_trigger BEFORE INSERT ON d1.counted FOR EACH ROW BEGIN :NEW.a := 5; END;
BEGIN;
SELECT COUNT(*) FROM counted;
-- changes: d1.counted
UPDATE counted SET id = id + 100, a = id WHERE id < 3;
-- refused
INSERT INTO d1.counted (id, a) VALUES (901, ROWNUM), (902, ROWNUM);
-- changes: d1.counted
INSERT INTO d1.counted (id, a) SELECT 903, ROWNUM;
