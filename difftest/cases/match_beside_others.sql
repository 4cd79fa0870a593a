-- Tables that MATCH looks into stay where their FULLTEXT indexes are: the others are brought to them. What looks for words of all rows is refused.
CREATE TABLE d1.acc (id INT NOT NULL, title VARCHAR(100), body TEXT, grp INT, PRIMARY KEY (id), FULLTEXT KEY (title, body)) CHARACTER SET utf8mb4;
CREATE TABLE d1.grp (id INT NOT NULL, name VARCHAR(40), PRIMARY KEY (id), FULLTEXT KEY (name)) CHARACTER SET utf8mb4;
INSERT INTO acc VALUES (1, 'MySQL Tutorial', 'DBMS stands for DataBase', 1), (2, 'How To Use It', 'went through a tutorial', 1), (3, 'Optimizing', 'in this tutorial we show', 2), (4, 'Tricks', 'never run as root', 2), (5, NULL, NULL, 3);
INSERT INTO grp VALUES (1, 'Ada Lovelace'), (2, 'Grace Hopper'), (3, 'Ada Byron');
-- order: id
SELECT d.id, g.name FROM acc d JOIN grp g ON g.id = d.grp WHERE MATCH(d.title, d.body) AGAINST('tutorial' IN BOOLEAN MODE) ORDER BY d.id;
-- order: id
SELECT d.id, g.name FROM acc d JOIN grp g ON g.id = d.grp WHERE MATCH(name) AGAINST('+ada' IN BOOLEAN MODE) ORDER BY d.id;
-- order: name
SELECT g.name, COUNT(*) FROM acc d JOIN grp g ON g.id = d.grp WHERE MATCH(d.`title`, d.body) AGAINST('tut*' IN BOOLEAN MODE) GROUP BY g.name ORDER BY g.name;
-- refused
SELECT id FROM acc WHERE MATCH(title, body) AGAINST('tutorial' WITH QUERY EXPANSION);
-- order: id
SELECT id FROM acc WHERE MATCH(title, body) AGAINST('tutorial' IN NATURAL LANGUAGE MODE) ORDER BY id;
