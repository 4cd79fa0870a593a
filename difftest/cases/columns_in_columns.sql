-- What a column's value becomes in a column of another type, where the row is written somewhere else: an ENUM's number in an INT, a FLOAT in a TEXT as it is printed.
CREATE TABLE d1.src (id INT, level ENUM('30','10','20'), tags SET('7','8','9'), bits BIT(10), rate FLOAT, y YEAR, pad INT(5) ZEROFILL, price DOUBLE(8,2), u UUID);
INSERT INTO src VALUES (1, '30', '7,9', 65, 1.1, 1999, 7, 1.5, '123e4567-e89b-12d3-a456-426655440000'), (2, '10', '', 2, 16777217.3, 0, 12, 2, NULL), (3, NULL, '8', 300, NULL, 2024, 0, NULL, '023e4567-e89b-12d3-a456-426655440000');
CREATE TABLE d1.numbers (id INT PRIMARY KEY, lev INT, tag DECIMAL(8,2), bit0 BIGINT, year0 INT);
INSERT INTO numbers SELECT id, level, tags, bits, y FROM src;
SELECT * FROM numbers ORDER BY id;
INSERT INTO numbers (id, lev) SELECT DISTINCT id + 10, level FROM src;
SELECT * FROM numbers ORDER BY id;
CREATE TABLE d1.texts (id INT PRIMARY KEY, level TEXT, bits VARCHAR(9), rate TEXT, y BLOB, pad BLOB, price TEXT, u VARBINARY(40));
INSERT INTO texts SELECT id, level, bits, rate, y, pad, price, u FROM src;
SELECT id, level, HEX(bits), rate, y, pad, price, HEX(u) FROM texts ORDER BY id;
UPDATE numbers n JOIN src s ON n.id = s.id SET n.lev = s.tags, n.bit0 = s.level, n.year0 = s.y;
SELECT * FROM numbers ORDER BY id;
-- refused
INSERT INTO numbers (id, lev) SELECT s.id + 20, d.level FROM src s, (SELECT MAX(level) AS level FROM src GROUP BY id LIMIT 1) d;
-- An ENUM's value that is none of its members stays that, beside a member ''.
SET sql_mode = '';
CREATE TABLE d1.odd (id INT, e ENUM('a','','b'), s SET('p','','q'));
INSERT INTO odd VALUES (1, 'a', 1), (2, '', 2), (3, 'none', 3), (4, 0, 0);
CREATE TABLE d1.odder SELECT * FROM odd;
SELECT id, e + 0 FROM odder ORDER BY id;
INSERT INTO odder SELECT id + 10, e, 0 FROM odd;
SELECT id, e + 0 FROM odder ORDER BY id;
SELECT id, s + 0, DENSE_RANK() OVER (ORDER BY s + 0) AS place FROM odd ORDER BY id;
SELECT id, DENSE_RANK() OVER (ORDER BY s) AS place FROM odd ORDER BY id;
CREATE TABLE d1.moved (id INT PRIMARY KEY, e ENUM('a','','b'), s SET('p','','q'));
INSERT IGNORE INTO moved VALUES (1, 'a', 1), (2, '', 2), (3, 0, 3), (4, 0, 0);
UPDATE moved SET id = id + 100;
SELECT id, e + 0, s + 0 FROM moved ORDER BY id;
