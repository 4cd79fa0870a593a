-- A user variable has a geometry, not its bytes, at other leaves too.
CREATE TABLE d1.one (id INT PRIMARY KEY);
INSERT INTO d1.one VALUES (2);
SET @g = POINT(1, 1), @h = ST_GeomFromText('LINESTRING(0 0,3 4)', 7);
SELECT ST_AsText(GEOMETRYCOLLECTION(POINT(2, 2), @g)), ST_Length(@h), ST_SRID(@h) FROM d1.one;
PREPARE pair FROM 'SELECT ST_AsText(?), ST_SRID(?)';
EXECUTE pair USING @g, @h;
