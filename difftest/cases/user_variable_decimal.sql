-- A user variable stays a DECIMAL at other leaves, also when its value has no digits behind the point.
CREATE TABLE d2.usr (k VARCHAR(20), PRIMARY KEY (k));
INSERT INTO d2.usr VALUES ('a');
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, price DECIMAL(10,3), PRIMARY KEY (id, acc), SHARD KEY (acc));
SELECT IFNULL(MAX(price), 0) INTO @v0 FROM d1.ord WHERE id = 1 AND acc = 18;
SELECT @v0 AS c3 FROM d2.usr AS t1;
SET @v2 = 0.000, @v3 = 0., @v4 = -7., @v5 = 18446744073709551615;
SELECT @v2, @v3, @v4, @v5 FROM d2.usr;
SELECT CAST(2 AS DECIMAL(5,0)), CAST(7 AS UNSIGNED), CAST(-3 AS DECIMAL) INTO @v7, @v8, @v9;
SELECT @v7, @v8, @v9, @v9 / 2 FROM d2.usr;
