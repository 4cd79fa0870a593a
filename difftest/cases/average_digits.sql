-- MariaDB reckons with more digits of AVG and of a quotient than it prints.
CREATE TABLE d1.acc (id SMALLINT NOT NULL, a INT, d DECIMAL(10,2), PRIMARY KEY (id));
INSERT INTO d1.acc VALUES (1,1,1.5),(2,2,2.5),(3,4,3),(4,5,0.01),(5,7,7),(6,7,7.77),(7,8,8);
SELECT AVG(1/3) FROM d1.acc;
SELECT SUM(a/3) FROM d1.acc;
SELECT SUM(a)/3*3 FROM d1.acc;
SELECT AVG(a)*3 FROM d1.acc;
SELECT AVG(a)*7, AVG(d)*7, AVG(d)*AVG(a) FROM d1.acc;
SELECT MAX(a/7)*7, MIN(a/7)*3 FROM d1.acc;
SELECT SUM(q) FROM (SELECT a/7 AS q FROM d1.acc) x;
SELECT id % 2 AS g, SUM(a/7), AVG(d/7) FROM d1.acc GROUP BY g;
SELECT id % 2 AS g FROM d1.acc GROUP BY g HAVING AVG(a)*3 = SUM(a)*3/COUNT(a);
SELECT SUM(DISTINCT a/7), AVG(DISTINCT a/7) FROM d1.acc;
SELECT a/7 AS q, COUNT(*) FROM d1.acc GROUP BY q ORDER BY q;
SELECT SUM(a*d), AVG(a*d) FROM d1.acc;
SELECT ROUND(AVG(a), 6), CAST(AVG(a) AS DECIMAL(20,10)), AVG(a) + 0.0000000001 FROM d1.acc;
SELECT id % 2 AS g, AVG(a) AS m FROM d1.acc GROUP BY g ORDER BY AVG(a) * 3;
-- A DOUBLE of so many decimals gives them to what is computed of it.
CREATE TABLE d1.fixed (id INT PRIMARY KEY, g INT, p DOUBLE(11,2), f FLOAT(7,1), w DOUBLE(9,0));
INSERT INTO d1.fixed VALUES (1,1,10,1.1,7),(2,1,20,1.2,8),(3,2,5,1.4,NULL),(4,2,7.25,2,NULL);
SELECT SUM(p)/3, SUM(p)/COUNT(p), SUM(p)+1, MIN(p)/2, MAX(p)*2, ROUND(SUM(p)/3,1), SUM(w)/3, AVG(w)+1, CONCAT(SUM(p)) FROM d1.fixed;
SELECT g, SUM(p)/3 AS q, SUM(w)/3, COALESCE(SUM(w), 1)/3 FROM d1.fixed GROUP BY g HAVING MAX(p) > 7 ORDER BY q;
SELECT g, MAX(f)+1, SUM(f)/2, AVG(f)*2 FROM d1.fixed GROUP BY g HAVING MAX(f) = 2 OR SUM(f) > 2;
-- Strings and times are numbers in SUM and AVG, also DISTINCT ones.
CREATE TABLE d1.texts (id INT PRIMARY KEY, s VARCHAR(20), d DATE, b VARBINARY(10), m TIME, n INT);
INSERT INTO d1.texts VALUES (1,'12','2020-01-01','3','10:00:00',1),(2,'12','2020-01-02','3','10:00:00',2),(3,'7','2020-01-02','4','10:00:01',2);
SELECT SUM(DISTINCT s), AVG(DISTINCT s), SUM(DISTINCT LEFT(s, 1)), SUM(DISTINCT b) FROM d1.texts;
SELECT SUM(DISTINCT d), AVG(DISTINCT d), SUM(DISTINCT m), SUM(DISTINCT d + INTERVAL 1 DAY) FROM d1.texts;
SELECT n, SUM(DISTINCT IF(n = 1, s, '5')), COUNT(DISTINCT s), SUM(DISTINCT LENGTH(s)) FROM d1.texts GROUP BY n;
