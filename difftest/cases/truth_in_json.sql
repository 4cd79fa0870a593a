-- JSON of MIN or MAX of a comparison over several partitions has true and false, not 1 and 0.
CREATE TABLE d1.tru (a INT NOT NULL, g INT, PRIMARY KEY (a));
INSERT INTO d1.tru VALUES (1, 1), (2, 1), (3, 2), (4, 2), (5, 2);
SELECT JSON_OBJECT('x', MAX(a = 4), 'n', MAX(a)), JSON_ARRAY(MIN(a > 1), MAX(a IS NULL)) FROM tru;
SELECT JSON_ARRAY(MAX(a = 3), COUNT(DISTINCT g)) FROM tru;
SELECT JSON_ARRAY(MAX(b)), COUNT(*) FROM (SELECT a = 3 AS b FROM tru) AS d;
-- order: g
SELECT g, JSON_ARRAY(MAX(a = 5)) FROM tru GROUP BY g HAVING MAX(a = 5) IS NOT NULL ORDER BY g;
