-- A client that does not write UTF-8 reads tables with names beyond ASCII; what it changes there would miss the shard key.
CREATE TABLE d1.nom (`é` INT NOT NULL, b VARCHAR(10), PRIMARY KEY (`é`));
INSERT INTO d1.nom VALUES (1, 'x'), (2, 'y');
SET NAMES latin1;
-- refused
UPDATE d1.nom SET `é` = 5 WHERE b = 'x';
-- refused
INSERT INTO d1.nom (`é`) VALUES (3);
-- refused
CREATE TABLE d1.`né` (id INT PRIMARY KEY);
SELECT b AS `é` FROM d1.nom WHERE b = 'é';
SET NAMES utf8mb4;
UPDATE d1.nom SET `é` = 5 WHERE b = 'x';
SELECT * FROM d1.nom WHERE `é` = 5;
