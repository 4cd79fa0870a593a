-- A comma behind an index hint is the join's, not the list of hints'.
CREATE TABLE d2.pair (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a, b));
INSERT INTO d2.pair (a, b) VALUES (2, 0), (3, 4);
CREATE REFERENCE TABLE d2.tag (id INT NOT NULL, PRIMARY KEY (id));
INSERT INTO d2.tag (id) VALUES (9);
SELECT * FROM d2.tag t1 IGNORE INDEX (PRIMARY), d2.pair t2;
SELECT * FROM d2.tag t1 USE INDEX () IGNORE INDEX FOR JOIN (PRIMARY), d2.pair t2 FORCE INDEX (PRIMARY) WHERE a > 2;
SELECT * FROM d2.tag t1 USE INDEX (), IGNORE INDEX (PRIMARY);
