package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestLoginAsTheClient(t *testing.T) {
	f := farmtest.Shared(t, 1)
	p := poolsFor(t, f)
	schema(t, p, "login", "CREATE OR REPLACE USER 'ann'@'10.%' IDENTIFIED VIA mysql_native_password USING PASSWORD('x') OR ed25519 USING '"+
		farmtest.ClusterPublicKey+"'", "GRANT SELECT ON login.* TO 'ann'@'10.%'")
	w := Want{Leaf: "leaf-1", Schema: "login", Variant: VariantOf(wire.ServerCaps), Account: Account{User: "ann", Host: "10.%"}}
	w.Account.ClientIP = clientIP().Next()
	_, err := p.Get(context.Background(), w)
	if e, ok := AsPacket(err); !ok || e.Code != wire.ErAccessDenied {
		t.Errorf("from 127.0.0.2: %v", err)
	}
	w.Account.ClientIP = tenNet()
	c := get(t, p, w)
	if got := one(t, c, "SELECT user(), current_user(), database()"); got != "ann@10.1.2.3|ann@10.%|login" {
		t.Error(got)
	}
	_, err = c.Query(context.Background(), "CREATE TABLE t (a int)")
	if e, ok := AsPacket(err); !ok || e.Code != wire.ErTableAccessDenied {
		t.Error(err)
	}
	c.Release()
}

