-- What a query makes a table of is repeated at each partition, whatever sql_mode makes of its text.
SET sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,EMPTY_STRING_IS_NULL,ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
CREATE TABLE d1.mix (k DATE NOT NULL, u INT, PRIMARY KEY (k));
INSERT INTO d1.mix VALUES ('2020-01-01', 1), ('2020-01-02', 2);
CREATE OR REPLACE TABLE d1.made AS SELECT NULL AS c1, 'a' AS c2, 'a\b"' AS c3 FROM d1.mix t2 EXCEPT VALUES ('2020-06-15', 'Foo', '%p');
SELECT * FROM d1.made;
