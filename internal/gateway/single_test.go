package gateway

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// What applications make as if there were one server is installed as it is, and stays in one place until somebody says else.
func TestApplicationsOfOneServerAreInstalled(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "appdb")
	c.exec("CREATE TABLE actor (actor_id BIGINT UNSIGNED AUTO_INCREMENT, actor_user INT, actor_name VARBINARY(255), UNIQUE(actor_user), UNIQUE(actor_name), PRIMARY KEY(actor_id))")
	if got := c.rows("SHOW WARNINGS"); !strings.HasPrefix(got, "Note|1503|Table 'actor' has all its rows in one partition") || !strings.Contains(got, "SHARD KEY ()") {
		t.Error(got)
	}
	if got := c.rows("SHOW CREATE TABLE actor"); !strings.Contains(got, "/*!999999 SHARD KEY () */\n)") {
		t.Error(got)
	}
	c.exec("INSERT INTO actor (actor_user, actor_name) VALUES (1, 'Ada'), (2, 'Grace')")
	c.fails(1062, "INSERT INTO actor (actor_user, actor_name) VALUES (3, 'Ada')")
	c.want("SELECT actor_id, actor_name FROM actor ORDER BY actor_id DESC", "2|Grace/1|Ada")
	id := b.cat.Snapshot().Databases["appdb"].Partitions[0].ID
	c.want("EXPLAIN SELECT COUNT(*) FROM actor", fmt.Sprintf("Forward|%s|%s|SELECT COUNT(*) FROM actor", id, b.cat.Snapshot().Databases["appdb"].Partitions[0].Instances[0].Leaf))

	c.exec("CREATE DATABASE django PARTITIONS 3 DEFAULT SHARD KEY ()")
	defer c.exec("DROP DATABASE django")
	c.want("SHOW CREATE DATABASE IF NOT EXISTS django", "django|CREATE DATABASE /*!32312 IF NOT EXISTS*/ `django` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci */ /*!999999 DEFAULT SHARD KEY () */")
	d := b.root(t, "django")
	for _, sql := range []string{
		"CREATE TABLE `django_content_type` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `app_label` varchar(100) NOT NULL, `model` varchar(100) NOT NULL)",
		"ALTER TABLE `django_content_type` ADD CONSTRAINT `django_content_type_app_label_model_uniq` UNIQUE (`app_label`, `model`)",
		"CREATE TABLE `auth_permission` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `name` varchar(50) NOT NULL, `content_type_id` integer NOT NULL, `codename` varchar(100) NOT NULL)",
		"CREATE TABLE `auth_user` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `password` varchar(128) NOT NULL, `username` varchar(30) NOT NULL UNIQUE, `is_staff` bool NOT NULL)",
		"CREATE TABLE `auth_user_user_permissions` (`id` bigint AUTO_INCREMENT NOT NULL PRIMARY KEY, `user_id` integer NOT NULL, `permission_id` integer NOT NULL)",
		"ALTER TABLE `auth_permission` ADD CONSTRAINT `auth_permission_content_type_id_codename_uniq` UNIQUE (`content_type_id`, `codename`)",
		"ALTER TABLE `auth_permission` ADD CONSTRAINT `auth_permission_content_type_id_fk` FOREIGN KEY (`content_type_id`) REFERENCES `django_content_type` (`id`)",
		"ALTER TABLE `auth_user_user_permissions` ADD CONSTRAINT `uniq` UNIQUE (`user_id`, `permission_id`)",
		"ALTER TABLE `auth_user_user_permissions` ADD CONSTRAINT `fk_user` FOREIGN KEY (`user_id`) REFERENCES `auth_user` (`id`) ON DELETE CASCADE",
		"ALTER TABLE `auth_permission` MODIFY `name` varchar(255) NOT NULL",
		"INSERT INTO django_content_type (app_label, model) VALUES ('auth', 'user')",
		"INSERT INTO auth_permission (name, content_type_id, codename) VALUES ('Can add', LAST_INSERT_ID(), 'add'), ('Can view', LAST_INSERT_ID(), 'view')",
		"INSERT INTO auth_user (password, username, is_staff) VALUES ('', 'ada', 1), ('', 'grace', 0)",
		"INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT u.id, p.id FROM auth_user u, auth_permission p ORDER BY u.id, p.id",
	} {
		d.exec(sql)
	}
	if got := d.rows("SHOW WARNINGS"); got != "" {
		t.Error(got)
	}
	d.fails(1452, "INSERT INTO auth_permission (name, content_type_id, codename) VALUES ('x', 9, 'x')")
	d.exec("DELETE FROM auth_user WHERE username = 'grace'")
	d.want("SELECT id, user_id FROM auth_user_user_permissions ORDER BY id", "1|1/2|1")
	// All of it is in the first partition, tables of the same names are in the others.
	for o, p := range b.cat.Snapshot().Databases["django"].Partitions {
		want := "2"
		if o > 0 {
			want = "0"
		}
		for i, l := range b.farm.Leaves() {
			if l.Name != p.Instances[0].Leaf {
				continue
			}
			if got := strings.TrimSpace(b.leaf(t, i, "SELECT COUNT(*) FROM "+p.ID.Schema()+".auth_permission")); got != want {
				t.Errorf("%s has %s rows", p.ID, got)
			}
		}
	}
	dump, err := exec.CommandContext(timeout(t), "mariadb-dump", "--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-uroot", "--add-drop-database", "--databases", "django").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, dump)
	}
	before := d.rows("SHOW CREATE TABLE auth_permission") + d.rows("SHOW CREATE TABLE auth_user_user_permissions") + d.rows("SELECT * FROM auth_permission")
	if out, err := b.cli(t, "root", "", string(dump)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !b.cat.Snapshot().Databases["django"].Single {
		t.Error("the database's default was lost in its dump")
	}
	d = b.root(t, "django")
	if after := d.rows("SHOW CREATE TABLE auth_permission") + d.rows("SHOW CREATE TABLE auth_user_user_permissions") + d.rows("SELECT * FROM auth_permission"); after != before {
		t.Errorf("%s\nbecame %s", before, after)
	}
	d.exec("INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES (1, 77)")
	d.want("SELECT LAST_INSERT_ID()", "8")
	d.exec("CREATE TABLE big (id INT PRIMARY KEY, v INT, SHARD KEY (id))")
	d.exec("INSERT INTO big SELECT seq, seq % 2 + 1 FROM seq_1_to_30")
	d.want("SELECT u.username, COUNT(*) FROM big JOIN auth_user u ON u.id = big.v GROUP BY 1", "ada|15")
}

