-- Groups over partitions under ONLY_FULL_GROUP_BY: what a part tells beside the client's columns MariaDB must see to be the groups', and what is in no GROUP BY it must refuse as before.
SET sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES';
CREATE TABLE d1.sale (id INT NOT NULL, shop VARCHAR(10), at DATETIME, amt DECIMAL(8,2), note VARCHAR(400), kind ENUM('web','desk'), f DOUBLE, PRIMARY KEY (id));
INSERT INTO sale VALUES (1, 'north', '2024-01-01 10:00:00', 1.5, 'a', 'web', 1), (2, 'north', '2024-01-01 12:00:00', 2.5, 'b', 'desk', 2), (3, 'south', '2024-01-02 09:00:00', 4, 'A ', 'web', 1),
 (4, 'süd', '2024-01-02 09:30:00', 8, NULL, NULL, 4), (5, NULL, NULL, 16, 'a', 'desk', 1), (6, 'west', '2024-02-01 00:00:00', 32, 'c', 'web', NULL), (7, 'east', '2023-02-01 00:00:00', 64, 'C', 'web', 2);
SELECT COUNT(DISTINCT shop), SUM(DISTINCT f), COUNT(*) FROM sale;
-- order: d
SELECT DATE(at) d, COUNT(*), SUM(amt) FROM sale GROUP BY d ORDER BY d;
-- order: d
-- prepared
SELECT DATE(at) d, COUNT(*) n, SUM(amt) FROM sale WHERE id > 1 GROUP BY DATE(at) HAVING n > 0 ORDER BY DATE(at) DESC;
SELECT COUNT(*), MAX(amt) FROM sale GROUP BY DATE_FORMAT(at, '%Y-%m');
SELECT LEFT(shop, 2) s, COUNT(DISTINCT note), COUNT(DISTINCT kind) FROM sale GROUP BY LEFT(shop, 2);
-- order: s, n
SELECT UPPER(shop) s, COUNT(DISTINCT DATE(at)) n FROM sale GROUP BY s ORDER BY n, s;
SELECT kind, COUNT(DISTINCT shop, note) FROM sale GROUP BY kind;
-- order: y, c
SELECT YEAR(at) y, MONTH(at) m, COUNT(*) c FROM sale GROUP BY y, m ORDER BY y, COUNT(*) DESC;
SELECT DATE(at) FROM sale GROUP BY DATE(at) ORDER BY CONCAT(DATE(at), 'x') LIMIT 2;
SELECT DISTINCT LEFT(shop, 1), COUNT(*) FROM sale GROUP BY id;
-- order: l
SELECT DISTINCT LOWER(LEFT(MAX(shop), 1)) l FROM sale GROUP BY id ORDER BY l;
SELECT id, COUNT(*) FROM sale GROUP BY id ORDER BY -id;
SELECT id, MAX(shop) FROM sale GROUP BY id ORDER BY CONCAT('x', id), MAX(shop);
-- prepared
SELECT CONCAT(shop, '!') x, AVG(f) FROM sale GROUP BY CONCAT(shop, '!');
SELECT shop, amt, COUNT(DISTINCT amt) FROM sale GROUP BY shop;
SELECT shop, COUNT(DISTINCT amt) FROM sale;
SELECT shop, LEFT(note, 1), COUNT(DISTINCT note) FROM sale GROUP BY shop;
SELECT shop, COUNT(DISTINCT note) FROM sale GROUP BY shop HAVING note > 'a';
SELECT shop, COUNT(DISTINCT note) c FROM sale GROUP BY shop HAVING c > 1 AND shop > 'a';
SELECT DATE(at) d, COUNT(*), DATE(at) e FROM sale GROUP BY d;
SELECT DATE(at) d, YEAR(at), COUNT(*) FROM sale GROUP BY d;
SELECT shop, COUNT(DISTINCT note) + 1, LEFT(shop, 2) FROM sale GROUP BY shop;
SELECT shop, (SELECT COUNT(*) FROM word WHERE n > 0), COUNT(DISTINCT note) FROM sale GROUP BY shop;
