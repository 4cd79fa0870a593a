package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// talker is a client that tells everything that a server says, the status flags included.
type talker struct {
	t      *testing.T
	c      *wire.Conn
	warned bool        // the last result was an error, or had warnings
	file   string      // what LOAD DATA LOCAL is given
	said   chan string // the answer of a statement that was begun and not waited for
}

func talkTo(t *testing.T, network, addr, db string) *talker {
	t.Helper()
	nc, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := wire.Connect(context.Background(), nc, &wire.ClientConfig{User: "root", Database: db, Caps: wire.ClientMultiStatements | wire.ClientLocalFiles})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &talker{t: t, c: c}
}

// say is what a statement answers: its results, and the warnings after them.
func (k *talker) say(sql string) string {
	_ = k.c.SetDeadline(time.Now().Add(time.Minute)) // a broken socket tells when it is read
	out, err := k.ask(sql)
	if err == nil && k.warned { // MariaDB keeps those of statements before where a statement names no table
		var warnings string
		if warnings, err = k.ask("SHOW WARNINGS"); err == nil {
			_, rows, _ := strings.Cut(warnings, "\n")
			// InnoDB says of some waits twice that they took too long.
			out += "\nwarnings " + strings.Join(slices.Compact(strings.Split(rows, "\n")), "\n")
		}
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, errReset):
		return out + "\ngone"
	case err != nil:
		return out + "\n" + err.Error()
	}
	return out
}

func (k *talker) ask(sql string) (string, error) {
	if err := k.send(wire.AppendCommand(nil, wire.ComQuery, sql), true); err != nil {
		return "", err
	}
	var out []string
	for {
		text, status, err := k.result()
		out = append(out, text)
		if err != nil || status&wire.StatusMoreResults == 0 {
			return strings.Join(out, "\n"), err
		}
	}
}

func (k *talker) send(packet []byte, command bool) error {
	start := k.c.StartPacket
	if command {
		start = k.c.StartCommand
	}
	if err := k.c.FinishPacket(append(start(), packet...)); err != nil {
		return errReset
	}
	if err := k.c.Flush(); err != nil {
		return errReset
	}
	return nil
}

var errReset = errors.New("the connection is closed")

// result reads one result.
func (k *talker) result() (text string, status wire.Status, err error) {
	k.warned = false
	p, err := k.c.ReadPacket()
	if err != nil {
		return "", 0, errReset
	}
	if wire.IsLocalInfile(p) {
		for _, data := range []string{k.file, ""} {
			if data == "" || k.file != "" {
				if err := k.send([]byte(data), false); err != nil {
					return "", 0, err
				}
			}
		}
		if p, err = k.c.ReadPacket(); err != nil {
			return "", 0, errReset
		}
	}
	var ok wire.OK
	switch {
	case wire.IsError(p):
		text, err := k.failed(p)
		return text, 0, err
	case wire.IsOK(p):
		if err := wire.ParseOK(p, k.c.Caps(), &ok); err != nil {
			return "", 0, err
		}
		k.warned = ok.Warnings > 0
		if strings.HasPrefix(string(ok.Info), "Records: 0  Dup") {
			ok.Info = nil // ALTER TABLE, which the node does not repeat
		}
		return fmt.Sprintf("ok %d affected, id %d, %d warnings, %s, %s", ok.AffectedRows, ok.InsertID, ok.Warnings, flags(ok.Status), ok.Info), ok.Status, nil
	}
	n, _, err := wire.ParseColumnCount(p, k.c.Caps())
	if err != nil {
		return "", 0, err
	}
	var names []string
	for range n {
		if p, err = k.c.ReadPacket(); err != nil {
			return "", 0, errReset
		}
		var c wire.Column
		if err := wire.ParseColumn(p, k.c.Caps(), &c); err != nil {
			return "", 0, err
		}
		names = append(names, string(c.Name))
	}
	if !k.c.Caps().Has(wire.ClientDeprecateEOF) {
		if _, err = k.c.ReadPacket(); err != nil {
			return "", 0, errReset
		}
	}
	var rows []string
	for {
		if p, err = k.c.ReadPacket(); err != nil {
			return "", 0, errReset
		}
		if wire.IsError(p) {
			text, err := k.failed(p)
			return text, 0, err
		}
		if wire.IsEOF(p, k.c.Caps()) {
			break
		}
		values := make([][]byte, n)
		if err := wire.SplitTextRow(p, values); err != nil {
			return "", 0, err
		}
		row := make([]string, n)
		for i, v := range values {
			if row[i] = string(v); v == nil {
				row[i] = "NULL"
			}
		}
		rows = append(rows, strings.Join(row, "|"))
	}
	if status, err = wire.PeekStatus(p, k.c.Caps()); err != nil {
		return "", 0, err
	}
	slices.Sort(rows)
	k.warned = p[1]|p[2] > 0 // an EOF packet's count
	return strings.Join(append([]string{strings.Join(names, ",") + " " + flags(status)}, rows...), "\n"), status, nil
}

func (k *talker) failed(p []byte) (string, error) {
	k.warned = true
	e, err := wire.ParseError(p)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("error %d %s %s", e.Code, e.State, e.Message), nil
}

