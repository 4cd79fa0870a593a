-- REPLACE and ON DUPLICATE KEY UPDATE fire triggers of what was there.
CREATE TABLE d1.settings (name VARCHAR(20) PRIMARY KEY, val VARCHAR(40), n INT NOT NULL DEFAULT 0);
CREATE TABLE d1.changes (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(10), name VARCHAR(20), was VARCHAR(40), is_now VARCHAR(40));
CREATE TRIGGER d1.settings_ai AFTER INSERT ON settings FOR EACH ROW INSERT INTO changes (what, name, is_now) VALUES ('new', NEW.name, NEW.val);
CREATE TRIGGER d1.settings_au AFTER UPDATE ON settings FOR EACH ROW INSERT INTO changes (what, name, was, is_now) VALUES ('changed', NEW.name, OLD.val, NEW.val);
CREATE TRIGGER d1.settings_ad AFTER DELETE ON settings FOR EACH ROW INSERT INTO changes (what, name, was) VALUES ('gone', OLD.name, OLD.val);
INSERT INTO d1.settings (name, val) VALUES ('a', '1'), ('b', '2') ON DUPLICATE KEY UPDATE val = VALUES(val);
INSERT INTO d1.settings (name, val) VALUES ('A', '3') ON DUPLICATE KEY UPDATE val = VALUES(val), n = n + 1;
SELECT ROW_COUNT();
INSERT INTO d1.settings (name, val) VALUES ('c', '4'), ('b', '5'), ('d', '6') ON DUPLICATE KEY UPDATE val = CONCAT(val, VALUES(val)), n = n + 1;
INSERT INTO d1.settings (name, val) VALUES ('a', 'x') ON DUPLICATE KEY UPDATE n = n;
SELECT * FROM d1.settings ORDER BY name;
REPLACE INTO d1.settings (name, val) VALUES ('c', 'C'), ('e', 'E'), ('a', 'A');
SELECT ROW_COUNT();
REPLACE INTO d1.settings SET name = 'e', val = 'EE';
SELECT * FROM d1.settings ORDER BY name;
SELECT what, name, was, is_now FROM d1.changes ORDER BY id;
BEGIN;
REPLACE INTO d1.settings SET name = 'f', val = 'F';
INSERT INTO d1.settings (name, val) VALUES ('f', 'G') ON DUPLICATE KEY UPDATE val = VALUES(val);
SELECT what, name, was, is_now FROM d1.changes ORDER BY id DESC LIMIT 2;
ROLLBACK;
SELECT COUNT(*) FROM d1.changes;
-- refused
INSERT INTO d1.settings (name, val) VALUES ('g', '1'), ('g', '2') ON DUPLICATE KEY UPDATE val = VALUES(val);
-- refused
INSERT INTO d1.settings (name, val) VALUES ('g', '1') ON DUPLICATE KEY UPDATE name = 'h';
DROP TABLE d1.changes;
INSERT INTO d1.settings (name, val) VALUES ('a', 'y') ON DUPLICATE KEY UPDATE val = VALUES(val);
REPLACE INTO d1.settings (name, val) VALUES ('new', 'y');
SELECT * FROM d1.settings ORDER BY name;
-- With numbers that are given, and those that are not.
CREATE TABLE d1.visits (id INT AUTO_INCREMENT PRIMARY KEY, page VARCHAR(20), n INT NOT NULL DEFAULT 1);
CREATE TABLE d1.totals (page VARCHAR(20) PRIMARY KEY, n INT);
CREATE TRIGGER d1.visits_ai AFTER INSERT ON visits FOR EACH ROW INSERT INTO totals VALUES (NEW.page, NEW.n) ON DUPLICATE KEY UPDATE n = n + NEW.n;
CREATE TRIGGER d1.visits_au AFTER UPDATE ON visits FOR EACH ROW BEGIN UPDATE totals SET n = n - OLD.n WHERE page = OLD.page; UPDATE totals SET n = n + NEW.n WHERE page = NEW.page; END;
INSERT INTO d1.visits (page) VALUES ('x') ON DUPLICATE KEY UPDATE n = n + 1;
SELECT COUNT(*), LAST_INSERT_ID() = MAX(id) FROM d1.visits;
INSERT INTO d1.visits (id, page, n) VALUES (1000, 'y', 5), (1001, 'x', 2) ON DUPLICATE KEY UPDATE n = n + 1;
INSERT INTO d1.visits (id, page, n) VALUES (1000, 'y', 5), (1002, 'y', 2) ON DUPLICATE KEY UPDATE n = n + VALUES(n);
SELECT * FROM d1.totals ORDER BY page;
SELECT page, n FROM d1.visits ORDER BY id;
-- Of several rows that meet one after another it is not known which.
CREATE TABLE d1.seats (hall INT, no INT, guest VARCHAR(5), note VARCHAR(5), PRIMARY KEY (hall, no), UNIQUE (hall, guest), SHARD KEY (hall));
CREATE TABLE d1.freed (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(5));
CREATE TRIGGER d1.seats_ad AFTER DELETE ON seats FOR EACH ROW INSERT INTO freed (note) VALUES (OLD.note);
INSERT INTO d1.seats VALUES (1, 1, 'a', 'old');
-- refused
REPLACE INTO d1.seats VALUES (1, 1, 'a', 'new'), (1, 2, 'a', 'x');
-- changes: d1.seats
REPLACE INTO d1.seats VALUES (1, 1, 'a', 'new'), (1, 2, 'b', 'x');
SELECT note FROM d1.freed ORDER BY id;
