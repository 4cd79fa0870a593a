-- An aggregate in a subquery whose table has columns that nobody knows may be the outer query's.
CREATE TABLE d1.seq (id BIGINT NOT NULL AUTO_INCREMENT, c INT NOT NULL DEFAULT 7, PRIMARY KEY (id));
INSERT INTO d1.seq (c) VALUES (1),(2),(3),(4),(5),(6);
SELECT (SELECT MAX(c) AS c2 FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (jo FOR ORDINALITY)) t2) c3 FROM d1.seq t1;
SELECT (SELECT GROUP_CONCAT(c ORDER BY c) FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (jo FOR ORDINALITY)) t2) c3 FROM d1.seq t1;
SELECT id FROM d1.seq t1 HAVING (SELECT MAX(c) FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (jo FOR ORDINALITY)) t2) > 0;
-- A strict INSERT … SELECT warns of what JSON_TABLE could not keep as it was.
CREATE TABLE d1.kept (id INT AUTO_INCREMENT PRIMARY KEY, t VARCHAR(5), n TINYINT);
-- changes: d1.kept
INSERT INTO d1.kept SELECT j.* FROM JSON_TABLE('[{"t": "long text", "n": 3}, {"t": "b", "n": 400}]', '$[*]' COLUMNS (id FOR ORDINALITY, t VARCHAR(5) PATH '$.t', n TINYINT PATH '$.n')) j;
INSERT INTO d1.kept SELECT j.id, j.t, CAST(j.n AS INT) FROM JSON_TABLE('[{"t": "x", "n": "none"}]', '$[*]' COLUMNS (id FOR ORDINALITY, t VARCHAR(5) PATH '$.t', n VARCHAR(9) PATH '$.n')) j;
-- changes: d1.taken
CREATE TABLE d1.taken AS SELECT j.* FROM JSON_TABLE('["nine", 9]', '$[*]' COLUMNS (n INT PATH '$')) j;
