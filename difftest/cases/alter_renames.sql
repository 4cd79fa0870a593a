-- ALTER TABLE that gives a table another name beside what else it does: in an instant, with copied rows, and refused.
CREATE TABLE d1.house (id INT PRIMARY KEY, street VARCHAR(20), KEY (street));
INSERT INTO d1.house VALUES (1, 'a'), (2, 'b'), (3, 'cc');
ALTER TABLE d1.house ADD COLUMN rooms INT DEFAULT 4, RENAME TO d1.home;
-- order: 1
SELECT * FROM d1.home;
SELECT * FROM d1.house;
ALTER TABLE home RENAME AS d1.flat, MODIFY street VARCHAR(2) NOT NULL, ADD UNIQUE both_of (id, street);
SHOW CREATE TABLE d1.flat;
UPDATE d1.flat SET street = 'c' WHERE id < 3;
ALTER TABLE flat MODIFY street VARCHAR(1), RENAME home;
SELECT COUNT(*) FROM d1.flat;
SELECT COUNT(*) FROM d1.home;
CREATE TABLE d1.home (a INT);
ALTER TABLE d1.flat ADD floor INT, RENAME TO d1.home;
ALTER TABLE d1.flat ADD floor INT, RENAME TO d1.flat;
ALTER TABLE d1.flat ADD cellar INT, RENAME TO nowhere.flat;
-- changes: d1.flat
INSERT INTO d1.flat VALUES (7, 'x', 1, 2);
ALTER TABLE d1.flat COMMENT 'x', RENAME TO d1.room, MODIFY id INT AUTO_INCREMENT;
-- changes: d1.room
INSERT INTO d1.room (street) VALUES ('n');
-- refused
ALTER TABLE d1.room ADD n INT, RENAME TO d2.room;
