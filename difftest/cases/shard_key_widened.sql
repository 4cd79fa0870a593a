-- Columns of a shard key may become wider where the rows are; a table without rows is placed by what its key is by then.
CREATE TABLE d1.wide (id INT NOT NULL, code VARCHAR(4) NOT NULL, v INT, PRIMARY KEY (id, code));
INSERT INTO d1.wide VALUES (-3, 'a', 1), (2, 'É', 2), (3, 'b', 3), (40, 'c', 4), (2147483647, 'd', 5);
ALTER TABLE d1.wide MODIFY id BIGINT NOT NULL, MODIFY code VARCHAR(40) NOT NULL;
INSERT INTO d1.wide VALUES (5000000000, 'longer than four', 6);
SELECT v FROM d1.wide WHERE id = -3 AND code = 'A';
SELECT v FROM d1.wide WHERE id = 2 AND code = 'é';
SELECT v FROM d1.wide WHERE id = 5000000000 AND code = 'LONGER than four';
-- changes: d1.wide
UPDATE d1.wide SET v = v + 10 WHERE id = 2147483647 AND code = 'd';
INSERT INTO d1.wide VALUES (2, 'e', 9);
CREATE TABLE d1.small (id SMALLINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, v INT);
INSERT INTO d1.small VALUES (1, 1), (2, 2), (65000, 3);
ALTER TABLE d1.small MODIFY id INT AUTO_INCREMENT;
SELECT v FROM d1.small WHERE id = 65000;
CREATE TABLE d1.none (id INT PRIMARY KEY, v INT);
ALTER TABLE d1.none CHANGE id nr INT UNSIGNED NOT NULL;
-- changes: d1.none
INSERT INTO d1.none VALUES (4000000000, 1);
