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
-- refused
UPDATE d1.large SET k = k - 7 WHERE n > 50;
