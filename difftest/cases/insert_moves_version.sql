-- a row of a table with system versioning that ON DUPLICATE KEY UPDATE gives another shard key: refused, or it would stay where nobody looks for it
CREATE TABLE d2.ver (id INT NOT NULL, v INT, PRIMARY KEY (id)) WITH SYSTEM VERSIONING;
INSERT INTO d2.ver (id, v) VALUES (5, 0), (6, 5);
-- refused
INSERT INTO d2.ver (id, v) VALUES (5, 5) ON DUPLICATE KEY UPDATE id = id + 1;
SELECT id, v FROM d2.ver WHERE id = 6;
