package move

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// BenchmarkCopy compares a copy, which is verified, with mariadb-dump piped into mariadb, which is not.
func BenchmarkCopy(b *testing.B) {
	farm := farmtest.Start(b, 2, "innodb_buffer_pool_size=512M", "innodb_log_file_size=256M")
	c := copier(b, farm)
	ctx := context.Background()
	from, to := farm.Leaves()[0], farm.Leaves()[1]
	for i, kind := range []struct {
		name         string
		tables, rows int
		columns      string
		insert       string // of one row; seq is its number
	}{
		{"sysbench", 4, 100_000, "id INT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY (k)",
			"NULL, RAND()*100000, LEFT(REPEAT(SHA2(seq, 256), 2), 119), LEFT(SHA2(seq, 256), 60)"},
		{"numbers", 1, 400_000, "id INT PRIMARY KEY, a INT, b BIGINT, c DECIMAL(10,2), d DOUBLE, e DATETIME(6), f INT, KEY (a)",
			"seq, RAND()*1000000, seq*1000003, seq/7, RAND(), '2020-01-01' + INTERVAL seq SECOND, NULL"},
		{"enums", 1, 300_000, "id INT AUTO_INCREMENT PRIMARY KEY, e ENUM('small','medium','large'), s SET('a','b','c'), v VARCHAR(40)",
			"seq, 1 + seq MOD 3, seq MOD 8, SHA1(seq)"},
		{"small", 300, 10, "id INT PRIMARY KEY, v VARCHAR(40)", "seq, 'x'"},
		{"blobs", 1, 800, "id INT PRIMARY KEY, v MEDIUMBLOB", "seq, REPEAT(UNHEX(SHA2(seq, 512)), 1600)"},
	} {
		schema, domain := fmt.Sprintf("bench_%d", i), uint32(901+i)
		if err := c.Servers.Serve(ctx, from.Name, schema, domain, 1); err != nil {
			b.Fatal(err)
		}
		w := session(b, c, from.Name, schema, domain)
		query(b, w, "CREATE DATABASE "+schema, "USE "+schema)
		for n := range kind.tables {
			query(b, w, fmt.Sprintf("CREATE TABLE t%d (%s)", n, kind.columns),
				fmt.Sprintf("INSERT INTO t%d SELECT %s FROM mysql.seq_1_to_%d", n, kind.insert, kind.rows))
		}
		b.Run(kind.name, func(b *testing.B) {
			best := [2]time.Duration{time.Hour, time.Hour}
			measure := func(i int, f func() error) {
				began := time.Now()
				if err := f(); err != nil {
					b.Fatal(err)
				}
				best[i] = min(best[i], time.Since(began))
			}
			for b.Loop() { // by turns, since other work on the machine comes and goes
				measure(0, func() error {
					_, err := c.Copy(ctx, Spec{Schema: schema, Domain: domain, From: from.Name, To: to.Name})
					return err
				})
				measure(1, func() error {
					pipe := fmt.Sprintf("mariadb-dump --no-defaults -u root -S %s --single-transaction --databases %s --add-drop-database |"+
						" mariadb --no-defaults -u root -S %s --init-command='SET SESSION sql_log_bin=0'", from.Socket, schema, to.Socket)
					out, err := exec.Command("sh", "-c", pipe).CombinedOutput()
					if err != nil {
						return fmt.Errorf("%w: %s", err, out)
					}
					return nil
				})
			}
			b.ReportMetric(float64(best[0].Milliseconds()), "copy-ms")
			b.ReportMetric(float64(best[1].Milliseconds()), "dump-ms")
			b.ReportMetric(float64(best[1])/float64(best[0]), "dump/copy")
		})
		query(b, w, "DROP DATABASE "+schema)
	}
}
