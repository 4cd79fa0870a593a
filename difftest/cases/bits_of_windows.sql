-- A BIT that a window function gives is told as its bytes, that of other expressions as digits.
CREATE TABLE d1.word (id INT NOT NULL, lex VARCHAR(20), n INT, PRIMARY KEY (id));
CREATE TABLE d1.mix (k BIT(6) NOT NULL, bt BIT(8), n INT NOT NULL, PRIMARY KEY (k, n));
INSERT INTO d1.mix VALUES (5, 49, 6), (6, 50, 7), (7, NULL, 8);
-- changes: d1.word
REPLACE INTO d1.word (id, lex, n) SELECT 1 AS c1, 'a' AS c2, PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY t1.bt DESC) OVER () AS c3 FROM d1.mix AS t1;
-- changes: d1.word
REPLACE INTO d1.word (id, lex, n) SELECT n AS c1, 'a' AS c2, (LAG(bt) OVER (ORDER BY n)) AS c3 FROM d1.mix AS t1;
-- changes: d1.word
REPLACE INTO d1.word (id, lex, n) SELECT n+10 AS c1, 'a' AS c2, COALESCE(bt,k) AS c3 FROM d1.mix AS t1;
-- changes: d1.word
REPLACE INTO d1.word (id, lex, n) SELECT n+20 AS c1, FIRST_VALUE(bt) OVER (ORDER BY n) AS c2, MAX(bt) OVER () AS c3 FROM d1.mix AS t1;
-- changes: d1.word
REPLACE INTO d1.word (id, lex, n) SELECT 30 AS c1, 'b' AS c2, MAX(bt) AS c3 FROM d1.mix AS t1;
