-- A table of the current database is dealt out to the partitions of another database, where one of the same name is: its copy was not named by its own database.
-- bring
CREATE TABLE d1.seq (id BIGINT NOT NULL AUTO_INCREMENT, c INT NOT NULL DEFAULT 7, PRIMARY KEY (id));
INSERT INTO d1.seq (c) VALUES (1), (2), (7);
CREATE TABLE d2.seq (c INT NOT NULL, PRIMARY KEY (c));
CREATE TABLE d2.ver (id INT NOT NULL, PRIMARY KEY (id)) WITH SYSTEM VERSIONING;
INSERT INTO d2.ver VALUES (1), (2), (3);
-- order: c
SELECT c FROM d2.ver AS t1 JOIN seq t3 ON t1.id = t3.c ORDER BY c;
