package spider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// node is a server with the real Spider, in the database x, with the foreign servers a and b.
func node(t *testing.T) *sql.Conn {
	t.Helper()
	return farmtest.Connect(t, farmtest.Shared(t, 1).Leaves()[0],
		"SET sql_log_bin=0", "INSTALL SONAME 'ha_spider'", "CREATE OR REPLACE DATABASE x", "USE x",
		"CREATE OR REPLACE SERVER a FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')", "CREATE OR REPLACE SERVER b FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')").Conn
}

// columns are those of mysql.spider_tables that say what was written, and the parameters that say it.
var columns = []struct{ column, param, otherwise string }{
	{"server", "server", ""}, {"scheme", "wrapper", ""}, {"host", "host", ""}, {"port", "port", ""}, {"socket", "socket", ""}, {"username", "user", ""},
	{"password", "password", ""}, {"ssl_ca", "ssl_ca", ""}, {"ssl_cipher", "ssl_cipher", ""}, {"ssl_verify_server_cert", "ssl_verify_server_cert", "0"},
	{"monitoring_binlog_pos_at_failing", "monitoring_binlog_pos_at_failing", "0"}, {"default_file", "default_file", ""}, {"dsn", "dsn", ""},
	{"tgt_db_name", "database", ""}, {"tgt_table_name", "table", ""}, {"static_link_id", "static_link_id", ""}, {"link_status", "link_status", "1"},
	{"priority", "priority", "1000000"},
}

const absent = "NULL"

