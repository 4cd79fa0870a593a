package gateway

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// installed is what frameworks send to have their tables, as they send it, and some rows. None of it says where rows are to be.
const installed = `
-- Sequelize: users first, all in CREATE TABLE
CREATE TABLE IF NOT EXISTS ` + "`Users`" + ` (id INTEGER NOT NULL auto_increment , email VARCHAR(255) NOT NULL, createdAt DATETIME NOT NULL, PRIMARY KEY (id)) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS Profiles (id INTEGER NOT NULL , bio TEXT, PRIMARY KEY (id), FOREIGN KEY (id) REFERENCES ` + "`Users`" + ` (id) ON DELETE CASCADE ON UPDATE CASCADE) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS Posts (id INTEGER NOT NULL auto_increment , title VARCHAR(255), UserId INTEGER, PRIMARY KEY (id), FOREIGN KEY (UserId) REFERENCES ` + "`Users`" + ` (id) ON DELETE SET NULL ON UPDATE CASCADE) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS Tags (id INTEGER NOT NULL auto_increment , name VARCHAR(255), PRIMARY KEY (id)) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS PostTags (PostId INTEGER , TagId INTEGER , PRIMARY KEY (PostId, TagId), FOREIGN KEY (PostId) REFERENCES Posts (id) ON DELETE CASCADE ON UPDATE CASCADE, FOREIGN KEY (TagId) REFERENCES Tags (id) ON DELETE CASCADE ON UPDATE CASCADE) ENGINE=InnoDB;
INSERT INTO ` + "`Users`" + ` VALUES (DEFAULT, 'ada@example.org', '2024-01-01 00:00:00'), (DEFAULT, 'grace@example.org', '2024-01-02 00:00:00');
INSERT INTO Profiles VALUES (1, 'it''s\n\\'), (2, NULL);
INSERT INTO Posts (title, UserId) VALUES ('one', 1), ('two', 2), ('three', NULL);
INSERT INTO Tags (name) VALUES ('x'), ('y');
INSERT INTO PostTags VALUES (1, 1), (1, 2), (2, 1);
-- Django: keys come by ALTER TABLE, after all tables of a migration
CREATE TABLE auth_user (id integer AUTO_INCREMENT NOT NULL PRIMARY KEY, username varchar(150) NOT NULL);
CREATE TABLE auth_group (id integer AUTO_INCREMENT NOT NULL PRIMARY KEY, name varchar(150) NOT NULL UNIQUE);
CREATE TABLE auth_user_groups (id bigint AUTO_INCREMENT NOT NULL PRIMARY KEY, user_id integer NOT NULL, group_id integer NOT NULL);
ALTER TABLE auth_user_groups ADD CONSTRAINT auth_user_groups_user_id_group_id_94350c0c_uniq UNIQUE (user_id, group_id);
ALTER TABLE auth_user_groups ADD CONSTRAINT auth_user_groups_user_id_6a12ed8b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user (id);
ALTER TABLE auth_user_groups ADD CONSTRAINT auth_user_groups_group_id_97559544_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES auth_group (id);
INSERT INTO auth_user (username) VALUES ('ada'), ('grace');
INSERT INTO auth_group (name) VALUES ('staff');
INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1), (2, 1);
-- Rails
CREATE TABLE authors (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(255), created_at datetime(6) NOT NULL);
CREATE TABLE books (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, author_id bigint NOT NULL, sequel_id bigint, INDEX index_books_on_author_id (author_id), CONSTRAINT fk_rails_53d51ce16a FOREIGN KEY (author_id) REFERENCES authors (id));
ALTER TABLE books ADD CONSTRAINT fk_rails_c80d0a06a5 FOREIGN KEY (sequel_id) REFERENCES books (id);
INSERT INTO authors (name, created_at) VALUES ('Ursula', '2024-01-01'), ('Octavia', '2024-01-02');
INSERT INTO books (author_id, sequel_id) VALUES (1, NULL), (2, 1);
-- Laravel
create table accounts (id bigint unsigned not null auto_increment primary key, name varchar(255) not null) default character set utf8mb4 collate 'utf8mb4_unicode_ci';
create table account_roles (account_id bigint unsigned not null, role varchar(20) not null) default character set utf8mb4 collate 'utf8mb4_unicode_ci';
alter table account_roles add constraint account_roles_account_id_foreign foreign key (account_id) references accounts (id) on delete cascade;
alter table account_roles add primary key (account_id, role);
create table bookings (id bigint unsigned not null auto_increment primary key, account_id bigint unsigned not null) default character set utf8mb4 collate 'utf8mb4_unicode_ci';
alter table bookings add constraint bookings_account_id_foreign foreign key (account_id) references accounts (id) on delete cascade;
insert into accounts (name) values ('a'), ('b');
insert into account_roles values (1, 'x'), (2, 'x'), (2, 'y');
insert into bookings (account_id) values (2), (1), (2);
CREATE TRIGGER accounts_bi BEFORE INSERT ON accounts FOR EACH ROW SET NEW.name = CONCAT(NEW.name, '!');
`

// Schemas with foreign keys that know nothing of shard keys, and dumps of them with their rows, go into a database that was made as any.
func TestForeignKeysOfOneServerLoad(t *testing.T) {
	b := cluster(t)
	plain := func(program, stdin string, args ...string) string {
		cmd := exec.CommandContext(timeout(t), program, append([]string{"--no-defaults", "-uroot", "-S", b.farm.Leaves()[0].Socket}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", program, err, out)
		}
		return string(out)
	}
	plain("mariadb", "SET sql_log_bin=0; DROP DATABASE IF EXISTS fkplain; CREATE DATABASE fkplain CHARACTER SET utf8mb4; USE fkplain;"+installed)
	t.Cleanup(func() { plain("mariadb", "SET sql_log_bin=0; DROP DATABASE IF EXISTS fkplain") })
	dump := plain("mariadb-dump", "", "fkplain")
	want := plain("mariadb-dump", "", "--compact", "--skip-extended-insert", "fkplain")
	for name, text := range map[string]string{"fkscript": installed, "fkdump": dump} {
		c := b.database(t, name)
		if out, err := b.cli(t, "root", "", text, name); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		for table, is := range b.cat.Snapshot().Databases[name].Tables {
			if is.Kind != topo.Single || is.Closed != "" {
				t.Errorf("%s: %s is %s %s", name, table, is.Kind, is.Closed)
			}
		}
		got, err := exec.CommandContext(timeout(t), "mariadb-dump", "--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-uroot", "--compact", "--skip-extended-insert", name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		ours := regexp.MustCompile(` /\*!999999 SHARD KEY \(\) \*/`)
		if got := ours.ReplaceAllString(string(got), ""); got != want {
			t.Errorf("%s: the dump is\n%s\nand should be\n%s", name, got, want)
		}
		c.fails(1452, "INSERT INTO books (author_id) VALUES (9)")
		c.exec("DELETE FROM accounts WHERE id = 2")
		c.want("SELECT account_id, role FROM account_roles", "1|x")
		c.exec("INSERT INTO accounts (name) VALUES ('c')")
		c.want("SELECT * FROM accounts ORDER BY id", "1|a/3|c!")
		c.exec("DELETE FROM `Users` WHERE id = 2")
		c.want("SELECT p.id, p.UserId, COUNT(t.TagId) FROM Posts p LEFT JOIN PostTags t ON t.PostId = p.id GROUP BY 1, 2 ORDER BY 1", "1|1|2/2|NULL|1/3|NULL|0")
	}
}
