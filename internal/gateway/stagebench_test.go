package gateway

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// BenchmarkStaged is what a staged join costs: of few rows, and of many.
func BenchmarkStaged(b *testing.B) {
	c, err := newBench(farmtest.Shared(b, 2), Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.close()
	ctx := context.Background()
	pool, err := sql.Open("mysql", c.dsn("root", "", "", ""))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	db, err := pool.Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	exec := func(all ...string) {
		for _, q := range all {
			if _, err := db.ExecContext(ctx, q); err != nil {
				b.Fatalf("%.100s: %v", q, err)
			}
		}
	}
	exec("DROP DATABASE IF EXISTS bst", "CREATE DATABASE bst PARTITIONS 4", "USE bst",
		"CREATE TABLE a (id INT PRIMARY KEY, k INT, v VARCHAR(60))", "CREATE TABLE b (id INT PRIMARY KEY, k INT, v VARCHAR(60))")
	const rows = 200_000
	for at := 0; at < rows; at += 10_000 {
		var v []string
		for i := at; i < at+10_000; i++ {
			v = append(v, fmt.Sprintf("(%d,%d,'hello world, this is a row of a table %d')", i, i*7919%rows, i))
		}
		exec("INSERT INTO a VALUES " + strings.Join(v, ","))
	}
	exec("INSERT INTO b SELECT id, k, v FROM a WHERE id < 100")
	for _, q := range []struct{ name, sql string }{
		{"tiny", "SELECT x.id, y.v FROM b x JOIN b y ON x.k = y.id WHERE x.id = 5"},
		{"two", "SELECT x.id, y.v FROM a x JOIN b y ON x.k = y.id WHERE x.id = 5"},
		{"narrow", "SELECT COUNT(*) FROM b x JOIN a y ON x.k = y.id"},
		{"rows", "SELECT COUNT(x.v), COUNT(y.v) FROM a x JOIN b y ON x.k = y.id OR y.k = x.id + 1 WHERE y.id = 7"},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := db.ExecContext(ctx, q.sql); err != nil {
					b.Fatal(err)
				}
			}
			if q.name == "rows" {
				b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			}
		})
	}
	exec("DROP DATABASE bst")
}
