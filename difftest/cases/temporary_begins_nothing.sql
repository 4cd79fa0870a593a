-- CREATE TEMPORARY TABLE begins no transaction.
SET autocommit = 0;
SET sql_mode = '';
SET time_zone = '+05:30';
USE d2;
CREATE TEMPORARY TABLE d1.tmp (tk INT NOT NULL, tn INT, ts VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, td DATE, PRIMARY KEY (tk));
INSERT INTO d1.tmp (tk) VALUES (1);
SELECT tk FROM d1.tmp;
ROLLBACK;
SELECT tk FROM d1.tmp;
CREATE TEMPORARY TABLE d1.tmp2 (a INT);
DROP TEMPORARY TABLE d1.tmp2;
COMMIT;
