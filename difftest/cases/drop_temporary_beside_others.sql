-- DROP TABLE of temporary tables and others together: all go, and what is unknown is told.
CREATE TABLE d1.acc (id INT NOT NULL, val INT, PRIMARY KEY (id));
CREATE TABLE d1.seq (id INT NOT NULL, val INT, PRIMARY KEY (id));
CREATE TEMPORARY TABLE pad (id INT);
CREATE TEMPORARY TABLE seq (other INT);
INSERT INTO seq VALUES (7);
DROP TABLE acc, seq, d1.pad;
SELECT * FROM acc;
SELECT * FROM pad;
SELECT * FROM seq;
CREATE TEMPORARY TABLE pad (id INT);
DROP TABLE IF EXISTS none, pad, seq;
SHOW WARNINGS;
SELECT * FROM seq;
CREATE TEMPORARY TABLE pad (id INT);
DROP TABLE none, pad;
SELECT * FROM pad;
