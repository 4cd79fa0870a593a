CREATE TABLE item (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT, name VARCHAR(60) CHARACTER SET latin1 COLLATE latin1_german2_ci NOT NULL DEFAULT '', price DECIMAL(20,6), since DATE, picture LONGBLOB, PRIMARY KEY (id),
  KEY byname (name(10), since), KEY (price)) COMMENT='it''s an item';
INSERT INTO item VALUES (1, 'lamp', 12.5, '2024-02-29', x'00010203ff275c0a0d1a'), (2, 'Stühle', -0.000001, NULL, NULL), (3, '', 99999999999999.999999, '0001-01-01', '');
CREATE TABLE typed (
  k VARCHAR(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL, n INT NOT NULL, d DOUBLE, f FLOAT, b BIT(9), e ENUM('a','ü'), s SET('x','y z'), t TIME(6), dt DATETIME(6), ts TIMESTAMP NULL, y YEAR,
  j JSON, bin BINARY(4), vb VARBINARY(10), g POINT, txt MEDIUMTEXT, up VARCHAR(40) GENERATED ALWAYS AS (UPPER(k)) VIRTUAL, twice INT AS (n * 2) STORED, CHECK (n > 0), PRIMARY KEY (k, n));
INSERT INTO typed (k, n, d, f, b, e, s, t, dt, ts, y, j, bin, vb, g, txt) VALUES
  ('plain', 1, 1.7976931348623157e308, 3.4e38, b'101010101', 'ü', 'x,y z', '-838:59:59.999999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', 2155, '{"ü": [1, 2.5, null, "\\"" ]}', 'ab', x'ff00', POINT(1, -2.5), 'line\nline\ttab\\'),
  ('😀', 2, -2.2250738585072014e-308, 0, b'0', 'a', '', '00:00:00', '1000-01-01', NULL, 0, '[]', '', '', NULL, ''),
  ('nulls', 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE `odd ``name` (`a b` INT NOT NULL, `select` CHAR(3) DEFAULT 'x', PRIMARY KEY (`a b`));
INSERT INTO `odd ``name` VALUES (1, 'abc'), (-5, NULL);
CREATE TABLE keyless (a INT, b DATETIME);
INSERT INTO keyless VALUES (7, '2020-01-01 10:00:00');
CREATE TABLE nothing (id INT PRIMARY KEY);
