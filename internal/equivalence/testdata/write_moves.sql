-- rows that move: IGNORE
UPDATE IGNORE ints SET id = 3 WHERE id = 72
UPDATE IGNORE ints SET id = 3 WHERE id BETWEEN 70 AND 75
UPDATE IGNORE ints SET id = id + 1 WHERE id BETWEEN 80 AND 90
UPDATE IGNORE ints SET id = id + 1, a = a + 1 WHERE id BETWEEN 80 AND 90 ORDER BY id DESC
*UPDATE IGNORE ints SET id = NULL WHERE id = 91
*UPDATE IGNORE ints SET id = 'x' WHERE id = 92
*UPDATE IGNORE ints SET id = '9300y', c = 70000 WHERE id = 93
*UPDATE IGNORE ints SET id = 99999999999 WHERE id IN (94, 95)
UPDATE IGNORE ints SET id = id + 400000 WHERE a > 3 ORDER BY id LIMIT 5
UPDATE IGNORE kids SET pid = 5, id = id + 1 WHERE v > 3
UPDATE IGNORE pairs SET b = 'other' WHERE a = 1
UPDATE IGNORE ens SET e = 'purple' WHERE e = 'red'
UPDATE IGNORE ints SET id = (SELECT MIN(id) FROM kids) WHERE id IN (96, 97)
BEGIN
UPDATE IGNORE ints SET id = 5 WHERE id IN (98, 99)
UPDATE IGNORE ints SET id = 700001 WHERE id IN (98, 99)
SELECT id, a FROM ints WHERE id IN (5, 98, 99, 700001) ORDER BY id
ROLLBACK
SELECT id, a FROM ints WHERE id IN (5, 98, 99, 700001) ORDER BY id
-- in joins
UPDATE ints i JOIN kids k ON k.id = i.id SET i.id = i.id + 800000, i.a = k.v WHERE i.id BETWEEN 1 AND 9
UPDATE ints i JOIN kids k ON k.id = i.id + 100000 SET i.id = 4
UPDATE ints i JOIN colours c ON c.code = i.a SET i.id = i.id + 900000, i.s = c.hue WHERE i.id BETWEEN 100 AND 140
UPDATE ints i LEFT JOIN kids k ON k.id = i.id SET i.id = i.id + 3000000 WHERE k.id IS NULL AND i.id BETWEEN 200 AND 220
UPDATE kids k LEFT JOIN ints i ON i.id = k.id + 5000000 SET i.id = 6000000
@UPDATE IGNORE ints i JOIN colours c ON c.code = i.a SET i.id = 4 WHERE i.id BETWEEN 150 AND 170
UPDATE ints i JOIN ints j ON j.id = i.id + 1 SET i.id = j.id + 7000000 WHERE i.id BETWEEN 180 AND 190
@UPDATE ints i JOIN kids k ON k.id = i.id SET i.id = 3, k.v = 2
SELECT id, a, s FROM ints ORDER BY id
-- foreign keys
> CREATE TABLE fathers (id INT PRIMARY KEY, v INT)
> CREATE TABLE sons (id INT, no INT, PRIMARY KEY (id, no), SHARD KEY (id), FOREIGN KEY (id) REFERENCES fathers (id))
> CREATE TABLE daughters (id INT, no INT AUTO_INCREMENT, s VARCHAR(9), at TIMESTAMP NOT NULL DEFAULT NOW() ON UPDATE NOW(), KEY (no), PRIMARY KEY (id, no), SHARD KEY (id), FOREIGN KEY (id) REFERENCES fathers (id) ON UPDATE CASCADE ON DELETE CASCADE)
> CREATE TABLE toys (id INT, no INT, t INT, PRIMARY KEY (id, no, t), SHARD KEY (id), FOREIGN KEY (id, no) REFERENCES daughters (id, no) ON UPDATE CASCADE)
> CREATE TABLE colour (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES codes (id))
> CREATE TABLE hosts (id INT PRIMARY KEY, v INT)
> CREATE TABLE visits (id INT, v INT, KEY (id), SHARD KEY (id), FOREIGN KEY (id) REFERENCES hosts (id) ON UPDATE SET NULL)
INSERT INTO fathers SELECT seq, seq FROM seq_1_to_40
INSERT INTO sons VALUES (1, 1), (2, 1), (4, 1), (5, 1)
INSERT INTO daughters (id, no, s, at) SELECT f.seq, n.seq, 'd', '2020-01-01' FROM seq_11_to_20 f JOIN seq_1_to_3 n
INSERT INTO toys SELECT id, no, 7 FROM daughters WHERE no < 3
INSERT INTO colour SELECT seq, (SELECT MIN(id) FROM codes) FROM seq_1_to_9
INSERT INTO hosts SELECT seq, seq FROM seq_31_to_33
INSERT INTO visits VALUES (31, 1)
UPDATE sons SET id = 3 WHERE id = 1
UPDATE sons SET id = 77 WHERE id = 2
UPDATE sons SET id = 78 WHERE id > 3
UPDATE IGNORE sons SET id = 79 WHERE id = 2
UPDATE IGNORE sons SET id = 5 WHERE id IN (2, 4)
UPDATE sons SET id = id + 5, no = 8 WHERE id < 3
SELECT * FROM sons ORDER BY id, no
UPDATE fathers SET id = 50 WHERE id = 8
UPDATE fathers SET id = 51 WHERE id = 7
UPDATE fathers SET id = id + 100 WHERE id BETWEEN 3 AND 9
UPDATE IGNORE fathers SET id = id + 100 WHERE id BETWEEN 3 AND 9
@UPDATE fathers SET id = 16 WHERE id = 11
UPDATE fathers SET id = 21 WHERE id = 11
UPDATE IGNORE fathers SET id = 21 WHERE id = 11
UPDATE IGNORE fathers SET id = id + 10 WHERE id BETWEEN 11 AND 14
INSERT IGNORE INTO fathers VALUES (12, 5) ON DUPLICATE KEY UPDATE id = 22
SELECT id, no FROM daughters ORDER BY id, no
UPDATE fathers SET id = 1000 WHERE id = 11
UPDATE fathers SET id = id + 200, v = v + 1 WHERE id BETWEEN 12 AND 20
SELECT * FROM fathers ORDER BY id
SELECT id, no, s, at > '2020-01-02' FROM daughters ORDER BY id, no
SELECT * FROM toys ORDER BY id, no
BEGIN
UPDATE fathers SET id = id + 1000 WHERE id > 200
SELECT COUNT(*) FROM daughters WHERE id > 1200
UPDATE fathers SET id = 3 WHERE id = 1212
SELECT COUNT(*) FROM daughters WHERE id > 1200
ROLLBACK
SELECT id, no FROM daughters ORDER BY id, no
INSERT INTO fathers VALUES (212, 1), (2000, 2) ON DUPLICATE KEY UPDATE id = id + 1000
UPDATE toys SET id = 213 WHERE id = 1000
UPDATE toys SET id = 213, no = 3 WHERE id = 1000 AND no = 1
@UPDATE daughters SET id = 40 WHERE id = 1000 AND no = 2
UPDATE daughters SET id = 40 WHERE id = 1000 AND no = 3
UPDATE daughters SET id = 4000 WHERE id = 40
UPDATE colour SET id = id + 100
UPDATE colour SET id = id + 100, c = -5 WHERE id > 105
UPDATE colour SET id = id + 100, c = NULL WHERE id > 105
@UPDATE hosts SET id = 600 WHERE id = 31
UPDATE hosts SET id = 600 WHERE id = 32
@INSERT INTO hosts VALUES (33, 1) ON DUPLICATE KEY UPDATE id = 34
UPDATE fathers f JOIN colours c ON c.code = f.v SET f.id = f.id + 700 WHERE f.id > 200
SET foreign_key_checks = 0
UPDATE hosts SET id = 601 WHERE id = 31
UPDATE sons SET id = 900 WHERE id = 3
SET foreign_key_checks = 1
SELECT * FROM sons ORDER BY id, no
SELECT * FROM colour ORDER BY id
DELETE FROM fathers WHERE id > 200 ORDER BY id
SELECT id, no FROM daughters ORDER BY id, no
-- system versioning
> CREATE TABLE eras (id INT PRIMARY KEY, v INT, w VARCHAR(9)) WITH SYSTEM VERSIONING
*> CREATE TABLE span (id INT PRIMARY KEY, v INT, since TIMESTAMP(6) GENERATED ALWAYS AS ROW START, till TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (since, till)) WITH SYSTEM VERSIONING
INSERT INTO eras SELECT seq, seq, 'x' FROM seq_1_to_20
INSERT INTO span (id, v) SELECT seq, seq FROM seq_1_to_20
UPDATE eras SET id = 100 WHERE id = 1
UPDATE eras SET id = id + 200, v = v + 1 WHERE id BETWEEN 2 AND 6
UPDATE eras SET id = 100 WHERE id = 7
UPDATE IGNORE eras SET id = 100 WHERE id IN (8, 9)
UPDATE eras SET id = id + 1
UPDATE eras SET id = id + 1 ORDER BY id DESC
UPDATE span SET id = id + 50 WHERE id > 9
UPDATE span s JOIN colours c ON c.code = s.v SET s.id = s.id + 700
SELECT * FROM eras ORDER BY id
SELECT id, v, w, row_end > '2038-01-01' FROM eras FOR SYSTEM_TIME ALL ORDER BY id, v, 4
SELECT id, v, till > '2038-01-01' FROM span FOR SYSTEM_TIME ALL ORDER BY id, v, 3
SELECT COUNT(*) FROM span a JOIN span FOR SYSTEM_TIME ALL b ON a.since = b.till
DELETE FROM eras WHERE id > 300
SELECT id, v, w, row_end > '2038-01-01' FROM eras FOR SYSTEM_TIME ALL ORDER BY id, v, 4
@INSERT INTO eras VALUES (101, 1, 'x') ON DUPLICATE KEY UPDATE id = id + 5000
-- triggers
> CREATE TABLE acct (id INT PRIMARY KEY, bal INT, note VARCHAR(60), changed DATETIME(6))
> CREATE TABLE seen (who INT, what VARCHAR(60))
INSERT INTO acct (id, bal) SELECT seq, seq FROM seq_1_to_20
>CREATE TRIGGER acct_bu BEFORE UPDATE ON acct FOR EACH ROW BEGIN
  IF NEW.bal < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'below zero'; END IF;
  SET NEW.note = CONCAT(OLD.id, ' to ', NEW.id, ' ', (SELECT COUNT(*) FROM colours)), NEW.changed = NOW(6);
  END
