-- BEFORE triggers that look values up in other tables, count rows, and refuse.
CREATE TABLE d1.products (id INT PRIMARY KEY, price DECIMAL(8,2) NOT NULL, left_over INT NOT NULL);
CREATE TABLE d1.items (id INT AUTO_INCREMENT PRIMARY KEY, product INT NOT NULL, n INT NOT NULL DEFAULT 1, price DECIMAL(8,2), total DECIMAL(10,2), note VARCHAR(10) DEFAULT 'none', part FLOAT, bits BIT(4), kind ENUM('a','b'), due DATE, raw VARBINARY(8), twice INT AS (n * 2));
CREATE TABLE d1.limits (what VARCHAR(10) PRIMARY KEY, most INT);
CREATE TABLE d1.refusals (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40));
INSERT INTO d1.products VALUES (1, 9.99, 10), (2, 100, 2), (3, 0.5, 1000);
INSERT INTO d1.limits VALUES ('items', 7);
CREATE TRIGGER d1.items_bi BEFORE INSERT ON items FOR EACH ROW BEGIN IF NEW.price IS NULL THEN SET NEW.price = (SELECT price FROM products WHERE id = NEW.product); END IF; SET NEW.total = NEW.price * NEW.n, NEW.note = UPPER(NEW.note); END;
INSERT INTO d1.items (product, n) VALUES (1, 2);
SELECT LAST_INSERT_ID(), ROW_COUNT();
INSERT INTO d1.items (product, n, part, bits, kind, due, raw) VALUES (2, 1, 1.1, b'101', 'b', '2024-02-29', x'00ff27'), (3, DEFAULT, NULL, NULL, NULL, NULL, NULL), (9, 3, -0.1, 3, 2, 20240301, 'ü');
SELECT LAST_INSERT_ID();
INSERT INTO d1.items (id, product, price) SELECT 50 + id, id, 1 FROM d1.products WHERE id = 2;
INSERT INTO d1.items SET product = 1, note = RAND() * 0;
INSERT INTO d1.items (id, product) VALUES (70, 2), (71, 1) RETURNING *, price * 2;
DELETE FROM d1.items WHERE id > 69;
SELECT id, product, n, price, total, note, part, bits + 0, kind, due, HEX(raw), twice FROM d1.items ORDER BY id;
CREATE TRIGGER d1.items_most BEFORE INSERT ON items FOR EACH ROW BEGIN IF (SELECT COUNT(*) FROM items) >= (SELECT most FROM limits WHERE what = 'items') THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too many items', MYSQL_ERRNO = 30001; END IF; END;
INSERT INTO d1.items (product) VALUES (3);
INSERT INTO d1.items (product) VALUES (3);
SELECT COUNT(*) FROM d1.items;
-- refused
INSERT INTO d1.items (product) VALUES (3), (3);
UPDATE d1.limits SET most = 100;
BEGIN;
INSERT INTO d1.items (product, n) VALUES (3, 7);
SELECT n, total FROM d1.items WHERE n = 7;
ROLLBACK;
SELECT COUNT(*) FROM d1.items;
DROP TRIGGER d1.items_most;
CREATE TRIGGER d1.items_bu BEFORE UPDATE ON items FOR EACH ROW BEGIN DECLARE p DECIMAL(8,2) DEFAULT (SELECT price FROM products WHERE id = NEW.product); IF NEW.n > 50 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too much'; END IF; SET NEW.price = p, NEW.total = p * NEW.n; INSERT INTO refusals (what) VALUES (CONCAT(OLD.id, ': ', OLD.n, ' to ', NEW.n)); END;
CREATE TRIGGER d1.items_au AFTER UPDATE ON items FOR EACH ROW INSERT INTO limits VALUES (CONCAT('l', NEW.id), NEW.total) ON DUPLICATE KEY UPDATE most = most + NEW.total;
UPDATE d1.items SET n = n + 1 WHERE product <> 9 AND id < 50;
SELECT ROW_COUNT();
UPDATE d1.items SET product = 2 WHERE id = 1;
UPDATE d1.items SET n = 51 WHERE id = 1;
UPDATE d1.items SET n = n WHERE id = 3;
UPDATE d1.items SET n = 1 WHERE id = 77;
SELECT id, product, n, price, total, note, twice FROM d1.items ORDER BY id;
SELECT * FROM d1.refusals ORDER BY id;
SELECT * FROM d1.limits ORDER BY what;
-- One that only looks.
DROP TRIGGER d1.items_bi;
DROP TRIGGER d1.items_bu;
CREATE TRIGGER d1.items_looks BEFORE INSERT ON items FOR EACH ROW IF NOT EXISTS (SELECT 1 FROM products WHERE id = NEW.product) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no such product'; END IF;
INSERT INTO d1.items (product) VALUES (1), (8);
INSERT INTO d1.items (product) VALUES (1), (2);
-- refused
CREATE TRIGGER d1.no BEFORE INSERT ON items FOR EACH ROW SET NEW.n = (SELECT MAX(id) FROM products) + NEW.id;
-- What one looks at that another one writes is for single rows.
CREATE TRIGGER d1.items_takes AFTER INSERT ON items FOR EACH ROW UPDATE products SET left_over = left_over - NEW.n WHERE id = NEW.product;
CREATE TRIGGER d1.items_room BEFORE INSERT ON items FOR EACH ROW IF NEW.n > (SELECT left_over FROM products WHERE id = NEW.product) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'sold out'; END IF;
INSERT INTO d1.items (product, n) VALUES (2, 2);
INSERT INTO d1.items (product, n) VALUES (2, 1);
-- refused
INSERT INTO d1.items (product, n) VALUES (1, 2), (3, 3);
SELECT * FROM d1.products ORDER BY id;
SELECT COUNT(*) FROM d1.items;