func TestStateFollowsTheSession(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	schema(t, p, "state_a")
	schema(t, p, "state_b")
	var s *State
	s = s.With("names", "NAMES latin1").With("sql_mode", "sql_mode='ANSI'").With("@a", "@a=x'41'").With("collation_connection", "collation_connection=latin1_bin")
	const seen = "SELECT @@character_set_client, @@collation_connection, @@sql_mode LIKE '%ANSI_QUOTES%', @a, database()"
	want := func(w Want, text string) {
		t.Helper()
		c := get(t, p, w)
		defer c.Release()
		if got := one(t, c, seen); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
	w := leaf1
	w.Schema = "state_a"
	want(w, "utf8mb4|utf8mb4_general_ci|0|∅|state_a")
	w.State, w.Schema = s, "state_b"
	want(w, "latin1|latin1_bin|1|A|state_b")
	w.State = s.With("@a", "@a=7").With("names", "NAMES utf8mb4") // NAMES comes last now
	want(w, "utf8mb4|utf8mb4_general_ci|1|7|state_b")
	w.State = s
	want(w, "latin1|latin1_bin|1|A|state_b")
	w.State = s.Without("@a")
	want(w, "latin1|latin1_bin|1|∅|state_b")
	w.State = nil
	want(w, "utf8mb4|utf8mb4_general_ci|0|∅|state_b")
	w.Schema = ""
	want(w, "utf8mb4|utf8mb4_general_ci|0|∅|∅")
	if st := p.Stats()[0]; st.Resets == 0 || st.Retargets == 0 || st.Opened > 4 || st.RoundTrip < 0 {
		t.Errorf("%+v", st)
	}
	w.State = (*State)(nil).With("sql_mode", "sql_mode='nonsense'")
	_, err := p.Get(context.Background(), w)
	var refused *PrepareError
	if !errors.As(err, &refused) || refused.Err.Code != 1231 {
		t.Errorf("a bad assignment: %v", err)
	}
	w = leaf1
	w.Schema = "nowhere"
	_, err = p.Get(context.Background(), w)
	if e, ok := AsPacket(err); !ok || e.Code != wire.ErBadDB {
		t.Errorf("a database that is not: %v", err)
	}
}

// Connections go from partitions, where they wait for those who read slowly, to elsewhere and back without a reset.
func TestPatience(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	own := (*State)(nil).With("@a", "@a=1").With("net_write_timeout", "net_write_timeout=7").With("@b", "@b=2")
	for _, x := range []struct {
		state *State
		want  string
	}{
		{(*State)(nil).Patient(), "86400|∅|∅"}, {nil, "60|∅|∅"}, {own, "7|1|2"}, {own.Patient(), "86400|1|2"}, {own.Without("net_write_timeout"), "60|1|2"},
		{own.Without("net_write_timeout").Patient(), "86400|1|2"}, {own, "7|1|2"},
	} {
		w := leaf1
		w.Schema, w.State = "mysql", x.state
		c := get(t, p, w)
		if got := one(t, c, "SELECT @@net_write_timeout, @a, @b"); got != x.want {
			t.Errorf("got %s, want %s", got, x.want)
		}
		c.Release()
	}
	if n := p.Stats()[0].Resets; n > 0 {
		t.Errorf("%d resets", n)
	}
}

func TestQueuedStatementsLeaveTogether(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	schema(t, p, "queued", "CREATE TABLE queued.t (a int primary key) ENGINE=InnoDB")
	w := leaf1
	w.Schema = "queued"
	c := get(t, p, w)
	c.Queue("START TRANSACTION")
	c.Queue("SAVEPOINT s")
	if r, err := c.Query(context.Background(), "INSERT INTO t VALUES (1),(2)"); err != nil || r.Affected != 2 || r.Status&wire.StatusInTrans == 0 {
		t.Fatal(r, err)
	}
	if !c.InTransaction() {
		t.Error("not in a transaction")
	}
	// A refused statement ahead is an error, even when the command goes well; the connection goes on.
	c.Queue("ROLLBACK TO SAVEPOINT nix")
	_, err := c.Query(context.Background(), "SELECT 1")
	var refused *PrepareError
	if !errors.As(err, &refused) || refused.Err.Code != 1305 {
		t.Errorf("%v", err)
	}
	if got := one(t, c, "SELECT count(*) FROM t"); got != "2" {
		t.Error(got)
	}
	c.Release() // in a transaction: it is closed, and MariaDB rolls back
	c = get(t, p, w)
	defer c.Release()
	if got := one(t, c, "SELECT count(*) FROM t"); got != "0" {
		t.Error(got)
	}
	// LOAD DATA LOCAL behind a queued statement: the numbers of packets go on.
	for _, queued := range []bool{false, true} {
		if queued {
			c.Queue("DO 1")
		}
		if err := c.Send(wire.ComQuery, []byte("LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE t")); err != nil {
			t.Fatal(err)
		}
		if pk, err := c.Next(); err != nil || pk.Kind != KindInfile {
			t.Fatal(pk.Kind, pk.Err(), err)
		}
		for _, d := range []string{"10\n", "11\n12\n", ""} {
			if err := c.SendData([]byte(d)); err != nil {
				t.Fatal(err)
			}
		}
		if pk, err := c.Next(); err != nil || pk.Kind != KindOK || !c.Done() {
			t.Fatal(pk.Kind, pk.Err(), err)
		}
		if c.Affected < 3 {
			t.Errorf("loaded %d", c.Affected)
		}
	}
	if err := c.Drain(); err != nil {
		t.Error(err)
	}
}

// longlong is the body of COM_STMT_EXECUTE with one parameter.
func longlong(n byte) []byte {
	return []byte{0, 1, 0, 0, 0, 0, 1, byte(wire.TypeLongLong), 0, n, 0, 0, 0, 0, 0, 0, 0}
}

// execute runs a statement of one column and gives its rows' last bytes.
func execute(t testing.TB, c *Conn, text string, body []byte) (values []byte, failed *wire.ServerError) {
	t.Helper()
	if err := c.SendExecute(text, body); err != nil {
		t.Fatal(err)
	}
	for !c.Done() {
		p, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		switch p.Kind {
		case KindRow:
			values = append(values, p.Payload[2])
		case KindErr:
			failed = p.Err()
		}
	}
	return values, failed
}

// A leaf that tells of 65,535 parameters reads nothing more until it is listened to.
func TestLongExecuteWaitsForThePrepare(t *testing.T) {
	const params = 65535
	p := poolsFor(t, farmtest.Shared(t, 1))
	c := get(t, p, leaf1)
	defer c.Release()
	text := "SELECT ?" + strings.Repeat(",?", params-1)
	body := append(make([]byte, 5+(params+7)/8), 1)
	body[1] = 1 // iterations
	for range params {
		body = append(body, byte(wire.TypeVarString), 0)
	}
	body = append(body, make([]byte, params)...) // each an empty string
	for range 2 {
		if got, e := execute(t, c, text, body); e != nil || len(got) != 1 {
			t.Fatal(got, e)
		}
	}
	if _, e := execute(t, c, strings.Replace(text, "?", "? FROM nix.nix WHERE ?", 1), body); e == nil || e.Code != 1064 {
		t.Fatal(e)
	}
	c.Queue("SAVEPOINT")
	var refused *PrepareError
	if err := c.SendExecute(strings.ToLower(text), body); err != nil {
		t.Fatal(err)
	} else if _, err := c.Next(); !errors.As(err, &refused) || !c.Done() {
		t.Fatal(err)
	}
	if got := one(t, c, "SELECT 7"); got != "7" {
		t.Error(got)
	}
}

func TestPreparedStatementsAreCached(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1), func(c *Config) { c.MaxStatements = 3 })
	schema(t, p, "prep_a", "CREATE TABLE prep_a.t (a bigint) SELECT 1 a")
	schema(t, p, "prep_b", "CREATE TABLE prep_b.t (a bigint) SELECT 2 a")
	for _, v := range []Variant{Internal, Internal &^ Variant(wire.ClientDeprecateEOF), VariantOf(wire.ServerCaps)} {
		w := leaf1
		w.Schema, w.Variant = "prep_a", v
		c := get(t, p, w)
		for range 3 {
			if got, e := execute(t, c, "SELECT CAST(? AS SIGNED)+1", longlong(5)); e != nil || string(got) != "\x06" {
				t.Fatalf("%v %v", got, e)
			}
			if _, e := execute(t, c, "SELECT * FROM nix WHERE a=?", longlong(5)); e == nil || e.Code != wire.ErNoSuchTable {
				t.Fatal(e)
			}
		}
		prepares := one(t, c, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'")
		if prepares != "Com_stmt_prepare|4" {
			t.Error(prepares)
		}
		// The same text in another database is another statement.
		for range 2 {
			for want, db := range []string{1: "prep_a", 2: "prep_b"} {
				if db == "" {
					continue
				}
				w.Schema = db
				if err := c.Retarget(context.Background(), w); err != nil {
					t.Fatal(err)
				}
				if got, e := execute(t, c, "SELECT a FROM t", []byte{0, 1, 0, 0, 0}); e != nil || int(got[0]) != want {
					t.Fatalf("%s: %v %v", db, got, e)
				}
			}
		}
		// So it is under another sql_mode: "a" is a column then.
		for i, mode := range []string{"", "ANSI_QUOTES", ""} {
			w.State = w.State.With("sql_mode", "sql_mode='"+mode+"'")
			if err := c.Retarget(context.Background(), w); err != nil {
				t.Fatal(err)
			}
			want := "a"
			if i == 1 {
				want = "\x02"
			}
			if got, e := execute(t, c, `SELECT "a" FROM t`, []byte{0, 1, 0, 0, 0}); e != nil || string(got) != want {
				if i != 1 && e == nil && len(got) == 1 { // a string: length, then text
					continue
				}
				t.Fatalf("%q: %q %v", mode, got, e)
			}
		}
		// Evicted ones are closed at the leaf.
		for i := range 20 {
			if _, e := execute(t, c, fmt.Sprintf("SELECT %d", i), []byte{0, 1, 0, 0, 0}); e != nil {
				t.Fatal(e)
			}
		}
		closes := one(t, c, "SHOW SESSION STATUS LIKE 'Com_stmt_close'")
		if n := strings.TrimPrefix(closes, "Com_stmt_close|"); len(n) < 2 {
			t.Error(closes)
		}
		// A wrong guess of the id costs a round trip and nothing else.
		c.stmts.next += 7
		if got, e := execute(t, c, "SELECT CAST(? AS SIGNED)+2", longlong(5)); e != nil || string(got) != "\x07" {
			t.Fatalf("%v %v", got, e)
		}
		c.Release()
	}
}

