-- What MariaDB tells beside the error of a statement that it refuses: why a foreign key is incorrectly formed.
CREATE TABLE d1.acc (id INT NOT NULL, val INT, PRIMARY KEY (id));
CREATE TABLE d1.seq (id INT NOT NULL, acc INT, PRIMARY KEY (id), FOREIGN KEY (acc) REFERENCES acc (nothere));
CREATE TABLE d1.seq (id INT NOT NULL, acc VARCHAR(5), PRIMARY KEY (id), FOREIGN KEY (acc) REFERENCES acc (id));
SHOW WARNINGS;
SHOW COUNT(*) ERRORS;
GET DIAGNOSTICS CONDITION 1 @no = MYSQL_ERRNO;
SELECT @no;
CREATE TABLE d1.acc (id INT NOT NULL);
SHOW WARNINGS;
ALTER DATABASE d1;
