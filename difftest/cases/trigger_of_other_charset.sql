-- A trigger that is made in another character set than UTF-8 is kept in UTF-8, and does what its text says.
CREATE TABLE d1.acc (id INT PRIMARY KEY, t VARCHAR(20));
SET NAMES latin1;
CREATE TRIGGER d1.acc_bi BEFORE INSERT ON d1.acc FOR EACH ROW SET NEW.t = 'é';
-- changes: d1.acc
INSERT INTO d1.acc VALUES (1, 'a');
SET NAMES utf8mb4;
-- changes: d1.acc
INSERT INTO d1.acc VALUES (2, 'a');
SET NAMES latin1;
-- refused
CREATE OR REPLACE TRIGGER d1.acc_bi BEFORE INSERT ON d1.acc FOR EACH ROW SET NEW.t = _latin1'é' 'ö';
CREATE OR REPLACE TRIGGER d1.acc_bi BEFORE INSERT ON d1.acc FOR EACH ROW SET NEW.t = _latin1'ö';
-- changes: d1.acc
INSERT INTO d1.acc VALUES (3, 'a');
SET NAMES utf8mb4;
DROP TRIGGER d1.acc_bi;
DROP TABLE d1.acc;