// A refused COM_STMT_PREPARE must not have the statement before it executed.
func TestRefusedPrepareExecutesNothing(t *testing.T) {
	f := farmtest.Start(t, 1)
	p := poolsFor(t, f)
	schema(t, p, "refused", "CREATE TABLE refused.t (a bigint)", "SET GLOBAL max_prepared_stmt_count=1")
	w := leaf1
	w.Schema = "refused"
	c := get(t, p, w)
	defer c.Release()
	if _, e := execute(t, c, "INSERT INTO t VALUES (?)", longlong(1)); e != nil {
		t.Fatal(e)
	}
	for range 3 {
		if _, e := execute(t, c, "INSERT INTO t VALUES (?+100)", longlong(2)); e == nil || e.Code != 1461 {
			t.Fatal(e)
		}
	}
	if got := one(t, c, "SELECT group_concat(a) FROM t"); got != "1" {
		t.Error(got)
	}
}

func TestCancelledStatementIsKilled(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	schema(t, p, "cancel", "CREATE TABLE cancel.t (a int primary key) ENGINE=InnoDB")
	w := leaf1
	w.Schema = "cancel"
	c := get(t, p, w)
	c.Queue("START TRANSACTION")
	if _, err := c.Query(context.Background(), "INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := c.Query(ctx, "SELECT 1 FROM (SELECT sleep(300)) s, t"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(began); d > time.Minute {
		t.Errorf("took %s", d)
	}
	// The transaction lives, and a late KILL does not hit its next statement.
	for range 50 {
		if err := c.Kill(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := one(t, c, "SELECT count(*) FROM t"); got != "1" || c.Broken() || !c.InTransaction() {
			t.Fatal(got, c.Broken(), c.InTransaction())
		}
	}
	if _, err := c.Query(context.Background(), "COMMIT"); err != nil {
		t.Error(err)
	}
	c.Release()
}

// LOAD DATA reads its file in @@collation_database's character set, which a reset alone makes the server's.
func TestResetKeepsTheDatabase(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	schema(t, p, "kept", "ALTER DATABASE kept COLLATE latin1_bin")
	w := leaf1
	w.Schema = "kept"
	c := get(t, p, w)
	defer c.Release()
	for range 2 {
		if got := one(t, c, "SELECT DATABASE(), @@collation_database"); got != "kept|latin1_bin" {
			t.Error(got)
		}
		c.needsReset = true
		if err := c.retarget(context.Background(), w); err != nil || c.needsReset {
			t.Fatal(err, c.needsReset)
		}
	}
}

func TestResetOnReleaseIsPrompt(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	schema(t, p, "locked", "CREATE TABLE locked.t (a int primary key) ENGINE=InnoDB")
	w := leaf1
	w.Schema = "locked"
	c := get(t, p, w)
	other := get(t, p, w)
	defer other.Release()
	query(t, c, "LOCK TABLES t WRITE")
	c.ResetOnRelease()
	c.Release()
	query(t, other, "SET lock_wait_timeout=5")
	other.ResetOnRelease()
	if got := one(t, other, "SELECT count(*) FROM t"); got != "0" {
		t.Error(got)
	}
}
