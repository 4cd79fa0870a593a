-- A key's value reads a reference table of the session's database; the rows go to another one.
CREATE REFERENCE TABLE d1.item (id INT NOT NULL, cat INT, PRIMARY KEY (id));
INSERT INTO d1.item (id, cat) VALUES (1, 7), (2, 9);
CREATE TABLE d2.pair (a INT NOT NULL, b INT NOT NULL, v FLOAT, s VARCHAR(20), PRIMARY KEY (a, b));
-- changes: d2.pair
REPLACE INTO d2.pair (a, b, v) VALUE ((SELECT MAX(cat) FROM item), 0, 2);
-- prepared
-- changes: d2.pair
INSERT INTO d2.pair (a, b, v) VALUES ((SELECT MAX(cat) + 1 FROM item WHERE id < 9), 0, 2), ((SELECT MIN(cat) FROM item), 3, (SELECT COUNT(*) FROM item));