// Beside linked tables they are as any table that is elsewhere.
func TestSingleTablesBesideLinkedOnes(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
	r.exec("INSERT INTO old.t (v) VALUES (10), (20), (30)")
	c := b.database(t, "onefar")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE l (id INT AUTO_INCREMENT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='srv "backend", table "t"'`)
	c.exec("CREATE TABLE one (id INT AUTO_INCREMENT PRIMARY KEY, v INT UNIQUE, SHARD KEY ())")
	c.exec("CREATE TABLE many (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO one (v) SELECT v FROM l ORDER BY v")
	c.want("SELECT LAST_INSERT_ID()", "1")
	c.want("SELECT * FROM one ORDER BY id", "1|10/2|20/3|30")
	c.want("SELECT one.id, l.id FROM one JOIN l ON l.v = one.v ORDER BY 1", "1|1/2|2/3|3")
	c.want("SELECT v FROM one UNION ALL SELECT id FROM l ORDER BY 1", "1/2/3/10/20/30")
	c.want("SELECT COUNT(*) FROM one UNION ALL SELECT COUNT(*) FROM l", "3/3")
	c.exec("INSERT INTO l (v) SELECT v + 1 FROM one")
	c.want("SELECT COUNT(*), SUM(v) FROM l", "6|123")
	c.exec("UPDATE one JOIN l ON l.v = one.v + 1 SET one.v = one.v + 100, l.v = 0")
	c.want("SELECT SUM(one.v), (SELECT SUM(v) FROM l) FROM one", "360|60")
	c.exec("DELETE FROM l WHERE v IN (SELECT v - 100 FROM one)")
	c.want("SELECT COUNT(*) FROM l", "3")
	c.exec("INSERT INTO many SELECT id, v FROM one")
	c.want("SELECT COUNT(*) FROM many JOIN one USING (id, v) JOIN l", "9")
}
