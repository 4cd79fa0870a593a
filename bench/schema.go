package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

// ddlStep is a kind of statement, and the one for the i-th table; once: there is one for all tables.
type ddlStep struct {
	name string
	once bool
	sql  func(i int) string
}

// ddlSteps are what an application's schema and its migrations are made of.
var ddlSteps = []ddlStep{
	{"CREATE DATABASE", true, func(int) string { return "CREATE DATABASE app" }},
	{"CREATE TABLE", false, func(i int) string {
		more := ""
		switch i % 3 {
		case 0:
			more = ", UNIQUE (email)"
		case 1:
			more = fmt.Sprintf(", parent INT, FOREIGN KEY (parent) REFERENCES app.t%d (id) ON DELETE CASCADE", i-1)
		}
		return fmt.Sprintf("CREATE TABLE app.t%d (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(80) NOT NULL, name VARCHAR(200), amount DECIMAL(10,2) DEFAULT 0, created DATETIME, body TEXT, KEY (name),"+
			" KEY (created, amount)%s)", i, more)
	}},
	{"ALTER TABLE … ADD COLUMN", false, func(i int) string { return fmt.Sprintf("ALTER TABLE app.t%d ADD COLUMN more INT", i) }},
	{"CREATE INDEX", false, func(i int) string { return fmt.Sprintf("CREATE INDEX by_more ON app.t%d (more)", i) }},
	{"DROP TABLE", false, func(i int) string { return fmt.Sprintf("DROP TABLE app.t%d", i) }},
	{"DROP DATABASE", true, func(int) string { return "DROP DATABASE app" }},
}

// schema measures DDL at a plain server and at clusters of two leaves, with replicas and without, one statement at each in turn: what else the machine does all of them notice.
func schema(ctx context.Context, tables int) (err error) {
	sides := []string{"plain server", "2 leaves, no replicas", "2 leaves, replicas"}
	dbs := make([]*dbsql.DB, len(sides))
	for i, redundancy := range []string{"1", "2"} {
		c, err := startCluster(ctx, 2, "--redundancy", redundancy)
		if c != nil {
			defer func() { err = errors.Join(err, c.close()) }()
		}
		if err != nil {
			return err
		}
		dbs[i+1] = c.db
		if dbs[0] == nil {
			f, err := localfarm.Start(ctx, localfarm.Config{Dir: filepath.Join(c.dir, "plain"), Leaves: 1, ClusterPublicKey: unusedKey})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			if dbs[0], err = dbsql.Open("mysql", "root@unix("+f.Leaves()[0].Socket+")/"); err != nil {
				return err
			}
			defer dbs[0].Close()
		}
	}
	fmt.Printf("schema: %d tables with keys, a third with a foreign key; medians in ms, and how many times as long as at the plain server\n\n| statement | %s | %s | | %s | |\n| --- | --: | --: | --: | --: | --: |\n",
		tables, sides[0], sides[1], sides[2])
	for _, step := range ddlSteps {
		took := make([][]time.Duration, len(dbs))
		for i := range tables {
			n := i
			if step.name == "DROP TABLE" { // before those that they reference
				n = tables - 1 - i
			}
			for at, db := range dbs {
				began := time.Now()
				if _, err := db.ExecContext(ctx, step.sql(n)); err != nil {
					return fmt.Errorf("%s: %s: %w", sides[at], step.sql(n), err)
				}
				took[at] = append(took[at], time.Since(began))
			}
			if step.once {
				break
			}
		}
		line := "| " + step.name
		plain := median(took[0])
		for at := range dbs {
			m := median(took[at])
			line += fmt.Sprintf(" | %.1f", float64(m.Microseconds())/1000)
			if at > 0 {
				line += fmt.Sprintf(" | %.1f", float64(m)/float64(plain))
			}
		}
		fmt.Println(line + " |")
	}
	return nil
}
