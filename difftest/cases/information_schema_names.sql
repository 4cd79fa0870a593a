-- Columns of information_schema are called as they were written.
CREATE TABLE d1.t (a INT PRIMARY KEY);
SELECT table_name, tables.Table_Type FROM information_schema.tables WHERE table_schema = 'd1' ORDER BY table_name;
SELECT constraint_name, COUNT(*) FROM information_schema.table_constraints WHERE table_schema = 'd1' GROUP BY constraint_name;
SELECT c.Column_Name, c.data_type AS t, UPPER(table_name) FROM information_schema.columns c WHERE c.table_schema = 'd1' HAVING column_name = 'a';
