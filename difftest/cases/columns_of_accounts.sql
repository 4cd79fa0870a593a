-- Columns of mysql.user are called as that view has them, however they are written.
SELECT user, HOST FROM mysql.user WHERE user = 'nobody of that name';
SELECT u.user, u.host AS host, Host AS h, LOWER(user) FROM mysql.user AS u WHERE u.user = 'nobody of that name';
SELECT host, db FROM mysql.db WHERE db = 'no such';
