package main

import (
	"fmt"
	"strings"
	"testing"
)

// large reads a million rows of 250 bytes through the node, as they come and merged in order, which must not make it grow: they are more than its limit.
func large(t *testing.T, p *process) {
	const rows, limit = 1_000_000, 180 << 10 // kB
	d := p.open(t, "")
	d.SetMaxOpenConns(1)
	do(t, d, "CREATE DATABASE large PARTITIONS 2", "USE large",
		"CREATE TABLE a (id INT PRIMARY KEY, name VARCHAR(250))", "CREATE REFERENCE TABLE r (n INT PRIMARY KEY)",
		"INSERT INTO a VALUES "+numbered(1000, "(%[1]d,'name of row %[1]d"+strings.Repeat(".", 220)+"')"),
		"INSERT INTO r VALUES "+numbered(rows/1000, "(%d)"))
	for _, q := range []string{"SELECT a.id, a.name, r.n FROM a JOIN r", "SELECT a.id, a.name, r.n FROM a JOIN r ORDER BY a.id"} {
		got := 0
		res, err := d.Query(q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		for res.Next() {
			got++
			if got%100_000 == 0 {
				if rss := p.memory(t); rss > limit {
					t.Fatalf("%s: after %d rows the node has %d MB", q, got, rss>>10)
				}
			}
		}
		if err := res.Err(); err != nil || got != rows {
			t.Fatalf("%s: %d rows, %v", q, got, err)
		}
		t.Logf("%s: %d rows, %d MB", q, got, p.memory(t)>>10)
	}
	do(t, d, "DROP DATABASE large")
}

// numbered is a list of n rows.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i+1)
	}
	return b.String()
}
