package gateway

import (
	"fmt"
	"testing"
)

// Lists of tables call linked ones Spider's, with their comments, and claim to know nothing of their rows.
func TestLinkedTablesInLists(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY)")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE t (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='wrapper "mysql", srv "backend", password "se\\cret"'`)
	c.exec(`CREATE TABLE bare (a INT PRIMARY KEY) ENGINE=SPIDER CONNECTION='srv "backend", tbl "t"'`)
	c.exec("CREATE TABLE sharded (a INT PRIMARY KEY) COMMENT='mine'")
	comment := `wrapper "mysql", srv "backend", password "***"`
	where := " FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'fed' ORDER BY TABLE_NAME"
	want := "bare|SPIDER|NULL|/sharded|InnoDB|0|mine/t|SPIDER|NULL|" + comment
	c.want("SELECT TABLE_NAME, ENGINE, TABLE_ROWS, TABLE_COMMENT"+where, want)
	for range 2 {
		c.want("SELECT TABLE_NAME, ENGINE, TABLE_ROWS, TABLE_COMMENT"+" FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME", want, "fed")
	}
	c.want("SELECT GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME) FROM information_schema.tables x WHERE x.engine = 'Spider' AND x.TABLE_SCHEMA = DATABASE()", "bare,t")
	c.want("SELECT COUNT(*) FROM information_schema.TABLES t JOIN information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME) WHERE t.ENGINE = 'SPIDER' AND t.TABLE_SCHEMA = 'fed'", "2")
	n := c.rows("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'TABLES'")
	if tables := b.g.columns["TABLES"]; fmt.Sprint(len(tables)) != n {
		t.Errorf("%d and %s columns", len(tables), n)
	}
	got := map[string][]string{}
	rows, err := c.c.QueryContext(timeout(t), "SHOW TABLE STATUS FROM fed")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		v := make([]any, len(names))
		p := make([]*string, len(names))
		for i := range v {
			v[i] = &p[i]
		}
		if err := rows.Scan(v...); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			switch name {
			case "Engine", "Rows", "Auto_increment", "Comment", "Create_options":
				text := "NULL"
				if p[i] != nil {
					text = *p[i]
				}
				got[*p[0]] = append(got[*p[0]], text)
			}
		}
	}
	for table, want := range map[string][]string{"t": {"SPIDER", "NULL", "NULL", "", comment}, "bare": {"SPIDER", "NULL", "NULL", "", ""}, "sharded": {"InnoDB", "0", "NULL", "", "mine"}} {
		if g := got[table]; len(g) != len(want) || g[0] != want[0] || g[1] != want[1] || g[2] != want[2] || g[3] != want[3] || g[4] != want[4] {
			t.Errorf("%s: %q, want %q", table, g, want)
		}
	}
}
