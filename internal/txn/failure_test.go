package txn

import (
	"errors"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// refusing lends connections on which something is refused before the statement, as START TRANSACTION is that a KILL QUERY has met.
type refusing struct{ *Session }

func (r refusing) run(n int) error {
	c, err := r.Conn(ctx, place(n))
	if err != nil {
		return err
	}
	c.Queue("SIGNAL SQLSTATE '70100' SET MYSQL_ERRNO = 1317")
	_, err = c.Query(ctx, "INSERT INTO t VALUES (99, 99)")
	return r.Done(c, err)
}

// A partition that refuses to begin has no part in the transaction, which goes on, and may come to it again. One that has a part and refuses what the rest relies on
// ends the transaction, and the client hears of it.
func TestRefusedBeforeTheStatement(t *testing.T) {
	e := newEnv(t, farmtest.Start(t, 2))
	s := e.session()
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	var prepare *backend.PrepareError
	if err := (refusing{s}).run(1); !errors.As(err, &prepare) || !s.InTransaction() {
		t.Fatalf("%v; in a transaction: %v", err, s.InTransaction())
	}
	e.must(s, 1, "INSERT INTO t VALUES (2, 2)")
	e.must(s, 0, "INSERT INTO t VALUES (3, 3)")
	if _, err := s.Commit(ctx, End{}); err != nil {
		t.Fatal(err)
	}
	before := e.rows()
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (4, 4)")
	e.must(s, 1, "INSERT INTO t VALUES (5, 5)")
	var lost *LostError
	if err := (refusing{s}).run(1); !errors.As(err, &lost) || s.InTransaction() {
		t.Fatalf("%v; in a transaction: %v", err, s.InTransaction())
	}
	if _, err := s.Conn(ctx, place(2)); !errors.As(err, &lost) { // also for what the same statement has still to do
		t.Fatal(err)
	}
	if err := s.EndStatement(); !errors.As(err, &lost) {
		t.Errorf("the end of the statement tells %v", err)
	}
	e.check(before)
	// What is heard of first is not all that the client must hear.
	if err := Graver(&backend.LeafDownError{}, &wire.ServerError{Code: wire.ErDeadlock}); !Over(err) {
		t.Errorf("%v", err)
	}
}
