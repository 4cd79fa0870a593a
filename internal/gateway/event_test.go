package gateway

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/schedule"

	"fmt"
)

// Events are run as their definers, under what they were made under, by the cluster and never by a leaf, as often as they should be.
func TestEventsAreRun(t *testing.T) {
	b := cluster(t)
	for i := range b.farm.Leaves() {
		b.leaf(t, i, "SET GLOBAL event_scheduler=ON")
		defer b.leaf(t, i, "SET GLOBAL event_scheduler=OFF")
	}
	c := b.database(t, "evdb")
	c.exec("CREATE TABLE tick (id BIGINT AUTO_INCREMENT PRIMARY KEY, e VARCHAR(20), who VARCHAR(80), db VARCHAR(20), mode VARCHAR(80), zone VARCHAR(20), v VARCHAR(20))")
	b.account(t, "'evmaker'@'%'", "IDENTIFIED BY 'p'")
	c.exec("GRANT SELECT, INSERT ON evdb.* TO 'evmaker'@'%'")
	maker := b.as(t, "evmaker", "p", "evdb")
	maker.fails(1044, "CREATE EVENT often ON SCHEDULE EVERY 1 SECOND DO DO 1")
	c.exec("GRANT EVENT ON evdb.* TO 'evmaker'@'%'")
	c.fails(1227, "CREATE DEFINER=orbweaver@`%` EVENT no ON SCHEDULE EVERY 1 SECOND DO DO 1")
	maker = b.as(t, "evmaker", "p", "evdb")
	maker.exec("SET time_zone = '+05:00', sql_mode = 'ANSI_QUOTES'")
	maker.exec("CREATE EVENT often ON SCHEDULE EVERY 1 SECOND DO INSERT INTO \"tick\" (e, who, db, mode, zone, v) VALUES ('often', CURRENT_USER(), DATABASE(), @@sql_mode, @@time_zone, 'é')")
	n := func(e string) int {
		i, err := strconv.Atoi(c.rows("SELECT COUNT(*) FROM tick WHERE e = ?", e))
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	waitFor(t, func() bool { return n("often") >= 2 })
	c.want("SELECT DISTINCT who, db, mode, zone, v FROM tick", "evmaker@%|evdb|ANSI_QUOTES|+05:00|é")
	c.want("SELECT STATUS, LAST_EXECUTED >= STARTS, LAST_EXECUTED <= NOW() + INTERVAL 5 HOUR, ORIGINATOR FROM information_schema.EVENTS WHERE EVENT_NAME = 'often' AND EVENT_SCHEMA = 'evdb'", "ENABLED|1|1|1")
	maker.exec("ALTER EVENT often DISABLE")
	waitFor(t, func() bool { return b.g.events.Stats().Running == 0 })
	had := n("often")

	// Once, and then it is no more, or rests.
	c.exec("CREATE EVENT once ON SCHEDULE AT NOW() + INTERVAL 1 SECOND DO INSERT INTO tick (e) VALUES ('once')")
	c.exec("CREATE EVENT rests ON SCHEDULE AT NOW() + INTERVAL 1 SECOND ON COMPLETION PRESERVE DO INSERT INTO tick (e) VALUES ('rests')")
	c.exec("CREATE EVENT ends ON SCHEDULE EVERY 1 SECOND ENDS NOW() + INTERVAL 2 SECOND DO INSERT INTO tick (e) VALUES ('ends')")
	c.exec("CREATE PROCEDURE told (what VARCHAR(20)) INSERT INTO tick (e) VALUES (what)")
	c.exec("CREATE EVENT loops ON SCHEDULE AT NOW() + INTERVAL 1 SECOND DO BEGIN DECLARE n INT DEFAULT 3; WHILE n > 0 DO CALL told('loops'); SET n = n - 1; END WHILE; END")
	c.exec("CREATE EVENT asks ON SCHEDULE AT NOW() + INTERVAL 1 SECOND DO IF (SELECT COUNT(*) FROM tick WHERE e = 'never') = 0 THEN CALL told('asks'); END IF")
	// What fails keeps nobody from going on.
	failed := b.g.events.Stats().Failed
	c.exec("CREATE EVENT fails ON SCHEDULE EVERY 1 SECOND DO INSERT INTO nothere VALUES (1)")
	waitFor(t, func() bool {
		return c.rows("SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'evdb' AND EVENT_NAME IN ('once', 'ends', 'loops', 'asks')") == "0" && n("rests") == 1 && n("loops") == 3 && n("asks") == 1
	})
	c.want("SELECT COUNT(*) FROM tick WHERE e = 'once'", "1")
	if got := n("ends"); got < 1 || got > 3 {
		t.Errorf("an event was run %d times in 2 seconds", got)
	}
	c.want("SELECT STATUS, LAST_EXECUTED >= EXECUTE_AT FROM information_schema.EVENTS WHERE EVENT_NAME = 'rests'", "DISABLED|1")
	if got := c.rows("SHOW CREATE EVENT rests"); !strings.Contains(got, "ON COMPLETION PRESERVE DISABLE DO") {
		t.Error(got)
	}
	waitFor(t, func() bool { return b.g.events.Stats().Failed > failed })
	if got := n("often"); got != had {
		t.Errorf("an event that is disabled was run %d times", got-had)
	}
	for i := range b.farm.Leaves() {
		if got := b.leaf(t, i, "SELECT GROUP_CONCAT(name, ' ', status, ' ', IFNULL(last_executed, '') ORDER BY name) FROM mysql.event WHERE db = 'evdb'"); got !=
			"fails SLAVESIDE_DISABLED ,often SLAVESIDE_DISABLED ,rests SLAVESIDE_DISABLED " {
			t.Error(got)
		}
	}

	// Without the right on events the definer has none that is run.
	c.exec("DROP EVENT fails")
	c.exec("CREATE EVENT beside ON SCHEDULE EVERY 1 SECOND DO INSERT INTO tick (e) VALUES ('beside')")
	c.exec("REVOKE EVENT ON evdb.* FROM 'evmaker'@'%'")
	c.exec("ALTER DEFINER = 'evmaker'@'%' EVENT often ENABLE")
	failed = b.g.events.Stats().Failed
	waitFor(t, func() bool { return b.g.events.Stats().Failed > failed && n("beside") > 0 })
	if got := n("often"); got != had {
		t.Errorf("an event was run %d times without the right", got-had)
	}
	// Switched off, and on again.
	c.exec("SET GLOBAL event_scheduler = OFF")
	c.want("SELECT @@GLOBAL.event_scheduler", "OFF")
	c.exec("DROP EVENT often")
	c.exec("CREATE EVENT later ON SCHEDULE EVERY 1 SECOND DO INSERT INTO tick (e) VALUES ('later')")
	c.want("SHOW WARNINGS", "Warning|1105|Event scheduler is switched off, use SET GLOBAL event_scheduler=ON to enable it.")
	c.exec("SET GLOBAL event_scheduler = ON")
	waitFor(t, func() bool { return n("later") > 0 })

	const said = "SELECT EVENT_NAME, DEFINER, TIME_ZONE, EVENT_DEFINITION, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, SQL_MODE, STARTS, ENDS, STATUS, ON_COMPLETION FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1"
	before := c.rows(said)
	dump, err := exec.CommandContext(timeout(t), "mariadb-dump", "--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-uroot", "--events", "--no-create-info", "--no-data", "evdb").CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, dump)
	}
	for _, e := range []string{"rests", "beside", "later"} {
		c.exec("DROP EVENT " + e)
	}
	had = n("later")
	if out, err := b.cli(t, "root", "", string(dump), "evdb"); err != nil {
		t.Fatalf("%s %s", out, dump)
	}
	c.want(said, before)
	waitFor(t, func() bool { return n("later") > had })
	c.exec("DROP DATABASE evdb")
	c.want("SELECT COUNT(*) FROM information_schema.EVENTS", "0")
}

