package backend

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// A branch whose connection was closed can be ended once Outlive has returned: what was prepared is there. Before, the server may say OK and do nothing.
func TestOutlive(t *testing.T) {
	p := poolsFor(t, farmtest.Shared(t, 1))
	schema(t, p, "outlive", "CREATE TABLE outlive.t (a int primary key) ENGINE=InnoDB")
	w := leaf1
	w.Schema = "outlive"
	other := get(t, p, w)
	defer other.Release()
	for i := range 20 {
		c := get(t, p, w)
		x := fmt.Sprintf("'outlive %d'", i)
		for _, sql := range []string{"XA START " + x, fmt.Sprintf("INSERT INTO t VALUES (%d)", i), "XA END " + x, "XA PREPARE " + x} {
			query(t, c, sql)
		}
		if i == 0 { // as long as it is open
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			if err := other.Outlive(ctx, c.Thread()); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
			if other.InTransaction() {
				t.Error("it is in a transaction")
			}
		}
		c.Discard()
		c.Release()
		if err := other.Outlive(context.Background(), 1<<31, c.Thread()); err != nil {
			t.Fatal(err)
		}
		query(t, other, "XA COMMIT "+x)
		if got := one(t, other, fmt.Sprintf("SELECT COUNT(*) FROM t WHERE a=%d", i)); got != "1" {
			t.Fatalf("branch %d was lost", i)
		}
		if other.InTransaction() {
			t.Error("it is in a transaction")
		}
	}
	if err := other.Outlive(context.Background()); err != nil {
		t.Error(err)
	}
}
