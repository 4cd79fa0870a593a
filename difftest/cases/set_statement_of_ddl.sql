-- SET STATEMENT … FOR before what nodes do themselves: its settings hold for that alone.
CREATE TABLE d1.acc (id INT NOT NULL, val VARCHAR(5), PRIMARY KEY (id));
INSERT INTO acc VALUES (1, 'a'), (2, NULL);
SET STATEMENT sql_mode = 'NO_ENGINE_SUBSTITUTION', lock_wait_timeout = 20 FOR ALTER TABLE acc MODIFY val VARCHAR(2);
SELECT id, val FROM acc ORDER BY id;
SELECT @@sql_mode LIKE '%STRICT%', @@lock_wait_timeout > 20;
INSERT INTO acc VALUES (3, 'long');
SET STATEMENT max_statement_time = 100 FOR CREATE TABLE d1.seq (id INT PRIMARY KEY) SELECT id FROM acc;
SELECT COUNT(*) FROM seq;
SET STATEMENT sql_mode = '', foreign_key_checks = 0 FOR CREATE TABLE d1.pad (id INT PRIMARY KEY) SELECT 7 AS id, 1 / 0 AS none;
SET STATEMENT lock_wait_timeout = 5 FOR TRUNCATE TABLE seq;
SET STATEMENT use_stat_tables = 'never' FOR ANALYZE TABLE seq;
SET STATEMENT max_statement_time = 100 FOR EXECUTE IMMEDIATE 'SELECT @@max_statement_time';
SET STATEMENT lock_wait_timeout = 5 FOR DROP TABLE none;
SET STATEMENT nosuch = 5 FOR DROP TABLE seq;
SELECT COUNT(*) FROM seq;
-- Replicas get rows, and all of them.
CREATE TABLE d1.logged (id INT PRIMARY KEY, u VARCHAR(40));
-- refused
SET STATEMENT sql_log_bin = 0 FOR INSERT INTO d1.logged VALUES (1, 'a');
-- refused
SET STATEMENT binlog_format = STATEMENT FOR INSERT INTO d1.logged VALUES (2, UUID());
-- refused
SET STATEMENT max_statement_time = 9, gtid_domain_id = 7 FOR DELETE FROM d1.logged;
-- refused
SET binlog_format = 'STATEMENT';
SET binlog_format = 'ROW';
SET SESSION binlog_format = row;
INSERT INTO d1.logged VALUES (3, 'c');
SELECT a.id FROM d1.logged a JOIN d1.logged b ON a.u = b.u;
