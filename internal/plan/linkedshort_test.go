package plan

import "testing"

// Only what reads one row by a unique key may ride a pipeline.
func TestLinkedShort(t *testing.T) {
	snap := linkedTopology()
	for text, want := range map[string]bool{
		"SELECT * FROM t WHERE id = 1":                               true,
		"SELECT name FROM db.t AS x WHERE 5 = (x.id) AND name > 'a'": true,
		"SELECT name FROM t WHERE db.t.id = ? LIMIT 1":               true,
		"SELECT name, NOW() FROM t WHERE id = '1' ORDER BY name":     true,
		"SELECT * FROM t":                                               false,
		"SELECT * FROM t WHERE name = 'a'":                              false,
		"SELECT * FROM t WHERE id = 1 OR name = 'a'":                    false,
		"SELECT * FROM t WHERE NOT id = 1":                              false,
		"SELECT * FROM t WHERE id > 1":                                  false,
		"SELECT * FROM t WHERE id = name":                               false,
		"SELECT * FROM t WHERE id + 1 = 1":                              false,
		"SELECT SLEEP(1) FROM t WHERE id = 1":                           false,
		"SELECT * FROM t WHERE id = 1 FOR UPDATE":                       false,
		"SELECT name INTO @x FROM t WHERE id = 1":                       false,
		"SELECT @x := name FROM t WHERE id = 1":                         false,
		"SELECT SQL_CALC_FOUND_ROWS name FROM t WHERE id = 1":           false,
		"SELECT * FROM t WHERE id = 1 AND name = (SELECT 'x')":          false,
		"SELECT t.name FROM t JOIN u ON u.id = t.id WHERE t.id = 1":     false,
		"SELECT id FROM t WHERE id = 1 UNION SELECT id FROM u":          false,
		"SELECT name FROM (SELECT * FROM t) d WHERE id = 1":             false,
		"UPDATE t SET name = 'x' WHERE id = 1":                          false,
		"DELETE FROM t WHERE id = 1":                                    false,
		"INSERT INTO t VALUES (1, 'x') RETURNING id":                    false,
		"SELECT name FROM t WHERE id = 1 AND EXISTS (SELECT 1 FROM u)":  false,
		"WITH w AS (SELECT 1) SELECT name FROM t, w WHERE id = 1":       false,
		"SELECT name FROM t WHERE id = CAST('1' AS INT)":                false,
		"SELECT name FROM t WHERE id <=> 1":                             false,
		"SELECT name FROM t WHERE id = 1 AND name = @x":                 false,
		"SELECT name FROM t WHERE (id = 1 AND (name = 'b' OR id = 17))": true,
	} {
		p, _, err := planText(text, snap, Session{DB: "db"})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if p.Linked == nil || p.Short != want {
			t.Errorf("%s: short %v", text, p.Short)
		}
	}
}
