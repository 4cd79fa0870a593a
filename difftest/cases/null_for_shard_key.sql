-- NULL of a subquery for a NOT NULL column that is a shard key.
CREATE REFERENCE TABLE d1.item (id INT NOT NULL, cat INT, PRIMARY KEY (id));
CREATE TABLE d2.ver (id INT NOT NULL, v INT, PRIMARY KEY (id));
CREATE TABLE d2.name (s VARCHAR(10) NOT NULL, v INT, PRIMARY KEY (s));
INSERT INTO d2.ver (id, v) VALUES (13, 1);
-- changes: d2.ver
REPLACE INTO d2.ver (id, v) VALUES (NULL, 7), (6, 0), (4, 4);
-- changes: d2.ver
REPLACE INTO d2.ver (id, v) VALUES ((SELECT MAX(cat) FROM d1.item), 7);
-- changes: d2.ver
REPLACE INTO d2.ver (id, v) VALUES ((SELECT MAX(cat) FROM d1.item), 7), (6, 0), (4, 4);
-- changes: d2.name
INSERT INTO d2.name (s, v) VALUES ((SELECT MAX(cat) FROM d1.item), 7), ('x', 0), ('y', 4);
-- changes: d2.name
INSERT IGNORE INTO d2.name (s, v) VALUES ((SELECT MAX(cat) FROM d1.item), 7), ('x', 0), ('y', 4);
SET sql_mode = '';
-- changes: d2.ver
INSERT INTO d2.ver (id, v) VALUES ((SELECT MAX(cat) FROM d1.item), 7), (6, 0), (4, 4);
-- changes: d2.name
INSERT INTO d2.name (s, v) VALUES ((SELECT MAX(cat) FROM d1.item), 7);
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, qty INT, PRIMARY KEY (id, acc), SHARD KEY (acc));
-- changes: d1.ord
REPLACE INTO d1.ord (id, acc, qty) VALUES (108, 7, 9), (3, (SELECT MAX(cat) FROM d1.item), 2), (4, 8, (SELECT COUNT(*) FROM d1.item));
-- changes: d1.ord
INSERT INTO d1.ord (id, acc, qty) VALUES (8, 7, 9), ((SELECT MAX(cat) FROM d1.item), 5, 2) ON DUPLICATE KEY UPDATE qty = 7;
-- IGNORE for a value: the default in a row that is inserted, what is there in an UPDATE.
CREATE TABLE d1.pref (id INT PRIMARY KEY DEFAULT 5, v INT DEFAULT 7);
INSERT INTO d1.pref VALUES (IGNORE, 3), (1, IGNORE);
INSERT INTO d1.pref VALUES (1, 9) ON DUPLICATE KEY UPDATE v = IGNORE;
UPDATE d1.pref SET v = IGNORE WHERE id < 9;
EXECUTE IMMEDIATE 'INSERT INTO d1.pref VALUES (?, ?)' USING 21, IGNORE;
EXECUTE IMMEDIATE 'REPLACE INTO d1.pref VALUES (?, ?)' USING IGNORE, DEFAULT;
EXECUTE IMMEDIATE 'UPDATE d1.pref SET v = ? WHERE id = ?' USING IGNORE, 5;
SELECT * FROM d1.pref;
