-- tables whose rows are all in one partition: MariaDB's own keys, counters, triggers and statements
>CREATE TABLE actor (actor_id BIGINT UNSIGNED AUTO_INCREMENT, actor_user INT, actor_name VARBINARY(255), n INT DEFAULT 1, UNIQUE (actor_user), UNIQUE (actor_name), PRIMARY KEY (actor_id), SHARD KEY ())
>CREATE TABLE page (id INT PRIMARY KEY, actor BIGINT UNSIGNED, parent INT, title VARCHAR(40), FULLTEXT (title), FOREIGN KEY (actor) REFERENCES actor (actor_id) ON DELETE CASCADE ON UPDATE SET NULL, FOREIGN KEY (parent) REFERENCES page (id), SHARD KEY ())
>CREATE TABLE heap (a INT, b VARCHAR(20), SHARD KEY ())
>CREATE TABLE trail (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40), SHARD KEY ())
INSERT INTO actor (actor_user, actor_name) VALUES (1, 'Ada'), (2, 'Grace'), (NULL, 'Edsger')
SELECT LAST_INSERT_ID(), ROW_COUNT()
INSERT INTO actor VALUES (20, 5, 'Barbara', 3)
SELECT LAST_INSERT_ID()
INSERT INTO actor (actor_id, actor_user, actor_name) VALUES (NULL, 6, 'Alan'), (0, 7, 'Kurt'), (30, 8, 'Emmy')
SELECT LAST_INSERT_ID()
INSERT INTO actor (actor_user, actor_name) VALUES (1, 'Bob')
INSERT INTO actor (actor_user, actor_name) VALUES (9, 'Ada')
INSERT IGNORE INTO actor (actor_user, actor_name) VALUES (9, 'Ada'), (10, 'Noether'), (2, 'x')
SELECT LAST_INSERT_ID()
INSERT INTO actor (actor_user, actor_name) VALUES (1, 'Ada'), (11, 'Donald') ON DUPLICATE KEY UPDATE n = n + 10
SELECT LAST_INSERT_ID()
INSERT INTO actor (actor_user, actor_name) VALUES (1, 'Lovelace') ON DUPLICATE KEY UPDATE n = n + 1, actor_id = LAST_INSERT_ID(actor_id)
SELECT LAST_INSERT_ID()
REPLACE INTO actor (actor_user, actor_name) VALUES (2, 'Edsger')
SELECT LAST_INSERT_ID()
INSERT INTO actor SET actor_user = 12, actor_name = 'Tony' RETURNING actor_id, n
SELECT LAST_INSERT_ID()
INSERT INTO actor (actor_user, actor_name) SELECT 100 + n, CONCAT('n', actor_id) FROM actor WHERE n = 1 ORDER BY actor_id LIMIT 1
SELECT LAST_INSERT_ID()
SELECT * FROM actor ORDER BY actor_id
INSERT INTO page VALUES (1, 1, NULL, 'first page'), (2, 1, 1, 'second page'), (3, 20, 2, 'the third'), (4, NULL, NULL, 'last')
INSERT INTO page VALUES (5, 99, NULL, 'x')
INSERT INTO page VALUES (5, 1, 77, 'x')
SELECT a.actor_name, p.title FROM actor a LEFT JOIN page p ON p.actor = a.actor_id ORDER BY a.actor_id, p.id
SELECT a.n, COUNT(p.id), GROUP_CONCAT(p.title ORDER BY p.id DESC) FROM page p JOIN actor a ON p.actor = a.actor_id GROUP BY a.n WITH ROLLUP
SELECT id FROM page WHERE MATCH (title) AGAINST ('third')
SELECT p.id, (SELECT COUNT(*) FROM page q WHERE q.parent = p.id) AS kids, ROW_NUMBER() OVER (ORDER BY title) AS r FROM page p ORDER BY p.id LIMIT 1, 2
WITH RECURSIVE r AS (SELECT id, title FROM page WHERE id = 1 UNION ALL SELECT p.id, p.title FROM page p JOIN r ON p.parent = r.id) SELECT * FROM r ORDER BY id
SELECT actor_id FROM actor INTERSECT SELECT actor FROM page ORDER BY 1
SELECT x.c FROM (SELECT actor, COUNT(*) AS c FROM page GROUP BY actor ORDER BY 2 DESC LIMIT 1) x
SELECT DISTINCT n FROM actor ORDER BY n
SELECT SQL_CALC_FOUND_ROWS id FROM page ORDER BY id LIMIT 1
SELECT FOUND_ROWS()
SELECT title INTO @t FROM page WHERE id = 2
SELECT @t
SELECT c.name, COUNT(a.actor_id) FROM colours c LEFT JOIN actor a ON a.n = c.code GROUP BY c.name ORDER BY c.name
UPDATE actor a JOIN page p ON p.actor = a.actor_id SET a.n = a.n + p.id, p.title = CONCAT(p.title, a.n)
UPDATE actor SET actor_id = actor_id + 1000 WHERE actor_name = 'Barbara'
UPDATE actor SET actor_user = actor_user + 1 ORDER BY actor_user DESC LIMIT 3
UPDATE actor SET actor_name = 'Kurt' WHERE actor_name = 'Alan'
UPDATE heap SET a = (SELECT MAX(id) FROM page)
INSERT INTO heap VALUES (1, 'a'), (1, 'a'), (2, 'b'), (NULL, NULL)
UPDATE heap SET b = 'c' WHERE a = 1 LIMIT 1
#SELECT * FROM heap
DELETE FROM heap WHERE a = 1 ORDER BY b DESC LIMIT 1 RETURNING b
DELETE p, a FROM page p JOIN actor a ON a.actor_id = p.actor WHERE p.id = 3
DELETE FROM actor WHERE actor_id = 1
DELETE FROM page WHERE id = 1
DELETE FROM page WHERE parent IS NOT NULL
DELETE FROM actor WHERE actor_id = 1
SELECT * FROM page ORDER BY id
SELECT * FROM actor ORDER BY actor_id
-- with others
SELECT i.id, a.actor_name FROM ints i JOIN actor a ON a.actor_user = i.id ORDER BY 1
SELECT a.actor_name, COUNT(k.id) FROM actor a LEFT JOIN kids k ON k.v = a.n GROUP BY a.actor_name ORDER BY 1
SELECT COUNT(*) FROM kids WHERE pid IN (SELECT actor_user FROM actor)
SELECT COUNT(*) FROM actor WHERE actor_user IN (SELECT pid FROM kids WHERE v > 2)
SELECT COUNT(*) FROM actor a JOIN ints i ON i.id = 5
SELECT id FROM ints WHERE id = 5 UNION ALL SELECT id FROM page ORDER BY 1
SELECT id FROM ints WHERE id < 0 UNION SELECT actor_id FROM actor ORDER BY 1 LIMIT 5
SELECT (SELECT COUNT(*) FROM actor), (SELECT COUNT(*) FROM ints)
SELECT COUNT(*) FROM ints WHERE a > (SELECT COUNT(*) FROM page)
SELECT COUNT(*) FROM actor a, loose l WHERE a.n = l.x
INSERT INTO heap SELECT v, w FROM kids WHERE id < 5 ORDER BY id
INSERT INTO trail (what) SELECT s FROM ints WHERE id BETWEEN 3 AND 6 AND s IS NOT NULL ORDER BY id
SELECT COUNT(*), MIN(id), MAX(id) FROM trail
INSERT INTO loose (x, s) SELECT a, b FROM heap
INSERT INTO kids SELECT actor_id + 5000, actor_id, n, 'k' FROM actor
INSERT INTO heap VALUES ((SELECT MAX(id) FROM ints), 'max'), (3, (SELECT MIN(w) FROM sb))
UPDATE actor SET n = (SELECT COUNT(*) FROM ints WHERE ints.a = actor.n) WHERE actor_id < 30
UPDATE ints i JOIN actor a ON a.actor_user = i.id SET i.a = a.actor_user, a.n = 55 WHERE i.id < 15
UPDATE kids SET w = 'none' WHERE pid IN (SELECT actor_user FROM actor)
UPDATE heap SET b = 'ints' WHERE a IN (SELECT id FROM ints)
DELETE FROM heap WHERE a IN (SELECT pid FROM kids WHERE v IS NULL)
DELETE FROM kids WHERE id IN (SELECT actor_id + 5000 FROM actor)
UPDATE colours c JOIN actor a ON a.n = 55 SET c.hue = 'set' WHERE c.code = 2
SELECT * FROM heap ORDER BY a, b
SELECT * FROM actor ORDER BY actor_id
SELECT * FROM colours
CREATE TEMPORARY TABLE tmp AS SELECT actor_id, n FROM actor
SELECT COUNT(*) FROM tmp t JOIN actor a ON a.actor_id = t.actor_id
INSERT INTO heap SELECT n, 'tmp' FROM tmp
DELETE a FROM actor a JOIN tmp t ON t.actor_id = a.actor_id WHERE t.n = 55 AND a.actor_id > 30
>DROP TEMPORARY TABLE tmp
-- transactions
BEGIN
INSERT INTO heap VALUES (700, 'in')
INSERT INTO ints (id) VALUES (7000)
SELECT COUNT(*) FROM heap h JOIN ints i ON i.id = h.a * 10
SAVEPOINT s
DELETE FROM heap
ROLLBACK TO s
SELECT b FROM heap WHERE a = 700 FOR UPDATE
ROLLBACK
SELECT COUNT(*) FROM heap WHERE a = 700
>LOCK TABLES heap WRITE, actor READ, ints READ, colours READ
INSERT INTO heap VALUES (800, 'locked')
SELECT COUNT(*) FROM heap JOIN colours ON code = a
SELECT COUNT(*) FROM heap UNION ALL SELECT id FROM ints WHERE id = 3
INSERT INTO page VALUES (100, NULL, NULL, 'x')
>UNLOCK TABLES
-- triggers, views
>CREATE TRIGGER actor_ai AFTER INSERT ON actor FOR EACH ROW INSERT INTO trail (what) VALUES (CONCAT('made ', NEW.actor_name))
>CREATE TRIGGER actor_bu BEFORE UPDATE ON actor FOR EACH ROW SET NEW.n = (SELECT COUNT(*) FROM trail) + NEW.n
>CREATE TRIGGER actor_ad AFTER DELETE ON actor FOR EACH ROW BEGIN UPDATE page SET title = 'orphan' WHERE actor IS NULL; DELETE FROM trail WHERE what LIKE CONCAT('%', OLD.actor_name); END
INSERT INTO actor (actor_user, actor_name) VALUES (200, 'Haskell'), (201, 'Alonzo')
SELECT LAST_INSERT_ID()
UPDATE actor SET n = 1 WHERE actor_user >= 200
DELETE FROM actor WHERE actor_name = 'Haskell'
INSERT INTO actor (actor_user, actor_name) SELECT id, 'from ints' FROM ints WHERE id = 150
SELECT what FROM trail ORDER BY id
SELECT * FROM page ORDER BY id
SELECT actor_user, actor_name, n FROM actor ORDER BY actor_id
>CREATE VIEW authors AS SELECT a.actor_name, p.title FROM actor a LEFT JOIN page p ON p.actor = a.actor_id
SELECT * FROM authors ORDER BY 1, 2
>LOAD DATA LOCAL INFILE 'testdata/codes.csv' INTO TABLE heap FIELDS TERMINATED BY ',' (a, b)
SELECT COUNT(*) FROM heap
-- definitions
>ALTER TABLE heap ADD COLUMN id INT AUTO_INCREMENT PRIMARY KEY FIRST, ADD UNIQUE (b, a, id)
>ALTER TABLE heap AUTO_INCREMENT = 5000
INSERT INTO heap (a) VALUES (1)
SELECT LAST_INSERT_ID()
>!ALTER TABLE heap ADD FOREIGN KEY (a) REFERENCES page (id)
>TRUNCATE TABLE trail
INSERT INTO trail (what) VALUES ('new')
SELECT * FROM trail
SELECT TABLE_NAME, TABLE_ROWS > 0, AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('trail', 'heap') ORDER BY 1
CHECKSUM TABLE page, trail
CHECK TABLE page
>RENAME TABLE trail TO track
>CREATE TABLE trail LIKE track
INSERT INTO trail (what) SELECT what FROM track
SELECT * FROM trail
>CREATE TABLE copied (UNIQUE (title), SHARD KEY ()) AS SELECT MIN(id) AS id, title FROM page GROUP BY title
SELECT COUNT(*), MIN(title) FROM copied
HANDLER page OPEN AS p
HANDLER p READ FIRST
HANDLER p READ `PRIMARY` NEXT LIMIT 2
HANDLER p READ `PRIMARY` > (2) WHERE title > 'a' LIMIT 2
BEGIN
INSERT INTO heap VALUES (77, 'x')
HANDLER p READ `PRIMARY` LAST
HANDLER actor OPEN
HANDLER actor READ actor_user FIRST
COMMIT
HANDLER actor READ actor_user NEXT
HANDLER actor CLOSE
HANDLER p CLOSE
HANDLER p CLOSE
>DROP TABLE copied, trail
