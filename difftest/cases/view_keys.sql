-- updatable_views_with_limit, and what MariaDB says of a column without a default that a view's INSERT gives DEFAULT.
CREATE TABLE d1.wide (id INT PRIMARY KEY, b INT, c INT NOT NULL, UNIQUE (id, c));
INSERT INTO wide VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
CREATE TABLE d1.bare (a INT, b INT);
INSERT INTO bare VALUES (1, 1), (2, 2);
CREATE VIEW d1.few AS SELECT b FROM d1.wide;
CREATE VIEW d1.keyed AS SELECT id AS k, b FROM d1.wide;
CREATE VIEW d1.over AS SELECT b FROM d1.keyed;
CREATE VIEW d1.all_of AS SELECT b, a FROM d1.bare;
SET updatable_views_with_limit = NO;
UPDATE few SET b = 9 ORDER BY b LIMIT 1;
UPDATE few AS f SET b = 9 LIMIT 1;
UPDATE over SET b = 9 LIMIT 1;
DELETE FROM few LIMIT 1;
-- changes: d1.wide
UPDATE few SET b = 9 WHERE b = 1;
-- changes: d1.wide
UPDATE keyed SET b = 8 ORDER BY k LIMIT 1;
-- changes: d1.bare
UPDATE all_of SET a = 8 ORDER BY a LIMIT 1;
SET updatable_views_with_limit = DEFAULT;
-- changes: d1.wide
UPDATE keyed SET b = 7 ORDER BY k LIMIT 1;
INSERT INTO keyed VALUES (DEFAULT, 1);
INSERT INTO keyed SET k = DEFAULT, b = 1;
INSERT INTO keyed (b) VALUES (1);
REPLACE INTO keyed (k) VALUES (9);
