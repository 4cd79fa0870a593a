-- An aggregate in a subquery whose table has columns that nobody knows may be the outer query's.
CREATE TABLE d1.seq (id BIGINT NOT NULL AUTO_INCREMENT, c INT NOT NULL DEFAULT 7, PRIMARY KEY (id));
INSERT INTO d1.seq (c) VALUES (1),(2),(3),(4),(5),(6);
SELECT (SELECT MAX(c) AS c2 FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (jo FOR ORDINALITY)) t2) c3 FROM d1.seq t1;
SELECT (SELECT GROUP_CONCAT(c ORDER BY c) FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (jo FOR ORDINALITY)) t2) c3 FROM d1.seq t1;
SELECT id FROM d1.seq t1 HAVING (SELECT MAX(c) FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (jo FOR ORDINALITY)) t2) > 0;
