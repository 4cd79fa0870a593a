-- Rows move to other partitions by a column of their shard key that has a BIT beside it.
CREATE TABLE d1.mix (k BIT(6) NOT NULL, bt BIT(5), n INT NOT NULL, ch CHAR(8), PRIMARY KEY (k, n));
INSERT INTO d1.mix (k, bt, n, ch) VALUES (6, 2, 2, 'A1'), (11, 7, 0, 'b'), (18, 4, 5, 'ab'), (7, 0, 3, '');
-- changes: d1.mix
UPDATE d1.mix SET n = mix.bt WHERE ch <> 'b';
-- changes: d1.mix
UPDATE d1.mix SET n = n + 100;
CREATE TABLE d1.large (k BIT(64), bt BIT(5), n INT NOT NULL, ch CHAR(8), SHARD KEY (k, n));
INSERT INTO d1.large VALUES (33, 4, 100, 'ab'), (9, 0, 400, ''), (0xffffffffffffffff, 3, 5, 'big'), (0x8000000000000000, 3, 5, 'big'), (NULL, 3, 5, 'big'), (0, 1, 1, 'x');
-- changes: d1.large
UPDATE d1.large SET n = n + 17;
-- changes: d1.large
UPDATE d1.large SET k = k - 7 WHERE n > 50;
-- A BIT of the shard key that changes.
CREATE TABLE d1.keys_bit (b BIT(8), id INT, v INT, c BIT(8), PRIMARY KEY (b, id), SHARD KEY (b));
INSERT INTO d1.keys_bit VALUES (1, 1, 1, 65), (2, 2, 2, 200), (0xff, 3, 3, 0);
-- changes: d1.keys_bit
UPDATE d1.keys_bit SET b = b + 1 WHERE id < 3 ORDER BY b DESC;
-- changes: d1.keys_bit
UPDATE d1.keys_bit SET b = 5 WHERE id = 3;
-- changes: d1.keys_bit
UPDATE d1.keys_bit SET b = c;
-- changes: d1.keys_bit
UPDATE d1.keys_bit SET b = 'A' WHERE id = 3;
UPDATE d1.keys_bit SET b = 1000 WHERE id = 3;
-- changes: d1.keys_bit
UPDATE IGNORE d1.keys_bit SET b = 1000 WHERE id = 3;
-- changes: d1.keys_bit
UPDATE d1.keys_bit SET b = ~c & 15, v = v + 1;
-- prepared
-- changes: d1.keys_bit
UPDATE d1.keys_bit SET b = 77 WHERE id = 1;
-- changes: d1.keys_bit
UPDATE d1.keys_bit SET b = b'1010' WHERE v = (SELECT MAX(v) FROM d1.mix, d1.keys_bit x);
