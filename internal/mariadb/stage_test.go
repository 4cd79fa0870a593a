package mariadb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// direct is a session of an account that logs in to a leaf itself.
func direct(t *testing.T, l localfarm.Leaf, user string) *sql.Conn {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd = "tcp", l.Addr(), user, "p"
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// An account that logs in to a leaf itself can't put rows of its own before a table that a routine of others reads, whatever it may read there.
func TestNobodyElseShadowsTables(t *testing.T) {
	farm := farmtest.Shared(t, 2)
	s, pools := servers(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l := farm.Leaves()[0]
	c, err := pools.Get(ctx, backend.Want{Leaf: l.Name, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	c.ResetOnRelease()
	run := func(sql ...string) {
		t.Helper()
		for _, q := range sql {
			if _, err := c.Query(ctx, q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
	}
	run(unlogged, "CREATE OR REPLACE DATABASE shade", "CREATE TABLE shade.admins (name VARCHAR(20) PRIMARY KEY)",
		"CREATE FUNCTION shade.admin() RETURNS INT READS SQL DATA SQL SECURITY DEFINER RETURN (SELECT COUNT(*) FROM shade.admins WHERE name = SUBSTRING_INDEX(USER(), '@', 1))",
		"CREATE OR REPLACE USER mallory@'%' IDENTIFIED BY 'p'", "GRANT SELECT, EXECUTE, PROCESS ON *.* TO mallory@'%'", "GRANT CREATE ROUTINE, ALTER ROUTINE ON shade.* TO mallory@'%'")
	defer run("DROP DATABASE shade", "DROP USER mallory@'%'")

	m := direct(t, l, "mallory")
	refused := func(code uint16, q string) {
		t.Helper()
		_, err := m.ExecContext(ctx, q)
		var e *mysql.MySQLError
		if !errors.As(err, &e) || e.Number != code {
			t.Errorf("%s: %v, want error %d", q, err, code)
		}
	}
	number := func(q string) (n int64) {
		t.Helper()
		if err := m.QueryRowContext(ctx, q).Scan(&n); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		return n
	}
	const stage, given = "CALL orbweaver.stage('shade', 'admins', NULL)", "CALL orbweaver.stage('shade', 'admins', 'AS SELECT ''mallory'' AS name')"
	refused(1370, stage)
	refused(1370, given)
	refused(1044, "CREATE TEMPORARY TABLE shade.admins AS SELECT 'mallory' AS name")
	refused(1044, "CREATE TEMPORARY TABLE orbweaver.copy AS SELECT 'mallory' AS name")
	// It may look for tickets, and can't write any.
	id := number("SELECT CONNECTION_ID()")
	refused(1142, fmt.Sprintf("INSERT INTO orbweaver.tickets VALUES (%d)", id))
	if n := number("SELECT COUNT(*) FROM orbweaver.tickets"); n != 0 {
		t.Errorf("%d tickets", n)
	}
	// Another connection's ticket is of no use, and one of its own is of none when it has ended.
	run("START TRANSACTION", fmt.Sprintf("INSERT INTO orbweaver.tickets VALUES (%d)", id+1))
	refused(1370, given)
	run("ROLLBACK", "START TRANSACTION", fmt.Sprintf("INSERT INTO orbweaver.tickets VALUES (%d)", id), "ROLLBACK")
	refused(1370, given)
	if n := number("SELECT shade.admin()"); n != 0 {
		t.Error("the account is what it says of itself")
	}
	// By a routine of its own neither, nor in a transaction.
	if _, err := m.ExecContext(ctx, "CREATE PROCEDURE shade.try() SQL SECURITY INVOKER "+given); err != nil {
		t.Fatal(err)
	}
	refused(1370, "CALL shade.try()")
	if _, err := m.ExecContext(ctx, "START TRANSACTION"); err != nil {
		t.Fatal(err)
	}
	refused(1568, given)
	if _, err := m.ExecContext(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}

	// With a ticket it is what nodes do: the right rows, for that session alone, without rights to write them, and nothing in the binary log.
	before := position(t, s, l.Name)
	for _, call := range []string{stage, "CALL orbweaver.stage('shade', 'admins', '(name VARCHAR(20) PRIMARY KEY)')"} {
		n := direct(t, l, "mallory")
		var own int64
		if err := n.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&own); err != nil {
			t.Fatal(err)
		}
		run("START TRANSACTION", fmt.Sprintf("INSERT INTO orbweaver.tickets VALUES (%d)", own))
		for _, q := range []string{"SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", call, "INSERT INTO shade.admins VALUES ('mallory')"} {
			if _, err := n.ExecContext(ctx, q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
		run("ROLLBACK")
		var is int
		if err := n.QueryRowContext(ctx, "SELECT COUNT(*) FROM shade.admins a JOIN shade.admins b USING (name)").Scan(&is); err != nil || is != 1 {
			t.Error(is, err)
		}
	}
	if n := number("SELECT COUNT(*) FROM shade.admins"); n != 0 {
		t.Errorf("%d rows stand before the table in another session", n)
	}
	if after := position(t, s, l.Name); after != before {
		t.Errorf("the binary log went from %s to %s", before, after)
	}
	if count(t, s, l.Name, "orbweaver.tickets") != "0" {
		t.Error("tickets have stayed")
	}
}

func position(t *testing.T, s *Servers, leaf string) string {
	t.Helper()
	p, err := s.BinlogPosition(context.Background(), leaf)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(p.String(), ",", " ")
}
