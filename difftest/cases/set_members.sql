-- The 64th member of a SET came before all others.
CREATE TABLE d1.sets (id INT PRIMARY KEY, s SET('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33','34','35','36','37','38','39','40','41','42','43','44','45','46','47','48','49','50','51','52','53','54','55','56','57','58','59','60','61','62','63','64'));
INSERT INTO sets VALUES (1, '64'), (2, '1,64'), (3, '2'), (4, '63'), (5, '64,3'), (6, NULL), (7, ''), (8, '64');
-- order: s, id
SELECT id, s FROM sets ORDER BY s, id;
-- order: s
SELECT s, COUNT(*) FROM sets GROUP BY s ORDER BY s DESC;
-- order: s
SELECT DISTINCT s FROM sets ORDER BY s;
SELECT COUNT(DISTINCT s) FROM sets;
