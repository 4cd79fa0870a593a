-- information_schema tells of rights on databases as they were given.
CREATE USER difftest_told;
GRANT SELECT, INSERT ON d1.* TO difftest_told;
-- order: TABLE_SCHEMA, PRIVILEGE_TYPE
SELECT GRANTEE, TABLE_SCHEMA, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE LIKE '%difftest\_told%' ORDER BY TABLE_SCHEMA, PRIVILEGE_TYPE;
DROP USER difftest_told;
-- A session goes on when its role is dropped.
CREATE ROLE gone;
SET ROLE gone;
SELECT CURRENT_ROLE();
DROP ROLE gone;
SELECT 1;
SHOW DATABASES LIKE 'mysql';
SET ROLE NONE;
SELECT CURRENT_ROLE();
