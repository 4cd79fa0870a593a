-- Expressions of UUID, INET6, geometries and FLOAT, whose text shows neither their order nor, of FLOAT, which are equal.
CREATE TABLE d1.mix (k VARBINARY(8) NOT NULL, u INET6, g INT, f FLOAT, PRIMARY KEY (k));
INSERT INTO d1.mix VALUES ('A1', '2001:db8::ff00:42:8329', 1,16777217), ('ab', '::1', 1,1.0000001), ('c','::2',2,1.0000002),('d','1::2',2,1.0000003),('e','2::',3,16777219), ('f',NULL,3,16777221),('g','10::1',3,1.0000001);
-- order: g
SELECT g, MIN(IF(g<=>g,u,u)) c, MAX(COALESCE(u,u)) d FROM d1.mix GROUP BY g ORDER BY g;
SELECT MIN(IF(g<=>g,u,u)) c, MAX(COALESCE(u,u)) d FROM d1.mix;
-- order: c
SELECT COALESCE(u,u) c, COUNT(*) n FROM d1.mix GROUP BY c ORDER BY c;
-- order: x
SELECT x FROM (SELECT COALESCE(u,u) x FROM d1.mix) d ORDER BY x DESC LIMIT 3;
SELECT MAX(x) FROM (SELECT COALESCE(u,u) x FROM d1.mix) d;
-- order: x
SELECT CASE WHEN g=1 THEN u ELSE u END x FROM d1.mix ORDER BY 1;
-- order: x
SELECT DISTINCT NVL(u,u) x FROM d1.mix ORDER BY 1;
SELECT COUNT(*) n, COALESCE(f,f) x FROM d1.mix GROUP BY x;
SELECT COUNT(DISTINCT COALESCE(f,f)) a, COUNT(DISTINCT COALESCE(u,u)) b FROM d1.mix;
-- order: x
SELECT CAST(k AS CHAR(3)) x FROM d1.mix ORDER BY CAST(CONCAT(ASCII(k)%7, '::') AS INET6), 1;
-- order: p
SELECT COUNT(*) n, Point(g,1) p FROM d1.mix GROUP BY p ORDER BY p;
SELECT MAX(ST_GeomFromText(CONCAT('POINT(', g, ' 1)'))) m FROM d1.mix;
