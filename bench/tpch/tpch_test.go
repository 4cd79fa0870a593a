package tpch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/gateway"
	"github.com/orbweaver/orbweaver/internal/gateway/gatewaytest"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// table is a table's rows, by column.
func table(t *testing.T, d Data, name string) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Write(&b, name); err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(b.String()) {
		out = append(out, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return out
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.Replace(s, ".", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The rows are those that the specification describes, as far as the queries can tell.
func TestData(t *testing.T) {
	d := Data{Scale: 0.01, Seed: 1}
	sizes := map[string]int{"region": 5, "nation": 25, "supplier": 100, "part": 2000, "partsupp": 8000, "customer": 1500, "orders": 15000}
	all := map[string][][]string{}
	for _, name := range Tables {
		all[name] = table(t, d, name)
		if n, want := len(all[name]), sizes[name]; want > 0 && n != want {
			t.Errorf("%d rows of %s, want %d", n, name, want)
		}
		keys := map[string]bool{}
		for _, row := range all[name] {
			key := row[0]
			switch name {
			case "partsupp":
				key += "," + row[1]
			case "lineitem":
				key += "," + row[3]
			}
			if keys[key] {
				t.Fatalf("%s has %s twice", name, key)
			}
			keys[key] = true
		}
	}
	if n := len(all["lineitem"]); n < 55_000 || n > 65_000 {
		t.Errorf("%d lines", n)
	}
	complaints := 0
	for _, s := range all["supplier"] {
		if strings.Contains(s[6], "Customer") && strings.Contains(s[6], "Complaints") {
			complaints++
		}
	}
	if complaints != 1 {
		t.Errorf("%d suppliers that were complained about", complaints)
	}
	supplied := map[string]bool{}
	for _, ps := range all["partsupp"] {
		supplied[ps[0]+","+ps[1]] = true
	}
	prices := map[string]int{}
	for _, p := range all["part"] {
		prices[p[0]] = number(t, p[7])
		if p[3][6] != p[2][13] {
			t.Fatalf("%s of %s", p[3], p[2])
		}
	}
	totals, states := map[string]int{}, map[string]map[string]bool{}
	for _, l := range all["lineitem"] {
		if !supplied[l[1]+","+l[2]] {
			t.Fatalf("supplier %s does not have part %s", l[2], l[1])
		}
		quantity, extended := number(t, l[4])/100, number(t, l[5])
		if extended != quantity*prices[l[1]] {
			t.Fatalf("%d of part %s for %d", quantity, l[1], extended)
		}
		totals[l[0]] += (extended*(100+number(t, l[7]))*(100-number(t, l[6])) + 5000) / 10_000
		if l[10] >= l[12] || (l[8] == "N") != (l[12] > "1995-06-17") || (l[9] == "O") != (l[10] > "1995-06-17") {
			t.Fatalf("line %v", l)
		}
		if states[l[0]] == nil {
			states[l[0]] = map[string]bool{}
		}
		states[l[0]][l[9]] = true
	}
	special := 0
	for _, o := range all["orders"] {
		if number(t, o[1])%3 == 0 {
			t.Fatalf("customer %s has an order", o[1])
		}
		if o[4] < "1992-01-01" || o[4] > "1998-08-02" {
			t.Fatalf("an order of %s", o[4])
		}
		if number(t, o[3]) != totals[o[0]] {
			t.Fatalf("order %s is %s, its lines are %d", o[0], o[3], totals[o[0]])
		}
		want := "P"
		if s := states[o[0]]; !s["O"] {
			want = "F"
		} else if !s["F"] {
			want = "O"
		}
		if o[2] != want {
			t.Fatalf("order %s is %s, want %s", o[0], o[2], want)
		}
		if at := strings.Index(o[8], "special"); at >= 0 && strings.Contains(o[8][at:], "requests") {
			special++
		}
	}
	if special == 0 || special > 1000 {
		t.Errorf("%d orders with special requests", special)
	}
}

// The same scale and seed give the same rows, another seed gives others.
func TestDataIsItsSeeds(t *testing.T) {
	sum := func(d Data) (s string) {
		for _, name := range Tables {
			h := sha256.New()
			if err := d.Write(h, name); err != nil {
				t.Fatal(err)
			}
			s += fmt.Sprintf("%x ", h.Sum(nil))
		}
		return s
	}
	a, b, c := sum(Data{0.002, 1}), sum(Data{0.002, 1}), sum(Data{0.002, 2})
	if a != b || a == c {
		t.Errorf("%s, again %s, by another seed %s", a, b, c)
	}
}

// patience is a limit for what hangs.
const patience = 10 * time.Minute

func connect(t *testing.T, addr string) *sql.Conn {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", addr, "root"
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// All queries have the same answers at a cluster and at a plain server.
func TestQueries(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	node, err := gatewaytest.Start(farmtest.Shared(t, 2), gateway.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	l := farmtest.Shared(t, 1).Leaves()[0]
	cluster, plain := connect(t, node.Addr.String()), connect(t, fmt.Sprintf("%s:%d", l.Host, l.Port))
	scale := 0.01 // with the seed below all queries have rows
	for c, partitions := range map[*sql.Conn]string{cluster: " PARTITIONS 4", plain: ""} {
		for _, q := range []string{"CREATE DATABASE tpch" + partitions, "USE tpch"} {
			if _, err := c.ExecContext(ctx, q); err != nil {
				t.Fatal(err)
			}
		}
		if err := Load(ctx, c, Data{Scale: scale, Seed: 20}, Usual, nil); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= Queries; n++ {
		q := Query(n, scale)
		got, err := Rows(ctx, cluster, q)
		if err != nil {
			t.Errorf("query %d: %v", n, err)
			continue
		}
		want, err := Rows(ctx, plain, q)
		if err != nil {
			t.Fatalf("query %d at the plain server: %v", n, err)
		}
		if len(want) == 0 || want[0] == "NULL" {
			t.Errorf("query %d has no rows: the seed is not one that it was chosen to be", n)
		}
		if !slices.Equal(got, want) {
			t.Errorf("query %d: %d rows, want %d\n%.600s\nwant\n%.600s", n, len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}
