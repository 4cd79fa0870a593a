-- A column that becomes AUTO_INCREMENT goes on after the greatest value at all partitions; rows that MariaDB would number are numbered in one partition only.
CREATE TABLE d2.usr (id INT NOT NULL DEFAULT 0, n INT, PRIMARY KEY (id));
INSERT INTO d2.usr VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (9, 9);
-- changes: d2.usr
ALTER TABLE d2.usr MODIFY id INT NOT NULL AUTO_INCREMENT;
-- changes: d2.usr
INSERT INTO d2.usr (n) VALUES (10), (11);
SELECT LAST_INSERT_ID();
CREATE TABLE d2.grp (id INT NOT NULL, seq INT, n INT, PRIMARY KEY (id), KEY (seq), KEY (n), SHARD KEY (id));
INSERT INTO d2.grp VALUES (1, 7, 1), (2, 8, 2), (3, 9, 0), (4, 3, 4), (5, 2, NULL), (6, 1, 6);
ALTER TABLE d2.grp MODIFY seq INT NOT NULL AUTO_INCREMENT, AUTO_INCREMENT = 5;
-- changes: d2.grp
INSERT INTO d2.grp (id, n) VALUES (7, 7);
ALTER TABLE d2.grp CHANGE seq num BIGINT NOT NULL AUTO_INCREMENT;
-- changes: d2.grp
INSERT INTO d2.grp (id, n) VALUES (8, 8);
ALTER TABLE d2.grp MODIFY num BIGINT;
-- refused
ALTER TABLE d2.grp MODIFY n INT NOT NULL AUTO_INCREMENT;
-- refused
ALTER TABLE d2.grp ADD m INT NOT NULL AUTO_INCREMENT, ADD KEY (m);
DELETE FROM d2.grp WHERE n = 0 OR n IS NULL;
-- changes: d2.grp
ALTER TABLE d2.grp CHANGE n at INT NOT NULL AUTO_INCREMENT;
-- changes: d2.grp
INSERT INTO d2.grp (id) VALUES (9);
DELETE FROM d2.grp;
ALTER TABLE d2.grp MODIFY at INT;
ALTER TABLE d2.grp ADD m INT NOT NULL AUTO_INCREMENT, ADD KEY (m);
-- changes: d2.grp
INSERT INTO d2.grp (id) VALUES (1), (2);
