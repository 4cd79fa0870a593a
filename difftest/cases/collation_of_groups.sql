-- bring
-- A computed string gives way to a column where MariaDB chooses the collation of a set operation, or of IN: groups that partitions find must not stand there as columns.
CREATE TABLE d1.docs (id SMALLINT NOT NULL, grp INT, js JSON, PRIMARY KEY (id));
CREATE TABLE d1.days (id INT NOT NULL, acc INT NOT NULL, day DATE, PRIMARY KEY (id, acc), KEY (acc, day), SHARD KEY (acc));
SELECT JSON_NORMALIZE(t1.js) AS c2 FROM d1.docs t1 EXCEPT SELECT DISTINCTROW '{"a": "x"}' AS c10 FROM d1.days t5;
INSERT INTO d1.docs VALUES (1, 2, '{"a": "x"}'), (2, 2, '"X"'), (3, 2, '"x"'), (4, 3, NULL);
INSERT INTO d1.days VALUES (1, 2, '2024-01-01'), (2, 2, '2024-01-01'), (3, 5, '2024-02-01');
SELECT JSON_NORMALIZE(t1.js) AS c2 FROM d1.docs t1 UNION SELECT CONCAT(acc) FROM d1.days t5 GROUP BY day ORDER BY HEX(c2);
SELECT JSON_NORMALIZE(t1.js) AS c2 FROM d1.docs t1 UNION SELECT IF(acc = 2, '"X"', '"x"') FROM d1.days t5 GROUP BY acc ORDER BY HEX(c2);
SELECT id FROM d1.docs WHERE js IN (SELECT IF(acc = 2, '"x"', 'b') FROM d1.days GROUP BY acc) ORDER BY id;
SELECT acc, COUNT(*) c, MIN(day) FROM d1.days GROUP BY acc UNION ALL SELECT grp, COUNT(*), NULL FROM d1.docs GROUP BY grp ORDER BY acc, c;