// flags are the bits of a status that are a transaction's.
func flags(s wire.Status) string {
	out := ""
	for _, f := range []struct {
		bit  wire.Status
		name string
	}{{wire.StatusInTrans, " transaction"}, {wire.StatusInTransReadonly, " read-only"}, {wire.StatusAutocommit, " autocommit"}, {wire.StatusMoreResults, " more"}} {
		if s&f.bit != 0 {
			out += f.name
		}
	}
	return "[" + strings.TrimSpace(out) + "]"
}

// actor is a server that scripts are run at.
type actor struct {
	t       *testing.T
	talk    func() *talker
	waiting func() string // how many transactions wait for locks there
	open    map[string]*talker
}

// step runs a line of a script, `name: statement`: by the session of that name. With & behind the name the statement is not waited for: it waits for a lock,
// and `name: .` is its answer.
func (s *actor) step(line string) string {
	s.t.Helper()
	name, sql, ok := strings.Cut(line, ": ")
	if !ok {
		s.t.Fatalf("no step: %s", line)
	}
	name, behind := strings.CutSuffix(name, "&")
	k := s.open[name]
	if k == nil {
		k = s.talk()
		s.open[name] = k
	}
	switch {
	case behind:
		k.said = make(chan string, 1)
		go func() { k.said <- k.say(sql) }()
		for deadline := time.Now().Add(30 * time.Second); s.waiting() == "0"; {
			select {
			case out := <-k.said:
				k.said <- out
				return "not waited for"
			case <-time.After(250 * time.Millisecond): // InnoDB shows nothing new to those who ask more often than every 0.1 s
			}
			if time.Now().After(deadline) {
				s.t.Fatalf("%s does not wait", line)
			}
		}
		return "waits"
	case sql == ".":
		return <-k.said
	case sql == "FILL":
		sql = "INSERT INTO t VALUES (10000, 0, 'x')"
		for i := range 400 {
			sql += fmt.Sprintf(", (%d, 0, 'x')", 10001+i)
		}
	}
	if file, of, ok := strings.Cut(sql, " <<< "); ok {
		sql, k.file = file, strings.ReplaceAll(of, "/", "\n")
	}
	return k.say(sql)
}

func (s *actor) close() {
	for _, k := range s.open {
		k.c.Close()
	}
	s.open = map[string]*talker{}
}

// alikeSides are a cluster whose database has four partitions and a plain server, with the same tables.
func alikeSides(t *testing.T, db string) (ours, theirs *actor) {
	t.Helper()
	b := cluster(t)
	b.database(t, db)
	farm := farmtest.Start(t, 1)
	plain := plainClient(t, farm)
	plain.exec("CREATE DATABASE " + db)
	ours = &actor{t: t, open: map[string]*talker{}, talk: func() *talker { return talkTo(t, "tcp", b.addr.String(), db) },
		waiting: func() string {
			for i := range 2 {
				if n := b.leaf(t, i, lockWaits); n != "0" {
					return n
				}
			}
			return "0"
		}}
	theirs = &actor{t: t, open: map[string]*talker{}, talk: func() *talker { return plainTalker(t, farm, db) },
		waiting: func() string { return plain.rows(lockWaits) }}
	return ours, theirs
}

const lockWaits = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"

func plainTalker(t *testing.T, farm *localfarm.Farm, db string) *talker {
	return talkTo(t, "unix", farm.Leaves()[0].Socket, db)
}

// alikeTables are made and filled ahead of each script: t with partitions, r on all leaves.
var alikeTables = []string{
	"DROP TABLE IF EXISTS t, r, made, made2",
	"CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL, s VARCHAR(20), CONSTRAINT small CHECK (v < 1000), CONSTRAINT good CHECK (s <> 'bad'))",
	"CREATE %s TABLE r (id INT PRIMARY KEY, v INT)",
	"INSERT INTO t VALUES (1,10,'a'),(2,20,'b'),(3,30,'c'),(4,40,'d'),(5,50,'e'),(6,60,'f'),(7,70,'g'),(8,80,'h')",
	"INSERT INTO r VALUES (1,1),(2,2)",
}

// Whatever a client says of transactions over several partitions is answered as one server answers it: results, counts, warnings, errors, status flags.
func TestTransactionsAlike(t *testing.T) {
	t.Parallel()
	ours, theirs := alikeSides(t, "txalike")
	text, err := os.ReadFile("testdata/transactions.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range strings.Split(string(text), "\n# ")[1:] {
		name, steps, _ := strings.Cut(script, "\n")
		t.Run(name, func(t *testing.T) {
			ours.t, theirs.t = t, t
			defer ours.close()
			defer theirs.close()
			for _, sql := range alikeTables {
				if out := ours.step("z: " + strings.ReplaceAll(sql, "%s", "REFERENCE")); strings.HasPrefix(out, "error") {
					t.Fatal(sql, out)
				}
				if out := theirs.step("z: " + strings.ReplaceAll(sql, " %s", "")); strings.HasPrefix(out, "error") {
					t.Fatal(sql, out)
				}
			}
			for n, line := range strings.Split(strings.TrimSpace(steps), "\n") {
				our, their := ours.step(line), theirs.step(line)
				if our != their {
					t.Errorf("%d: %s\nwe say      %s\nMariaDB says %s", n+1, line, our, their)
				}
			}
		})
	}
}
