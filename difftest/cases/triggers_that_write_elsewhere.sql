-- Triggers that write to an audit log, count in another table, and refuse: what they write is in other partitions than the row.
CREATE TABLE d1.posts (id INT PRIMARY KEY, title VARCHAR(40), comments INT NOT NULL DEFAULT 0, touched DATETIME);
CREATE TABLE d1.comments (id BIGINT AUTO_INCREMENT PRIMARY KEY, post_id INT NOT NULL, body VARCHAR(200), likes INT UNSIGNED NOT NULL DEFAULT 0, score FLOAT, due DATE, KEY (post_id));
CREATE TABLE d1.audit_log (id BIGINT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20), comment_id BIGINT, old_body VARCHAR(200), new_body VARCHAR(200), by_whom VARCHAR(80), at DATETIME);
INSERT INTO d1.posts (id, title) VALUES (1, 'one'), (2, 'two'), (3, 'three');
CREATE TRIGGER d1.comments_ai AFTER INSERT ON comments FOR EACH ROW INSERT INTO audit_log (what, comment_id, new_body, by_whom, at) VALUES ('insert', NEW.id, NEW.body, @who, NOW());
CREATE TRIGGER d1.comments_count AFTER INSERT ON comments FOR EACH ROW UPDATE posts SET comments = comments + 1, touched = NOW() WHERE id = NEW.post_id;
SET timestamp = 1700000000, @who = 'ann';
INSERT INTO d1.comments (post_id, body) VALUES (1, 'first');
SELECT LAST_INSERT_ID(), ROW_COUNT();
INSERT INTO d1.comments (post_id, body) VALUES (1, 'it''s'), (2, NULL), (3, 'x'), (1, 'ü 😀');
SELECT LAST_INSERT_ID();
INSERT INTO d1.comments SET post_id = 2, body = CONCAT('a', 'b'), score = 1.1, due = '2024-02-29';
INSERT INTO d1.comments (post_id, body) SELECT id, title FROM d1.posts WHERE id = 3;
SELECT id, title, comments, touched FROM d1.posts ORDER BY id;
SELECT * FROM d1.audit_log ORDER BY id;
PREPARE p FROM 'INSERT INTO d1.comments (post_id, body) VALUES (?, ?)';
SET @post = 2, @body = 'prepared', @who = 'ben';
EXECUTE p USING @post, @body;
-- typed
INSERT INTO d1.comments (post_id, body, likes) VALUES (1, 'typed', 7);
SELECT what, comment_id, new_body, by_whom FROM d1.audit_log ORDER BY id DESC LIMIT 2;
BEGIN;
INSERT INTO d1.comments (post_id, body) VALUES (3, 'gone'), (2, 'gone too');
SELECT comments FROM d1.posts ORDER BY id;
ROLLBACK;
SELECT comments FROM d1.posts ORDER BY id;
SELECT COUNT(*) FROM d1.audit_log;
-- UPDATE and DELETE.
CREATE TRIGGER d1.comments_au AFTER UPDATE ON comments FOR EACH ROW BEGIN IF NOT OLD.body <=> NEW.body THEN INSERT INTO audit_log (what, comment_id, old_body, new_body) VALUES ('update', OLD.id, OLD.body, NEW.body); END IF; IF NEW.post_id <> OLD.post_id THEN UPDATE posts SET comments = comments - 1 WHERE id = OLD.post_id; UPDATE posts SET comments = comments + 1 WHERE id = NEW.post_id; END IF; END;
CREATE TRIGGER d1.comments_ad AFTER DELETE ON comments FOR EACH ROW BEGIN DECLARE left_over INT; UPDATE posts SET comments = comments - 1 WHERE id = OLD.post_id; SELECT comments INTO left_over FROM posts WHERE id = OLD.post_id; INSERT INTO audit_log (what, comment_id, old_body, new_body) VALUES ('delete', OLD.id, OLD.body, left_over); END;
UPDATE d1.comments SET body = CONCAT(body, '!') WHERE id = 1;
SELECT ROW_COUNT();
UPDATE d1.comments SET body = UPPER(body), likes = likes + 1 WHERE post_id = 1 ORDER BY id DESC;
UPDATE d1.comments SET post_id = 3 WHERE post_id = 2;
UPDATE d1.comments SET likes = 0 WHERE id = 99;
UPDATE d1.comments SET likes = likes + 5 WHERE post_id IN (SELECT id FROM d1.posts WHERE comments > 3) ORDER BY id LIMIT 2;
SELECT what, comment_id, old_body, new_body FROM d1.audit_log WHERE what = 'update' ORDER BY id;
SELECT id, comments FROM d1.posts ORDER BY id;
SELECT * FROM d1.comments ORDER BY id;
DELETE FROM d1.comments WHERE id = 2;
SELECT ROW_COUNT();
DELETE FROM d1.comments WHERE post_id = 3 ORDER BY id LIMIT 3;
DELETE FROM d1.comments WHERE id = 2;
SELECT what, comment_id, old_body, new_body FROM d1.audit_log WHERE what = 'delete' ORDER BY id;
SELECT id, comments FROM d1.posts ORDER BY id;
-- RETURNING is the client's.
INSERT INTO d1.comments (post_id, body) VALUES (1, 'told'), (2, NULL), (3, 'all') RETURNING body, post_id + 1 AS next, score;
SELECT LAST_INSERT_ID() = MIN(id), ROW_COUNT() FROM d1.comments WHERE body = 'told';
-- prepared
INSERT INTO d1.comments (post_id, body, score, due) VALUES (1, 'told', 1.5, '2024-01-01'), (2, 'two', NULL, NULL) RETURNING *, score * 2 s, due;
INSERT INTO d1.comments (post_id) VALUES (2) RETURNING id > 0;
-- prepared
DELETE FROM d1.comments WHERE body = 'told' AND score IS NULL RETURNING body, post_id, due;
DELETE FROM d1.comments WHERE body = 'nowhere' RETURNING id;
SELECT what, old_body, new_body FROM d1.audit_log ORDER BY id DESC LIMIT 8;
SELECT id, comments FROM d1.posts ORDER BY id;
-- SIGNAL undoes the statement, and what its triggers have done for other rows.
CREATE TABLE d1.orders (id INT PRIMARY KEY, item INT, n INT);
CREATE TABLE d1.stock (item INT PRIMARY KEY, n INT);
INSERT INTO d1.stock VALUES (1, 5), (2, 5), (3, 5);
CREATE TRIGGER d1.orders_ai AFTER INSERT ON orders FOR EACH ROW BEGIN UPDATE stock SET n = n - NEW.n WHERE item = NEW.item; IF (SELECT n FROM stock WHERE item = NEW.item) < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'sold out'; END IF; END;
INSERT INTO d1.orders VALUES (1, 1, 2), (2, 2, 3);
INSERT INTO d1.orders VALUES (3, 3, 2), (4, 2, 3);
SELECT * FROM d1.orders ORDER BY id;
SELECT * FROM d1.stock ORDER BY item;
BEGIN;
INSERT INTO d1.orders VALUES (5, 3, 1);
INSERT INTO d1.orders VALUES (6, 3, 50);
COMMIT;
SELECT * FROM d1.orders ORDER BY id;
SELECT * FROM d1.stock ORDER BY item;
-- What a statement uses its triggers may not write.
CREATE TRIGGER d1.stock_au AFTER UPDATE ON stock FOR EACH ROW IF NEW.n = 1 THEN UPDATE orders SET n = 0; END IF;
INSERT INTO d1.orders VALUES (7, 1, 1);
INSERT INTO d1.orders VALUES (8, 1, 1);
UPDATE d1.stock SET n = 2 WHERE item = 2;
UPDATE d1.stock SET n = 1 WHERE item = 3;
SELECT * FROM d1.orders ORDER BY id;
DROP TRIGGER d1.stock_au;
-- Several, in their order, with one at partitions beside them.
CREATE TABLE d1.steps (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40));
CREATE TRIGGER d1.orders_b AFTER UPDATE ON orders FOR EACH ROW INSERT INTO steps (what) VALUES (CONCAT('b', NEW.id));
CREATE TRIGGER d1.orders_a AFTER UPDATE ON orders FOR EACH ROW PRECEDES orders_b INSERT INTO steps (what) SELECT CONCAT('a', OLD.n, NEW.n);
CREATE TRIGGER d1.orders_bu BEFORE UPDATE ON orders FOR EACH ROW SET NEW.n = NEW.n * 10;
UPDATE d1.orders SET n = 4 WHERE id < 3;
SELECT * FROM d1.steps ORDER BY id;
SELECT TRIGGER_NAME, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER, ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'd1' ORDER BY 1;
SHOW CREATE TRIGGER d1.orders_ai;
DROP TRIGGER d1.orders_a;
UPDATE d1.orders SET n = 5 WHERE id = 1;
SELECT * FROM d1.steps ORDER BY id;
-- BEFORE DELETE.
CREATE TABLE d1.kept (id INT PRIMARY KEY, n INT);
CREATE TRIGGER d1.orders_bd BEFORE DELETE ON orders FOR EACH ROW INSERT INTO kept VALUES (OLD.id + 100, OLD.n);
DELETE FROM d1.orders WHERE id IN (1, 5);
DELETE FROM d1.orders WHERE id = 1;
SELECT * FROM d1.kept ORDER BY id;
ALTER TABLE d1.orders ADD COLUMN note VARCHAR(10);
RENAME TABLE d1.orders TO d1.orders2;
DELETE FROM d1.orders2 WHERE id = 2;
SELECT * FROM d1.kept ORDER BY id;
EXPLAIN FORMAT=JSON DELETE FROM d1.kept WHERE id = 5;
DROP TABLE d1.orders2;
-- refused
UPDATE d1.comments c, d1.posts p SET c.likes = 1 WHERE c.post_id = p.id;
