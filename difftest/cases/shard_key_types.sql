-- Not all types may be shard keys: that is said when the table is made, not when it is written to.
-- refused
CREATE TABLE d1.a (k VARCHAR(20) CHARACTER SET latin2 COLLATE latin2_czech_cs PRIMARY KEY, SHARD KEY (k));
-- refused
CREATE TABLE d1.b (k TIMESTAMP PRIMARY KEY, SHARD KEY (k));
-- refused
CREATE TABLE d1.c (k FLOAT PRIMARY KEY, SHARD KEY (k));
CREATE TABLE d1.d (k VARCHAR(20) CHARACTER SET latin2 COLLATE latin2_general_ci PRIMARY KEY);
INSERT INTO d1.d VALUES ('a'), ('b');
SELECT * FROM d1.d;
