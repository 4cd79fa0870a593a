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
SELECT TABLE_NAME FROM information_schema.STATISTICS x WHERE x.TABLE_SCHEMA = 'eq_information_schema' AND x.TABLE_NAME IN ('many', 'by_key', 'no key', 'parts') AND x.CARDINALITY > 300 GROUP BY 1 ORDER BY 1
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
-- What tools ask when they connect and list things: the mariadb client's status, mariadb-dump, phpMyAdmin, HeidiSQL, DBeaver, MySQL Workbench, Connector/J, Prisma, Django, Rails, Laravel, Hibernate.
>CREATE REFERENCE TABLE people (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(60) NOT NULL UNIQUE, name VARCHAR(30) DEFAULT 'x' COMMENT 'called', born DATE NULL, cash DECIMAL(10,2) UNSIGNED NOT NULL DEFAULT 0, kind ENUM('a','b') DEFAULT 'a', doc JSON, flags BIT(3), at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, up VARCHAR(30) AS (UPPER(name)) VIRTUAL)
>CREATE REFERENCE TABLE pets (id INT PRIMARY KEY, owner INT, n INT UNSIGNED CHECK (n > 0), CONSTRAINT owned FOREIGN KEY (owner) REFERENCES people (id) ON DELETE CASCADE, KEY by_n (n DESC))
CREATE VIEW grown AS SELECT id, name FROM people WHERE born < '2000-01-01'
SELECT DATABASE(), USER() LIKE 'root@%' LIMIT 1
SELECT @@version_comment LIMIT 1
SELECT @@version, @@version_comment, @@character_set_server, @@collation_server, @@sql_mode, @@lower_case_table_names, @@max_allowed_packet, @@wait_timeout
SELECT VERSION(), CURRENT_USER(), CONNECTION_ID() > 0
SELECT @@max_allowed_packet, @@system_time_zone, @@time_zone, @@auto_increment_increment, @@transaction_isolation
SELECT @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS character_set_client, @@character_set_connection AS character_set_connection, @@character_set_results AS character_set_results,
 @@character_set_server AS character_set_server, @@collation_server AS collation_server, @@collation_connection AS collation_connection, @@init_connect AS init_connect, @@interactive_timeout AS interactive_timeout,
 @@license AS license, @@lower_case_table_names AS lower_case_table_names, @@net_write_timeout AS net_write_timeout, @@performance_schema AS performance_schema, @@sql_mode AS sql_mode, @@system_time_zone AS system_time_zone, @@time_zone AS time_zone