// Two nodes run each due time of an event once, and where one stops the other goes on.
func TestEventsAreRunByOneNode(t *testing.T) {
	b := alone(t, Config{})
	other := b.beside(t, "node-2")
	c := b.database(t, "evtwo")
	c.exec("CREATE TABLE tick (id BIGINT AUTO_INCREMENT PRIMARY KEY)")
	c.exec("CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO INSERT INTO tick VALUES ()")
	rows := func() int64 {
		i, err := strconv.ParseInt(c.rows("SELECT COUNT(*) FROM tick"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	waitFor(t, func() bool { return rows() >= 2 })
	if !b.g.events.Stats().Leads || other.g.events.Stats().Leads {
		t.Fatal("the first node does not run events alone")
	}
	b.g.events.Resign()
	had := rows()
	waitFor(t, func() bool { return other.g.events.Stats().Leads && rows() >= had+2 })
	c.exec("ALTER EVENT e DISABLE")
	waitFor(t, func() bool { return b.g.events.Stats().Running+other.g.events.Stats().Running == 0 })
	runs, err := b.cat.Runs(timeout(t))
	if err != nil {
		t.Fatal(err)
	}
	e := b.cat.Snapshot().Event("evtwo", "e")
	times, err := schedule.Of(e)
	if err != nil {
		t.Fatal(err)
	}
	if due := runs[e.ID].Due - times.Starts + 1; rows() > due || b.g.events.Stats().Runs+other.g.events.Stats().Runs != uint64(rows()) {
		t.Errorf("%d rows were written at %d due times", rows(), due)
	}
	c.exec("DROP DATABASE evtwo")
	if runs, err = b.cat.Runs(timeout(t)); err != nil || len(runs) != 0 {
		t.Error(runs, err)
	}
}
