-- A position in GROUP BY that is no column's is an error, whatever columns parts have more.
CREATE TABLE d2.usr (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_hungarian_ai_ci NOT NULL, PRIMARY KEY (k));
INSERT INTO d2.usr VALUES ('a'), ('b');
SELECT k AS c4, 'a' AS c5, 1 AS c6 FROM d2.usr t2 GROUP BY c4, 4 ORDER BY c6 DESC, c5, c4;
SELECT k AS c4, COUNT(*) AS c5 FROM d2.usr t2 GROUP BY c4, 3 ORDER BY c5, c4;
SELECT UPPER(k) AS c4, COUNT(*) AS c5 FROM d2.usr t2 GROUP BY c4, 3;
