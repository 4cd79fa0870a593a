package localfarm_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// replica makes the account that replicas log in by: MariaDB's own client library has no ed25519.
const replica = "SET sql_log_bin=0; CREATE USER replica@'%' IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE ON *.* TO replica@'%'; SET sql_log_bin=1"

// MariaDB does not start with such files, or replicates more than it was told. A connection that is cut off is removed, the other one goes on, and it can be made
// again; one whose relay logs alone are to blame goes on, too.
func TestCutOffReplication(t *testing.T) {
	f := farmtest.Start(t, 3)
	target, first, second := f.Leaves()[0], f.Leaves()[1], f.Leaves()[2]
	change := func(name string, source localfarm.Leaf, domain int) string {
		return fmt.Sprintf("CHANGE MASTER '%s' TO MASTER_USE_GTID=slave_pos, MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='replica', MASTER_PASSWORD='secret', MASTER_CONNECT_RETRY=1, "+
			"DO_DOMAIN_IDS=(%d); START SLAVE '%s';", name, source.Port, domain, name)
	}
	for _, source := range []localfarm.Leaf{first, second} {
		query(t, source, replica)
	}
	query(t, target, change("Leaf-2", first, 7)+change("kept", second, 8))
	links := func() string {
		t.Helper()
		var out []string
		for line := range strings.Lines(query(t, target, `SHOW ALL SLAVES STATUS\G`, "-uroot", "--column-names")) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch name {
			case "Connection_name":
				out = append(out, value)
			case "Replicate_Do_Domain_Ids":
				out[len(out)-1] += " " + value
			}
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	const both, one = "Leaf-2 7, kept 8", "kept 8"
	if got := links(); got != both {
		t.Fatalf("connections: %s", got)
	}
	row := 0
	replicates := func(source localfarm.Leaf, domain int) {
		t.Helper()
		row++
		query(t, source, fmt.Sprintf("SET gtid_domain_id=%d; INSERT INTO d%d.t VALUES (%d)", domain, domain, row))
		look := fmt.Sprintf("SELECT COUNT(*) FROM d%d.t WHERE a=%d", domain, row)
		eventually(t, fmt.Sprint("a row of domain ", domain), func() bool {
			got, err := try(target, look)
			return err == nil && got == "1"
		})
	}
	for domain, source := range map[int]localfarm.Leaf{7: first, 8: second} {
		query(t, source, fmt.Sprintf("SET gtid_domain_id=%d; CREATE DATABASE d%d; CREATE TABLE d%d.t (a INT)", domain, domain, domain))
	}
	replicates(first, 7)
	replicates(second, 8)
	data := filepath.Join(target.Dir, "data")
	for _, c := range []struct {
		what, file string
		lines      int // that are left, or gone, or another
		want       string
	}{
		{"nothing", "", 0, both},
		{"master info, empty", "master-leaf@002d2.info", 0, one},
		{"master info, no user", "master-leaf@002d2.info", 4, one},
		{"master info, no port", "master-leaf@002d2.info", 6, one},
		{"master info, no domains", "master-leaf@002d2.info", 33, one},
		{"master info, half of the domains", "master-leaf@002d2.info", 35, one},
		{"master info, removed", "master-leaf@002d2.info", gone, one},
		{"relay log info, empty", "relay-log-leaf@002d2.info", 0, both},
		{"relay log info, no position", "relay-log-leaf@002d2.info", 2, both},
		{"relay log info, one line short", "relay-log-leaf@002d2.info", 5, both},
		{"relay log info, removed", "relay-log-leaf@002d2.info", gone, both},
		{"relay log info, of a log that is no more", "relay-log-leaf@002d2.info", another, both},
		{"relay log index, empty", "relay-leaf@002d2.index", 0, both},
		{"index of connections, empty", "multi-master.info", 0, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			ctx := within(t, time.Minute)
			if err := f.Stop(ctx, 0); err != nil {
				t.Fatal(err)
			}
			if c.file != "" {
				cut(t, filepath.Join(data, c.file), c.lines)
			}
			if err := f.StartLeaf(ctx, 0); err != nil {
				t.Fatal(err)
			}
			if got := links(); got != c.want {
				t.Fatalf("connections: %q, want %q", got, c.want)
			}
			if c.want != both {
				query(t, target, "STOP ALL SLAVES;"+change("Leaf-2", first, 7))
			}
			if c.want == "" {
				query(t, target, change("kept", second, 8))
			}
			if got := links(); got != both {
				t.Fatalf("made again: %s", got)
			}
			query(t, target, "START ALL SLAVES")
			replicates(first, 7)
			replicates(second, 8)
		})
	}
}

const (
	gone    = -1 // the file is removed
	another = -2 // it names another log
)

// cut leaves the first lines of a file, or removes it, or has it name another relay log: MariaDB writes the position seldom, and finds an old one after a kill.
func cut(t *testing.T, file string, lines int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if lines == another {
		if err := os.WriteFile(file, bytes.Replace(text, []byte(".0000"), []byte(".0009"), 1), 0o660); err != nil {
			t.Fatal(err)
		}
		return
	}
	if lines == gone {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		return
	}
	at := 0
	for range lines {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			t.Fatalf("%s has fewer than %d lines:\n%s", file, lines, text)
		}
		at += n + 1
	}
	if at == len(text) {
		t.Fatalf("%s has only %d lines", file, lines)
	}
	if err := os.Truncate(file, int64(at)); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}
