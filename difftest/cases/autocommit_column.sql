-- What the columns of the session's own variables are.
SELECT @@autocommit;
SELECT DATABASE(), SCHEMA(), @@sql_mode, @@autocommit, @@time_zone, CURRENT_USER();
SELECT @@autocommit, @@in_transaction;
