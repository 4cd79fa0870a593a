package equivalence

import (
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// CHECKSUM TABLE says of the same rows what one server says, whatever their types are; and so does HELP.
func TestChecksums(t *testing.T) {
	p := newPair(t, "eq_checksum", 4, answer.Caps)
	p.strict = true
	p.build()
	p.both("SET timestamp = 1700000000.5")
	for _, sql := range []string{
		`CREATE TABLE types (id INT PRIMARY KEY, b1 BIT(3), b2 BIT(17) NOT NULL, i8 TINYINT, u24 MEDIUMINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(30,9), y YEAR, t TIME(4), ts TIMESTAMP(6) NULL,
		 c CHAR(7), vc VARCHAR(300) CHARACTER SET latin1, bn BINARY(5), vb VARBINARY(9), tt TINYTEXT, mb MEDIUMBLOB, j JSON, g POINT, u UUID, ip INET6, s SET('a','b','c'),
		 gv INT AS (id * 2) VIRTUAL, gs VARCHAR(9) AS (CONCAT('x', id)) STORED, hid INT INVISIBLE DEFAULT 7)`,
		"CREATE TABLE vers (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
		"CREATE TABLE none (id INT, v VARCHAR(5) NOT NULL)",
		"CREATE TABLE tenants (id INT, tenant INT NOT NULL, v TEXT, PRIMARY KEY (tenant, id), SHARD KEY (tenant))",
		"CREATE REFERENCE TABLE words (id INT PRIMARY KEY, v VARCHAR(5))",
		"CREATE SEQUENCE seq START WITH 5",
		"CREATE VIEW seen AS SELECT * FROM vers",
	} {
		p.both(sql)
	}
	p.both(`INSERT INTO types (id, b1, b2, i8, u24, f, d, n, y, t, ts, c, vc, bn, vb, tt, mb, j, g, u, ip, s) VALUES
		 (1, b'101', 70000, -3, 9000000, 1.5, -2e100, 123456789.123456789, 1999, '-12:30:01.1234', '2020-02-03 04:05:06.000007', 'é', 'ö', 'a\0', 'b', '', 'x', '{"a": 1}',
		  POINT(1, 2), 'f47ac10b-58cc-4372-a567-0e02b2c3d479', '::1', 'a,c'),
		 (2, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
		 (3, b'0', 1, 0, 0, 0, 0, 0, 0, '0:0', '2001-01-01', '', REPEAT('y', 300), '', '', REPEAT('z', 255), REPEAT('q', 70000), 'null', POINT(0, 0),
		  '00000000-0000-0000-0000-000000000001', '::ffff:1.2.3.4', '')`)
	p.both("INSERT INTO vers VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
	p.both("SET timestamp = 1700000001.25")
	p.both("UPDATE vers SET v = v + 1 WHERE id > 1")
	p.both("DELETE FROM vers WHERE id = 3")
	p.both("INSERT INTO none VALUES (1, 'a'), (2, 'b'), (1, 'a'), (NULL, '')")
	p.both("INSERT INTO tenants VALUES (1, 1, 'x'), (2, 1, NULL), (1, 2, 'y'), (1, 3, '')")
	p.both("INSERT INTO words VALUES (1, 'a'), (2, NULL)")
	all := []string{"types", "vers", "none", "tenants", "words", "seq", "seen", "nosuch", "mysql.user"}
	for _, create := range tables {
		all = append(all, tableNames.FindStringSubmatch(create)[1])
	}
	for _, p.prepared = range []bool{false, true} {
		for _, sql := range []string{
			"CHECKSUM TABLE types", "CHECKSUM TABLE vers EXTENDED", "CHECKSUM TABLE none, words QUICK", "CHECKSUM TABLE eq_checksum.`tenants`, nodb.nosuch",
			"CHECKSUM TABLE " + strings.Join(all, ", "),
			"CHECKSUM TABLE words, words", "CHECKSUM TABLE types QUICK EXTENDED", "CHECKSUM TABLE",
			"HELP 'contents'", "HELP select", "HELP 'no such topic'", "HELP '%a%'",
		} {
			p.same(sql, how{ordered: true})
		}
		p.same("HELP 'select'", how{ordered: true, text: true})
		for _, sql := range []string{
			"BEGIN", "UPDATE types SET i8 = 5 WHERE id = 3", "INSERT INTO words VALUES (7, 'x')", "INSERT INTO tenants VALUES (9, 9, 'z')", "CHECKSUM TABLE types, words, tenants",
			"ROLLBACK", "CHECKSUM TABLE types, words, tenants",
			"LOCK TABLES types READ, words AS w READ", "CHECKSUM TABLE types, tenants, words", "UNLOCK TABLES",
			"LOCK TABLES tenants WRITE", "DELETE FROM tenants WHERE tenant = 3", "CHECKSUM TABLE tenants", "UNLOCK TABLES", "CHECKSUM TABLE tenants",
			"CREATE TEMPORARY TABLE words (a INT)", "INSERT INTO words VALUES (1), (2)", "CHECKSUM TABLE words", "DROP TEMPORARY TABLE words",
			"INSERT INTO tenants VALUES (1, 3, '')",
		} {
			p.same(sql, how{ordered: true})
		}
	}
}
