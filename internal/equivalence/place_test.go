package equivalence

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
	"github.com/orbweaver/orbweaver/internal/gateway/gatewaytest"
)

// What would tell of a leaf tells of the node, or of the whole: the same wherever and however it is asked, in columns like MariaDB's.
func TestVariablesOfThePlace(t *testing.T) {
	p := newPair(t, "eq_place", 4, answer.Caps)
	n, _ := gatewaytest.Shared(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(n.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{ // as SHOW VARIABLES shows them
		"hostname": host, "port": port, "report_port": port, "server_id": "1", "gtid_domain_id": "0", "gtid_slave_pos": "", "log_bin": "OFF", "log_bin_basename": "",
		"datadir": "", "tmpdir": "", "pid_file": "", "socket": "", "general_log_file": "", "have_ssl": "DISABLED",
	}
	const filled = "hostname, port, report_port, server_id, gtid_domain_id, log_bin, have_ssl"
	both := func(sql string, prepared bool) (node, plain answer.Result) {
		t.Helper()
		p.prepared = prepared
		a, b, ok := p.run(sql, how{})
		if !ok || len(a) != 1 || a[0].Err != nil || len(b) != 1 || b[0].Err != nil {
			t.Fatalf("%s: %v %+v %+v", sql, ok, a, b)
		}
		return a[0], b[0]
	}
	for _, prepared := range []bool{false, true} {
		for name, want := range known {
			for _, scope := range []string{"", "global."} {
				sql := "SELECT @@" + scope + name
				node, plain := both(sql, prepared)
				value := node.Rows[0].Cells[0]
				if asRead := strings.NewReplacer("OFF", "0").Replace(want); value != asRead && (value != "NULL" || want != "") {
					t.Errorf("%s: %s, want %s", sql, value, asRead)
				}
				if plain.Columns[0].Type != node.Columns[0].Type || value == plain.Rows[0].Cells[0] || !strings.Contains(filled, name) {
					node.Columns[0].Length, plain.Columns[0].Length = 0, 0 // that of a string is its own
				}
				if a, b := answer.Describe(&node.Columns[0]), answer.Describe(&plain.Columns[0]); a != b {
					t.Errorf("%s: column %s\nwant %s", sql, a, b)
				}
			}
			for sql, want := range map[string]string{
				"SHOW VARIABLES LIKE '" + name + "'":                                                                       name + " " + want,
				"SHOW GLOBAL VARIABLES WHERE Variable_name = '" + name + "' AND Value = '" + want + "'":                    name + " " + want,
				"SELECT * FROM information_schema.SESSION_VARIABLES WHERE VARIABLE_NAME = '" + strings.ToUpper(name) + "'": strings.ToUpper(name) + " " + want,
				"SELECT VARIABLE_NAME, GLOBAL_VALUE FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME = '" + name + "' AND GLOBAL_VALUE_PATH IS NULL": strings.ToUpper(
					name) + " " + want,
			} {
				p.prepared = prepared
				res, _, ok := p.run(sql, how{text: strings.Contains(sql, "LIKE")})
				if !ok || len(res[0].Rows) != 1 || strings.Join(res[0].Rows[0].Cells, " ") != want {
					t.Errorf("%s: %+v, want %s", sql, res[0].Rows, want)
				}
			}
		}
	}
	must(t, p.node, "CREATE TABLE t (id BIGINT PRIMARY KEY, h VARCHAR(80), p INT)")
	for sql, want := range map[string]string{
		"CREATE TABLE cs (PRIMARY KEY (p)) SELECT @@hostname AS h, @@port AS p, @@datadir":         "",
		"INSERT INTO t VALUES (@@port, @@hostname, @@global.port), (1, CONCAT('x', @@datadir), 2)": "",
		"SET @h = @@hostname, @p = @@port": "",
	} {
		if got := must(t, p.node, sql); len(got[0].Rows) != 0 || want != "" {
			t.Errorf("%s: %+v", sql, got)
		}
	}
	for sql, want := range map[string]string{
		"SELECT h, p FROM t WHERE id = @@port": host + " " + port,
		"SELECT h, p, `@@datadir` FROM cs":     host + " " + port + " ",
		"SELECT @h, @p":                        host + " " + port,
		"SELECT h FROM t WHERE id = 1":         "x",
		"SELECT COUNT(*), @@port + 1 - id FROM t WHERE p = @@`port` GROUP BY @@port ORDER BY @@port DESC": "1 1",
		"SELECT @@server_id UNION SELECT @@port - @@port + 1":                                             "1",
		"EXECUTE IMMEDIATE 'SELECT @@port = ?' USING @@port":                                              "1",
		"SELECT id = @@port FROM t ORDER BY LAST_INSERT_ID(), @@port, 1 DESC LIMIT 1":                     "1",
	} {
		res, err := p.node.Query(sql)
		if err != nil || res[0].Err != nil || len(res[0].Rows) != 1 || strings.Join(res[0].Rows[0].Cells, " ") != want {
			t.Errorf("%s: %v %+v, want %s", sql, err, res, want)
		}
	}
	p.prepared = false
	for _, sql := range []string{
		"SELECT @@session.port", "SELECT @@local.datadir", "SELECT @@global.last_gtid", "SET port = 1", "SET GLOBAL datadir = 'x'",
		"SELECT @@autocommit, @@session.autocommit + 1 AS n UNION SELECT 1, 2", "SELECT @@skip_networking, @@large_files_support",
	} {
		p.same(sql, how{})
	}
	for _, sql := range []string{"SET GLOBAL gtid_slave_pos = ''", "SET GLOBAL general_log_file = 'x'", "SET server_id = 7"} {
		if res, err := p.node.Query(sql); err != nil || res[0].Err == nil || res[0].Err.Code != 1235 {
			t.Errorf("%s: %v %+v", sql, err, res)
		}
	}
	// Nothing that a leaf keeps to itself is said.
	for _, sql := range []string{"SHOW GLOBAL VARIABLES", "SHOW VARIABLES", "SELECT * FROM information_schema.SYSTEM_VARIABLES"} {
		text := fmt.Sprint(must(t, p.node, sql)[0].Rows)
		for _, l := range n.Farm.Leaves() {
			for _, betrays := range []string{l.Name + "/", fmt.Sprint(" ", l.Port, " "), fmt.Sprint(" ", l.Port, "]")} {
				if strings.Contains(text, betrays) {
					t.Errorf("%s tells of %q", sql, betrays)
				}
			}
		}
	}
}
