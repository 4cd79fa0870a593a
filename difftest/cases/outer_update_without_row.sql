-- An UPDATE of the table that an outer join finds no row of, where the table has no key: there is nothing to change.
CREATE TABLE d1.lone (a INT, b INT);
CREATE TABLE d1.bare (a INT, b INT);
INSERT INTO d1.lone VALUES (1, 10), (2, 20);
-- changes: d1.bare
UPDATE d1.lone LEFT JOIN d1.bare ON lone.a = bare.a SET bare.b = 5;
INSERT INTO d1.bare VALUES (2, 1), (3, 1);
-- changes: d1.bare
UPDATE d1.lone LEFT JOIN d1.bare ON lone.a = bare.a SET bare.b = 6;
INSERT INTO d1.bare VALUES (NULL, NULL);
-- refused
-- changes: d1.bare
UPDATE d1.lone LEFT JOIN d1.bare ON lone.a = bare.a SET bare.b = 7;
