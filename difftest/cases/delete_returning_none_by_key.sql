-- A query that finds no row, ahead of a write by key: RETURNING has its columns all the same.
CREATE TABLE d1.none (n DECIMAL(8,2));
CREATE TABLE d2.usr (k VARCHAR(20) NOT NULL, n INT, PRIMARY KEY (k));
CREATE TABLE d2.dated (k DATE NOT NULL, t TIME NOT NULL, n INT, PRIMARY KEY (k, t));
CREATE TABLE d2.netted (k INET6 NOT NULL, u UUID NOT NULL, n INT, PRIMARY KEY (k, u), SHARD KEY (u));
INSERT INTO d2.usr VALUES ('', 1), ('b', 2);
INSERT INTO d2.dated VALUES ('2000-01-01', '00:00:00', 1);
INSERT INTO d2.netted VALUES ('::', '00000000-0000-0000-0000-000000000000', 1);
-- changes: d2.usr
DELETE FROM d2.usr WHERE n = (SELECT 1 AS c1 FROM d1.none t1) RETURNING *;
-- changes: d2.dated
DELETE FROM d2.dated WHERE n = (SELECT 1 AS c1 FROM d1.none t1) RETURNING *;
-- changes: d2.netted
DELETE FROM d2.netted WHERE n = (SELECT 1 AS c1 FROM d1.none t1) RETURNING *;
