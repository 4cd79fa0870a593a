-- In modes that are not strict a row of several takes NULL for a NOT NULL column, though it is alone at its partition, and has DEFAULT.
SET sql_mode = '';
CREATE TABLE d1.dn (id INT PRIMARY KEY, a INT NOT NULL, b INT DEFAULT 7, c VARCHAR(10) NOT NULL DEFAULT 'cc', d INT NOT NULL, f INT DEFAULT (a + 1));
-- changes: d1.dn
INSERT INTO d1.dn VALUES (1, NULL, DEFAULT, DEFAULT, DEFAULT, DEFAULT), (2, 2, 2, '2', 2, 2), (3, NULL, 3, DEFAULT, 3, 3), (4, NULL, DEFAULT, '4', 4, 4);
-- changes: d1.dn
INSERT INTO dn (b, a, id, c) VALUES (DEFAULT, NULL, 11, DEFAULT), (DEFAULT, 2, 12, '2'), (3, NULL, 13, DEFAULT), (DEFAULT, NULL, 14, '4');
-- changes: d1.dn
REPLACE d1.dn (id, a, d, f) VALUES (11, NULL, DEFAULT, NULL), (12, NULL, 2, DEFAULT), (13, NULL, DEFAULT, DEFAULT);
-- changes: d1.dn
INSERT INTO d1.dn (id, a, c, b) VALUES (1, NULL, DEFAULT, 8), (2, NULL, '2', DEFAULT), (3, NULL, DEFAULT, DEFAULT) ON DUPLICATE KEY UPDATE b = VALUES(b), f = VALUES(a);
-- changes: d1.dn
-- prepared
INSERT INTO d1.dn (id, b, a, c) VALUES (21, DEFAULT, NULL, 'x'), (22, DEFAULT, NULL, 'y'), (23, 5, NULL, DEFAULT);
-- changes: d1.dn
INSERT INTO d1.dn (id, a, b) VALUES (31, NULL, DEFAULT);
CREATE TABLE d1.da (k INT NOT NULL, id INT AUTO_INCREMENT, b INT DEFAULT 7, g INT AS (b + 1), PRIMARY KEY (k, id), KEY (id));
INSERT INTO d1.da (k, b) VALUES (1, DEFAULT), (NULL, DEFAULT), (3, DEFAULT), (4, 9);
SELECT k, b, g FROM d1.da;
INSERT INTO d1.da (b, id, k) VALUES (DEFAULT, DEFAULT, 11), (DEFAULT, DEFAULT, NULL), (DEFAULT, NULL, 13), (9, DEFAULT, 14);
INSERT INTO d1.da VALUES (21, DEFAULT, DEFAULT, DEFAULT), (22, NULL, DEFAULT, DEFAULT), (23, DEFAULT, 1, DEFAULT);
SELECT k, b, g FROM d1.da;
