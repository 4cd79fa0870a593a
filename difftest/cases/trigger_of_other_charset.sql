-- A trigger that is refused for its text leaves nothing behind: other definitions go on.
CREATE TABLE d1.acc (id INT PRIMARY KEY, t VARCHAR(20));
SET NAMES latin1;
-- refused
CREATE TRIGGER d1.acc_bi BEFORE INSERT ON d1.acc FOR EACH ROW SET NEW.t = 'é';
SET NAMES utf8mb4;
CREATE TRIGGER d1.acc_bi BEFORE INSERT ON d1.acc FOR EACH ROW SET NEW.t = 'é';
-- changes: d1.acc
INSERT INTO d1.acc VALUES (1, 'a');
SET NAMES latin1;
-- refused
CREATE OR REPLACE TRIGGER d1.acc_bi BEFORE INSERT ON d1.acc FOR EACH ROW SET NEW.t = 'ö';
SET NAMES utf8mb4;
-- changes: d1.acc
INSERT INTO d1.acc VALUES (2, 'a');
DROP TRIGGER d1.acc_bi;
DROP TABLE d1.acc;
