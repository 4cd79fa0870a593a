-- flags of a column behind DISTINCT: MariaDB makes a temporary table for it, or finds out that it need not
-- bring
CREATE TABLE d1.heap (x INT, s VARCHAR(20) CHARACTER SET cp1250 COLLATE cp1250_polish_ci, d DATETIME, n DECIMAL(8,2));
CREATE TABLE d1.seq (id BIGINT NOT NULL AUTO_INCREMENT, v INT, c INT NOT NULL DEFAULT 7, PRIMARY KEY (id));
SELECT DISTINCT * FROM seq t1 STRAIGHT_JOIN heap t2 ON 1;
