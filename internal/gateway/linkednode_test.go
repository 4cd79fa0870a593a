package gateway

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// The same definition at a Spider node and here: what either has sharded the other reads, and a dump of it is loaded under locks.
func TestSharedWithASpiderNode(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	node, r1, r2 := spiderNode(t), newRemote(t), newRemote(t)
	const columns = "(id int(10) unsigned NOT NULL AUTO_INCREMENT, k int(10) unsigned NOT NULL DEFAULT '0', c char(120) NOT NULL DEFAULT '', PRIMARY KEY (id), KEY k (k))"
	c := b.database(t, "fed")
	var defs []string
	for i, r := range []*remoteServer{r1, r2} {
		for j := range 4 {
			name := fmt.Sprintf("pt%d", i*4+j)
			r.exec("CREATE TABLE old." + name + " " + columns)
			defs = append(defs, fmt.Sprintf("PARTITION %s COMMENT = 'srv \"backend%d\", table \"%s\"'", name, i+1, name))
		}
		c.exec(r.server(fmt.Sprintf("backend%d", i+1)))
		node.exec(r.server(fmt.Sprintf("backend%d", i+1)))
	}
	create := "CREATE TABLE sbtest " + columns + " ENGINE=spider COMMENT='wrapper \"mysql\"' PARTITION BY KEY (id) (" + strings.Join(defs, ", ") + ")"
	c.exec(create)
	c.want("SHOW WARNINGS", "")
	node.exec(create)
	node.exec("INSERT INTO sbtest (id, k, c) SELECT seq, seq MOD 10, CONCAT('c', seq) FROM seq_1_to_500")
	c.want("SELECT COUNT(*), SUM(k), MIN(c) FROM sbtest", "500|2250|c1")
	for i := 1; i <= 500; i += 17 {
		c.want(fmt.Sprintf("SELECT c FROM sbtest WHERE id = %d", i), fmt.Sprintf("c%d", i))
	}
	for i := range 200 {
		c.exec("INSERT INTO sbtest (id, k, c) VALUES (?, ?, ?)", 1000+i, 1, fmt.Sprintf("ours %d", i))
	}
	for i := range 200 {
		node.want(fmt.Sprintf("SELECT c FROM sbtest WHERE id = %d", 1000+i), fmt.Sprintf("ours %d", i))
	}
	rows := c.rows("SELECT * FROM sbtest ORDER BY id")
	dump, err := exec.CommandContext(timeout(t), "mariadb-dump", "--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-uroot", "--skip-no-data-med", "fed").CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, dump)
	}
	c.exec("TRUNCATE TABLE sbtest")
	node.want("SELECT COUNT(*) FROM sbtest", "0")
	if out, err := b.cli(t, "root", "", string(dump), "fed"); err != nil {
		t.Fatal(out)
	}
	c.want("SELECT * FROM sbtest ORDER BY id", rows)
	node.want("SELECT COUNT(*) FROM sbtest", "700")
	c.exec("LOCK TABLES sbtest WRITE")
	c.exec("INSERT INTO sbtest (k, c) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")
	c.exec("UPDATE sbtest SET k = k + 1")
	c.want("SELECT COUNT(*) FROM sbtest", "704")
	c.exec("DELETE FROM sbtest WHERE id > 1199")
	c.exec("UNLOCK TABLES")
	c.want("SELECT COUNT(*) FROM sbtest", "700")
	c.exec("ALTER TABLE sbtest ADD d INT")
	if w := c.rows("SHOW WARNINGS"); strings.Count(w, "12702") != 8 {
		t.Error(w)
	}
	for i, r := range []*remoteServer{r1, r2} {
		for j := range 4 {
			r.exec(fmt.Sprintf("ALTER TABLE old.pt%d ADD d INT", i*4+j))
		}
	}
	c.want("SELECT COUNT(*), COUNT(d) FROM sbtest", "700|0")
	c.exec("RENAME TABLE sbtest TO renamed")
	c.want("SELECT COUNT(*) FROM renamed", "700")
}
