-- bring
CREATE REFERENCE TABLE d1.item (id INT NOT NULL, label VARCHAR(20), w DECIMAL(6,2), PRIMARY KEY (id));
INSERT INTO d1.item VALUES (0, 'abc', 10.99), (1, '%p', -0.50), (2, 'a_b', 100.10), (3, '', 7.00);
CREATE TEMPORARY TABLE d1.tmp (tk INT, ts VARCHAR(9));
-- order: c7
SELECT DENSE_RANK() OVER (ORDER BY t3.tk) AS c7 FROM (SELECT label c2 FROM d1.item WHERE label >= label) AS t1 LEFT OUTER JOIN d1.tmp t3 ON t1.c2 = t3.ts ORDER BY c7 LIMIT 2, 8;
SELECT FOUND_ROWS();
-- prepared
-- order: c7
SELECT DENSE_RANK() OVER (ORDER BY t3.tk) AS c7 FROM (SELECT label c2 FROM d1.item WHERE label >= label) AS t1 LEFT OUTER JOIN d1.tmp t3 ON t1.c2 = t3.ts ORDER BY c7 LIMIT 2, 8;
SELECT FOUND_ROWS();
-- prepared
SELECT id FROM d1.item ORDER BY id LIMIT 2, 8;
SELECT FOUND_ROWS();