SHOW VARIABLES LIKE 'lower_case_%'
SHOW VARIABLES WHERE Variable_name IN ('character_set_client', 'sql_mode', 'version_compile_os', 'lower_case_table_names', 'tx_isolation')
SHOW SESSION VARIABLES LIKE 'sql_mode'
SHOW GLOBAL VARIABLES LIKE 'max_allowed_packet'
SHOW VARIABLES LIKE 'language'
SHOW SESSION STATUS LIKE 'Ssl_cipher'
SHOW STATUS LIKE 'wsrep_cluster_size'
SHOW CHARSET
SHOW COLLATION WHERE Charset = 'utf8mb4' AND `Default` = 'Yes'
SHOW ENGINES
SHOW STORAGE ENGINES
SHOW PLUGINS
SHOW PRIVILEGES
#SHOW GRANTS FOR CURRENT_USER()
SHOW DATABASES LIKE 'eq\_information\_schema'
SHOW CREATE DATABASE eq_information_schema
SHOW CREATE DATABASE IF NOT EXISTS eq_information_schema
SHOW CREATE SCHEMA `eq_information_schema`
SHOW FULL TABLES FROM `eq_information_schema` WHERE Table_type != 'VIEW'
SHOW FULL TABLES WHERE Table_type = 'VIEW'
SHOW FULL COLUMNS FROM `people`
SHOW FULL FIELDS FROM `pets` FROM `eq_information_schema`
SHOW COLUMNS FROM people WHERE Field = 'id'
#SHOW CREATE TABLE pets
#SHOW CREATE TABLE people
SHOW CREATE VIEW grown
SHOW INDEX FROM people WHERE Key_name = 'PRIMARY'
~SHOW KEYS FROM pets
SHOW TRIGGERS LIKE 'people'
SHOW TRIGGERS FROM eq_information_schema
SHOW EVENTS
SHOW EVENTS FROM eq_information_schema
SHOW PROCEDURE STATUS WHERE Db = 'eq_information_schema'
SHOW FUNCTION STATUS WHERE `Db` = 'eq_information_schema'
SHOW PACKAGE STATUS WHERE Db = 'eq_information_schema'
SHOW PACKAGE BODY STATUS WHERE Db = 'eq_information_schema'
SHOW MASTER STATUS LIMIT 0
SHOW TABLE TYPES
SHOW AUTHORS
SHOW CONTRIBUTORS
SHOW PROFILES
SHOW PROFILE
SHOW OPEN TABLES FROM eq_information_schema LIKE 'nosuch'
SHOW COUNT(*) ERRORS
SHOW LOCALES LIKE 'x'
SELECT COLUMN_NAME, JSON_EXTRACT(HISTOGRAM, '$."number-of-buckets-specified"') FROM information_schema.COLUMN_STATISTICS WHERE SCHEMA_NAME = 'eq_information_schema' AND TABLE_NAME = 'people'
SELECT LOGFILE_GROUP_NAME, FILE_NAME, TOTAL_EXTENTS, INITIAL_SIZE, ENGINE, EXTRA FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = 'UNDO LOG' AND FILE_NAME IS NOT NULL AND LOGFILE_GROUP_NAME IN (SELECT DISTINCT LOGFILE_GROUP_NAME FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = 'DATAFILE' AND TABLESPACE_NAME IN (SELECT DISTINCT TABLESPACE_NAME FROM INFORMATION_SCHEMA.PARTITIONS WHERE TABLE_SCHEMA IN ('eq_information_schema'))) GROUP BY LOGFILE_GROUP_NAME, FILE_NAME, ENGINE, TOTAL_EXTENTS, INITIAL_SIZE ORDER BY LOGFILE_GROUP_NAME
SELECT DISTINCT TABLESPACE_NAME, FILE_NAME, LOGFILE_GROUP_NAME, EXTENT_SIZE, INITIAL_SIZE, ENGINE FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = 'DATAFILE' ORDER BY TABLESPACE_NAME, LOGFILE_GROUP_NAME
SET SQL_QUOTE_SHOW_CREATE = 1
SET SQL_QUOTE_SHOW_CREATE = 1 /*!40102 ,SQL_MODE = concat(@@sql_mode, _utf8 ',NO_KEY_OPTIONS,NO_TABLE_OPTIONS,NO_FIELD_OPTIONS') */
SET SESSION character_set_results = 'binary'
>#SHOW CREATE TABLE `people`
SET SESSION character_set_results = 'utf8mb4'
SET sql_mode = DEFAULT
SET TIME_ZONE = '+00:00'
/*!40103 SET TIME_ZONE = 'SYSTEM' */
SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci'
SET collation_connection = 'utf8mb4_unicode_ci'
SET NAMES utf8mb4
SET SQL_SAFE_UPDATES = 0, SQL_SELECT_LIMIT = DEFAULT
SET SQL_SAFE_UPDATES = DEFAULT
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ
SET SQL_AUTO_IS_NULL = 0
SET @@SESSION.sql_mode = CONCAT(CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), ',NO_AUTO_VALUE_ON_ZERO'), @@SESSION.sql_auto_is_null = 0, @@SESSION.wait_timeout = 2147483
SET sql_mode = DEFAULT, wait_timeout = DEFAULT
SELECT `SCHEMA_NAME`, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM `INFORMATION_SCHEMA`.`SCHEMATA` WHERE SCHEMA_NAME LIKE 'eq\_information\_schema%'
SELECT *, `TABLE_SCHEMA` AS `Db`, `TABLE_NAME` AS `Name`, `TABLE_TYPE` AS `TABLE_TYPE`, `ENGINE` AS `Engine`, `ENGINE` AS `Type`, `VERSION` AS `Version`, `ROW_FORMAT` AS `Row_format` FROM `information_schema`.`TABLES` t WHERE `TABLE_SCHEMA` IN ('eq_information_schema') AND TABLE_NAME = 'grown' ORDER BY Name ASC LIMIT 250 OFFSET 0
SELECT COUNT(*) FROM `information_schema`.`TABLES` WHERE TABLE_SCHEMA = 'eq_information_schema'
SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME = 'grown' AND IS_UPDATABLE = 'YES'
SELECT 1 FROM `INFORMATION_SCHEMA`.`USER_PRIVILEGES` WHERE `PRIVILEGE_TYPE` = 'CREATE USER' AND '''root''@''%''' LIKE `GRANTEE` LIMIT 1
SELECT 1 FROM (SELECT `GRANTEE`, `IS_GRANTABLE` FROM `INFORMATION_SCHEMA`.`COLUMN_PRIVILEGES` UNION SELECT `GRANTEE`, `IS_GRANTABLE` FROM `INFORMATION_SCHEMA`.`TABLE_PRIVILEGES` UNION SELECT `GRANTEE`, `IS_GRANTABLE` FROM `INFORMATION_SCHEMA`.`SCHEMA_PRIVILEGES` UNION SELECT `GRANTEE`, `IS_GRANTABLE` FROM `INFORMATION_SCHEMA`.`USER_PRIVILEGES`) t WHERE `IS_GRANTABLE` = 'YES' AND '''root''@''%''' LIKE `GRANTEE` LIMIT 1
SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME IN ('people', 'pets') ORDER BY TABLE_NAME, ORDINAL_POSITION
SELECT k.TABLE_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, k.CONSTRAINT_NAME, r.DELETE_RULE, r.UPDATE_RULE FROM information_schema.KEY_COLUMN_USAGE k LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA WHERE k.TABLE_SCHEMA = 'eq_information_schema' AND k.TABLE_NAME IN ('pets', 'people') ORDER BY 1, 2, 5
SELECT CONSTRAINT_NAME, CHECK_CLAUSE, LEVEL FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'eq_information_schema' ORDER BY TABLE_NAME, 1
SELECT tc.CONSTRAINT_NAME, tc.CONSTRAINT_TYPE, tc.TABLE_NAME, kcu.COLUMN_NAME FROM information_schema.TABLE_CONSTRAINTS tc LEFT JOIN information_schema.KEY_COLUMN_USAGE kcu ON kcu.CONSTRAINT_NAME = tc.CONSTRAINT_NAME AND kcu.TABLE_SCHEMA = tc.TABLE_SCHEMA AND kcu.TABLE_NAME = tc.TABLE_NAME WHERE tc.TABLE_SCHEMA = DATABASE() AND tc.TABLE_NAME IN ('people', 'pets') ORDER BY 3, 1, 4
SELECT TABLE_NAME AS table_name, CREATE_OPTIONS AS create_options, TABLE_COMMENT AS table_comment FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND TABLE_NAME LIKE 'pe%' ORDER BY 1
SELECT table_name, column_name, data_type, column_default, is_nullable = 'YES' AS is_nullable, column_key = 'PRI' AS pk, extra, numeric_precision, numeric_scale, character_maximum_length, datetime_precision, generation_expression FROM information_schema.columns WHERE table_schema = 'eq_information_schema' AND table_name = 'people' ORDER BY ordinal_position
SELECT DISTINCT index_name AS index_name, non_unique AS non_unique, column_name AS column_name, seq_in_index AS seq_in_index, table_name AS table_name, sub_part AS partial, collation AS column_order, index_type AS index_type FROM information_schema.statistics WHERE table_schema = 'eq_information_schema' AND table_name IN ('people', 'pets') ORDER BY BINARY table_name, BINARY index_name, seq_in_index
SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'eq_information_schema' AND COLUMN_KEY = 'PRI' AND EXTRA LIKE '%auto_increment%' AND TABLE_NAME < 'q' AND TABLE_NAME > 'p' ORDER BY 1
SELECT column_name, data_type, character_set_name, collation_name, column_comment FROM information_schema.columns WHERE table_schema = SCHEMA() AND table_name = 'people' AND collation_name IS NOT NULL ORDER BY ordinal_position
SELECT engine, support FROM information_schema.engines WHERE support IN ('DEFAULT') ORDER BY 1
SELECT CCSA.CHARACTER_SET_NAME, T.TABLE_COLLATION FROM information_schema.`TABLES` T, information_schema.`COLLATION_CHARACTER_SET_APPLICABILITY` CCSA WHERE CCSA.FULL_COLLATION_NAME = T.TABLE_COLLATION AND T.TABLE_SCHEMA = 'eq_information_schema' AND T.TABLE_NAME = 'people'
SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'eq_information_schema'
SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'eq_information_schema'
SELECT TRIGGER_NAME, EVENT_MANIPULATION, ACTION_TIMING FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'eq_information_schema'
SELECT PARAMETER_NAME FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA = 'eq_information_schema'
SELECT VIEW_DEFINITION, CHECK_OPTION, SECURITY_TYPE FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME = 'grown'
SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'eq_information_schema' LIMIT 1
SELECT SUM(TABLE_ROWS) >= 0 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'eq_information_schema'
SELECT GET_LOCK('schema migration', 10)
SELECT RELEASE_LOCK('schema migration')
SELECT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = 'eq_information_schema' AND table_name = 'migrations' AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')) AS `exists`
SELECT table_name AS name, (data_length + index_length) > 0 AS size, table_comment AS comment, engine AS engine, table_collation AS collation FROM information_schema.tables WHERE table_schema = 'eq_information_schema' AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND table_name LIKE 'pe%' ORDER BY table_name
SELECT A.TABLE_SCHEM, A.TABLE_CATALOG FROM (SELECT NULL AS TABLE_SCHEM, NULL AS TABLE_CATALOG) A WHERE A.TABLE_SCHEM = 'x'
SELECT TABLE_SCHEMA TABLE_CAT, NULL TABLE_SCHEM, TABLE_NAME, IF(TABLE_TYPE = 'BASE TABLE' OR TABLE_TYPE = 'SYSTEM VERSIONED', 'TABLE', IF(TABLE_TYPE = 'TEMPORARY', 'LOCAL TEMPORARY', TABLE_TYPE)) AS TABLE_TYPE, TABLE_COMMENT REMARKS, NULL TYPE_CAT FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME LIKE 'p%s' ORDER BY TABLE_TYPE, TABLE_SCHEMA, TABLE_NAME
SELECT KCU.REFERENCED_TABLE_SCHEMA PKTABLE_CAT, NULL PKTABLE_SCHEM, KCU.REFERENCED_TABLE_NAME PKTABLE_NAME, KCU.REFERENCED_COLUMN_NAME PKCOLUMN_NAME, KCU.TABLE_SCHEMA FKTABLE_CAT, NULL FKTABLE_SCHEM, KCU.TABLE_NAME FKTABLE_NAME, KCU.COLUMN_NAME FKCOLUMN_NAME, KCU.POSITION_IN_UNIQUE_CONSTRAINT KEY_SEQ, CASE update_rule WHEN 'RESTRICT' THEN 1 WHEN 'NO ACTION' THEN 3 WHEN 'CASCADE' THEN 0 WHEN 'SET NULL' THEN 2 WHEN 'SET DEFAULT' THEN 4 END UPDATE_RULE FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE KCU INNER JOIN INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS RC ON KCU.CONSTRAINT_SCHEMA = RC.CONSTRAINT_SCHEMA AND KCU.CONSTRAINT_NAME = RC.CONSTRAINT_NAME WHERE KCU.TABLE_SCHEMA = 'eq_information_schema' AND KCU.TABLE_NAME = 'pets' ORDER BY PKTABLE_CAT, PKTABLE_SCHEM, PKTABLE_NAME, KEY_SEQ
SELECT `plugin_name` FROM information_schema.plugins WHERE plugin_name = 'InnoDB' AND plugin_status = 'ACTIVE'
SELECT User, Host FROM mysql.user WHERE User = 'nosuch'
SELECT * FROM mysql.proc WHERE db = 'eq_information_schema'
SELECT * FROM performance_schema.session_status LIMIT 0
^SELECT Variable_value FROM information_schema.GLOBAL_VARIABLES WHERE Variable_name = 'VERSION'
KILL QUERY 0
SELECT 1 AS `version` UNION ALL SELECT 2
>EXPLAIN EXTENDED SELECT 1
SELECT CAST('2020-01-01' AS DATETIME), CONVERT_TZ('2001-01-01 01:00:00', 'UTC', 'UTC') IS NULL
DROP VIEW grown
DROP TABLE pets, people
-- Geometries are told of once, not for each partition.
CREATE TABLE places (id INT PRIMARY KEY, at POINT, area POLYGON)
SELECT * FROM information_schema.GEOMETRY_COLUMNS WHERE F_TABLE_NAME = 'places' ORDER BY G_GEOMETRY_COLUMN
DROP TABLE places
-- Rights on partitions' databases are not told of, however names are quoted.
CREATE USER eq_quoted
GRANT SELECT, INSERT ON eq_information_schema.* TO eq_quoted
SET @mode = @@sql_mode, sql_mode = 'ANSI_QUOTES'
SHOW GRANTS FOR eq_quoted
SET sql_mode = @mode, sql_quote_show_create = 0
SHOW GRANTS FOR eq_quoted
SET sql_quote_show_create = 1
SELECT * FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE LIKE "'eq\_quoted'%" ORDER BY PRIVILEGE_TYPE
DROP USER eq_quoted
SELECT EXISTS(SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME = 'nothing'), (SELECT COUNT(*) FROM information_schema.columns WHERE TABLE_SCHEMA = 'eq_information_schema' AND TABLE_NAME = 'many') > 2
SELECT MAX(tables.TABLE_NAME) FROM information_schema.tables WHERE TABLE_SCHEMA = 'eq_information_schema' UNION SELECT 'x'
