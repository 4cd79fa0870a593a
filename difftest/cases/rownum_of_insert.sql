-- ROWNUM() of an INSERT counts its rows, which no partition can do; that of its query is one of MariaDB's.
CREATE TABLE d1.acc (id INT PRIMARY KEY, v INT);
INSERT INTO acc VALUES (1, ROWNUM());
-- refused
INSERT INTO acc VALUES (2, ROWNUM()), (3, ROWNUM());
INSERT INTO acc SELECT seq, ROWNUM() FROM seq_5_to_9;
SELECT COUNT(*), SUM(v) FROM acc;
-- refused
INSERT INTO acc SELECT seq, 1 FROM seq_5_to_9 ON DUPLICATE KEY UPDATE v = ROWNUM();
-- refused
INSERT INTO acc SELECT seq, 1 FROM seq_25_to_29 RETURNING ROWNUM();
SELECT COUNT(*), SUM(v) FROM acc;
