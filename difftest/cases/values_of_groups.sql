-- Expressions over groups that partitions answer by parts: a member of ENUM and SET is a number, too, a YEAR is compared with 20 as with 2020, ZEROFILL shows in strings, and ROUND to a column's digits prints as many as there were.
CREATE TABLE d1.lot (id INT NOT NULL, size ENUM('z','y','x'), tags SET('q','p'), made YEAR, no INT(5) ZEROFILL, digits INT NOT NULL, price DECIMAL(10,2), took VARCHAR(9), PRIMARY KEY (id));
INSERT INTO lot VALUES (1, 'z', 'q', 2020, 7, 1, 1.25, '10:00'), (2, 'x', 'p', 2021, 8, 2, 2.5, '1.5'), (3, NULL, NULL, NULL, NULL, 1, NULL, NULL), (4, 'y', 'q,p', 2020, 9, 2, 7.77, '10:00:01'), (5, 'y', '', 1999, 10, 3, 0.01, '2'), (6, 'z', 'p', 2005, 7, 1, 4.44, '7');
SELECT size, COUNT(*) FROM lot GROUP BY size HAVING size > 1;
SELECT size AS s, COUNT(*) FROM lot GROUP BY s HAVING s = 3 OR s IS NULL;
SELECT tags, COUNT(*) FROM lot GROUP BY tags HAVING tags & 2;
SELECT digits, MIN(size) + 0, MAX(tags) + COUNT(*) FROM lot GROUP BY digits;
SELECT size, COUNT(*) FROM lot GROUP BY size ORDER BY size * COUNT(*), size;
SELECT made, COUNT(*) FROM lot GROUP BY made HAVING made = 20;
SELECT made, COUNT(*) FROM lot GROUP BY made HAVING made > 5;
SELECT made, COUNT(*) FROM lot GROUP BY made HAVING COUNT(*) > 0 AND (made >= 2005) AND made <> 2021;
SELECT no, CONCAT(no, '-', COUNT(*)) FROM lot GROUP BY no;
SELECT no, COUNT(*) FROM lot GROUP BY no HAVING no LIKE '0000%';
SELECT digits, ROUND(SUM(price), digits), CONCAT(TRUNCATE(AVG(price), digits), '!'), ROUND(MAX(price), 1) FROM lot GROUP BY digits;
-- prepared
SELECT digits, ROUND(SUM(price), digits) FROM lot GROUP BY digits HAVING digits = 1;
SELECT digits, TIME(MIN(took)), STR_TO_DATE('10:11', IF(COUNT(*) > 1, '%H:%i', '%H')) FROM lot GROUP BY digits;
