-- What is told of tables' rows: that of all partitions.
>CREATE TABLE many (id INT AUTO_INCREMENT PRIMARY KEY, k INT, v INT, KEY k (k), KEY kv (k, v), UNIQUE KEY idv (id, v)) COMMENT 'many rows'
CREATE TABLE by_key (a INT, b INT, PRIMARY KEY (a, b), KEY b (b), SHARD KEY (a))
>CREATE TABLE `no key` (t VARCHAR(100), n INT, KEY n (n), FULLTEXT KEY t (t))
>CREATE TABLE parts (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (100), PARTITION high VALUES LESS THAN MAXVALUE)
CREATE TABLE none (id INT AUTO_INCREMENT PRIMARY KEY)
CREATE VIEW seen AS SELECT id FROM many
>+INSERT INTO many (k, v) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT i % 10, i FROM n
>+INSERT INTO by_key WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT i DIV 4, i FROM n
>+INSERT INTO `no key` WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT 'word', i % 10 FROM n
>+INSERT INTO parts WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT i, i FROM n
>^ANALYZE TABLE many, by_key, `no key`, parts, none
SELECT table_name, table_rows, engine, table_comment, row_format, checksum, max_data_length FROM information_schema.tables
 WHERE table_schema = 'eq_information_schema' AND table_name IN ('many', 'by_key', 'no key', 'parts', 'none', 'seen') ORDER BY table_name
SELECT TABLE_NAME, DATA_LENGTH > 0, INDEX_LENGTH > 0, DATA_FREE >= 0, AVG_ROW_LENGTH = DATA_LENGTH DIV TABLE_ROWS, CREATE_TIME BETWEEN NOW() - INTERVAL 1 HOUR AND NOW(),
 UPDATE_TIME BETWEEN CREATE_TIME AND NOW(), CHECK_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('many', 'by_key', 'no key') ORDER BY 1
SELECT t.TABLE_NAME, t.AUTO_INCREMENT > (SELECT MAX(id) FROM many) FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = 'eq_information_schema' AND t.AUTO_INCREMENT > 400 ORDER BY 1
SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE 'none' = TABLE_NAME AND TABLE_SCHEMA = SCHEMA()
SELECT TABLE_ROWS, AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME = 'seen'
SELECT table_schema, SUM(data_length + index_length) > 50000, SUM(table_rows) FROM information_schema.tables WHERE table_schema LIKE 'eq\_information\_schema'
 AND table_name IN ('many', 'by_key', 'no key', 'none') GROUP BY table_schema ORDER BY table_schema
SELECT SUM(t.TABLE_ROWS), COUNT(*) FROM information_schema.TABLES t JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
 WHERE t.TABLE_SCHEMA = 'eq_information_schema' AND t.TABLE_NAME = 'by_key'
SELECT s.SCHEMA_NAME, (SELECT SUM(TABLE_ROWS) FROM information_schema.TABLES WHERE TABLE_SCHEMA = s.SCHEMA_NAME AND TABLE_NAME LIKE '%k%y' AND TABLE_NAME NOT LIKE 'no%') AS n
 FROM information_schema.SCHEMATA s WHERE s.SCHEMA_NAME = 'eq_information_schema' ORDER BY 1
SELECT t.TABLE_NAME, p.PARTITION_NAME, p.TABLE_ROWS, t.TABLE_ROWS FROM information_schema.TABLES t LEFT JOIN information_schema.PARTITIONS p USING (TABLE_SCHEMA, TABLE_NAME)
 WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME IN ('parts', 'many') ORDER BY 1, 2
SELECT PARTITION_NAME, PARTITION_METHOD, PARTITION_DESCRIPTION, TABLE_ROWS, AVG_ROW_LENGTH > 0, DATA_LENGTH > 0 FROM information_schema.PARTITIONS
 WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME = 'parts' ORDER BY 1
SELECT INDEX_NAME, SEQ_IN_INDEX, CARDINALITY FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME IN ('many', 'by_key', 'no key')
 ORDER BY TABLE_NAME, 1, 2
SELECT TABLE_NAME FROM information_schema.STATISTICS x WHERE x.TABLE_SCHEMA = 'eq_information_schema' AND x.CARDINALITY > 300 GROUP BY 1 ORDER BY 1
~SHOW INDEX FROM many
~SHOW KEYS FROM by_key FROM eq_information_schema WHERE Key_name <> 'b'
~SHOW INDEXES IN `no key`
SHOW INDEX FROM seen
-- Columns are described as those of a plain server.
SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'eq_information_schema' LIMIT 0
SELECT *, t.TABLE_ROWS + 1 FROM information_schema.tables t WHERE TABLE_SCHEMA = 'eq_information_schema' LIMIT 0
SELECT * FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = 'eq_information_schema' LIMIT 0
SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'eq_information_schema' LIMIT 0
SELECT data_length, Update_Time AS u FROM information_schema.tables WHERE TABLE_SCHEMA = 'eq_information_schema' LIMIT 0
SHOW TABLE STATUS WHERE `Rows` > 1000000
SHOW TABLE STATUS LIKE 'nothing'
#SHOW TABLE STATUS FROM eq_information_schema LIKE 'ma%'
#SHOW TABLE STATUS LIKE 'no key'
#SHOW TABLE STATUS LIKE 'by\_key'
#SHOW TABLE STATUS LIKE 'MANY'
#SHOW TABLE STATUS WHERE `Rows` = 400 AND Name NOT LIKE 'p%' AND Data_length > 0 AND Auto_increment IS NULL
#SHOW TABLE STATUS WHERE Auto_increment > 400 AND Comment = 'many rows'
#SHOW TABLE STATUS FROM mysql LIKE 'user'
!SHOW TABLE STATUS WHERE nosuch = 1
SHOW TABLE STATUS LIKE 'x' LIMIT 1
INSERT INTO none SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME = 'by_key'
SELECT id FROM none ORDER BY id
TRUNCATE many
SELECT AUTO_INCREMENT, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME = 'many'
DROP VIEW seen
DROP TABLE many, by_key, `no key`, parts, none
