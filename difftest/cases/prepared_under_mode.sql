-- A prepared statement is read as it was when it was prepared, and does the rest under the sql_mode of now.
CREATE TABLE d1.acc (id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(20), n INT);
PREPARE a FROM 'SELECT 2||3, "x", NOT 1 BETWEEN 0 AND 2';
PREPARE b FROM 'INSERT INTO d1.acc (s, n) VALUES (2||3, 1)';
PREPARE c FROM 'SELECT s||n, COUNT(*) FROM d1.acc GROUP BY s||n';
PREPARE d FROM 'UPDATE d1.acc SET s = n||7, n = "5"';
PREPARE e FROM 'SELECT ''a\\nb'', COUNT(*) FROM d1.acc WHERE s LIKE ''\\%''';
PREPARE f FROM 'SELECT COUNT(*) FROM d1.acc';
SET sql_mode = 'ANSI,HIGH_NOT_PRECEDENCE,NO_BACKSLASH_ESCAPES';
EXECUTE a;
-- changes: d1.acc
EXECUTE b;
EXECUTE c;
-- changes: d1.acc
EXECUTE d;
EXECUTE e;
EXECUTE f;
SELECT 2||3, @@sql_mode;
PREPARE a FROM 'SELECT 2||3 AS "x", NOT 1 BETWEEN 0 AND 2';
PREPARE c FROM 'SELECT s||n, "n", HEX(?) FROM d1.acc';
SET sql_mode = '';
EXECUTE a;
SET @q = 'it''s \\ "so"';
EXECUTE c USING @q;
SELECT 2||3, @@sql_mode;
PREPARE g FROM 'INSERT INTO d1.acc VALUES (0, "q" "r", 2)';
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ANSI_QUOTES';
-- changes: d1.acc
EXECUTE g;
SELECT @@sql_mode;
-- Its literals have the character set and the collation of then.
SET NAMES utf8mb4 COLLATE utf8mb4_bin;
PREPARE h FROM 'SELECT ''a'' = ''A'', COLLATION(''a''), HEX(''ä''), ''ä'', HEX(?), @v := ''b''';
PREPARE i FROM 'SELECT COUNT(*) FROM d1.acc WHERE ''ä'' <> ''Ä'' AND n = ?';
SET NAMES latin1;
SET @u = _utf8mb4 x'C3A4';
EXECUTE h USING @u;
SELECT COLLATION(@v), COLLATION('b'), @@character_set_client, @@collation_connection;
SET @u = 2;
BEGIN;
EXECUTE i USING @u;
SELECT 'a' = 'A', @@collation_connection;
EXECUTE i USING @u;
ROLLBACK;
SELECT 'a' = 'A', @@collation_connection;
