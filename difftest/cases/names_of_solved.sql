-- A subquery whose value is found first stays in the name of the column that it is in, which has no more than 255 bytes.
CREATE TABLE d1.mix (k VARBINARY(8) NOT NULL, g INT, PRIMARY KEY (k));
INSERT INTO d1.mix VALUES ('A1', 1), ('b', 3), ('c', 3);
SELECT (SELECT CONCAT('x') FROM d1.mix m WHERE m.g = (SELECT MAX(g) FROM d1.mix) LIMIT 1), (SELECT MAX(g) FROM d1.mix) + 1 FROM d1.mix WHERE k = 'A1';
SELECT (SELECT CONCAT('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') FROM d1.mix m WHERE m.g = (SELECT MAX(g) FROM d1.mix) LIMIT 1) FROM d1.mix WHERE k = 'A1';
SELECT (SELECT MAX(m.g) FROM d1.mix m WHERE m.g = (SELECT MAX(g) FROM d1.mix)), 'éxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxéééééééééééééééééééééééééééééé' FROM d1.mix WHERE g > (SELECT MIN(g) FROM d1.mix);
SELECT (SELECT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' FROM d1.mix m WHERE k = 'A1' LIMIT 1) FROM d1.mix WHERE k = 'A1' FOR UPDATE;