>CREATE TRIGGER acct_au AFTER UPDATE ON acct FOR EACH ROW INSERT INTO seen VALUES (NEW.id, CONCAT('was ', OLD.id))
UPDATE acct SET id = id + 100 WHERE id < 5
*UPDATE acct SET id = id + 100, bal = -1 WHERE id < 9
UPDATE acct SET id = 101 WHERE id IN (8, 9)
UPDATE acct a JOIN codes c ON c.id = a.bal SET a.id = a.id + 700 WHERE a.id < 9
INSERT INTO acct (id) VALUES (12), (13), (99) ON DUPLICATE KEY UPDATE id = id + 300, bal = 3
SELECT id, bal, note, changed IS NULL FROM acct ORDER BY id
SELECT COUNT(DISTINCT changed) FROM acct WHERE id BETWEEN 101 AND 110
SELECT * FROM seen
@UPDATE IGNORE acct SET id = 101 WHERE id IN (14, 15)
>CREATE TRIGGER acct_ad AFTER DELETE ON acct FOR EACH ROW INSERT INTO seen VALUES (OLD.id, 'gone')
@UPDATE acct SET id = 999 WHERE id = 14
-- LOCK TABLES
LOCK TABLES ints WRITE, eras e WRITE, fathers WRITE
UPDATE ints SET id = id + 20000000 WHERE id BETWEEN 240 AND 250
INSERT INTO ints (id, a) VALUES (251, 1), (252, 2) ON DUPLICATE KEY UPDATE id = id + 20000000
UPDATE kids SET id = 3
@UPDATE eras e SET id = id + 7
@UPDATE fathers SET id = id + 7
SELECT id FROM ints WHERE id > 20000000 ORDER BY id
UNLOCK TABLES
SELECT id FROM ints WHERE id > 20000000 ORDER BY id
-- assignments to user variables
SET @n = 0, @l = '', @d = 0.5
UPDATE ints SET a = (@n := @n + 1) WHERE id BETWEEN 300 AND 330 ORDER BY id DESC
SELECT @n
SELECT id, a FROM ints WHERE id BETWEEN 300 AND 330 ORDER BY id
UPDATE ints SET a = @n := @n + 1, b = @n * 2, s = (@l := CONCAT('s', @n)) WHERE id BETWEEN 300 AND 330 ORDER BY d, id LIMIT 9
SELECT @n, @l
SELECT id, a, b, s FROM ints WHERE id BETWEEN 300 AND 330 ORDER BY id
UPDATE kids SET v = (@d := @d * 1.5), w = @l ORDER BY id, pid LIMIT 11
SELECT @d
SELECT id, pid, v, w FROM kids ORDER BY id, pid
UPDATE ints SET a = (@n := @n + 1) WHERE id > 300000000 ORDER BY id
UPDATE ints SET a = (@n := @n + 1) WHERE id > 300 AND @l = 's' ORDER BY id LIMIT 3
SELECT @n
BEGIN
UPDATE ints SET a = (@m := IFNULL(@m, 100) + 1) WHERE id > 300 ORDER BY id LIMIT 5
SELECT id, a, @m FROM ints WHERE a > 99 ORDER BY id
ROLLBACK
SELECT @m
UPDATE ints SET a = (@n := @n + 1) WHERE id > 300
@UPDATE ints SET a = (@n := @n + 1) WHERE id > 300 AND @n < 7 ORDER BY id
@UPDATE ints SET a = 1 WHERE (@n := @n + 1) < 7 ORDER BY id
@UPDATE ints SET id = (@n := @n + 1) ORDER BY id
-- ON DUPLICATE KEY UPDATE with IGNORE and RETURNING
INSERT IGNORE INTO ints (id, a) VALUES (106, 1) ON DUPLICATE KEY UPDATE id = 9406
INSERT IGNORE INTO ints (id, a) VALUES (107, 1) ON DUPLICATE KEY UPDATE id = 9406, a = 12
INSERT IGNORE INTO ints (id, a) VALUES (107, 1), (108, 2), (9409, 3) ON DUPLICATE KEY UPDATE id = 9406, a = 12
INSERT IGNORE INTO ints (id, a) VALUES (107, 1), (108, 2), (9410, 3) ON DUPLICATE KEY UPDATE id = id + 9310, a = 12
*INSERT IGNORE INTO ints (id, a) VALUES (109, 1) ON DUPLICATE KEY UPDATE id = '9430x'
INSERT INTO ints (id, a) VALUES (110, 1) ON DUPLICATE KEY UPDATE id = 9440, a = 5 RETURNING id, a
INSERT INTO ints (id, a) VALUES (9440, 1), (9441, 2), (111, 3), (112, 4) ON DUPLICATE KEY UPDATE id = id + 10, a = 6 RETURNING id, a, s
INSERT INTO ints (id, a) VALUES (113, 1), (114, 1) ON DUPLICATE KEY UPDATE id = 9441 RETURNING id
INSERT INTO ints (id, a) SELECT id, 4 FROM ints i WHERE id BETWEEN 115 AND 117 ON DUPLICATE KEY UPDATE id = ints.id + 9400, a = VALUES(a) * 2 RETURNING id, a
INSERT IGNORE INTO ints (id, a) SELECT id, 4 FROM ints i WHERE id BETWEEN 118 AND 120 ON DUPLICATE KEY UPDATE id = 9406, a = VALUES(a) * 2
@INSERT IGNORE INTO ints (id, a) VALUES (109, 1) ON DUPLICATE KEY UPDATE id = 9430 RETURNING id
BEGIN
INSERT IGNORE INTO ints (id, a) VALUES (118, 1), (119, 1) ON DUPLICATE KEY UPDATE id = 9600
SELECT id, a FROM ints WHERE id IN (118, 119) OR id > 9000 ORDER BY id
ROLLBACK
SELECT id, a FROM ints WHERE id IN (118, 119) OR id > 9000 ORDER BY id
-- SET STATEMENT before what is done in steps
>SET STATEMENT max_statement_time = 300 FOR UPDATE ints SET a = 1 WHERE id < 330 ORDER BY id DESC LIMIT 3
>SET STATEMENT foreign_key_checks = 0 FOR UPDATE sons SET id = 901 WHERE id = 900
>SET STATEMENT lock_wait_timeout = 20, innodb_lock_wait_timeout = 30 FOR DELETE FROM ints WHERE id IN (SELECT id + 280 FROM kids)
>SET STATEMENT max_statement_time = 300 FOR INSERT INTO ints (id, a) VALUES (130, 1) ON DUPLICATE KEY UPDATE id = 9700
>SET STATEMENT max_statement_time = 300 FOR INSERT INTO ints (id, a) VALUES (9701, (SELECT COUNT(*) FROM kids))
>SET STATEMENT timestamp = 1000000000 FOR UPDATE ints SET t = NOW() WHERE id > 9000 ORDER BY id LIMIT 5
>SET STATEMENT max_statement_time = 'x' FOR UPDATE ints SET a = 1 ORDER BY id LIMIT 3
>SET STATEMENT max_statement_time = 300 FOR UPDATE ints SET nope = 1 ORDER BY id LIMIT 3
@>SET STATEMENT sql_mode = '' FOR UPDATE ints SET a = 1 ORDER BY id LIMIT 3
SELECT @@max_statement_time, @@foreign_key_checks, @@lock_wait_timeout > 20, NOW() > '2020-01-01'
SELECT id, a, t FROM ints WHERE id > 9000 OR id BETWEEN 250 AND 330 ORDER BY id