// spiderSays is what Spider makes of a table, and the error that it refuses it with.
func spiderSays(t *testing.T, c *sql.Conn, table *Table) (string, uint16) {
	t.Helper()
	ctx := context.Background()
	for _, s := range []string{"DROP TABLE IF EXISTS t", "DELETE FROM mysql.spider_tables"} {
		if _, err := c.ExecContext(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.ExecContext(ctx, create(table)); err != nil {
		var e *mysql.MySQLError
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", create(table), err)
		}
		return "", e.Number
	}
	list := ""
	for _, col := range columns {
		list += ", COALESCE(" + col.column + ", '" + absent + "')"
	}
	rows, err := c.QueryContext(ctx, "SELECT CONCAT_WS('|', table_name, link_id"+list+") FROM mysql.spider_tables ORDER BY table_name, link_id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		out.WriteString(row + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String(), 0
}

// weSay is the same of Read.
func weSay(table *Table) (string, error) {
	s, err := Read(table)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for i := range s.Places {
		p := &s.Places[i]
		_, err := p.Links("x", "t", servers(Server{Name: "a"}, Server{Name: "b"}))
		if err != nil {
			return "", err
		}
		for link := range p.Count {
			row := p.Name("t") + "|" + strconv.Itoa(link)
			for _, col := range columns {
				v, ok := p.Text(col.param, link)
				switch {
				case col.param == "password" && len(p.Passwords) > 0:
					v = p.Passwords[min(link, len(p.Passwords)-1)].Reveal()
				case ok && col.param == "link_status" && v == "0": // as it is, which is OK at first
					v = "1"
				case !ok && col.otherwise != "":
					v = col.otherwise
				case !ok:
					v = absent
				}
				if !strings.HasPrefix(col.column, "ssl_ca") && col.column != "socket" && col.column != "default_file" {
					v = strings.TrimRight(v, " ") // CHAR columns
				}
				row += "|" + v
			}
			out.WriteString(row + "\n")
		}
	}
	return out.String(), nil
}

func create(table *Table) string {
	var q strings.Builder
	q.WriteString("CREATE TABLE t (a INT PRIMARY KEY) ENGINE=SPIDER" + clauses(&table.Info))
	for i, p := range table.Parts {
		if i == 0 {
			q.WriteString(" PARTITION BY KEY (a) (")
		} else {
			q.WriteString(", ")
		}
		q.WriteString("PARTITION " + p.Name + clauses(&p.Info))
	}
	if len(table.Parts) > 0 {
		q.WriteString(")")
	}
	return q.String()
}

func clauses(in *Info) string {
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'" }
	out := ""
	if in.Comment != "" {
		out += " COMMENT=" + quote(in.Comment)
	}
	if in.Connection != "" {
		out += " CONNECTION=" + quote(in.Connection)
	}
	for _, name := range options {
		if o := in.option(name); o != nil {
			out += " REMOTE_" + strings.ToUpper(name) + "=" + quote(*o)
		}
	}
	return out
}

// generator makes connect information, right and wrong.
type generator struct{ *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// rarely is true once in n times.
func (g generator) rarely(n int) bool { return g.IntN(n) == 0 }

func (g generator) value(name string) string {
	p := byName[strings.ToLower(name)]
	switch {
	case g.rarely(12):
		return g.pick("", " ", "a ", "1 ", "x", "1 2", "a b", "a b a", " 7 ", strings.Repeat("w", 65), strings.Repeat("w", 64))
	case p == nil || p.kind == integers || p.kind == integer || p.kind == decimal:
		return g.pick("0", "1", "2", "7", "3306", "99999", "-1", "1 2", "0  3", " 2 1")
	case p.name == "wrapper":
		return g.pick("mysql", "mariadb", "MYSQL", "mysql mariadb")
	case p.name == "server", g.rarely(2):
		return g.pick("a", "b", "a b", "b  a", "B")
	}
	var out strings.Builder
	for range g.IntN(7) {
		out.WriteString(g.pick("a", "b", "é", "1", " b", `\ `, `\\`, `\n`, `\t`, `\'`, `\"`, "'", ",", "\t"))
	}
	return out.String()
}

func (g generator) info() string {
	var out strings.Builder
	for i := range g.IntN(4) {
		if i > 0 {
			out.WriteString(g.pick(", ", ", ", ",", " ,\n", ",\t", " , "))
			if g.rarely(12) {
				out.WriteString(g.pick(",", ";", "x"))
			}
		} else if g.rarely(12) {
			out.WriteString(g.pick(" ", "\n", ","))
		}
		name := g.pick("host", "user", "password", "port", "srv", "server", "table", "tbl", "database", "socket", "wrapper", "lst", "link_status", "svc",
			"sca", "ssl_cipher", "mbp", "dff", "dsn", "sli", "static_link_id", "prt", "priority", "bmd", "siv", "cto", "Host", "PORT", "alc", "bke")
		if g.rarely(40) {
			name = "nosuch"
		}
		quote := g.pick(`"`, `"`, `'`)
		out.WriteString(name + g.pick(" ", " ", " ", "\n", "\t "))
		out.WriteString(quote + g.value(name) + quote)
		if g.rarely(20) {
			out.WriteString(g.pick(" ", "", "x", `"`) + `table "u"`)
		}
	}
	if g.rarely(8) {
		out.WriteString(g.pick(",", " ", ", "))
	}
	return out.String()
}

func (g generator) table() *Table {
	t := &Table{Info: Info{Comment: g.info()}, Keys: 1}
	option := func() *string {
		if !g.rarely(12) {
			return nil
		}
		v := g.pick("a", "b", "a b", "", "a ")
		return &v
	}
	t.Table, t.Database = option(), option()
	if !g.rarely(3) {
		t.Connection = g.info()
		return t
	}
	for i := range 1 + g.IntN(2) { // without a CONNECTION of the table, which MariaDB loses
		p := Part{Name: "p" + strconv.Itoa(i), Info: Info{Comment: g.pick("", g.info()), Connection: g.pick("", g.info())}}
		p.Table, p.Server = option(), option()
		t.Parts = append(t.Parts, p)
	}
	return t
}

// commas writes what may be set apart by blanks alone as Spider wants it.
func commas(in Info) Info {
	for _, s := range []*string{&in.Comment, &in.Connection} {
		list, err := pairs(*s)
		if err != nil {
			continue
		}
		out := ""
		for _, p := range list {
			if out != "" {
				out += ","
			}
			quote := `"`
			if !strings.Contains(*s, quote+p.value+quote) {
				quote = `'`
			}
			out += p.name + " " + quote + p.value + quote
		}
		*s = out
	}
	return in
}

// Spider and Read accept the same texts, and read the same in them, but for what doc.go lists.
func TestAgainstSpider(t *testing.T) {
	c := node(t)
	seed := rand.Uint64()
	if s := os.Getenv("SPIDER_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	n := 400
	if s := os.Getenv("SPIDER_TABLES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	accepted := 0
	for i := range n {
		table := g.table()
		strict := *table
		strict.Info, strict.Parts = commas(table.Info), nil
		for _, p := range table.Parts {
			p.Info = commas(p.Info)
			strict.Parts = append(strict.Parts, p)
		}
		ours, err := weSay(table)
		for _, asked := range []*Table{table, &strict} {
			theirs, code := spiderSays(t, c, asked)
			if code == 0 && err == nil && theirs == ours {
				accepted++
			} else if complaint := differ(ours, err, theirs, code, asked == table); complaint != "" {
				t.Errorf("SPIDER_SEED=%d, table %d: %s\n%s\nSpider says %d\n%swe say %v\n%s", seed, i, complaint, create(asked), code, theirs, err, ours)
			}
		}
	}
	if accepted < n/2 {
		t.Errorf("SPIDER_SEED=%d: only %d answers of %d were alike", seed, accepted, 2*n)
	}
}

// differ says how two answers differ that should not. verbatim: Spider was asked for the text that we read, and not for one with commas.
func differ(ours string, err error, theirs string, code uint16, verbatim bool) string {
	switch {
	case err == nil && code != 0 && !verbatim:
		return "we accept it"
	case err == nil && code == 0 && theirs != ours:
		return "it is read in another way"
	case err != nil && code == 0:
		var e *Error
		if !errors.As(err, &e) {
			return "not a known error"
		}
		for _, why := range []string{"not a number", "a space at the end of a list"} {
			if e.Kind == ErrInvalid && strings.Contains(e.Message, why) {
				return ""
			}
		}
		return fmt.Sprintf("we refuse it with %d", e.Number)
	}
	return ""
}
