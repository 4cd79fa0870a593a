package mariadb

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A partition's decisions come to be with the transactions that they are about, once, and in the partition's domain; sessions that serve something else can't make
// them. Servers of earlier versions learn it.
func TestDecisions(t *testing.T) {
	farm := farmtest.Shared(t, 2)
	s, pools := servers(t, farm)
	ctx := context.Background()
	leaf := farm.Leaves()[0].Name
	if _, err := s.at(ctx, leaf, unlogged, "DROP TABLE orbweaver.decisions", "DROP PROCEDURE orbweaver.decide", "UPDATE orbweaver.installed SET version=1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Install(ctx, leaf); err != nil {
		t.Fatal(err)
	}
	// A server that nobody could install anything at learns it when it is to be a master.
	if _, err := s.at(ctx, leaf, unlogged, "DROP TABLE orbweaver.terms", "UPDATE orbweaver.installed SET version=1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ctx, leaf, "dec_0", 81, 1); err != nil {
		t.Fatal(err)
	}
	c, err := pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	c.ResetOnRelease()
	refused := func(code uint16, sql string) {
		t.Helper()
		var refused *wire.ServerError
		if _, err := c.Query(ctx, sql); !errors.As(err, &refused) || refused.Code != code {
			t.Errorf("%s: %v", sql, err)
		}
	}
	run := func(all ...string) string {
		t.Helper()
		last := ""
		for _, sql := range all {
			res, err := c.Query(ctx, sql)
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			if last = ""; len(res.Rows) > 0 {
				last = string(res.Rows[0][0])
			}
		}
		return last
	}
	refused(1777, "CALL orbweaver.decide('dec_0', 1, 2)")
	run("CALL orbweaver.serve('dec_0', 81)")
	refused(1777, "CALL orbweaver.decide('dec_1', 1, 2)")
	const rows = "SELECT GROUP_CONCAT(CONCAT_WS(' ', `partition`, owner, seq, outcome, ABS(TIMESTAMPDIFF(SECOND, at, SYSDATE())) < 3600)) FROM orbweaver.decisions WHERE `partition`='dec_0'"
	run("SET timestamp=86400", "START TRANSACTION", "CALL orbweaver.decide('dec_0', 1, 2)", "ROLLBACK")
	if got := run(rows); got != "" {
		t.Errorf("a transaction that was rolled back has decided: %s", got)
	}
	run("START TRANSACTION", "CALL orbweaver.decide('dec_0', 18446744073709551615, 1795000000000000)", "COMMIT")
	if got := run(rows); got != "dec_0 18446744073709551615 1795000000000000 committed 1" {
		t.Error(got)
	}
	if got := run("SELECT @@last_gtid"); !strings.HasPrefix(got, "81-") {
		t.Errorf("the decision was written to %s", got)
	}
	run("START TRANSACTION")
	refused(1062, "CALL orbweaver.decide('dec_0', 18446744073709551615, 1795000000000000)")
	run("ROLLBACK", "DELETE FROM orbweaver.decisions WHERE `partition`='dec_0'")
	if err := s.Drop(ctx, leaf, "dec_0"); err != nil {
		t.Fatal(err)
	}
}
