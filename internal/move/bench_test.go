package move

import (
	"context"
	"fmt"
	"os/exec"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// BenchmarkCopy compares a copy, which is verified, with mariadb-dump piped into mariadb, which is not: four tables as sysbench has them.
func BenchmarkCopy(b *testing.B) {
	farm := farmtest.Start(b, 2, "innodb_buffer_pool_size=512M", "innodb_log_file_size=256M")
	c := copier(b, farm)
	ctx := context.Background()
	from, to := farm.Leaves()[0], farm.Leaves()[1]
	if err := c.Servers.Serve(ctx, from.Name, "bench_0", 901, 1); err != nil {
		b.Fatal(err)
	}
	w := session(b, c, from.Name, "bench_0", 901)
	query(b, w, "CREATE DATABASE bench_0", "USE bench_0")
	const tables, rows = 4, 100_000
	for i := range tables {
		query(b, w, fmt.Sprintf("CREATE TABLE t%d (id INT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY k (k))", i),
			fmt.Sprintf("INSERT INTO t%d (k, c, pad) SELECT RAND()*%d, LEFT(REPEAT(SHA2(seq, 256), 2), 119), LEFT(SHA2(seq, 256), 60) FROM mysql.seq_1_to_%d", i, rows, rows))
	}
	const size = tables * rows * 190
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			if _, err := c.Copy(ctx, Spec{Schema: "bench_0", Domain: 901, From: from.Name, To: to.Name}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("dump", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			pipe := fmt.Sprintf("mariadb-dump --no-defaults -u root -S %s --single-transaction --databases bench_0 --add-drop-database |"+
				" mariadb --no-defaults -u root -S %s --init-command='SET SESSION sql_log_bin=0'", from.Socket, to.Socket)
			if out, err := exec.Command("sh", "-c", pipe).CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}
	})
}
