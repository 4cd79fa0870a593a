-- Dates that are none of the calendar find their rows under every sql_mode, once they are stored.
SET sql_mode = 'ALLOW_INVALID_DATES';
CREATE TABLE o (id INT NOT NULL, d DATE, PRIMARY KEY (id));
INSERT INTO o VALUES (1, '0000-00-00'), (2, '2020-01-01'), (3, '2020-00-01'), (4, NULL), (5, '2021-02-30');
CREATE TABLE p (id INT NOT NULL, d DATE, PRIMARY KEY (id));
INSERT INTO p SELECT id + 10, d FROM o;
CREATE TABLE dd (d DATE NOT NULL, n INT, PRIMARY KEY (d));
INSERT INTO dd SELECT d, id FROM o WHERE d IS NOT NULL;
CREATE TABLE dt (d DATETIME(2) NOT NULL, n INT, PRIMARY KEY (d));
INSERT INTO dt VALUES ('2020-00-01 12:00:00.25', 1), ('0000-00-00', 2), ('2020-01-01 12:00:00.5', 3), ('2021-02-30 10:00:00', 4);
SET sql_mode = '';
SELECT o.id, p.id FROM o JOIN p ON o.d = p.d;
SELECT o.id, dd.n FROM dd JOIN o ON dd.d = o.d;
SELECT o.id FROM o WHERE o.d = (SELECT MAX(p.d) FROM p WHERE p.id = 13);
-- changes: d1.dd
UPDATE dd JOIN o ON dd.d = o.d SET dd.n = dd.n + 10;
-- changes: d1.dd
UPDATE dd SET n = n + 100 ORDER BY n LIMIT 2;
-- changes: d1.dt
UPDATE dt JOIN o ON dt.n < o.id + 1000 SET dt.n = dt.n + 10;
-- changes: d1.dt
UPDATE dt SET n = n + 100 ORDER BY n LIMIT 3;
SET sql_mode = 'NO_ZERO_IN_DATE';
SELECT o.id, p.id FROM o JOIN p ON o.d = p.d;
SELECT o.id, dd.n FROM dd JOIN o ON dd.d = o.d;
SELECT o.id FROM o WHERE o.d = (SELECT MAX(p.d) FROM p WHERE p.id = 13);
-- changes: d1.dd
UPDATE dd JOIN o ON dd.d = o.d SET dd.n = dd.n + 10;
-- changes: d1.dd
UPDATE dd SET n = n + 100 ORDER BY n LIMIT 2;
-- changes: d1.dt
UPDATE dt JOIN o ON dt.n < o.id + 1000 SET dt.n = dt.n + 10;
-- changes: d1.dt
UPDATE dt SET n = n + 100 ORDER BY n LIMIT 3;
SET sql_mode = 'NO_ZERO_DATE';
SELECT o.id, p.id FROM o JOIN p ON o.d = p.d;
SELECT o.id, dd.n FROM dd JOIN o ON dd.d = o.d;
SELECT o.id FROM o WHERE o.d = (SELECT MAX(p.d) FROM p WHERE p.id = 13);
-- changes: d1.dd
UPDATE dd JOIN o ON dd.d = o.d SET dd.n = dd.n + 10;
-- changes: d1.dd
UPDATE dd SET n = n + 100 ORDER BY n LIMIT 2;
-- changes: d1.dt
UPDATE dt JOIN o ON dt.n < o.id + 1000 SET dt.n = dt.n + 10;
-- changes: d1.dt
UPDATE dt SET n = n + 100 ORDER BY n LIMIT 3;
SET sql_mode = 'TRADITIONAL';
SELECT o.id, p.id FROM o JOIN p ON o.d = p.d;
SELECT o.id, dd.n FROM dd JOIN o ON dd.d = o.d;
SELECT o.id FROM o WHERE o.d = (SELECT MAX(p.d) FROM p WHERE p.id = 13);
-- changes: d1.dd
UPDATE dd JOIN o ON dd.d = o.d SET dd.n = dd.n + 10;
-- changes: d1.dd
UPDATE dd SET n = n + 100 ORDER BY n LIMIT 2;
-- changes: d1.dt
UPDATE dt JOIN o ON dt.n < o.id + 1000 SET dt.n = dt.n + 10;
-- changes: d1.dt
UPDATE dt SET n = n + 100 ORDER BY n LIMIT 3;
-- changes: d1.dd
DELETE dd FROM dd JOIN o ON dd.d = o.d WHERE o.id > 1;
-- changes: d1.dt
DELETE FROM dt ORDER BY n LIMIT 2;
-- What goes from one table to another is made a zero date where sql_mode says so.
CREATE TABLE q (id INT NOT NULL, d DATE, dn DATE NOT NULL, s VARCHAR(20), t DATETIME, PRIMARY KEY (id));
CREATE TABLE qd (d DATE NOT NULL, n INT, PRIMARY KEY (d, n));
SET sql_mode = '';
-- changes: d1.q
INSERT IGNORE INTO q SELECT o.id + 20, p.d, p.d, p.d, p.d FROM o JOIN p ON o.id + 10 = p.id WHERE p.id < 14;
-- changes: d1.qd
INSERT IGNORE INTO qd SELECT p.d, o.id FROM o JOIN p ON o.id + 10 = p.id WHERE p.id < 14;
-- changes: d1.q
REPLACE INTO q SELECT p.id - 10, p.d, p.d, p.d, p.d FROM p WHERE p.id = 13;
DELETE FROM q;
DELETE FROM qd;
SET sql_mode = 'NO_ZERO_IN_DATE';
-- changes: d1.q
INSERT IGNORE INTO q SELECT o.id + 20, p.d, p.d, p.d, p.d FROM o JOIN p ON o.id + 10 = p.id WHERE p.id < 14;
-- changes: d1.qd
INSERT IGNORE INTO qd SELECT p.d, o.id FROM o JOIN p ON o.id + 10 = p.id WHERE p.id < 14;
-- changes: d1.q
REPLACE INTO q SELECT p.id - 10, p.d, p.d, p.d, p.d FROM p WHERE p.id = 13;
DELETE FROM q;
DELETE FROM qd;
SET sql_mode = 'NO_ZERO_DATE';
-- changes: d1.q
INSERT IGNORE INTO q SELECT o.id + 20, p.d, p.d, p.d, p.d FROM o JOIN p ON o.id + 10 = p.id WHERE p.id < 14;
-- changes: d1.qd
INSERT IGNORE INTO qd SELECT p.d, o.id FROM o JOIN p ON o.id + 10 = p.id WHERE p.id < 14;
-- changes: d1.q
REPLACE INTO q SELECT p.id - 10, p.d, p.d, p.d, p.d FROM p WHERE p.id = 13;
DELETE FROM q;
DELETE FROM qd;
SET sql_mode = 'TRADITIONAL';
-- changes: d1.q
INSERT IGNORE INTO q SELECT o.id + 20, p.d, p.d, p.d, p.d FROM o JOIN p ON o.id + 10 = p.id WHERE p.id < 14;
-- changes: d1.qd
INSERT IGNORE INTO qd SELECT p.d, o.id FROM o JOIN p ON o.id + 10 = p.id WHERE p.id < 14;
-- changes: d1.q
REPLACE INTO q SELECT p.id - 10, p.d, p.d, p.d, p.d FROM p WHERE p.id = 13;
DELETE FROM q;
DELETE FROM qd;
